-- 0001_tasks.sql: owners and their tasks, each row behind two walls: every statement filters by
-- user_id, and row-level security compares it with app.user_id, which todo.enter() sets for one
-- transaction. Run as a role that may create roles (or with todo_owner and todo_app made before).

DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'todo_owner') THEN
        CREATE ROLE todo_owner NOLOGIN;
    END IF;
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'todo_app') THEN
        CREATE ROLE todo_app LOGIN;
    END IF;
END
$$;

CREATE TYPE todo.priority AS ENUM ('low', 'medium', 'high', 'critical');

-- One row per owner. change_seq counts the committed changes to the owner's tasks (contract,
-- section 4); epoch tells an account that was deleted and made again from the one before.
CREATE TABLE todo.users (
    id text COLLATE "C" PRIMARY KEY CHECK (octet_length(id) BETWEEN 1 AND 255),
    email text CHECK (octet_length(email) <= 320),
    name text CHECK (octet_length(name) <= 200),
    change_seq bigint NOT NULL DEFAULT 0 CHECK (change_seq >= 0),
    purged_seq bigint NOT NULL DEFAULT 0 CHECK (purged_seq >= 0),
    epoch bigint NOT NULL DEFAULT (1 + floor(random() * 4503599627370496))::bigint,
    created_at timestamptz NOT NULL DEFAULT now()
) WITH (fillfactor = 70); -- room for the counter's HOT updates

CREATE TABLE todo.tasks (
    user_id text COLLATE "C" NOT NULL REFERENCES todo.users ON DELETE CASCADE,
    id bigint GENERATED ALWAYS AS IDENTITY,
    title text NOT NULL CHECK (char_length(title) BETWEEN 1 AND 200),
    description text CHECK (char_length(description) <= 1000),
    completed boolean NOT NULL DEFAULT false,
    completed_at timestamptz,
    priority todo.priority NOT NULL DEFAULT 'medium',
    due_date timestamptz,
    tags text[] NOT NULL DEFAULT '{}' CHECK (cardinality(tags) <= 10),
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    version bigint NOT NULL CHECK (version > 0),
    deleted_at timestamptz,
    PRIMARY KEY (user_id, id),
    CHECK (completed = (completed_at IS NOT NULL))
);

CREATE UNIQUE INDEX tasks_version ON todo.tasks (user_id, version);

-- Enters a user's context until the end of the transaction. The one place that Citus would change.
CREATE FUNCTION todo.enter(user_id text) RETURNS text
    LANGUAGE sql VOLATILE
    AS $$ SELECT set_config('app.user_id', user_id, true) $$;

ALTER TABLE todo.users ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE todo.tasks ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY own ON todo.users USING (id = current_setting('app.user_id', true));
CREATE POLICY own ON todo.tasks USING (user_id = current_setting('app.user_id', true));

GRANT USAGE ON SCHEMA todo TO todo_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON todo.users, todo.tasks TO todo_app;
GRANT SELECT ON todo.schema_migrations TO todo_app;

REVOKE ALL ON FUNCTION todo.enter(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION todo.enter(text) TO todo_app;
ALTER TYPE todo.priority OWNER TO todo_owner;
ALTER TABLE todo.users OWNER TO todo_owner;
ALTER TABLE todo.tasks OWNER TO todo_owner;
ALTER FUNCTION todo.enter(text) OWNER TO todo_owner;

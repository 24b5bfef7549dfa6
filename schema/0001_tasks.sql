-- 0001_tasks.sql: owners and their tasks, each row behind two walls: every statement filters by
-- user_id, and row-level security compares it with app.user_id, which todo.enter() sets for one
-- transaction. Needs 0000; run each in one transaction (todoctl migrate, or psql -1 -f).

-- How a worker's connection behaves in this database. Only who may alter the role can say so; the
-- workers are right without it, but plan more often and hold on longer to what a lost one left.
DO $$
DECLARE
    setting text;
BEGIN
    FOREACH setting IN ARRAY ARRAY[
        -- One plan per prepared statement: planning costs more than a list of one user's tasks.
        'plan_cache_mode = force_generic_plan',
        'jit = off',
        -- The lock on the users row works because the next statement sees what was committed.
        'default_transaction_isolation = ''read committed''',
        -- The workers keep their own, shorter deadline; these end what a lost worker left behind.
        'client_connection_check_interval = ''2s''',
        'statement_timeout = ''60s''',
        'idle_in_transaction_session_timeout = ''15s'''
    ] LOOP
        EXECUTE format('ALTER ROLE todo_app IN DATABASE %I SET %s', current_database(), setting);
    END LOOP;
EXCEPTION
    WHEN insufficient_privilege THEN
        RAISE WARNING 'no right to alter todo_app: its settings are left as they are';
END
$$;

SET ROLE todo_owner;

CREATE TYPE todo.priority AS ENUM ('low', 'medium', 'high', 'critical');

-- One row per owner. change_seq counts the committed changes to the owner's tasks (contract,
-- section 4); purged_seq is the highest version that a purge removed; epoch tells an account that
-- was deleted and made again from the one before. No id is '': outside a transaction that has
-- entered a user's context, app.user_id is that.
CREATE TABLE todo.users (
    id text COLLATE "C" PRIMARY KEY CHECK (octet_length(id) BETWEEN 1 AND 255),
    email text CHECK (octet_length(email) <= 320),
    name text CHECK (octet_length(name) <= 200),
    change_seq bigint NOT NULL DEFAULT 0 CHECK (change_seq >= 0),
    purged_seq bigint NOT NULL DEFAULT 0 CHECK (purged_seq >= 0),
    epoch bigint NOT NULL DEFAULT (1 + floor(random() * 4503599627370496))::bigint,
    created_at timestamptz NOT NULL DEFAULT now()
) WITH (fillfactor = 70); -- room for the counter's HOT updates

-- The sequence of id is shared by all users, so an id is one task's for good.
CREATE TABLE todo.tasks (
    user_id text COLLATE "C" NOT NULL REFERENCES todo.users ON DELETE CASCADE,
    id bigint GENERATED ALWAYS AS IDENTITY,
    title text NOT NULL CHECK (char_length(title) BETWEEN 1 AND 200),
    description text CHECK (char_length(description) <= 1000),
    completed boolean NOT NULL DEFAULT false,
    completed_at timestamptz,
    priority todo.priority NOT NULL DEFAULT 'medium',
    due_date timestamptz CHECK (due_date >= '0001-01-01 00:00:00+00'
                                AND due_date < '10000-01-01 00:00:00+00'),
    tags text[] NOT NULL DEFAULT '{}' CHECK (cardinality(tags) <= 10
                                             AND array_position(tags, NULL) IS NULL),
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    version bigint NOT NULL CHECK (version > 0),
    deleted_at timestamptz, -- when it went to the trash
    PRIMARY KEY (user_id, id),
    CHECK (completed = (completed_at IS NOT NULL))
);

CREATE UNIQUE INDEX tasks_version ON todo.tasks (user_id, version);

-- Enters a user's context until the end of the transaction. The one place that Citus would change
-- (there: EXECUTE of SET LOCAL, since set_config does not reach its workers).
CREATE FUNCTION todo.enter(user_id text) RETURNS text
    LANGUAGE sql VOLATILE
    RETURN pg_catalog.set_config('app.user_id', user_id, true);

ALTER TABLE todo.users ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE todo.tasks ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY own ON todo.users USING (id = current_setting('app.user_id', true));
CREATE POLICY own ON todo.tasks USING (user_id = current_setting('app.user_id', true));

REVOKE ALL ON FUNCTION todo.enter(text) FROM PUBLIC;
REVOKE ALL ON TYPE todo.priority FROM PUBLIC;
GRANT SELECT, INSERT, UPDATE, DELETE ON todo.users, todo.tasks TO todo_app;
GRANT EXECUTE ON FUNCTION todo.enter(text) TO todo_app;
GRANT USAGE ON TYPE todo.priority TO todo_app;

INSERT INTO todo.schema_migrations (version, name) VALUES (1, 'tasks');

RESET ROLE;

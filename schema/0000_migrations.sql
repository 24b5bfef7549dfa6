-- 0000_migrations.sql: the two roles, the settings of the workers' one, the schema, and the table
-- where migrations are recorded.
-- Runs before every migration, so each statement must be one that can be repeated.
--
-- It needs CREATE on the database and, unless both roles exist already, CREATEROLE; not a
-- superuser. todo_owner owns everything and nobody logs in as it; todo_app is what the workers are:
-- it owns nothing. Give it a password or an authentication rule yourself.

-- In another encoding the limits of texts would count bytes, and some texts could not be written. A
-- database that is used already is left to `todoctl check`.
DO $$
BEGIN
    IF current_setting('server_encoding') <> 'UTF8'
        AND pg_catalog.to_regclass('todo.schema_migrations') IS NULL
    THEN
        RAISE EXCEPTION
            'the database is %, not UTF8: make one with createdb -T template0 -E UTF8 -l C.UTF-8',
            current_setting('server_encoding');
    END IF;
END
$$;

DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'todo_owner') THEN
        CREATE ROLE todo_owner NOLOGIN;
    END IF;
    IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'todo_app') THEN
        CREATE ROLE todo_app LOGIN;
    END IF;
EXCEPTION
    -- Another database of the cluster is being migrated: it made the same roles meanwhile.
    WHEN duplicate_object OR unique_violation THEN NULL;
END
$$;

-- What follows belongs to todo_owner, so an administrator who is no superuser has to be a member;
-- one who may not make itself a member is told so by SET ROLE.
DO $$
BEGIN
    IF NOT pg_catalog.pg_has_role(current_user, 'todo_owner', 'USAGE') THEN
        GRANT todo_owner TO CURRENT_USER;
    END IF;
EXCEPTION
    WHEN insufficient_privilege THEN NULL;
END
$$;

-- What 0001 and 0004 set, and explain, once more: a dump of the database does not have it. What has
-- another value by now keeps that.
DO $$
DECLARE
    setting record;
BEGIN
    FOR setting IN
        SELECT wanted.name, wanted.value
        FROM (VALUES ('plan_cache_mode', 'force_generic_plan'),
                     ('jit', 'off'),
                     ('default_transaction_isolation', 'read committed'),
                     ('client_connection_check_interval', '2s'),
                     ('statement_timeout', '60s'),
                     ('idle_in_transaction_session_timeout', '15s'),
                     ('enable_seqscan', 'off'),
                     ('enable_bitmapscan', 'off')) AS wanted (name, value)
        WHERE wanted.name NOT IN (
            SELECT split_part(unnest(s.setconfig), '=', 1)
            FROM pg_catalog.pg_db_role_setting s
            JOIN pg_catalog.pg_database d ON d.oid = s.setdatabase
            WHERE d.datname = current_database() AND s.setrole = 'todo_app'::regrole)
    LOOP
        EXECUTE format('ALTER ROLE todo_app IN DATABASE %I SET %I = %L',
                       current_database(), setting.name, setting.value);
    END LOOP;
EXCEPTION
    WHEN insufficient_privilege THEN
        RAISE WARNING 'no right to alter todo_app: its settings are left as they are';
END
$$;

CREATE SCHEMA IF NOT EXISTS todo AUTHORIZATION todo_owner;

SET ROLE todo_owner;

-- Every numbered file ends by entering itself here, so that `psql -1 -f` and `todoctl migrate` leave
-- the same mark; migrate adds the checksum, also later for a file that psql ran.
CREATE TABLE IF NOT EXISTS todo.schema_migrations (
    version integer PRIMARY KEY CHECK (version > 0),
    name text NOT NULL,
    checksum text CHECK (checksum ~ '^[0-9a-f]{64}$'), -- SHA-256 of the file; null: run by psql
    applied_at timestamptz NOT NULL DEFAULT now()
);

GRANT USAGE ON SCHEMA todo TO todo_app;
GRANT SELECT ON todo.schema_migrations TO todo_app;

RESET ROLE;

-- 0006_domains.sql: the rules of a column as those of a domain. PostgreSQL reads and compiles the
-- CHECK constraints of a table anew in each statement that writes a row, which was a tenth of the
-- time of a create; the rules of a domain are compiled once a session.
--
-- Types first and rules last, so that no row and no index is written anew: a column that gets a
-- type with rules is, one whose type gets rules is only read. What no single column can tell stays
-- a CHECK constraint.

SET ROLE todo_owner;

-- All that the change of users.id locks, at once and first: requests lock the same tables in other
-- orders. Who cannot have them all soon gives them back, and lets the others pass, before anybody
-- looks for a deadlock.
DO $$
BEGIN
    PERFORM set_config('lock_timeout', '200ms', true);
    FOR attempt IN 1..100 LOOP
        BEGIN
            LOCK TABLE todo.users, todo.tasks, todo.idempotency_keys, todo.credentials, todo.sessions;
            RETURN;
        EXCEPTION WHEN lock_not_available THEN
            PERFORM pg_sleep(0.05);
        END;
    END LOOP;
    RAISE 'the tables are in use without a break: try again when less is asked for';
END
$$;

CREATE DOMAIN todo.user_id AS text COLLATE "C";
CREATE DOMAIN todo.email AS text;
CREATE DOMAIN todo.user_name AS text;
CREATE DOMAIN todo.change_count AS bigint;
CREATE DOMAIN todo.title AS text;
CREATE DOMAIN todo.description AS text;
CREATE DOMAIN todo.due_date AS timestamptz;
CREATE DOMAIN todo.tags AS text[];
CREATE DOMAIN todo.version AS bigint;

DROP POLICY own ON todo.users; -- it names the id, whose type could not change below it
ALTER TABLE todo.users
    DROP CONSTRAINT users_id_check,
    DROP CONSTRAINT users_email_check,
    DROP CONSTRAINT users_name_check,
    DROP CONSTRAINT users_change_seq_check,
    DROP CONSTRAINT users_purged_seq_check,
    ALTER id TYPE todo.user_id,
    ALTER email TYPE todo.email,
    ALTER name TYPE todo.user_name,
    ALTER change_seq TYPE todo.change_count,
    ALTER purged_seq TYPE todo.change_count;
CREATE POLICY own ON todo.users USING (id = current_setting('app.user_id', true));

ALTER TABLE todo.tasks
    DROP CONSTRAINT tasks_title_check,
    DROP CONSTRAINT tasks_description_check,
    DROP CONSTRAINT tasks_due_date_check,
    DROP CONSTRAINT tasks_tags_check,
    DROP CONSTRAINT tasks_version_check,
    ALTER title TYPE todo.title,
    ALTER description TYPE todo.description,
    ALTER due_date TYPE todo.due_date,
    ALTER tags TYPE todo.tags,
    ALTER version TYPE todo.version;

ALTER DOMAIN todo.user_id ADD CHECK (octet_length(VALUE) BETWEEN 1 AND 255);
ALTER DOMAIN todo.email ADD CHECK (octet_length(VALUE) <= 320);
ALTER DOMAIN todo.user_name ADD CHECK (octet_length(VALUE) <= 200);
ALTER DOMAIN todo.change_count ADD CHECK (VALUE >= 0);
ALTER DOMAIN todo.title ADD CHECK (char_length(VALUE) BETWEEN 1 AND 200);
ALTER DOMAIN todo.description ADD CHECK (char_length(VALUE) <= 1000);
ALTER DOMAIN todo.due_date ADD CHECK (VALUE >= '0001-01-01 00:00:00+00'
                                      AND VALUE < '10000-01-01 00:00:00+00');
ALTER DOMAIN todo.tags ADD CHECK (cardinality(VALUE) <= 10 AND array_position(VALUE, NULL) IS NULL);
ALTER DOMAIN todo.version ADD CHECK (VALUE > 0);

REVOKE ALL ON TYPE todo.user_id, todo.email, todo.user_name, todo.change_count, todo.title,
    todo.description, todo.due_date, todo.tags, todo.version FROM PUBLIC;
GRANT USAGE ON TYPE todo.user_id, todo.email, todo.user_name, todo.change_count, todo.title,
    todo.description, todo.due_date, todo.tags, todo.version TO todo_app;

ANALYZE todo.users, todo.tasks; -- what was known of the columns went with their types

INSERT INTO todo.schema_migrations (version, name) VALUES (6, 'domains');

RESET ROLE;

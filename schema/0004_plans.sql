-- 0004_plans.sql: whatever the statistics say, or do not say yet, a worker finds the rows of its
-- user, and of no other, by an index; and a list in an index's order stops when the page is full.
-- Every statement of the workers names the user, so nothing is lost: a plan that reads a whole table
-- or sorts a user's every task for the first fifty is chosen only where the planner guesses wrong.
-- Only who may alter the role can say so; the workers are right without it.

DO $$
DECLARE
    setting text;
BEGIN
    FOREACH setting IN ARRAY ARRAY['enable_seqscan = off', 'enable_bitmapscan = off'] LOOP
        EXECUTE format('ALTER ROLE todo_app IN DATABASE %I SET %s', current_database(), setting);
    END LOOP;
EXCEPTION
    WHEN insufficient_privilege THEN
        RAISE WARNING 'no right to alter todo_app: its settings are left as they are';
END
$$;

SET ROLE todo_owner;

INSERT INTO todo.schema_migrations (version, name) VALUES (4, 'plans');

RESET ROLE;

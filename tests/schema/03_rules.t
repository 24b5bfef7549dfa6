-- SPDX-License-Identifier: ISC
-- 03_rules.t: what the tables refuse, whatever the program lets through; and what goes when a user
-- goes. Run as the workers.
BEGIN;
CREATE EXTENSION IF NOT EXISTS pgtap;
SELECT plan(50);

SET SESSION AUTHORIZATION todo_app;
SELECT is(todo.enter('alice'), 'alice', 'alice enters');
INSERT INTO todo.users (id) VALUES ('alice');

SELECT is(change_seq::bigint, 0::bigint, 'a new user''s counter is 0') FROM todo.users;
SELECT is(purged_seq::bigint, 0::bigint, 'and nothing of hers was purged') FROM todo.users;
SELECT ok(epoch > 0, 'her epoch is there') FROM todo.users;

-- Columns, their values, and the SQLSTATE that these give ('' for none).
CREATE FUNCTION pg_temp.attempt(columns text, expressions text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    state text := '';
BEGIN
    BEGIN
        EXECUTE format('INSERT INTO todo.tasks (user_id, version, %s) VALUES (''alice'', '
                       '(SELECT 1 + coalesce(max(version), 0) FROM todo.tasks), %s)',
                       columns, expressions);
    EXCEPTION WHEN others THEN
        state := SQLSTATE;
    END;
    RETURN state;
END
$$;

SELECT is(pg_temp.attempt(columns, expressions), state, columns || ' ' || left(expressions, 60))
FROM (VALUES
    ('title', '''''', '23514'),
    ('title', 'NULL', '23502'),
    ('title', '''x''', ''),
    ('title', 'repeat(''x'', 200)', ''),
    ('title', 'repeat(''x'', 201)', '23514'),
    ('title', 'repeat(''😀'', 200)', ''),
    ('title', 'repeat(''😀'', 201)', '23514'),
    ('title, description', '''t'', NULL', ''),
    ('title, description', '''t'', ''''', ''),
    ('title, description', '''t'', repeat(''😀'', 1000)', ''),
    ('title, description', '''t'', repeat(''😀'', 1001)', '23514'),
    ('title, completed', '''t'', true', '23514'),
    ('title, completed, completed_at', '''t'', true, now()', ''),
    ('title, completed, completed_at', '''t'', false, now()', '23514'),
    ('title, priority', '''t'', ''critical''', ''),
    ('title, priority', '''t'', ''urgent''', '22P02'),
    ('title, priority', '''t'', NULL', '23502'),
    ('title, due_date', '''t'', ''0001-01-01 00:00:00+00''', ''),
    ('title, due_date', '''t'', ''0001-01-01 00:00:00+00''::timestamptz - interval ''1 us''', '23514'),
    ('title, due_date', '''t'', ''9999-12-31 23:59:59.999999+00''', ''),
    ('title, due_date', '''t'', ''10000-01-01 00:00:00+00''', '23514'),
    ('title, due_date', '''t'', ''infinity''', '23514'),
    ('title, due_date', '''t'', ''-infinity''', '23514'),
    ('title, tags', '''t'', ''{}''', ''),
    ('title, tags', '''t'', NULL', '23502'),
    ('title, tags', '''t'', array_fill(''x''::text, ARRAY[10])', ''),
    ('title, tags', '''t'', array_fill(''x''::text, ARRAY[11])', '23514'),
    ('title, tags', '''t'', ARRAY[''x'', NULL]', '23514'),
    ('title, tags', '''t'', ARRAY[ARRAY[''x'', ''y'']]', '0A000'),
    ('title, id', '''t'', 1', '428C9')
) AS cases (columns, expressions, state);

SELECT throws_ok($$ INSERT INTO todo.tasks (user_id, title, version) VALUES ('alice', 't', 0) $$,
                 '23514', NULL, 'versions begin at 1');
SELECT throws_ok($$ INSERT INTO todo.tasks (user_id, title, version) VALUES ('alice', 't', 1) $$,
                 '23505', NULL, 'no version is there twice');
SELECT throws_ok($$ UPDATE todo.tasks SET id = 7 $$, '428C9', NULL, 'an id never changes');
SELECT throws_ok($$ UPDATE todo.users SET change_seq = -1 $$, '23514', NULL, 'a counter is no debt');
SELECT throws_ok($$ INSERT INTO todo.users (id) VALUES ('alice') $$, '23505', NULL,
                 'a user is there once');

-- Ids of users: 1 to 255 bytes.
SELECT is(length(todo.enter(repeat('é', 127) || 'x')), 128, 'a long name enters');
SELECT lives_ok($$ INSERT INTO todo.users (id) VALUES (repeat('é', 127) || 'x') $$, '255 bytes');
SELECT is(length(todo.enter(repeat('é', 128))), 128, 'one that is longer enters');
SELECT throws_ok($$ INSERT INTO todo.users (id) VALUES (repeat('é', 128)) $$, '23514', NULL,
                 'but 256 bytes are no user');

-- Two users' ids come from one sequence; versions do not.
INSERT INTO todo.tasks (user_id, title, version)
SELECT id, 't', 1 FROM (SELECT todo.enter(repeat('é', 127) || 'x') AS id) AS entered;
RESET SESSION AUTHORIZATION;
SELECT is((SELECT count(*) FROM (SELECT id FROM todo.tasks GROUP BY id HAVING count(*) > 1) AS twice),
          0::bigint, 'ids are unique over all users');
SELECT is((SELECT count(*) FROM todo.tasks WHERE version = 1), 2::bigint,
          'each user has a version 1');

-- Alice goes, and all that is hers.
SET SESSION AUTHORIZATION todo_app;
SELECT is(todo.enter('alice'), 'alice', 'alice enters');
SELECT results_eq('DELETE FROM todo.users RETURNING id::text COLLATE "default"', ARRAY['alice'], 'and deletes her account');
RESET SESSION AUTHORIZATION;
SELECT is_empty('SELECT * FROM todo.tasks WHERE user_id = ''alice''', 'her tasks are gone');
SELECT is((SELECT count(*) FROM todo.tasks), 1::bigint, 'the other user''s is there');
DELETE FROM todo.users;
SELECT is_empty('SELECT * FROM todo.tasks', 'an administrator''s DELETE cascades too');

SELECT * FROM finish();
ROLLBACK;

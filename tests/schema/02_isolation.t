-- SPDX-License-Identifier: ISC
-- 02_isolation.t: the second wall. Whatever a statement of the workers forgets, they see and change
-- the rows of the user whose context they have entered, and of nobody else.
BEGIN;
CREATE EXTENSION IF NOT EXISTS pgtap;
SELECT plan(58);

-- Written past the policies, as the superuser that the tests run as.
INSERT INTO todo.users (id, change_seq) VALUES ('alice', 2), ('bob', 1), ('o''neil/\ % "ü" 😀', 1);
INSERT INTO todo.tasks (user_id, title, version)
VALUES ('alice', 'a1', 1), ('alice', 'a2', 2), ('bob', 'b1', 1), ('o''neil/\ % "ü" 😀', 'o1', 1);
CREATE SCHEMA private;
CREATE TABLE private.secrets AS SELECT 'secret' AS word;

SET SESSION AUTHORIZATION todo_app;

-- Nobody's context: no setting at all, the '' that a transaction leaves behind, and a stranger's.
SELECT is(current_setting('app.user_id', true), NULL, 'no context has been entered yet');
SELECT is_empty('SELECT * FROM todo.users', 'without a context there are no users');
SELECT is_empty('SELECT * FROM todo.tasks', 'without a context there are no tasks');
SELECT is_empty('UPDATE todo.tasks SET title = ''x'' RETURNING id', 'nor can any be changed');
SELECT is_empty('DELETE FROM todo.users RETURNING id', 'nor deleted');
SELECT throws_ok($$ INSERT INTO todo.users (id) VALUES ('carol') $$, '42501', NULL, 'nor made');
SELECT is(todo.enter(''), '', 'the empty context');
SELECT is_empty('SELECT * FROM todo.users', 'is nobody''s: no users');
SELECT is_empty('SELECT * FROM todo.tasks', 'and no tasks');
SELECT throws_ok($$ INSERT INTO todo.users (id) VALUES ('') $$, '23514', NULL, 'nor may one be ''''');
SELECT is(todo.enter('ALICE'), 'ALICE', 'a user whose name differs in case');
SELECT is_empty('SELECT * FROM todo.tasks', 'is another user');
SELECT is(todo.enter('alice '), 'alice ', 'and so is one whose name ends in a space');
SELECT is_empty('SELECT * FROM todo.tasks', 'with no tasks');

-- Alice's context.
SELECT is(todo.enter('alice'), 'alice', 'alice enters');
SELECT results_eq('SELECT id::text COLLATE "default" FROM todo.users', ARRAY['alice'], 'and sees herself alone');
SELECT bag_eq('SELECT title::text FROM todo.tasks', ARRAY['a1', 'a2'], 'and her tasks alone');
SELECT is_empty($$ SELECT * FROM todo.tasks WHERE user_id = 'bob' $$, 'not those she asks for');
SELECT is_empty($$ SELECT * FROM todo.tasks WHERE user_id <> 'alice' OR true AND user_id = 'bob' $$,
                'however she asks');
SELECT is((SELECT count(*) FROM todo.users u, todo.tasks t WHERE t.user_id <> u.id), 0::bigint,
          'nor by a join');
SELECT results_eq($$ UPDATE todo.tasks SET title = 'mine' RETURNING user_id COLLATE "default" $$,
                  ARRAY['alice', 'alice'], 'an UPDATE without WHERE changes her tasks alone');
SELECT is_empty($$ UPDATE todo.users SET change_seq = 9 WHERE id = 'bob' RETURNING id $$,
                'bob''s counter is out of reach');
SELECT is_empty($$ DELETE FROM todo.tasks WHERE user_id = 'bob' RETURNING id $$, 'so are his tasks');
SELECT is_empty($$ SELECT id FROM todo.users WHERE id = 'bob' FOR NO KEY UPDATE $$,
                'his row cannot be locked');
SELECT throws_ok($$ INSERT INTO todo.tasks (user_id, title, version) VALUES ('bob', 'x', 7) $$,
                 '42501', NULL, 'no task can be slipped into bob''s list');
SELECT throws_ok($$ INSERT INTO todo.users (id) VALUES ('carol') $$, '42501', NULL,
                 'no other user can be made');
SELECT throws_ok($$ INSERT INTO todo.users (id) VALUES ('bob')
                    ON CONFLICT (id) DO UPDATE SET change_seq = 9 $$,
                 '42501', NULL, 'nor changed by way of a conflict');
SELECT throws_ok($$ UPDATE todo.tasks SET user_id = 'bob' $$, '42501', NULL,
                 'no task can be given away');
SELECT throws_ok($$ UPDATE todo.users SET id = 'carol' $$, '42501', NULL,
                 'nor can she become somebody else');
SELECT throws_ok($$ SET LOCAL row_security = off; SELECT * FROM todo.tasks $$, '42501', NULL,
                 'row_security = off is an error, not a way round');

-- A name full of what quoting gets wrong.
SELECT is(todo.enter('o''neil/\ % "ü" 😀'), 'o''neil/\ % "ü" 😀', 'an awkward name enters');
SELECT results_eq('SELECT title::text FROM todo.tasks', ARRAY['o1'], 'and sees its own tasks');
SELECT is(todo.enter('bob'' OR ''1''=''1'), 'bob'' OR ''1''=''1', 'an injection is a name');
SELECT is_empty('SELECT * FROM todo.tasks', 'that owns nothing');

-- No way up: the wall cannot be taken down from inside.
SELECT is(todo.enter('alice'), 'alice', 'alice enters again');
SELECT throws_ok(statement, '42501', NULL, statement)
FROM unnest(ARRAY[
    'ALTER TABLE todo.tasks DISABLE ROW LEVEL SECURITY',
    'ALTER TABLE todo.tasks NO FORCE ROW LEVEL SECURITY',
    'ALTER TABLE todo.tasks DISABLE TRIGGER ALL',
    'ALTER TABLE todo.tasks OWNER TO todo_app',
    'DROP POLICY own ON todo.tasks',
    'CREATE POLICY everything ON todo.tasks USING (true)',
    'SET ROLE todo_owner',
    'GRANT todo_owner TO todo_app',
    'ALTER ROLE todo_app BYPASSRLS',
    'SET session_replication_role = replica',
    'CREATE TABLE todo.mine (a integer)',
    'CREATE TABLE public.mine (a integer)',
    'CREATE FUNCTION todo.mine() RETURNS integer LANGUAGE sql RETURN 1',
    'CREATE OR REPLACE FUNCTION todo.enter(user_id text) RETURNS text LANGUAGE sql RETURN ''x''',
    'CREATE SCHEMA mine',
    'DROP TABLE todo.tasks',
    'TRUNCATE todo.tasks',
    'CREATE INDEX ON todo.tasks (title)',
    'INSERT INTO todo.schema_migrations (version, name) VALUES (99, ''x'')',
    'SELECT setval(''todo.tasks_id_seq'', 1)',
    'SELECT * FROM private.secrets',
    'COPY (SELECT 1) TO PROGRAM ''true'''
]) AS statement;

RESET SESSION AUTHORIZATION;
SELECT results_eq('SELECT title::text FROM todo.tasks WHERE user_id = ''bob''', ARRAY['b1'],
                  'bob has what he had');

SELECT * FROM finish();
ROLLBACK;

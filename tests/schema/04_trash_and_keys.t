-- SPDX-License-Identifier: ISC
-- 04_trash_and_keys.t: the owner finds what is to be purged, of everybody, and can do no more with
-- it; the workers find nothing that is not their user's.
BEGIN;
CREATE EXTENSION IF NOT EXISTS pgtap;
SELECT plan(20);

INSERT INTO todo.users (id, change_seq) VALUES ('alice', 2), ('bob', 2);
INSERT INTO todo.tasks (user_id, title, version, deleted_at)
VALUES ('alice', 'a1', 1, NULL), ('alice', 'a2', 2, now()), ('bob', 'b1', 1, NULL), ('bob', 'b2', 2, now());
INSERT INTO todo.idempotency_keys (user_id, scope, payload, status, headers, body)
SELECT id, sha256(id::bytea), sha256(''), 201, '', id FROM todo.users;

-- The workers.
SET SESSION AUTHORIZATION todo_app;
SELECT is_empty('SELECT * FROM todo.idempotency_keys', 'without a context there are no keys');
SELECT is(todo.enter('alice'), 'alice', 'alice enters');
SELECT results_eq('SELECT body FROM todo.idempotency_keys', ARRAY['alice'], 'and sees her keys alone');
SELECT results_eq('SELECT title::text FROM todo.tasks WHERE deleted_at IS NOT NULL', ARRAY['a2'],
                  'and her trash alone');
SELECT is_empty('DELETE FROM todo.idempotency_keys WHERE user_id = ''bob'' RETURNING body',
                'bob''s keys are out of reach');
SELECT throws_ok($$ INSERT INTO todo.idempotency_keys (user_id, scope, payload, status, headers, body)
                    VALUES ('bob', sha256('x'), sha256(''), 201, '', '') $$,
                 '42501', NULL, 'none can be slipped in');
SELECT throws_ok($$ UPDATE todo.idempotency_keys SET body = 'x' $$, '42501', NULL,
                 'what was answered stays as it was');
RESET SESSION AUTHORIZATION;
SELECT set_config('app.user_id', '', true);

-- The owner, who is bound by row-level security too.
SET ROLE todo_owner;
SELECT is_empty('SELECT * FROM todo.users', 'the owner sees no users');
SELECT bag_eq('SELECT title::text FROM todo.tasks', ARRAY['a2', 'b2'], 'but everybody''s trash, and no other task');
SELECT bag_eq('SELECT body FROM todo.idempotency_keys', ARRAY['alice', 'bob'], 'and everybody''s keys');
SELECT is_empty('DELETE FROM todo.tasks RETURNING title', 'and removes none of it');
SELECT is_empty('UPDATE todo.tasks SET deleted_at = NULL RETURNING title', 'nor changes any');
SELECT is_empty('SELECT title FROM todo.tasks FOR UPDATE', 'nor locks any');
SELECT is_empty('DELETE FROM todo.idempotency_keys RETURNING body', 'nor removes a key');
SELECT is(todo.enter('bob'), 'bob', 'in bob''s context');
SELECT results_eq('DELETE FROM todo.tasks WHERE deleted_at IS NOT NULL RETURNING title::text', ARRAY['b2'],
                  'it empties his trash');
SELECT results_eq('DELETE FROM todo.idempotency_keys RETURNING body', ARRAY['bob'], 'and removes his keys');
RESET ROLE;

SELECT bag_eq('SELECT title::text FROM todo.tasks', ARRAY['a1', 'a2', 'b1'], 'the rest is there');

-- Going with their user.
DELETE FROM todo.users;
SELECT is_empty('SELECT * FROM todo.tasks', 'tasks go with their user');
SELECT is_empty('SELECT * FROM todo.idempotency_keys', 'and so do keys');

SELECT * FROM finish();
ROLLBACK;

-- SPDX-License-Identifier: ISC
-- 05_accounts.t: what a worker can find out about accounts: one at a time, by the name it is given.
BEGIN;
CREATE EXTENSION IF NOT EXISTS pgtap;
SELECT plan(46);

INSERT INTO todo.users (id) VALUES ('alice'), ('bob'), ('dora'), ('external');
INSERT INTO todo.credentials (user_id, email, password_hash, disabled_at)
SELECT name, initcap(name) || '@example.com', '$2b$11$' || repeat('a', 53),
       CASE name WHEN 'dora' THEN now() END
FROM unnest(ARRAY['alice', 'bob', 'dora']) name;
INSERT INTO todo.sessions (user_id, id, refresh_hash, expires_at)
SELECT name, 's-' || name, sha256(name::bytea), now() + interval '1 day'
FROM unnest(ARRAY['alice', 'bob']) name;
INSERT INTO todo.sessions (user_id, id, refresh_hash, expires_at)
VALUES ('alice', 'old', sha256('old'), now() - interval '1 s');

-- ---- the rules of the tables

SELECT throws_ok(statement, '23514', NULL, statement) FROM unnest(ARRAY[
    'UPDATE todo.credentials SET password_hash = ''password''',
    'UPDATE todo.credentials SET password_hash = ''$1$'' || repeat(''a'', 57)',
    'UPDATE todo.credentials SET email = ''a@'' || repeat(''b'', 253)',
    'UPDATE todo.sessions SET refresh_hash = ''short''',
    'UPDATE todo.sessions SET parent_hash = refresh_hash',
    'UPDATE todo.sessions SET id = ''''',
    'INSERT INTO todo.login_failures VALUES (''short'', ARRAY[now()])',
    'INSERT INTO todo.login_failures VALUES (sha256(''x''), ''{}'')'
]) AS statement;
SELECT throws_ok($$ UPDATE todo.credentials SET email = 'ALICE@EXAMPLE.COM' WHERE user_id = 'bob' $$,
                 '23505', NULL, 'an address is taken in any case');
SELECT lives_ok($$ UPDATE todo.credentials SET email = U&'\212Aate@x' WHERE user_id = 'bob' $$, 'K is not');
SELECT lives_ok($$ UPDATE todo.credentials SET email = 'kate@x' WHERE user_id = 'dora' $$, 'the Kelvin sign');

-- ---- a worker

SET SESSION AUTHORIZATION todo_app;
SELECT is_empty('SELECT user_id, email FROM todo.credentials', 'no context: no accounts to list');
SELECT is_empty('SELECT * FROM todo.sessions', 'and no sessions');
SELECT throws_ok(statement, '42501', NULL, statement) FROM unnest(ARRAY[
    'SELECT password_hash FROM todo.credentials',
    'SELECT * FROM todo.credentials',
    'SELECT * FROM todo.login_failures',
    'DELETE FROM todo.login_failures',
    'INSERT INTO todo.login_failures VALUES (sha256(''x''), ARRAY[now()])',
    'DELETE FROM todo.credentials',
    'UPDATE todo.credentials SET user_id = ''bob''',
    'UPDATE todo.credentials SET disabled_at = NULL',
    'SELECT todo.throttle_wait(sha256(''x''))',
    'SELECT todo.throttle_count(sha256(''x''))',
    'INSERT INTO todo.credentials (user_id, email, password_hash)
        VALUES (''external'', ''e@x'', ''$2b$11$'' || repeat(''a'', 53))'
]) AS statement;
SELECT todo.enter('alice');
SELECT results_eq('SELECT email FROM todo.credentials', ARRAY['Alice@example.com'], 'a context: its own');
SELECT bag_eq('SELECT id FROM todo.sessions', ARRAY['s-alice', 'old'], 'and its sessions');
SELECT throws_ok('SELECT password_hash FROM todo.credentials', '42501', NULL, 'but not the hash');
SELECT throws_ok($$ UPDATE todo.credentials SET email = 'x@y' RETURNING password_hash $$, '42501', NULL,
                 'nor by way of a change');
SELECT is_empty($$ DELETE FROM todo.sessions WHERE user_id = 'bob' RETURNING 1 $$, 'bob''s are out of reach');
SELECT is_empty($$ UPDATE todo.credentials SET revision = 9 WHERE user_id = 'bob' RETURNING 1 $$, 'entirely');
SELECT throws_ok($$ INSERT INTO todo.sessions (user_id, id, refresh_hash, expires_at)
                    VALUES ('bob', 'x', sha256('x'), now()) $$, '42501', NULL, 'no session is slipped in');

-- ---- login_attempt, login_failed, login_succeeded

PREPARE attempt(text, text) AS SELECT user_id, password_hash IS NOT NULL, revision FROM todo.login_attempt($1, $2);
SELECT results_eq($$ EXECUTE attempt('aLICE@example.com', '192.0.2.1') $$,
                  $$ VALUES ('alice', true, 1::bigint) $$, 'an account, by its address in any case');
SELECT results_eq($$ EXECUTE attempt('nobody@example.com', NULL) $$,
                  $$ VALUES (NULL::text, false, NULL::bigint) $$, 'nobody: one row all the same');
SELECT results_eq($$ EXECUTE attempt('kate@x', NULL) $$,
                  $$ VALUES (NULL::text, true, 1::bigint) $$, 'disabled: a hash, but nobody''s');
SELECT results_eq($$ EXECUTE attempt('%', NULL) $$,
                  $$ VALUES (NULL::text, false, NULL::bigint) $$, 'no patterns');
SELECT results_eq($$ EXECUTE attempt(NULL, NULL) $$,
                  $$ VALUES ('alice', true, 1::bigint) $$, 'null: that of the context');
SELECT is((SELECT sum(wait) FROM generate_series(2, 10) i, todo.login_attempt('Alice@example.com' || repeat(' ', i * 0), NULL)), 0::numeric,
          'ten attempts');
SELECT ok((SELECT wait BETWEEN 1 AND 900 AND user_id IS NULL AND password_hash IS NULL
           FROM todo.login_attempt('alice@example.com', NULL)), 'and no more');
SELECT todo.login_succeeded('ALICE@example.com');
SELECT is((SELECT wait FROM todo.login_attempt('Alice@example.com', NULL)), 0::bigint, 'before one succeeds');
SELECT is((SELECT count(*) FROM generate_series(1, 12) WHERE todo.login_failed('192.0.2.9')), 10::bigint,
          'an address fails ten times');
SELECT ok((SELECT wait > 0 FROM todo.login_attempt('bob@example.com', '192.0.2.9')), 'and waits');

-- ---- enter with a session

SELECT is(todo.enter('bob', 's-bob'), 'bob', 'a live session');
SELECT throws_ok($$ SELECT todo.enter('bob', 's-alice') $$, 'TD401', NULL, 'another''s');
SELECT throws_ok($$ SELECT todo.enter('alice', 'old') $$, 'TD401', NULL, 'one that has expired');

RESET SESSION AUTHORIZATION;
SELECT is((SELECT count(*) FROM todo.login_failures WHERE cardinality(failed_at) > 10), 0::bigint, 'short rows');
SELECT is((SELECT count(*) FROM pg_proc WHERE pronamespace = 'todo'::regnamespace AND prosecdef
           AND NOT 'search_path=pg_catalog, pg_temp' = ANY (proconfig)), 0::bigint,
          'what runs as its owner has a search path of its own');

SELECT * FROM finish();
ROLLBACK;

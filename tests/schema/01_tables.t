-- SPDX-License-Identifier: ISC
-- 01_tables.t: what is there, whose it is, and who may do what with it.
BEGIN;
CREATE EXTENSION IF NOT EXISTS pgtap;
SELECT plan(28);

SELECT tables_are('todo', ARRAY['credentials', 'idempotency_keys', 'login_failures',
                                'schema_migrations', 'sessions', 'tasks', 'users']);

PREPARE columns AS
    SELECT attrelid::regclass::text || '.' || attname || ' ' || format_type(atttypid, atttypmod)
           || CASE WHEN attnotnull THEN ' NOT NULL' ELSE '' END
           || CASE attcollation WHEN '"C"'::regcollation THEN ' COLLATE "C"' ELSE '' END
    FROM pg_attribute
    WHERE attrelid IN ('todo.users'::regclass, 'todo.tasks'::regclass) AND attnum > 0
      AND NOT attisdropped;
SELECT bag_eq('columns', ARRAY[
    'todo.users.id todo.user_id NOT NULL COLLATE "C"',
    'todo.users.email todo.email',
    'todo.users.name todo.user_name',
    'todo.users.change_seq todo.change_count NOT NULL',
    'todo.users.purged_seq todo.change_count NOT NULL',
    'todo.users.epoch bigint NOT NULL',
    'todo.users.created_at timestamp with time zone NOT NULL',
    'todo.tasks.user_id text NOT NULL COLLATE "C"',
    'todo.tasks.id bigint NOT NULL',
    'todo.tasks.title todo.title NOT NULL',
    'todo.tasks.description todo.description',
    'todo.tasks.completed boolean NOT NULL',
    'todo.tasks.completed_at timestamp with time zone',
    'todo.tasks.priority todo.priority NOT NULL',
    'todo.tasks.due_date todo.due_date',
    'todo.tasks.tags todo.tags NOT NULL',
    'todo.tasks.created_at timestamp with time zone NOT NULL',
    'todo.tasks.updated_at timestamp with time zone NOT NULL',
    'todo.tasks.version todo.version NOT NULL',
    'todo.tasks.deleted_at timestamp with time zone'
], 'columns, types, NOT NULL, collations');

SELECT domains_are('todo', ARRAY['change_count', 'description', 'due_date', 'email', 'tags', 'title',
                                 'user_id', 'user_name', 'version']);
SELECT enum_has_labels('todo', 'priority', ARRAY['low', 'medium', 'high', 'critical']);
SELECT col_is_pk('todo', 'users', 'id', 'a user is its id');
SELECT col_is_pk('todo', 'tasks', ARRAY['user_id', 'id'], 'the owner is part of a task''s key');
SELECT fk_ok('todo', 'tasks', 'user_id', 'todo', 'users', 'id');
SELECT is((SELECT confdeltype FROM pg_constraint
           WHERE conrelid = 'todo.tasks'::regclass AND contype = 'f'),
          'c'::"char", 'tasks go with their owner');
SELECT is((SELECT attidentity FROM pg_attribute
           WHERE attrelid = 'todo.tasks'::regclass AND attname = 'id'),
          'a'::"char", 'the server alone gives out ids');
SELECT indexes_are('todo', 'users', ARRAY['users_pkey']);
SELECT indexes_are('todo', 'tasks', ARRAY['tasks_pkey', 'tasks_trash', 'tasks_version']);
SELECT index_is_unique('todo', 'tasks', 'tasks_version');
SELECT has_index('todo', 'tasks', 'tasks_version', ARRAY['user_id', 'version']);

-- Everything is the owner's, and the owner is nobody's.
SELECT is_empty($$
    SELECT relname FROM pg_class
    WHERE relnamespace = 'todo'::regnamespace AND relowner <> 'todo_owner'::regrole
    UNION ALL SELECT typname FROM pg_type
    WHERE typnamespace = 'todo'::regnamespace AND typowner <> 'todo_owner'::regrole
    UNION ALL SELECT proname FROM pg_proc
    WHERE pronamespace = 'todo'::regnamespace AND proowner <> 'todo_owner'::regrole
$$, 'todo_owner owns every table, index, sequence, type and function');
SELECT schema_owner_is('todo', 'todo_owner');
SELECT is_empty($$
    SELECT rolname FROM pg_roles WHERE rolname IN ('todo_owner', 'todo_app')
    AND (rolsuper OR rolbypassrls OR rolcreaterole OR rolcreatedb OR rolreplication)
$$, 'neither role has an attribute');
SELECT is((SELECT rolcanlogin FROM pg_roles WHERE rolname = 'todo_owner'), false,
          'nobody logs in as todo_owner');
SELECT is_empty($$ SELECT roleid::regrole FROM pg_auth_members WHERE member = 'todo_app'::regrole $$,
                'todo_app is a member of nothing');

-- Row-level security, and its one policy, for every role and every command; the owner, who has to
-- find what is to be purged, sees some more.
SELECT is_empty($$
    SELECT relname FROM pg_class
    WHERE relnamespace = 'todo'::regnamespace AND relkind IN ('r', 'p')
      AND relname <> 'schema_migrations' AND NOT (relrowsecurity AND relforcerowsecurity)
$$, 'row-level security is enabled and forced');
PREPARE policies AS
    SELECT concat_ws(' ', tablename, policyname, permissive, roles, cmd, qual, with_check)
    FROM pg_policies WHERE schemaname = 'todo';
SELECT bag_eq('policies', ARRAY[
    'users own PERMISSIVE {public} ALL ((id)::text = current_setting(''app.user_id''::text, true))',
    'tasks own PERMISSIVE {public} ALL (user_id = current_setting(''app.user_id''::text, true))',
    'idempotency_keys own PERMISSIVE {public} ALL (user_id = current_setting(''app.user_id''::text, true))',
    'credentials own PERMISSIVE {public} ALL (user_id = current_setting(''app.user_id''::text, true))',
    'sessions own PERMISSIVE {public} ALL (user_id = current_setting(''app.user_id''::text, true))',
    'credentials find PERMISSIVE {todo_owner} SELECT true',
    'login_failures count PERMISSIVE {todo_owner} ALL true',
    'sessions purge PERMISSIVE {todo_owner} SELECT (expires_at <= now())',
    'tasks purge PERMISSIVE {todo_owner} SELECT (deleted_at IS NOT NULL)',
    'idempotency_keys purge PERMISSIVE {todo_owner} SELECT true'
], 'one policy a table, for every role and every command; and some for the owner');

-- What the workers may do, and that PUBLIC may do nothing.
SELECT schema_privs_are('todo', 'todo_app', ARRAY['USAGE']);
SELECT table_privs_are('todo', 'users', 'todo_app', ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE']);
SELECT table_privs_are('todo', 'tasks', 'todo_app', ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE']);
SELECT table_privs_are('todo', 'schema_migrations', 'todo_app', ARRAY['SELECT']);
SELECT sequence_privs_are('todo', 'tasks_id_seq', 'todo_app', ARRAY[]::text[]);
CREATE ROLE todo_stranger;
SELECT is_empty($$
    SELECT relname FROM pg_class
    WHERE relnamespace = 'todo'::regnamespace AND relkind = 'r'
      AND has_table_privilege('todo_stranger', oid, 'SELECT, INSERT, UPDATE, DELETE')
    UNION ALL SELECT proname FROM pg_proc
    WHERE pronamespace = 'todo'::regnamespace AND has_function_privilege('todo_stranger', oid, 'EXECUTE')
    UNION ALL SELECT nspname FROM pg_namespace
    WHERE nspname = 'todo' AND has_schema_privilege('todo_stranger', oid, 'USAGE, CREATE')
$$, 'another role may do nothing');

SELECT set_has(
    $$ SELECT unnest(setconfig) FROM pg_db_role_setting s JOIN pg_database d ON d.oid = s.setdatabase
       WHERE s.setrole = 'todo_app'::regrole AND d.datname = current_database() $$,
    $$ VALUES ('default_transaction_isolation=read committed') $$,
    'the workers'' statements see what was committed before them'
);
SELECT set_has(
    $$ SELECT unnest(setconfig) FROM pg_db_role_setting s JOIN pg_database d ON d.oid = s.setdatabase
       WHERE s.setrole = 'todo_app'::regrole AND d.datname = current_database() $$,
    $$ VALUES ('enable_seqscan=off'), ('enable_bitmapscan=off') $$,
    'the workers'' plans keep to indexes'
);

SELECT * FROM finish();
ROLLBACK;

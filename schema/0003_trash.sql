-- 0003_trash.sql: what the trash needs: an index for those who list and purge it, and leave for
-- those who purge to see what is in it.

SET ROLE todo_owner;

-- Only what is in the trash has an entry, so that no other change pays for it.
CREATE INDEX tasks_trash ON todo.tasks (user_id, deleted_at) WHERE deleted_at IS NOT NULL;

-- Row-level security binds the owner too, but whoever purges has to find the users first. Then it
-- enters the context of each: these policies let the owner, which no worker can become, see and
-- change nothing.
CREATE POLICY purge ON todo.tasks FOR SELECT TO todo_owner USING (deleted_at IS NOT NULL);
CREATE POLICY purge ON todo.idempotency_keys FOR SELECT TO todo_owner USING (true);

INSERT INTO todo.schema_migrations (version, name) VALUES (3, 'trash');

RESET ROLE;

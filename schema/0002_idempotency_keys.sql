-- 0002_idempotency_keys.sql: what was answered to a write that carried an Idempotency-Key (contract,
-- section 7), stored in the transaction of that write.

SET ROLE todo_owner;

CREATE TABLE todo.idempotency_keys (
    user_id text COLLATE "C" NOT NULL REFERENCES todo.users ON DELETE CASCADE,
    scope bytea NOT NULL CHECK (octet_length(scope) = 32),     -- SHA-256 of method, path and key
    payload bytea NOT NULL CHECK (octet_length(payload) = 32), -- SHA-256 of query and body
    status smallint NOT NULL CHECK (status BETWEEN 200 AND 299),
    content_type text,
    headers text NOT NULL,
    body text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (user_id, scope)
);

ALTER TABLE todo.idempotency_keys ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY own ON todo.idempotency_keys USING (user_id = current_setting('app.user_id', true));

GRANT SELECT, INSERT, DELETE ON todo.idempotency_keys TO todo_app;

INSERT INTO todo.schema_migrations (version, name) VALUES (2, 'idempotency_keys');

RESET ROLE;

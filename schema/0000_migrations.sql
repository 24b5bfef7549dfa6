-- 0000_migrations.sql: where the migrations are recorded. Applied every time, so each statement must
-- be one that can be repeated.

CREATE SCHEMA IF NOT EXISTS todo;

CREATE TABLE IF NOT EXISTS todo.schema_migrations (
    version integer PRIMARY KEY CHECK (version > 0),
    name text NOT NULL,
    checksum text NOT NULL, -- SHA-256 of the file, hexadecimal
    applied_at timestamptz NOT NULL DEFAULT now()
);

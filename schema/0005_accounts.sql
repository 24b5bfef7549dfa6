-- 0005_accounts.sql: built-in accounts (contract, section 9): who may log in, the sessions that
-- follow, and the failed attempts. What has to be asked before the user is known goes through
-- functions of todo_owner that answer no more than one row, about the one name they were given.

SET ROLE todo_owner;

-- An account is a users row with credentials. revision counts what ends a login that was under way:
-- a new password, an account disabled. E-mail addresses are one when they differ in the case of
-- ASCII letters alone: wider foldings make one of two addresses that belong to different people
-- (U+212A is a K), and they depend on the server's locale.
CREATE TABLE todo.credentials (
    user_id text COLLATE "C" PRIMARY KEY REFERENCES todo.users ON DELETE CASCADE,
    email text NOT NULL CHECK (octet_length(email) BETWEEN 3 AND 254),
    password_hash text NOT NULL
        CHECK (password_hash ~ '^\$2[aby]\$[0-3][0-9]\$[./A-Za-z0-9]{53}$'), -- bcrypt
    revision bigint NOT NULL DEFAULT 1,
    disabled_at timestamptz
);
CREATE UNIQUE INDEX credentials_email ON todo.credentials (lower(email COLLATE "C"));

-- A session is a family of refresh tokens: the one that is good now, and the one before it, which
-- stays good for ten seconds. Of each only SHA-256 is kept; salt is what the present one was made
-- from, beside the one before it and a secret that the database does not have.
CREATE TABLE todo.sessions (
    user_id text COLLATE "C" NOT NULL REFERENCES todo.users ON DELETE CASCADE,
    id text COLLATE "C" NOT NULL CHECK (octet_length(id) BETWEEN 1 AND 64),
    refresh_hash bytea NOT NULL CHECK (octet_length(refresh_hash) = 32),
    parent_hash bytea CHECK (octet_length(parent_hash) = 32),
    salt bytea CHECK (octet_length(salt) = 32),
    created_at timestamptz NOT NULL DEFAULT now(),
    refreshed_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL,
    PRIMARY KEY (user_id, id),
    CHECK ((parent_hash IS NULL) = (salt IS NULL))
);

-- The last ten failures for an account or a client's address, oldest first. A subject is a SHA-256,
-- so that neither names nor addresses are kept here, and each row is small.
CREATE TABLE todo.login_failures (
    subject bytea PRIMARY KEY CHECK (octet_length(subject) = 32),
    failed_at timestamptz[] NOT NULL CHECK (cardinality(failed_at) BETWEEN 1 AND 10)
);
CREATE INDEX login_failures_last ON todo.login_failures ((failed_at[cardinality(failed_at)]));

ALTER TABLE todo.credentials ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE todo.sessions ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE todo.login_failures ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY own ON todo.credentials USING (user_id = current_setting('app.user_id', true));
CREATE POLICY own ON todo.sessions USING (user_id = current_setting('app.user_id', true));
CREATE POLICY purge ON todo.sessions FOR SELECT TO todo_owner USING (expires_at <= now());
-- For the functions below and for administrators; the workers are no members of todo_owner.
CREATE POLICY find ON todo.credentials FOR SELECT TO todo_owner USING (true);
CREATE POLICY count ON todo.login_failures TO todo_owner USING (true);

-- ---- throttling: ten failures within fifteen minutes, then none before the first is so old

CREATE FUNCTION todo.throttle_subject(kind text, name text) RETURNS bytea
    LANGUAGE sql IMMUTABLE
    RETURN sha256(convert_to(kind || ':' || lower(name COLLATE "C"), 'UTF8'));

CREATE FUNCTION todo.throttle_recent(failed_at timestamptz[]) RETURNS timestamptz[]
    LANGUAGE sql VOLATILE
    RETURN ARRAY(SELECT at FROM unnest(failed_at) AS at
                 WHERE at > clock_timestamp() - interval '15 minutes' ORDER BY at);

-- Seconds until the subject may try again; 0: it may now.
CREATE FUNCTION todo.throttle_wait(wanted bytea) RETURNS bigint
    LANGUAGE sql VOLATILE
    RETURN coalesce((
        SELECT greatest(1, ceil(extract(epoch FROM
                   recent[1] + interval '15 minutes' - clock_timestamp())))::bigint
        FROM (SELECT todo.throttle_recent(f.failed_at) AS recent
              FROM todo.login_failures f WHERE f.subject = wanted) r
        WHERE cardinality(recent) >= 10), 0);

-- Adds a failure, unless there are ten already: false. Each call clears away a few rows that count
-- for nothing any more, so that their number stays that of the last minutes.
CREATE FUNCTION todo.throttle_count(counted bytea) RETURNS boolean
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    DELETE FROM todo.login_failures WHERE subject IN (
        SELECT subject FROM todo.login_failures
        WHERE failed_at[cardinality(failed_at)] < clock_timestamp() - interval '15 minutes'
        ORDER BY failed_at[cardinality(failed_at)] LIMIT 10 FOR UPDATE SKIP LOCKED);
    INSERT INTO todo.login_failures AS f VALUES (counted, ARRAY[clock_timestamp()])
    ON CONFLICT (subject) DO UPDATE
        SET failed_at = todo.throttle_recent(f.failed_at) || clock_timestamp()
        WHERE cardinality(todo.throttle_recent(f.failed_at)) < 10;
    RETURN FOUND;
END
$$;

-- ---- what the workers may ask

-- Somebody wants to prove a password: for the account of that e-mail address or, with null, for that
-- of the context that was entered. The attempt counts as a failure from now on, so that a crowd of
-- them at once is no way around the limit; login_succeeded takes it back. One row: either wait is
-- not 0 and nothing is told, or there is what is needed to judge (nulls: no such account; a user of
-- null with a hash: disabled).
CREATE FUNCTION todo.login_attempt(email text, address text)
    RETURNS TABLE (wait bigint, user_id text, password_hash text, revision bigint)
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    found text := nullif(current_setting('app.user_id', true), '');
    account bytea := CASE WHEN login_attempt.email IS NULL
                          THEN todo.throttle_subject('user', coalesce(found, ''))
                          ELSE todo.throttle_subject('email', login_attempt.email) END;
BEGIN
    wait := CASE WHEN address IS NULL THEN 0
                 ELSE todo.throttle_wait(todo.throttle_subject('address', address)) END;
    IF wait = 0 AND NOT todo.throttle_count(account) THEN
        wait := greatest(1, todo.throttle_wait(account));
    END IF;
    IF wait = 0 THEN
        IF login_attempt.email IS NOT NULL THEN
            found := (SELECT c.user_id FROM todo.credentials c
                      WHERE lower(c.email COLLATE "C") = lower(login_attempt.email COLLATE "C"));
        END IF;
        SELECT CASE WHEN c.disabled_at IS NULL THEN c.user_id END, c.password_hash, c.revision
        INTO login_attempt.user_id, login_attempt.password_hash, login_attempt.revision
        FROM todo.credentials c WHERE c.user_id = found;
    END IF;
    RETURN NEXT;
END
$$;

CREATE FUNCTION todo.login_failed(address text) RETURNS boolean
    LANGUAGE sql VOLATILE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    RETURN todo.throttle_count(todo.throttle_subject('address', address));

-- Forgets the failures of an account, named as for login_attempt.
CREATE FUNCTION todo.login_succeeded(email text) RETURNS void
    LANGUAGE sql VOLATILE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    DELETE FROM todo.login_failures WHERE subject = CASE
        WHEN login_succeeded.email IS NULL
        THEN todo.throttle_subject('user', coalesce(current_setting('app.user_id', true), ''))
        ELSE todo.throttle_subject('email', login_succeeded.email) END;
END;

-- As enter(user_id), for a token that belongs to a session: an error when that has ended.
CREATE FUNCTION todo.enter(user_id text, session text) RETURNS text
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_variable
BEGIN
    PERFORM todo.enter(user_id);
    PERFORM FROM todo.sessions s
    WHERE s.user_id = user_id AND s.id = session AND s.expires_at > now();
    IF NOT FOUND THEN
        RAISE EXCEPTION 'the session has ended' USING ERRCODE = 'TD401';
    END IF;
    RETURN user_id;
END
$$;

REVOKE ALL ON FUNCTION todo.throttle_subject(text, text), todo.throttle_recent(timestamptz[]),
    todo.throttle_wait(bytea), todo.throttle_count(bytea), todo.login_attempt(text, text),
    todo.login_failed(text), todo.login_succeeded(text), todo.enter(text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION todo.login_attempt(text, text), todo.login_failed(text),
    todo.login_succeeded(text), todo.enter(text, text) TO todo_app;

-- The hash is written by the workers, but read through login_attempt alone.
GRANT SELECT (user_id, email, revision, disabled_at), INSERT (user_id, email, password_hash),
    UPDATE (email, password_hash, revision) ON todo.credentials TO todo_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON todo.sessions TO todo_app;

INSERT INTO todo.schema_migrations (version, name) VALUES (5, 'accounts');

RESET ROLE;

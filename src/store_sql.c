/* SPDX-License-Identifier: ISC */
/* store_sql.c: the table of statements. Each filters by user_id ($1) although row-level security
 * does it again: two walls. Lock order everywhere: the users row, then tasks. */
#include <config.h>

#include "store_sql.h"

#define VERSION_FITS(version) "($3::bigint[] IS NULL OR " version " = ANY ($3))"

/* Changes task $2 of user $1 when it is in the wanted state and its version is one of $3 (null:
 * any). t says what was there, so that the answer can tell 404 from 409 from 412; b takes the next
 * version only if there is something to change. The users row is locked by the statement before
 * this one, hence statement_timestamp(): it grows with the version, which the transaction's start
 * would not. */
#define TASK_WRITE(assignments, state)                                                             \
    "WITH t AS (SELECT version, deleted_at FROM todo.tasks WHERE user_id = $1 AND id = $2), "      \
    "b AS (UPDATE todo.users SET change_seq = change_seq + 1 WHERE id = $1 AND EXISTS ("           \
    "SELECT FROM t WHERE deleted_at " state " AND " VERSION_FITS(                                  \
        "version") ") "                                                                            \
                   "RETURNING change_seq), "                                                       \
                   "w AS (UPDATE todo.tasks k SET " assignments ", version = b.change_seq, "       \
                   "updated_at = statement_timestamp() FROM b WHERE k.user_id = $1 AND k.id = $2 " \
                   "AND k.deleted_at " state                                                       \
                   " AND " VERSION_FITS("k.version") " RETURNING k.*) "                            \
                                                     "SELECT " TASK_COLUMNS                        \
                                                     "t.version, t.deleted_at "                    \
                                                     "FROM (VALUES (1)) o LEFT JOIN t ON true "    \
                                                     "LEFT JOIN w k ON true"

#define COMPLETED_NEXT                                                                             \
    "CASE WHEN $8::boolean THEN NOT k.completed ELSE coalesce($7, k.completed) END"

/* An account, selected from users u and credentials c, in the order of struct account. */
#define ACCOUNT_COLUMNS "u.id, c.email, u.name, u.created_at"

/* Since statement_timestamp() is later than the lock on the users row was got, the time that a
 * request waited for it counts. */
#define ALIVE "expires_at > statement_timestamp()"

static const char *const statements[SQL_COUNT] = {
    [SQL_BEGIN] = "BEGIN",
    [SQL_BEGIN_SNAPSHOT] = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
    [SQL_COMMIT] = "COMMIT",
    [SQL_ROLLBACK] = "ROLLBACK",
    [SQL_SCHEMA_VERSION] = "SELECT max(version)::bigint FROM todo.schema_migrations",

    /* Where the log ends, null in recovery, and how far a standby has come, null outside of it
     * (store_replica.c); and in which timeline that is. */
    [SQL_POSITION] =
        "SELECT p.lsn, ('x' || left(pg_walfile_name(p.lsn), 8))::bit(32)::bigint FROM (SELECT "
        "CASE WHEN NOT pg_is_in_recovery() THEN pg_current_wal_insert_lsn() END AS lsn) p",
    [SQL_REPLAYED] = "SELECT CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() END, "
                     "(pg_control_checkpoint()).timeline_id::bigint",

    [SQL_ENTER] = "SELECT todo.enter($1)",
    [SQL_ENTER_SESSION] = "SELECT todo.enter($1, $2)",
    [SQL_LOCK] = "SELECT change_seq FROM todo.users WHERE id = $1 FOR NO KEY UPDATE",

    /* In milliseconds, as text. */
    [SQL_LOCK_TIMEOUT] = "SELECT set_config('lock_timeout', $1, true)",

    /* $3: the hours that a key is kept. */
    [SQL_KEY_FIND] = "SELECT payload, status::bigint, content_type, headers, body "
                     "FROM todo.idempotency_keys WHERE user_id = $1 AND scope = $2 "
                     "AND created_at > now() - $3::bigint * interval '1 hour'",
    [SQL_KEY_EXPIRE] = "DELETE FROM todo.idempotency_keys WHERE user_id = $1 AND scope = $2 "
                       "AND created_at <= now() - $3::bigint * interval '1 hour'",
    [SQL_KEY_KEEP] = "INSERT INTO todo.idempotency_keys "
                     "(user_id, scope, payload, status, content_type, headers, body) "
                     "VALUES ($1, $2, $3, $4::bigint, $5, $6, $7)",

    [SQL_STATE] = "SELECT epoch, change_seq FROM todo.users WHERE id = $1",

    /* The owner's row is made or counted up in the same statement, which also locks it. */
    [SQL_TASK_CREATE] =
        "WITH b AS (INSERT INTO todo.users AS u (id, email, name, change_seq) VALUES ($1, $2, $3, "
        "1) "
        "ON CONFLICT (id) DO UPDATE SET change_seq = u.change_seq + 1 RETURNING change_seq) "
        "INSERT INTO todo.tasks AS k (user_id, title, description, completed, completed_at, "
        "priority, "
        "due_date, tags, created_at, updated_at, version) "
        "SELECT $1, $4, $5, $6::boolean, CASE WHEN $6 THEN statement_timestamp() END, "
        "coalesce($7::todo.priority, 'medium'), $8::timestamptz, coalesce($9::text[], '{}'), "
        "statement_timestamp(), statement_timestamp(), change_seq FROM b "
        "RETURNING " TASK_COLUMNS "k.deleted_at",

    [SQL_TASK_GET] = "SELECT " TASK_COLUMNS "k.deleted_at FROM todo.tasks k "
                     "WHERE k.user_id = $1 AND k.id = $2 AND k.deleted_at IS NULL",

    [SQL_TASK_UPDATE] =
        TASK_WRITE("title = coalesce($4, k.title), "
                   "description = CASE WHEN $5::boolean THEN $6 ELSE k.description END, "
                   "completed = " COMPLETED_NEXT ", "
                   "completed_at = CASE WHEN " COMPLETED_NEXT
                   " THEN coalesce(k.completed_at, statement_timestamp()) END, "
                   "priority = coalesce($9::todo.priority, k.priority), "
                   "due_date = CASE WHEN $10::boolean THEN $11::timestamptz ELSE k.due_date END, "
                   "tags = coalesce($12::text[], k.tags)",
                   "IS NULL"),
    [SQL_TASK_TRASH] = TASK_WRITE("deleted_at = statement_timestamp()", "IS NULL"),
    [SQL_TASK_RESTORE] = TASK_WRITE("deleted_at = NULL", "IS NOT NULL"),

    /* LATERAL, since a plain join with LIMIT would sort everything behind the cursor. $3: also
     * what is in the trash. */
    [SQL_TASK_CHANGES] =
        "SELECT " TASK_COLUMNS "k.deleted_at IS NOT NULL, u.epoch, u.change_seq, u.purged_seq "
        "FROM todo.users u LEFT JOIN LATERAL (SELECT * FROM todo.tasks t "
        "WHERE t.user_id = $1 AND t.version > $2::bigint "
        "AND ($3::boolean OR t.deleted_at IS NULL) "
        "ORDER BY t.version LIMIT $4::bigint) k ON true WHERE u.id = $1 ORDER BY k.version",
    [SQL_EXPORT_PAGE] = "SELECT " TASK_COLUMNS "(SELECT epoch FROM todo.users WHERE id = $1) "
                        "FROM todo.tasks k WHERE k.user_id = $1 AND k.version > $2::bigint "
                        "AND k.deleted_at IS NULL ORDER BY k.version LIMIT $3::bigint",

    /* The counter takes all of the $4 versions at once; $3 of them are still to be given out. */
    [SQL_IMPORT_COUNT] =
        "INSERT INTO todo.users AS u (id, email, name, change_seq) VALUES ($1, $2, $3, $4::bigint) "
        "ON CONFLICT (id) DO UPDATE SET change_seq = u.change_seq + $4",
    [SQL_IMPORT_TASKS] =
        "INSERT INTO todo.tasks AS k (user_id, title, description, completed, completed_at, "
        "priority, due_date, tags, created_at, updated_at, version) "
        "SELECT $1, r.title, r.description, r.completed, "
        "CASE WHEN r.completed THEN coalesce(r.completed_at, statement_timestamp()) END, "
        "r.priority, r.due_date, r.tags, coalesce(r.created_at, statement_timestamp()), "
        "coalesce(r.updated_at, statement_timestamp()), u.change_seq - $3::bigint + r.ordinality "
        "FROM todo.users u, ROWS FROM (json_to_recordset($2::json) AS (title text, "
        "description text, completed boolean, completed_at timestamptz, priority todo.priority, "
        "due_date timestamptz, tags text[], created_at timestamptz, updated_at timestamptz)) "
        "WITH ORDINALITY AS r WHERE u.id = $1 ORDER BY r.ordinality RETURNING k.id",

    /* $2 and $3: the state already seen; no task is read for it. By code point, as lists are. */
    [SQL_TASK_TAGS] =
        "SELECT t.name, t.tasks, u.epoch, u.change_seq FROM todo.users u LEFT JOIN LATERAL ("
        "SELECT tag AS name, count(*) AS tasks FROM todo.tasks k, unnest(k.tags) tag "
        "WHERE k.user_id = $1 AND k.deleted_at IS NULL AND (u.epoch IS DISTINCT FROM $2::bigint "
        "OR u.change_seq IS DISTINCT FROM $3::bigint) GROUP BY tag) t ON true "
        "WHERE u.id = $1 ORDER BY t.name COLLATE \"C\"",

    /* Made by todoctl link. */
    [SQL_ISSUER_SESSION] = "SELECT todo.issuer_session_user($1)",
    [SQL_ENTER_ISSUER_SESSION] = "SELECT todo.enter_issuer_session($2, $1)",
    [SQL_ISSUER_KEYS] = "SELECT id, public_key, algorithm FROM todo.issuer_keys()",
    [SQL_LOGIN_ATTEMPT] =
        "SELECT wait, user_id, password_hash, revision FROM todo.login_attempt($1, $2)",
    [SQL_LOGIN_FAILED] = "SELECT todo.login_failed($1)",
    [SQL_LOGIN_SUCCEEDED] = "SELECT todo.login_succeeded($1)",

    /* No row: the e-mail address is taken. */
    [SQL_ACCOUNT_CREATE] =
        "WITH c AS (INSERT INTO todo.credentials (user_id, email, password_hash) "
        "VALUES ($1, $2, $4) ON CONFLICT ((lower(email COLLATE \"C\"))) DO NOTHING "
        "RETURNING user_id) "
        "INSERT INTO todo.users (id, name) SELECT user_id, $3 FROM c RETURNING id",
    [SQL_ACCOUNT_GET] = "SELECT " ACCOUNT_COLUMNS " FROM todo.users u "
                        "JOIN todo.credentials c ON c.user_id = u.id "
                        "WHERE u.id = $1 AND c.user_id = $1",
    [SQL_ACCOUNT_UPDATE] =
        "WITH c AS (UPDATE todo.credentials SET email = coalesce($2, email) WHERE user_id = $1 "
        "RETURNING user_id, email), "
        "u AS (UPDATE todo.users u SET name = CASE WHEN $3::boolean THEN $4 ELSE u.name END "
        "FROM c WHERE u.id = $1 RETURNING u.id, u.name, u.created_at) "
        "SELECT " ACCOUNT_COLUMNS " FROM u, c",

    /* $2: the revision that the password was proved for; one that has gone by changes nothing. */
    [SQL_ACCOUNT_REHASH] = "UPDATE todo.credentials SET password_hash = $3 "
                           "WHERE user_id = $1 AND revision = $2",
    [SQL_ACCOUNT_PASSWORD] = "UPDATE todo.credentials SET password_hash = $3, "
                             "revision = revision + 1 WHERE user_id = $1 AND revision = $2 "
                             "RETURNING revision",
    [SQL_ACCOUNT_FORGET] = "SELECT todo.login_succeeded(email), todo.login_succeeded(NULL) "
                           "FROM todo.credentials WHERE user_id = $1",
    [SQL_ACCOUNT_DELETE] = "DELETE FROM todo.users WHERE id = $1 AND EXISTS ("
                           "SELECT FROM todo.credentials WHERE user_id = $1 AND revision = $2) "
                           "RETURNING id",

    [SQL_SESSION_EXPIRE] = "DELETE FROM todo.sessions WHERE user_id = $1 AND NOT " ALIVE,
    /* $2: the revision; $5: the seconds that it lives. */
    [SQL_SESSION_OPEN] =
        "WITH s AS (INSERT INTO todo.sessions (user_id, id, refresh_hash, expires_at) "
        "SELECT c.user_id, $3, $4::bytea, "
        "statement_timestamp() + $5::bigint * interval '1 second' "
        "FROM todo.credentials c WHERE c.user_id = $1 AND c.revision = $2 "
        "AND c.disabled_at IS NULL RETURNING user_id) "
        "SELECT " ACCOUNT_COLUMNS " FROM s JOIN todo.users u ON u.id = s.user_id "
        "JOIN todo.credentials c ON c.user_id = s.user_id",

    /* What becomes of session $2 when a token of the hash $3 is presented; the users row is locked.
     * The good one: its successor has the hash $4 and the salt $5. The one before it, for $7
     * seconds: nothing changes. Any other has been used before: the session ends. */
    [SQL_SESSION_REFRESH] =
        "WITH s AS (SELECT k.refresh_hash, k.salt, k.refresh_hash = $3 AS good, "
        "coalesce(k.parent_hash = $3 AND k.refreshed_at > "
        "statement_timestamp() - $7::bigint * interval '1 second', false) AS grace "
        "FROM todo.sessions k JOIN todo.credentials c ON c.user_id = k.user_id "
        "WHERE k.user_id = $1 AND k.id = $2 AND k." ALIVE " AND c.disabled_at IS NULL), "
        "n AS (UPDATE todo.sessions k SET refresh_hash = $4, salt = $5, parent_hash = $3, "
        "refreshed_at = statement_timestamp(), "
        "expires_at = statement_timestamp() + $6::bigint * interval '1 second' "
        "FROM s WHERE k.user_id = $1 AND k.id = $2 AND s.good "
        "RETURNING k.refresh_hash, k.salt), "
        "d AS (DELETE FROM todo.sessions k USING s WHERE k.user_id = $1 AND k.id = $2 "
        "AND NOT s.good AND NOT s.grace) "
        "SELECT " ACCOUNT_COLUMNS ", coalesce(n.refresh_hash, s.refresh_hash), "
        "coalesce(n.salt, s.salt), s.good OR s.grace "
        "FROM s LEFT JOIN n ON true JOIN todo.users u ON u.id = $1 "
        "JOIN todo.credentials c ON c.user_id = $1",
    [SQL_SESSION_LIST] = "SELECT id, created_at, refreshed_at, expires_at FROM todo.sessions "
                         "WHERE user_id = $1 AND " ALIVE " ORDER BY created_at DESC, id",
    /* $3: a hash of one of its two tokens; null: the session's owner asks. */
    [SQL_SESSION_END] = "DELETE FROM todo.sessions WHERE user_id = $1 AND id = $2 "
                        "AND ($3::bytea IS NULL OR $3 IN (refresh_hash, parent_hash)) "
                        "RETURNING id",
    [SQL_SESSION_END_OTHERS] =
        "DELETE FROM todo.sessions WHERE user_id = $1 AND id IS DISTINCT FROM $2",
};

struct statement store_statement(enum sql sql)
{
    return (struct statement){.key = sql, .sql = statements[sql]};
}

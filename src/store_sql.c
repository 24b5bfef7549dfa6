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

static const char *const statements[SQL_COUNT] = {
    [SQL_BEGIN] = "BEGIN",
    [SQL_BEGIN_SNAPSHOT] = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
    [SQL_COMMIT] = "COMMIT",
    [SQL_ROLLBACK] = "ROLLBACK",
    [SQL_SCHEMA_VERSION] = "SELECT max(version)::bigint FROM todo.schema_migrations",
    [SQL_ENTER] = "SELECT todo.enter($1)",
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
        "FROM todo.users u, json_populate_recordset(NULL::todo.tasks, $2::json) "
        "WITH ORDINALITY AS r WHERE u.id = $1 ORDER BY r.ordinality RETURNING k.id",

    /* $2 and $3: the state already seen; no task is read for it. By code point, as lists are. */
    [SQL_TASK_TAGS] =
        "SELECT t.name, t.tasks, u.epoch, u.change_seq FROM todo.users u LEFT JOIN LATERAL ("
        "SELECT tag AS name, count(*) AS tasks FROM todo.tasks k, unnest(k.tags) tag "
        "WHERE k.user_id = $1 AND k.deleted_at IS NULL AND (u.epoch IS DISTINCT FROM $2::bigint "
        "OR u.change_seq IS DISTINCT FROM $3::bigint) GROUP BY tag) t ON true "
        "WHERE u.id = $1 ORDER BY t.name COLLATE \"C\"",

    [SQL_ISSUER_KEYS] = "SELECT id, public_key, algorithm FROM todo.issuer_keys()",
};

struct statement store_statement(enum sql sql)
{
    return (struct statement){.key = sql, .sql = statements[sql]};
}

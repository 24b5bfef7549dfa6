/* SPDX-License-Identifier: ISC */
/* purge.c: a table of what is purged, and the walk over the users who have some of it.
 *
 * Every transaction becomes todo_owner and enters one user's context: row-level security holds for
 * whoever runs this, too. A batch locks the user's row first, as every write does. Removing tasks
 * counts as a change, since the list of the trash is another one afterwards; purged_seq tells who
 * would have had to be told of what is gone. */
#include <config.h>

#include "purge.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "admin.h"
#include "clock.h"
#include "store.h"
#include "text.h"

#define PROGRESS_MS 200
#define AGE_MAX (INT64_C(36525) * 24 * 60 * 60)

/* Each statement's $1 is the instant before which things are old, in seconds since 1970. */
struct job {
    const char *noun;
    const char *count;  /* how many there are, and of how many users */
    const char *users;  /* whose they are */
    const char *remove; /* $2 user, $3 how many at most: removes them, says how many */
};

static const struct job trash = {
    "tasks",
    "SELECT count(*), count(DISTINCT user_id) FROM todo.tasks "
    "WHERE deleted_at < to_timestamp($1::bigint)",
    "SELECT DISTINCT user_id FROM todo.tasks WHERE deleted_at < to_timestamp($1::bigint)",
    "WITH old AS (SELECT id FROM todo.tasks WHERE user_id = $2 "
    "AND deleted_at < to_timestamp($1::bigint) ORDER BY deleted_at LIMIT $3::bigint), "
    "gone AS (DELETE FROM todo.tasks k USING old WHERE k.user_id = $2 AND k.id = old.id "
    "RETURNING k.version), "
    "mark AS (UPDATE todo.users SET change_seq = change_seq + 1, "
    "purged_seq = greatest(purged_seq, (SELECT max(version) FROM gone)) "
    "WHERE id = $2 AND EXISTS (SELECT FROM gone)) "
    "SELECT count(*) FROM gone",
};

static const struct job keys = {
    "idempotency keys",
    "SELECT count(*), count(DISTINCT user_id) FROM todo.idempotency_keys "
    "WHERE created_at < to_timestamp($1::bigint)",
    "SELECT DISTINCT user_id FROM todo.idempotency_keys "
    "WHERE created_at < to_timestamp($1::bigint)",
    "WITH old AS (SELECT scope FROM todo.idempotency_keys WHERE user_id = $2 "
    "AND created_at < to_timestamp($1::bigint) LIMIT $3::bigint), "
    "gone AS (DELETE FROM todo.idempotency_keys k USING old "
    "WHERE k.user_id = $2 AND k.scope = old.scope RETURNING 1) "
    "SELECT count(*) FROM gone",
};

/* A session may be renewed until it expires. */
static const struct job sessions = {
    "expired sessions",
    "SELECT count(*), count(DISTINCT user_id) FROM todo.sessions "
    "WHERE expires_at < to_timestamp($1::bigint)",
    "SELECT DISTINCT user_id FROM todo.sessions WHERE expires_at < to_timestamp($1::bigint)",
    "WITH old AS (SELECT id FROM todo.sessions WHERE user_id = $2 "
    "AND expires_at < to_timestamp($1::bigint) LIMIT $3::bigint), "
    "gone AS (DELETE FROM todo.sessions k USING old "
    "WHERE k.user_id = $2 AND k.id = old.id RETURNING 1) "
    "SELECT count(*) FROM gone",
};

struct run {
    PGconn *connection;
    const struct purge *purge;
    const struct job *job;
    char before[24]; /* $1 */
    char batch[24];  /* $3 */
    int64_t removed;
    int users, user_count;
    int64_t told_at;
    bool told;
};

bool purge_read_age(const char *text, int64_t *seconds)
{
    static const struct {
        char unit;
        int64_t seconds;
    } units[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}, {'w', 604800}};
    size_t length = strlen(text);
    int64_t number;

    for (size_t i = 0; length > 0 && i < sizeof units / sizeof *units; i++) {
        if (text[length - 1] != units[i].unit)
            continue;
        if (!text_to_int((struct text){text, length - 1}, 1, AGE_MAX / units[i].seconds, &number))
            return false;
        *seconds = number * units[i].seconds;
        return true;
    }
    return false;
}

/* How it goes, now and then, on one line of a terminal. */
static void tell_progress(struct run *run)
{
    int64_t now = clock_now_ms();

    if (now < run->told_at + PROGRESS_MS || !isatty(STDERR_FILENO))
        return;
    run->told_at = now;
    run->told = true;
    fprintf(stderr, "\r%s: user %d of %d, %" PRId64 " removed", run->job->noun, run->users,
            run->user_count, run->removed);
}

static void tell_sum(struct run *run, const char *removed, int64_t rows, int64_t users)
{
    if (run->told)
        fputs("\r\033[K", stderr);
    run->told = false;
    printf("%s %" PRId64 " %s of %" PRId64 " users\n", removed, rows, run->job->noun, users);
}

/* ---- one transaction */

static int begin(struct run *run)
{
    if (!admin_execute(run->connection, "BEGIN ISOLATION LEVEL READ COMMITTED") ||
        !admin_execute(run->connection, "SET LOCAL statement_timeout = 0"))
        return EX_UNAVAILABLE;
    return admin_execute(run->connection, "SET LOCAL ROLE todo_owner") ? EX_OK : EX_NOPERM;
}

static int commit(struct run *run)
{
    return admin_execute(run->connection, "COMMIT") ? EX_OK : EX_UNAVAILABLE;
}

/* The number at (0, column); rows of ours always have one. */
static int64_t number_at(const PGresult *result, int column)
{
    int64_t number = 0;

    (void)text_to_int(text_of(PQgetvalue(result, 0, column)), INT64_MIN, INT64_MAX, &number);
    return number;
}

/* Runs `sql` in a transaction of its own and gives its result. */
static int ask(struct run *run, const char *sql, int count, const char *const *values,
               PGresult **result)
{
    int status = begin(run);

    *result = status == EX_OK ? admin_query(run->connection, sql, count, values) : NULL;
    if (status == EX_OK)
        status = *result ? commit(run) : EX_UNAVAILABLE;
    return status;
}

/* One batch of one user's. */
static int remove_batch(struct run *run, const char *user, int64_t *removed)
{
    const char *const values[] = {run->before, user, run->batch};
    PGresult *entered = NULL, *locked = NULL, *gone = NULL;
    int status = begin(run);

    if (status == EX_OK)
        entered = admin_query(run->connection, "SELECT todo.enter($1)", 1, &user);
    if (entered)
        locked = admin_query(run->connection,
                             "SELECT FROM todo.users WHERE id = $1 FOR NO KEY UPDATE", 1, &user);
    if (locked)
        gone = admin_query(run->connection, run->job->remove, 3, values);
    if (gone)
        *removed = number_at(gone, 0);
    if (status == EX_OK)
        status = gone ? commit(run) : EX_UNAVAILABLE;
    PQclear(entered);
    PQclear(locked);
    PQclear(gone);
    return status;
}

/* ---- the walk */

static int purge_user(struct run *run, const char *user)
{
    int64_t removed = run->purge->batch;
    int status = EX_OK;

    run->users++;
    while (status == EX_OK && removed == run->purge->batch) {
        status = remove_batch(run, user, &removed);
        if (status == EX_OK)
            run->removed += removed;
        tell_progress(run);
    }
    return status;
}

static int purge_users(struct run *run)
{
    const char *const values[] = {run->before};
    PGresult *users;
    int status = ask(run, run->job->users, 1, values, &users);

    run->removed = 0;
    run->users = 0;
    run->user_count = status == EX_OK ? PQntuples(users) : 0;
    for (int i = 0; i < run->user_count && status == EX_OK; i++)
        status = purge_user(run, PQgetvalue(users, i, 0));
    PQclear(users);
    tell_sum(run, "removed", run->removed, run->users);
    return status;
}

static int count_only(struct run *run)
{
    const char *const values[] = {run->before};
    PGresult *counts;
    int status = ask(run, run->job->count, 1, values, &counts);

    if (status == EX_OK)
        tell_sum(run, "would remove", number_at(counts, 0), number_at(counts, 1));
    PQclear(counts);
    return status;
}

/* By the database's clock, as everything that is stored. */
static int run_job(struct run *run, const struct job *job, int64_t age)
{
    PGresult *now;
    int status = ask(run, "SELECT floor(extract(epoch FROM now()))::bigint", 0, NULL, &now);

    run->job = job;
    if (status == EX_OK)
        snprintf(run->before, sizeof run->before, "%" PRId64, number_at(now, 0) - age);
    PQclear(now);
    if (status != EX_OK)
        return status;
    return run->purge->dry_run ? count_only(run) : purge_users(run);
}

/* What another version of the schema lacks could go unnoticed. */
static int check_schema(struct run *run)
{
    int status = begin(run);

    if (status == EX_OK)
        status = admin_check_schema(run->connection);
    return status == EX_OK ? commit(run) : status;
}

static int run_jobs(struct run *run)
{
    int status = check_schema(run);

    if (status == EX_OK && run->purge->age > 0)
        status = run_job(run, &trash, run->purge->age);
    if (status == EX_OK)
        status = run_job(run, &keys, run->purge->key_age);
    if (status == EX_OK)
        status = run_job(run, &sessions, 0);
    return status;
}

int purge_run(const char *url, const struct purge *purge)
{
    struct run run = {.connection = admin_open(url), .purge = purge};
    int status = EX_UNAVAILABLE;

    snprintf(run.batch, sizeof run.batch, "%" PRId64, purge->batch);
    if (run.connection)
        status = run_jobs(&run);
    PQfinish(run.connection);
    return status;
}

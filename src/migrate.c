/* SPDX-License-Identifier: ISC */
/* migrate.c: compares schema/ with todo.schema_migrations and applies what is missing.
 *
 * One step is one transaction: take the lock, run 0000, compare everything, apply the next file.
 * The steps repeat until nothing is missing. So nothing is remembered from one transaction to the
 * next: two runs at once, or a pooler in between, do no harm. */
#include <config.h>

#include "migrate.h"

#include <inttypes.h>
#include <stdio.h>
#include <sysexits.h>

#include "admin.h"
#include "migrations.h"
#include "store.h"
#include "text.h"

#define LOCK_KEY "8387241170" /* any number, but always the same */

struct run {
    PGconn *connection;
    const struct migrations *files;
    size_t applied; /* the newest version that the database has */
    bool dry_run;
};

static const char *const beginning[] = {
    "BEGIN ISOLATION LEVEL READ COMMITTED",
    "SET LOCAL client_min_messages = warning",
    "SET LOCAL statement_timeout = 0",
    "SELECT pg_advisory_xact_lock(" LOCK_KEY ")",
    ADMIN_LOCK_TIMEOUT,
};

static int begin(struct run *run)
{
    for (size_t i = 0; i < sizeof beginning / sizeof *beginning; i++)
        if (!admin_execute(run->connection, beginning[i]))
            return EX_UNAVAILABLE;
    return EX_OK;
}

static int finish(struct run *run, const char *sql)
{
    return admin_execute(run->connection, sql) ? EX_OK : EX_UNAVAILABLE;
}

static void tell_failure(const struct migration *migration, const PGresult *result,
                         const PGconn *connection)
{
    const char *message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    const char *position = PQresultErrorField(result, PG_DIAG_STATEMENT_POSITION);
    const char *detail = PQresultErrorField(result, PG_DIAG_MESSAGE_DETAIL);
    const char *context = PQresultErrorField(result, PG_DIAG_CONTEXT);
    int64_t character = 0;
    char line[1024];

    fprintf(stderr, "todoctl: %s:", migration->file);
    if (position && text_to_int(text_of(position), 1, MIGRATION_MAX, &character))
        fprintf(stderr, "%zu:", migration_line(migration->sql, (size_t)character));
    fprintf(stderr, " %s", message ? message : admin_error(connection, line, sizeof line));
    fprintf(stderr, "%s%s%s%s%s\n", detail ? "; " : "", detail ? detail : "", context ? "; " : "",
            context ? context : "", admin_advice_on_rights(result));
}

static int run_file(struct run *run, const struct migration *migration)
{
    PGresult *result = PQexec(run->connection, migration->sql);
    ExecStatusType outcome = PQresultStatus(result);
    int status = EX_OK;

    if (outcome != PGRES_COMMAND_OK && outcome != PGRES_TUPLES_OK) {
        tell_failure(migration, result, run->connection);
        status = *admin_advice_on_rights(result) ? EX_NOPERM : EX_DATAERR;
    } else if (PQtransactionStatus(run->connection) != PQTRANS_INTRANS) {
        fprintf(stderr, "todoctl: %s: ends the transaction that it runs in\n", migration->file);
        status = EX_DATAERR;
    }
    PQclear(result);
    return status;
}

/* Records the checksum of a file that has entered itself. */
static int record(struct run *run, const struct migration *migration)
{
    char version[16];
    const char *const values[] = {version, migration->checksum};
    PGresult *result;
    bool entered;

    snprintf(version, sizeof version, "%d", migration->version);
    result = admin_query(run->connection,
                         "UPDATE todo.schema_migrations SET checksum = $2 WHERE version = $1", 2,
                         values);
    if (!result)
        return EX_UNAVAILABLE;
    entered = text_equal(text_of(PQcmdTuples(result)), TEXT_LITERAL("1"));
    PQclear(result);
    if (entered)
        return EX_OK;
    fprintf(stderr, "todoctl: %s: does not enter itself in todo.schema_migrations\n",
            migration->file);
    return EX_DATAERR;
}

/* Does what the database says about its version number `version` fit the file? `known` NULL: psql
 * ran the file. */
static int compare(struct run *run, const struct migration *migration, const char *known)
{
    if (!known) {
        printf("%s %s, which was run by hand\n", run->dry_run ? "would record" : "recorded",
               migration->file);
        return record(run, migration);
    }
    if (text_equal(text_of(known), text_of(migration->checksum)))
        return EX_OK;
    fprintf(stderr,
            "todoctl: %s: was changed after it had been applied; restore it, and put the change "
            "into a new file\n",
            migration->file);
    return EX_DATAERR;
}

static int compare_row(struct run *run, const PGresult *ledger, int row)
{
    const char *version = PQgetvalue(ledger, row, 0);
    int64_t number = 0;

    if (!text_to_int(text_of(version), row + 1, row + 1, &number)) {
        fprintf(stderr, "todoctl: todo.schema_migrations has version %s but not %d\n", version,
                row + 1);
        return EX_DATAERR;
    }
    if ((size_t)number >= run->files->count) {
        fprintf(stderr,
                "todoctl: the schema is at version %s or newer, this program knows %zu: use the "
                "program that made it\n",
                version, run->files->count - 1);
        return EX_DATAERR;
    }
    return compare(run, &run->files->items[number],
                   PQgetisnull(ledger, row, 1) ? NULL : PQgetvalue(ledger, row, 1));
}

static int compare_all(struct run *run)
{
    PGresult *ledger = admin_query(
        run->connection, "SELECT version, checksum FROM todo.schema_migrations ORDER BY version", 0,
        NULL);
    int status = ledger ? EX_OK : EX_UNAVAILABLE;

    run->applied = ledger ? (size_t)PQntuples(ledger) : 0;
    for (int row = 0; row < (int)run->applied && status == EX_OK; row++)
        status = compare_row(run, ledger, row);
    PQclear(ledger);
    return status;
}

/* The table of migrations is the owner's, whoever may run the files. */
static int as_owner(struct run *run, int (*work)(struct run *run))
{
    int status = finish(run, "SET LOCAL ROLE todo_owner");

    if (status == EX_OK)
        status = work(run);
    return status == EX_OK ? finish(run, "RESET ROLE") : status;
}

static int record_next(struct run *run)
{
    return record(run, &run->files->items[run->applied + 1]);
}

static int apply_next(struct run *run)
{
    const struct migration *next = &run->files->items[run->applied + 1];
    int status = run_file(run, next);

    if (status == EX_OK)
        status = as_owner(run, record_next);
    if (status == EX_OK)
        status = finish(run, "COMMIT");
    if (status == EX_OK)
        printf("applied %s\n", next->file);
    return status;
}

static int tell_plan(struct run *run)
{
    for (size_t i = run->applied + 1; i < run->files->count; i++)
        printf("would apply %s\n", run->files->items[i].file);
    return finish(run, "ROLLBACK");
}

static int step(struct run *run, bool *finished)
{
    int status = begin(run);

    if (status == EX_OK)
        status = run_file(run, &run->files->items[0]);
    if (status == EX_OK)
        status = as_owner(run, compare_all);
    *finished = status != EX_OK || run->dry_run || run->applied + 1 == run->files->count;
    if (status != EX_OK)
        return status;
    if (run->dry_run)
        return tell_plan(run);
    return *finished ? finish(run, "COMMIT") : apply_next(run);
}

static int run_steps(struct run *run)
{
    bool finished = false;
    int status = EX_OK;

    while (!finished && status == EX_OK)
        status = step(run, &finished);
    if (status != EX_OK)
        return status;
    printf("schema is at version %zu\n", run->applied);
    if (!store_schema_fits((int64_t)run->applied) && !run->dry_run)
        fprintf(stderr, "todoctl: the workers of this program do not serve that one\n");
    return EX_OK;
}

static int connect_and_run(const struct migrations *files, const char *url, bool dry_run)
{
    struct run run = {admin_open(url), files, 0, dry_run};
    int status = run.connection ? run_steps(&run) : EX_UNAVAILABLE;

    PQfinish(run.connection);
    return status;
}

int migrate_run(const char *url, const char *directory, bool dry_run)
{
    struct migrations files;
    int status = migrations_read(&files, directory);

    if (status == EX_OK)
        status = connect_and_run(&files, url, dry_run);
    migrations_fini(&files);
    return status;
}

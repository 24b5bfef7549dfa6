/* SPDX-License-Identifier: ISC */
/* admin.c: todoctl's blocking connection: connect, run, tell what failed on one line of stderr. */
#include <config.h>

#include "admin.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "log.h"
#include "setup_url.h"
#include "store.h"
#include "text.h"

#define CONNECT_SECONDS 10
#define FORBIDDEN "42501"

PGconn *admin_connect(const char *url, int seconds)
{
    char timeout[16];
    const char *const names[] = {"connect_timeout", "fallback_application_name", "dbname",
                                 "client_encoding", NULL};
    const char *const values[] = {timeout, "todoctl", url, "UTF8", NULL};
    PGconn *connection;

    snprintf(timeout, sizeof timeout, "%d", seconds);
    connection = PQconnectdbParams(names, values, 1);
    if (!connection)
        log_out_of_memory();
    return connection;
}

/* ---- as root: who is let in by name */

const struct passwd *admin_account(const char *url, const char *unnamed)
{
    char *role = setup_url_part(url, "user");
    const char *name = role ? role : unnamed;
    const struct passwd *user = NULL;

    if (name && geteuid() == 0 && setup_url_wants_peer(url))
        user = getpwnam(name);
    free(role);
    return user && user->pw_uid != 0 ? user : NULL;
}

/* The server asks the kernel who has called connect(2). Files that libpq may read, such as one of
 * passwords, it reads as that user. */
static PGconn *connect_as(const struct passwd *user, const char *url)
{
    PGconn *connection;

    if (seteuid(user->pw_uid) != 0)
        return NULL;
    connection = admin_connect(url, CONNECT_SECONDS);
    if (seteuid(0) == 0)
        return connection;
    fputs("todoctl: cannot become root again\n", stderr);
    _exit(EX_OSERR);
}

/* Root may still get in by a password in a file of its own, or by the server's map of names. */
static PGconn *connect_either_way(const char *url)
{
    const struct passwd *user = admin_account(url, NULL);
    PGconn *named = user ? connect_as(user, url) : NULL;
    PGconn *own;

    if (PQstatus(named) == CONNECTION_OK)
        return named;
    own = admin_connect(url, CONNECT_SECONDS);
    if (!named || PQstatus(own) == CONNECTION_OK || PQconnectionUsedPassword(own)) {
        PQfinish(named);
        return own;
    }
    PQfinish(own);
    return named;
}

/* When the server at `url` was started, by its clock; "" when it cannot be asked. */
static void ask_start(const char *url, char start[64])
{
    PGconn *connection = connect_either_way(url);
    PGresult *result = PQexec(connection, "SELECT extract(epoch FROM pg_postmaster_start_time())");

    snprintf(start, 64, "%s", PQntuples(result) == 1 ? PQgetvalue(result, 0, 0) : "");
    PQclear(result);
    PQfinish(connection);
}

static bool is_same_server(const char *url, const char *other)
{
    char start[64], other_start[64];

    ask_start(url, start);
    ask_start(other, other_start);
    return *start && strcmp(start, other_start) == 0;
}

/* What listens on the loopback may be a tunnel to another machine, or a container's. */
char *admin_local_url(const char *url)
{
    char *local = geteuid() == 0 ? setup_url_of_local_admin(url) : NULL;

    if (local && admin_account(local, NULL) &&
        (setup_url_is_socket(url) || is_same_server(url, local)))
        return local;
    free(local);
    return NULL;
}

/* ---- connecting, and what is told */

PGconn *admin_open(const char *url)
{
    PGconn *connection = connect_either_way(url);
    char line[1024];

    if (PQstatus(connection) == CONNECTION_OK)
        return connection;
    fprintf(stderr,
            "todoctl: %s: correct DATABASE_ADMIN_URL (or DATABASE_URL), or start the server\n",
            admin_error(connection, line, sizeof line));
    PQfinish(connection);
    return NULL;
}

int admin_check_schema(PGconn *connection)
{
    PGresult *result = admin_query(
        connection, "SELECT coalesce(max(version), 0) FROM todo.schema_migrations", 0, NULL);
    long found = result ? strtol(PQgetvalue(result, 0, 0), NULL, 10) : 0;

    PQclear(result);
    if (!result)
        return EX_UNAVAILABLE;
    if (store_schema_fits(found))
        return EX_OK;
    fprintf(stderr, "todoctl: the schema is at version %ld, this program needs %d: %s\n", found,
            STORE_SCHEMA_VERSION,
            found < STORE_SCHEMA_VERSION ? "run todoctl migrate" : "upgrade the program");
    return EX_DATAERR;
}

const char *admin_error(const PGconn *connection, char *line, size_t size)
{
    return text_one_line(PQerrorMessage(connection), line, size);
}

static const char *advice(const PGresult *result)
{
    static const struct {
        const char *state, *advice;
    } rows[] = {
        {FORBIDDEN, ": name a role that may do this in DATABASE_ADMIN_URL"},
        {"42P01", ": run todoctl migrate"}, /* no such table */
        {"22023", ": run todoctl migrate"}, /* no such role to become */
        {ADMIN_LOCK_TIMED_OUT, ": somebody has been using the table all the time, run it again"},
    };
    const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);

    for (size_t i = 0; state && i < sizeof rows / sizeof *rows; i++)
        if (strcmp(rows[i].state, state) == 0)
            return rows[i].advice;
    return "";
}

const char *admin_advice_on_rights(const PGresult *result)
{
    const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);

    return state && strcmp(state, FORBIDDEN) == 0 ? advice(result) : "";
}

/* Without the statement, which libpq would show. */
void admin_tell(const PGconn *connection, const PGresult *result)
{
    const char *message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    char line[1024];

    text_one_line(message ? message : PQerrorMessage(connection), line, sizeof line);
    fprintf(stderr, "todoctl: %s%s\n", line, advice(result));
}

PGresult *admin_query(PGconn *connection, const char *sql, int count, const char *const *values)
{
    PGresult *result = PQexecParams(connection, sql, count, NULL, values, NULL, NULL, 0);
    ExecStatusType status = PQresultStatus(result);

    if (status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK)
        return result;
    admin_tell(connection, result);
    PQclear(result);
    return NULL;
}

bool admin_execute(PGconn *connection, const char *sql)
{
    PGresult *result = admin_query(connection, sql, 0, NULL);

    PQclear(result);
    return result != NULL;
}

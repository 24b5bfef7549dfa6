/* SPDX-License-Identifier: ISC */
/* admin.c: todoctl's blocking connection: connect, run, tell what failed on one line of stderr. */
#include <config.h>

#include "admin.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "log.h"
#include "store.h"
#include "text.h"

#define CONNECT_SECONDS 10

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

PGconn *admin_open(const char *url)
{
    PGconn *connection = admin_connect(url, CONNECT_SECONDS);
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
        {"42501", ": name a role that may do this in DATABASE_ADMIN_URL"},
        {"42P01", ": run todoctl migrate"}, /* no such table */
        {ADMIN_LOCK_TIMED_OUT, ": somebody has been using the table all the time, run it again"},
    };
    const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);

    for (size_t i = 0; state && i < sizeof rows / sizeof *rows; i++)
        if (strcmp(rows[i].state, state) == 0)
            return rows[i].advice;
    return "";
}

void admin_tell(const PGconn *connection, const PGresult *result)
{
    char line[1024];

    fprintf(stderr, "todoctl: %s%s\n", admin_error(connection, line, sizeof line), advice(result));
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

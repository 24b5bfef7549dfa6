/* SPDX-License-Identifier: ISC */
/* admin.c: todoctl's blocking connection: connect, run, tell what failed on one line of stderr. */
#include <config.h>

#include "admin.h"

#include <stdio.h>
#include <stdlib.h>

#include "log.h"
#include "text.h"

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

const char *admin_error(const PGconn *connection, char *line, size_t size)
{
    return text_one_line(PQerrorMessage(connection), line, size);
}

PGresult *admin_query(PGconn *connection, const char *sql, int count, const char *const *values)
{
    PGresult *result = PQexecParams(connection, sql, count, NULL, values, NULL, NULL, 0);
    ExecStatusType status = PQresultStatus(result);
    char line[1024];

    if (status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK)
        return result;
    fprintf(stderr, "todoctl: %s\n", admin_error(connection, line, sizeof line));
    PQclear(result);
    return NULL;
}

bool admin_execute(PGconn *connection, const char *sql)
{
    PGresult *result = admin_query(connection, sql, 0, NULL);

    PQclear(result);
    return result != NULL;
}

/* SPDX-License-Identifier: ISC */
/* check_standby.c: asks both servers what store_replica.c compares, and the standby what every
 * server is asked on a new connection. */
#include <config.h>

#include <stdio.h>
#include <stdlib.h>

#include "admin.h"
#include "check_standby.h"
#include "store.h"
#include "store_check_sql.h"

#define HERE_SQL                                                                                   \
    "SELECT s.system_identifier, ('x' || left(pg_walfile_name(p.lsn), 8))::bit(32)::integer,"      \
    " p.lsn FROM pg_control_system() s, (SELECT pg_current_wal_flush_lsn() AS lsn) p"

/* $1 to $3: what the database said to that. */
#define THERE_SQL                                                                                  \
    "SELECT CASE WHEN NOT pg_is_in_recovery() THEN 'is no standby'"                                \
    " WHEN s.system_identifier <> $1::bigint THEN 'is a standby of another database'"              \
    " WHEN c.timeline_id <> $2::integer"                                                           \
    " THEN 'has made no checkpoint on the timeline of the database yet' END,"                      \
    " greatest(pg_wal_lsn_diff($3::pg_lsn, pg_last_wal_replay_lsn()), 0)::bigint"                  \
    " FROM pg_control_system() s, pg_control_checkpoint() c"

#define HERE_COLUMNS 3

static bool is_fit(const PGresult *result, char *finding, size_t size)
{
    if (!PQgetisnull(result, 0, 1))
        snprintf(finding, size, "%s", PQgetvalue(result, 0, 1));
    else if (!store_schema_fits(strtol(PQgetvalue(result, 0, 0), NULL, 10)))
        snprintf(finding, size, "has another version of the schema");
    else
        return true;
    return false;
}

static bool is_near(const PGresult *result, char *finding, size_t size)
{
    if (PQgetisnull(result, 0, 0))
        snprintf(finding, size, "%s bytes of the log behind", PQgetvalue(result, 0, 1));
    else
        snprintf(finding, size, "%s", PQgetvalue(result, 0, 0));
    return PQgetisnull(result, 0, 0);
}

static bool compare(PGconn *standby, PGconn *database, char *finding, size_t size)
{
    PGresult *here = admin_query(database, HERE_SQL, 0, NULL), *fitness = NULL, *there = NULL;
    const char *values[HERE_COLUMNS];
    bool good = false;

    snprintf(finding, size, "cannot be compared with the database");
    if (here) {
        for (int i = 0; i < HERE_COLUMNS; i++)
            values[i] = PQgetvalue(here, 0, i);
        there = admin_query(standby, THERE_SQL, HERE_COLUMNS, values);
        fitness = admin_query(standby, STORE_CHECK_SQL, 0, NULL);
    }
    if (there && fitness)
        good = is_fit(fitness, finding, size) && is_near(there, finding, size);
    PQclear(there);
    PQclear(fitness);
    PQclear(here);
    return good;
}

bool check_standby(const char *url, int seconds, PGconn *database, char *finding, size_t size)
{
    PGconn *standby = admin_connect(url, seconds);
    bool good = false;

    if (PQstatus(standby) == CONNECTION_OK)
        good = compare(standby, database, finding, size);
    else
        admin_error(standby, finding, size);
    PQfinish(standby);
    return good;
}

/* SPDX-License-Identifier: ISC */
/* store_connection.c: opens, checks and watches the one connection. libpq's non-blocking calls are
 * used throughout, so that the deadline holds even against a server that is stopped and not dead.
 * (Only the look-up of a host's name can take longer: it is the C library's and blocks.) */
#include <config.h>

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "log.h"
#include "metrics.h"
#include "store_check_sql.h"
#include "store_internal.h"

#define RETRY_MS 250   /* between attempts while the database is away */
#define QUIET_MS 10000 /* between lines in the log while it is */

bool store_wait(struct store *store, short events)
{
    struct pollfd fd = {.fd = PQsocket(store->connection), .events = events};

    for (;;) {
        int64_t left = store->deadline - clock_now_ms();
        int ready = left > 0 ? poll(&fd, 1, (int)left) : 0;

        if (ready > 0)
            return true;
        if (ready == 0 || errno != EINTR)
            return false;
    }
}

enum flush store_flush(struct store *store)
{
    for (;;) {
        int left = PQflush(store->connection);

        if (left == 0)
            return FLUSH_DONE;
        if (left < 0)
            return FLUSH_FAILED;
        /* The server may not read on before we have read what it wrote. */
        if (!store_wait(store, POLLIN | POLLOUT))
            return FLUSH_LATE;
        if (!PQconsumeInput(store->connection))
            return FLUSH_FAILED;
    }
}

void store_disconnect(struct store *store)
{
    PQfinish(store->connection);
    store->connection = NULL;
    store->prepared_count = 0;
    memset(store->prepared, 0, sizeof store->prepared);
}

/* Says why there is no connection, now and then, and keeps the next attempt at a distance. */
static enum err connect_failed(struct store *store, const char *why)
{
    int64_t now = clock_now_ms();
    char line[1024];

    store->retry_at = now + RETRY_MS;
    store->failing = true;
    metrics_count(METRICS_NOT_CONNECTED);
    if (now >= store->quiet_until) {
        log_warning("%s: %s", store->name, text_one_line(why, line, sizeof line));
        store->quiet_until = now + QUIET_MS;
    }
    store_disconnect(store);
    return ERR_UNAVAILABLE;
}

static void ignore_notice(void *data, const PGresult *result)
{
    (void)data;
    log_debug("database: notice %s", PQresultErrorField(result, PG_DIAG_SQLSTATE));
}

static bool dial(struct store *store)
{
    static const char *const keywords[] = {"fallback_application_name", "dbname", "client_encoding",
                                           NULL};
    const char *const values[] = {"todo.fcgi", store->conf->database_url, "UTF8", NULL};
    PostgresPollingStatusType status = PGRES_POLLING_WRITING;

    store->connection = PQconnectStartParams(keywords, values, 1);
    if (!store->connection || PQstatus(store->connection) == CONNECTION_BAD)
        return false;
    PQsetNoticeReceiver(store->connection, ignore_notice, NULL);
    while (status != PGRES_POLLING_OK) {
        if (status == PGRES_POLLING_FAILED ||
            !store_wait(store, status == PGRES_POLLING_READING ? POLLIN : POLLOUT))
            return false;
        status = PQconnectPoll(store->connection);
    }
    return PQsetnonblocking(store->connection, 1) == 0;
}

bool store_schema_fits(int64_t version)
{
    return version >= STORE_SCHEMA_OLDEST && version <= STORE_SCHEMA_VERSION;
}

/* Why this database must not be served, or NULL. */
static const char *misfit(const PGresult *result, char *why, size_t size)
{
    long version;

    if (PQresultStatus(result) != PGRES_TUPLES_OK || PQntuples(result) != 1)
        return "the check of the role and the schema failed";
    version = strtol(PQgetvalue(result, 0, 0), NULL, 10);
    if (!PQgetisnull(result, 0, 1))
        snprintf(why, size, "refusing to serve: %s; connect as todo_app or a role like it",
                 PQgetvalue(result, 0, 1));
    else if (PQgetisnull(result, 0, 0))
        snprintf(why, size, "there is no schema that this role can read; run todoctl migrate");
    else if (!store_schema_fits(version))
        snprintf(why, size, "the schema is at version %ld, this program needs %d; %s", version,
                 STORE_SCHEMA_VERSION,
                 version < STORE_SCHEMA_VERSION ? "run todoctl migrate" : "upgrade the program");
    else
        return NULL;
    return why;
}

/* Can PQgetResult say something without waiting? Not at the deadline, or without connection. */
static bool await_result(struct store *store)
{
    while (PQisBusy(store->connection))
        if (!store_wait(store, POLLIN) || !PQconsumeInput(store->connection))
            return false;
    return true;
}

/* One question, one answer, outside of pipeline mode; NULL when it does not come, or is not
 * followed by the server's being ready for more. */
static PGresult *ask(struct store *store, const char *sql)
{
    PGresult *result = NULL;

    if (!PQsendQueryParams(store->connection, sql, 0, NULL, NULL, NULL, NULL, 0) ||
        store_flush(store) != FLUSH_DONE)
        return NULL;
    while (await_result(store)) {
        PGresult *next = PQgetResult(store->connection);

        if (!next)
            return result;
        PQclear(result);
        result = next;
    }
    PQclear(result);
    return NULL;
}

/* 0 where this role may not know. */
static int64_t ask_system(struct store *store)
{
    PGresult *result = ask(store, "SELECT system_identifier FROM pg_catalog.pg_control_system()");
    int64_t system = PQntuples(result) == 1 ? strtoll(PQgetvalue(result, 0, 0), NULL, 10) : 0;

    PQclear(result);
    return system;
}

static enum err open_connection(struct store *store)
{
    char why[256];
    const char *fault;
    PGresult *result;

    if (!dial(store))
        return connect_failed(store, PQstatus(store->connection) == CONNECTION_BAD
                                         ? PQerrorMessage(store->connection)
                                         : "no answer to the attempt to connect");
    result = ask(store, STORE_CHECK_SQL);
    fault = result ? misfit(result, why, sizeof why) : "no answer to the check of the schema";
    PQclear(result);
    if (fault)
        return connect_failed(store, fault);
    if (store->is_compared)
        store->system = ask_system(store);
    if (!PQenterPipelineMode(store->connection))
        return connect_failed(store, "no pipeline mode");
    if (store->failing)
        log_info("%s: connected again", store->name);
    store->failing = false;
    store->quiet_until = 0;
    metrics_count(store->has_connected ? METRICS_RECONNECTED : METRICS_CONNECTED);
    store->has_connected = true;
    return ERR_NONE;
}

/* libpq says OK of an idle connection that the server has closed long since; the socket knows. */
static bool is_dead(const struct store *store)
{
    struct pollfd fd = {.fd = PQsocket(store->connection), .events = POLLRDHUP};

    return PQstatus(store->connection) != CONNECTION_OK || poll(&fd, 1, 0) != 0;
}

enum err store_connect(struct store *store)
{
    int64_t begun;
    enum err err;

    if (store->deadline == 0)
        store->deadline = clock_now_ms() + store->conf->db_deadline_ms;
    if (store->connection && is_dead(store)) {
        log_info("%s: the connection was closed; opening another", store->name);
        store_disconnect(store);
    }
    if (store->connection)
        return ERR_NONE;
    if (clock_now_ms() < store->retry_at)
        return ERR_UNAVAILABLE;
    begun = clock_now_us();
    err = open_connection(store);
    store->waited_us += clock_now_us() - begun;
    return err;
}

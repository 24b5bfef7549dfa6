/* SPDX-License-Identifier: ISC */
/* metrics_text.c: one table of the families and one of the counters in them; requests are written
 * from the table of routes. Seconds are the base unit, and no label ever holds what a client sent.
 */
#include <config.h>

#include "metrics_text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "response.h"

#define PLACES_FOR_ROUTES ((METRICS_ROWS - METHOD_COUNT) / 2)

/* ---- the format */

static void write_family(struct buf *out, const char *name, const char *type, const char *help)
{
    buf_printf(out, "# HELP todo_%s %s\n# TYPE todo_%s %s\n", name, help, name, type);
}

static void write_label(struct buf *out, char before, const char *name, const char *value)
{
    buf_printf(out, "%c%s=\"", before, name);
    for (; *value; value++) {
        if (strchr("\\\"\n", *value))
            buf_add_char(out, '\\');
        buf_add_char(out, *value == '\n' ? 'n' : *value);
    }
    buf_add_char(out, '"');
}

static void write_seconds(struct buf *out, int64_t microseconds)
{
    buf_printf(out, "%" PRId64 ".%06" PRId64, microseconds / 1000000, microseconds % 1000000);
}

static void write_gauge(struct buf *out, const char *name, const char *help, int64_t value)
{
    write_family(out, name, "gauge", help);
    buf_printf(out, "todo_%s %" PRId64 "\n", name, value);
}

/* ---- histograms */

/* The labels of a series that stand before others: none, or a route and its method. */
struct series {
    const char *route; /* NULL: none */
    const char *method;
};

static void write_series(struct buf *out, const char *name, const struct series *series)
{
    buf_printf(out, "todo_%s", name);
    if (!series->route)
        return;
    write_label(out, '{', "route", series->route);
    write_label(out, ',', "method", series->method);
}

static void write_bucket(struct buf *out, const char *name, const struct series *series,
                         size_t bucket, uint64_t count)
{
    write_series(out, name, series);
    buf_printf(out, "%cle=\"", series->route ? ',' : '{');
    if (bucket < METRICS_BUCKETS)
        write_seconds(out, metrics_bounds[bucket]);
    else
        buf_add_string(out, "+Inf");
    buf_printf(out, "\"} %" PRIu64 "\n", count);
}

/* `name` without its suffix. */
static void write_histogram(struct buf *out, const char *name, const struct series *series,
                            const struct metrics_times *times)
{
    char part[64];
    const char *end = series->route ? "}" : "";
    uint64_t count = 0;

    snprintf(part, sizeof part, "%s_bucket", name);
    for (size_t bucket = 0; bucket <= METRICS_BUCKETS; bucket++) {
        count += times->buckets[bucket];
        write_bucket(out, part, series, bucket, count);
    }
    snprintf(part, sizeof part, "%s_sum", name);
    write_series(out, part, series);
    buf_printf(out, "%s ", end);
    write_seconds(out, (int64_t)times->microseconds);
    snprintf(part, sizeof part, "%s_count", name);
    buf_add_char(out, '\n');
    write_series(out, part, series);
    buf_printf(out, "%s %" PRIu64 "\n", end, count);
}

/* ---- requests */

size_t metrics_text_row(const struct route *route, enum method method)
{
    size_t place = route ? (size_t)(route - route_table()) : PLACES_FOR_ROUTES;

    if (place >= PLACES_FOR_ROUTES)
        return METRICS_ROWS - METHOD_COUNT + method;
    return 2 * place + (method == METHOD_HEAD);
}

/* The row's labels; from `pattern`, which must outlive them. */
static struct series name_row(const struct route *route, size_t row, char *pattern, size_t size)
{
    if (row >= METRICS_ROWS - METHOD_COUNT)
        return (struct series){"none",
                               method_name((enum method)(row - (METRICS_ROWS - METHOD_COUNT)))};
    snprintf(pattern, size, "%s%s", route_base(route), route_rest(route));
    return (struct series){pattern, method_name(row % 2 ? METHOD_HEAD : route->method)};
}

typedef void row_writer(struct buf *out, const struct series *series,
                        const struct metrics_row *row);

static void write_statuses(struct buf *out, const struct series *series,
                           const struct metrics_row *row)
{
    char status[8];

    for (size_t place = 0; place < METRICS_STATUSES; place++) {
        if (row->statuses[place] == 0)
            continue;
        snprintf(status, sizeof status, "%d", response_status_at(place));
        write_series(out, "http_requests_total", series);
        write_label(out, ',', "status", status);
        buf_printf(out, "} %" PRIu64 "\n", row->statuses[place]);
    }
}

static bool has_counted(const struct metrics_row *row)
{
    for (size_t place = 0; place < METRICS_STATUSES; place++)
        if (row->statuses[place] > 0)
            return true;
    return false;
}

static void write_durations(struct buf *out, const struct series *series,
                            const struct metrics_row *row)
{
    if (has_counted(row))
        write_histogram(out, "http_request_duration_seconds", series, &row->times);
}

static void write_rows(struct buf *out, const struct metrics_sum *sum, row_writer *write)
{
    char pattern[64];

    for (const struct route *route = route_table(); route->pattern; route++)
        for (size_t half = 0; half < 2; half++) {
            size_t row = metrics_text_row(route, half ? METHOD_HEAD : route->method);
            struct series series = name_row(route, row, pattern, sizeof pattern);

            write(out, &series, &sum->counts.rows[row]);
        }
    for (size_t row = METRICS_ROWS - METHOD_COUNT; row < METRICS_ROWS; row++) {
        struct series series = name_row(NULL, row, pattern, sizeof pattern);

        write(out, &series, &sum->counts.rows[row]);
    }
}

/* ---- counters */

/* A family's first row has its help; all of one stand together. */
static const struct {
    enum metrics_counter counter;
    const char *family;
    const char *label, *value; /* NULL: none */
    const char *help;          /* NULL: of the family above */
} counters[] = {
    {METRICS_AUTH_NONE, "auth_failures_total", "cause", "no_token",
     "Requests refused for want of a right to them, by cause."},
    {METRICS_AUTH_MALFORMED, "auth_failures_total", "cause", "malformed", NULL},
    {METRICS_AUTH_EXPIRED, "auth_failures_total", "cause", "expired", NULL},
    {METRICS_AUTH_NOT_YET_VALID, "auth_failures_total", "cause", "not_yet_valid", NULL},
    {METRICS_AUTH_ISSUER, "auth_failures_total", "cause", "issuer", NULL},
    {METRICS_AUTH_AUDIENCE, "auth_failures_total", "cause", "audience", NULL},
    {METRICS_AUTH_SIGNATURE, "auth_failures_total", "cause", "signature", NULL},
    {METRICS_AUTH_UNKNOWN_KEY, "auth_failures_total", "cause", "unknown_key", NULL},
    {METRICS_AUTH_NO_KEYS, "auth_failures_total", "cause", "no_key_set", NULL},
    {METRICS_AUTH_SESSION, "auth_failures_total", "cause", "session_ended", NULL},
    {METRICS_AUTH_OTHER_USER, "auth_failures_total", "cause", "other_user", NULL},
    {METRICS_AUTH_ORIGIN, "auth_failures_total", "cause", "origin", NULL},
    {METRICS_AUTH_PASSWORD, "auth_failures_total", "cause", "password", NULL},
    {METRICS_AUTH_REFRESH, "auth_failures_total", "cause", "refresh_token", NULL},
    {METRICS_AUTH_THROTTLED, "auth_failures_total", "cause", "throttled", NULL},
    {METRICS_CONNECTED, "database_connections_total", "result", "first",
     "Connections to the database, a worker's first and later ones, and attempts that failed."},
    {METRICS_RECONNECTED, "database_connections_total", "result", "again", NULL},
    {METRICS_NOT_CONNECTED, "database_connections_total", "result", "failed", NULL},
    {METRICS_RETRIES, "database_retries_total", NULL, NULL,
     "Round trips that were run a second time after a failure."},
    {METRICS_LATE, "database_failures_total", "cause", "late",
     "Round trips that failed: past the deadline, connection lost, rolled back for another "
     "transaction's sake, refused."},
    {METRICS_LOST, "database_failures_total", "cause", "lost", NULL},
    {METRICS_ROLLED_BACK, "database_failures_total", "cause", "rolled_back", NULL},
    {METRICS_REFUSED, "database_failures_total", "cause", "refused", NULL},
    {METRICS_STANDBY_ANSWERED, "standby_reads_total", "result", "answered",
     "Reads that the standby was asked for: it answered, was behind the client, failed. The "
     "database "
     "answered the latter two."},
    {METRICS_STANDBY_BEHIND, "standby_reads_total", "result", "behind", NULL},
    {METRICS_STANDBY_FAILED, "standby_reads_total", "result", "failed", NULL},
    {METRICS_EMPTY, "unanswered_connections_total", "cause", "no_request",
     "Connections of the web server without a whole answer: no request came in time, the client "
     "was gone before it was begun, an answer was cut off."},
    {METRICS_ABANDONED, "unanswered_connections_total", "cause", "abandoned", NULL},
    {METRICS_CUT, "unanswered_connections_total", "cause", "cut", NULL},
    {METRICS_STARTS, "worker_starts_total", NULL, NULL,
     "Workers that have begun, those that took the place of others included."},
};

static void write_counters(struct buf *out, const struct metrics_sum *sum)
{
    for (size_t i = 0; i < sizeof counters / sizeof *counters; i++) {
        if (counters[i].help)
            write_family(out, counters[i].family, "counter", counters[i].help);
        buf_printf(out, "todo_%s", counters[i].family);
        if (counters[i].label) {
            write_label(out, '{', counters[i].label, counters[i].value);
            buf_add_char(out, '}');
        }
        buf_printf(out, " %" PRIu64 "\n", sum->counts.counters[counters[i].counter]);
    }
}

/* ---- all of it */

static void write_gauges(struct buf *out, const struct metrics_sum *sum,
                         const struct accept_queue *queue)
{
    write_family(out, "build_info", "gauge", "1, labelled by the version.");
    buf_add_string(out, "todo_build_info");
    write_label(out, '{', "version", PACKAGE_VERSION);
    buf_add_string(out, "} 1\n");
    write_gauge(out, "pool_start_time_seconds", "When counting began, since 1970.", sum->started);
    write_gauge(out, "workers", "Workers that live.", sum->workers);
    write_gauge(out, "workers_busy",
                "Workers with a request in hand; the one that answers this is among them.",
                sum->busy);
    if (!queue)
        return;
    write_gauge(out, "accept_queue_length", "Connections that no worker has taken yet.",
                queue->length);
    write_gauge(out, "accept_queue_limit", "Connections that may wait, the listen backlog.",
                queue->limit);
}

void metrics_text_write(struct buf *out, const struct metrics_sum *sum,
                        const struct accept_queue *queue)
{
    const struct series none = {NULL, NULL};

    write_gauges(out, sum, queue);
    write_family(out, "http_requests_total", "counter",
                 "Requests by route, method and status; route none: no such path or method.");
    write_rows(out, sum, write_statuses);
    write_family(out, "http_request_duration_seconds", "histogram",
                 "From reading a request to the end of its answer.");
    write_rows(out, sum, write_durations);
    write_family(out, "database_roundtrip_duration_seconds", "histogram",
                 "From sending statements to their last result.");
    write_histogram(out, "database_roundtrip_duration_seconds", &none, &sum->counts.database);
    write_counters(out, sum);
}

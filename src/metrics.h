/* SPDX-License-Identifier: ISC */
/* metrics.h: what has happened since the pool was started, counted without locks.
 *
 * The board lies in memory that is mapped before the fork and has a slot for each worker. A worker
 * counts in its own; whoever is asked adds all of them up. What a worker has counted stays when it
 * ends, and whoever takes its place goes on from there, so that no sum ever goes back. */
#ifndef TODO_METRICS_H
#define TODO_METRICS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define METRICS_WORKERS_MAX 1024
#define METRICS_ROWS 128    /* metrics_text.c tells which is what */
#define METRICS_STATUSES 24 /* response.c's, and what is none of them */
#define METRICS_BUCKETS 13  /* of a histogram; what lies above them has one more */

/* metrics_text.c has their names. */
enum metrics_counter {
    METRICS_NOTHING,   /* for tables: shown nowhere */
    METRICS_AUTH_NONE, /* refusals, by cause: no token was sent */
    METRICS_AUTH_MALFORMED,
    METRICS_AUTH_EXPIRED,
    METRICS_AUTH_NOT_YET_VALID,
    METRICS_AUTH_ISSUER,
    METRICS_AUTH_AUDIENCE,
    METRICS_AUTH_SIGNATURE,
    METRICS_AUTH_UNKNOWN_KEY,
    METRICS_AUTH_NO_KEYS,
    METRICS_AUTH_SESSION,
    METRICS_AUTH_OTHER_USER,
    METRICS_AUTH_ORIGIN,
    METRICS_AUTH_PASSWORD,
    METRICS_AUTH_REFRESH,
    METRICS_AUTH_THROTTLED,
    METRICS_CONNECTED, /* to the database, for the first time */
    METRICS_RECONNECTED,
    METRICS_NOT_CONNECTED,
    METRICS_RETRIES,
    METRICS_LATE, /* round trips that failed, by cause */
    METRICS_LOST,
    METRICS_ROLLED_BACK,
    METRICS_REFUSED,
    METRICS_STANDBY_ANSWERED, /* reads that it was asked for, by result */
    METRICS_STANDBY_BEHIND,
    METRICS_STANDBY_FAILED,
    METRICS_EMPTY, /* connections without an answer, by cause */
    METRICS_ABANDONED,
    METRICS_CUT,
    METRICS_STARTS, /* of workers */
    METRICS_COUNTERS
};

struct metrics_times {
    uint64_t buckets[METRICS_BUCKETS + 1]; /* each without those below it */
    uint64_t microseconds;
};

struct metrics_row {
    uint64_t statuses[METRICS_STATUSES];
    struct metrics_times times;
};

/* Nothing but uint64_t, all of which only grow. */
struct metrics_counts {
    uint64_t counters[METRICS_COUNTERS];
    struct metrics_times database;
    struct metrics_row rows[METRICS_ROWS];
};

struct metrics_sum {
    struct metrics_counts counts;
    unsigned workers, busy; /* that live now; that have a request in hand */
    int64_t started;        /* the board was made; seconds since 1970 */
};

struct metrics;

/* The upper bounds of the buckets, in microseconds. */
extern const int64_t metrics_bounds[METRICS_BUCKETS];

/* The board that the program before this one has left, if it is of the same version; else a new
 * one. Slots that nobody enters take no memory. Ends the program when there is none. */
struct metrics *metrics_new(void);
/* Leaves the board to the program that this one becomes (reload.h), whose workers go on counting in
 * it beside those of this one that are still there. */
void metrics_leave(void);
void metrics_free(struct metrics *metrics);

/* From now on this process counts in the slot `index`. Before, with NULL, and where there is no
 * such slot, everything below does nothing. The one state of a process that is kept here. */
void metrics_enter(struct metrics *metrics, long index);

/* A worker with that number is no more: its slot keeps what it has counted, but is nobody's. */
void metrics_worker_ended(pid_t pid);

void metrics_count(enum metrics_counter counter);
void metrics_request(size_t row, size_t status, int64_t microseconds);
void metrics_database(int64_t microseconds);
void metrics_set_busy(bool busy);

/* Adds up all slots. */
void metrics_add_up(struct metrics_sum *sum);

#endif

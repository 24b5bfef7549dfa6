/* SPDX-License-Identifier: ISC */
/* metrics.c: plain numbers in shared memory. Each is changed by one atomic addition that orders
 * nothing: normally a slot has one writer, but while a pool replaces its workers a new one may
 * begin before the old one has drained. */
#include <config.h>

#include "metrics.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clock.h"
#include "log.h"
#include "reload.h"

#define LEFT_METRICS "RELOAD_METRICS" /* the number of a descriptor */

struct slot {
    struct metrics_counts counts;
    pid_t pid; /* of the worker; 0: there is none */
    bool busy;
};

struct metrics {
    char version[32]; /* of the program: in another a number may mean something else */
    size_t size;
    int64_t started;
    long used; /* slots that have been entered, and all before them */
    struct slot slots[METRICS_WORKERS_MAX];
};

const int64_t metrics_bounds[METRICS_BUCKETS] = {
    500, 1000, 2500, 5000, 10000, 25000, 50000, 100000, 250000, 500000, 1000000, 2500000, 5000000};

static int memory = -1; /* its descriptor */
static struct metrics *board;
static struct slot *own; /* in `board`; NULL: none */

/* NULL when that is no memory of ours. */
static struct metrics *map(int fd)
{
    struct stat status;
    struct metrics *metrics = MAP_FAILED;

    if (fstat(fd, &status) == 0 && status.st_size == (off_t)sizeof *metrics)
        metrics = mmap(NULL, sizeof *metrics, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (metrics == MAP_FAILED)
        return NULL;
    memory = fd;
    return metrics;
}

static struct metrics *take_over(void)
{
    struct metrics *metrics = NULL;
    struct buf number;
    int64_t fd = -1;

    buf_init(&number);
    reload_take(LEFT_METRICS, &number);
    if (text_to_int(buf_text(&number), STDERR_FILENO + 1, INT_MAX, &fd))
        metrics = map((int)fd);
    buf_fini(&number);
    if (metrics && metrics->size == sizeof *metrics &&
        strncmp(metrics->version, PACKAGE_VERSION, sizeof metrics->version) == 0) {
        fcntl(memory, F_SETFD, FD_CLOEXEC);
        return metrics;
    }
    if (metrics)
        metrics_free(metrics);
    else if (fd >= 0)
        close((int)fd);
    return NULL;
}

struct metrics *metrics_new(void)
{
    struct metrics *metrics = take_over();
    int fd;

    if (metrics)
        return metrics;
    fd = memfd_create("todo-metrics", MFD_CLOEXEC);
    if (fd < 0 || ftruncate(fd, sizeof *metrics) != 0 || !(metrics = map(fd)))
        log_out_of_memory();
    snprintf(metrics->version, sizeof metrics->version, "%s", PACKAGE_VERSION);
    metrics->size = sizeof *metrics;
    metrics->started = (int64_t)clock_unix_seconds();
    return metrics;
}

void metrics_leave(void)
{
    char number[16];
    int length = snprintf(number, sizeof number, "%d", memory);

    fcntl(memory, F_SETFD, 0);
    reload_leave(LEFT_METRICS, (struct text){number, (size_t)length});
    memory = -1; /* stays open for it */
}

void metrics_free(struct metrics *metrics)
{
    if (metrics == board)
        metrics_enter(NULL, 0);
    if (!metrics)
        return;
    if (memory >= 0)
        close(memory);
    memory = -1;
    munmap(metrics, sizeof *metrics);
}

static void raise_used(long wanted)
{
    long used = __atomic_load_n(&board->used, __ATOMIC_RELAXED);

    while (used < wanted && !__atomic_compare_exchange_n(&board->used, &used, wanted, false,
                                                         __ATOMIC_RELAXED, __ATOMIC_RELAXED))
        continue;
}

void metrics_enter(struct metrics *metrics, long index)
{
    board = metrics;
    own = NULL;
    if (!metrics || index < 0 || index >= METRICS_WORKERS_MAX)
        return;
    own = &metrics->slots[index];
    metrics_set_busy(false); /* the one before may have been killed */
    __atomic_store_n(&own->pid, getpid(), __ATOMIC_RELAXED);
    raise_used(index + 1);
    metrics_count(METRICS_STARTS);
}

void metrics_worker_ended(pid_t pid)
{
    long used = board ? __atomic_load_n(&board->used, __ATOMIC_RELAXED) : 0;

    for (long i = 0; i < used; i++) {
        pid_t expected = pid; /* a successor may be there already */

        __atomic_compare_exchange_n(&board->slots[i].pid, &expected, 0, false, __ATOMIC_RELAXED,
                                    __ATOMIC_RELAXED);
    }
}

static void add(uint64_t *number, uint64_t more)
{
    __atomic_fetch_add(number, more, __ATOMIC_RELAXED);
}

static void add_time(struct metrics_times *times, int64_t microseconds)
{
    size_t bucket = 0;

    while (bucket < METRICS_BUCKETS && microseconds > metrics_bounds[bucket])
        bucket++;
    add(&times->buckets[bucket], 1);
    add(&times->microseconds, microseconds > 0 ? (uint64_t)microseconds : 0);
}

void metrics_count(enum metrics_counter counter)
{
    if (own)
        add(&own->counts.counters[counter], 1);
}

void metrics_request(size_t row, size_t status, int64_t microseconds)
{
    if (!own || row >= METRICS_ROWS || status >= METRICS_STATUSES)
        return;
    add(&own->counts.rows[row].statuses[status], 1);
    add_time(&own->counts.rows[row].times, microseconds);
}

void metrics_database(int64_t microseconds)
{
    if (own)
        add_time(&own->counts.database, microseconds);
}

void metrics_set_busy(bool busy)
{
    if (own)
        __atomic_store_n(&own->busy, busy, __ATOMIC_RELAXED);
}

static void add_slot(const struct slot *slot, struct metrics_sum *sum)
{
    const uint64_t *from = (const uint64_t *)&slot->counts;
    uint64_t *to = (uint64_t *)&sum->counts;

    for (size_t i = 0; i < sizeof slot->counts / sizeof *from; i++)
        to[i] += __atomic_load_n(&from[i], __ATOMIC_RELAXED);
    if (__atomic_load_n(&slot->pid, __ATOMIC_RELAXED) == 0)
        return;
    sum->workers++;
    sum->busy += __atomic_load_n(&slot->busy, __ATOMIC_RELAXED);
}

void metrics_add_up(struct metrics_sum *sum)
{
    *sum = (struct metrics_sum){0};
    if (!board)
        return;
    sum->started = board->started;
    for (long i = 0; i < __atomic_load_n(&board->used, __ATOMIC_RELAXED); i++)
        add_slot(&board->slots[i], sum);
}

/* SPDX-License-Identifier: ISC */
/* pool.c: a slot for each worker, and one loop that waits for signals: a worker has ended, or we
 * are to stop. All of them stay blocked and are taken by sigtimedwait, so that no handler runs and
 * none is lost between two looks. */
#include <config.h>

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "clock.h"
#include "log.h"
#include "pool.h"
#include "server.h"

#define QUICK_DEATH_MS 1000
#define PAUSE_FIRST_MS 100
#define PAUSE_MAX_MS 5000
#define DRAIN_MAX_MS 10000
#define FOR_EVER INT64_MAX

struct slot {
    pid_t pid;       /* 0: no worker at present */
    int64_t started; /* the last one; monotonic milliseconds, as is `due` */
    int64_t due;     /* when the next one is to start */
    int64_t pause;   /* before that, in milliseconds; 0: the last one lived long enough */
};

struct pool {
    struct slot *slots;
    long count;
    int (*work)(void *data, long index);
    void *data;
    sigset_t awaited;     /* the drain signals and CHLD */
    sigset_t worker_mask; /* as it was when pool_run was called */
};

static void __attribute__((noreturn))
be_worker(const struct pool *pool, long index, pid_t supervisor)
{
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != supervisor)
        exit(EX_OK); /* it died before it could tell us */
    sigprocmask(SIG_SETMASK, &pool->worker_mask, NULL);
    exit(pool->work(pool->data, index));
}

static void set_pause(struct slot *slot)
{
    int64_t now = clock_now_ms();
    if (now - slot->started >= QUICK_DEATH_MS)
        slot->pause = 0;
    else if (slot->pause == 0)
        slot->pause = PAUSE_FIRST_MS;
    else
        slot->pause = slot->pause * 2 < PAUSE_MAX_MS ? slot->pause * 2 : PAUSE_MAX_MS;
    slot->due = now + slot->pause;
}

static void start(const struct pool *pool, struct slot *slot)
{
    pid_t supervisor = getpid();
    slot->started = clock_now_ms();
    fflush(NULL); /* or the worker would write it a second time */
    pid_t pid = fork();
    if (pid == 0)
        be_worker(pool, slot - pool->slots, supervisor);
    if (pid < 0) {
        log_error("cannot start a worker: %s", strerror(errno));
        set_pause(slot);
        return;
    }
    slot->pid = pid;
    log_info("worker %d started", (int)pid);
}

/* Gives when the next one that still waits is due. */
static int64_t start_those_due(struct pool *pool)
{
    int64_t next = FOR_EVER;
    for (struct slot *slot = pool->slots; slot < pool->slots + pool->count; slot++) {
        if (slot->pid == 0 && slot->due <= clock_now_ms())
            start(pool, slot);
        if (slot->pid == 0 && slot->due < next)
            next = slot->due;
    }
    return next;
}

static void log_end(pid_t pid, int status)
{
    if (WIFSIGNALED(status))
        log_error("worker %d was killed by signal %d (%s)", (int)pid, WTERMSIG(status),
                  strsignal(WTERMSIG(status)));
    else
        log_info("worker %d ended with status %d", (int)pid, WEXITSTATUS(status));
}

static struct slot *find_slot(const struct pool *pool, pid_t pid)
{
    for (struct slot *slot = pool->slots; slot < pool->slots + pool->count; slot++) {
        if (slot->pid == pid)
            return slot;
    }
    return NULL;
}

static void reap(struct pool *pool)
{
    int status;
    pid_t pid;
    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        struct slot *slot = find_slot(pool, pid);
        if (slot == NULL)
            continue; /* a child of the program that became us by exec */
        log_end(pid, status);
        slot->pid = 0;
        set_pause(slot);
    }
}

/* Waits for one of the awaited signals, at most until `limit`. True when it asks for a drain. */
static bool wait_for_signal(const struct pool *pool, int64_t limit)
{
    int64_t left = limit - clock_now_ms();
    const struct timespec span = clock_span(left > 0 ? left : 0);
    int signal = sigtimedwait(&pool->awaited, NULL, limit == FOR_EVER ? NULL : &span);
    return signal > 0 && signal != SIGCHLD;
}

static void supervise(struct pool *pool)
{
    int64_t next;
    do {
        reap(pool);
        next = start_those_due(pool);
    } while (!wait_for_signal(pool, next));
}

static bool is_running(const struct pool *pool)
{
    for (long i = 0; i < pool->count; i++) {
        if (pool->slots[i].pid != 0)
            return true;
    }
    return false;
}

/* Sends all workers the signal and waits for their end, at most until `limit`. */
static void stop(struct pool *pool, int signal, int64_t limit)
{
    for (long i = 0; i < pool->count; i++) {
        if (pool->slots[i].pid != 0)
            kill(pool->slots[i].pid, signal);
    }
    for (reap(pool); is_running(pool) && clock_now_ms() < limit; reap(pool))
        wait_for_signal(pool, limit);
}

static void pool_init(struct pool *pool, long workers)
{
    pool->slots = calloc((size_t)workers, sizeof(*pool->slots));
    if (pool->slots == NULL)
        log_out_of_memory();
    pool->count = workers;
    server_drain_signals(&pool->awaited);
    sigaddset(&pool->awaited, SIGCHLD);
    sigprocmask(SIG_BLOCK, &pool->awaited, &pool->worker_mask);
    signal(SIGCHLD, SIG_DFL); /* inherited as ignored, it would hide how a worker ended */
}

static void pool_fini(struct pool *pool)
{
    sigprocmask(SIG_SETMASK, &pool->worker_mask, NULL);
    free(pool->slots);
}

int pool_run(long workers, int (*work)(void *data, long index), void *data)
{
    struct pool pool = {.work = work, .data = data};
    pool_init(&pool, workers);
    supervise(&pool);
    log_info("draining %ld workers", workers);
    stop(&pool, SIGTERM, clock_now_ms() + DRAIN_MAX_MS);
    if (is_running(&pool)) {
        log_warning("some workers have not drained after %d s and are killed", DRAIN_MAX_MS / 1000);
        stop(&pool, SIGKILL, FOR_EVER);
    }
    pool_fini(&pool);
    return EX_OK;
}

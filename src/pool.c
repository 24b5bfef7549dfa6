/* SPDX-License-Identifier: ISC */
/* pool.c: a slot for each worker, and one loop that waits for signals: a worker has ended, or we
 * are to stop or reload. All of them stay blocked and are taken by sigtimedwait, so that no handler
 * runs and none is lost between two looks.
 *
 * A reload leaves the workers to the program that this one becomes. They are its children too, and
 * it replaces them one after another. */
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
#include "metrics.h"
#include "notify.h"
#include "pool.h"
#include "reload.h"
#include "server.h"

#define QUICK_DEATH_MS 1000
#define PAUSE_FIRST_MS 100
#define PAUSE_MAX_MS 5000
#define DRAIN_MAX_MS 10000
#define SETTLE_MS 100
#define FOR_EVER INT64_MAX
#define LEFT_WORKERS "RELOAD_WORKERS" /* an array of pid_t */

struct slot {
    pid_t pid;       /* 0: no worker at present */
    int64_t started; /* the last one; monotonic milliseconds, as is `due` */
    int64_t due;     /* when the next one is to start */
    int64_t pause;   /* before that, in milliseconds; 0: the last one lived long enough */
};

struct pool {
    struct slot *slots;
    long count;
    long unstarted; /* that many, the first ones, wait for their turn in a reload */
    pid_t *old;     /* the workers of the program before; 0: it has ended */
    size_t old_count;
    size_t untold;         /* that many, the first ones, have not been told to leave */
    pid_t leaving;         /* the one told last; 0: it has ended */
    int64_t leaving_limit; /* until when the next one waits for it */
    bool ready;
    int (*work)(void *data, long index);
    void *data;
    sigset_t awaited;     /* the drain signals, HUP and CHLD */
    sigset_t worker_mask; /* as it was when pool_run was called */
};

static void __attribute__((noreturn))
be_worker(const struct pool *pool, long index, pid_t supervisor)
{
    notify_forget();
    signal(SIGHUP, SIG_IGN); /* the supervisor's affair, even when all of a group get it */
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
    for (struct slot *slot = pool->slots + pool->unstarted; slot < pool->slots + pool->count;
         slot++) {
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

static void forget_old(struct pool *pool, pid_t pid)
{
    for (size_t i = 0; i < pool->old_count; i++) {
        if (pool->old[i] == pid)
            pool->old[i] = 0;
    }
    if (pool->leaving == pid)
        pool->leaving = 0;
}

static void reap(struct pool *pool)
{
    int status;
    pid_t pid;
    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        struct slot *slot = find_slot(pool, pid);
        log_end(pid, status);
        metrics_worker_ended(pid);
        forget_old(pool, pid);
        if (slot == NULL)
            continue; /* an old one, or a child of the program that became us by exec */
        slot->pid = 0;
        set_pause(slot);
    }
}

/* ---- taking over from the program before */

static void tell_next_to_leave(struct pool *pool)
{
    pool->leaving = 0;
    while (pool->untold > 0 && pool->leaving == 0)
        pool->leaving = pool->old[--pool->untold];
    if (pool->leaving != 0)
        kill(pool->leaving, SIGQUIT);
    pool->leaving_limit = clock_now_ms() + DRAIN_MAX_MS;
}

/* New and old ones take turns, as long as there are both. */
static bool is_turn_of_new(const struct pool *pool)
{
    size_t started = (size_t)(pool->count - pool->unstarted);
    return pool->unstarted > 0 && (pool->untold == 0 || started <= pool->old_count - pool->untold);
}

/* When a worker will have lived long enough. One that has ended, or could not be forked, is to be
 * started again before: start_those_due does that, once it is looked at again. */
static int64_t time_of_settling(const struct slot *slot)
{
    int64_t now = clock_now_ms();
    if (slot->pid != 0)
        return slot->started + SETTLE_MS;
    return (slot->due > now ? slot->due : now) + SETTLE_MS;
}

/* When the next one, new or old, has its turn: not before the one that is leaving has left or taken
 * too long over it; and no old one leaves for a worker that ends at once. */
static int64_t time_of_turn(const struct pool *pool)
{
    int64_t left = pool->leaving != 0 ? pool->leaving_limit : 0;
    if (is_turn_of_new(pool))
        return left;
    int64_t settled = time_of_settling(&pool->slots[pool->unstarted]);
    return settled > left ? settled : left;
}

/* Starts a new worker, tells an old one to leave, and so on. From the last slot on, because a
 * fetcher has that, and the workers need what it fetches. Gives when to look again. */
static int64_t take_over(struct pool *pool)
{
    while (pool->unstarted > 0 || pool->untold > 0) {
        int64_t turn = time_of_turn(pool);
        if (turn > clock_now_ms())
            return turn;
        if (is_turn_of_new(pool))
            start(pool, &pool->slots[--pool->unstarted]);
        else
            tell_next_to_leave(pool);
    }
    return FOR_EVER;
}

static bool is_our_child(pid_t pid)
{
    siginfo_t info;
    return pid > 0 && waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0;
}

static void take_old_workers(struct pool *pool)
{
    struct buf left;
    buf_init(&left);
    reload_take(LEFT_WORKERS, &left);
    pool->old_count = left.length / sizeof(*pool->old);
    pool->old = calloc(pool->old_count + 1, sizeof(*pool->old));
    if (pool->old == NULL)
        log_out_of_memory();
    for (size_t i = 0; i < pool->old_count; i++) {
        memcpy(&pool->old[i], left.data + i * sizeof(*pool->old), sizeof(*pool->old));
        if (!is_our_child(pool->old[i]))
            pool->old[i] = 0;
    }
    buf_fini(&left);
    pool->untold = pool->old_count;
    pool->unstarted = pool->old_count > 0 ? pool->count : 0;
}

static void leave_workers(const struct pool *pool)
{
    struct buf pids;
    notify_reloading();
    buf_init(&pids);
    for (size_t i = 0; i < pool->old_count; i++) {
        if (pool->old[i] != 0)
            buf_add(&pids, &pool->old[i], sizeof(pool->old[i]));
    }
    for (long i = 0; i < pool->count; i++)
        buf_add(&pids, &pool->slots[i].pid, sizeof(pool->slots[i].pid));
    reload_leave(LEFT_WORKERS, buf_text(&pids));
    buf_fini(&pids);
}

bool pool_has_old_workers(void)
{
    return reload_has(LEFT_WORKERS);
}

/* ---- the loop */

/* Waits for one of the awaited signals, at most until `limit`. Gives it; 0: none but CHLD. */
static int wait_for_signal(const struct pool *pool, int64_t limit)
{
    int64_t left = limit - clock_now_ms();
    const struct timespec span = clock_span(left > 0 ? left : 0);
    int signal = sigtimedwait(&pool->awaited, NULL, limit == FOR_EVER ? NULL : &span);
    return signal > 0 && signal != SIGCHLD ? signal : 0;
}

/* Once all of the new workers run and the last of the old ones has been told to leave. */
static void tell_ready(struct pool *pool)
{
    if (pool->ready || pool->unstarted > 0 || pool->untold > 0)
        return;
    pool->ready = true;
    if (pool->old_count > 0)
        log_info("reloaded");
    notify_ready();
}

/* Until a signal asks for the end, or for a reload that can be. Gives that signal. */
static int supervise(struct pool *pool)
{
    int signal;
    do {
        reap(pool);
        int64_t due = start_those_due(pool);
        int64_t turn = take_over(pool);
        tell_ready(pool);
        signal = wait_for_signal(pool, due < turn ? due : turn);
    } while (signal == 0 || (signal == SIGHUP && !reload_is_sound()));
    return signal;
}

static bool is_running(const struct pool *pool)
{
    bool running = false;
    for (long i = 0; i < pool->count; i++)
        running = running || pool->slots[i].pid != 0;
    for (size_t i = 0; i < pool->old_count; i++)
        running = running || pool->old[i] != 0;
    return running;
}

static void send_signal(pid_t pid, int signal)
{
    if (pid != 0)
        kill(pid, signal);
}

/* Sends all workers the signal and waits for their end, at most until `limit`. */
static void stop(struct pool *pool, int signal, int64_t limit)
{
    for (long i = 0; i < pool->count; i++)
        send_signal(pool->slots[i].pid, signal);
    for (size_t i = 0; i < pool->old_count; i++)
        send_signal(pool->old[i], signal);
    for (reap(pool); is_running(pool) && clock_now_ms() < limit; reap(pool))
        wait_for_signal(pool, limit);
}

static void drain(struct pool *pool, int signal)
{
    log_info("draining %ld workers", pool->count);
    notify_stopping();
    stop(pool, signal == SIGQUIT ? SIGQUIT : SIGTERM, clock_now_ms() + DRAIN_MAX_MS);
    if (is_running(pool)) {
        log_warning("some workers have not drained after %d s and are killed", DRAIN_MAX_MS / 1000);
        stop(pool, SIGKILL, FOR_EVER);
    }
}

static void pool_init(struct pool *pool, long workers)
{
    pool->slots = calloc((size_t)workers, sizeof(*pool->slots));
    if (pool->slots == NULL)
        log_out_of_memory();
    pool->count = workers;
    server_drain_signals(&pool->awaited);
    sigaddset(&pool->awaited, SIGHUP);
    sigaddset(&pool->awaited, SIGCHLD);
    sigprocmask(SIG_BLOCK, &pool->awaited, &pool->worker_mask);
    signal(SIGCHLD, SIG_DFL); /* inherited as ignored, it would hide how a worker ended */
    take_old_workers(pool);
}

static void pool_fini(struct pool *pool)
{
    sigprocmask(SIG_SETMASK, &pool->worker_mask, NULL);
    free(pool->slots);
    free(pool->old);
}

int pool_run(long workers, int (*work)(void *data, long index), void *data)
{
    struct pool pool = {.work = work, .data = data};
    pool_init(&pool, workers);
    int signal = supervise(&pool);
    if (signal == SIGHUP)
        leave_workers(&pool);
    else
        drain(&pool, signal);
    pool_fini(&pool);
    return signal == SIGHUP ? RELOAD : EX_OK;
}

/* SPDX-License-Identifier: ISC */
/* test_pool.c: a pool in a process of its own, with small workers that report what becomes of them
 * in shared memory. */
#include <config.h>

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>
#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"
#include "log.h"
#include "pool.h"
#include "reload.h"
#include "server.h"

#define STARTS_MAX 64

struct start {
    pid_t pid;
    int64_t at;
};

struct board {
    atomic_int started;
    atomic_int drained; /* on TERM */
    atomic_int left;    /* on QUIT */
    atomic_int most;    /* workers at once */
    struct start starts[STARTS_MAX];
};

static void report_start(struct board *board)
{
    int place = atomic_fetch_add(&board->started, 1);
    if (place < STARTS_MAX)
        board->starts[place] = (struct start){.pid = getpid(), .at = clock_now_ms()};
    int living = place + 1 - atomic_load(&board->drained) - atomic_load(&board->left);
    int most = atomic_load(&board->most);
    while (living > most && !atomic_compare_exchange_weak(&board->most, &most, living))
        continue;
}

static int wait_for_term(void *data, long index)
{
    (void)index;
    struct board *board = data;
    sigset_t ends;
    int taken;
    server_drain_signals(&ends);
    report_start(board);
    sigwait(&ends, &taken);
    atomic_fetch_add(taken == SIGQUIT ? &board->left : &board->drained, 1);
    return 0;
}

static int end_at_once(void *data, long index)
{
    (void)index;
    report_start(data);
    return 3;
}

/* Those of the first program, 3 of them, are sound; those of the next are not. */
static int end_at_once_but_the_first(void *data, long index)
{
    struct board *board = data;
    return atomic_load(&board->started) < 3 ? wait_for_term(data, index) : end_at_once(data, index);
}

static int refuse_to_end(void *data, long index)
{
    (void)index;
    sigset_t all;
    sigfillset(&all);
    report_start(data);
    sigsuspend(&all);
    return 0;
}

static int report_mask(void *data, long index)
{
    (void)index;
    struct board *board = data;
    sigset_t mask;
    sigprocmask(SIG_BLOCK, NULL, &mask);
    if (!sigismember(&mask, SIGCHLD) && sigismember(&mask, SIGTERM))
        atomic_fetch_add(&board->drained, 1);
    return wait_for_term(data, index);
}

struct fixture {
    struct board *board;
    pid_t supervisor;
};

static pid_t start_pool(struct board *board, long workers, int (*work)(void *data, long index))
{
    pid_t pid = fork();
    if (pid == 0) {
        log_set_level(LOG_LEVEL_ERROR);
        server_signals();
        _exit(pool_run(workers, work, board));
    }
    assert_true(pid > 0);
    return pid;
}

/* A reload without a change of the program: the next pool, of the next size, in the same process.
 */
static pid_t start_pools(struct board *board, const long *sizes,
                         int (*work)(void *data, long index))
{
    pid_t pid = fork();
    if (pid == 0) {
        int status = RELOAD;
        log_set_level(LOG_LEVEL_ERROR);
        server_signals();
        while (status == RELOAD && *sizes > 0)
            status = pool_run(*sizes++, work, board);
        _exit(status);
    }
    assert_true(pid > 0);
    return pid;
}

static bool reaches(const atomic_int *value, int wanted, int64_t milliseconds)
{
    int64_t limit = clock_now_ms() + milliseconds;
    while (atomic_load(value) < wanted && clock_now_ms() < limit)
        usleep(2000);
    return atomic_load(value) >= wanted;
}

/* The exit status of `pid`, or minus the signal that killed it; -1000 when it lives on. */
static int end_of(pid_t pid, int64_t milliseconds)
{
    int64_t limit = clock_now_ms() + milliseconds;
    int status;
    while (waitpid(pid, &status, WNOHANG) == 0) {
        if (clock_now_ms() > limit)
            return -1000;
        usleep(2000);
    }
    return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

static int set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    assert_non_null(fixture);
    fixture->board = mmap(NULL, sizeof(*fixture->board), PROT_READ | PROT_WRITE,
                          MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(fixture->board != MAP_FAILED);
    *state = fixture;
    return 0;
}

/* What a failed test has left running. */
static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    if (fixture->supervisor > 0 && kill(fixture->supervisor, SIGKILL) == 0)
        waitpid(fixture->supervisor, NULL, 0);
    munmap(fixture->board, sizeof(*fixture->board));
    free(fixture);
    return 0;
}

static void assert_ends(struct fixture *fixture, int signal, int status, int64_t milliseconds)
{
    pid_t pid = fixture->supervisor;
    if (signal != 0)
        assert_int_equal(kill(pid, signal), 0);
    assert_int_equal(end_of(pid, milliseconds), status);
    fixture->supervisor = 0;
}

static void drains_all_on(struct fixture *fixture, int signal)
{
    atomic_store(&fixture->board->started, 0);
    atomic_store(&fixture->board->drained, 0);
    fixture->supervisor = start_pool(fixture->board, 3, wait_for_term);
    assert_true(reaches(&fixture->board->started, 3, 3000));
    assert_ends(fixture, signal, 0, 3000);
    assert_int_equal(atomic_load(&fixture->board->drained), 3);
    assert_int_equal(atomic_load(&fixture->board->started), 3);
}

static void test_each_drain_signal_reaches_the_workers_as_term(void **state)
{
    static const int signals[] = {SIGTERM, SIGINT, SIGUSR1};
    for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
        drains_all_on(*state, signals[i]);
}

static void test_killed_worker_is_replaced(void **state)
{
    struct fixture *fixture = *state;
    struct board *board = fixture->board;
    fixture->supervisor = start_pool(board, 2, wait_for_term);
    assert_true(reaches(&board->started, 2, 3000));
    assert_int_equal(kill(board->starts[0].pid, SIGKILL), 0);
    assert_true(reaches(&board->started, 3, 3000));
    assert_int_not_equal(board->starts[2].pid, board->starts[0].pid);
    assert_ends(fixture, SIGTERM, 0, 3000);
    assert_int_equal(atomic_load(&board->drained), 2);
}

static void test_worker_that_lived_long_is_replaced_at_once(void **state)
{
    struct fixture *fixture = *state;
    struct board *board = fixture->board;
    fixture->supervisor = start_pool(board, 1, wait_for_term);
    assert_true(reaches(&board->started, 1, 3000));
    usleep(1100000);
    int64_t killed = clock_now_ms();
    assert_int_equal(kill(board->starts[0].pid, SIGTERM), 0);
    assert_true(reaches(&board->started, 2, 3000));
    if (!getenv("TEST_SLOW")) /* valgrind takes longer than the pause that there must not be */
        assert_true(board->starts[1].at - killed < 90);
    assert_ends(fixture, SIGTERM, 0, 3000);
}

/* Pauses of 100, 200, 400, 800, … ms: the fifth start is 1.5 s after the first. */
static void test_quick_deaths_are_slowed_down(void **state)
{
    struct fixture *fixture = *state;
    struct board *board = fixture->board;
    fixture->supervisor = start_pool(board, 1, end_at_once);
    assert_true(reaches(&board->started, 5, 6000));
    for (int i = 1; i < 4; i++) { /* the fifth is counted, but may still be writing its time */
        int64_t pause = board->starts[i].at - board->starts[i - 1].at;
        assert_true(pause >= 100 << (i - 1));
    }
    assert_ends(fixture, SIGTERM, 0, 1000);
}

static void test_stubborn_worker_is_killed_after_ten_seconds(void **state)
{
    struct fixture *fixture = *state;
    fixture->supervisor = start_pool(fixture->board, 2, refuse_to_end);
    assert_true(reaches(&fixture->board->started, 2, 3000));
    int64_t asked = clock_now_ms();
    assert_ends(fixture, SIGTERM, 0, 15000);
    assert_in_range(clock_now_ms() - asked, 9900, 12000);
    assert_int_equal(kill(fixture->board->starts[0].pid, 0), -1);
    assert_int_equal(kill(fixture->board->starts[1].pid, 0), -1);
}

/* As a subreaper we inherit the orphans and see how they end. */
static void test_workers_end_with_their_supervisor(void **state)
{
    struct fixture *fixture = *state;
    struct board *board = fixture->board;
    assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
    fixture->supervisor = start_pool(board, 2, wait_for_term);
    assert_true(reaches(&board->started, 2, 3000));
    assert_ends(fixture, SIGKILL, -SIGKILL, 3000);
    assert_int_equal(end_of(board->starts[0].pid, 3000), 0);
    assert_int_equal(end_of(board->starts[1].pid, 3000), 0);
    assert_int_equal(atomic_load(&board->drained), 2);
    assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 0), 0);
}

static void test_worker_gets_the_signal_mask_from_before_the_pool(void **state)
{
    struct fixture *fixture = *state;
    fixture->supervisor = start_pool(fixture->board, 1, report_mask);
    assert_true(reaches(&fixture->board->drained, 1, 3000));
    assert_ends(fixture, SIGTERM, 0, 3000);
}

static void test_quit_reaches_the_workers(void **state)
{
    struct fixture *fixture = *state;
    fixture->supervisor = start_pool(fixture->board, 3, wait_for_term);
    assert_true(reaches(&fixture->board->started, 3, 3000));
    assert_ends(fixture, SIGQUIT, 0, 3000);
    assert_int_equal(atomic_load(&fixture->board->left), 3);
}

/* All of the old ones leave, and there is never more than one worker too many. */
static void test_hup_replaces_one_after_another(void **state)
{
    static const long sizes[] = {3, 5, 2, 0};
    struct fixture *fixture = *state;
    struct board *board = fixture->board;
    fixture->supervisor = start_pools(board, sizes, wait_for_term);
    assert_true(reaches(&board->started, 3, 3000));
    assert_int_equal(kill(fixture->supervisor, SIGHUP), 0);
    assert_true(reaches(&board->started, 3 + 5, 20000));
    assert_true(reaches(&board->left, 3, 3000));
    assert_true(atomic_load(&board->most) <= 5);
    assert_int_equal(kill(fixture->supervisor, SIGHUP), 0);
    assert_true(reaches(&board->left, 3 + 5, 20000));
    assert_true(reaches(&board->started, 3 + 5 + 2, 3000));
    assert_int_equal(atomic_load(&board->started), 3 + 5 + 2);
    assert_true(atomic_load(&board->most) <= 6);
    assert_ends(fixture, SIGTERM, 0, 3000);
    assert_int_equal(atomic_load(&board->drained), 2);
}

static void test_old_workers_stay_while_new_ones_do_not(void **state)
{
    static const long sizes[] = {3, 3, 0};
    struct fixture *fixture = *state;
    struct board *board = fixture->board;
    fixture->supervisor = start_pools(board, sizes, end_at_once_but_the_first);
    assert_true(reaches(&board->started, 3, 3000));
    assert_int_equal(kill(fixture->supervisor, SIGHUP), 0);
    assert_true(reaches(&board->started, 3 + 4, 20000));
    assert_ends(fixture, SIGTERM, 0, 3000);
    assert_true(atomic_load(&board->left) < 3);
    assert_int_equal(atomic_load(&board->left) + atomic_load(&board->drained), 3);
}

static void test_stop_in_the_middle_of_a_reload(void **state)
{
    static const long sizes[] = {3, 3, 0};
    struct fixture *fixture = *state;
    struct board *board = fixture->board;
    fixture->supervisor = start_pools(board, sizes, wait_for_term);
    assert_true(reaches(&board->started, 3, 3000));
    assert_int_equal(kill(fixture->supervisor, SIGHUP), 0);
    assert_ends(fixture, SIGTERM, 0, 20000);
    assert_int_equal(atomic_load(&board->drained) + atomic_load(&board->left),
                     atomic_load(&board->started));
}

/* Nobody but our own children may be told to leave, whatever the environment says. */
static void test_strangers_are_not_taken_for_workers(void **state)
{
    struct fixture *fixture = *state;
    const pid_t strangers[] = {getpid(), 1, 0, -1, getpid()};
    reload_leave("RELOAD_WORKERS", (struct text){(const char *)strangers, sizeof(strangers)});
    fixture->supervisor = start_pool(fixture->board, 2, wait_for_term);
    unsetenv("RELOAD_WORKERS");
    assert_true(reaches(&fixture->board->started, 2, 3000));
    assert_ends(fixture, SIGTERM, 0, 3000);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "--check-config") == 0)
        return EXIT_SUCCESS; /* we are the program that a reload asks */
    const struct CMUnitTest tests[] = {
        TEST(test_each_drain_signal_reaches_the_workers_as_term),
        TEST(test_killed_worker_is_replaced),
        TEST(test_worker_that_lived_long_is_replaced_at_once),
        TEST(test_quick_deaths_are_slowed_down),
        TEST(test_stubborn_worker_is_killed_after_ten_seconds),
        TEST(test_workers_end_with_their_supervisor),
        TEST(test_worker_gets_the_signal_mask_from_before_the_pool),
        TEST(test_quit_reaches_the_workers),
        TEST(test_hup_replaces_one_after_another),
        TEST(test_old_workers_stay_while_new_ones_do_not),
        TEST(test_stop_in_the_middle_of_a_reload),
        TEST(test_strangers_are_not_taken_for_workers),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

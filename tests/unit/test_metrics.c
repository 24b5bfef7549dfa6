/* SPDX-License-Identifier: ISC */
/* Sums over processes that count at once, end, are killed and replaced; and the text of them. */
#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "metrics.h"
#include "metrics_text.h"
#include "reload.h"
#include "response.h"

#define EACH 20000

static struct metrics *board;
static struct metrics_sum sum;

static int set_up(void **state)
{
    (void)state;
    board = metrics_new();
    metrics_enter(board, -1);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    metrics_free(board);
    return 0;
}

static pid_t start(long index, void (*work)(void))
{
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid > 0)
        return pid;
    metrics_enter(board, index);
    work();
    _exit(0);
}

static void count_much(void)
{
    for (int i = 0; i < EACH; i++) {
        metrics_count(METRICS_LATE);
        metrics_request(3, 1, 700);
        metrics_database(10);
    }
}

static void wait_busily(void)
{
    metrics_set_busy(true);
    metrics_count(METRICS_CUT);
    pause();
}

static void add_up(void)
{
    metrics_enter(board, METRICS_WORKERS_MAX); /* no slot: this process only looks */
    metrics_add_up(&sum);
}

static void test_nothing_without_a_board(void **state)
{
    (void)state;
    metrics_enter(NULL, 0);
    metrics_count(METRICS_LATE);
    metrics_request(0, 0, 1);
    metrics_database(1);
    metrics_set_busy(true);
    metrics_add_up(&sum);
    assert_int_equal(sum.counts.counters[METRICS_LATE], 0);
    assert_int_equal(sum.workers, 0);
}

/* Two of them share a slot, as while a worker is replaced by the next. */
static void test_none_is_lost(void **state)
{
    static const long indices[] = {0, 1, 2, 2, 3};
    pid_t pids[5];

    (void)state;
    for (size_t i = 0; i < 5; i++)
        pids[i] = start(indices[i], count_much);
    for (size_t i = 0; i < 5; i++) {
        assert_int_equal(waitpid(pids[i], NULL, 0), pids[i]);
        metrics_worker_ended(pids[i]);
    }
    add_up();
    assert_int_equal(sum.counts.counters[METRICS_LATE], 5 * EACH);
    assert_int_equal(sum.counts.counters[METRICS_STARTS], 5);
    assert_int_equal(sum.counts.rows[3].statuses[1], 5 * EACH);
    assert_int_equal(sum.counts.rows[3].times.buckets[1], 5 * EACH);
    assert_int_equal(sum.counts.rows[3].times.microseconds, UINT64_C(5) * EACH * 700);
    assert_int_equal(sum.counts.database.buckets[0], 5 * EACH);
    assert_int_equal(sum.workers, 0);
}

static void wait_until_cut(uint64_t count)
{
    do
        add_up();
    while (sum.counts.counters[METRICS_CUT] < count);
}

static void test_killed_worker(void **state)
{
    pid_t pid = start(1, wait_busily);

    (void)state;
    wait_until_cut(1);
    assert_int_equal(sum.workers, 1);
    assert_int_equal(sum.busy, 1);
    metrics_worker_ended(pid + 1);
    add_up();
    assert_int_equal(sum.workers, 1);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    metrics_worker_ended(pid);
    add_up();
    assert_int_equal(sum.counts.counters[METRICS_CUT], 1);
    assert_int_equal(sum.workers, 0);
    assert_int_equal(sum.busy, 0);
    pid = start(1, wait_busily);
    wait_until_cut(2);
    assert_int_equal(sum.workers, 1);
    assert_int_equal(sum.counts.counters[METRICS_STARTS], 2);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

static void test_successor_is_not_busy(void **state)
{
    (void)state;
    metrics_enter(board, 0);
    metrics_set_busy(true);
    metrics_add_up(&sum);
    assert_int_equal(sum.busy, 1);
    metrics_enter(board, 0);
    metrics_add_up(&sum);
    assert_int_equal(sum.busy, 0);
    assert_int_equal(sum.workers, 1);
}

static void test_buckets(void **state)
{
    static const struct {
        int64_t microseconds;
        size_t bucket;
    } rows[] = {{-1, 0},
                {0, 0},
                {500, 0},
                {501, 1},
                {1000, 1},
                {5000000, METRICS_BUCKETS - 1},
                {5000001, METRICS_BUCKETS},
                {INT64_C(1) << 50, METRICS_BUCKETS}};
    uint64_t expected[METRICS_BUCKETS + 1] = {0};

    (void)state;
    metrics_enter(board, 0);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        metrics_database(rows[i].microseconds);
        expected[rows[i].bucket]++;
    }
    metrics_add_up(&sum);
    assert_memory_equal(sum.counts.database.buckets, expected, sizeof expected);
    for (size_t i = 1; i < METRICS_BUCKETS; i++)
        assert_true(metrics_bounds[i] > metrics_bounds[i - 1]);
}

static void test_out_of_range(void **state)
{
    struct metrics_sum before;

    (void)state;
    metrics_enter(board, 0);
    metrics_add_up(&before);
    metrics_request(METRICS_ROWS, 0, 1);
    metrics_request(0, METRICS_STATUSES, 1);
    metrics_enter(board, -1);
    metrics_count(METRICS_CUT);
    metrics_add_up(&sum);
    assert_memory_equal(&sum.counts, &before.counts, sizeof sum.counts);
}

/* The next program goes on with what this one has left; and begins anew when it was left nothing,
 * or by another version. */
static void test_heritage(void **state)
{
    (void)state;
    metrics_enter(board, 3);
    metrics_count(METRICS_CUT);
    metrics_leave();
    metrics_free(board);
    board = metrics_new();
    metrics_enter(board, 3);
    metrics_add_up(&sum);
    assert_int_equal(sum.counts.counters[METRICS_CUT], 1);
    assert_int_equal(sum.counts.counters[METRICS_STARTS], 2);
    ((char *)board)[0]++; /* the version */
    metrics_leave();
    metrics_free(board);
    board = metrics_new();
    metrics_enter(board, 3);
    metrics_add_up(&sum);
    assert_int_equal(sum.counts.counters[METRICS_CUT], 0);
    metrics_free(board);
    board = metrics_new();
    metrics_enter(board, 3);
    metrics_add_up(&sum);
    assert_int_equal(sum.counts.counters[METRICS_STARTS], 1);
}

/* What claims to be a board and is none is left alone. */
static void test_no_heritage(void **state)
{
    static const char *const numbers[] = {"", "x", "99999", "0"};

    (void)state;
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        reload_leave("RELOAD_METRICS", text_of(numbers[i]));
        metrics_free(board);
        board = metrics_new();
        metrics_enter(board, 0);
        metrics_add_up(&sum);
        assert_int_equal(sum.workers, 1);
    }
}

/* ---- text */

static void test_rows_are_distinct(void **state)
{
    bool seen[METRICS_ROWS] = {false};

    (void)state;
    for (const struct route *route = route_table(); route->pattern; route++)
        for (int head = 0; head < 2; head++) {
            size_t row = metrics_text_row(route, head ? METHOD_HEAD : route->method);

            assert_true(row < METRICS_ROWS && !seen[row]);
            seen[row] = true;
        }
    for (int method = 0; method < METHOD_COUNT; method++) {
        size_t row = metrics_text_row(NULL, (enum method)method);

        assert_true(row < METRICS_ROWS && !seen[row]);
        seen[row] = true;
    }
}

static void test_statuses_fit(void **state)
{
    size_t count = 0;

    (void)state;
    for (; response_status_at(count) != 0; count++)
        assert_int_equal(response_status_place(response_status_at(count)), count);
    assert_int_equal(response_status_place(299), count);
    assert_true(count < METRICS_STATUSES);
}

static char *text_of_sum(const struct accept_queue *queue)
{
    struct buf out;
    char *text;

    buf_init(&out);
    metrics_text_write(&out, &sum, queue);
    text = strndup(out.data, out.length);
    buf_fini(&out);
    return text;
}

static void test_text(void **state)
{
    static const char *const lines[] = {
        "\ntodo_http_requests_total{route=\"/api/tasks\",method=\"GET\",status=\"200\"} 2\n",
        "\ntodo_http_requests_total{route=\"/api/tasks\",method=\"HEAD\",status=\"304\"} 1\n",
        "\ntodo_http_requests_total{route=\"none\",method=\"POST\",status=\"404\"} 1\n",
        "\ntodo_http_request_duration_seconds_bucket{route=\"/api/tasks\",method=\"GET\",le=\"0."
        "001000\"} 1\n",
        "\ntodo_http_request_duration_seconds_bucket{route=\"/api/tasks\",method=\"GET\",le=\"+"
        "Inf\"} 2\n",
        "\ntodo_http_request_duration_seconds_sum{route=\"/api/tasks\",method=\"GET\"} "
        "61.000900\n",
        "\ntodo_http_request_duration_seconds_count{route=\"/api/tasks\",method=\"GET\"} 2\n",
        "\ntodo_auth_failures_total{cause=\"expired\"} 1\n",
        "\ntodo_accept_queue_length 7\n",
        "\ntodo_accept_queue_limit 1024\n",
    };
    const struct route *list = route_table();
    const struct accept_queue queue = {7, 1024};
    char *text;

    (void)state;
    metrics_enter(board, 0);
    metrics_request(metrics_text_row(list, METHOD_GET), response_status_place(200), 900);
    metrics_request(metrics_text_row(list, METHOD_GET), response_status_place(200), 61000000);
    metrics_request(metrics_text_row(list, METHOD_HEAD), response_status_place(304), 1);
    metrics_request(metrics_text_row(NULL, METHOD_POST), response_status_place(404), 1);
    metrics_count(METRICS_AUTH_EXPIRED);
    metrics_add_up(&sum);
    text = text_of_sum(&queue);
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        if (!strstr(text, lines[i]))
            fail_msg("lacks%sin\n%s", lines[i], text);
    free(text);
}

/* What nobody knows is not told, rather than told as 0; and every counter has a name. */
static void test_text_of_nothing(void **state)
{
    char *text, *line;
    size_t count = 0;

    (void)state;
    metrics_enter(board, 0);
    metrics_add_up(&sum);
    text = text_of_sum(NULL);
    assert_null(strstr(text, "accept_queue"));
    assert_null(strstr(text, "todo_http_requests_total{"));
    for (line = strstr(text, "_total{cause="); line; line = strstr(line + 1, "_total{cause="))
        count++;
    for (line = strstr(text, "_total{result="); line; line = strstr(line + 1, "_total{result="))
        count++;
    assert_int_equal(count + 2, METRICS_COUNTERS - 1); /* two have no label, one no name */
    free(text);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_nothing_without_a_board),
        TEST(test_none_is_lost),
        TEST(test_killed_worker),
        TEST(test_successor_is_not_busy),
        TEST(test_buckets),
        TEST(test_out_of_range),
        TEST(test_heritage),
        TEST(test_no_heritage),
        TEST(test_rows_are_distinct),
        TEST(test_statuses_fit),
        TEST(test_text),
        TEST(test_text_of_nothing),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

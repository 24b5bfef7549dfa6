/* SPDX-License-Identifier: ISC */
/* Who may read the key set again, who waits, and what a process that dies leaves behind. */
#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "jwks.h"
#include "key_board.h"

static struct key_board *board;

static int set_up(void **state)
{
    (void)state;
    board = key_board_new(8);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    key_board_free(board);
    return 0;
}

static bool takes(unsigned *generation, const char *expected)
{
    struct buf document;
    bool taken;

    buf_init(&document);
    taken = key_board_take(board, generation, &document);
    if (taken)
        assert_true(text_equal(buf_text(&document), text_of(expected)));
    buf_fini(&document);
    return taken;
}

static void test_document(void **state)
{
    unsigned mine = 0, others = 0;
    char *huge = calloc(1, JWKS_DOCUMENT_MAX + 1);

    (void)state;
    assert_false(takes(&mine, ""));
    key_board_publish(board, TEXT_LITERAL("first"));
    assert_true(takes(&mine, "first"));
    assert_false(takes(&mine, ""));
    key_board_publish(board, TEXT_LITERAL("first"));
    assert_false(takes(&mine, "")); /* the same is nothing new */
    key_board_fail(board);
    assert_false(takes(&mine, ""));
    assert_non_null(huge);
    key_board_publish(board, (struct text){huge, JWKS_DOCUMENT_MAX + 1});
    assert_false(takes(&mine, ""));
    key_board_publish(board, TEXT_LITERAL("second"));
    assert_true(takes(&mine, "second") && takes(&others, "second"));
    free(huge);
}

/* The first reading is on its way: all wait for it. Then one may ask, and in the next 30 s nobody
 * else; while it reads, half of the pool may wait. */
static void test_turns(void **state)
{
    (void)state;
    assert_true(key_board_is_due(board));
    assert_false(key_board_is_due(board));
    for (int i = 0; i < 20; i++)
        assert_int_equal(key_board_ask(board), KEY_BOARD_FOLLOW);
    key_board_publish(board, TEXT_LITERAL("first"));
    assert_false(key_board_is_due(board));
    assert_int_equal(key_board_ask(board), KEY_BOARD_LEAD);
    for (int i = 0; i < 3; i++)
        assert_int_equal(key_board_ask(board), KEY_BOARD_FOLLOW);
    for (int i = 0; i < 1000; i++)
        assert_int_equal(key_board_ask(board), KEY_BOARD_REFUSE);
    key_board_publish(board, TEXT_LITERAL("second"));
    for (int i = 0; i < 1000; i++)
        assert_int_equal(key_board_ask(board), KEY_BOARD_REFUSE);
}

/* A failure uses the allowance up, and nobody waits any more. */
static void test_failure(void **state)
{
    (void)state;
    assert_true(key_board_is_due(board));
    key_board_publish(board, TEXT_LITERAL("first"));
    key_board_fail(board);
    assert_int_equal(key_board_ask(board), KEY_BOARD_REFUSE);
    assert_false(key_board_is_due(board));
    key_board_wait(board); /* does not */
}

static void test_over_processes(void **state)
{
    unsigned mine = 0;
    pid_t pid;
    int status;

    (void)state;
    assert_true(key_board_is_due(board));
    pid = fork();
    if (pid == 0) {
        key_board_publish(board, TEXT_LITERAL("by another"));
        key_board_ring(board);
        _exit(key_board_ask(board) == KEY_BOARD_LEAD ? 0 : 1);
    }
    key_board_wait(board);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    assert_true(takes(&mine, "by another"));
    assert_int_not_equal(key_board_ask(board), KEY_BOARD_LEAD); /* the other one has it */
}

static void test_bell(void **state)
{
    struct pollfd bell = {.fd = key_board_bell(board), .events = POLLIN};

    (void)state;
    assert_int_equal(poll(&bell, 1, 0), 0);
    key_board_hear(board); /* nothing, and does not block */
    key_board_ring(board);
    key_board_ring(board);
    assert_int_equal(poll(&bell, 1, 0), 1);
    key_board_hear(board);
    assert_int_equal(poll(&bell, 1, 0), 0);
}

/* Killed at any instant while it publishes: the board goes on, and shows whole documents only. */
static void test_killed(void **state)
{
    unsigned generation = 0;

    (void)state;
    for (int i = 0; i < 50; i++) {
        pid_t pid = fork();

        if (pid == 0) {
            static char a[JWKS_DOCUMENT_MAX], b[JWKS_DOCUMENT_MAX];

            memset(a, 'a', sizeof(a));
            memset(b, 'b', sizeof(b));
            for (;;) {
                key_board_publish(board, (struct text){a, sizeof(a)});
                key_board_publish(board, (struct text){b, sizeof(b)});
            }
        }
        usleep(2000);
        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);
        struct buf document;

        buf_init(&document);
        if (key_board_take(board, &generation, &document))
            assert_true(document.data[0] == document.data[document.length - 1] &&
                        document.length == JWKS_DOCUMENT_MAX);
        buf_fini(&document);
    }
    key_board_publish(board, TEXT_LITERAL("whole"));
    assert_true(takes(&generation, "whole"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_document, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_turns, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_failure, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_over_processes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_bell, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_killed, set_up, tear_down),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

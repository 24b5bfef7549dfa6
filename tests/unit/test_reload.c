/* SPDX-License-Identifier: ISC */
/* test_reload.c: the check before a reload, of this program itself, and what is left to the next.
 */
#include <config.h>

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "buf.h"
#include "reload.h"

#define BEHAVIOUR "TEST_BEHAVIOUR"
#define LEFT "TEST_LEFT"

static int complain(void)
{
    for (int i = 0; i < 100; i++)
        fprintf(stderr, "line %d of what is wrong, and more\nand more", i);
    return EX_CONFIG;
}

static int die(void)
{
    raise(SIGKILL);
    return EX_OK;
}

static int fail_silently(void)
{
    return EXIT_FAILURE;
}

static int say_nothing(void)
{
    return EX_OK;
}

static int warn(void)
{
    fputs("a warning\n", stderr);
    return EX_OK;
}

static int see_signals(void)
{
    sigset_t mask;
    sigprocmask(SIG_BLOCK, NULL, &mask);
    return sigismember(&mask, SIGTERM) ? EXIT_FAILURE : EX_OK;
}

static const struct behaviour {
    const char *name;
    int (*check)(void);
    bool sound;
} behaviours[] = {
    {"says nothing", say_nothing, true},          {"warns", warn, true},
    {"has no signal blocked", see_signals, true}, {"complains", complain, false},
    {"fails silently", fail_silently, false},     {"dies", die, false},
};

#define BEHAVIOUR_COUNT (sizeof(behaviours) / sizeof(behaviours[0]))

static int check_config(void)
{
    const char *name = getenv(BEHAVIOUR);
    for (size_t i = 0; name && i < BEHAVIOUR_COUNT; i++) {
        if (strcmp(name, behaviours[i].name) == 0)
            return behaviours[i].check();
    }
    return EX_USAGE;
}

static void test_check(void **state)
{
    sigset_t term, before;
    (void)state;
    sigemptyset(&term);
    sigaddset(&term, SIGTERM);
    sigprocmask(SIG_BLOCK, &term, &before);
    for (size_t i = 0; i < BEHAVIOUR_COUNT; i++) {
        setenv(BEHAVIOUR, behaviours[i].name, 1);
        assert_int_equal(reload_is_sound(), behaviours[i].sound);
        assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
    }
    sigprocmask(SIG_SETMASK, &before, NULL);
}

/* Some spawners ignore the ends of their children, and so would we. */
static void test_check_when_ends_of_children_are_ignored(void **state)
{
    (void)state;
    signal(SIGCHLD, SIG_IGN);
    setenv(BEHAVIOUR, "says nothing", 1);
    assert_true(reload_is_sound());
    signal(SIGCHLD, SIG_DFL);
}

static void test_what_is_left_is_taken_once(void **state)
{
    static char large[3000000];
    struct buf taken;
    (void)state;
    memset(large, 'x', sizeof(large));
    assert_false(reload_has(LEFT));
    reload_leave(LEFT, (struct text){large, sizeof(large)});
    assert_true(reload_has(LEFT));
    buf_init(&taken);
    reload_take(LEFT, &taken);
    assert_int_equal(taken.length, sizeof(large));
    assert_memory_equal(taken.data, large, sizeof(large));
    assert_false(reload_has(LEFT));
    buf_clear(&taken);
    reload_take(LEFT, &taken);
    assert_int_equal(taken.length, 0);
    buf_fini(&taken);
}

static void test_what_was_never_left(void **state)
{
    static const char *const values[] = {"", "x", "-1", "0", "1", "2", "1000000", "3x"};
    struct buf taken;
    (void)state;
    buf_init(&taken);
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        setenv(LEFT, values[i], 1);
        reload_take(LEFT, &taken);
        assert_int_equal(taken.length, 0);
        unsetenv(LEFT);
    }
    assert_int_equal(write(STDOUT_FILENO, "", 0), 0); /* it has not been closed */
    buf_fini(&taken);
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "--check-config") == 0)
        return check_config();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_check),
        cmocka_unit_test(test_check_when_ends_of_children_are_ignored),
        cmocka_unit_test(test_what_is_left_is_taken_once),
        cmocka_unit_test(test_what_was_never_left),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

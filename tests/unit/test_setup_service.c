/* SPDX-License-Identifier: ISC */
/* test_setup_service.c: what systemctl is asked, with one of ours in its place. */
#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include <cmocka.h>

#include "setup_service.h"

static char directory[] = "/tmp/test_setup_service.XXXXXX";

static const char *place(const char *name)
{
    static char path[256];

    snprintf(path, sizeof path, "%s/%s", directory, name);
    return path;
}

static void write_file(const char *name, const char *text)
{
    FILE *file = fopen(place(name), "w");

    assert_non_null(file);
    fputs(text, file);
    assert_int_equal(fclose(file), 0);
}

/* A systemctl that writes down what it is asked; it says that a unit runs, and can start one, when
 * `runs` and `starts` are "true". */
static void make_systemctl(const char *runs, const char *starts)
{
    char script[512];

    snprintf(script, sizeof script,
             "#!/bin/sh\nshift\necho \"$*\" >>%s/asked\ncase $1 in is-*) %s ;; *) %s ;; esac\n",
             directory, runs, starts);
    write_file("systemctl", script);
    assert_int_equal(chmod(place("systemctl"), 0755), 0);
    unlink(place("asked"));
}

static void assert_asked(const char *wanted)
{
    char text[1024];
    FILE *file = fopen(place("asked"), "r");
    size_t length;

    assert_non_null(file);
    length = fread(text, 1, sizeof text - 1, file);
    fclose(file);
    text[length] = '\0';
    assert_string_equal(text, wanted);
}

static int prepare(void **state)
{
    char path[512];

    (void)state;
    if (!mkdtemp(directory))
        return -1;
    snprintf(path, sizeof path, "%s:%s", directory, getenv("PATH"));
    return setenv("PATH", path, 1);
}

static int clean(void **state)
{
    (void)state;
    unlink(place("asked"));
    unlink(place("systemctl"));
    unlink(place("todo-fcgi.service"));
    return rmdir(directory);
}

static void test_start(void **state)
{
    bool changed = false;

    (void)state;
    make_systemctl("false", "true");
    assert_int_equal(setup_service_start(true, &changed), EX_OK);
    assert_true(changed);
    assert_asked("is-enabled todo-fcgi.service\nenable todo-fcgi.service --now\n"
                 "is-enabled todo-fcgi-auth.service\nenable todo-fcgi-auth.service --now\n"
                 "is-enabled todo-fcgi-purge.timer\nenable todo-fcgi-purge.timer --now\n");
}

static void test_runs_already(void **state)
{
    bool changed = false;

    (void)state;
    make_systemctl("true", "false");
    assert_int_equal(setup_service_start(false, &changed), EX_OK);
    assert_false(changed);
    assert_asked("is-enabled todo-fcgi.service\nis-active todo-fcgi.service\n"
                 "is-enabled todo-fcgi-auth.service\nis-active todo-fcgi-auth.service\n");
}

static void test_does_not_start(void **state)
{
    bool changed = false;

    (void)state;
    make_systemctl("false", "false");
    assert_int_equal(setup_service_start(true, &changed), EX_UNAVAILABLE);
    assert_false(changed);
    assert_asked("is-enabled todo-fcgi.service\nenable todo-fcgi.service --now\n");
}

static void test_is_there(void **state)
{
    (void)state;
    assert_false(setup_service_is_there(directory, directory));
    write_file("todo-fcgi.service", "");
    assert_true(setup_service_is_there(directory, directory));
    assert_false(setup_service_is_there(place("none"), directory));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_start),
        cmocka_unit_test(test_runs_already),
        cmocka_unit_test(test_does_not_start),
        cmocka_unit_test(test_is_there),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, prepare, clean);
}

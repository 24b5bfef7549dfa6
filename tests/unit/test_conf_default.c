/* SPDX-License-Identifier: ISC */
/* test_conf_default.c: the default file, which must be read when it is there and may be missing.
 * Its path is fixed when conf.c is compiled, so this test compiles conf.c with a path of its own.
 */
#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#undef TODO_DEFAULT_CONFIG
#define TODO_DEFAULT_CONFIG "etc/todo.conf" /* below the scratch directory */
#include "conf.c"

#define NOBODY 65534

static char scratch[] = "/tmp/test_conf_default.XXXXXX";

static struct result {
    int status;
    long workers;
    char error[256];
} load(const char *config)
{
    struct result result = {.error = ""};
    struct conf conf;
    char entry[64];
    snprintf(entry, sizeof(entry), "TODO_CONFIG=%s", config ? config : "");
    char *environment[] = {config ? entry : NULL, NULL};
    result.status = conf_load(&conf, environment, false, result.error, sizeof(result.error));
    result.workers = conf.workers;
    conf_fini(&conf);
    return result;
}

static void write_text(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static void test_missing_file_or_directory(void **state)
{
    (void)state;
    assert_int_equal(load(NULL).status, 0);
    assert_int_equal(mkdir("etc", 0700), 0);
    struct result result = load(NULL);
    rmdir("etc");
    assert_int_equal(result.status, 0);
    assert_int_equal(result.workers, 1);
    write_text("etc", "not a directory");
    result = load(NULL);
    unlink("etc");
    assert_int_equal(result.status, 0);
}

static void test_read_when_there(void **state)
{
    (void)state;
    mkdir("etc", 0700);
    write_text(TODO_DEFAULT_CONFIG, "TODO_WORKERS=7\n");
    write_text("other.conf", "TODO_WORKERS=8\n");
    struct result plain = load(NULL), empty = load(""), named = load("other.conf"),
                  none = load("/dev/null");
    unlink("other.conf");
    unlink(TODO_DEFAULT_CONFIG);
    rmdir("etc");
    assert_int_equal(plain.workers, 7);
    assert_int_equal(empty.workers, 7);
    assert_int_equal(named.workers, 8);
    assert_int_equal(none.workers, 1);
}

static void test_faults_name_it(void **state)
{
    (void)state;
    mkdir("etc", 0700);
    write_text(TODO_DEFAULT_CONFIG, "\nTODO_WORKERS=0\n");
    struct result result = load(NULL);
    unlink(TODO_DEFAULT_CONFIG);
    rmdir("etc");
    assert_int_equal(result.status, EX_CONFIG);
    assert_string_equal(result.error,
                        "etc/todo.conf:2: TODO_WORKERS must be a number from 1 to 1024, not \"0\"");
}

/* As root nothing is unreadable, so the test becomes somebody else for the while. */
static void test_unreadable_is_refused(void **state)
{
    (void)state;
    mkdir("etc", 0755);
    write_text(TODO_DEFAULT_CONFIG, "TODO_WORKERS=7\n");
    chmod(TODO_DEFAULT_CONFIG, 0);
    bool is_root = geteuid() == 0;
    if (is_root)
        assert_int_equal(seteuid(NOBODY), 0);
    struct result result = load(NULL);
    if (is_root)
        assert_int_equal(seteuid(0), 0);
    unlink(TODO_DEFAULT_CONFIG);
    rmdir("etc");
    assert_int_equal(result.status, EX_CONFIG);
    assert_string_equal(result.error,
                        "etc/todo.conf: cannot be read: Permission denied: let this user read it, "
                        "or name another in TODO_CONFIG");
}

static void test_directory_is_refused(void **state)
{
    (void)state;
    mkdir("etc", 0700);
    mkdir(TODO_DEFAULT_CONFIG, 0700);
    struct result result = load(NULL);
    rmdir(TODO_DEFAULT_CONFIG);
    rmdir("etc");
    assert_int_equal(result.status, EX_CONFIG);
    assert_string_equal(result.error, "etc/todo.conf: cannot be read: Is a directory: correct it, "
                                      "or name another in TODO_CONFIG");
}

static int start(void **state)
{
    (void)state;
    return mkdtemp(scratch) && chmod(scratch, 0755) == 0 && chdir(scratch) == 0 ? 0 : -1;
}

static int finish(void **state)
{
    (void)state;
    return chdir("/") == 0 && rmdir(scratch) == 0 ? 0 : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_missing_file_or_directory),
        cmocka_unit_test(test_read_when_there),
        cmocka_unit_test(test_faults_name_it),
        cmocka_unit_test(test_unreadable_is_refused),
        cmocka_unit_test(test_directory_is_refused),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, start, finish);
}

/* SPDX-License-Identifier: ISC */
/* test_setup_server.c: which web server is found below a root of ours. */
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

#include "setup_server.h"

static const char *const directories[] = {"/usr", "/usr/sbin", "/etc", "/etc/apache2",
                                          "/etc/apache2/mods-enabled"};
#define DIRECTORY_COUNT (sizeof directories / sizeof *directories)

/* The later ones come first when found. */
static const struct {
    const char *file, *name;
} marks[] = {
    {"/usr/sbin/apache2", "apache"},
    {"/etc/apache2/mods-enabled/fcgid.load", "apache-fcgid"},
    {"/usr/sbin/lighttpd", "lighttpd"},
    {"/usr/sbin/nginx", "nginx"},
};
#define MARK_COUNT (sizeof marks / sizeof *marks)

static const char *below(const char *root, const char *path, char place[256])
{
    snprintf(place, 256, "%s%s", root, path);
    return place;
}

static void test_find(void **state)
{
    char root[] = "/tmp/test_setup_server.XXXXXX", place[256];

    (void)state;
    assert_non_null(mkdtemp(root));
    for (size_t i = 0; i < DIRECTORY_COUNT; i++)
        assert_int_equal(mkdir(below(root, directories[i], place), 0755), 0);
    assert_null(setup_server_find(root));
    for (size_t i = 0; i < MARK_COUNT; i++) {
        FILE *file = fopen(below(root, marks[i].file, place), "w");

        assert_non_null(file);
        fclose(file);
        assert_string_equal(setup_server_find(root), marks[i].name);
    }
    for (size_t i = 0; i < MARK_COUNT; i++)
        unlink(below(root, marks[i].file, place));
    for (size_t i = DIRECTORY_COUNT; i-- > 0;)
        rmdir(below(root, directories[i], place));
    assert_int_equal(rmdir(root), 0);
}

static void test_check(void **state)
{
    (void)state;
    for (size_t i = 0; i < MARK_COUNT; i++)
        assert_int_equal(setup_server_check(marks[i].name), EX_OK);
    assert_int_equal(setup_server_check("frob"), EX_USAGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_find),
        cmocka_unit_test(test_check),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

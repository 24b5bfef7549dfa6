/* SPDX-License-Identifier: ISC */
/* test_setup_server.c: which web server is found below a root of ours. */
#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
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

/* What setup_server_print prints. */
static void print(const char *name, bool prefix, const char *root, char text[1024])
{
    int usual = dup(STDOUT_FILENO);
    FILE *file = tmpfile();
    size_t length;

    assert_non_null(file);
    fflush(stdout);
    assert_int_equal(dup2(fileno(file), STDOUT_FILENO), STDOUT_FILENO);
    setup_server_print(name, prefix, root);
    fflush(stdout);
    assert_int_equal(dup2(usual, STDOUT_FILENO), STDOUT_FILENO);
    close(usual);
    rewind(file);
    length = fread(text, 1, 1023, file);
    text[length] = '\0';
    fclose(file);
}

static void test_print(void **state)
{
    char root[] = "/tmp/test_setup_server.XXXXXX", place[256], text[1024];
    FILE *file;

    (void)state;
    assert_non_null(mkdtemp(root));
    file = fopen(below(root, "/nginx-prefix.conf", place), "w");
    assert_non_null(file);
    fputs("# first\nlast {}\n", file);
    fclose(file);
    print("nginx", true, root, text);
    assert_non_null(strstr(text, "nginx-prefix.conf:\n\n# first\nlast {}\n"));
    print("nginx", false, root, text);
    assert_non_null(strstr(text, "/nginx.conf is missing"));
    unlink(place);
    assert_int_equal(rmdir(root), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_find),
        cmocka_unit_test(test_check),
        cmocka_unit_test(test_print),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

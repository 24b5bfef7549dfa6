/* SPDX-License-Identifier: ISC */
/* The files of schema/: which are taken, what is refused, and that the newest is the one that the
 * program was written for. */
#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "migrations.h"
#include "store.h"

#define FILES_MAX 4

struct directory {
    char path[32];
    const char *files[FILES_MAX + 1];
};

static void write_file(const char *directory, const char *file, const void *data, size_t length)
{
    char path[128];
    FILE *stream;

    snprintf(path, sizeof path, "%s/%s", directory, file);
    stream = fopen(path, "w");
    assert_non_null(stream);
    assert_int_equal(fwrite(data, 1, length, stream), length);
    assert_int_equal(fclose(stream), 0);
}

static void make(struct directory *directory)
{
    snprintf(directory->path, sizeof directory->path, "%s", "/tmp/todo-migrations-XXXXXX");
    assert_non_null(mkdtemp(directory->path));
    for (const char **file = directory->files; *file; file++)
        write_file(directory->path, *file, "abc", 3);
}

static void drop(const struct directory *directory)
{
    char path[128];

    for (const char *const *file = directory->files; *file; file++) {
        snprintf(path, sizeof path, "%s/%s", directory->path, *file);
        assert_int_equal(unlink(path), 0);
    }
    assert_int_equal(rmdir(directory->path), 0);
}

/* The status for these files; those that were taken stay in *migrations. */
static int read_directory(struct directory *directory, struct migrations *migrations)
{
    int status;

    make(directory);
    status = migrations_read(migrations, directory->path);
    drop(directory);
    return status;
}

static void test_takes_numbered_files(void **state)
{
    struct directory directory = {"", {"0001_one.sql", "0000_none.sql", "README", "0001_one.sql~"}};
    struct migrations migrations;

    (void)state;
    assert_int_equal(read_directory(&directory, &migrations), EX_OK);
    assert_int_equal(migrations.count, 2);
    assert_int_equal(migrations.items[0].version, 0);
    assert_int_equal(migrations.items[1].version, 1);
    assert_string_equal(migrations.items[1].file, "0001_one.sql");
    assert_string_equal(migrations.items[1].sql, "abc");
    /* FIPS 180-2, appendix B.1 */
    assert_string_equal(migrations.items[1].checksum,
                        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    migrations_fini(&migrations);
}

static const struct refusal {
    int status;
    struct directory directory;
} refusals[] = {
    {EX_NOINPUT, {"", {NULL}}},
    {EX_NOINPUT, {"", {"1_one.sql", "0000.sql", "0000_.sql", "00000_none.sql"}}},
    {EX_NOINPUT, {"", {"0000_None.sql", "0000_none.SQL", "0000_no ne.sql", "0000-none.sql"}}},
    {EX_DATAERR, {"", {"0001_one.sql"}}},
    {EX_DATAERR, {"", {"0000_none.sql", "0002_two.sql"}}},
    {EX_DATAERR, {"", {"0000_none.sql", "0001_one.sql", "0001_two.sql"}}},
};

static void test_refuses_others(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
        struct directory directory = refusals[i].directory;
        struct migrations migrations;

        if (read_directory(&directory, &migrations) != refusals[i].status)
            fail_msg("row %zu is not refused with %d", i, refusals[i].status);
        migrations_fini(&migrations);
    }
}

static void test_refuses_contents(void **state)
{
    static char large[MIGRATION_MAX + 1];
    const struct {
        int status;
        size_t length;
        const char *data;
    } rows[] = {{EX_OK, 0, ""},
                {EX_DATAERR, 3, "a\0b"},
                {EX_OK, MIGRATION_MAX, large},
                {EX_NOINPUT, MIGRATION_MAX + 1, large}};
    struct directory directory = {"", {"0000_none.sql"}};

    (void)state;
    memset(large, ' ', sizeof large);
    make(&directory);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct migrations migrations;

        write_file(directory.path, "0000_none.sql", rows[i].data, rows[i].length);
        if (migrations_read(&migrations, directory.path) != rows[i].status)
            fail_msg("row %zu does not give %d", i, rows[i].status);
        migrations_fini(&migrations);
    }
    drop(&directory);
}

static void test_refuses_no_directory(void **state)
{
    struct migrations migrations;

    (void)state;
    assert_int_equal(migrations_read(&migrations, "/nonexistent"), EX_NOINPUT);
    migrations_fini(&migrations);
}

static void test_finds_lines(void **state)
{
    static const struct {
        const char *sql;
        size_t position, line;
    } rows[] = {
        {"", 1, 1},        {"abc", 1, 1},     {"abc", 9, 1},     {"a\nb", 1, 1},
        {"a\nb", 2, 1},    {"a\nb", 3, 2},    {"\n\n\n", 3, 3},  {"é\nb", 3, 2},
        {"😀é\n\nb", 5, 3}, {"é\né\né", 3, 2}, {"é\né\né", 5, 3},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (migration_line(rows[i].sql, rows[i].position) != rows[i].line)
            fail_msg("row %zu: line %zu", i, migration_line(rows[i].sql, rows[i].position));
}

static void test_schema_is_the_programs(void **state)
{
    const char *source = getenv("abs_srcdir");
    struct migrations migrations;
    char path[4096];

    (void)state;
    snprintf(path, sizeof path, "%s/schema", source ? source : ".");
    assert_int_equal(migrations_read(&migrations, path), EX_OK);
    assert_int_equal(migrations.count - 1, STORE_SCHEMA_VERSION);
    migrations_fini(&migrations);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_takes_numbered_files), cmocka_unit_test(test_refuses_others),
        cmocka_unit_test(test_refuses_contents),     cmocka_unit_test(test_refuses_no_directory),
        cmocka_unit_test(test_finds_lines),          cmocka_unit_test(test_schema_is_the_programs),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

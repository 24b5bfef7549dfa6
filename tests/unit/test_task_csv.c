/* SPDX-License-Identifier: ISC */
/* test_task_csv.c: task_csv.h, byte for byte one way, and what is refused the other. That both fit
 * together is test_task_format.c's. */
#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "task_csv.h"

#define T(s)                                                                                       \
    {                                                                                              \
        s, sizeof(s) - 1                                                                           \
    }

static void assert_text(struct text actual, const char *expected)
{
    if (!text_equal(actual, text_of(expected)))
        fail_msg("\"%.*s\" is not \"%s\"", (int)actual.length, actual.data, expected);
}

static void test_header(void **state)
{
    struct buf out;

    (void)state;
    buf_init(&out);
    task_csv_write_header(&out);
    assert_text(buf_text(&out), "id,user_id,title,description,completed,completed_at,priority,"
                                "due_date,tags,created_at,updated_at,version\r\n");
    buf_fini(&out);
}

static void test_row(void **state)
{
    const struct task task = {.id = INT64_MIN,
                              .user_id = T("=u"),
                              .title = T("a \"b\", c"),
                              .description = T(""),
                              .completed_at = TIMESTAMP_NULL,
                              .priority = T("low"),
                              .due_date = 1,
                              .tags = {3, {T("a,b"), T(" c"), T("\\")}},
                              .version = 7};
    struct buf out;

    (void)state;
    buf_init(&out);
    task_csv_write(&out, &task);
    assert_text(buf_text(&out),
                "-9223372036854775808,'=u,\"a \"\"b\"\", c\",\"\",false,,low,"
                "2000-01-01T00:00:00.000001Z,\"a\\,b,\\ c,\\\\\",2000-01-01T00:00:00.000000Z,"
                "2000-01-01T00:00:00.000000Z,7\r\n");
    buf_fini(&out);
}

/* What a spreadsheet would run is marked, in quotes or not, and so is what looks marked. */
static void test_marks(void **state)
{
    static const char *const cases[][2] = {
        {"=1", "'=1"},         {"+1", "'+1"},       {"-1", "'-1"},       {"@a", "'@a"},
        {"'a", "''a"},         {"\ta", "\"'\ta\""}, {"\ra", "\"'\ra\""}, {"\na", "\"'\na\""},
        {"=\"", "\"'=\"\"\""}, {"a=", "a="},        {" =1", "\" =1\""},  {"a'", "a'"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct task task = {.title = text_of(cases[i][0]),
                                  .completed_at = TIMESTAMP_NULL,
                                  .due_date = TIMESTAMP_NULL};
        struct buf out;

        buf_init(&out);
        task_csv_write(&out, &task);
        assert_text((struct text){out.data + 3, strlen(cases[i][1])}, cases[i][1]);
        assert_int_equal(out.data[3 + strlen(cases[i][1])], ',');
        buf_fini(&out);
    }
}

/* Gathers the records as "LINE JSON\n". */
static enum err gather(void *data, const struct record *record)
{
    char *json = json_dumps(record->json, JSON_COMPACT | JSON_SORT_KEYS);

    assert_non_null(json);
    buf_printf(data, "%u %s\n", record->line, json);
    free(json);
    return strcmp(record->pointer, "/9") == 0 ? ERR_UNAVAILABLE : ERR_NONE;
}

static void test_reading(void **state)
{
    static const struct {
        struct text body;
        enum err err;
        const char *records;
        const char *told; /* of the problem; NULL: nothing */
    } cases[] = {
        {T("title\na"), ERR_NONE, "2 {\"title\":\"a\"}\n", NULL},
        {T("\xef\xbb\xbftitle\r\na\r\n"), ERR_NONE, "2 {\"title\":\"a\"}\n", NULL},
        {T("x, TITLE ,tags\r\n1,b,\"a, b\\,c ,\\ \"\r\n"), ERR_NONE,
         "2 {\"tags\":[\"a\",\"b,c\",\" \"],\"title\":\"b\"}\n", NULL},
        {T("title,description\n\n\"a\nb\",\"\"\n\nc,\nd\n"), ERR_NONE,
         "3 {\"description\":\"\",\"title\":\"a\\nb\"}\n6 {\"title\":\"c\"}\n7 {\"title\":\"d\"}\n",
         NULL},
        {T("title\n'=a\n''a\n'a\n'\n"), ERR_NONE,
         "2 {\"title\":\"=a\"}\n3 {\"title\":\"'a\"}\n4 {\"title\":\"'a\"}\n5 {\"title\":\"'\"}\n",
         NULL},
        {T("title,completed,tags\na,True,\nb,FALSE,\"\"\nc,yes,\",\"\n"), ERR_NONE,
         "2 {\"completed\":true,\"title\":\"a\"}\n"
         "3 {\"completed\":false,\"tags\":[],\"title\":\"b\"}\n"
         "4 {\"completed\":\"yes\",\"tags\":[\"\",\"\"],\"title\":\"c\"}\n",
         NULL},
        {T("title\na,b\nc\n"), ERR_INVALID, "2 {\"title\":\"a\"}\n3 {\"title\":\"c\"}\n",
         "line 2: has more cells than the header"},
        {T("title,title\na,b\n"), ERR_INVALID, "", "line 1: must not have a column twice"},
        {T("a\nb\n"), ERR_INVALID, "", "line 1: must have a column \"title\""},
        {T(""), ERR_BAD_REQUEST, "", "the body is empty; a header row is expected"},
        {T("\r\n\r\n"), ERR_BAD_REQUEST, "", "the body is empty; a header row is expected"},
        {T("title\na\nb\"\n"), ERR_BAD_REQUEST, "2 {\"title\":\"a\"}\n",
         "the body is not CSV: a quote in the wrong place at line 3"},
        {T("title\n\"a\nb\n\nc"), ERR_BAD_REQUEST, "",
         "the body ends inside of the quotes opened at line 2"},
        {T("title\n\xc3\n"), ERR_BAD_REQUEST, "", "the body is not UTF-8"},
        {T("title\n\0\n"), ERR_INVALID, "", "must not hold U+0000"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct arena arena;
        struct problem problem;
        struct buf records;
        const char *told;

        arena_init(&arena);
        problem_init(&problem, &arena);
        buf_init(&records);
        assert_int_equal(task_csv_read(cases[i].body, &problem, gather, &records), cases[i].err);
        assert_text(buf_text(&records), cases[i].records);
        told = problem.detail ? problem.detail : problem.faults ? problem.faults->message : NULL;
        assert_true(text_equal(text_of(told), text_of(cases[i].told)));
        buf_fini(&records);
        arena_fini(&arena);
    }
}

/* An error that is not the record's own ends the reading. */
static void test_stop(void **state)
{
    struct arena arena;
    struct problem problem;
    struct buf body, records;
    struct text rest;
    size_t seen = 0;

    (void)state;
    arena_init(&arena);
    problem_init(&problem, &arena);
    buf_init(&body);
    buf_init(&records);
    buf_add_string(&body, "title\n");
    for (int i = 0; i < 100; i++)
        buf_add_string(&body, "a\r"); /* in one line, as far as LF goes */
    assert_int_equal(task_csv_read(buf_text(&body), &problem, gather, &records), ERR_UNAVAILABLE);
    for (rest = buf_text(&records); rest.length > 0; rest.data++, rest.length--)
        seen += *rest.data == '\n';
    assert_int_equal(seen, 10);
    buf_fini(&records);
    buf_fini(&body);
    arena_fini(&arena);
}

static void test_many_columns(void **state)
{
    struct arena arena;
    struct problem problem;
    struct buf body, records;

    (void)state;
    arena_init(&arena);
    problem_init(&problem, &arena);
    buf_init(&body);
    buf_init(&records);
    buf_add_string(&body, "title");
    for (int i = 0; i < 1000; i++)
        buf_add_string(&body, ",x");
    assert_int_equal(task_csv_read(buf_text(&body), &problem, gather, &records), ERR_INVALID);
    assert_string_equal(problem.faults->message, "line 1: must have at most 256 columns");
    buf_fini(&records);
    buf_fini(&body);
    arena_fini(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_header), cmocka_unit_test(test_row),
        cmocka_unit_test(test_marks),  cmocka_unit_test(test_reading),
        cmocka_unit_test(test_stop),   cmocka_unit_test(test_many_columns),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: ISC */
/* test_task_ical.c: task_ical.h, byte for byte one way, and what is refused the other. That both
 * fit together is test_task_format.c's. */
#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "task_ical.h"

#define T(s) TEXT_LITERAL(s)
#define BEGIN "BEGIN:VCALENDAR\r\n"
#define END "END:VCALENDAR\r\n"

static void assert_text(struct text actual, const char *expected)
{
    if (!text_equal(actual, text_of(expected)))
        fail_msg("\"%.*s\" is not \"%s\"", (int)actual.length, actual.data, expected);
}

static void test_task(void **state)
{
    const struct task task = {.id = 42,
                              .user_id = T("secret"),
                              .title = T("a;b\x7f"),
                              .description = T("one\r\ntwo"),
                              .completed = true,
                              .completed_at = 0,
                              .priority = T("critical"),
                              .due_date = -1,
                              .tags = {2, {T("x,y"), T("z")}},
                              .created_at = 0,
                              .updated_at = 86400500000,
                              .version = 7};
    struct buf out;

    (void)state;
    buf_init(&out);
    task_ical_write_begin(&out);
    task_ical_write(&out, &task, 0x12ab);
    task_ical_write_end(&out);
    assert_text(buf_text(&out),
                "BEGIN:VCALENDAR\r\nVERSION:2.0\r\n"
                "PRODID:-//todo-fcgi//todo-fcgi " PACKAGE_VERSION "//EN\r\n"
                "BEGIN:VTODO\r\nUID:42-12ab@todo-fcgi\r\nDTSTAMP:20000102T000000Z\r\n"
                "CREATED:20000101T000000Z\r\nLAST-MODIFIED:20000102T000000Z\r\n"
                "X-TODO-LAST-MODIFIED:\"2000-01-02T00:00:00.500000Z\"\r\n"
                "SUMMARY:a\\;b \r\nX-TODO-SUMMARY:\"a\\;b\\\\u007f\"\r\n"
                "DESCRIPTION:one\\ntwo\r\nX-TODO-DESCRIPTION:\"one\\\\r\\\\ntwo\"\r\n"
                "PRIORITY:1\r\nSTATUS:COMPLETED\r\nCOMPLETED:20000101T000000Z\r\n"
                "DUE:19991231T235959Z\r\nX-TODO-DUE:\"1999-12-31T23:59:59.999999Z\"\r\n"
                "CATEGORIES:x\\,y,z\r\nEND:VTODO\r\nEND:VCALENDAR\r\n");
    buf_fini(&out);
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

static void check(struct text body, enum err err, const char *expected, const char *told)
{
    struct arena arena;
    struct problem problem;
    struct buf records;
    const char *words;

    arena_init(&arena);
    problem_init(&problem, &arena);
    buf_init(&records);
    assert_int_equal(task_ical_read(body, &problem, gather, &records), err);
    assert_text(buf_text(&records), expected);
    words = problem.detail ? problem.detail : problem.faults ? problem.faults->message : NULL;
    if (!text_equal(text_of(words), text_of(told)))
        fail_msg("\"%s\" is not \"%s\"", words ? words : "NULL", told ? told : "NULL");
    buf_fini(&records);
    arena_fini(&arena);
}

/* One property, or several, and what becomes of it. */
static const char *const properties[][2] = {
    {"", "{}"},
    {"summary:a", "{\"title\":\"a\"}"},
    {"SUMMARY;LANGUAGE=en:a\\nb", "{\"title\":\"a\\nb\"}"},
    {"SUMMARY:a\r\nSUMMARY:b", "{\"title\":\"b\"}"},
    {"DESCRIPTION:", "{\"description\":\"\"}"},
    {"PRIORITY:0", "{\"priority\":\"medium\"}"},
    {"PRIORITY:1", "{\"priority\":\"critical\"}"},
    {"PRIORITY:2", "{\"priority\":\"critical\"}"},
    {"PRIORITY:3", "{\"priority\":\"high\"}"},
    {"PRIORITY:4", "{\"priority\":\"high\"}"},
    {"PRIORITY:5", "{\"priority\":\"medium\"}"},
    {"PRIORITY:6", "{\"priority\":\"low\"}"},
    {"PRIORITY:9", "{\"priority\":\"low\"}"},
    {"PRIORITY:10", "{\"priority\":\"10\"}"},
    {"PRIORITY:", "{\"priority\":\"\"}"},
    {"STATUS:completed", "{\"completed\":true}"},
    {"STATUS:CANCELLED", "{\"completed\":false}"},
    {"COMPLETED:20000101T000000Z", "{\"completed_at\":\"2000-01-01T00:00:00.000000Z\"}"},
    {"DUE:20000101T000060Z", "{\"due_date\":\"2000-01-01T00:01:00.000000Z\"}"},
    {"DUE:20000101T010203", "{\"due_date\":\"2000-01-01T01:02:03.000000Z\"}"},
    {"DUE;VALUE=DATE:20000101", "{\"due_date\":\"2000-01-01T00:00:00.000000Z\"}"},
    {"DUE;VALUE=DATE;TZID=Asia/Tokyo:20000101", "{\"due_date\":\"2000-01-01T00:00:00.000000Z\"}"},
    {"DUE;TZID=Asia/Tokyo:20000101T090000", "{\"due_date\":\"2000-01-01T00:00:00.000000Z\"}"},
    {"DUE;TZID=Asia/Tokyo:20000101T090000Z", "{\"due_date\":\"2000-01-01T09:00:00.000000Z\"}"},
    {"DUE;TZID=Asia/Tokyo:00010101T000000", "{\"due_date\":\"00010101T000000\"}"},
    {"DUE:20000132", "{\"due_date\":\"20000132\"}"},
    {"DUE:2000-1-1T00000", "{\"due_date\":\"2000-1-1T00000\"}"},
    {"DUE:tomorrow", "{\"due_date\":\"tomorrow\"}"},
    {"CATEGORIES:a,b\\,c\r\nCATEGORIES:d", "{\"tags\":[\"a\",\"b,c\",\"d\"]}"},
    {"CATEGORIES:", "{\"tags\":[]}"},
    {"UID:1\r\nDTSTAMP:20000101T000000Z\r\nX-OTHER:1\r\nLOCATION:here", "{}"},
    /* The exact value counts while the property is what it was made to. */
    {"X-TODO-DUE:\"2000-01-01T00:00:00.5Z\"\r\nDUE:20000101T000000Z",
     "{\"due_date\":\"2000-01-01T00:00:00.5Z\"}"},
    {"X-TODO-DUE:\"2000-01-01T00:00:01Z\"\r\nDUE:20000101T000000Z",
     "{\"due_date\":\"2000-01-01T00:00:00.000000Z\"}"},
    {"X-TODO-DUE:5\r\nDUE:20000101T000000Z", "{\"due_date\":\"2000-01-01T00:00:00.000000Z\"}"},
    {"X-TODO-DUE:\"2000-01-01T00:00:01Z\"", "{}"},
    {"SUMMARY:a\\nb\r\nX-TODO-SUMMARY:\"a\\\\rb\"", "{\"title\":\"a\\rb\"}"},
    {"SUMMARY:a\r\nX-TODO-SUMMARY:\"b\"", "{\"title\":\"a\"}"},
    {"SUMMARY:a\r\nX-TODO-SUMMARY:\"a", "{\"title\":\"a\"}"},
    {"SUMMARY:a\r\nX-TODO-SUMMARY:\"a\\\\u0000\"", "{\"title\":\"a\"}"},
    {"CATEGORIES:a,b\r\nX-TODO-CATEGORIES:[\"a\"\\,\"b\"]", "{\"tags\":[\"a\",\"b\"]}"},
    {"CATEGORIES:a\\nb\r\nX-TODO-CATEGORIES:[\"a\\\\r\\\\nb\"]", "{\"tags\":[\"a\\r\\nb\"]}"},
    {"CATEGORIES:a,b\r\nX-TODO-CATEGORIES:[\"a\"]", "{\"tags\":[\"a\",\"b\"]}"},
    {"CATEGORIES:a\r\nX-TODO-CATEGORIES:[[\"a\"]]", "{\"tags\":[\"a\"]}"},
    {"PRIORITY:5\r\nX-TODO-PRIORITY:\"high\"", "{\"priority\":\"medium\"}"},
    {"BEGIN:VALARM\r\nSUMMARY:a\r\nEND:VALARM", "{}"},
    {"BEGIN:VTODO\r\nSUMMARY:a\r\nEND:VTODO\r\nDESCRIPTION:b", "{\"description\":\"b\"}"},
};

static void test_properties(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof properties / sizeof *properties; i++) {
        struct buf body, record;

        buf_init(&body);
        buf_init(&record);
        buf_printf(&body, BEGIN "BEGIN:VTODO\r\n%s\r\nEND:VTODO\r\n" END, properties[i][0]);
        buf_printf(&record, "2 %s\n", properties[i][1]);
        buf_add_char(&record, '\0');
        check(buf_text(&body), ERR_NONE, record.data, NULL);
        buf_fini(&record);
        buf_fini(&body);
    }
}

static void test_components(void **state)
{
    (void)state;
    check(T(BEGIN END), ERR_NONE, "", NULL);
    check(T("\xef\xbb\xbf"
            "begin:vcalendar\nend:VCALENDAR\n"),
          ERR_NONE, "", NULL);
    check(T(BEGIN "BEGIN:VEVENT\nSUMMARY:a\nEND:VEVENT\nBEGIN:VTODO\nEND:VTODO\n" END BEGIN
                  "BEGIN:VTODO\nEND:VTODO\n" END),
          ERR_NONE, "5 {}\n9 {}\n", NULL);
    check(T(""), ERR_BAD_REQUEST, "", "the body is empty; BEGIN:VCALENDAR is expected");
    check(T("\r\n"), ERR_BAD_REQUEST, "", "the body is empty; BEGIN:VCALENDAR is expected");
    check(T("BEGIN:VTODO\r\n"), ERR_BAD_REQUEST, "", "the body is not iCalendar at line 1");
    check(T("A:b\r\n"), ERR_BAD_REQUEST, "", "the body is not iCalendar at line 1");
    check(T(BEGIN BEGIN), ERR_BAD_REQUEST, "", "the body is not iCalendar at line 2");
    check(T(BEGIN END "A:b"), ERR_BAD_REQUEST, "", "the body is not iCalendar at line 3");
    check(T(BEGIN "END:VTODO\r\n"), ERR_BAD_REQUEST, "", "the body is not iCalendar at line 2");
    check(T(BEGIN "BEGIN:VTODO\r\nEND:VEVENT\r\n"), ERR_BAD_REQUEST, "",
          "the body is not iCalendar at line 3");
    check(T(BEGIN "BEGIN:VTODO\r\nSUMMARY:a\r\n"), ERR_BAD_REQUEST, "",
          "the body ends before END:VTODO");
    check(T(BEGIN "BEGIN:VTODO\r\nEND:VTODO\r\n"), ERR_BAD_REQUEST, "2 {}\n",
          "the body ends before END:VCALENDAR");
    check(T(BEGIN "\r\nno line\r\n" END), ERR_BAD_REQUEST, "",
          "the body is not iCalendar at line 3");
    check(T(BEGIN "X:\0\r\n" END), ERR_INVALID, "", "must not hold U+0000");
    check(T(BEGIN "BEGIN:VTODO\nDUE;TZID=No/Where:20000101T000000\nEND:VTODO\n" END), ERR_INVALID,
          "2 {}\n", "line 3: has a TZID that is not known here");
}

static void test_depth(void **state)
{
    struct buf body;

    (void)state;
    buf_init(&body);
    buf_add_string(&body, BEGIN);
    for (int i = 0; i < 1000; i++)
        buf_add_string(&body, "BEGIN:X\n");
    check(buf_text(&body), ERR_BAD_REQUEST, "", "the body is not iCalendar at line 9");
    buf_fini(&body);
    check(T(BEGIN "BEGIN:THE-NAME-OF-THIS-ONE-IS-TOO-LONG-TO-BE-TRUE\n"), ERR_BAD_REQUEST, "",
          "the body is not iCalendar at line 2");
}

/* An error that is not the record's own ends the reading, and nothing is leaked. */
static void test_stop(void **state)
{
    struct arena arena;
    struct problem problem;
    struct buf body, records;

    (void)state;
    arena_init(&arena);
    problem_init(&problem, &arena);
    buf_init(&body);
    buf_init(&records);
    buf_add_string(&body, BEGIN);
    for (int i = 0; i < 20; i++)
        buf_add_string(&body, "BEGIN:VTODO\nSUMMARY:a\nEND:VTODO\n");
    assert_int_equal(task_ical_read(buf_text(&body), &problem, gather, &records), ERR_UNAVAILABLE);
    assert_memory_equal(records.data + records.length - 18, "\n29 {\"title\":\"a\"}\n", 18);
    buf_fini(&records);
    buf_fini(&body);
    arena_fini(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_task),       cmocka_unit_test(test_properties),
        cmocka_unit_test(test_components), cmocka_unit_test(test_depth),
        cmocka_unit_test(test_stop),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: ISC */
/* Each rule of a task's fields at its bounds, all faults together, and the writer's exact words. */
#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "task_json.h"

static struct arena arena;
static struct problem problem;
static struct task_change change;

static int set_up(void **state)
{
    (void)state;
    arena_init(&arena);
    problem_init(&problem, &arena);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    arena_fini(&arena);
    return 0;
}

/* Reads `body` into `change`, with a problem of its own. */
static enum err read_at(const char *body, enum task_mode mode, unsigned fields, unsigned compat,
                        const char *at)
{
    json_t *json = json_loads(body, JSON_ALLOW_NUL, NULL);
    enum err err;

    if (!json)
        fail_msg("%s: not JSON", body);
    problem_init(&problem, &arena);
    err = task_json_read(json, mode, fields, compat, at, &problem, &change);
    json_decref(json);
    assert_int_equal(err, problem.faults ? ERR_INVALID : ERR_NONE);
    return err;
}

static enum err read_body(const char *body, enum task_mode mode)
{
    return read_at(body, mode, TASK_SET_ALL, 0, "");
}

/* "POINTER TYPE; POINTER TYPE" */
static const char *faults(void)
{
    const char *all = "";

    for (const struct fault *fault = problem.faults; fault; fault = fault->next) {
        assert_string_equal(fault->where, "body");
        assert_true(strncmp(fault->message, "must ", 5) == 0 ||
                    strcmp(fault->message, "is required") == 0);
        all = arena_printf(&arena, "%s%s%s %s", all, *all ? "; " : "", fault->name, fault->type);
    }
    return all;
}

static const char *repeat(const char *unit, size_t count)
{
    size_t length = strlen(unit);
    char *out = arena_alloc(&arena, length * count + 1);

    for (size_t i = 0; i < count; i++)
        memcpy(out + i * length, unit, length);
    out[length * count] = '\0';
    return out;
}

/* A member given as `count` times `unit`: how long is it let be? Code points count, not bytes. */
static void test_lengths(void **state)
{
    static const struct {
        const char *format, *faults;
        size_t count;
    } rows[] = {
        {"{\"title\":\"%s\"}", "/title string_too_short", 0},
        {"{\"title\":\"%s\"}", "", 1},
        {"{\"title\":\"%s\"}", "", 200},
        {"{\"title\":\"%s\"}", "/title string_too_long", 201},
        {"{\"title\":\" \\t\\n%s\\u3000\\u00a0\"}", "", 200},
        {"{\"description\":\"%s\"}", "", 0},
        {"{\"description\":\"%s\"}", "", 1000},
        {"{\"description\":\"%s\"}", "/description string_too_long", 1001},
        {"{\"description\":\" %s\"}", "/description string_too_long", 1000},
        {"{\"tags\":[\"%s\"]}", "/tags/0 string_too_short", 0},
        {"{\"tags\":[\"%s\"]}", "", 1},
        {"{\"tags\":[\"%s\"]}", "", 50},
        {"{\"tags\":[\"x\",\"%s\"]}", "/tags/1 string_too_long", 51},
    };
    static const char *const units[] = {"a", "\xc3\xbc", "\xe2\x9c\x93", "\xf0\x9f\xa6\x8a"};

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        for (size_t j = 0; j < sizeof units / sizeof *units; j++) {
            char *format = arena_printf(&arena, "%s", rows[i].format);
            char *hole = strstr(format, "%s");
            const char *body;

            *hole = '\0';
            body =
                arena_printf(&arena, "%s%s%s", format, repeat(units[j], rows[i].count), hole + 2);
            read_body(body, TASK_MODE_PUT);
            assert_string_equal(faults(), rows[i].faults);
        }
}

static void test_title_is_trimmed(void **state)
{
    static const struct {
        const char *title, *trimmed;
    } rows[] = {
        {"x", "x"},
        {" x ", "x"},
        {"\\t\\n\\u000b\\f\\r x y \\u0085\\u00a0", "x y"},
        {"\\u1680\\u2000\\u2028\\u2029\\u202f\\u205f\\u3000x", "x"},
        {"\\u200bx", "\xe2\x80\x8bx"}, /* a zero width space is none */
        {"\\u001cx\\u001f", "x"},
    };
    static const char *const blank[] = {"", " ", "\\t\\n", "\\u00a0", "\\u3000\\u2003"};

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        read_body(arena_printf(&arena, "{\"title\":\"%s\"}", rows[i].title), TASK_MODE_CREATE);
        assert_string_equal(faults(), "");
        assert_string_equal(arena_text(&arena, change.title), rows[i].trimmed);
    }
    for (size_t i = 0; i < sizeof blank / sizeof *blank; i++) {
        read_body(arena_printf(&arena, "{\"title\":\"%s\"}", blank[i]), TASK_MODE_CREATE);
        assert_string_equal(faults(), "/title string_too_short");
    }
}

/* Each member with values of every JSON type; null has a test of its own. */
static void test_types(void **state)
{
    static const struct {
        const char *member, *type;
        const char *good;
    } rows[] = {
        {"title", "string_type", "\"s\""},        {"description", "string_type", "\"s\""},
        {"completed", "bool_type", "true false"}, {"priority", "string_type", "\"s\""},
        {"due_date", "datetime_type", "\"s\""},   {"tags", "list_type", "[]"},
    };
    static const char *const values[] = {"\"s\"", "true", "false", "1", "0", "1.5", "[]", "{}"};

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        for (size_t j = 0; j < sizeof values / sizeof *values; j++) {
            const char *expected =
                strstr(rows[i].good, values[j])
                    ? ""
                    : arena_printf(&arena, "/%s %s", rows[i].member, rows[i].type);

            read_body(arena_printf(&arena, "{\"%s\":%s}", rows[i].member, values[j]),
                      TASK_MODE_PUT);
            if (*expected || (i != 3 && i != 4)) /* "s" is no priority, and no date */
                assert_string_equal(faults(), expected);
        }
}

static void test_null_and_absence(void **state)
{
    static const struct {
        const char *member;
        unsigned set;
        const char *create, *patch;
    } rows[] = {
        {"title", 0, "/title missing", "/title string_type"},
        {"description", TASK_SET_DESCRIPTION, "/title missing", ""},
        {"completed", 0, "/title missing", "/completed bool_type"},
        {"priority", 0, "/title missing", "/priority string_type"},
        {"due_date", TASK_SET_DUE_DATE, "/title missing", ""},
        {"tags", 0, "/title missing", "/tags list_type"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *body = arena_printf(&arena, "{\"%s\":null}", rows[i].member);

        read_body(body, TASK_MODE_PUT);
        assert_string_equal(faults(), "");
        assert_int_equal(change.set, rows[i].set);
        read_body(body, TASK_MODE_CREATE);
        assert_string_equal(faults(), rows[i].create);
        assert_int_equal(change.set, rows[i].set);
        read_body(body, TASK_MODE_PATCH);
        assert_string_equal(faults(), rows[i].patch);
        assert_int_equal(change.set, rows[i].set);
    }
    assert_null(change.description.data);
    read_body("{\"due_date\":null}", TASK_MODE_PATCH);
    assert_true(change.due_date == TIMESTAMP_NULL);
}

static void test_empty_object(void **state)
{
    (void)state;
    assert_int_equal(read_body("{}", TASK_MODE_PUT), ERR_NONE);
    assert_int_equal(change.set, 0);
    assert_int_equal(read_body("{}", TASK_MODE_PATCH), ERR_NONE);
    assert_int_equal(change.set, 0);
    read_body("{}", TASK_MODE_CREATE);
    assert_string_equal(faults(), "/title missing");
}

static void test_everything(void **state)
{
    (void)state;
    assert_int_equal(read_body("{\"title\":\"t\",\"description\":\" d \",\"completed\":true,"
                               "\"priority\":\"HIGH\",\"due_date\":\"2000-01-01\","
                               "\"tags\":[\"a\",\" a\",\"A\"]}",
                               TASK_MODE_CREATE),
                     ERR_NONE);
    assert_int_equal(change.set, TASK_SET_ALL);
    assert_string_equal(arena_text(&arena, change.title), "t");
    assert_string_equal(arena_text(&arena, change.description), " d ");
    assert_true(change.completed);
    assert_string_equal(arena_text(&arena, change.priority), "high");
    assert_true(change.due_date == 0);
    assert_int_equal(change.tags.count, 3);
    assert_string_equal(arena_text(&arena, change.tags.items[1]), " a");
}

/* A body cannot say whose a task is, which one, or when. */
static void test_unknown_members(void **state)
{
    (void)state;
    assert_int_equal(read_body("{\"id\":7,\"user_id\":\"v\",\"version\":\"x\",\"created_at\":0,"
                               "\"completed_at\":[],\"updated_at\":{},\"is_completed\":1,"
                               "\"Title\":5,\"\":null,\"deleted_at\":true,\"title\":\"t\"}",
                               TASK_MODE_CREATE),
                     ERR_NONE);
    assert_int_equal(change.set, TASK_SET_TITLE);
}

static void test_priority(void **state)
{
    static const struct {
        const char *word, *priority;
    } rows[] = {
        {"low", "low"},   {"medium", "medium"},  {"high", "high"}, {"critical", "critical"},
        {"LOW", "low"},   {"Medium", "medium"},  {"hIgH", "high"}, {"", NULL},
        {"lo", NULL},     {"lowx", NULL},        {"low ", NULL},   {" low", NULL},
        {"urgent", NULL}, {"h\xc4\xb1gh", NULL}, {"none", NULL},
    };

    (void)state;
    assert_null(task_priority(TEXT_NULL).data);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct text priority = task_priority(text_of(rows[i].word));

        assert_true(text_equal(priority, text_of(rows[i].priority)));
        read_body(arena_printf(&arena, "{\"priority\":\"%s\"}", rows[i].word), TASK_MODE_PUT);
        assert_string_equal(faults(), rows[i].priority ? "" : "/priority enum");
    }
}

static void test_due_date(void **state)
{
    static const struct {
        const char *value;
        int64_t due;
    } rows[] = {
        {"2000-01-01T00:00:00Z", 0},
        {"2000-01-01T00:00:00", 0},
        {"2000-01-01", 0},
        {"2000-01-01T02:00:00+02:00", 0},
        {"2000-01-01T00:00:00.000001Z", 1},
        {"0001-01-01", INT64_C(-63082281600000000)},
        {"9999-12-31T23:59:59.999999Z", INT64_C(252455615999999999)},
        {"0000-12-31", TIMESTAMP_NULL},
        {"0001-01-01T00:00:00+00:01", TIMESTAMP_NULL},
        {"9999-12-31T23:59:59-00:01", TIMESTAMP_NULL},
        {"10000-01-01", TIMESTAMP_NULL},
        {"2001-02-29", TIMESTAMP_NULL},
        {"tomorrow", TIMESTAMP_NULL},
        {"", TIMESTAMP_NULL},
        {"946684800", TIMESTAMP_NULL},
        {" 2000-01-01", TIMESTAMP_NULL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        bool good = rows[i].due != TIMESTAMP_NULL;

        read_body(arena_printf(&arena, "{\"due_date\":\"%s\"}", rows[i].value), TASK_MODE_PUT);
        assert_string_equal(faults(), good ? "" : "/due_date datetime_parsing");
        assert_int_equal(change.set, good ? TASK_SET_DUE_DATE : 0);
        assert_true(!good || change.due_date == rows[i].due);
    }
}

static void test_tags(void **state)
{
    static const struct {
        const char *tags, *faults;
    } rows[] = {
        {"[]", ""},
        {"[\"1\",\"2\",\"3\",\"4\",\"5\",\"6\",\"7\",\"8\",\"9\",\"10\"]", ""},
        {"[\"1\",\"2\",\"3\",\"4\",\"5\",\"6\",\"7\",\"8\",\"9\",\"10\",\"11\"]", "/tags too_long"},
        {"[\"1\",\"2\",\"3\",\"4\",\"5\",\"6\",\"7\",\"8\",\"9\",\"10\",11,\"\"]",
         "/tags too_long"},
        {"[\"a\",\"b\",\"a\"]", "/tags/2 value_error"},
        {"[\"a\",\"a\",\"a\"]", "/tags/1 value_error; /tags/2 value_error"},
        {"[1,\"a\",null,[],\"\"]",
         "/tags/0 string_type; /tags/2 string_type; /tags/3 string_type; /tags/4 string_too_short"},
        {"[\"\xf0\x9f\xa6\x8a\",\"\\ud83e\\udd8a\"]", "/tags/1 value_error"},
        {"[\"a\",\"A\",\"a \"]", ""},
        {"[\",\",\"\\\"\",\"{}\",\"NULL\"]", ""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        read_body(arena_printf(&arena, "{\"tags\":%s}", rows[i].tags), TASK_MODE_PATCH);
        assert_string_equal(faults(), rows[i].faults);
        assert_int_equal(change.set, *rows[i].faults ? 0 : TASK_SET_TAGS);
    }
}

/* All faults together, below the place that is being read. */
static void test_all_faults(void **state)
{
    (void)state;
    read_at("{\"title\":\" \",\"description\":1,\"completed\":\"yes\",\"priority\":\"x\","
            "\"due_date\":\"x\",\"tags\":[1,\"\"]}",
            TASK_MODE_PUT, TASK_SET_ALL, 0, "/operations/3");
    assert_string_equal(faults(), "/operations/3/title string_too_short; "
                                  "/operations/3/description string_type; "
                                  "/operations/3/completed bool_type; "
                                  "/operations/3/priority enum; "
                                  "/operations/3/due_date datetime_parsing; "
                                  "/operations/3/tags/0 string_type; "
                                  "/operations/3/tags/1 string_too_short");
    assert_int_equal(change.set, 0);
}

/* What is not asked for is not read, be it wrong or missing. */
static void test_fields(void **state)
{
    (void)state;
    assert_int_equal(read_at("{\"title\":1,\"completed\":true,\"tags\":0}", TASK_MODE_CREATE,
                             TASK_SET_COMPLETED, 0, ""),
                     ERR_NONE);
    assert_int_equal(change.set, TASK_SET_COMPLETED);
    assert_int_equal(read_at("{\"title\":1}", TASK_MODE_CREATE, 0, 0, ""), ERR_NONE);
    assert_int_equal(change.set, 0);
}

static void test_is_completed(void **state)
{
    static const struct {
        const char *body, *faults;
        unsigned set;
        bool completed;
    } rows[] = {
        {"{\"is_completed\":true}", "", TASK_SET_COMPLETED, true},
        {"{\"is_completed\":false}", "", TASK_SET_COMPLETED, false},
        {"{\"completed\":false,\"is_completed\":true}", "", TASK_SET_COMPLETED, false},
        {"{\"completed\":null,\"is_completed\":true}", "", TASK_SET_COMPLETED, true},
        {"{\"is_completed\":null}", "", 0, false},
        {"{\"is_completed\":1}", "/is_completed bool_type", 0, false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        read_at(rows[i].body, TASK_MODE_PUT, TASK_SET_ALL, COMPAT_IS_COMPLETED, "");
        assert_string_equal(faults(), rows[i].faults);
        assert_int_equal(change.set, rows[i].set);
        assert_int_equal(change.completed, rows[i].completed);
        assert_int_equal(read_body(rows[i].body, TASK_MODE_CREATE), ERR_INVALID); /* no title */
        read_body("{\"is_completed\":5}", TASK_MODE_PUT);
        assert_string_equal(faults(), "");
    }
}

static const char *written(const struct task *task, unsigned compat)
{
    struct buf out;
    const char *text;

    buf_init(&out);
    buf_add_char(&out, ' '); /* what was there before stays */
    task_json_write(&out, task, compat);
    text = arena_text(&arena, buf_text(&out));
    buf_fini(&out);
    assert_int_equal(text[0], ' ');
    return text + 1;
}

static void test_write(void **state)
{
    struct task task = {
        .id = 42,
        .user_id = text_of("u_1"),
        .title = text_of("Buy milk"),
        .description = TEXT_NULL,
        .completed_at = TIMESTAMP_NULL,
        .priority = text_of("medium"),
        .due_date = TIMESTAMP_NULL,
        .created_at = INT64_C(821861079490466),
        .updated_at = INT64_C(821861079490466),
        .version = 17,
    };

    (void)state;
    assert_string_equal(
        written(&task, 0),
        "{\"id\":42,\"user_id\":\"u_1\",\"title\":\"Buy milk\",\"description\":null,"
        "\"completed\":false,\"completed_at\":null,\"priority\":\"medium\",\"due_date\":null,"
        "\"tags\":[],\"created_at\":\"2026-01-16T06:44:39.490466Z\","
        "\"updated_at\":\"2026-01-16T06:44:39.490466Z\",\"version\":17}");
}

static void test_write_extremes(void **state)
{
    struct task task = {
        .id = INT64_MAX,
        .user_id = text_of("a/b \"\\"),
        .title = text_of("\x01\t\n\x1f\x7f<&>\xf0\x9f\xa6\x8a\xe2\x80\xa8/"),
        .description = text_of(""),
        .completed = true,
        .completed_at = 0,
        .priority = text_of("critical"),
        .due_date = INT64_C(-63082281600000000),
        .tags = {.count = 3, .items = {text_of("a"), text_of("\"],["), text_of("\xc3\xbc")}},
        .created_at = INT64_C(252455615999999999),
        .updated_at = -1,
        .version = 1,
    };

    (void)state;
    assert_string_equal(
        written(&task, COMPAT_IS_COMPLETED),
        "{\"id\":9223372036854775807,\"user_id\":\"a/b \\\"\\\\\","
        "\"title\":\"\\u0001\\t\\n\\u001f\x7f<&>\xf0\x9f\xa6\x8a\xe2\x80\xa8/\","
        "\"description\":\"\",\"completed\":true,\"completed_at\":\"2000-01-01T00:00:00.000000Z\","
        "\"priority\":\"critical\",\"due_date\":\"0001-01-01T00:00:00.000000Z\","
        "\"tags\":[\"a\",\"\\\"],[\",\"\xc3\xbc\"],"
        "\"created_at\":\"9999-12-31T23:59:59.999999Z\","
        "\"updated_at\":\"1999-12-31T23:59:59.999999Z\",\"version\":1,\"is_completed\":true}");
}

/* However much its texts grow, a task fits into the room that is reserved for it. */
static void test_write_room(void **state)
{
    static const char zeros[4 * TASK_DESCRIPTION_MAX];
    const struct text title = {zeros, 4 * TASK_TITLE_MAX}, tag = {zeros, 4 * TASK_TAG_MAX};
    const struct text texts[] = {TEXT_NULL, TEXT_LITERAL(""), {zeros, sizeof zeros}};
    struct buf out;

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        for (size_t tags = 0; tags <= TASK_TAGS_MAX; tags++) {
            struct task task = {.id = INT64_MIN,
                                .user_id = texts[i],
                                .title = title,
                                .description = texts[i],
                                .priority = texts[i],
                                .tags = {.count = tags},
                                .version = INT64_MIN};

            for (size_t j = 0; j < tags; j++)
                task.tags.items[j] = tag;
            buf_init(&out);
            task_json_write(&out, &task, COMPAT_IS_COMPLETED);
            assert_in_range(out.length, 1, out.capacity);
            assert_int_equal(out.data[out.length - 1], '}');
            buf_fini(&out);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_lengths, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_title_is_trimmed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_types, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_null_and_absence, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_empty_object, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_everything, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_unknown_members, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_priority, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_due_date, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_tags, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_all_faults, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_fields, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_is_completed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_write, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_write_extremes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_write_room, set_up, tear_down),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: ISC */
/* What If-Match and If-None-Match say, also after a web server that compresses has been at them. */
#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "etag.h"
#include "task_state.h"

static struct arena arena;
static struct problem problem;

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

/* The condition's tags, each in brackets. */
static const char *tags_of(const struct etag_condition *condition)
{
    const char *tags = condition->any ? "*" : "";

    for (size_t i = 0; i < condition->count; i++)
        tags = arena_printf(&arena, "%s[%.*s]", tags, (int)condition->tags[i].length,
                            condition->tags[i].data);
    return tags;
}

static void test_read(void **state)
{
    static const struct {
        const char *value, *tags;
    } rows[] = {
        {NULL, ""},
        {"*", "*"},
        {"\"17\"", "[17]"},
        {"W/\"17\"", "[17]"},
        {"\"17-gzip\"", "[17]"},
        {"W/\"17-gzip\"", "[17]"},
        {"\"17;gzip\"", "[17]"},
        {"\"17-br\"", "[17]"},
        {"\"17-DEFLATE\"", "[17]"},
        {"\"af.3-gzip\"", "[af.3]"},
        {"\"af\"", "[af]"},
        {"\"-gzip\"", "[-gzip]"},
        {"\"17-\"", "[17-]"},
        {"\"17-2\"", "[17-2]"},
        {"\"17gzip\"", "[17gzip]"},
        {"\"\"", "[]"},
        {"\"*\"", "[*]"},
        {"\"1\",\"2\"", "[1][2]"},
        {"\"1\" , W/\"2\"", "[1][2]"},
        {" \t\"1\"\t,\t \"2\" ", "[1][2]"},
        {",\"1\",, \"2\" ,", "[1][2]"},
        {"\"a,b\"", "[a,b]"},
        {"\"\xc3\xbc\"", "[\xc3\xbc]"},
        {"\"!#~\"", "[!#~]"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct etag_condition condition;

        if (etag_read(rows[i].value, "If-Match", &problem, &condition) != ERR_NONE)
            fail_msg("%s: refused", rows[i].value);
        assert_int_equal(condition.present, rows[i].value != NULL);
        assert_string_equal(tags_of(&condition), rows[i].tags);
    }
    assert_null(problem.faults);
}

static void test_malformed(void **state)
{
    static const char *const values[] = {
        "17",          "\"17",      "17\"",     "W/17", "w/\"17\"",  "W/ \"17\"", "\"1\"\"2\"",
        "\"1\" \"2\"", "*, \"1\"",  "\"1\", *", "**",   ",",         ", ,",       "\"a b\"",
        "\"a\tb\"",    "\"a\x7f\"", "\"1\", 2", "'1'",  "\"1\";q=1", "W/",        "\"\\\"17\"",
    };

    (void)state;
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        struct etag_condition condition;

        set_up(NULL);
        if (etag_read(values[i], "If-None-Match", &problem, &condition) != ERR_BAD_REQUEST)
            fail_msg("%s: read as %s", values[i], tags_of(&condition));
        assert_int_equal(problem.fault_count, 1);
        assert_string_equal(problem.faults->where, "header");
        assert_string_equal(problem.faults->name, "If-None-Match");
        arena_fini(&arena);
    }
}

/* ETAG_LIST_MAX tags are taken, one more is refused; nothing is written behind the last. */
static void test_many(void **state)
{
    char value[(ETAG_LIST_MAX + 1) * 4 + 1] = "";
    struct etag_condition condition;

    (void)state;
    for (size_t i = 0; i <= ETAG_LIST_MAX; i++)
        memcpy(value + i * 4, "\"7\",", 5);
    assert_int_equal(etag_read(value + 4, "If-Match", &problem, &condition), ERR_NONE);
    assert_int_equal(condition.count, ETAG_LIST_MAX);
    assert_int_equal(etag_read(value, "If-Match", &problem, &condition), ERR_BAD_REQUEST);
}

static void test_names(void **state)
{
    struct etag_condition condition;

    (void)state;
    assert_int_equal(etag_read("W/\"17-gzip\", \"x\"", "If-Match", &problem, &condition), ERR_NONE);
    assert_true(etag_names(&condition, text_of("17")));
    assert_true(etag_names(&condition, text_of("x")));
    assert_false(etag_names(&condition, text_of("1")));
    assert_false(etag_names(&condition, text_of("17-gzip")));
    assert_false(etag_names(&condition, TEXT_NULL));
    assert_int_equal(etag_read("*", "If-Match", &problem, &condition), ERR_NONE);
    assert_false(etag_names(&condition, text_of("17")));
}

static void test_versions(void **state)
{
    static const struct {
        const char *value;
        bool any;
        size_t count;
        int64_t last;
    } rows[] = {
        {NULL, true, 0, 0},
        {"*", true, 0, 0},
        {"\"17\"", false, 1, 17},
        {"\"17\", W/\"18-gzip\"", false, 2, 18},
        {"\"9223372036854775807\"", false, 1, INT64_MAX},
        {"\"9223372036854775808\"", false, 0, 0},
        {"\"0\"", false, 0, 0},
        {"\"017\"", false, 0, 0},
        {"\"-1\"", false, 0, 0},
        {"\"af.3\"", false, 0, 0},
        {"\"\"", false, 0, 0},
        {"\"x\", \"5\", \"\"", false, 1, 5},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct etag_condition condition;
        struct task_versions versions;

        assert_int_equal(etag_read(rows[i].value, "If-Match", &problem, &condition), ERR_NONE);
        etag_versions(&condition, &versions);
        assert_int_equal(versions.any, rows[i].any);
        assert_int_equal(versions.count, rows[i].count);
        if (versions.count > 0)
            assert_int_equal(versions.items[versions.count - 1], rows[i].last);
    }
}

/* The tag of all tasks is spelt and read back. */
static void test_state(void **state)
{
    static const struct {
        struct task_state state;
        const char *spelling;
    } rows[] = {
        {{.epoch = 0, .change_seq = 0}, "0.0"},
        {{.epoch = 15, .change_seq = 9}, "f.9"},
        {{.epoch = 16, .change_seq = 10}, "10.10"},
        {{.epoch = INT64_C(0x0123456789abcdef), .change_seq = 1}, "123456789abcdef.1"},
        {{.epoch = INT64_MAX, .change_seq = INT64_MAX}, "7fffffffffffffff.9223372036854775807"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char text[TASK_STATE_ROOM];
        struct text spelt = {text, (size_t)(task_state_put(text, &rows[i].state) - text)};
        struct task_state again;

        assert_true(text_equal(spelt, text_of(rows[i].spelling)));
        assert_true(task_state_read(spelt, &again));
        assert_int_equal(again.epoch, rows[i].state.epoch);
        assert_int_equal(again.change_seq, rows[i].state.change_seq);
    }
}

/* A tag of a list is known in its shape alone; of several the newest counts. */
static void test_seen(void **state)
{
    static const struct {
        const char *value;
        int64_t seen; /* -1: nothing */
    } rows[] = {
        {"\"f.9-0a1b2c3d\"", 9},
        {"W/\"f.9-0a1b2c3d-gzip\"", 9},
        {"\"f.9-0a1b2c3d\", \"f.10-0a1b2c3d\", \"f.8-0a1b2c3d\"", 10},
        {"\"f.10-0a1b2c3e\", \"f.9-0a1b2c3d\"", 9},
        {"\"f.9\"", -1},
        {"\"f.9-0a1b2c3e\"", -1},
        {"\"f.9-0a1b2c3d-0a1b2c3d\"", -1},
        {"\"f.90a1b2c3d\"", -1},
        {"\"-0a1b2c3d\"", -1},
        {"\"1b2c3d\"", -1},
        {"\"\"", -1},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct etag_condition condition;
        struct task_state room;
        const struct task_state *seen;

        assert_int_equal(etag_read(rows[i].value, "If-None-Match", &problem, &condition), ERR_NONE);
        seen = task_state_seen(&condition, TEXT_LITERAL("-0a1b2c3d"), &room);
        assert_int_equal(seen ? seen->change_seq : -1, rows[i].seen);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_read, set_up, tear_down),
        cmocka_unit_test(test_malformed),
        cmocka_unit_test_setup_teardown(test_many, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_names, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_versions, set_up, tear_down),
        cmocka_unit_test(test_state),
        cmocka_unit_test_setup_teardown(test_seen, set_up, tear_down),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

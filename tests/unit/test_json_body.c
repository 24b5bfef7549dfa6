/* SPDX-License-Identifier: ISC */
/* test_json_body.c: json_body.h. */
#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "json_body.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define T(s)                                                                                       \
    {                                                                                              \
        (s), sizeof(s) - 1                                                                         \
    }

static struct arena arena;

static int setup(void **state)
{
    static struct problem problem;

    arena_init(&arena);
    problem_init(&problem, &arena);
    *state = &problem;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    arena_fini(&arena);
    return 0;
}

/* Parses a copy in a block of its own, so that a sanitizer sees a read past the end. */
static enum err parse(struct text body, struct problem *problem, json_t **json)
{
    char *copy = malloc(body.length + !body.length);
    enum err err;

    assert_non_null(copy);
    if (body.length)
        memcpy(copy, body.data, body.length);
    problem_init(problem, &arena);
    err = json_body_parse((struct text){copy, body.length}, problem, json);
    free(copy);
    return err;
}

static void test_objects(void **state)
{
    static const struct text cases[] = {
        T("{}"),
        T(" \t\r\n{ } \n"),
        T("{\"title\": \"Gr\xc3\xbc\xc3\x9f \xf0\x9f\x98\x80 \\ud83d\\ude00\"}"),
        T("{\"a\": [1, -0, 1.5e3, true, false, null, {}], \"b\": {\"a\": []}}"),
        T("{\"max\": 9223372036854775807, \"min\": -9223372036854775808}"),
        T("{\"\": {\"\": 1}}"),
        T("{\"a\\\"\": \"\\\\\"}"),
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        json_t *json = NULL;

        if (parse(cases[i], *state, &json) != ERR_NONE)
            fail_msg("case %zu", i);
        assert_true(json_is_object(json));
        json_decref(json);
    }
}

static const struct {
    struct text body;
    const char *detail;
} bad[] = {
    {T(""), "the body is empty; JSON is expected"},
    {T(" \r\n\t "), "the body is empty; JSON is expected"},
    {{NULL, 0}, "the body is empty; JSON is expected"},
    {T("nope"), "the body is not JSON at byte 0"},
    {T("\xef\xbb\xbf{}"), "the body is not JSON at byte 0"},
    {T("title=a&b=c"), "the body is not JSON at byte 0"},
    {T("{\"a\": nope}"), "the body is not JSON at byte 6"},
    {T("{\"a\": NaN}"), "the body is not JSON at byte 6"},
    {T("{\"a\": -}"), "the body is not JSON at byte 6"},
    {T("{\"a\": 01}"), "the body is not JSON at byte 6"},
    {T("{\"a\": 1.}"), "the body is not JSON at byte 6"},
    {T("{\"a\": \xc3\xa9}"), "the body is not JSON at byte 6"},
    {T("{\"a\": \0}"), "the body is not JSON at byte 6"},
    {T("{\"a\": \0"), "the body is not JSON at byte 6"},
    {T("\0"), "the body is not JSON at byte 0"},
    {T("{\"a\": 1,}"), "the body is not JSON at byte 8"},
    {T("{'a': 1}"), "the body is not JSON at byte 1"},
    {T("{a: 1}"), "the body is not JSON at byte 1"},
    {T("{\"a\" \"bcd\"}"), "the body is not JSON at byte 5"},
    {T("{\"a\\\"\" \"bcd\"}"), "the body is not JSON at byte 7"},
    {T("{\"a\": [1 2]}"), "the body is not JSON at byte 9"},
    {T("[1,2}"), "the body is not JSON at byte 4"},
    {T("{\"a\": \"x\ny\"}"), "the body is not JSON at byte 8"},
    {T("{\"a\": \"x\0y\"}"), "the body is not JSON at byte 8"},
    {T("{\"a\": \"x\\qy\"}"), "the body is not JSON at byte 9"},
    {T("{\"a\": \"\\u00zz\"}"), "the body is not JSON at byte 11"},
    {T("{\"a\": \"\\ud800\"}"), "the body is not JSON at byte 6"},
    {T("{\"a\": \"\\ud800\\u0041\"}"), "the body is not JSON at byte 6"},
    {T("{\"a\": \"x"), "the body ends too early at byte 8"},
    {T("{\"a\": 1"), "the body ends too early at byte 7"},
    {T("{"), "the body ends too early at byte 1"},
    {T("{\"a\": \"x\\"), "the body is not JSON at byte 8"},
    {T("{} x"), "the body goes on behind its value at byte 3"},
    {T("{}{}"), "the body goes on behind its value at byte 2"},
    {T("{}\0"), "the body goes on behind its value at byte 2"},
    {T("{\"a\": 1, \"a\": 2}"), "a member name is repeated at byte 9"},
    {T("{\"b\": {\"a\": 1, \"\\u0061\": 2}}"), "a member name is repeated at byte 15"},
    {T("\xff"), "the body is not UTF-8 at byte 0"},
    {T("{\"a\": \"\xff\"}"), "the body is not UTF-8 at byte 7"},
    {T("{\"a\": \"\xe2\x82"), "the body is not UTF-8 at byte 7"},
    {T("{\"a\": \"\xed\xa0\x80\"}"), "the body is not UTF-8 at byte 7"},
    {T("{\"a\": \"\xc0\x80\"}"), "the body is not UTF-8 at byte 7"},
};

static void test_bad_bodies(void **state)
{
    struct problem *problem = *state;

    for (size_t i = 0; i < COUNT(bad); i++) {
        json_t *json = (json_t *)problem;

        if (parse(bad[i].body, problem, &json) != ERR_BAD_REQUEST)
            fail_msg("case %zu", i);
        assert_string_equal(problem->detail, bad[i].detail);
        assert_null(json);
        assert_int_equal(problem->fault_count, 0);
    }
}

static const struct {
    struct text body;
    const char *pointer, *type, *message;
} invalid[] = {
    {T("3"), "", "dict_type", "must be an object"},
    {T("\"x\""), "", "dict_type", "must be an object"},
    {T("null"), "", "dict_type", "must be an object"},
    {T("[{}]"), "", "dict_type", "must be an object"},
    {T("\"\\u0000\""), "", "null_character", "must not hold U+0000"},
    {T("{\"title\": \"a\\u0000b\"}"), "/title", "null_character", "must not hold U+0000"},
    {T("{\"a\": [1, {\"x/y~z\": \"\\u0000\"}]}"), "/a/1/x~1y~0z", "null_character",
     "must not hold U+0000"},
    {T("{\"a\\u0000b\": 1}"), "", "value_error", "must not have a name with U+0000 at byte 1"},
    {T("{\"id\": 9223372036854775808}"), "", "value_error",
     "must not have a number out of range at byte 7"},
    {T("{\"id\": -9223372036854775809}"), "", "value_error",
     "must not have a number out of range at byte 7"},
    {T("{\"id\": [1, 1e999]}"), "", "value_error",
     "must not have a number out of range at byte 11"},
};

static void test_invalid_bodies(void **state)
{
    struct problem *problem = *state;

    for (size_t i = 0; i < COUNT(invalid); i++) {
        json_t *json = (json_t *)problem;

        if (parse(invalid[i].body, problem, &json) != ERR_INVALID)
            fail_msg("case %zu", i);
        assert_null(json);
        assert_int_equal(problem->fault_count, 1);
        assert_string_equal(problem->faults->where, "body");
        assert_string_equal(problem->faults->name, invalid[i].pointer);
        assert_string_equal(problem->faults->type, invalid[i].type);
        assert_string_equal(problem->faults->message, invalid[i].message);
    }
}

static void test_all_null_characters_are_told(void **state)
{
    struct problem *problem = *state;
    json_t *json;

    assert_int_equal(
        parse(TEXT_LITERAL("{\"a\": \"\\u0000\", \"b\": [\"x\", \"\\u0000\"]}"), problem, &json),
        ERR_INVALID);
    assert_int_equal(problem->fault_count, 2);
    assert_string_equal(problem->faults->name, "/a");
    assert_string_equal(problem->faults->next->name, "/b/1");
}

/* A body whose pointers are long cannot make an answer many times its size. */
static void test_null_characters_are_bounded(void **state)
{
    struct problem *problem = *state;
    struct buf body;
    json_t *json;

    buf_init(&body);
    buf_add_string(&body, "{\"a\": [\"\\u0000\"");
    for (int i = 0; i < 100; i++)
        buf_add_string(&body, ", \"\\u0000\"");
    buf_add_string(&body, "]}");
    assert_int_equal(parse(buf_text(&body), problem, &json), ERR_INVALID);
    assert_int_equal(problem->fault_count, 10);
    buf_fini(&body);
}

/* `depth` arrays around nothing, behind a prefix; `closed` or cut off. */
static enum err parse_nested(struct problem *problem, int depth, bool closed)
{
    struct buf body;
    json_t *json;
    enum err err;

    buf_init(&body);
    buf_add_string(&body, "{\"[[\": [], \"a\": ");
    for (int i = 1; i < depth; i++)
        buf_add_char(&body, '[');
    for (int i = 1; closed && i < depth; i++)
        buf_add_char(&body, ']');
    buf_add_string(&body, closed ? "}" : "");
    err = parse(buf_text(&body), problem, &json);
    buf_fini(&body);
    json_decref(json);
    return err;
}

static void test_depth(void **state)
{
    static const int too_deep[] = {17, 18, 2048, 2049, 10000, 100000};
    struct problem *problem = *state;

    assert_int_equal(parse_nested(problem, JSON_DEPTH_MAX, true), ERR_NONE);
    for (size_t i = 0; i < COUNT(too_deep); i++) {
        assert_int_equal(parse_nested(problem, too_deep[i], true), ERR_BAD_REQUEST);
        assert_string_equal(problem->detail, "the body is nested deeper than 16 at byte 31");
    }
    assert_int_equal(parse_nested(problem, 10000, false), ERR_BAD_REQUEST);
    assert_string_equal(problem->detail, "the body is nested deeper than 16 at byte 31");
}

/* Objects count as arrays do. */
static void test_depth_of_objects(void **state)
{
    struct buf body;
    json_t *json;

    buf_init(&body);
    for (int i = 0; i < JSON_DEPTH_MAX; i++)
        buf_add_string(&body, "{\"a\":");
    buf_add_string(&body, "1}}}}}}}}}}}}}}}}");
    assert_int_equal(parse(buf_text(&body), *state, &json), ERR_NONE);
    json_decref(json);
    buf_clear(&body);
    buf_add_string(&body, "{\"a\":");
    for (int i = 0; i < JSON_DEPTH_MAX; i++)
        buf_add_string(&body, "{\"a\":");
    buf_add_string(&body, "1}}}}}}}}}}}}}}}}}");
    assert_int_equal(parse(buf_text(&body), *state, &json), ERR_BAD_REQUEST);
    buf_fini(&body);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_objects),
        TEST(test_bad_bodies),
        TEST(test_invalid_bodies),
        TEST(test_all_null_characters_are_told),
        TEST(test_null_characters_are_bounded),
        TEST(test_depth),
        TEST(test_depth_of_objects),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

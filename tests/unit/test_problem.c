/* SPDX-License-Identifier: ISC */
/* test_problem.c: problem.h. The expected documents are written out, and each must also parse. */
#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "problem.h"
#include "response.h"

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

/* The document as a terminated string, in the arena. */
static const char *document(const struct problem *problem, enum err err)
{
    struct buf out;
    json_t *json;
    char *text;

    buf_init(&out);
    problem_write(problem, err, 0, &out);
    json = json_loadb(out.data, out.length, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(json);
    json_decref(json);
    text = arena_text(&arena, buf_text(&out));
    buf_fini(&out);
    return text;
}

/* `member` of the document, as compact JSON. */
static const char *member(const struct problem *problem, const char *name)
{
    json_t *json = json_loads(document(problem, ERR_INVALID), 0, NULL);
    char text[4096];
    size_t length =
        json_dumpb(json_object_get(json, name), text, sizeof(text), JSON_COMPACT | JSON_ENCODE_ANY);

    assert_in_range(length, 1, sizeof(text));
    json_decref(json);
    return arena_text(&arena, (struct text){text, length});
}

static void test_every_err_has_its_answer(void **state)
{
    static const int statuses[ERR_COUNT] = {
        [ERR_NONE] = 200,         [ERR_BAD_REQUEST] = 400,
        [ERR_UNAUTHORIZED] = 401, [ERR_FORBIDDEN] = 403,
        [ERR_NOT_FOUND] = 404,    [ERR_METHOD] = 405,
        [ERR_CONFLICT] = 409,     [ERR_GONE] = 410,
        [ERR_PRECONDITION] = 412, [ERR_TOO_LARGE] = 413,
        [ERR_MEDIA_TYPE] = 415,   [ERR_INVALID] = 422,
        [ERR_THROTTLED] = 429,    [ERR_PRECONDITION_REQUIRED] = 428,
        [ERR_INTERNAL] = 500,     [ERR_UNAVAILABLE] = 503,
        [ERR_IN_FLIGHT] = 409,    [ERR_REPLAY] = 200,
    };

    for (int err = ERR_NONE; err < ERR_COUNT; err++) {
        json_t *json = json_loads(document(*state, (enum err)err), 0, NULL);

        assert_int_equal(problem_status((enum err)err), statuses[err]);
        assert_int_equal(json_integer_value(json_object_get(json, "status")), statuses[err]);
        assert_string_equal(json_string_value(json_object_get(json, "title")),
                            response_reason(statuses[err]));
        assert_true(json_string_length(json_object_get(json, "detail")) > 10);
        assert_null(json_object_get(json, "errors"));
        json_decref(json);
    }
}

static void test_plain_document(void **state)
{
    assert_string_equal(document(*state, ERR_NOT_FOUND),
                        "{\"type\":\"about:blank\",\"title\":\"Not Found\",\"status\":404,"
                        "\"detail\":\"there is nothing at this path\"}");
}

/* The example of the contract. */
static void test_fault_document(void **state)
{
    assert_int_equal(problem_fault(*state, "body", "/title", "string_too_long",
                                   "must be %d to %d characters", 1, 200),
                     ERR_INVALID);
    assert_string_equal(document(*state, ERR_INVALID),
                        "{\"type\":\"about:blank\",\"title\":\"Unprocessable Content\","
                        "\"status\":422,\"detail\":\"title: must be 1 to 200 characters\","
                        "\"errors\":[{\"loc\":[\"body\",\"title\"],\"pointer\":\"/title\","
                        "\"msg\":\"must be 1 to 200 characters\",\"type\":\"string_too_long\"}]}");
}

static void test_loc_and_pointer(void **state)
{
    static const struct {
        const char *where, *name, *errors;
    } cases[] = {
        {"body", "", "[\"body\"],\"pointer\":\"\""},
        {"body", "/", "[\"body\",\"\"],\"pointer\":\"/\""},
        {"body", "/a//b", "[\"body\",\"a\",\"\",\"b\"],\"pointer\":\"/a//b\""},
        {"body", "/operations/3/title",
         "[\"body\",\"operations\",3,\"title\"],\"pointer\":\"/operations/3/title\""},
        {"body", "/tags/0", "[\"body\",\"tags\",0],\"pointer\":\"/tags/0\""},
        {"body", "/007/-1/1a", "[\"body\",\"007\",\"-1\",\"1a\"],\"pointer\":\"/007/-1/1a\""},
        {"body", "/99999999999999999999",
         "[\"body\",\"99999999999999999999\"],\"pointer\":\"/99999999999999999999\""},
        {"body", "/a~1b/~0~01~", "[\"body\",\"a/b\",\"~~1~\"],\"pointer\":\"/a~1b/~0~01~\""},
        {"body", "/\"\\", "[\"body\",\"\\\"\\\\\"],\"pointer\":\"/\\\"\\\\\""},
        {"query", "limit", "[\"query\",\"limit\"]"},
        {"query", "/a/1", "[\"query\",\"/a/1\"]"},
        {"query", "", "[\"query\"]"},
        {"header", "If-Match", "[\"header\",\"If-Match\"]"},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char expected[512];

        problem_init(*state, &arena);
        problem_fault(*state, cases[i].where, cases[i].name, "t", "m");
        snprintf(expected, sizeof(expected), "[{\"loc\":%s,\"msg\":\"m\",\"type\":\"t\"}]",
                 cases[i].errors);
        assert_string_equal(member(*state, "errors"), expected);
    }
}

static void test_detail_joins_the_faults(void **state)
{
    problem_fault(*state, "body", "/title", "t", "must not be blank");
    problem_fault(*state, "query", "limit", "t", "must be 1 to 1000");
    problem_fault(*state, "body", "", "t", "must be an object");
    problem_fault(*state, "query", "", "t", "is odd");
    assert_string_equal(member(*state, "detail"),
                        "\"title: must not be blank; limit: must be 1 to 1000; "
                        "body: must be an object; query: is odd\"");
}

static void fault_many(struct problem *problem, int count)
{
    for (int i = 0; i < count; i++)
        problem_fault(problem, "query", "q", "t", "%d", i);
}

static void test_detail_tells_ten(void **state)
{
    fault_many(*state, 10);
    assert_string_equal(member(*state, "detail"),
                        "\"q: 0; q: 1; q: 2; q: 3; q: 4; q: 5; q: 6; q: 7; q: 8; q: 9\"");
    fault_many(*state, 2);
    assert_string_equal(
        member(*state, "detail"),
        "\"q: 0; q: 1; q: 2; q: 3; q: 4; q: 5; q: 6; q: 7; q: 8; q: 9; and 2 more\"");
}

static void test_faults_are_bounded(void **state)
{
    struct problem *problem = *state;
    json_t *json;

    fault_many(problem, PROBLEM_FAULTS_MAX + 5);
    assert_int_equal(problem->fault_count, PROBLEM_FAULTS_MAX + 5);
    json = json_loads(document(problem, ERR_INVALID), 0, NULL);
    assert_int_equal(json_array_size(json_object_get(json, "errors")), PROBLEM_FAULTS_MAX);
    assert_non_null(strstr(json_string_value(json_object_get(json, "detail")), "and 995 more"));
    json_decref(json);
}

static void test_the_first_detail_wins(void **state)
{
    assert_int_equal(problem_set(*state, ERR_CONFLICT, "the %s cause", "deepest"), ERR_CONFLICT);
    assert_int_equal(problem_set(*state, ERR_INTERNAL, "a later one"), ERR_INTERNAL);
    problem_fault(*state, "body", "/title", "t", "m");
    assert_string_equal(member(*state, "detail"), "\"the deepest cause\"");
    assert_string_equal(member(*state, "errors"),
                        "[{\"loc\":[\"body\",\"title\"],\"pointer\":\"/title\",\"msg\":\"m\","
                        "\"type\":\"t\"}]");
}

static void test_name_is_copied(void **state)
{
    char name[] = "/title";

    problem_fault(*state, "body", name, "t", "m");
    name[1] = 'X';
    assert_string_equal(member(*state, "detail"), "\"title: m\"");
}

static void test_retry_after(void **state)
{
    struct problem *problem = *state;

    assert_int_equal(problem_retry_after(problem, ERR_UNAVAILABLE), 1);
    assert_int_equal(problem_retry_after(problem, ERR_NOT_FOUND), 0);
    problem->retry_after = 30;
    assert_int_equal(problem_retry_after(problem, ERR_UNAVAILABLE), 30);
    assert_int_equal(problem_retry_after(problem, ERR_THROTTLED), 30);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_every_err_has_its_answer), TEST(test_plain_document),
        TEST(test_fault_document),           TEST(test_loc_and_pointer),
        TEST(test_detail_joins_the_faults),  TEST(test_detail_tells_ten),
        TEST(test_faults_are_bounded),       TEST(test_the_first_detail_wins),
        TEST(test_name_is_copied),           TEST(test_retry_after),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

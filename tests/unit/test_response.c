/* SPDX-License-Identifier: ISC */
/* test_response.c: response.h. */
#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "response.h"

static int setup(void **state)
{
    static struct response response;

    response_init(&response);
    *state = &response;
    return 0;
}

static int teardown(void **state)
{
    response_fini(*state);
    return 0;
}

static void assert_head(const struct response *response, const char *expected)
{
    struct buf out;

    buf_init(&out);
    response_head(response, &out);
    buf_add_char(&out, '\0');
    assert_string_equal(out.data, expected);
    buf_fini(&out);
}

static void test_fresh(void **state)
{
    assert_head(*state, "Status: 200 OK\r\nContent-Length: 0\r\n\r\n");
}

static void test_full(void **state)
{
    struct response *response = *state;

    response->status = 201;
    response->content_type = RESPONSE_JSON;
    buf_add_string(&response->body, "{\"id\":1}");
    response_header(response, "ETag", "\"%d\"", 17);
    response_header(response, "Location", "%s/%d", "/api/tasks", 1);
    assert_head(response, "Status: 201 Created\r\n"
                          "ETag: \"17\"\r\n"
                          "Location: /api/tasks/1\r\n"
                          "Content-Type: application/json\r\n"
                          "Content-Length: 8\r\n\r\n");
}

static void test_no_length_without_body(void **state)
{
    struct response *response = *state;

    response->status = 204;
    assert_head(response, "Status: 204 No Content\r\n\r\n");
    response->status = 304;
    response_header(response, "ETag", "\"1\"");
    assert_head(response, "Status: 304 Not Modified\r\nETag: \"1\"\r\n\r\n");
}

/* No value can end its line or fake another; UTF-8 passes. */
static void test_controls_are_neutralised(void **state)
{
    struct response *response = *state;

    response_header(response, "X-Request-Id", "%s", "a\r\nSet-Cookie: b\tc\x7f\x1b\xc3\xbc");
    response_header(response, "Empty", "%s", "");
    assert_head(response, "Status: 200 OK\r\n"
                          "X-Request-Id: a??Set-Cookie: b?c??\xc3\xbc\r\n"
                          "Empty: \r\n"
                          "Content-Length: 0\r\n\r\n");
}

static void test_clear(void **state)
{
    struct response *response = *state;

    response->status = 500;
    response->content_type = RESPONSE_PROBLEM;
    response_header(response, "A", "b");
    buf_add_string(&response->body, "body");
    response_clear(response);
    assert_null(response->content_type);
    test_fresh(state);
}

static bool no_more(void *data, struct buf *out)
{
    (void)data;
    (void)out;
    return true;
}

static void count_end(void *data)
{
    int *ends = data;

    ++*ends;
}

/* How long a streamed body will be is not known; its source is ended once, by whoever is first. */
static void test_stream(void **state)
{
    struct response *response = *state;
    int ends = 0;

    buf_add_string(&response->body, "the first piece");
    response_stream(response, (struct response_source){no_more, count_end, &ends});
    assert_head(response, "Status: 200 OK\r\n\r\n");
    response_end_source(response);
    response_end_source(response);
    assert_int_equal(ends, 1);
    assert_head(response, "Status: 200 OK\r\n\r\n");
    response_stream(response, (struct response_source){no_more, count_end, &ends});
    response_clear(response);
    assert_int_equal(ends, 2);
    test_fresh(state);
}

static void test_reasons(void **state)
{
    static const int statuses[] = {200, 201, 204, 304, 400, 401, 403, 404, 405, 409,
                                   410, 412, 413, 415, 422, 428, 429, 500, 503};

    (void)state;
    for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++)
        assert_string_not_equal(response_reason(statuses[i]), "Unknown");
    assert_string_equal(response_reason(413), "Content Too Large");
    assert_string_equal(response_reason(422), "Unprocessable Content");
    assert_string_equal(response_reason(418), "Unknown");
    assert_string_equal(response_reason(0), "Unknown");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_fresh),
        TEST(test_full),
        TEST(test_no_length_without_body),
        TEST(test_controls_are_neutralised),
        TEST(test_clear),
        TEST(test_stream),
        TEST(test_reasons),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

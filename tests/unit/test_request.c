/* SPDX-License-Identifier: ISC */
/* test_request.c: request.h. */
#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "arena_fixture.h"
#include "request.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static struct problem problem;
static struct request request;

/* A body that arrives in pieces of at most `piece` bytes, and fails after `length` when `broken`.
 */
struct stream {
    const char *data;
    size_t length, piece;
    bool broken;
    size_t reads;
};

static ssize_t read_stream(void *source, char *data, size_t size)
{
    struct stream *stream = source;
    size_t length = size < stream->piece ? size : stream->piece;

    stream->reads++;
    if (stream->length == 0)
        return stream->broken ? -1 : 0;
    if (length > stream->length)
        length = stream->length;
    memcpy(data, stream->data, length);
    stream->data += length;
    stream->length -= length;
    return (ssize_t)length;
}

/* Each variable is copied, so that a sanitizer sees a read past its end. */
static enum err init(const char *const *given, struct stream *stream)
{
    char **environment = arena_zero(&arena, 32, sizeof(*environment));

    for (size_t i = 0; given[i]; i++)
        environment[i] = arena_text(&arena, text_of(given[i]));
    problem_init(&problem, &arena);
    return request_init(&request, &arena, environment, read_stream, stream, &problem);
}

static enum err init_uri(const char *uri)
{
    const char *environment[] = {arena_printf(&arena, "REQUEST_URI=%s", uri), NULL};

    return init(environment, NULL);
}

static const struct {
    const char *variable, *value;
    enum header header;
} variables[] = {
    {"HTTP_ACCEPT", "*/*", HEADER_ACCEPT},
    {"HTTP_ACCESS_CONTROL_REQUEST_HEADERS", "a", HEADER_ACCESS_CONTROL_REQUEST_HEADERS},
    {"HTTP_ACCESS_CONTROL_REQUEST_METHOD", "PUT", HEADER_ACCESS_CONTROL_REQUEST_METHOD},
    {"HTTP_AUTHORIZATION", "Bearer a=b=", HEADER_AUTHORIZATION},
    {"CONTENT_LENGTH", "5", HEADER_CONTENT_LENGTH},
    {"CONTENT_TYPE", "application/json", HEADER_CONTENT_TYPE},
    {"HTTP_X_FORWARDED_FOR", "192.0.2.1, ::1", HEADER_FORWARDED_FOR},
    {"HTTP_COOKIE", "a=b; c=d", HEADER_COOKIE},
    {"HTTP_HOST", "a.example:8080", HEADER_HOST},
    {"HTTPS", "on", HEADER_HTTPS},
    {"HTTP_IDEMPOTENCY_KEY", "k", HEADER_IDEMPOTENCY_KEY},
    {"HTTP_IF_MATCH", "\"1\"", HEADER_IF_MATCH},
    {"HTTP_IF_NONE_MATCH", "\"2\"", HEADER_IF_NONE_MATCH},
    {"HTTP_ORIGIN", "https://a.example", HEADER_ORIGIN},
    {"HTTP_PREFER", "count=exact", HEADER_PREFER},
    {"REMOTE_ADDR", "::1", HEADER_REMOTE_ADDR},
    {"HTTP_X_REQUEST_ID", "r-1", HEADER_REQUEST_ID},
    {"REQUEST_METHOD", "PATCH", HEADER_REQUEST_METHOD},
    {"REQUEST_URI", "/a?b=c", HEADER_REQUEST_URI},
    {"SERVER_PORT", "8080", HEADER_SERVER_PORT},
    {"HTTP_TODO_POSITION", "AAAA", HEADER_TODO_POSITION},
};

static void test_variables(void **state)
{
    const char *environment[COUNT(variables) + 1] = {NULL};

    (void)state;
    assert_int_equal(COUNT(variables), HEADER_COUNT);
    for (size_t i = 0; i < COUNT(variables); i++)
        environment[i] = arena_printf(&arena, "%s=%s", variables[i].variable, variables[i].value);
    assert_int_equal(init(environment, NULL), ERR_NONE);
    for (size_t i = 0; i < COUNT(variables); i++)
        assert_string_equal(request_header(&request, variables[i].header), variables[i].value);
    assert_int_equal(request.method, METHOD_PATCH);
}

static void test_other_variables_are_ignored(void **state)
{
    const char *environment[] = {"HTTP_ACCEPTS=1",
                                 "HTTP_ACCEP=1",
                                 "=1",
                                 "novalue",
                                 "",
                                 "xHTTP_ACCEPT=1",
                                 "http_accept=1",
                                 "HTTP_ACCEPT",
                                 "HTTP_X_USER_ID=1",
                                 "HTTP_REQUEST_URI=/b",
                                 "REQUEST_URI=/",
                                 NULL};

    (void)state;
    assert_int_equal(init(environment, NULL), ERR_NONE);
    for (int header = 0; header < HEADER_COUNT; header++)
        if (header != HEADER_REQUEST_URI)
            assert_null(request.headers[header]);
}

/* A web server may hand over each line of a header by itself. */
static void test_repeated_variables(void **state)
{
    static const char *const given[] = {
        "REQUEST_URI=/",
        "HTTP_PREFER=a",
        "HTTP_ORIGIN=x",
        "HTTP_PREFER=b=\"c, d\"",
        "CONTENT_TYPE=a/b",
        "HTTP_PREFER=",
        "HTTP_ORIGIN=y",
        "HTTP_IF_NONE_MATCH=\"1\"",
        "CONTENT_TYPE=c/d",
        "HTTP_ACCEPT=x/y",
        NULL,
    };

    (void)state;
    assert_int_equal(init(given, NULL), ERR_NONE);
    assert_string_equal(request.headers[HEADER_PREFER], "a, b=\"c, d\", ");
    assert_string_equal(request.headers[HEADER_ORIGIN], "y");
    assert_string_equal(request.headers[HEADER_CONTENT_TYPE], "c/d");
    assert_string_equal(request.headers[HEADER_IF_NONE_MATCH], "\"1\"");
    assert_string_equal(request.headers[HEADER_ACCEPT], "x/y");
}

/* Behind a long one the last alone counts. */
static void test_repeated_and_long(void **state)
{
    char *first = arena_zero(&arena, 4096, 1);
    const char *given[] = {"REQUEST_URI=/", first, "HTTP_PREFER=a", NULL};

    (void)state;
    memset(first, 'x', 4095);
    memcpy(first, "HTTP_PREFER=", strlen("HTTP_PREFER="));
    assert_int_equal(init(given, NULL), ERR_NONE);
    assert_string_equal(request.headers[HEADER_PREFER], "a");
}

static void test_forwarded_twice(void **state)
{
    static const char *const pairs[][2] = {
        {"192.0.2.1", "127.0.0.1"}, {"127.0.0.1", "192.0.2.1"}, {"", "127.0.0.1"}, {"::1", "::1"}};

    (void)state;
    for (size_t i = 0; i < COUNT(pairs); i++) {
        const char *environment[] = {arena_printf(&arena, "HTTP_X_FORWARDED_FOR=%s", pairs[i][0]),
                                     arena_printf(&arena, "HTTP_X_FORWARDED_FOR=%s", pairs[i][1]),
                                     "REQUEST_URI=/", NULL};

        assert_int_equal(init(environment, NULL), ERR_NONE);
        assert_string_equal(request_header(&request, HEADER_FORWARDED_FOR), "twice");
    }
}

static void test_methods(void **state)
{
    static const char *const others[] = {"OTHER", "TRACE", "get", "", "GETS", "GE"};

    (void)state;
    for (int method = METHOD_GET; method < METHOD_COUNT; method++) {
        const char *environment[] = {
            arena_printf(&arena, "REQUEST_METHOD=%s", method_name((enum method)method)), NULL};

        assert_int_equal(init(environment, NULL), ERR_BAD_REQUEST); /* no URI */
        assert_int_equal(request.method, method);
    }
    for (size_t i = 0; i < COUNT(others); i++) {
        const char *environment[] = {arena_printf(&arena, "REQUEST_METHOD=%s", others[i]), NULL};

        assert_int_equal(init(environment, NULL), ERR_BAD_REQUEST);
        assert_int_equal(request.method, METHOD_OTHER);
    }
    assert_string_equal(method_name(METHOD_DELETE), "DELETE");
}

static const struct {
    const char *uri;
    const char *path;
    const char *segments; /* each behind a '|' */
    bool trailing_slash, strange;
} paths[] = {
    {"/", "/", "", true, false},
    {"/?a=b", "/", "", true, false},
    {"?a=b", "/", "", true, false},
    {"/a", "/a", "|a", false, false},
    {"/a/", "/a/", "|a", true, false},
    {"/api/u%2F1/tasks/5%20x?q=a%26b", "/api/u%2F1/tasks/5%20x", "|api|u/1|tasks|5 x", false,
     false},
    {"/a+b", "/a+b", "|a+b", false, false},
    {"/%41%c3%BC", "/%41%c3%BC", "|A\xc3\xbc", false, false},
    {"/\xc3\xbc", "/\xc3\xbc", "|\xc3\xbc", false, false},
    {"/%252F", "/%252F", "|%2F", false, false},
    {"/a?/b/../c", "/a", "|a", false, false},
    {"/a:b://c", "/a:b://c", "|a:b:|c", false, true},
    {"http://host/todo/api?x", "/todo/api", "|todo|api", false, false},
    {"https://user@host:8080/a/", "/a/", "|a", true, false},
    {"http://host", "/", "", true, false},
    {"http://host?x=/y", "/", "", true, false},
    {"//a", "//a", "|a", false, true},
    {"/a//b", "/a//b", "|a|b", false, true},
    {"/a//", "/a//", "|a", true, true},
    {"/./a", "/./a", "|a", false, true},
    {"/a/..", "/a/..", "|a", false, true},
    {"/%2e%2e/a", "/%2e%2e/a", "|a", false, true},
    {"/%2E/a", "/%2E/a", "|a", false, true},
    {"/.../a", "/.../a", "|...|a", false, false},
    {"*", "*", "", false, true},
    {"a/b", "a/b", "", false, true},
    {"/1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16", "/1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16",
     "|1|2|3|4|5|6|7|8|9|10|11|12|13|14|15|16", false, false},
    {"/1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16/17", "/1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16/17",
     "|1|2|3|4|5|6|7|8|9|10|11|12|13|14|15|16", false, true},
};

static void test_paths(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(paths); i++) {
        char joined[256] = "";
        size_t length = 0;

        assert_int_equal(init_uri(paths[i].uri), ERR_NONE);
        assert_true(text_equal(request.path, text_of(paths[i].path)));
        for (size_t k = 0; k < request.segment_count; k++)
            length += (size_t)snprintf(joined + length, sizeof(joined) - length, "|%s",
                                       request.segments[k]);
        assert_string_equal(joined, paths[i].segments);
        assert_null(request.segments[request.segment_count]);
        assert_int_equal(request.trailing_slash, paths[i].trailing_slash);
        assert_int_equal(request.strange_path, paths[i].strange);
    }
}

static void test_segment_ends(void **state)
{
    (void)state;
    assert_int_equal(init_uri("http://h/todo/u%2F1/tasks/?a"), ERR_NONE);
    assert_int_equal(request.segment_count, 3);
    assert_int_equal(request.segment_ends[0], strlen("/todo"));
    assert_int_equal(request.segment_ends[1], strlen("/todo/u%2F1"));
    assert_int_equal(request.segment_ends[2], strlen("/todo/u%2F1/tasks"));
}

static void test_bad_uris(void **state)
{
    static const struct {
        const char *uri, *detail;
    } cases[] = {
        {"", "the web server did not pass REQUEST_URI"},
        {"/%", "the path has a malformed percent-escape"},
        {"/a%2", "the path has a malformed percent-escape"},
        {"/a%2/b", "the path has a malformed percent-escape"},
        {"/%zz", "the path has a malformed percent-escape"},
        {"/%2g", "the path has a malformed percent-escape"},
        {"/% 1", "the path has a malformed percent-escape"},
        {"/%ff", "the path is not UTF-8"},
        {"/\xff", "the path is not UTF-8"},
        {"/%ed%a0%80", "the path is not UTF-8"},
        {"/a%00b", "the path has a U+0000"},
        {"/a#/api/auth/login", "the path has a #, which is written %23"},
        {"/#", "the path has a #, which is written %23"},
        {"//%", "the path has a malformed percent-escape"},
        {"/?a=%", "the query has a malformed percent-escape"},
        {"/?%4=a", "the query has a malformed percent-escape"},
        {"/?a=%ff", "the query is not UTF-8"},
        {"/?\xc3=1", "the query is not UTF-8"},
        {"/?a=1&b=%00&c=%", "the query has a malformed percent-escape"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        if (init_uri(cases[i].uri) != ERR_BAD_REQUEST)
            fail_msg("%s", cases[i].uri);
        assert_string_equal(problem.detail, cases[i].detail);
    }
}

static void test_uri_length(void **state)
{
    char uri[REQUEST_URI_MAX + 2];

    (void)state;
    memset(uri, 'a', sizeof(uri));
    uri[0] = '/';
    uri[REQUEST_URI_MAX] = '\0';
    assert_int_equal(init_uri(uri), ERR_NONE);
    uri[REQUEST_URI_MAX] = 'a';
    uri[REQUEST_URI_MAX + 1] = '\0';
    assert_int_equal(init_uri(uri), ERR_BAD_REQUEST);
    assert_string_equal(problem.detail, "the URI is longer than 16384 bytes");
}

static void test_query(void **state)
{
    static const struct {
        const char *query, *params; /* "name=value" each behind a '|' */
    } cases[] = {
        {"", ""},
        {"&&", ""},
        {"a=b", "|a=b"},
        {"a", "|a="},
        {"a=", "|a="},
        {"=b", "|=b"},
        {"=", "|="},
        {"a=b=c", "|a=b=c"},
        {"&a=1&&b=2&", "|a=1|b=2"},
        {"a+b=c+d", "|a b=c d"},
        {"a%2Bb=%2b%26%3D", "|a+b=+&="},
        {"a=?/:@;,", "|a=?/:@;,"},
        {"a=%c3%bc\xc3\xbc", "|a=\xc3\xbc\xc3\xbc"},
        {"a=%2541", "|a=%41"},
        {"a=%01%7f", "|a=\x01\x7f"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        char joined[256] = "";
        size_t length = 0;

        assert_int_equal(init_uri(arena_printf(&arena, "/p?%s", cases[i].query)), ERR_NONE);
        for (size_t k = 0; k < request.param_count; k++)
            length += (size_t)snprintf(joined + length, sizeof(joined) - length, "|%s=%s",
                                       request.params[k].name, request.params[k].value);
        assert_string_equal(joined, cases[i].params);
    }
}

static void test_last_param_counts(void **state)
{
    (void)state;
    assert_int_equal(init_uri("/?a=1&b=2&a=3&c"), ERR_NONE);
    assert_string_equal(request_param(&request, "a"), "3");
    assert_string_equal(request_param(&request, "b"), "2");
    assert_string_equal(request_param(&request, "c"), "");
    assert_null(request_param(&request, "A"));
    assert_null(request_param(&request, ""));
}

static void test_null_characters_in_params(void **state)
{
    (void)state;
    assert_int_equal(init_uri("/?a=%00&b=1&c%00=1"), ERR_INVALID);
    assert_int_equal(problem.fault_count, 2);
    assert_string_equal(problem.faults->where, "query");
    assert_string_equal(problem.faults->name, "a");
    assert_string_equal(problem.faults->next->name, "c");
    assert_string_equal(request_param(&request, "b"), "1");
}

static void test_param_count(void **state)
{
    struct buf uri;

    (void)state;
    buf_init(&uri);
    buf_add_string(&uri, "/?");
    for (int i = 0; i < REQUEST_PARAMS; i++)
        buf_printf(&uri, "p%d&", i);
    buf_add_char(&uri, '\0');
    assert_int_equal(init_uri(uri.data), ERR_NONE);
    assert_int_equal(request.param_count, REQUEST_PARAMS);
    uri.length--;
    buf_add_string(&uri, "q&r&s");
    buf_add_char(&uri, '\0');
    assert_int_equal(init_uri(uri.data), ERR_INVALID);
    assert_int_equal(problem.fault_count, 1);
    assert_string_equal(problem.faults->message, "must have at most 64 parameters");
    buf_fini(&uri);
}

/* CORS and the request id need the headers of a request that is refused. */
static void test_headers_survive_a_fault(void **state)
{
    const char *environment[] = {"REQUEST_URI=/%", "REQUEST_METHOD=POST", "HTTP_ORIGIN=o", NULL};

    (void)state;
    assert_int_equal(init(environment, NULL), ERR_BAD_REQUEST);
    assert_int_equal(request.method, METHOD_POST);
    assert_string_equal(request_header(&request, HEADER_ORIGIN), "o");
}

static void test_header_is_trimmed(void **state)
{
    static const struct {
        const char *raw, *value;
    } cases[] = {
        {"a", "a"},     {" a", "a"}, {"\t a b \t", "a b"}, {"a ", "a"},
        {"\va", "\va"}, {"", NULL},  {" \t ", NULL},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        const char *environment[] = {arena_printf(&arena, "HTTP_PREFER=%s", cases[i].raw),
                                     "REQUEST_URI=/", NULL};
        const char *value;

        assert_int_equal(init(environment, NULL), ERR_NONE);
        value = request_header(&request, HEADER_PREFER);
        if (!cases[i].value)
            assert_null(value);
        else
            assert_string_equal(value, cases[i].value);
        assert_string_equal(request_header_sent(&request, HEADER_PREFER), value ? value : "");
    }
    assert_null(request_header(&request, HEADER_ORIGIN));
    assert_null(request_header_sent(&request, HEADER_ORIGIN));
}

static enum err read_body(const char *announced, struct stream *stream, size_t limit,
                          struct text *body)
{
    const char *environment[] = {
        "REQUEST_URI=/", announced ? arena_printf(&arena, "CONTENT_LENGTH=%s", announced) : NULL,
        NULL};

    assert_int_equal(init(environment, stream), ERR_NONE);
    return request_body(&request, limit, body, &problem);
}

static const struct {
    const char *announced, *sent;
    size_t limit;
    bool broken;
    enum err err;
    const char *told; /* the body, or the detail */
} bodies[] = {
    {NULL, "", 10, false, ERR_NONE, ""},
    {"", "", 10, false, ERR_NONE, ""},
    {"0", "", 10, false, ERR_NONE, ""},
    {"0", "more", 10, false, ERR_NONE, ""},
    {"5", "hello", 10, false, ERR_NONE, "hello"},
    {" 5 ", "hello", 10, false, ERR_NONE, "hello"},
    {"5", "hello world", 10, false, ERR_NONE, "hello"},
    {"5", "hello", 5, false, ERR_NONE, "hello"},
    {NULL, "hello", 10, false, ERR_NONE, "hello"},
    {"", "hello", 5, false, ERR_NONE, "hello"},
    {NULL, "hello!", 5, false, ERR_TOO_LARGE, "the body may have at most 5 bytes"},
    {"6", "", 5, false, ERR_TOO_LARGE, "the body may have at most 5 bytes"},
    {"99999999999999999999999", "", 5, false, ERR_TOO_LARGE, "the body may have at most 5 bytes"},
    {"5", "hel", 10, false, ERR_BAD_REQUEST, "the body was cut off: 3 of 5 bytes arrived"},
    {"5", "hel", 10, true, ERR_BAD_REQUEST, "the body was cut off: 3 of 5 bytes arrived"},
    {"5", "hello", 10, true, ERR_NONE, "hello"},
    {NULL, "hel", 10, true, ERR_BAD_REQUEST, "the body was cut off after 3 bytes"},
    {"-1", "hello", 10, false, ERR_BAD_REQUEST, "Content-Length is no number"},
    {"+5", "hello", 10, false, ERR_BAD_REQUEST, "Content-Length is no number"},
    {"5x", "hello", 10, false, ERR_BAD_REQUEST, "Content-Length is no number"},
    {"5, 5", "hello", 10, false, ERR_BAD_REQUEST, "Content-Length is no number"},
    {"0x5", "hello", 10, false, ERR_BAD_REQUEST, "Content-Length is no number"},
};

static void test_bodies(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(bodies); i++)
        for (size_t piece = 1; piece < 12; piece += 5) {
            struct stream stream = {bodies[i].sent, strlen(bodies[i].sent), piece, bodies[i].broken,
                                    0};
            struct text body = TEXT_NULL;

            if (read_body(bodies[i].announced, &stream, bodies[i].limit, &body) != bodies[i].err)
                fail_msg("case %zu", i);
            assert_string_equal(bodies[i].err ? problem.detail : body.data, bodies[i].told);
            if (!bodies[i].err)
                assert_int_equal(body.length, strlen(bodies[i].told));
        }
}

/* Whether the length was told or not, at every size around where the buffer grows. */
static void test_large_bodies(void **state)
{
    static const size_t sizes[] = {4095, 4096, 4097, 8191, 8192, 8193, 65536, 100000};
    static char data[100000];

    (void)state;
    for (size_t i = 0; i < sizeof(data); i++)
        data[i] = (char)(i * 7 % 251);
    for (size_t i = 0; i < COUNT(sizes); i++)
        for (int announced = 0; announced <= 1; announced++)
            for (int extra = 0; extra <= 1; extra++) {
                struct stream stream = {data, sizes[i], 3000, false, 0};
                struct text body = TEXT_NULL;
                char *length = announced ? arena_printf(&arena, "%zu", sizes[i]) : NULL;
                enum err err = read_body(length, &stream, sizes[i] - (size_t)extra, &body);

                assert_int_equal(err, extra ? ERR_TOO_LARGE : ERR_NONE);
                assert_int_equal(body.length, extra ? 0 : sizes[i]);
                if (!extra)
                    assert_memory_equal(body.data, data, sizes[i]);
            }
}

/* 413 is decided before a byte is read. */
static void test_too_large_reads_nothing(void **state)
{
    struct stream stream = {"hello", 5, 5, false, 0};
    struct text body;

    (void)state;
    assert_int_equal(read_body("5", &stream, 4, &body), ERR_TOO_LARGE);
    assert_int_equal(stream.reads, 0);
}

static void test_media_types(void **state)
{
    static const struct {
        const char *header, *type;
        bool matches;
    } cases[] = {
        {NULL, "application/json", true},
        {NULL, "text/csv", false},
        {"", "application/json", true},
        {"application/json", "application/json", true},
        {"Application/JSON", "application/json", true},
        {"application/json", "application/merge-patch+json", false},
        {"application/jsonx", "application/json", false},
        {"application/jso", "application/json", false},
        {"application/json;charset=utf-8", "application/json", true},
        {"application/json ; charset=UTF-8 ", "application/json", true},
        {"application/json; Charset=\"Utf-8\"", "application/json", true},
        {"application/json; charset=\"utf-8\" ;a=b", "application/json", true},
        {"application/json; charset=utf8", "application/json", true},
        {"application/json; charset=\"UTF8\"", "application/json", true},
        {"application/json; charset=latin1", "application/json", false},
        {"application/json; charset=utf-16", "application/json", false},
        {"application/json; charset=utf-88", "application/json", false},
        {"application/json; charset=utf88", "application/json", false},
        {"application/json; charset=utf", "application/json", false},
        {"application/json; charset=", "application/json", false},
        {"application/json; charset=\"utf-8", "application/json", true},
        {"application/json; charset=\"", "application/json", false},
        {"application/json; charset=\"\\", "application/json", false},
        {"application/json; charset=utf-8; charset=latin1", "application/json", false},
        {"application/json; a=\"; charset=latin1\"", "application/json", true},
        {"application/json; a=\"\\\"; charset=latin1\"", "application/json", true},
        {"application/json; xcharset=latin1", "application/json", true},
        {"application/json;;", "application/json", true},
        {"application/json; version=1", "application/json", true},
        {"application/json, text/plain", "application/json", false},
        {"text/plain", "application/json", false},
        {";", "application/json", false},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        const char *environment[] = {
            "REQUEST_URI=/",
            cases[i].header ? arena_printf(&arena, "CONTENT_TYPE=%s", cases[i].header) : NULL,
            NULL};

        assert_int_equal(init(environment, NULL), ERR_NONE);
        if (request_has_type(&request, cases[i].type) != cases[i].matches)
            fail_msg("%s", cases[i].header);
    }
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_variables),
        TEST(test_repeated_variables),
        TEST(test_repeated_and_long),
        TEST(test_other_variables_are_ignored),
        TEST(test_forwarded_twice),
        TEST(test_methods),
        TEST(test_paths),
        TEST(test_segment_ends),
        TEST(test_bad_uris),
        TEST(test_uri_length),
        TEST(test_query),
        TEST(test_last_param_counts),
        TEST(test_null_characters_in_params),
        TEST(test_param_count),
        TEST(test_headers_survive_a_fault),
        TEST(test_header_is_trimmed),
        TEST(test_bodies),
        TEST(test_large_bodies),
        TEST(test_too_large_reads_nothing),
        TEST(test_media_types),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: ISC */
/* Which origins are let in, and which header lines tell the browser so. */
#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "cors.h"

struct origin_row {
    const char *entry, *origin;
    bool allowed;
};

static const struct origin_row origins[] = {
    {"https://a.example", "https://a.example", true},
    {"https://a.example", "https://A.EXAMPLE", true},
    {"https://A.example", "https://a.example", true},
    {"http://localhost:3000", "http://localhost:3000", true},
    {"http://[::1]:3000", "http://[::1]:3000", true},
    {"https://xn--bcher-kva.example", "https://xn--bcher-kva.example", true},
    {"https://a.example", "HTTPS://a.example", true},
    {"https://a.example", "http://a.example", false},
    {"https://a.example", "https://a.example/", false},
    {"https://a.example", "https://a.example:443", false},
    {"https://a.example:8443", "https://a.example", false},
    {"https://a.example:8443", "https://a.example:844", false},
    {"https://a.example:8443", "https://a.example:84430", false},
    {"https://a.example", "https://a.exampl", false},
    {"https://a.example", "https://a.example.evil.example", false},
    {"https://a.example", "https://evil-a.example", false},
    {"https://a.example", "https://evil.example/https://a.example", false},
    {"https://a.example", "https://a.example@evil.example", false},
    {"https://a.example", "https://aXexample", false},
    {"https://a.example", "https://a.example https://b.example", false},
    {"https://a.example", "a.example", false},
    {"https://a.example", "//a.example", false},
    {"https://a.example", "https:", false},
    {"HTTPS://a.example", "https://a.example", true},
    {"https://a.example", "https://", false},
    {"https://a.example", "", false},
    {"https://a.example", "null", false},
    {"https://*.vercel.app", "https://x.vercel.app", true},
    {"https://*.vercel.app", "https://X-1-y.Vercel.App", true},
    {"https://*.vercel.app", "https://x.y.vercel.app", false},
    {"https://*.vercel.app", "https://vercel.app", false},
    {"https://*.vercel.app", "https://.vercel.app", false},
    {"https://*.vercel.app", "https://x.vercel.app.evil.example", false},
    {"https://*.vercel.app", "https://x.vercel.app:8443", false},
    {"https://*.vercel.app", "https://xvercel.app", false},
    {"https://*.vercel.app", "https://evil.example/.vercel.app", false},
    {"https://*.vercel.app", "https://evil.example#.vercel.app", false},
    {"https://*.vercel.app", "https://u@x.vercel.app", false},
    {"https://*.vercel.app", "https://evil:1.vercel.app", false},
    {"https://*.vercel.app", "https://evil%2f.vercel.app", false},
    {"https://*.vercel.app", "https://evil_x\x01.vercel.app", false},
    {"https://*.vercel.app", "https://\xc3\xa4.vercel.app", false},
    {"https://*.vercel.app", "https://*.vercel.app", false},
    {"https://*.vercel.app", "https://x", false},
    {"https://*.vercel.app", "http://x.vercel.app", false},
    {"https://a.*.example", "https://a.b.example", true},
    {"https://a.*.example", "https://a.b.c.example", false},
    {"https://*.*.example", "https://a.b.example", true},
    {"https://*.*.example", "https://a.example", false},
    {"https://*.example:8443", "https://a.example:8443", true},
    {"https://*.example:8443", "https://a.example", false},
    {"https://*", "https://localhost", true},
    {"https://*", "https://a.example", false},
    {"*", "https://a.example", false},
    {"*", "*", false},
    {"*", "null", false},
    {"null", "null", false},
    {"*://*", "https://a", false},
    {"", "", false},
    {"", "https://a.example", false},
    {"a.example", "a.example", false},
    {"a.example", "https://a.example", false},
};

static void test_allowed(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(origins) / sizeof(origins[0]); i++) {
        const struct origin_row *row = &origins[i];
        char entry[64];
        char *list[] = {entry, NULL};

        memcpy(entry, row->entry, strlen(row->entry) + 1);
        if (cors_allowed(list, row->origin) != row->allowed)
            fail_msg("'%s' for '%s'", row->origin, row->entry);
    }
}

static char first[] = "https://a.example", second[] = "https://*.b.example";
static char *listed[] = {first, second, NULL}, *nothing[] = {NULL};

static void test_list(void **state)
{
    (void)state;
    assert_true(cors_allowed(listed, "https://a.example"));
    assert_true(cors_allowed(listed, "https://x.b.example"));
    assert_false(cors_allowed(listed, "https://c.example"));
    assert_false(cors_allowed(nothing, "https://a.example"));
    assert_false(cors_allowed(NULL, "https://a.example"));
}

static struct request request_of(enum method method, const char *origin, const char *asked)
{
    struct request request = {.method = method};

    request.headers[HEADER_ORIGIN] = origin;
    request.headers[HEADER_ACCESS_CONTROL_REQUEST_METHOD] = asked;
    return request;
}

static void test_is_preflight(void **state)
{
    struct request preflight = request_of(METHOD_OPTIONS, "https://a.example", "PUT");
    struct request no_origin = request_of(METHOD_OPTIONS, NULL, "PUT");
    struct request nothing_asked = request_of(METHOD_OPTIONS, "https://a.example", NULL);
    struct request other_method = request_of(METHOD_GET, "https://a.example", "PUT");

    (void)state;
    assert_true(cors_is_preflight(&preflight));
    assert_false(cors_is_preflight(&no_origin));
    assert_false(cors_is_preflight(&nothing_asked));
    assert_false(cors_is_preflight(&other_method));
}

#define VARY "Vary: Origin\r\n"
#define ALLOWED(origin)                                                                            \
    VARY "Access-Control-Allow-Origin: " origin "\r\n"                                             \
         "Access-Control-Allow-Credentials: true\r\n"                                              \
         "Access-Control-Expose-Headers: ETag, Link, Location, Retry-After, X-Total-Count, "       \
         "X-Request-Id, Idempotent-Replayed, WWW-Authenticate\r\n"
#define PREFLIGHT                                                                                  \
    "Access-Control-Allow-Methods: GET, HEAD, POST, OPTIONS\r\n"                                   \
    "Access-Control-Allow-Headers: Authorization, Content-Type, If-Match, If-None-Match, "         \
    "Idempotency-Key, Prefer, X-Request-Id\r\n"                                                    \
    "Access-Control-Max-Age: 600\r\n"

struct lines_row {
    char **origins;
    const char *origin;
    bool preflight;
    const char *lines;
};

static const struct lines_row lines[] = {
    {NULL, "https://a.example", false, ""},
    {nothing, "https://a.example", false, ""},
    {nothing, "https://a.example", true, ""},
    {nothing, NULL, false, ""},
    {listed, NULL, false, VARY},
    {listed, "https://c.example", false, VARY},
    {listed, "https://c.example", true, VARY},
    {listed, "null", true, VARY},
    {listed, "https://a.example", false, ALLOWED("https://a.example")},
    {listed, "https://X.b.example", false, ALLOWED("https://X.b.example")},
    {listed, "https://a.example", true, ALLOWED("https://a.example") PREFLIGHT},
};

static void test_headers(void **state)
{
    const unsigned allow =
        1u << METHOD_GET | 1u << METHOD_HEAD | 1u << METHOD_POST | 1u << METHOD_OPTIONS;

    (void)state;
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        struct conf conf = {.cors_origins = lines[i].origins};
        struct request request = request_of(METHOD_OPTIONS, lines[i].origin, "PUT");
        struct response response;

        response_init(&response);
        cors_headers(&conf, &request, lines[i].preflight, allow, &response);
        if (!text_equal(buf_text(&response.headers), text_of(lines[i].lines)) &&
            (response.headers.length > 0 || *lines[i].lines != '\0'))
            fail_msg("row %zu:\n%.*s", i, (int)response.headers.length, response.headers.data);
        response_fini(&response);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_allowed),
        cmocka_unit_test(test_list),
        cmocka_unit_test(test_is_preflight),
        cmocka_unit_test(test_headers),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: ISC */
/* The forms of a session's token: which are taken apart to what, and which are refused. The good
 * signature was made by Better Auth's own library. */
#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "arena_fixture.h"
#include "session_token.h"

#define RAW "BouyXcEYl6W9xED8QV7jD2TSUqZbCo1i"
#define SIGNATURE "l7jviAv6XGKC67mIhIcpJYlj4xV/4qcQAyBVTeB8z50="
#define X50 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
#define X255 X50 X50 X50 X50 X50 "xxxxx"

static char secret[] = "0123456789abcdef0123456789abcdef";
static char other[] = "fedcba9876543210fedcba9876543210";

static enum token_fault read_with(const struct conf *conf, const char *value, bool needs_signature,
                                  struct text *token)
{
    const char *reason = NULL;
    enum token_fault fault =
        session_token_read(conf, &arena, text_of(value), needs_signature, token, &reason);

    assert_true((fault == TOKEN_OK) == (reason == NULL));
    return fault;
}

static void test_forms(void **state)
{
    static const struct {
        const char *value;
        enum token_fault expected, in_cookie;
    } rows[] = {
        {RAW, TOKEN_OK, TOKEN_MALFORMED},
        {RAW "." SIGNATURE, TOKEN_OK, TOKEN_OK},
        {RAW ".l7jviAv6XGKC67mIhIcpJYlj4xV%2F4qcQAyBVTeB8z50%3D", TOKEN_OK, TOKEN_OK},
        {RAW ".l7jviAv6XGKC67mIhIcpJYlj4xV%2f4qcQAyBVTeB8z50%3d", TOKEN_OK, TOKEN_OK},
        {RAW "%2E" SIGNATURE, TOKEN_OK, TOKEN_OK},
        {RAW ".l7jviAv6XGKC67mIhIcpJYlj4xV_4qcQAyBVTeB8z50=", TOKEN_BAD_SIGNATURE,
         TOKEN_BAD_SIGNATURE},
        {RAW ".l7jviAv6XGKC67mIhIcpJYlj4xV/4qcQAyBVTeB8z50", TOKEN_BAD_SIGNATURE,
         TOKEN_BAD_SIGNATURE},
        {RAW "." SIGNATURE "=", TOKEN_BAD_SIGNATURE, TOKEN_BAD_SIGNATURE},
        {RAW "." SIGNATURE "." SIGNATURE, TOKEN_BAD_SIGNATURE, TOKEN_BAD_SIGNATURE},
        {RAW ".", TOKEN_BAD_SIGNATURE, TOKEN_BAD_SIGNATURE},
        {"A" RAW "." SIGNATURE, TOKEN_BAD_SIGNATURE, TOKEN_BAD_SIGNATURE},
        {RAW ".l7jviAv6XGKC67mIhIcpJYlj4xV%252F4qcQAyBVTeB8z50%253D", TOKEN_BAD_SIGNATURE,
         TOKEN_BAD_SIGNATURE},
        {"." SIGNATURE, TOKEN_MALFORMED, TOKEN_MALFORMED},
        {"", TOKEN_MALFORMED, TOKEN_MALFORMED},
        {"%", TOKEN_MALFORMED, TOKEN_MALFORMED},
        {RAW "%", TOKEN_MALFORMED, TOKEN_MALFORMED},
        {RAW "%4", TOKEN_MALFORMED, TOKEN_MALFORMED},
        {RAW "%4g", TOKEN_MALFORMED, TOKEN_MALFORMED},
        {RAW "%00", TOKEN_MALFORMED, TOKEN_MALFORMED},
        {RAW "+", TOKEN_MALFORMED, TOKEN_MALFORMED},
        {RAW " ", TOKEN_MALFORMED, TOKEN_MALFORMED},
        {RAW "'", TOKEN_MALFORMED, TOKEN_MALFORMED},
        {RAW "\xc3\xa9", TOKEN_MALFORMED, TOKEN_MALFORMED},
        {"uuid-01234_A", TOKEN_OK, TOKEN_MALFORMED},
        {X255, TOKEN_OK, TOKEN_MALFORMED},
        {X255 "x", TOKEN_MALFORMED, TOKEN_MALFORMED},
    };
    const struct conf conf = {.secret = secret},
                      previous = {.secret = other, .secret_previous = secret};

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct text token = TEXT_NULL;

        if (read_with(&conf, rows[i].value, true, &token) != rows[i].in_cookie ||
            read_with(&conf, rows[i].value, false, &token) != rows[i].expected ||
            read_with(&previous, rows[i].value, false, &token) != rows[i].expected)
            fail_msg("%s", rows[i].value);
        if (rows[i].expected == TOKEN_OK && strncmp(rows[i].value, RAW, strlen(RAW)) == 0)
            assert_true(text_equal(token, text_of(RAW)));
    }
}

static void test_secrets(void **state)
{
    const struct conf none = {.secret = NULL}, wrong = {.secret = other};
    struct text token;

    (void)state;
    assert_int_equal(read_with(&none, RAW, false, &token), TOKEN_OK);
    assert_int_equal(read_with(&none, RAW "." SIGNATURE, false, &token), TOKEN_UNKNOWN_KEY);
    assert_int_equal(read_with(&wrong, RAW "." SIGNATURE, false, &token), TOKEN_BAD_SIGNATURE);
}

static void test_fits(void **state)
{
    (void)state;
    assert_true(session_token_fits(text_of(RAW)) && session_token_fits(text_of(RAW "." SIGNATURE)));
    assert_false(session_token_fits(text_of("a.b.c")) || session_token_fits(text_of("..")) ||
                 session_token_fits(text_of("a.b.c.d")));
}

static void test_cookie(void **state)
{
    static const struct {
        const char *header, *value;
    } rows[] = {
        {NULL, NULL},
        {"", NULL},
        {"better-auth.session_token=v", "v"},
        {"a=b; better-auth.session_token=v; c=d", "v"},
        {"a=b;better-auth.session_token= v ;c", "v"},
        {"better-auth.session_token=v; __Secure-better-auth.session_token=s", "s"},
        {"better-auth.session_token=v=w", "v=w"},
        {"better-auth.session_token=", NULL},
        {"better-auth.session_token", NULL},
        {"xbetter-auth.session_token=v", NULL},
        {"better-auth.session_tokenx=v", NULL},
        {"a=better-auth.session_token=v", NULL},
        {";;; =; ;", NULL},
        {"BETTER-AUTH.session_token=v", NULL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (!text_equal(session_token_cookie(rows[i].header), text_of(rows[i].value)))
            fail_msg("%s", rows[i].header);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_forms),
        cmocka_unit_test(test_secrets),
        cmocka_unit_test(test_fits),
        cmocka_unit_test(test_cookie),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, set_up, tear_down);
}

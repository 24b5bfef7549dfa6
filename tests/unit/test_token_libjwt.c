/* SPDX-License-Identifier: ISC */
/* What libjwt, of whichever version, must take for signed with the secret, and what it must not.
 * Signed here with OpenSSL alone. */
#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <string.h>

#include "arena_fixture.h"
#include "base64url.h"
#include "token_libjwt.h"

#define SECRET "0123456789abcdef0123456789abcdef"
#define OTHER_SECRET "fedcba9876543210fedcba9876543210"
#define HEADER "{\"alg\":\"HS256\",\"typ\":\"JWT\"}"
#define PLAIN_HEADER "{\"alg\":\"HS256\"}"
#define CLAIMS "{\"sub\":\"u_1\"}"

static const char *encode(const char *text)
{
    return base64url_encode(&arena, text, strlen(text));
}

static const char *sign(const char *digest, const char *header, const char *claims)
{
    const char *text = arena_printf(&arena, "%s.%s", encode(header), encode(claims));
    unsigned char mac[EVP_MAX_MD_SIZE];
    unsigned length = 0;

    assert_non_null(HMAC(EVP_get_digestbyname(digest), SECRET, sizeof SECRET - 1,
                         (const unsigned char *)text, strlen(text), mac, &length));
    return arena_printf(&arena, "%s.%s", text, base64url_encode(&arena, mac, length));
}

static const struct row {
    const char *digest; /* NULL: not signed */
    const char *header, *claims, *secret;
    bool accepted;
} rows[] = {
    {"SHA256", HEADER, CLAIMS, SECRET, true},
    {"SHA256", PLAIN_HEADER, CLAIMS, SECRET, true},
    {"SHA256", HEADER, "{}", SECRET, true},
    /* Claims are for others to judge, after the signature. */
    {"SHA256", HEADER, "{\"exp\":1}", SECRET, true},
    {"SHA256", HEADER, "{\"nbf\":99999999999,\"iat\":99999999999}", SECRET, true},
    {"SHA256", HEADER, "{\"exp\":\"never\",\"iss\":1,\"aud\":[]}", SECRET, true},
    {"SHA256", HEADER, CLAIMS, OTHER_SECRET, false},
    {"SHA256", HEADER, CLAIMS, SECRET "0", false},
    {"SHA256", HEADER, CLAIMS, "", false},
    {"SHA256", HEADER, CLAIMS, NULL, false},
    {"SHA512", HEADER, CLAIMS, SECRET, false},
    {"SHA384", "{\"alg\":\"HS384\"}", CLAIMS, SECRET, false},
    {"SHA512", "{\"alg\":\"HS512\"}", CLAIMS, SECRET, false},
    {"SHA256", "{\"alg\":\"HS512\"}", CLAIMS, SECRET, false},
    {"SHA256", "{\"alg\":\"RS256\"}", CLAIMS, SECRET, false},
    {"SHA256", "{\"alg\":\"none\"}", CLAIMS, SECRET, false},
    {"SHA256", "{}", CLAIMS, SECRET, false},
    {NULL, HEADER, CLAIMS, SECRET, false},
    {NULL, "{\"alg\":\"none\"}", CLAIMS, SECRET, false},
    {NULL, "{\"alg\":\"none\"}", CLAIMS, "", false},
    {NULL, "{\"alg\":\"none\"}", CLAIMS, NULL, false},
    {NULL, "{\"alg\":\"NONE\"}", CLAIMS, SECRET, false},
    {NULL, "{\"alg\":\"\"}", CLAIMS, SECRET, false},
    {NULL, "{}", CLAIMS, SECRET, false},
    {NULL, "{}", CLAIMS, NULL, false},
};

static void test_accepts(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct row *row = &rows[i];
        const char *token =
            row->digest != NULL
                ? sign(row->digest, row->header, row->claims)
                : arena_printf(&arena, "%s.%s.", encode(row->header), encode(row->claims));

        if (token_libjwt_accepts(&arena, token, text_of(row->secret)) != row->accepted)
            fail_msg("row %zu: %s of %s: not %s", i, row->header, row->claims,
                     row->accepted ? "accepted" : "refused");
    }
}

/* Each character of a good token changed for another. */
static void test_tampered(void **state)
{
    char *token = arena_text(&arena, text_of(sign("SHA256", HEADER, CLAIMS)));
    struct text secret = text_of(SECRET);

    (void)state;
    assert_true(token_libjwt_accepts(&arena, token, secret));
    /* The last one's low bits are padding. */
    for (size_t i = 0; i + 1 < strlen(token); i++) {
        char kept = token[i];

        token[i] = kept == 'A' ? 'B' : 'A';
        if (token_libjwt_accepts(&arena, token, secret))
            fail_msg("changed at %zu: %s", i, token);
        token[i] = kept;
    }
    assert_true(token_libjwt_accepts(&arena, token, secret));
}

/* No shorter ones: libjwt 1.10 reads and writes beside what it allocates for them. */
static void test_malformed(void **state)
{
    static const char *const tokens[] = {"e30", "e30.e30", "e30.e30.", "e30.e30.e30.e30"};

    (void)state;
    for (size_t i = 0; i < sizeof tokens / sizeof *tokens; i++)
        assert_false(token_libjwt_accepts(&arena, tokens[i], text_of(SECRET)));
}

/* The claims of a token; it must have no other. */
static struct text claims_of(const char *token)
{
    const char *start = strchr(token, '.') + 1, *end = strchr(start, '.');
    struct text claims;

    assert_true(base64url_decode(&arena, (struct text){start, (size_t)(end - start)}, &claims));
    return claims;
}

static void test_make(void **state)
{
    static const char claims[] = "{\"exp\":1800000900,\"sub\":\"u \xc3\xbc\"}";
    const char *token = token_libjwt_make(&arena, claims, text_of(SECRET));

    (void)state;
    assert_non_null(token);
    assert_true(text_equal(claims_of(token), text_of(claims)));
    assert_true(token_libjwt_accepts(&arena, token, text_of(SECRET)));
    assert_false(token_libjwt_accepts(&arena, token, text_of(OTHER_SECRET)));
}

static void test_make_refuses(void **state)
{
    (void)state;
    assert_null(token_libjwt_make(&arena, CLAIMS, text_of("")));
    assert_null(token_libjwt_make(&arena, CLAIMS, TEXT_NULL));
    assert_null(token_libjwt_make(&arena, "no claims", text_of(SECRET)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_accepts, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_tampered, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_malformed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_make, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_make_refuses, set_up, tear_down),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: ISC */
/* Tokens that must be refused and why, and those that must not. Signed here with OpenSSL alone, so
 * that no fault of libjwt can hide one of ours. */
#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <limits.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "arena_fixture.h"
#include "buf.h"
#include "keys.h"
#include "signer.h"
#include "token.h"

#define NOW 1800000000
#define SECRET "0123456789abcdef0123456789abcdef"
#define OTHER_SECRET "fedcba9876543210fedcba9876543210"
#define HEADER "{\"alg\":\"HS256\",\"typ\":\"JWT\"}"
#define EXP "\"exp\":1800000900"
#define PAYLOAD "{\"sub\":\"u_1\"," EXP "}"
#define CLAIMS(more) "{\"sub\":\"u_1\"," EXP "," more "}"
#define USER(value) "{\"sub\":" value "," EXP "}"
#define MEMBER(name, value) "\"" name "\":" value

#define X15 "xxxxxxxxxxxxxxx"
#define X51 X15 X15 X15 "xxxxxx"
#define X255 X51 X51 X51 X51 X51
#define OPEN7 "[[[[[[["
#define OPEN63 OPEN7 OPEN7 OPEN7 OPEN7 OPEN7 OPEN7 OPEN7 OPEN7 OPEN7
#define CLOSE7 "]]]]]]]"
#define CLOSE63 CLOSE7 CLOSE7 CLOSE7 CLOSE7 CLOSE7 CLOSE7 CLOSE7 CLOSE7 CLOSE7

static char secret[] = SECRET, user_claim[] = "sub";
static char issuer[] = "https://a.example", audience[] = "https://api.example";

static const struct conf plain_conf = {.secret = secret,
                                       .secret_length = sizeof(secret) - 1,
                                       .jwt_leeway = 30,
                                       .user_claim = user_claim};
static const struct conf strict_conf = {.secret = secret,
                                        .secret_length = sizeof(secret) - 1,
                                        .jwt_issuer = issuer,
                                        .jwt_audience = audience,
                                        .user_claim = user_claim};

/* ---- making tokens */

static char *encode(const void *bytes, size_t length)
{
    char *text = arena_alloc(&arena, (length + 2) / 3 * 4 + 1);
    size_t end = (size_t)EVP_EncodeBlock((unsigned char *)text, bytes, (int)length);

    while (end > 0 && text[end - 1] == '=')
        text[--end] = '\0';
    for (size_t i = 0; i < end; i++)
        text[i] = text[i] == '+' ? '-' : text[i] == '/' ? '_' : text[i];
    return text;
}

static char *mac(const EVP_MD *digest, const char *key, const char *text)
{
    unsigned char bytes[EVP_MAX_MD_SIZE];
    unsigned length = 0;

    assert_non_null(HMAC(digest, key, (int)strlen(key), (const unsigned char *)text, strlen(text),
                         bytes, &length));
    return encode(bytes, length);
}

static char *sign_bytes(struct text header, struct text payload)
{
    char *text = arena_printf(&arena, "%s.%s", encode(header.data, header.length),
                              encode(payload.data, payload.length));

    return arena_printf(&arena, "%s.%s", text, mac(EVP_sha256(), SECRET, text));
}

static char *sign(const char *header, const char *payload)
{
    return sign_bytes(text_of(header), text_of(payload));
}

/* ---- judging them */

static void check_fault(const char *name, const struct conf *conf, const char *token,
                        enum token_fault expected)
{
    static const struct principal untouched = {.user = {"before", 6}};
    struct principal principal = untouched;
    const char *reason = "unset";
    enum token_fault fault =
        token_verify(conf, NULL, &arena, text_of(token), NOW, &principal, &reason);

    if (fault != expected)
        fail_msg("%s: %s (%s), expected %s", name, token_fault_text(fault),
                 reason == NULL ? "no reason" : reason, token_fault_text(expected));
    if (fault == TOKEN_OK)
        return;
    if (reason == NULL || strcmp(reason, "unset") == 0)
        fail_msg("%s: no reason", name);
    if (memcmp(&principal, &untouched, sizeof(principal)) != 0)
        fail_msg("%s: a principal from a refused token", name);
}

struct case_row {
    const char *text;
    enum token_fault expected;
};

#define EACH(row, table)                                                                           \
    for (const struct case_row *row = table; row < table + sizeof(table) / sizeof(table[0]); row++)

/* H, P and S stand for the segments of a good token; the rest for itself, but for the letters in
 * fill(). */
static const struct case_row shapes[] = {
    {"H.P.S", TOKEN_OK},
    {"", TOKEN_MALFORMED},
    {".", TOKEN_MALFORMED},
    {"..", TOKEN_MALFORMED},
    {"...", TOKEN_MALFORMED},
    {"x", TOKEN_MALFORMED},
    {"x.x.x", TOKEN_MALFORMED},
    {"H", TOKEN_MALFORMED},
    {"H.", TOKEN_MALFORMED},
    {"H.P", TOKEN_MALFORMED},
    {"H.S", TOKEN_MALFORMED},
    {"H.P.", TOKEN_BAD_SIGNATURE},
    {"H..S", TOKEN_MALFORMED},
    {".P.S", TOKEN_MALFORMED},
    {"H.P.S.", TOKEN_MALFORMED},
    {".H.P.S", TOKEN_MALFORMED},
    {"H.P.S.S", TOKEN_MALFORMED},
    {"H.P..S", TOKEN_MALFORMED},
    {"H.P.S.S.S", TOKEN_MALFORMED},
    {"P.H.S", TOKEN_MALFORMED},
    {"H.H.S", TOKEN_BAD_SIGNATURE},
    {"H.P.P", TOKEN_BAD_SIGNATURE},
    {" H.P.S", TOKEN_MALFORMED},
    {"H.P.S ", TOKEN_MALFORMED},
    {"H.P.S\n", TOKEN_MALFORMED},
    {"H.P.S\r\n", TOKEN_MALFORMED},
    {"H.P.S\t", TOKEN_MALFORMED},
    {"H\n.P.S", TOKEN_MALFORMED},
    {"H. P.S", TOKEN_MALFORMED},
    {"H.P .S", TOKEN_MALFORMED},
    {"H.\nP.S", TOKEN_MALFORMED},
    {"H.P.\vS", TOKEN_MALFORMED},
    {"H=.P.S", TOKEN_MALFORMED},
    {"H.P=.S", TOKEN_MALFORMED},
    {"H.P==.S", TOKEN_MALFORMED},
    {"H.P.S=", TOKEN_MALFORMED},
    {"H.P.S==", TOKEN_MALFORMED},
    {"H.P.S%3D", TOKEN_MALFORMED},
    {"H.P.S+", TOKEN_MALFORMED},
    {"H.P.S/", TOKEN_MALFORMED},
    {"H+.P.S", TOKEN_MALFORMED},
    {"H.P/.S", TOKEN_MALFORMED},
    {"H.P.S,", TOKEN_MALFORMED},
    {"H.P.S,H.P.S", TOKEN_MALFORMED},
    {"H.P.S\x80", TOKEN_MALFORMED},
    {"H.P.\xc3\xa4S", TOKEN_MALFORMED},
    {"\xef\xbb\xbfH.P.S", TOKEN_MALFORMED},
    {"\"H.P.S\"", TOKEN_MALFORMED},
    {"Bearer H.P.S", TOKEN_MALFORMED},
    {"H%2EP%2ES", TOKEN_MALFORMED},
    {"H.P.T", TOKEN_MALFORMED},     /* a character short: the bits left over are not zero */
    {"H.P.U", TOKEN_BAD_SIGNATURE}, /* whole groups short */
    {"H.P.SA", TOKEN_BAD_SIGNATURE},
    {"H.P.SAA", TOKEN_MALFORMED},
    {"H.P.SAAA", TOKEN_BAD_SIGNATURE},
    {"H.P.N", TOKEN_MALFORMED},     /* the same bytes spelled with other bits left over */
    {"H.P.C", TOKEN_BAD_SIGNATURE}, /* the first byte another, and the last */
    {"H.P.D", TOKEN_BAD_SIGNATURE},
    {"H.P.O", TOKEN_BAD_SIGNATURE},
    {"H.P.W", TOKEN_BAD_SIGNATURE},
    {"H.P.L", TOKEN_BAD_SIGNATURE},
    {"H.P.Z", TOKEN_BAD_SIGNATURE},
    {"H.P.A", TOKEN_MALFORMED},
    {"H.P.AA", TOKEN_BAD_SIGNATURE},
    {"H.P.AB", TOKEN_MALFORMED},
    {"H.P.AAA", TOKEN_BAD_SIGNATURE},
    {"H.P.AAB", TOKEN_MALFORMED},
    {"H.P.AAAA", TOKEN_BAD_SIGNATURE},
    {"A.P.S", TOKEN_MALFORMED},
    {"H.A.S", TOKEN_MALFORMED},
    {"H.Q.S", TOKEN_BAD_SIGNATURE},
    {"H.Q.O", TOKEN_OK},
};

/* What stands for the letter in a token of `header` and `payload`; NULL for itself. */
static const char *fill(char letter, const char *header, const char *payload)
{
    const char *other = "{\"sub\":\"u_2\"," EXP "}";
    char *token = sign(header, payload), *text = arena_text(&arena, text_of(token));
    char *signature = strrchr(token, '.') + 1;
    size_t length = strlen(signature);

    *strrchr(text, '.') = '\0';
    switch (letter) {
    case 'H':
        return encode(header, strlen(header));
    case 'P':
        return encode(payload, strlen(payload));
    case 'Q':
        return encode(other, strlen(other));
    case 'S':
        return signature;
    case 'O':
        return strrchr(sign(header, other), '.') + 1;
    case 'W':
        return mac(EVP_sha256(), OTHER_SECRET, text);
    case 'L':
        return mac(EVP_sha512(), SECRET, text);
    case 'Z':
        return "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    case 'T':
        signature[length - 2] = 'B';
        signature[length - 1] = '\0';
        return signature;
    case 'U':
        signature[length - 3] = '\0';
        return signature;
    case 'N':
        signature[length - 1]++;
        return signature;
    case 'C':
        signature[0] = signature[0] == 'A' ? 'B' : 'A';
        return signature;
    case 'D':
        signature[length - 1] = signature[length - 1] == 'A' ? 'E' : 'A';
        return signature;
    default:
        return NULL;
    }
}

static const char *shape_token(const char *shape, const char *header, const char *payload)
{
    struct buf token;
    const char *text;

    buf_init(&token);
    for (; *shape != '\0'; shape++) {
        const char *segment = fill(*shape, header, payload);

        if (segment != NULL)
            buf_add_string(&token, segment);
        else
            buf_add_char(&token, *shape);
    }
    text = arena_text(&arena, buf_text(&token));
    buf_fini(&token);
    return text;
}

static void test_shapes(void **state)
{
    (void)state;
    EACH(row, shapes)
    check_fault(row->text, &plain_conf, shape_token(row->text, HEADER, PAYLOAD), row->expected);
}

static const struct case_row headers[] = {
    {"{\"alg\":\"HS256\"}", TOKEN_OK},
    {"{\"alg\":\"HS256\",\"typ\":\"JWT\"}", TOKEN_OK},
    {"{\"alg\":\"HS256\",\"typ\":\"jwt\"}", TOKEN_OK},
    {"{\"alg\":\"HS256\",\"typ\":\"jWt\"}", TOKEN_OK},
    {"{\"alg\":\"HS256\",\"typ\":\"at+jwt\"}", TOKEN_OK},
    {"{\"alg\":\"HS256\",\"typ\":\"AT+JWT\"}", TOKEN_OK},
    {"{\"alg\":\"HS256\",\"typ\":\"application/jwt\"}", TOKEN_OK},
    {"{\"alg\":\"HS256\",\"b64\":true}", TOKEN_OK},
    {"{\"alg\":\"HS256\",\"kid\":\"k\",\"jku\":\"https://evil.example/\"}", TOKEN_OK},
    {"{\"alg\":\"HS256\",\"jwk\":{\"kty\":\"oct\",\"k\":\"AAAA\"},\"x5u\":1,\"x5c\":[]}", TOKEN_OK},
    {" {\"alg\" : \"HS256\"} \r\n\t", TOKEN_OK},
    {"{\"\\u0061lg\":\"HS\\u0032\\u0035\\u0036\"}", TOKEN_OK},
    {"{\"alg\":\"HS256\",\"x\":" OPEN63 CLOSE63 "}", TOKEN_OK},
    {"{\"alg\":\"none\"}", TOKEN_BAD_SIGNATURE},
    {"{\"alg\":\"None\"}", TOKEN_BAD_SIGNATURE},
    {"{\"alg\":\"NONE\"}", TOKEN_BAD_SIGNATURE},
    {"{\"alg\":\"nOnE\"}", TOKEN_BAD_SIGNATURE},
    {"{\"alg\":\"none \"}", TOKEN_BAD_SIGNATURE},
    {"{\"alg\":\"\"}", TOKEN_BAD_SIGNATURE},
    {"{\"alg\":\"hs256\"}", TOKEN_BAD_SIGNATURE},
    {"{\"alg\":\"Hs256\"}", TOKEN_BAD_SIGNATURE},
    {"{\"alg\":\"HS256 \"}", TOKEN_BAD_SIGNATURE},
    {"{\"alg\":\" HS256\"}", TOKEN_BAD_SIGNATURE},
    {"{\"alg\":\"HS2561\"}", TOKEN_BAD_SIGNATURE},
    {"{\"alg\":\"HS25\"}", TOKEN_BAD_SIGNATURE},
    {"{\"alg\":\"HS384\"}", TOKEN_BAD_SIGNATURE},
    {"{\"alg\":\"HS512\"}", TOKEN_BAD_SIGNATURE},
    {"{\"alg\":\"RS256\"}", TOKEN_BAD_SIGNATURE},
    {"{\"alg\":\"PS256\"}", TOKEN_BAD_SIGNATURE},
    {"{\"alg\":\"ES256\"}", TOKEN_BAD_SIGNATURE},
    {"{\"alg\":\"EdDSA\",\"kid\":\"k\"}", TOKEN_BAD_SIGNATURE},
    {"{\"alg\":\"HS256\\u0000\"}", TOKEN_MALFORMED},
    {"{\"alg\":null}", TOKEN_MALFORMED},
    {"{\"alg\":true}", TOKEN_MALFORMED},
    {"{\"alg\":256}", TOKEN_MALFORMED},
    {"{\"alg\":[\"HS256\"]}", TOKEN_MALFORMED},
    {"{\"alg\":{\"HS256\":1}}", TOKEN_MALFORMED},
    {"{}", TOKEN_MALFORMED},
    {"{\"typ\":\"JWT\"}", TOKEN_MALFORMED},
    {"{\"ALG\":\"HS256\"}", TOKEN_MALFORMED},
    {"{\"alg\":\"HS256\",\"alg\":\"HS256\"}", TOKEN_MALFORMED},
    {"{\"alg\":\"none\",\"alg\":\"HS256\"}", TOKEN_MALFORMED},
    {"{\"alg\":\"HS256\",\"alg\":\"none\"}", TOKEN_MALFORMED},
    {"{\"alg\":\"HS256\",\"\\u0061lg\":\"none\"}", TOKEN_MALFORMED},
    {"{\"alg\":\"HS256\",\"x\":{\"a\":1,\"a\":2}}", TOKEN_MALFORMED},
    {"{\"alg\":\"HS256\",\"crit\":[]}", TOKEN_MALFORMED},
    {"{\"alg\":\"HS256\",\"crit\":null}", TOKEN_MALFORMED},
    {"{\"alg\":\"HS256\",\"crit\":[\"exp\"]}", TOKEN_MALFORMED},
    {"{\"alg\":\"HS256\",\"crit\":[\"b64\"],\"b64\":true}", TOKEN_MALFORMED},
    {"{\"alg\":\"HS256\",\"crit\":\"\"}", TOKEN_MALFORMED},
    {"{\"alg\":\"HS256\",\"b64\":false}", TOKEN_MALFORMED},
    {"{\"alg\":\"HS256\",\"b64\":0}", TOKEN_MALFORMED},
    {"{\"alg\":\"HS256\",\"b64\":null}", TOKEN_MALFORMED},
    {"{\"alg\":\"HS256\",\"b64\":\"false\"}", TOKEN_MALFORMED},
    {"{\"alg\":\"HS256\",\"typ\":\"\"}", TOKEN_MALFORMED},
    {"{\"alg\":\"HS256\",\"typ\":\"JWE\"}", TOKEN_MALFORMED},
    {"{\"alg\":\"HS256\",\"typ\":\"JWT \"}", TOKEN_MALFORMED},
    {"{\"alg\":\"HS256\",\"typ\":\"jwt+at\"}", TOKEN_MALFORMED},
    {"{\"alg\":\"HS256\",\"typ\":\"dpop+jwt\"}", TOKEN_MALFORMED},
    {"{\"alg\":\"HS256\",\"typ\":\"application/at+jwt\"}", TOKEN_MALFORMED},
    {"{\"alg\":\"HS256\",\"typ\":null}", TOKEN_MALFORMED},
    {"{\"alg\":\"HS256\",\"typ\":1}", TOKEN_MALFORMED},
    {"{\"alg\":\"HS256\",\"typ\":[\"JWT\"]}", TOKEN_MALFORMED},
    {"{\"alg\":\"HS256\",\"x\":[" OPEN63 CLOSE63 "]}", TOKEN_MALFORMED},
    {"{\"alg\":\"HS256\"}x", TOKEN_MALFORMED},
    {"{\"alg\":\"HS256\"}{}", TOKEN_MALFORMED},
    {"{\"alg\":\"HS256\",}", TOKEN_MALFORMED},
    {"{\"alg\":\"HS256\"", TOKEN_MALFORMED},
    {"{'alg':'HS256'}", TOKEN_MALFORMED},
    {"{\"alg\":\"HS256\"/**/}", TOKEN_MALFORMED},
    {"\xef\xbb\xbf{\"alg\":\"HS256\"}", TOKEN_MALFORMED},
    {"{\"alg\":\"HS256\",\"x\":\"\xff\"}", TOKEN_MALFORMED},
    {"{\"alg\":\"HS256\",\"x\":\"\xc0\x80\"}", TOKEN_MALFORMED},
    {"{\"alg\":\"HS256\",\"x\":\"\xed\xa0\x80\"}", TOKEN_MALFORMED},
    {"{\"alg\":\"HS256\",\"x\":\"\\ud800\"}", TOKEN_MALFORMED},
    {"[\"HS256\"]", TOKEN_MALFORMED},
    {"\"HS256\"", TOKEN_MALFORMED},
    {"null", TOKEN_MALFORMED},
    {"1", TOKEN_MALFORMED},
    {"", TOKEN_MALFORMED},
};

static void test_headers(void **state)
{
    (void)state;
    EACH(row, headers)
    check_fault(row->text, &plain_conf, sign(row->text, PAYLOAD), row->expected);
}

/* Two headers of the shared secret, one as long as HEADER; whichever was accepted last is known. */
#define SHORT_HEADER "{\"alg\":\"HS256\"}"
#define SPELT_HEADER "{\"alg\":\"HS256\",\"typ\":\"jwt\"}"

/* A good token of HEADER with one byte of its header another, signed all the same. */
static const char *changed_token(size_t place, char byte)
{
    char *text = arena_printf(&arena, "%s.%s", encode(HEADER, strlen(HEADER)),
                              encode(PAYLOAD, strlen(PAYLOAD)));

    text[place] = byte;
    return arena_printf(&arena, "%s.%s", text, mac(EVP_sha256(), SECRET, text));
}

static enum token_fault judge_knowing(const char *header, const char *token)
{
    struct principal principal;
    const char *reason;

    check_fault(header, &plain_conf, sign(header, PAYLOAD), TOKEN_OK);
    return token_verify(&plain_conf, NULL, &arena, text_of(token), NOW, &principal, &reason);
}

/* A header that differs in one byte from the one that is known is judged as if none were. */
static void test_known_header(void **state)
{
    static const char bytes[] = "AZaz09-_.=+ \n\x80";
    size_t counts[TOKEN_FAULT_COUNT] = {0}, length = strlen(encode(HEADER, strlen(HEADER)));

    (void)state;
    for (size_t i = 0; i < length * sizeof bytes; i++) {
        const char *token = changed_token(i / sizeof bytes, bytes[i % sizeof bytes]);
        enum token_fault fault = judge_knowing(HEADER, token);

        if (fault != judge_knowing(SHORT_HEADER, token))
            fail_msg("%s: %s", token, token_fault_text(fault));
        counts[fault]++;
    }
    assert_in_range(counts[TOKEN_OK], 1, length); /* the byte that was there before, "typ": "jWT" */
    assert_true(counts[TOKEN_MALFORMED] > 0 && counts[TOKEN_BAD_SIGNATURE] > 0);
}

/* To know a header is to know nothing else of its token. */
static void test_known_header_alone(void **state)
{
    const struct conf no_secret = {.user_claim = user_claim};

    (void)state;
    assert_int_equal(judge_knowing(HEADER, sign(SPELT_HEADER, PAYLOAD)), TOKEN_OK);
    EACH(row, shapes)
    {
        const char *token = shape_token(row->text, HEADER, PAYLOAD);

        assert_int_equal(judge_knowing(HEADER, token), row->expected);
        assert_int_equal(judge_knowing(SHORT_HEADER, token), row->expected);
    }
    check_fault(HEADER, &plain_conf, sign(HEADER, PAYLOAD), TOKEN_OK);
    check_fault(HEADER, &no_secret, sign(HEADER, PAYLOAD), TOKEN_UNKNOWN_KEY);
}

/* The types that libjwt does not judge, signed in every wrong way. */
static void test_other_types(void **state)
{
    static const char *const types[] = {"{\"alg\":\"HS256\",\"typ\":\"at+jwt\"}",
                                        "{\"alg\":\"HS256\",\"typ\":\"application/jwt\"}"};

    (void)state;
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        EACH(row, shapes)
        check_fault(row->text, &plain_conf, shape_token(row->text, types[i], PAYLOAD),
                    row->expected);
    }
}

static const struct case_row payloads[] = {
    {PAYLOAD, TOKEN_OK},
    {" " PAYLOAD "\n", TOKEN_OK},
    {"{}", TOKEN_MALFORMED},
    {"", TOKEN_MALFORMED},
    {"[]", TOKEN_MALFORMED},
    {"null", TOKEN_MALFORMED},
    {"\"x\"", TOKEN_MALFORMED},
    {PAYLOAD "x", TOKEN_MALFORMED},
    {PAYLOAD PAYLOAD, TOKEN_MALFORMED},
    {"{\"sub\":\"u_1\"," EXP, TOKEN_MALFORMED},
    {"{\"sub\":\"u_1\",\"sub\":\"u_1\"," EXP "}", TOKEN_MALFORMED},
    {"{\"sub\":\"u_1\",\"s\\u0075b\":\"u_2\"," EXP "}", TOKEN_MALFORMED},
    {CLAIMS(EXP), TOKEN_MALFORMED},
    {CLAIMS("\"x\":{\"a\":1,\"a\":1}"), TOKEN_MALFORMED},
    {CLAIMS("\"x\":NaN"), TOKEN_MALFORMED},
    {CLAIMS("\"x\":Infinity"), TOKEN_MALFORMED},
    {CLAIMS("\"x\":01"), TOKEN_MALFORMED},
    {CLAIMS("\"x\":\"\\u0000\""), TOKEN_MALFORMED},
    {CLAIMS("\"x\\u0000\":1"), TOKEN_MALFORMED},
    {CLAIMS("\"x\":\"\xc3\x28\""), TOKEN_MALFORMED},
    {CLAIMS("\"x\":\"\n\""), TOKEN_MALFORMED},
    {CLAIMS("\"x\":\"\\udc00\""), TOKEN_MALFORMED},
    {CLAIMS("\"x\":" OPEN63 CLOSE63), TOKEN_OK},
    {CLAIMS("\"x\":[" OPEN63 CLOSE63 "]"), TOKEN_MALFORMED},
    {CLAIMS("\"x\":{\"y\":" OPEN63 CLOSE63 "}"), TOKEN_MALFORMED},
    {CLAIMS("\"x\":[1,{\"y\":" OPEN63 CLOSE63 "}]"), TOKEN_MALFORMED},
    {CLAIMS("\"x\":" OPEN63 OPEN63 OPEN63 OPEN63 CLOSE63 CLOSE63 CLOSE63 CLOSE63), TOKEN_MALFORMED},
    {CLAIMS("\"x\":[{},[],{\"y\":[]}]"), TOKEN_OK},
};

static const struct case_row times[] = {
    {MEMBER("exp", "1800000001"), TOKEN_OK},
    {MEMBER("exp", "1800000000"), TOKEN_OK},
    {MEMBER("exp", "1799999971"), TOKEN_OK},
    {MEMBER("exp", "1799999970.000001"), TOKEN_OK},
    {MEMBER("exp", "1799999970.5"), TOKEN_OK},
    {MEMBER("exp", "1.80000001e9"), TOKEN_OK},
    {MEMBER("exp", "9223372036854775807"), TOKEN_OK},
    {MEMBER("exp", "9e18"), TOKEN_OK},
    {MEMBER("exp", "1799999970"), TOKEN_EXPIRED},
    {MEMBER("exp", "1799999970.0"), TOKEN_EXPIRED},
    {MEMBER("exp", "1799999969.999999"), TOKEN_EXPIRED},
    {MEMBER("exp", "0"), TOKEN_EXPIRED},
    {MEMBER("exp", "-0"), TOKEN_EXPIRED},
    {MEMBER("exp", "1e-400"), TOKEN_EXPIRED},
    {MEMBER("exp", "-1"), TOKEN_EXPIRED},
    {MEMBER("exp", "-1.5e9"), TOKEN_EXPIRED},
    {MEMBER("exp", "-9223372036854775808"), TOKEN_EXPIRED},
    {MEMBER("exp", "9223372036854775808"), TOKEN_MALFORMED},
    {MEMBER("exp", "-9223372036854775809"), TOKEN_MALFORMED},
    {MEMBER("exp", "18446744073709551616"), TOKEN_MALFORMED},
    {MEMBER("exp", "9.3e18"), TOKEN_MALFORMED},
    {MEMBER("exp", "-9.3e18"), TOKEN_MALFORMED},
    {MEMBER("exp", "1e300"), TOKEN_MALFORMED},
    {MEMBER("exp", "1e400"), TOKEN_MALFORMED},
    {MEMBER("exp", "-1e400"), TOKEN_MALFORMED},
    {MEMBER("exp", "\"1800000900\""), TOKEN_MALFORMED},
    {MEMBER("exp", "\"\""), TOKEN_MALFORMED},
    {MEMBER("exp", "null"), TOKEN_MALFORMED},
    {MEMBER("exp", "true"), TOKEN_MALFORMED},
    {MEMBER("exp", "[1800000900]"), TOKEN_MALFORMED},
    {MEMBER("exp", "{\"n\":1800000900}"), TOKEN_MALFORMED},
    {MEMBER("exp", "0x7fffffff"), TOKEN_MALFORMED},
    {MEMBER("EXP", "1800000900"), TOKEN_MALFORMED},
    {MEMBER("iat", "1799999000"), TOKEN_MALFORMED},
    {EXP "," MEMBER("nbf", "1800000030"), TOKEN_OK},
    {EXP "," MEMBER("nbf", "1800000030.0"), TOKEN_OK},
    {EXP "," MEMBER("nbf", "-9223372036854775808"), TOKEN_OK},
    {EXP "," MEMBER("nbf", "1800000030.000001"), TOKEN_NOT_YET_VALID},
    {EXP "," MEMBER("nbf", "1800000031"), TOKEN_NOT_YET_VALID},
    {EXP "," MEMBER("nbf", "9223372036854775807"), TOKEN_NOT_YET_VALID},
    {EXP "," MEMBER("nbf", "1e19"), TOKEN_MALFORMED},
    {EXP "," MEMBER("nbf", "\"1\""), TOKEN_MALFORMED},
    {EXP "," MEMBER("nbf", "null"), TOKEN_MALFORMED},
    {EXP "," MEMBER("nbf", "false"), TOKEN_MALFORMED},
    {EXP "," MEMBER("iat", "1800000030"), TOKEN_OK},
    {EXP "," MEMBER("iat", "1"), TOKEN_OK},
    {EXP "," MEMBER("iat", "-1"), TOKEN_OK},
    {EXP "," MEMBER("iat", "1800000030.5"), TOKEN_NOT_YET_VALID},
    {EXP "," MEMBER("iat", "1800000031"), TOKEN_NOT_YET_VALID},
    {EXP "," MEMBER("iat", "9223372036854775807"), TOKEN_NOT_YET_VALID},
    {EXP "," MEMBER("iat", "\"2027-01-15T08:00:00Z\""), TOKEN_MALFORMED},
    {EXP "," MEMBER("iat", "null"), TOKEN_MALFORMED},
    {EXP "," MEMBER("iat", "{}"), TOKEN_MALFORMED},
    {EXP "," MEMBER("iat", "-1e308"), TOKEN_MALFORMED},
};

/* Better Auth's e-mail verification links and cookie cache, signed with the same secret, are among
 * them: without sub they name nobody. */
static const struct case_row users[] = {
    {USER("\"u_1\""), TOKEN_OK},
    {USER("\"a/b c\""), TOKEN_OK},
    {USER("\" \""), TOKEN_OK},
    {USER("\"J\xc3\xbcrgen\""), TOKEN_OK},
    {USER("\"\\ud83d\\ude00\""), TOKEN_OK},
    {USER("\"" X255 "\""), TOKEN_OK},
    {USER("\"" X255 "x\""), TOKEN_MALFORMED},
    {USER("\"" X51 X51 X51 X51 X15 X15 X15 "xxxxx\xc3\xa4\""), TOKEN_MALFORMED},
    {USER("\"\""), TOKEN_MALFORMED},
    {USER("\"u\\u00001\""), TOKEN_MALFORMED},
    {USER("\"\\u0000\""), TOKEN_MALFORMED},
    {USER("\"u\\n1\""), TOKEN_MALFORMED},
    {USER("\"u_1\\u0000\""), TOKEN_MALFORMED},
    {USER("\"u\\u001f\""), TOKEN_MALFORMED},
    {USER("\"u\\u007f\""), TOKEN_MALFORMED},
    {USER("\"u\x7f\""), TOKEN_MALFORMED},
    {USER("\"\\u0085\""), TOKEN_MALFORMED},
    {USER("\"\xc2\x9f\""), TOKEN_MALFORMED},
    {USER("\"u\x01\""), TOKEN_MALFORMED},
    {USER("\"u\xff\""), TOKEN_MALFORMED},
    {USER("1"), TOKEN_MALFORMED},
    {USER("1.5"), TOKEN_MALFORMED},
    {USER("null"), TOKEN_MALFORMED},
    {USER("true"), TOKEN_MALFORMED},
    {USER("[\"u_1\"]"), TOKEN_MALFORMED},
    {USER("{\"id\":\"u_1\"}"), TOKEN_MALFORMED},
    {"{" EXP "}", TOKEN_MALFORMED},
    {"{\"id\":\"u_1\"," EXP "}", TOKEN_MALFORMED},
    {"{\"userId\":\"u_1\"," EXP "}", TOKEN_MALFORMED},
    {"{\"user_id\":\"u_1\"," EXP "}", TOKEN_MALFORMED},
    {"{\"email\":\"a@b.example\"," EXP "}", TOKEN_MALFORMED},
    {"{\"email\":\"a@b.example\",\"updateTo\":\"c@d.example\"," EXP "}", TOKEN_MALFORMED},
    {"{\"session\":{\"userId\":\"u_1\"},\"user\":{\"id\":\"u_1\"}," EXP "}", TOKEN_MALFORMED},
    {"{\"Sub\":\"u_1\"," EXP "}", TOKEN_MALFORMED},
    {"{\"sub \":\"u_1\"," EXP "}", TOKEN_MALFORMED},
    {"{\"sub\":null,\"id\":\"u_1\"," EXP "}", TOKEN_MALFORMED},
    {"{\"sub\":\"\",\"id\":\"u_1\"," EXP "}", TOKEN_MALFORMED},
};

static void test_payloads(void **state)
{
    (void)state;
    EACH(row, payloads)
    check_fault(row->text, &plain_conf, sign(HEADER, row->text), row->expected);
    EACH(row, times)
    check_fault(row->text, &plain_conf,
                sign(HEADER, arena_printf(&arena, "{\"sub\":\"u_1\",%s}", row->text)),
                row->expected);
    EACH(row, users)
    check_fault(row->text, &plain_conf, sign(HEADER, row->text), row->expected);
}

#define ISS MEMBER("iss", "\"https://a.example\"")
#define AUD MEMBER("aud", "\"https://api.example\"")

static const struct case_row strict[] = {
    {ISS "," AUD, TOKEN_OK},
    {ISS "," MEMBER("aud", "[\"https://api.example\"]"), TOKEN_OK},
    {ISS "," MEMBER("aud", "[\"x\",\"https://api.example\",\"y\"]"), TOKEN_OK},
    {AUD, TOKEN_WRONG_ISSUER},
    {AUD "," MEMBER("iss", "\"https://b.example\""), TOKEN_WRONG_ISSUER},
    {AUD "," MEMBER("iss", "\"https://a.example/\""), TOKEN_WRONG_ISSUER},
    {AUD "," MEMBER("iss", "\"https://a.exampl\""), TOKEN_WRONG_ISSUER},
    {AUD "," MEMBER("iss", "\"https://A.example\""), TOKEN_WRONG_ISSUER},
    {AUD "," MEMBER("iss", "\"\""), TOKEN_WRONG_ISSUER},
    {AUD "," MEMBER("iss", "null"), TOKEN_WRONG_ISSUER},
    {AUD "," MEMBER("iss", "1"), TOKEN_WRONG_ISSUER},
    {AUD "," MEMBER("iss", "[\"https://a.example\"]"), TOKEN_WRONG_ISSUER},
    {ISS, TOKEN_WRONG_AUDIENCE},
    {ISS "," MEMBER("aud", "\"https://other.example\""), TOKEN_WRONG_AUDIENCE},
    {ISS "," MEMBER("aud", "\"https://api.example/\""), TOKEN_WRONG_AUDIENCE},
    {ISS "," MEMBER("aud", "\"HTTPS://api.example\""), TOKEN_WRONG_AUDIENCE},
    {ISS "," MEMBER("aud", "\"https://api.example https://x\""), TOKEN_WRONG_AUDIENCE},
    {ISS "," MEMBER("aud", "\"\""), TOKEN_WRONG_AUDIENCE},
    {ISS "," MEMBER("aud", "null"), TOKEN_WRONG_AUDIENCE},
    {ISS "," MEMBER("aud", "7"), TOKEN_WRONG_AUDIENCE},
    {ISS "," MEMBER("aud", "true"), TOKEN_WRONG_AUDIENCE},
    {ISS "," MEMBER("aud", "[]"), TOKEN_WRONG_AUDIENCE},
    {ISS "," MEMBER("aud", "[\"x\"]"), TOKEN_WRONG_AUDIENCE},
    {ISS "," MEMBER("aud", "[[\"https://api.example\"]]"), TOKEN_WRONG_AUDIENCE},
    {ISS "," MEMBER("aud", "[\"https://api.example\",1]"), TOKEN_WRONG_AUDIENCE},
    {ISS "," MEMBER("aud", "[null,\"https://api.example\"]"), TOKEN_WRONG_AUDIENCE},
    {ISS "," MEMBER("aud", "{\"https://api.example\":1}"), TOKEN_WRONG_AUDIENCE},
    {ISS "," MEMBER("aud", "{\"0\":\"https://api.example\"}"), TOKEN_WRONG_AUDIENCE},
    {ISS "," AUD "," MEMBER("nbf", "1800000000"), TOKEN_OK},
    {ISS "," AUD "," MEMBER("nbf", "1800000000.5"), TOKEN_NOT_YET_VALID},
    {ISS "," AUD "," MEMBER("iat", "1800000001"), TOKEN_NOT_YET_VALID},
};

/* strict_conf has no leeway either. */
static void test_strict(void **state)
{
    const char *expired = "{\"sub\":\"u_1\"," ISS "," AUD ",\"exp\":1800000000}";
    const char *still_valid = "{\"sub\":\"u_1\"," ISS "," AUD ",\"exp\":1800000000.5}";

    (void)state;
    EACH(row, strict)
    check_fault(row->text, &strict_conf,
                sign(HEADER, arena_printf(&arena, "{\"sub\":\"u_1\"," EXP ",%s}", row->text)),
                row->expected);
    check_fault("no leeway", &strict_conf, sign(HEADER, expired), TOKEN_EXPIRED);
    check_fault("no leeway", &strict_conf, sign(HEADER, still_valid), TOKEN_OK);
}

/* What is not configured is not looked at. */
static void test_not_enforced(void **state)
{
    static const char *const claims[] = {CLAIMS("\"iss\":7"), CLAIMS("\"iss\":\"x\",\"aud\":{}"),
                                         CLAIMS("\"aud\":[1]"), CLAIMS("\"aud\":null")};

    (void)state;
    for (size_t i = 0; i < sizeof(claims) / sizeof(claims[0]); i++)
        check_fault(claims[i], &plain_conf, sign(HEADER, claims[i]), TOKEN_OK);
}

static void test_user_claim(void **state)
{
    static char email[] = "email";
    struct conf conf = plain_conf;

    (void)state;
    conf.user_claim = email;
    check_fault("email", &conf, sign(HEADER, "{\"email\":\"a@b.example\"," EXP "}"), TOKEN_OK);
    check_fault("no fallback to sub", &conf, sign(HEADER, PAYLOAD), TOKEN_MALFORMED);
}

/* A signature that another key made, and a mode that is off: nothing gets in through an empty key,
 * with which libjwt would accept "none". */
static void test_keys(void **state)
{
    static char other[] = OTHER_SECRET, empty[] = "";
    const char *none = "{\"alg\":\"none\"}";
    const char *unsigned_token = arena_printf(&arena, "%s.%s.", encode(none, strlen(none)),
                                              encode(PAYLOAD, strlen(PAYLOAD)));
    struct conf conf = plain_conf;

    (void)state;
    check_fault("none", &conf, unsigned_token, TOKEN_BAD_SIGNATURE);
    conf.secret = other;
    check_fault("other key", &conf, sign(HEADER, PAYLOAD), TOKEN_BAD_SIGNATURE);
    conf.secret_length--;
    check_fault("shorter key", &conf, sign(HEADER, PAYLOAD), TOKEN_BAD_SIGNATURE);
    conf.secret = NULL;
    check_fault("mode off", &conf, sign(HEADER, PAYLOAD), TOKEN_UNKNOWN_KEY);
    check_fault("mode off, none", &conf, unsigned_token, TOKEN_BAD_SIGNATURE);
    conf.secret = empty;
    conf.secret_length = 0;
    check_fault("empty key", &conf, sign(HEADER, PAYLOAD), TOKEN_UNKNOWN_KEY);
    check_fault("empty key, none", &conf, unsigned_token, TOKEN_BAD_SIGNATURE);
}

/* A forged token learns nothing of what its claims lack. */
static void test_signature_before_claims(void **state)
{
    static const char *const claims[] = {"{}", "{\"exp\":1}", USER("7"), CLAIMS("\"nbf\":1e18")};

    (void)state;
    for (size_t i = 0; i < sizeof(claims) / sizeof(claims[0]); i++) {
        check_fault(claims[i], &strict_conf, shape_token("H.P.Z", HEADER, claims[i]),
                    TOKEN_BAD_SIGNATURE);
        check_fault(claims[i], &strict_conf, shape_token("H.P.", HEADER, claims[i]),
                    TOKEN_BAD_SIGNATURE);
    }
}

/* A zero byte, wherever a parser may skip it or stop at it: what stands behind it must not be lost
 * from sight. */
static void test_zero_byte(void **state)
{
    const struct text payload_rows[] = {
        TEXT_LITERAL("{\"sub\":\"u\0x\"," EXP "}"),
        TEXT_LITERAL(PAYLOAD "\0{\"sub\":\"u_2\"}"),
        TEXT_LITERAL(PAYLOAD "\0"),
        TEXT_LITERAL("\0" PAYLOAD),
        TEXT_LITERAL("{\"sub\":\"u_1\",\"exp\":1800000900\0}"),
        TEXT_LITERAL("{\"sub\":\"u_1\",\"exp\":1800000900.5\0}"),
        TEXT_LITERAL("{\"sub\":\"u_1\",\"x\":true\0," EXP "}"),
        TEXT_LITERAL("{\"sub\":\"u_1\"\0," EXP "}"),
    };
    const struct text header_rows[] = {
        TEXT_LITERAL("{\"alg\":\"HS256\"}\0"),
        TEXT_LITERAL("{\"alg\":\"HS256\0\"}"),
        TEXT_LITERAL("{\"alg\":\"HS256\",\"x\":1\0}"),
        TEXT_LITERAL("{\"alg\":\"HS256\",\"b64\":true\0}"),
    };
    struct text token = TEXT_LITERAL("a.b.c\0.d");
    struct principal principal;
    const char *reason;

    (void)state;
    for (size_t i = 0; i < sizeof(payload_rows) / sizeof(payload_rows[0]); i++)
        check_fault("payload", &plain_conf, sign_bytes(text_of(HEADER), payload_rows[i]),
                    TOKEN_MALFORMED);
    for (size_t i = 0; i < sizeof(header_rows) / sizeof(header_rows[0]); i++)
        check_fault("header", &plain_conf, sign_bytes(header_rows[i], text_of(PAYLOAD)),
                    TOKEN_MALFORMED);
    assert_int_equal(token_verify(&plain_conf, NULL, &arena, token, NOW, &principal, &reason),
                     TOKEN_MALFORMED);
}

/* A good token is cut at its length, wherever the memory behind it goes on. */
static void test_slice(void **state)
{
    const char *token = sign(HEADER, PAYLOAD);
    struct text slice = {arena_printf(&arena, "%s.more", token), strlen(token)};
    struct principal principal;
    const char *reason;

    (void)state;
    assert_int_equal(token_verify(&plain_conf, NULL, &arena, slice, NOW, &principal, &reason),
                     TOKEN_OK);
}

/* A token of exactly `length` bytes. */
static const char *long_token(size_t length)
{
    size_t padding = (length - 150) / 4 * 3;
    const char *token;

    do {
        char *text = arena_alloc(&arena, padding + 1);

        memset(text, 'x', padding);
        text[padding] = '\0';
        token = sign(HEADER, arena_printf(&arena, CLAIMS("\"x\":\"%s\""), text));
        padding++;
    } while (strlen(token) < length);
    assert_int_equal(strlen(token), length);
    return token;
}

static void test_length(void **state)
{
    (void)state;
    check_fault("longest", &plain_conf, long_token(TOKEN_MAX), TOKEN_OK);
    check_fault("too long", &plain_conf, long_token(TOKEN_MAX + 1), TOKEN_MALFORMED);
    check_fault("far too long", &plain_conf, long_token(100000), TOKEN_MALFORMED);
}

/* ---- who it is */

struct profile_row {
    const char *payload;
    const char *email, *name; /* NULL: TEXT_NULL */
};

static const struct profile_row profiles[] = {
    {PAYLOAD, NULL, NULL},
    {CLAIMS("\"email\":\"a@b.example\",\"name\":\"J\xc3\xbcrgen\""), "a@b.example",
     "J\xc3\xbcrgen"},
    {CLAIMS("\"email\":\"\",\"name\":\"\""), "", ""},
    {CLAIMS("\"email\":1,\"name\":null"), NULL, NULL},
    {CLAIMS("\"email\":[\"a\"],\"name\":{}"), NULL, NULL},
    {CLAIMS("\"email\":\"a\\nb\",\"name\":\"\\u007f\""), NULL, NULL},
    {CLAIMS("\"email\":\"" X255 X51 "xxxxxxxxxxxxxx\""), X255 X51 "xxxxxxxxxxxxxx", NULL},
    {CLAIMS("\"email\":\"" X255 X51 "xxxxxxxxxxxxxxx\""), NULL, NULL},
    {CLAIMS("\"name\":\"" X51 X51 X51 X15 X15 X15 "xx\""), NULL, X51 X51 X51 X15 X15 X15 "xx"},
    {CLAIMS("\"name\":\"" X51 X51 X51 X15 X15 X15 "xxx\""), NULL, NULL},
};

static void test_principal(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(profiles) / sizeof(profiles[0]); i++) {
        const struct profile_row *row = &profiles[i];
        struct principal principal;
        const char *reason;

        assert_int_equal(token_verify(&plain_conf, NULL, &arena,
                                      text_of(sign(HEADER, row->payload)), NOW, &principal,
                                      &reason),
                         TOKEN_OK);
        if (!text_equal(principal.user, text_of("u_1")) ||
            !text_equal(principal.email, text_of(row->email)) ||
            !text_equal(principal.name, text_of(row->name)))
            fail_msg("%s: wrong principal", row->payload);
    }
}

static void test_user_is_exact(void **state)
{
    struct principal principal;
    const char *reason;

    (void)state;
    assert_int_equal(token_verify(&plain_conf, NULL, &arena,
                                  text_of(sign(HEADER, USER("\" \\u00fc\\/\xc3\xbc \""))), NOW,
                                  &principal, &reason),
                     TOKEN_OK);
    assert_true(text_equal(principal.user, text_of(" \xc3\xbc/\xc3\xbc ")));
}

/* ---- the words, and making tokens */

static void test_fault_texts(void **state)
{
    static const char *const texts[TOKEN_FAULT_COUNT] = {
        "ok",           "malformed",      "expired",       "not yet valid",
        "wrong issuer", "wrong audience", "bad signature", "unknown key",
        "unavailable"};

    (void)state;
    for (int fault = 0; fault < TOKEN_FAULT_COUNT; fault++)
        assert_string_equal(token_fault_text((enum token_fault)fault), texts[fault]);
}

static void test_make(void **state)
{
    char *token = token_make(&strict_conf, &arena, "u \xc3\xbc", NULL, NOW - 10, 900);
    struct principal principal;
    const char *reason;

    (void)state;
    assert_non_null(token);
    assert_int_equal(
        token_verify(&strict_conf, NULL, &arena, text_of(token), NOW, &principal, &reason),
        TOKEN_OK);
    assert_true(text_equal(principal.user, text_of("u \xc3\xbc")));
    assert_int_equal(
        token_verify(&strict_conf, NULL, &arena, text_of(token), NOW + 889, &principal, &reason),
        TOKEN_OK);
    assert_int_equal(
        token_verify(&strict_conf, NULL, &arena, text_of(token), NOW + 890, &principal, &reason),
        TOKEN_EXPIRED);
    assert_int_equal(
        token_verify(&strict_conf, NULL, &arena, text_of(token), NOW - 11, &principal, &reason),
        TOKEN_NOT_YET_VALID);
}

static void test_make_refuses(void **state)
{
    struct conf conf = plain_conf;

    (void)state;
    assert_null(token_make(&conf, &arena, "", NULL, NOW, 900));
    assert_null(token_make(&conf, &arena, "a\nb", NULL, NOW, 900));
    assert_null(token_make(&conf, &arena, "\xff", NULL, NOW, 900));
    assert_null(token_make(&conf, &arena, X255 "x", NULL, NOW, 900));
    assert_null(token_make(&conf, &arena, "u_1", NULL, NOW, LONG_MAX));
    assert_non_null(token_make(&conf, &arena, X255, NULL, NOW, 900));
    conf.secret = NULL;
    assert_null(token_make(&conf, &arena, "u_1", NULL, NOW, 900));
}

/* ---- tokens of a key set */

#define JWKS_FILE "/tmp/todo-test-jwks.XXXXXX"

/* A set with a key of each kind, named as its algorithm, and one that stands for a mistake of the
 * issuer: the shared secret as a key. */
static void write_set(const char *path)
{
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    fprintf(file, "{\"keys\":[{\"kty\":\"oct\",\"kid\":\"oct\",\"k\":\"%s\"}",
            base64url_encode(&arena, SECRET, strlen(SECRET)));
    for (int i = 0; i < SIGNERS; i++)
        fprintf(file, ",{%s,\"kid\":\"%s\",\"alg\":\"%s\"}", signer_members(&arena, &signers[i]),
                i == SMALL_RSA ? "small" : signers[i].algorithm, signers[i].algorithm);
    fputs("]}", file);
    assert_int_equal(fclose(file), 0);
}

/* H is the header, with the row's members behind the first brace; signed by `signer`, or by the
 * secret when it is -1, or with the issuer's public key as an HMAC's secret when it is -2. */
static const struct key_row {
    const char *header;
    int signer;
    enum token_fault expected;
} key_rows[] = {
    {"{\"alg\":\"EdDSA\",\"kid\":\"EdDSA\"}", ED25519, TOKEN_OK},
    {"{\"alg\":\"Ed25519\",\"kid\":\"EdDSA\"}", ED25519, TOKEN_OK},
    {"{\"alg\":\"EdDSA\"}", ED25519, TOKEN_OK},
    {"{\"alg\":\"EdDSA\",\"kid\":\"EdDSA\",\"typ\":\"JWT\"}", ED25519, TOKEN_OK},
    {"{\"alg\":\"EdDSA\",\"kid\":\"EdDSA\",\"typ\":\"at+jwt\"}", ED25519, TOKEN_OK},
    {"{\"alg\":\"ES256\",\"kid\":\"ES256\"}", ES256, TOKEN_OK},
    {"{\"alg\":\"ES384\",\"kid\":\"ES384\"}", ES384, TOKEN_OK},
    {"{\"alg\":\"ES512\",\"kid\":\"ES512\"}", ES512, TOKEN_OK},
    {"{\"alg\":\"RS256\",\"kid\":\"RS256\"}", RS256, TOKEN_OK},
    {"{\"alg\":\"PS256\",\"kid\":\"PS256\"}", PS256, TOKEN_OK},
    {"{\"alg\":\"HS256\"}", -1, TOKEN_OK},
    {"{\"alg\":\"HS256\",\"kid\":\"ES256\"}", -1, TOKEN_OK}, /* a kid means nothing there */
    /* keys that the token brings along */
    {"{\"alg\":\"ES256\",\"kid\":\"ES256\",\"jku\":\"https://evil.example/jwks\"}", ES256,
     TOKEN_OK},
    {"{\"alg\":\"ES256\",\"kid\":\"?\",\"jku\":\"https://evil.example/jwks\"}", ES256,
     TOKEN_UNKNOWN_KEY},
    {"{\"alg\":\"ES256\",\"kid\":\"?\",\"x5u\":\"https://evil.example/x\"}", ES256,
     TOKEN_UNKNOWN_KEY},
    {"{\"alg\":\"ES256\",\"kid\":\"?\",\"x5c\":[\"MIIB\"]}", ES256, TOKEN_UNKNOWN_KEY},
    {"{\"alg\":\"EdDSA\",\"kid\":\"?\",\"jwk\":{\"kty\":\"OKP\",\"crv\":\"Ed25519\","
     "\"x\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"}}",
     ED25519, TOKEN_UNKNOWN_KEY},
    /* an algorithm that is not the key's */
    {"{\"alg\":\"HS256\",\"kid\":\"RS256\"}", -2, TOKEN_BAD_SIGNATURE},
    {"{\"alg\":\"HS256\",\"kid\":\"oct\"}", -2, TOKEN_BAD_SIGNATURE},
    {"{\"alg\":\"RS256\",\"kid\":\"PS256\"}", PS256, TOKEN_BAD_SIGNATURE},
    {"{\"alg\":\"PS256\",\"kid\":\"RS256\"}", RS256, TOKEN_BAD_SIGNATURE},
    {"{\"alg\":\"ES256\",\"kid\":\"ES384\"}", ES384, TOKEN_BAD_SIGNATURE},
    {"{\"alg\":\"ES384\",\"kid\":\"ES256\"}", ES256, TOKEN_BAD_SIGNATURE},
    {"{\"alg\":\"EdDSA\",\"kid\":\"ES256\"}", ED25519, TOKEN_BAD_SIGNATURE},
    {"{\"alg\":\"ES256\",\"kid\":\"EdDSA\"}", ES256, TOKEN_BAD_SIGNATURE},
    {"{\"alg\":\"RS512\",\"kid\":\"RS256\"}", RS256, TOKEN_BAD_SIGNATURE},
    {"{\"alg\":\"ES256K\",\"kid\":\"ES256\"}", ES256, TOKEN_BAD_SIGNATURE},
    {"{\"alg\":\"Ed448\",\"kid\":\"EdDSA\"}", ED25519, TOKEN_BAD_SIGNATURE},
    {"{\"alg\":\"eddsa\",\"kid\":\"EdDSA\"}", ED25519, TOKEN_BAD_SIGNATURE},
    {"{\"alg\":\"es256\",\"kid\":\"ES256\"}", ES256, TOKEN_BAD_SIGNATURE},
    {"{\"alg\":\"EdDSA \",\"kid\":\"EdDSA\"}", ED25519, TOKEN_BAD_SIGNATURE},
    {"{\"alg\":\"none\",\"kid\":\"EdDSA\"}", ED25519, TOKEN_BAD_SIGNATURE},
    {"{\"alg\":\"NonE\",\"kid\":\"EdDSA\"}", ED25519, TOKEN_BAD_SIGNATURE},
    {"{\"alg\":\"\",\"kid\":\"EdDSA\"}", ED25519, TOKEN_BAD_SIGNATURE},
    {"{\"kid\":\"EdDSA\"}", ED25519, TOKEN_MALFORMED},
    {"{\"alg\":[\"EdDSA\"],\"kid\":\"EdDSA\"}", ED25519, TOKEN_MALFORMED},
    {"{\"alg\":\"EdDSA\",\"alg\":\"EdDSA\"}", ED25519, TOKEN_MALFORMED},
    /* another key than the one it names */
    {"{\"alg\":\"RS256\",\"kid\":\"small\"}", SMALL_RSA, TOKEN_UNKNOWN_KEY},
    {"{\"alg\":\"RS256\"}", SMALL_RSA, TOKEN_UNKNOWN_KEY},
    {"{\"alg\":\"RS256\",\"kid\":\"RS256\"}", SMALL_RSA, TOKEN_BAD_SIGNATURE},
    {"{\"alg\":\"RS256\",\"kid\":\"oct\"}", RS256, TOKEN_UNKNOWN_KEY},
    {"{\"alg\":\"EdDSA\",\"kid\":\"EdDSA\"}", -1, TOKEN_BAD_SIGNATURE},
    {"{\"alg\":\"ES256\",\"kid\":\"ES256\"}", ES384, TOKEN_BAD_SIGNATURE},
    /* strange names */
    {"{\"alg\":\"EdDSA\",\"kid\":\"\"}", ED25519, TOKEN_UNKNOWN_KEY},
    {"{\"alg\":\"EdDSA\",\"kid\":\"eddsa\"}", ED25519, TOKEN_UNKNOWN_KEY},
    {"{\"alg\":\"EdDSA\",\"kid\":\"EdDSA \"}", ED25519, TOKEN_UNKNOWN_KEY},
    {"{\"alg\":\"EdDSA\",\"kid\":\"../../../../dev/null\"}", ED25519, TOKEN_UNKNOWN_KEY},
    {"{\"alg\":\"EdDSA\",\"kid\":\"' OR '1'='1\"}", ED25519, TOKEN_UNKNOWN_KEY},
    {"{\"alg\":\"EdDSA\",\"kid\":\"x'; DROP TABLE jwks; --\"}", ED25519, TOKEN_UNKNOWN_KEY},
    {"{\"alg\":\"EdDSA\",\"kid\":\"| sleep 10\"}", ED25519, TOKEN_UNKNOWN_KEY},
    {"{\"alg\":\"EdDSA\",\"kid\":\"https://evil.example/key\"}", ED25519, TOKEN_UNKNOWN_KEY},
    {"{\"alg\":\"EdDSA\",\"kid\":\"%s%n%n\"}", ED25519, TOKEN_UNKNOWN_KEY},
    {"{\"alg\":\"EdDSA\",\"kid\":\"EdDSA\\u0000\"}", ED25519, TOKEN_MALFORMED},
    {"{\"alg\":\"EdDSA\",\"kid\":0}", ED25519, TOKEN_MALFORMED},
    {"{\"alg\":\"EdDSA\",\"kid\":null}", ED25519, TOKEN_MALFORMED},
    {"{\"alg\":\"EdDSA\",\"kid\":[\"EdDSA\"]}", ED25519, TOKEN_MALFORMED},
    {"{\"alg\":\"EdDSA\",\"kid\":{\"$ne\":1}}", ED25519, TOKEN_MALFORMED},
    {"{\"alg\":\"EdDSA\",\"kid\":\"EdDSA\",\"kid\":\"EdDSA\"}", ED25519, TOKEN_MALFORMED},
    /* the rules of every header */
    {"{\"alg\":\"EdDSA\",\"kid\":\"EdDSA\",\"crit\":[]}", ED25519, TOKEN_MALFORMED},
    {"{\"alg\":\"EdDSA\",\"kid\":\"EdDSA\",\"b64\":false}", ED25519, TOKEN_MALFORMED},
    {"{\"alg\":\"EdDSA\",\"kid\":\"EdDSA\",\"typ\":\"session-cache+jwt\"}", ED25519,
     TOKEN_MALFORMED},
    {"{\"alg\":\"EdDSA\",\"kid\":\"EdDSA\",\"typ\":\"logout+jwt\"}", ED25519, TOKEN_MALFORMED},
    {"{\"alg\":\"EdDSA\",\"kid\":\"EdDSA\",\"typ\":\"dpop+jwt\"}", ED25519, TOKEN_MALFORMED},
};

/* HS256 with what an attacker has: the text of a public key. */
static char *sign_with_public_key(const char *header)
{
    char *text = arena_printf(&arena, "%s.%s", encode(header, strlen(header)),
                              encode(PAYLOAD, strlen(PAYLOAD)));

    return arena_printf(&arena, "%s.%s", text,
                        mac(EVP_sha256(), signer_members(&arena, &signers[RS256]), text));
}

static char *key_row_token(const struct key_row *row)
{
    if (row->signer == -1)
        return sign(row->header, PAYLOAD);
    if (row->signer == -2)
        return sign_with_public_key(row->header);
    return signer_token(&arena, &signers[row->signer], row->header, PAYLOAD);
}

static enum token_fault judge_with_keys(const struct conf *conf, struct keys *keys,
                                        const char *token)
{
    struct principal principal;
    const char *reason;

    return token_verify(conf, keys, &arena, text_of(token), NOW, &principal, &reason);
}

/* The keys of a new file, whose name becomes `path`. */
static struct keys *keys_of_file(struct conf *conf, char *path)
{
    assert_return_code(close(mkstemp(path)), 0);
    write_set(path);
    conf->jwks = path;
    return keys_new(conf, NULL, NULL);
}

static void test_key_set(void **state)
{
    char path[] = JWKS_FILE;
    struct conf conf = plain_conf;
    struct keys *keys;

    (void)state;
    keys = keys_of_file(&conf, path);
    for (size_t i = 0; i < sizeof(key_rows) / sizeof(key_rows[0]); i++) {
        enum token_fault fault = judge_with_keys(&conf, keys, key_row_token(&key_rows[i]));

        if (fault != key_rows[i].expected)
            fail_msg("%s by %d: %s, expected %s", key_rows[i].header, key_rows[i].signer,
                     token_fault_text(fault), token_fault_text(key_rows[i].expected));
    }
    keys_free(keys);
    unlink(path);
}

/* The payloads and instants that a secret's token is refused for, a key's is refused for too. */
static void test_key_set_claims(void **state)
{
    static const char header[] = "{\"alg\":\"ES256\",\"kid\":\"ES256\"}";
    char path[] = JWKS_FILE;
    struct conf conf = strict_conf;
    struct keys *keys;

    (void)state;
    keys = keys_of_file(&conf, path);
    EACH(row, strict)
    {
        const char *token =
            signer_token(&arena, &signers[ES256], header,
                         arena_printf(&arena, "{\"sub\":\"u_1\"," EXP ",%s}", row->text));

        if (judge_with_keys(&conf, keys, token) != row->expected)
            fail_msg("%s: %s", row->text, token_fault_text(judge_with_keys(&conf, keys, token)));
    }
    keys_free(keys);
    unlink(path);
}

/* What a key set has accepted is never known: without the set, or under another kid, the same
 * header is refused, and a secret's header is not mistaken for it. */
static void test_key_set_header(void **state)
{
    static const char header[] = "{\"alg\":\"ES256\",\"kid\":\"ES256\"}";
    static const char other[] = "{\"alg\":\"ES256\",\"kid\":\"ES257\"}";
    const char *token = signer_token(&arena, &signers[ES256], header, PAYLOAD);
    char path[] = JWKS_FILE;
    struct conf conf = plain_conf;
    struct keys *keys;

    (void)state;
    keys = keys_of_file(&conf, path);
    for (int round = 0; round < 2; round++) {
        assert_int_equal(judge_with_keys(&conf, keys, token), TOKEN_OK);
        assert_int_equal(judge_with_keys(&conf, NULL, token), TOKEN_BAD_SIGNATURE);
        assert_int_equal(judge_with_keys(&conf, keys, sign(header, PAYLOAD)), TOKEN_BAD_SIGNATURE);
        assert_int_equal(
            judge_with_keys(&conf, keys, signer_token(&arena, &signers[ES256], other, PAYLOAD)),
            TOKEN_UNKNOWN_KEY);
        assert_int_equal(judge_with_keys(&conf, keys, sign(HEADER, PAYLOAD)), TOKEN_OK);
    }
    keys_free(keys);
    unlink(path);
}

/* A file is looked at with each token; what is wrong with it leaves the keys as they were. */
static void test_key_file(void **state)
{
    char path[] = JWKS_FILE;
    struct conf conf = {.user_claim = user_claim, .jwks = path};
    const char *token =
        signer_token(&arena, &signers[ED25519], "{\"alg\":\"EdDSA\",\"kid\":\"EdDSA\"}", PAYLOAD);
    struct keys *keys;
    FILE *file;

    (void)state;
    assert_return_code(close(mkstemp(path)), 0);
    keys = keys_new(&conf, NULL, NULL);
    assert_int_equal(judge_with_keys(&conf, keys, token), TOKEN_UNAVAILABLE);
    write_set(path);
    assert_int_equal(judge_with_keys(&conf, keys, token), TOKEN_OK);
    assert_int_equal(judge_with_keys(&conf, keys, sign(HEADER, PAYLOAD)), TOKEN_UNKNOWN_KEY);
    file = fopen(path, "w");
    fputs("{\"keys\":[]}", file);
    fclose(file);
    assert_int_equal(judge_with_keys(&conf, keys, token), TOKEN_OK);
    unlink(path);
    assert_int_equal(judge_with_keys(&conf, keys, token), TOKEN_OK);
    file = fopen(path, "w");
    fprintf(file, "{\"keys\":[{%s,\"kid\":\"new\"}]}", signer_members(&arena, &signers[ES256]));
    fclose(file);
    assert_int_equal(judge_with_keys(&conf, keys, token), TOKEN_UNKNOWN_KEY);
    keys_free(keys);
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shapes),
        cmocka_unit_test(test_headers),
        cmocka_unit_test(test_known_header),
        cmocka_unit_test(test_known_header_alone),
        cmocka_unit_test(test_other_types),
        cmocka_unit_test(test_payloads),
        cmocka_unit_test(test_strict),
        cmocka_unit_test(test_not_enforced),
        cmocka_unit_test(test_user_claim),
        cmocka_unit_test(test_keys),
        cmocka_unit_test(test_signature_before_claims),
        cmocka_unit_test(test_zero_byte),
        cmocka_unit_test(test_slice),
        cmocka_unit_test(test_length),
        cmocka_unit_test(test_principal),
        cmocka_unit_test(test_user_is_exact),
        cmocka_unit_test(test_fault_texts),
        cmocka_unit_test(test_make),
        cmocka_unit_test(test_make_refuses),
        cmocka_unit_test_setup_teardown(test_key_set, signers_set_up, signers_tear_down),
        cmocka_unit_test_setup_teardown(test_key_set_claims, signers_set_up, signers_tear_down),
        cmocka_unit_test_setup_teardown(test_key_set_header, signers_set_up, signers_tear_down),
        cmocka_unit_test_setup_teardown(test_key_file, signers_set_up, signers_tear_down),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, set_up, tear_down);
}

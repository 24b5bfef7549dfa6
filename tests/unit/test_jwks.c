/* SPDX-License-Identifier: ISC */
/* Which keys of a set are taken, and which signatures they verify. */
#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "arena_fixture.h"
#include "jwks.h"
#include "signer.h"

#define SIGNED_PART "eyJhbGciOiJ4In0.eyJzdWIiOiJ1XzEifQ"

/* ---- documents */

static struct jwks *parse(const char *document)
{
    return jwks_parse(text_of(document));
}

/* A set of one key: the signer's members and `more`. */
static struct jwks *set_of(int signer, const char *more)
{
    struct jwks *set = parse(arena_printf(&arena, "{\"keys\":[{%s%s}]}",
                                          signer_members(&arena, &signers[signer]), more));

    assert_non_null(set);
    return set;
}

static void test_documents(void **state)
{
    static const struct {
        const char *document;
        int keys; /* -1: no key set */
    } rows[] = {
        {"", -1},
        {"null", -1},
        {"[]", -1},
        {"{}", -1},
        {"{\"keys\":null}", -1},
        {"{\"keys\":{}}", -1},
        {"{\"keys\":[]", -1},
        {"{\"keys\":[]}x", -1},
        {"{\"keys\":[],\"keys\":[]}", -1},
        {"<html>503</html>", -1},
        {"{\"keys\":[]}", 0},
        {"{\"keys\":[null,1,\"k\",[],{}]}", 0},
        {"{\"keys\":[{\"kty\":\"oct\",\"k\":\"c2VjcmV0\",\"alg\":\"HS256\"}]}", 0},
        {"{\"keys\":[{\"kty\":\"OKP\",\"crv\":\"X25519\","
         "\"x\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"}]}",
         0},
        {"{\"keys\":[{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"AAAA\"}]}", 0},
        {"{\"keys\":[{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":7}]}", 0},
        {"{\"keys\":[{\"kty\":\"OKP\",\"crv\":\"Ed25519\"}]}", 0},
        {"{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"\",\"y\":\"\"}]}", 0},
        {"{\"keys\":[{\"kty\":\"EC\",\"crv\":\"secp256k1\","
         "\"x\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAE\","
         "\"y\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAE\"}]}",
         0},
        /* (1, 1) and (0, 0) are not on P-256. */
        {"{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\","
         "\"x\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAE\","
         "\"y\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAE\"}]}",
         0},
        {"{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\","
         "\"x\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\","
         "\"y\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"}]}",
         0},
        {"{\"keys\":[{\"kty\":\"RSA\",\"n\":\"\",\"e\":\"AQAB\"}]}", 0},
        {"{\"keys\":[{\"kty\":\"RSA\",\"n\":\"AQAB\",\"e\":\"AQAB\"}]}", 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct jwks *set = parse(rows[i].document);
        int keys = set == NULL ? -1 : (int)jwks_count(set);

        if (keys != rows[i].keys)
            fail_msg("%s: %d keys, expected %d", rows[i].document, keys, rows[i].keys);
        jwks_drop(set);
    }
}

/* What stands beside a good key's own members: is it taken, and for which algorithm? */
static void test_members(void **state)
{
    static const struct {
        int signer;
        const char *more;
        const char *algorithm; /* NULL: skipped */
    } rows[] = {
        {ED25519, "", "EdDSA"},
        {ED25519, ",\"alg\":\"EdDSA\"", "EdDSA"},
        {ED25519, ",\"alg\":\"Ed25519\"", "EdDSA"},
        {ED25519, ",\"alg\":\"ES256\"", NULL},
        {ED25519, ",\"alg\":\"HS256\"", NULL},
        {ED25519, ",\"alg\":\"eddsa\"", NULL},
        {ED25519, ",\"alg\":\"none\"", NULL},
        {ED25519, ",\"alg\":7", NULL},
        {ED25519, ",\"alg\":null", NULL},
        {ED25519, ",\"use\":\"sig\"", "EdDSA"},
        {ED25519, ",\"use\":\"enc\"", NULL},
        {ED25519, ",\"use\":1", NULL},
        {ED25519, ",\"key_ops\":[\"verify\"]", "EdDSA"},
        {ED25519, ",\"key_ops\":[\"sign\"]", NULL},
        {ED25519, ",\"key_ops\":\"verify\"", NULL},
        {ED25519, ",\"kid\":\"a\"", "EdDSA"},
        {ED25519, ",\"kid\":null", "EdDSA"},
        {ED25519, ",\"kid\":5", NULL},
        {ED25519, ",\"x5c\":[\"AAAA\"],\"x5u\":\"https://evil.example\",\"ext\":true", "EdDSA"},
        {ES256, "", "ES256"},
        {ES256, ",\"alg\":\"ES256\"", "ES256"},
        {ES256, ",\"alg\":\"ES384\"", NULL},
        {ES256, ",\"alg\":\"ECDH-ES\"", NULL},
        {ES384, "", "ES384"},
        {ES512, "", "ES512"},
        {RS256, "", "RS256"},
        {RS256, ",\"alg\":\"RS256\"", "RS256"},
        {RS256, ",\"alg\":\"PS256\"", "PS256"},
        {RS256, ",\"alg\":\"RS512\"", NULL},
        {RS256, ",\"alg\":\"RSA-OAEP\"", NULL},
        {RS256, ",\"alg\":\"HS256\"", NULL},
        {SMALL_RSA, "", NULL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct jwks *set = set_of(rows[i].signer, rows[i].more);
        struct jwks_entry entry = {.algorithm = NULL};

        if (jwks_count(set) == 1)
            jwks_entry(set, 0, &entry);
        if ((entry.algorithm == NULL) != (rows[i].algorithm == NULL) ||
            (entry.algorithm != NULL && strcmp(entry.algorithm, rows[i].algorithm) != 0))
            fail_msg("row %zu: %s", i, entry.algorithm == NULL ? "skipped" : entry.algorithm);
        jwks_drop(set);
    }
}

static void test_skips_one_by_one(void **state)
{
    const char *good = signer_members(&arena, &signers[ES256]);
    struct jwks *set = parse(arena_printf(
        &arena,
        "{\"keys\":[{\"kty\":\"oct\",\"k\":\"AAAA\"},7,{%s,\"kid\":\"a\"},{%s,\"use\":\"enc\"},"
        "{%s,\"kid\":\"b\"}]}",
        good, good, good));
    struct jwks_entry entry;

    (void)state;
    assert_int_equal(jwks_count(set), 2);
    jwks_entry(set, 1, &entry);
    assert_string_equal(entry.kid, "b");
    assert_int_equal(entry.bits, 256);
    jwks_drop(set);
}

static void test_bounds(void **state)
{
    const char *good = signer_members(&arena, &signers[ED25519]);
    char *document = arena_printf(&arena, "{\"keys\":[{%s}", good);
    char *huge = arena_alloc(&arena, JWKS_DOCUMENT_MAX + 1);
    struct jwks *set;

    (void)state;
    for (int i = 0; i < JWKS_KEYS_MAX; i++)
        document = arena_printf(&arena, "%s,{%s}", document, good);
    set = parse(arena_printf(&arena, "%s]}", document));
    assert_int_equal(jwks_count(set), JWKS_KEYS_MAX);
    jwks_drop(set);
    memset(huge, ' ', JWKS_DOCUMENT_MAX + 1);
    memcpy(huge, "{\"keys\":[]}", 11);
    set = jwks_parse((struct text){huge, JWKS_DOCUMENT_MAX});
    assert_non_null(set);
    jwks_drop(set);
    assert_null(jwks_parse((struct text){huge, JWKS_DOCUMENT_MAX + 1}));
}

/* ---- signatures */

static enum jwks_verdict judge(const struct jwks *set, const char *kid, const char *algorithm,
                               struct text signature)
{
    const struct jwks_claim claim = {kid, algorithm, TEXT_LITERAL(SIGNED_PART), signature};

    return jwks_judge(set, &claim);
}

static struct text sign(int signer)
{
    return signer_sign(&arena, &signers[signer], TEXT_LITERAL(SIGNED_PART));
}

static void test_every_algorithm(void **state)
{
    (void)state;
    for (int i = 0; i < SMALL_RSA; i++) {
        const char *name = signers[i].algorithm;
        struct jwks *set = set_of(i, arena_printf(&arena, ",\"kid\":\"k\",\"alg\":\"%s\"", name));
        struct text good = sign(i);

        assert_int_equal(jwks_count(set), 1);
        assert_int_equal(judge(set, "k", name, good), JWKS_SIGNED);
        assert_int_equal(judge(set, NULL, name, good), JWKS_SIGNED);
        assert_int_equal(judge(set, "other", name, good), JWKS_UNKNOWN);
        assert_int_equal(judge(set, "k", "HS256", good), JWKS_MISMATCH);
        assert_int_equal(judge(set, "k", "none", good), JWKS_MISMATCH);
        assert_true(jwks_knows(name));
        jwks_drop(set);
    }
    assert_false(jwks_knows("HS256") || jwks_knows("none") || jwks_knows("es256"));
}

/* Each algorithm's good signature, spoilt: no byte may be changed, none be lacking or added. */
static void test_spoilt_signatures(void **state)
{
    (void)state;
    for (int i = 0; i < SMALL_RSA; i++) {
        const char *name = signers[i].algorithm;
        struct jwks *set = set_of(i, arena_printf(&arena, ",\"alg\":\"%s\"", name));
        struct text good = sign(i);
        char *bad = arena_alloc(&arena, good.length + 1);

        for (size_t at = 0; at < good.length; at++) {
            memcpy(bad, good.data, good.length);
            bad[at] ^= 1;
            assert_int_equal(judge(set, NULL, name, (struct text){bad, good.length}), JWKS_UNKNOWN);
        }
        memcpy(bad, good.data, good.length);
        bad[good.length] = 0;
        assert_int_equal(judge(set, NULL, name, (struct text){bad, good.length}), JWKS_SIGNED);
        assert_int_equal(judge(set, NULL, name, (struct text){bad, good.length + 1}), JWKS_UNKNOWN);
        assert_int_equal(judge(set, NULL, name, (struct text){bad, good.length - 1}), JWKS_UNKNOWN);
        assert_int_equal(judge(set, NULL, name, (struct text){bad, 0}), JWKS_UNKNOWN);
        memset(bad, 0, good.length);
        assert_int_equal(judge(set, NULL, name, (struct text){bad, good.length}), JWKS_UNKNOWN);
        memset(bad, 0xff, good.length);
        assert_int_equal(judge(set, NULL, name, (struct text){bad, good.length}), JWKS_UNKNOWN);
        jwks_drop(set);
    }
}

/* r or s is zero, or the signature is DER: refused (CVE-2022-21449 was the first of these). */
static void test_strange_pairs(void **state)
{
    (void)state;
    for (int i = ES256; i <= ES512; i++) {
        const char *name = signers[i].algorithm;
        struct jwks *set = set_of(i, "");
        struct text good = sign(i);
        char *bad = arena_alloc(&arena, good.length);
        size_t half = good.length / 2;

        memcpy(bad, good.data, good.length);
        memset(bad, 0, half);
        assert_int_equal(judge(set, NULL, name, (struct text){bad, good.length}), JWKS_UNKNOWN);
        memcpy(bad, good.data, good.length);
        memset(bad + half, 0, half);
        assert_int_equal(judge(set, NULL, name, (struct text){bad, good.length}), JWKS_UNKNOWN);
        assert_int_equal(judge(set, NULL, name, TEXT_LITERAL("0\x06\x02\x01\x01\x02\x01\x01")),
                         JWKS_UNKNOWN);
        jwks_drop(set);
    }
}

/* s + L signs the same in a verifier that does not check its range. */
static void test_malleable_ed25519(void **state)
{
    static const unsigned char order[32] = {0xed, 0xd3, 0xf5, 0x5c, 0x1a,       0x63,
                                            0x12, 0x58, 0xd6, 0x9c, 0xf7,       0xa2,
                                            0xde, 0xf9, 0xde, 0x14, [31] = 0x10};
    struct jwks *set = set_of(ED25519, "");
    struct text good = sign(ED25519);
    unsigned char bad[64];
    unsigned carry = 0;

    (void)state;
    memcpy(bad, good.data, sizeof(bad));
    for (int i = 0; i < 32; i++) {
        carry += bad[32 + i] + order[i];
        bad[32 + i] = (unsigned char)carry;
        carry >>= 8;
    }
    assert_int_equal(judge(set, NULL, "EdDSA", (struct text){(char *)bad, sizeof(bad)}),
                     JWKS_UNKNOWN);
    jwks_drop(set);
}

/* PKCS #1 and PSS signatures do not stand in for each other, even of the same key. */
static void test_rsa_schemes(void **state)
{
    struct jwks *plain = set_of(RS256, ",\"alg\":\"RS256\"");
    struct jwks *pss = set_of(PS256, ",\"alg\":\"PS256\"");

    (void)state;
    assert_int_equal(judge(plain, NULL, "PS256", sign(RS256)), JWKS_UNKNOWN);
    assert_int_equal(judge(pss, NULL, "RS256", sign(PS256)), JWKS_UNKNOWN);
    assert_int_equal(judge(pss, NULL, "PS256", sign(RS256)), JWKS_UNKNOWN);
    jwks_drop(plain);
    jwks_drop(pss);
}

/* PSS with a salt of another length than the digest's is not PS256. */
static void test_salt_length(void **state)
{
    struct jwks *set = set_of(PS256, ",\"alg\":\"PS256\"");
    unsigned char signature[256];
    size_t length = sizeof(signature);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    EVP_PKEY_CTX *options;

    (void)state;
    assert_int_equal(
        EVP_DigestSignInit_ex(context, &options, "SHA256", NULL, NULL, signers[PS256].key, NULL),
        1);
    EVP_PKEY_CTX_set_rsa_padding(options, RSA_PKCS1_PSS_PADDING);
    EVP_PKEY_CTX_set_rsa_pss_saltlen(options, 8);
    assert_int_equal(EVP_DigestSign(context, signature, &length, (const unsigned char *)SIGNED_PART,
                                    strlen(SIGNED_PART)),
                     1);
    EVP_MD_CTX_free(context);
    assert_int_equal(judge(set, NULL, "PS256", (struct text){(char *)signature, length}),
                     JWKS_UNKNOWN);
    jwks_drop(set);
}

/* Which of several keys is asked. */
static void test_names(void **state)
{
    struct jwks *set = parse(arena_printf(
        &arena, "{\"keys\":[{%s,\"kid\":\"a\"},{%s,\"kid\":\"b\"},{%s,\"kid\":\"b\"},{%s}]}",
        signer_members(&arena, &signers[ED25519]), signer_members(&arena, &signers[ES256]),
        signer_members(&arena, &signers[ES384]), signer_members(&arena, &signers[ES512])));

    (void)state;
    assert_int_equal(jwks_count(set), 4);
    assert_int_equal(judge(set, "a", "EdDSA", sign(ED25519)), JWKS_SIGNED);
    assert_int_equal(judge(set, "b", "EdDSA", sign(ED25519)), JWKS_MISMATCH);
    assert_int_equal(judge(set, "b", "ES256", sign(ES256)), JWKS_SIGNED);
    assert_int_equal(judge(set, "b", "ES384", sign(ES384)), JWKS_SIGNED);
    assert_int_equal(judge(set, "c", "ES384", sign(ES384)), JWKS_UNKNOWN);
    assert_int_equal(judge(set, "c", "ES512", sign(ES512)), JWKS_SIGNED);
    assert_int_equal(judge(set, "c", "ES512", sign(ES384)), JWKS_UNKNOWN);
    assert_int_equal(judge(set, "", "EdDSA", sign(ED25519)), JWKS_UNKNOWN);
    jwks_drop(set);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_documents, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_members, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_skips_one_by_one, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_bounds, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_every_algorithm, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_spoilt_signatures, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_strange_pairs, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_malleable_ed25519, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_rsa_schemes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_salt_length, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_names, set_up, tear_down),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, signers_set_up, signers_tear_down);
}

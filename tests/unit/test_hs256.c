/* SPDX-License-Identifier: ISC */
/* RFC 4231's examples, every length of secret and message against OpenSSL's own HMAC, and every
 * signature with a bit turned. */
#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "hs256.h"

#define TEXT(array) ((struct text){(const char *)(array), sizeof(array)})

static const struct {
    struct text secret, message;
    unsigned char mac[HS256_SIZE];
} examples[] = {
    {TEXT_INIT("Jefe"),
     TEXT_INIT("what do ya want for nothing?"),
     {0x5b, 0xdc, 0xc1, 0x46, 0xbf, 0x60, 0x75, 0x4e, 0x6a, 0x04, 0x24,
      0x26, 0x08, 0x95, 0x75, 0xc7, 0x5a, 0x00, 0x3f, 0x08, 0x9d, 0x27,
      0x39, 0x83, 0x9d, 0xec, 0x58, 0xb9, 0x64, 0xec, 0x38, 0x43}},
    {TEXT_INIT("\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b"),
     TEXT_INIT("Hi There"),
     {0xb0, 0x34, 0x4c, 0x61, 0xd8, 0xdb, 0x38, 0x53, 0x5c, 0xa8, 0xaf,
      0xce, 0xaf, 0x0b, 0xf1, 0x2b, 0x88, 0x1d, 0xc2, 0x00, 0xc9, 0x83,
      0x3d, 0xa7, 0x26, 0xe9, 0x37, 0x6c, 0x2e, 0x32, 0xcf, 0xf7}},
};

static void published_examples(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof examples / sizeof *examples; i++)
        assert_true(hs256_matches(examples[i].secret, examples[i].message, TEXT(examples[i].mac)));
}

static void every_length(void **state)
{
    unsigned char bytes[300], mac[HS256_SIZE];

    (void)state;
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (unsigned char)(i * 151 + 7);
    for (size_t secret = 1; secret <= 130; secret++) {
        for (size_t length = 0; length <= sizeof bytes; length += secret % 7 + 1) {
            assert_non_null(HMAC(EVP_sha256(), bytes, (int)secret, bytes, length, mac, NULL));
            assert_true(hs256_matches((struct text){(const char *)bytes, secret},
                                      (struct text){(const char *)bytes, length}, TEXT(mac)));
        }
    }
}

static void every_turned_bit(void **state)
{
    unsigned char mac[HS256_SIZE];

    (void)state;
    for (size_t bit = 0; bit < sizeof mac * 8; bit++) {
        for (size_t i = 0; i < sizeof mac; i++)
            mac[i] = examples[0].mac[i];
        mac[bit / 8] ^= (unsigned char)(1u << bit % 8);
        assert_false(hs256_matches(examples[0].secret, examples[0].message, TEXT(mac)));
    }
}

static void other_inputs(void **state)
{
    const struct text secret = examples[0].secret, message = examples[0].message;
    const struct text mac = TEXT(examples[0].mac);
    unsigned char empty_mac[HS256_SIZE];

    (void)state;
    assert_non_null(HMAC(EVP_sha256(), "", 0, (const unsigned char *)message.data, message.length,
                         empty_mac, NULL));
    assert_false(hs256_matches(TEXT_LITERAL(""), message, TEXT(empty_mac)));
    assert_false(hs256_matches(TEXT_NULL, message, TEXT(empty_mac)));
    assert_false(hs256_matches(TEXT_LITERAL("jefe"), message, mac));
    assert_false(hs256_matches(secret, TEXT_LITERAL("what do ya want for nothing!"), mac));
    assert_false(hs256_matches(secret, message, (struct text){mac.data, HS256_SIZE - 1}));
    assert_false(hs256_matches(secret, message, (struct text){mac.data, 0}));
    assert_false(hs256_matches(secret, message, TEXT_LITERAL("0123456789abcdef0123456789abcdef0")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(published_examples),
        cmocka_unit_test(every_length),
        cmocka_unit_test(every_turned_bit),
        cmocka_unit_test(other_inputs),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

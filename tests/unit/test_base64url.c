/* SPDX-License-Identifier: ISC */
/* RFC 4648's examples in their base64url form, and every spelling that is not the one. */
#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "arena_fixture.h"
#include "base64url.h"

static const struct {
    struct text bytes;
    const char *encoded;
} pairs[] = {
    {TEXT_INIT(""), ""},
    {TEXT_INIT("f"), "Zg"},
    {TEXT_INIT("fo"), "Zm8"},
    {TEXT_INIT("foo"), "Zm9v"},
    {TEXT_INIT("foob"), "Zm9vYg"},
    {TEXT_INIT("fooba"), "Zm9vYmE"},
    {TEXT_INIT("foobar"), "Zm9vYmFy"},
    {TEXT_INIT("\0"), "AA"},
    {TEXT_INIT("\xfb\xef\xbe"), "----"},
    {TEXT_INIT("\xff\xff\xff"), "____"},
};

static void both_ways(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
        struct text bytes;

        assert_string_equal(base64url_encode(&arena, pairs[i].bytes.data, pairs[i].bytes.length),
                            pairs[i].encoded);
        assert_true(base64url_decode(&arena, text_of(pairs[i].encoded), &bytes));
        assert_true(text_equal(bytes, pairs[i].bytes));
    }
}

static void every_length(void **state)
{
    unsigned char bytes[256];

    (void)state;
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (unsigned char)(i * 151 + 7);
    for (size_t length = 0; length <= sizeof(bytes); length++) {
        char *encoded = base64url_encode(&arena, bytes, length);
        struct text decoded;

        assert_int_equal(strspn(encoded, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                         "0123456789-_"),
                         (length * 4 + 2) / 3);
        assert_true(base64url_decode(&arena, text_of(encoded), &decoded));
        assert_true(text_equal(decoded, (struct text){(const char *)bytes, length}));
    }
}

static void other_spellings(void **state)
{
    static const char *const wrong[] = {"A",
                                        "AAAAA",
                                        "Zg==",
                                        "Zg=",
                                        "Zh",
                                        "Zm9",
                                        "Zm-",
                                        "+AAA",
                                        "/AAA",
                                        "Z g",
                                        "Zm9v\n",
                                        "Zm9v=",
                                        "\xc3\xa9\xc3\xa9",
                                        "Zm.v",
                                        "=",
                                        "===="};

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        struct text bytes;

        if (base64url_decode(&arena, text_of(wrong[i]), &bytes))
            fail_msg("taken: %s", wrong[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_ways),
        cmocka_unit_test(every_length),
        cmocka_unit_test(other_spellings),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, set_up, tear_down);
}

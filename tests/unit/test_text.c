/* SPDX-License-Identifier: ISC */
/* test_text.c: text.h. */
#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "text.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define T(s)                                                                                       \
    {                                                                                              \
        (s), sizeof(s) - 1                                                                         \
    }

/* The same bytes in a block of their own, so that a sanitizer sees a read past the end. */
static struct text exact_copy(struct text t)
{
    char *data = malloc(t.length + !t.length);

    assert_non_null(data);
    memcpy(data, t.data, t.length);
    return (struct text){data, t.length};
}

static void free_copy(struct text t)
{
    free((void *)(uintptr_t)t.data);
}

static void test_of(void **state)
{
    (void)state;
    assert_null(text_of(NULL).data);
    assert_int_equal(text_of("").length, 0);
    assert_non_null(text_of("").data);
    assert_int_equal(text_of("abc").length, 3);
    assert_int_equal(TEXT_LITERAL("a\0b").length, 3);
}

static void test_equal(void **state)
{
    (void)state;
    assert_true(text_equal(TEXT_NULL, TEXT_NULL));
    assert_false(text_equal(TEXT_NULL, TEXT_LITERAL("")));
    assert_false(text_equal(TEXT_LITERAL(""), TEXT_NULL));
    assert_true(text_equal(TEXT_LITERAL(""), text_of("")));
    assert_true(text_equal(TEXT_LITERAL("a\0b"), (struct text){"a\0b", 3}));
    assert_false(text_equal(TEXT_LITERAL("a\0b"), TEXT_LITERAL("a\0c")));
    assert_false(text_equal(TEXT_LITERAL("ab"), TEXT_LITERAL("a")));
}

static const struct {
    struct text t;
    bool valid;
} utf8_cases[] = {
    {T(""), true},
    {T("plain ASCII, longer than one word"), true},
    {T("a\0b"), true},
    {T("\x7f"), true},
    {T("\x80"), false},
    {T("\xbf"), false},
    {T("\xc0\x80"), false}, /* overlong U+0000 */
    {T("\xc1\xbf"), false},
    {T("\xc2\x80"), true},
    {T("\xc2"), false},
    {T("\xc2\x7f"), false},
    {T("\xc2\xc0"), false},
    {T("\xdf\xbf"), true},
    {T("\xe0\x9f\xbf"), false}, /* overlong U+07FF */
    {T("\xe0\xa0\x80"), true},
    {T("\xe0\xa0"), false},
    {T("\xe1\x80\x80"), true},
    {T("\xe1\x80\x7f"), false},
    {T("\xec\xbf\xbf"), true},
    {T("\xed\x9f\xbf"), true},
    {T("\xed\xa0\x80"), false}, /* U+D800 */
    {T("\xed\xbf\xbf"), false}, /* U+DFFF */
    {T("\xee\x80\x80"), true},
    {T("\xef\xbf\xbf"), true},
    {T("\xf0\x8f\xbf\xbf"), false}, /* overlong U+FFFF */
    {T("\xf0\x90\x80\x80"), true},
    {T("\xf0\x90\x80"), false},
    {T("\xf0\x90\x80\xc0"), false},
    {T("\xf1\x80\x80\x80"), true},
    {T("\xf3\xbf\xbf\xbf"), true},
    {T("\xf4\x8f\xbf\xbf"), true},
    {T("\xf4\x90\x80\x80"), false}, /* U+110000 */
    {T("\xf5\x80\x80\x80"), false},
    {T("\xff"), false},
    {T("eight by\xff"), false},
    {T("Gr\xc3\xbc\xc3\x9f Gott, \xf0\x9f\x98\x80!"), true},
};

static void test_is_utf8(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(utf8_cases); i++) {
        struct text t = exact_copy(utf8_cases[i].t);

        if (text_is_utf8(t) != utf8_cases[i].valid)
            fail_msg("case %zu", i);
        free_copy(t);
    }
    assert_true(text_is_utf8(TEXT_NULL));
}

/* Every code point, encoded by hand, must pass; every surrogate must not. */
static void test_every_code_point(void **state)
{
    (void)state;
    for (uint32_t point = 0x80; point <= 0x10ffff; point++) {
        char bytes[4];
        size_t length = point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
        static const unsigned char leads[] = {0, 0, 0xc0, 0xe0, 0xf0};
        uint32_t rest = point;

        for (size_t i = length - 1; i > 0; i--, rest >>= 6)
            bytes[i] = (char)(0x80 | (rest & 0x3f));
        bytes[0] = (char)(leads[length] | rest);
        if (text_is_utf8((struct text){bytes, length}) != (point < 0xd800 || point > 0xdfff))
            fail_msg("U+%04X", point);
    }
}

static void test_code_points(void **state)
{
    static const struct {
        struct text t;
        size_t count;
    } cases[] = {
        {T(""), 0},
        {T("abc"), 3},
        {T("a\0b"), 3},
        {T("\xc3\xa9"), 1},
        {T("\xe2\x82\xac\xf0\x9f\x98\x80x"), 3},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++)
        assert_int_equal(text_code_points(cases[i].t), cases[i].count);
}

static void test_has_control(void **state)
{
    static const struct {
        struct text t;
        bool has;
    } cases[] = {
        {T(""), false},
        {T("a b~"), false},
        {T("a\tb"), true},
        {T("\x1f"), true},
        {T(" "), false},
        {T("a\0"), true},
        {T("\x7f"), true},
        {T("\xc2\x80"), true},
        {T("\xc2\x9f"), true},
        {T("\xc2\xa0"), false},
        {T("\xc3\x80"), false},
        {T("\xe2\x80\xa8"), false},
        {T("\xc2"), false},
        {T("\xf0\x9f\x98\x80"), false},
        {T("\xe0\xa2\x80"), false},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++)
        if (text_has_control(cases[i].t) != cases[i].has)
            fail_msg("case %zu", i);
}

/* Python: {c for c in map(chr, range(0x110000)) if c.isspace()}. */
static const char *const spaces[] = {
    "\t",           "\n",           "\v",           "\f",           "\r",
    "\x1c",         "\x1d",         "\x1e",         "\x1f",         " ",
    "\xc2\x85",     "\xc2\xa0",     "\xe1\x9a\x80", "\xe2\x80\x80", "\xe2\x80\x81",
    "\xe2\x80\x82", "\xe2\x80\x83", "\xe2\x80\x84", "\xe2\x80\x85", "\xe2\x80\x86",
    "\xe2\x80\x87", "\xe2\x80\x88", "\xe2\x80\x89", "\xe2\x80\x8a", "\xe2\x80\xa8",
    "\xe2\x80\xa9", "\xe2\x80\xaf", "\xe2\x81\x9f", "\xe3\x80\x80",
};

static void check_trim(struct text raw, struct text expected)
{
    struct text t = exact_copy(raw), trimmed = text_trim(t);

    assert_int_equal(trimmed.length, expected.length);
    assert_memory_equal(trimmed.data, expected.data, expected.length);
    free_copy(t);
}

static void test_without_bom(void **state)
{
    static const struct {
        struct text raw, rest;
    } cases[] = {
        {T(""), T("")},
        {T("a"), T("a")},
        {T("\xef\xbb"), T("\xef\xbb")},
        {T("\xef\xbb\xbf"), T("")},
        {T("\xef\xbb\xbf\xef\xbb\xbf"), T("\xef\xbb\xbf")},
        {T("a\xef\xbb\xbf"), T("a\xef\xbb\xbf")},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct text copy = exact_copy(cases[i].raw);

        assert_true(text_equal(text_without_bom(copy), cases[i].rest));
        free_copy(copy);
    }
}

static void test_trim_every_space(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(spaces); i++) {
        char padded[32];

        snprintf(padded, sizeof(padded), "%s %sa%sb%s\t%s", spaces[i], spaces[i], spaces[i],
                 spaces[i], spaces[i]);
        check_trim(text_of(padded),
                   (struct text){padded + 2 * strlen(spaces[i]) + 1, strlen(spaces[i]) + 2});
        check_trim(text_of(spaces[i]), TEXT_LITERAL(""));
    }
}

static void test_trim(void **state)
{
    static const struct {
        struct text raw, trimmed;
    } cases[] = {
        {T(""), T("")},
        {T("a"), T("a")},
        {T("  a  b  "), T("a  b")},
        {T(" \0 "), T("\0")},
        {T("\x08"), T("\x08")},
        {T("\x1b"), T("\x1b")},
        {T("!"), T("!")},
        {T("\xe2\x80\x8b"), T("\xe2\x80\x8b")}, /* zero width space is none */
        {T("\xc2\x84"), T("\xc2\x84")},
        {T("\xc2\x86"), T("\xc2\x86")},
        {T("\xc3\xa0"), T("\xc3\xa0")}, /* ends in the byte of a no-break space */
        {T("\xe0\x80\x85"), T("\xe0\x80\x85")},
        {T("\xe2\x80\xb0"), T("\xe2\x80\xb0")},
        {T("\xe3\x80\x81"), T("\xe3\x80\x81")},
        {T("\xe2\x80"), T("\xe2\x80")}, /* cut off */
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++)
        check_trim(cases[i].raw, cases[i].trimmed);
    assert_int_equal(text_trim(TEXT_NULL).length, 0);
}

static void test_to_int(void **state)
{
    static const struct {
        struct text t;
        int64_t minimum, maximum;
        bool valid;
        int64_t value;
    } cases[] = {
        {T("0"), 0, 9, true, 0},
        {T("9"), 0, 9, true, 9},
        {T("10"), 0, 9, false, 0},
        {T("-1"), 0, 9, false, 0},
        {T("-1"), -1, 9, true, -1},
        {T("007"), 0, 9, true, 7},
        {T("9223372036854775807"), INT64_MIN, INT64_MAX, true, INT64_MAX},
        {T("9223372036854775808"), INT64_MIN, INT64_MAX, false, 0},
        {T("-9223372036854775808"), INT64_MIN, INT64_MAX, true, INT64_MIN},
        {T("-9223372036854775809"), INT64_MIN, INT64_MAX, false, 0},
        {T("99999999999999999999"), INT64_MIN, INT64_MAX, false, 0},
        {T(""), INT64_MIN, INT64_MAX, false, 0},
        {T("-"), INT64_MIN, INT64_MAX, false, 0},
        {T("+1"), INT64_MIN, INT64_MAX, false, 0},
        {T("--1"), INT64_MIN, INT64_MAX, false, 0},
        {T(" 1"), INT64_MIN, INT64_MAX, false, 0},
        {T("1 "), INT64_MIN, INT64_MAX, false, 0},
        {T("1\0"), INT64_MIN, INT64_MAX, false, 0},
        {T("1.0"), INT64_MIN, INT64_MAX, false, 0},
        {T("1e3"), INT64_MIN, INT64_MAX, false, 0},
        {T("0x1"), INT64_MIN, INT64_MAX, false, 0},
        {T("\xef\xbc\x91"), INT64_MIN, INT64_MAX, false, 0}, /* fullwidth 1 */
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        int64_t value = 4711;
        bool valid = text_to_int(cases[i].t, cases[i].minimum, cases[i].maximum, &value);

        if (valid != cases[i].valid || value != (valid ? cases[i].value : 4711))
            fail_msg("case %zu", i);
    }
}

static void test_one_line(void **state)
{
    static const char *const rows[][2] = {
        {"", ""},        {"one", "one"},          {"one\n", "one"},    {"\n", ""},
        {"a\nb", "a b"}, {"a\n\tb \r\n", "a  b"}, {"ü\nü\n\n", "ü ü"}, {"1234567890", "1234567"},
    };
    char line[8];

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_string_equal(text_one_line(rows[i][0], line, sizeof line), rows[i][1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_of),          cmocka_unit_test(test_equal),
        cmocka_unit_test(test_is_utf8),     cmocka_unit_test(test_every_code_point),
        cmocka_unit_test(test_code_points), cmocka_unit_test(test_has_control),
        cmocka_unit_test(test_without_bom), cmocka_unit_test(test_trim_every_space),
        cmocka_unit_test(test_trim),        cmocka_unit_test(test_to_int),
        cmocka_unit_test(test_one_line),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

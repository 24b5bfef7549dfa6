/* SPDX-License-Identifier: ISC */
/* test_buf.c: buf.h. */
#include <config.h>

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "buf.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define T(s)                                                                                       \
    {                                                                                              \
        (s), sizeof(s) - 1                                                                         \
    }

static int setup(void **state)
{
    static struct buf buf;

    buf_init(&buf);
    *state = &buf;
    return 0;
}

static int teardown(void **state)
{
    buf_fini(*state);
    return 0;
}

static void assert_holds(const struct buf *buf, struct text expected)
{
    assert_int_equal(buf->length, expected.length);
    assert_memory_equal(buf_text(buf).data, expected.data, expected.length);
}

static void test_empty(void **state)
{
    struct buf *buf = *state;

    assert_null(buf->data);
    assert_non_null(buf_text(buf).data);
    assert_int_equal(buf_text(buf).length, 0);
    buf_add(buf, NULL, 0);
    buf_add_text(buf, TEXT_NULL);
    buf_add_string(buf, "");
    assert_int_equal(buf->length, 0);
    assert_non_null(buf_reserve(buf, 0));
}

static void test_add(void **state)
{
    struct buf *buf = *state;

    buf_add(buf, "a\0b", 3);
    buf_add_text(buf, TEXT_LITERAL("cd"));
    buf_add_string(buf, "ef");
    buf_add_char(buf, 'g');
    memcpy(buf_reserve(buf, 2), "hi", 2);
    buf->length += 2;
    assert_holds(buf, TEXT_LITERAL("a\0bcdefghi"));
}

static void test_growth(void **state)
{
    struct buf *buf = *state;

    for (int i = 0; i < 300000; i++)
        buf_add_char(buf, (char)('a' + i % 26));
    assert_int_equal(buf->length, 300000);
    for (int i = 0; i < 300000; i++)
        assert_int_equal(buf->data[i], 'a' + i % 26);
}

static void test_clear(void **state)
{
    struct buf *buf = *state;

    buf_add_string(buf, "something");
    buf_clear(buf);
    assert_int_equal(buf->length, 0);
    assert_non_null(buf->data);
    buf_reserve(buf, 256 * 1024);
    buf_clear(buf);
    assert_int_equal(buf->capacity, 256 * 1024);
    buf_reserve(buf, 256 * 1024 + 1);
    buf_clear(buf);
    assert_null(buf->data);
    assert_int_equal(buf->capacity, 0);
    buf_add_string(buf, "again");
    assert_holds(buf, TEXT_LITERAL("again"));
}

static void test_int(void **state)
{
    static const int64_t values[] = {
        0, 1, -1, 9, 10, 99, 100, -10, 1234567890, INT32_MAX, INT32_MIN, INT64_MAX, INT64_MIN,
    };
    struct buf *buf = *state;

    for (size_t i = 0; i < COUNT(values); i++) {
        char expected[32];

        snprintf(expected, sizeof(expected), "%" PRId64, values[i]);
        buf_clear(buf);
        buf_add_int(buf, values[i]);
        assert_holds(buf, text_of(expected));
    }
}

/* Lengths around the room that is tried first, and around the buffer's own end. */
static void test_printf(void **state)
{
    struct buf *buf = *state;

    for (int width = 1; width < 2100; width++) {
        buf_clear(buf);
        buf_add_char(buf, '<');
        buf_printf(buf, "%*d|%s", width, 7, "x");
        buf_add_char(buf, '>');
        assert_int_equal(buf->length, (size_t)width + 4);
        assert_memory_equal(buf->data + width, "7|x>", 4);
    }
}

static const struct {
    struct text t, json;
} json_cases[] = {
    {{NULL, 0}, T("null")},
    {T(""), T("\"\"")},
    {T("plain"), T("\"plain\"")},
    {T("a\"b\\c/d"), T("\"a\\\"b\\\\c/d\"")},
    {T("\b\t\n\f\r"), T("\"\\b\\t\\n\\f\\r\"")},
    {T("\0\x01\x0b\x1f"), T("\"\\u0000\\u0001\\u000b\\u001f\"")},
    {T("\x7f\xc2\x80 Gr\xc3\xbc\xc3\x9f \xe2\x80\xa8 \xf0\x9f\x98\x80"),
     T("\"\x7f\xc2\x80 Gr\xc3\xbc\xc3\x9f \xe2\x80\xa8 \xf0\x9f\x98\x80\"")},
    {T("\"\""), T("\"\\\"\\\"\"")},
    {T("\\"), T("\"\\\\\"")},
};

static void test_json(void **state)
{
    struct buf *buf = *state;

    for (size_t i = 0; i < COUNT(json_cases); i++) {
        buf_clear(buf);
        buf_add_json(buf, json_cases[i].t);
        assert_holds(buf, json_cases[i].json);
    }
}

/* Each byte of ASCII, alone and between others, comes back from a JSON parser. */
static void test_json_is_read_back(void **state)
{
    struct buf *buf = *state;

    for (int c = 0; c < 128; c++) {
        const char raw[] = {'a', (char)c, 'b', (char)c, (char)c};
        json_t *json;

        buf_clear(buf);
        buf_add_json(buf, (struct text){raw, sizeof(raw)});
        json = json_loadb(buf->data, buf->length, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
        assert_non_null(json);
        assert_int_equal(json_string_length(json), sizeof(raw));
        assert_memory_equal(json_string_value(json), raw, sizeof(raw));
        json_decref(json);
    }
}

/* One byte at each place of strings that are read in words: escaped or not, as it needs. */
static void test_json_at_each_place(void **state)
{
    static const unsigned char bytes[] = {0,    1,   0x1f, ' ',  '!',  '"',  '#',  '[',
                                          '\\', ']', 0x7f, 0x80, 0x81, 0xa2, 0xdc, 0xff};
    struct buf *buf = *state;

    for (size_t i = 0; i < sizeof(bytes); i++)
        for (size_t length = 1; length <= 40; length++)
            for (size_t place = 0; place < length; place++) {
                unsigned char c = bytes[i], raw[40];
                bool escaped = c < 0x20 || c == '"' || c == '\\';

                memset(raw, 'x', sizeof(raw));
                raw[place] = c;
                buf_clear(buf);
                buf_add_json(buf, (struct text){(const char *)raw, length});
                assert_int_equal(buf->length, length + 2 + (!escaped ? 0 : c < 0x20 ? 5 : 1));
                assert_int_equal((unsigned char)buf->data[1 + place], escaped ? '\\' : c);
                assert_int_equal(buf->data[buf->length - 1], '"');
            }
}

/* A string that is nothing but escapes needs six times the room that was reserved. */
static void test_json_all_escapes(void **state)
{
    static const char zeros[5000];
    struct buf *buf = *state;

    buf_add_json(buf, (struct text){zeros, sizeof(zeros)});
    assert_int_equal(buf->length, 6 * sizeof(zeros) + 2);
    assert_memory_equal(buf->data + buf->length - 7, "\\u0000\"", 7);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_empty),
        TEST(test_add),
        TEST(test_growth),
        TEST(test_clear),
        TEST(test_int),
        TEST(test_printf),
        TEST(test_json),
        TEST(test_json_is_read_back),
        TEST(test_json_at_each_place),
        TEST(test_json_all_escapes),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

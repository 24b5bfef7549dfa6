/* SPDX-License-Identifier: ISC */
/* test_ical_line.c: ical_line.h. */
#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "ical_line.h"

#define T(s)                                                                                       \
    {                                                                                              \
        s, sizeof(s) - 1                                                                           \
    }

static void assert_text(struct text actual, struct text expected)
{
    assert_int_equal(actual.length, expected.length);
    assert_memory_equal(actual.data ? actual.data : "", expected.data ? expected.data : "",
                        expected.length);
}

static void test_escape(void **state)
{
    struct buf out, back;

    (void)state;
    buf_init(&out);
    buf_init(&back);
    ical_escape(&out, TEXT_LITERAL("a\\b;c,d\ne:\"\t"));
    assert_text(buf_text(&out), TEXT_LITERAL("a\\\\b\\;c\\,d\\ne:\"\t"));
    ical_unescape(&back, buf_text(&out));
    assert_text(buf_text(&back), TEXT_LITERAL("a\\b;c,d\ne:\"\t"));
    buf_clear(&back);
    ical_unescape(&back, TEXT_LITERAL("a\\Nb\\xc,d\\")); /* as others write it */
    assert_text(buf_text(&back), TEXT_LITERAL("a\nbxc,d\\"));
    buf_fini(&out);
    buf_fini(&back);
}

static void test_values(void **state)
{
    struct text rest = T("a\\,b,,c");
    struct buf out;

    (void)state;
    buf_init(&out);
    assert_true(ical_take_value(&rest, &out));
    assert_text(buf_text(&out), TEXT_LITERAL("a,b"));
    buf_clear(&out);
    assert_true(ical_take_value(&rest, &out));
    assert_int_equal(out.length, 0);
    assert_false(ical_take_value(&rest, &out));
    assert_text(buf_text(&out), TEXT_LITERAL("c"));
    buf_fini(&out);
}

/* No physical line is over 75 bytes, none begins inside of a character, and all comes back. */
static void assert_folds(struct text line)
{
    struct ical_reader reader = {0};
    struct ical_line back;
    struct buf out;
    size_t start = 0;

    buf_init(&out);
    buf_init(&reader.unfolded);
    buf_add_string(&out, "before\r\n");
    buf_add_text(&out, line);
    ical_end_line(&out, 8);
    for (size_t i = 0; i + 1 < out.length; i++)
        if (out.data[i] == '\r' && out.data[i + 1] == '\n') {
            assert_true(i - start <= 75);
            assert_true(text_is_utf8((struct text){out.data + start, i - start}));
            start = i + 2;
        }
    assert_int_equal(start, out.length);
    reader.rest = (struct text){out.data + 8, out.length - 8};
    assert_int_equal(ical_next(&reader, &back), 1);
    assert_text(back.value, (struct text){line.data + 2, line.length - 2});
    assert_int_equal(ical_next(&reader, &back), 0);
    buf_fini(&reader.unfolded);
    buf_fini(&out);
}

static void test_fold(void **state)
{
    static const char *const characters[] = {
        "a", " ", "\t", "\xc3\xbc", "\xe2\x82\xac", "\xf0\x9f\x98\x80", "a\xf0\x9f\x98\x80"};

    (void)state;
    for (size_t i = 0; i < sizeof characters / sizeof *characters; i++)
        for (size_t count = 0; count < 120; count++) {
            struct buf line;

            buf_init(&line);
            buf_add_string(&line, "X:");
            for (size_t k = 0; k < count; k++)
                buf_add_string(&line, characters[i]);
            assert_folds(buf_text(&line));
            buf_fini(&line);
        }
}

static void test_lines(void **state)
{
    static const struct {
        struct text text;
        int number; /* 0: none is left; negative: that line is none */
        struct text name, parameters, value;
    } cases[] = {
        {T(""), 0, T(""), T(""), T("")},
        {T("\r\n\n\r\n"), 0, T(""), T(""), T("")},
        {T("\r\nA:b"), 2, T("A"), T(""), T("b")},
        {T("A:\r\n"), 1, T("A"), T(""), T("")},
        {T("X-a9;B=c:d:e\n"), 1, T("X-a9"), T(";B=c"), T("d:e")},
        {T("A;B=\"c:d;e\":f\r\n"), 1, T("A"), T(";B=\"c:d;e\""), T("f")},
        {T("A\r\n ;B\r\n\t=c:\r\n  d\r\n \r\n"), 1, T("A"), T(";B=c"), T(" d")},
        {T("A:\xc3\r\n \xbc\r\n"), 1, T("A"), T(""), T("\xc3\xbc")}, /* folded in a character */
        {T("A"), -1, T(""), T(""), T("")},
        {T("A;B=c"), -1, T(""), T(""), T("")},
        {T("A;B=\"c:d"), -1, T(""), T(""), T("")},
        {T(":b"), -1, T(""), T(""), T("")},
        {T("A B:c"), -1, T(""), T(""), T("")},
        {T("A.B:c"), -1, T(""), T(""), T("")},
        {T(" A:c"), -1, T(""), T(""), T("")},
        {T("\n\nA:\xff"), -3, T(""), T(""), T("")},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct ical_reader reader = {.rest = cases[i].text};
        struct ical_line line;
        int found;

        buf_init(&reader.unfolded);
        found = ical_next(&reader, &line);
        assert_int_equal(found, (cases[i].number > 0) - (cases[i].number < 0));
        if (found != 0)
            assert_int_equal((int)line.number * found, cases[i].number);
        if (found > 0) {
            assert_text(line.name, cases[i].name);
            assert_text(line.parameters, cases[i].parameters);
            assert_text(line.value, cases[i].value);
        }
        buf_fini(&reader.unfolded);
    }
}

static void test_parameters(void **state)
{
    const struct ical_line line = {.parameters = T(";A=b;TzID=\"x;y:z\";B;C=;=d;E=f")};
    const struct ical_line none = {.parameters = T("")};

    (void)state;
    assert_text(ical_parameter(&line, "a"), TEXT_LITERAL("b"));
    assert_text(ical_parameter(&line, "TZID"), TEXT_LITERAL("x;y:z"));
    assert_text(ical_parameter(&line, "C"), TEXT_LITERAL(""));
    assert_text(ical_parameter(&line, "E"), TEXT_LITERAL("f"));
    assert_null(ical_parameter(&line, "B").data);
    assert_null(ical_parameter(&line, "F").data);
    assert_null(ical_parameter(&none, "A").data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_escape),     cmocka_unit_test(test_values),
        cmocka_unit_test(test_fold),       cmocka_unit_test(test_lines),
        cmocka_unit_test(test_parameters),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: ISC */
/* Users in the log, against what OpenSSL's SipHash gives under the same key. */
#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "pseudonym.h"

static char secret[] = "0123456789abcdef0123456789abcdef";
static char other_secret[] = "0123456789abcdef0123456789abcdeg";
static char out[PSEUDONYM_SIZE];

static const char *name_of(const char *user)
{
    pseudonym_write(text_of(user), out);
    return out;
}

static void start(char *with)
{
    const struct conf conf = {.secret = with, .secret_length = with ? strlen(with) : 0};

    pseudonym_start(&conf);
}

static void test_none_yet(void **state)
{
    (void)state;
    assert_string_equal(name_of("u/1"), "");
}

static void test_names(void **state)
{
    static const struct {
        const char *user, *name;
    } rows[] = {
        {"u/1", "2a541f60c1c73052"},
        {"", "09d50cf54918e539"},
        {"alice@example.com", "06b9b0d3efca9ff5"},
        {"12345678", "863f00f9ac6e70ce"},
        {"\xc3\xbc", "2dfcf29aac6b0d56"},
    };
    char longest[256];

    (void)state;
    start(secret);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_string_equal(name_of(rows[i].user), rows[i].name);
    memset(longest, 'x', 255);
    longest[255] = '\0';
    assert_string_equal(name_of(longest), "90ee08ee271772ad");
    assert_string_equal(name_of(NULL), "");
}

static void test_another_secret(void **state)
{
    (void)state;
    start(other_secret);
    assert_string_not_equal(name_of("u/1"), "2a541f60c1c73052");
}

/* Each start has names of its own, and keeps to them. */
static void test_without_secret(void **state)
{
    char first[PSEUDONYM_SIZE];

    (void)state;
    start(NULL);
    memcpy(first, name_of("u/1"), sizeof first);
    assert_string_equal(name_of("u/1"), first);
    assert_string_not_equal(name_of("u/2"), first);
    start(NULL);
    assert_string_not_equal(name_of("u/1"), first);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_none_yet),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_another_secret),
        cmocka_unit_test(test_without_secret),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

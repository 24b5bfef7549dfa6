/* SPDX-License-Identifier: ISC */
/* Which request ids are taken over, and what is made up instead of the others. */
#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "arena_fixture.h"
#include "request_id.h"

#define LONGEST                                                                                    \
    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"                             \
    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static void test_taken_over(void **state)
{
    static const char *const ids[] = {
        "a",
        "0",
        "/",
        "7f0e3a52-6b2b-4a45-9d8c-1f1f8a5e0d11",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "Root=1-67891233-abcdef012345678912345678",
        "AZaz09-._:+=/",
        LONGEST,
    };

    (void)state;
    for (size_t i = 0; i < sizeof ids / sizeof *ids; i++)
        assert_ptr_equal(request_id(&arena, ids[i]), ids[i]);
}

static void test_made_up(void **state)
{
    static const char *const ids[] = {
        NULL,       "",      " ",        "a b",   "a\nb",      "a\r\nSet-Cookie: x",
        "\x1b[31m", "a\x7f", "\xc3\xbc", "\"x\"", "a,b",       "<b>",
        "a;b",      "%41",   "a\\b",     "{}",    LONGEST "a",
    };
    const char *last = "";

    (void)state;
    for (size_t i = 0; i < sizeof ids / sizeof *ids; i++) {
        const char *id = request_id(&arena, ids[i]);

        assert_int_equal(strlen(id), 32);
        assert_int_equal(strspn(id, "0123456789abcdef"), 32);
        assert_string_not_equal(id, last);
        last = id;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_taken_over, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_made_up, set_up, tear_down),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

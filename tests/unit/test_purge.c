/* SPDX-License-Identifier: ISC */
/* The age that `todoctl purge` takes. What it does with it needs a database: tests/todoctl.test. */
#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "purge.h"

static void test_ages(void **state)
{
    static const struct {
        const char *text;
        int64_t seconds; /* 0: refused */
    } cases[] = {
        {"1s", 1},
        {"90m", 5400},
        {"24h", 86400},
        {"30d", 2592000},
        {"2w", 1209600},
        {"007d", 604800},
        {"36525d", 3155760000},
        {"3155760000s", 3155760000},
        {"36526d", 0},
        {"5218w", 0},
        {"3155760001s", 0},
        {"9223372036854775807s", 0},
        {"9223372036854775808s", 0},
        {"99999999999999999999d", 0},
        {"0d", 0},
        {"-1d", 0},
        {"+1d", 0},
        {"1.5d", 0},
        {" 1d", 0},
        {"1 d", 0},
        {"1d ", 0},
        {"30", 0},
        {"d", 0},
        {"", 0},
        {"30D", 0},
        {"30M", 0},
        {"1y", 0},
        {"1dd", 0},
        {"0x1d", 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int64_t seconds = -1;
        bool read = purge_read_age(cases[i].text, &seconds);

        if (read != (cases[i].seconds > 0) || seconds != (read ? cases[i].seconds : -1))
            fail_msg("\"%s\": %d, %lld", cases[i].text, read, (long long)seconds);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ages),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

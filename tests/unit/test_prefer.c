/* SPDX-License-Identifier: ISC */
/* Which preferences a Prefer header holds. */
#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "prefer.h"

static const struct {
    const char *value, *preference;
    bool has;
} rows[] = {
    {NULL, "count=exact", false},
    {"", "count=exact", false},
    {"count=exact", "count=exact", true},
    {"Count=EXACT", "count=exact", true},
    {"count=\"exact\"", "count=exact", true},
    {" count = exact ", "count=exact", true},
    {"count\t=\t\"exact\"\t", "count=exact", true},
    {"return=minimal, count=exact", "count=exact", true},
    {"count=exact,return=minimal", "count=exact", true},
    {",,count=exact,,", "count=exact", true},
    {"count=exact; foo=bar", "count=exact", true},
    {"count=exact;", "count=exact", true},
    {"foo; count=exact", "count=exact", false},
    {"foo=\"a;b\", count=exact", "count=exact", true},
    {"foo=\"a, count=exact, b\"", "count=exact", false},
    {"foo=\"\\\", count=exact, \"", "count=exact", false},
    {"foo=\"open, count=exact", "count=exact", false},
    {"count", "count=exact", false},
    {"count=", "count=exact", false},
    {"count=exac", "count=exact", false},
    {"count=exactly", "count=exact", false},
    {"account=exact", "count=exact", false},
    {"count=e xact", "count=exact", false},
    {"co unt=exact", "count=exact", false},
    {"count=estimated", "count=exact", false},
    {"count=estimated, count=exact", "count=exact", false}, /* RFC 7240 2: the first one counts */
    {"count=exact, count=estimated", "count=exact", true},
    {"tx=rollback", "tx=rollback", true},
    {"tx=commit, tx=rollback", "tx=rollback", false},
    {"tx=rollback", "count=exact", false},
    {";", "count=exact", false},
    {"=", "count=exact", false},
    {"\"", "count=exact", false},
};

static void test_prefer(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (prefer_has(rows[i].value, rows[i].preference) != rows[i].has)
            fail_msg("%s: %s expected", rows[i].value, rows[i].has ? "yes" : "no");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_prefer)};

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: ISC */
/* test_accept.c: accept.h. */
#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "accept.h"

static const char *const types[] = {"application/json", "text/csv", "text/calendar"};
enum { JSON, CSV, CALENDAR };

static const struct {
    const char *value;
    size_t best;
} cases[] = {
    {NULL, JSON},
    {"", JSON},
    {"*/*", JSON},
    {"text/csv", CSV},
    {"TEXT/Calendar", CALENDAR},
    {"text/*", CSV},
    {"text/csv, text/calendar", CSV}, /* alike: the first that we have */
    {"text/calendar, text/csv", CSV},
    {"text/csv;q=0.5, text/calendar;q=0.51", CALENDAR},
    {"text/csv;q=0.5,text/calendar;q=0.501", CALENDAR},
    {"text/csv ; q=0.5 , text/calendar ; q=0.7", CALENDAR},
    {"text/*, text/csv;q=0.1", CALENDAR}, /* the more specific range counts */
    {"*/*, application/json;q=0.9", CSV},
    {"*/*;q=0.1, text/*;q=0.2, text/csv;q=0", CALENDAR},
    {"application/json;q=0", JSON}, /* nothing fits */
    {"image/png", JSON},
    {"text/csv;q=2", JSON}, /* no quality: the range does not count */
    {"text/csv;q=", JSON},
    {"text/csv;q=0.1234", JSON},
    {"text/csv;q=-1", JSON},
    {"text/csv;q=1.001", JSON},
    {"text/csv;q=1.000, */*;q=0.9", CSV},
    {"text/csv;q=1., */*;q=0.9", CSV},
    {"text/csv;charset=utf-8;Q=1", CSV},
    {"text", JSON},
    {"/", JSON},
    {"*", JSON},
    {"text/csv/x", JSON},
    {",,;;,= text/calendar", JSON},
    {",, ; , text/calendar,", CALENDAR},
    {"text/csv;q=0.001", CSV},
};

static void test_cases(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (accept_best(cases[i].value, types, 3) != cases[i].best)
            fail_msg("%s", cases[i].value);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_cases)};

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

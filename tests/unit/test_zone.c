/* SPDX-License-Identifier: ISC */
/* test_zone.c: zone.h, with zones whose rules will not change any more for the times asked for. */
#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include <cmocka.h>

#include "timestamp.h"
#include "zone.h"

static int64_t instant(const char *text)
{
    int64_t value = 0;

    assert_true(timestamp_parse(text_of(text), &value));
    return value;
}

static void test_known(void **state)
{
    static const struct {
        const char *zone, *local, *utc;
    } cases[] = {
        {"Europe/Berlin", "2020-01-01T12:00:00", "2020-01-01T11:00:00Z"},
        {"Europe/Berlin", "2020-07-01T12:00:00.000001", "2020-07-01T10:00:00.000001Z"},
        {"America/New_York", "1999-12-31T23:59:59", "2000-01-01T04:59:59Z"},
        {"Asia/Kolkata", "2020-01-01", "2019-12-31T18:30:00Z"},
        {"UTC", "1969-12-31T23:59:59.5", "1969-12-31T23:59:59.5Z"},
        {"Etc/GMT+5", "9999-12-31T00:00:00", "9999-12-31T05:00:00Z"},
        {"Etc/GMT-5", "0001-01-02T00:00:00", "0001-01-01T19:00:00Z"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int64_t value = 0;

        assert_true(zone_to_utc(text_of(cases[i].zone), instant(cases[i].local), &value));
        assert_int_equal(value, instant(cases[i].utc));
    }
}

static void test_unknown(void **state)
{
    static const char *const zones[] = {"",
                                        "Nowhere/Land",
                                        "Europe",
                                        "/Europe/Berlin",
                                        "../zoneinfo/UTC",
                                        "/etc/passwd",
                                        "UTC0",
                                        "zone.tab",
                                        "W. Europe Standard Time",
                                        ":UTC",
                                        "Europe/Berlin "};
    int64_t value = 5;

    (void)state;
    for (size_t i = 0; i < sizeof zones / sizeof *zones; i++)
        assert_false(zone_to_utc(text_of(zones[i]), 0, &value));
    assert_false(zone_to_utc((struct text){"UTC\0x", 5}, 0, &value));
    assert_int_equal(value, 5);
}

/* Whatever zone was asked for, the process's own time is UTC afterwards. */
static void test_nothing_stays(void **state)
{
    const time_t noon = 12 * 3600;
    struct tm clock;
    int64_t value;

    (void)state;
    assert_true(zone_to_utc(text_of("Asia/Tokyo"), 0, &value));
    assert_non_null(localtime_r(&noon, &clock));
    assert_int_equal(clock.tm_hour, 12);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known),
        cmocka_unit_test(test_unknown),
        cmocka_unit_test(test_nothing_stays),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

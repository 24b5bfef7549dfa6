/* SPDX-License-Identifier: ISC */
/* timestamp.c: date arithmetic over the 400-year cycle of the Gregorian calendar, on years that
 * start in March so that the leap day is a year's last. No libc, no time zone, no locale. */
#include <config.h>

#include <string.h>

#include "timestamp.h"

#define SECOND INT64_C(1000000) /* in microseconds */
#define DAY (86400 * SECOND)
#define ERA_DAYS 146097   /* 400 years */
#define EPOCH_DAYS 730425 /* from 0000-03-01 to 2000-01-01 */

/* What is left to read. */
struct cursor {
    const char *at, *end;
};

struct date {
    int year, month, day;
};

static int days_in_month(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);

    return days[month - 1] + (month == 2 && leap);
}

/* Days from 2000-01-01. One era more and less keeps the divisions positive in early 0000. */
static int64_t days_from_date(struct date date)
{
    int month = date.month <= 2 ? date.month + 9 : date.month - 3; /* March is 0 */
    int year = date.year + 400 - (date.month <= 2);
    int days = year * 365 + year / 4 - year / 100 + year / 400;

    return days + (153 * month + 2) / 5 + date.day - 1 - ERA_DAYS - EPOCH_DAYS;
}

/* Howard Hinnant's civil_from_days, of days from 0000-03-01. */
static struct date date_from_days(unsigned days)
{
    unsigned era = days / ERA_DAYS, day_of_era = days % ERA_DAYS;
    unsigned year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    unsigned day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    unsigned month = (5 * day_of_year + 2) / 153; /* March is 0 */

    return (struct date){
        .year = (int)(era * 400 + year_of_era + (month >= 10)),
        .month = (int)(month < 10 ? month + 3 : month - 9),
        .day = (int)(day_of_year - (153 * month + 2) / 5 + 1),
    };
}

static bool next_is(const struct cursor *cursor, char c)
{
    return cursor->at < cursor->end && *cursor->at == c;
}

static bool skip(struct cursor *cursor, char c)
{
    bool found = next_is(cursor, c);

    cursor->at += found;
    return found;
}

static bool next_is_digit(const struct cursor *cursor)
{
    return cursor->at < cursor->end && *cursor->at >= '0' && *cursor->at <= '9';
}

/* Exactly `count` digits, within [minimum, maximum]. */
static bool read_number(struct cursor *cursor, int count, int minimum, int maximum, int *value)
{
    *value = 0;
    while (count-- > 0) {
        if (!next_is_digit(cursor))
            return false;
        *value = *value * 10 + (*cursor->at++ - '0');
    }
    return *value >= minimum && *value <= maximum;
}

/* "2026-01-16" */
static bool read_date(struct cursor *cursor, struct date *date)
{
    return read_number(cursor, 4, 0, 9999, &date->year) && skip(cursor, '-') &&
           read_number(cursor, 2, 1, 12, &date->month) && skip(cursor, '-') &&
           read_number(cursor, 2, 1, days_in_month(date->year, date->month), &date->day);
}

/* ".490466": one digit or more behind the point, those past the sixth cut off. */
static bool read_fraction(struct cursor *cursor, int64_t *microseconds)
{
    int64_t unit = SECOND;
    bool found = next_is_digit(cursor);

    while (next_is_digit(cursor)) {
        unit /= 10;
        *microseconds += unit * (*cursor->at++ - '0');
    }
    return found;
}

/* "06:44", "06:44:39" or "06:44:39.490466" */
static bool read_time(struct cursor *cursor, int64_t *microseconds)
{
    int hour, minute, second = 0;

    if (!read_number(cursor, 2, 0, 23, &hour) || !skip(cursor, ':') ||
        !read_number(cursor, 2, 0, 59, &minute))
        return false;
    if (skip(cursor, ':')) {
        if (!read_number(cursor, 2, 0, 60, &second))
            return false;
        if (skip(cursor, '.') && !read_fraction(cursor, microseconds))
            return false;
    }
    *microseconds += ((hour * 60 + minute) * 60 + second) * SECOND;
    return true;
}

/* "Z", "+05:30" or nothing */
static bool read_zone(struct cursor *cursor, int64_t *offset)
{
    bool west = next_is(cursor, '-');
    int hours, minutes;

    *offset = 0;
    if (cursor->at == cursor->end || skip(cursor, 'Z') || skip(cursor, 'z'))
        return true;
    if (!skip(cursor, '+') && !skip(cursor, '-'))
        return false;
    if (!read_number(cursor, 2, 0, 23, &hours) || !skip(cursor, ':') ||
        !read_number(cursor, 2, 0, 59, &minutes))
        return false;
    *offset = (hours * 60 + minutes) * 60 * SECOND * (west ? -1 : 1);
    return true;
}

bool timestamp_parse(struct text t, int64_t *microseconds)
{
    const int64_t first = days_from_date((struct date){1, 1, 1}) * DAY;
    const int64_t behind = days_from_date((struct date){10000, 1, 1}) * DAY;
    struct cursor cursor = {t.data, t.length ? t.data + t.length : t.data};
    int64_t time = 0, offset = 0, instant;
    struct date date;

    if (!read_date(&cursor, &date))
        return false;
    if (cursor.at < cursor.end) {
        if (!skip(&cursor, 'T') && !skip(&cursor, 't') && !skip(&cursor, ' '))
            return false;
        if (!read_time(&cursor, &time) || !read_zone(&cursor, &offset) || cursor.at < cursor.end)
            return false;
    }
    instant = days_from_date(date) * DAY + time - offset;
    if (instant < first || instant >= behind)
        return false;
    *microseconds = instant;
    return true;
}

/* Writes two digits and the byte `behind`. What is over 99 stays within the table. */
static char *put(char *out, unsigned value, char behind)
{
    static const char pairs[256] = "00010203040506070809101112131415161718192021222324"
                                   "25262728293031323334353637383940414243444546474849"
                                   "50515253545556575859606162636465666768697071727374"
                                   "75767778798081828384858687888990919293949596979899";

    memcpy(out, pairs + value % 128 * 2, 2);
    out[2] = behind;
    return out + 3;
}

/* Counted from 0000-03-01 there is nothing negative in the years 1 to 9999. */
char *timestamp_format(char *out, int64_t microseconds)
{
    uint64_t instant = (uint64_t)microseconds + (uint64_t)EPOCH_DAYS * DAY;
    uint64_t rest = instant % DAY;
    struct date date = date_from_days((unsigned)(instant / DAY));
    unsigned year = (unsigned)date.year;
    unsigned seconds = (unsigned)(rest / SECOND), fraction = (unsigned)(rest % SECOND);

    out = put(out, year / 100, ' ') - 1;
    out = put(out, year % 100, '-');
    out = put(out, (unsigned)date.month, '-');
    out = put(out, (unsigned)date.day, 'T');
    out = put(out, seconds / 3600, ':');
    out = put(out, seconds / 60 % 60, ':');
    out = put(out, seconds % 60, '.');
    out = put(out, fraction / 10000, ' ') - 1;
    out = put(out, fraction / 100 % 100, ' ') - 1;
    return put(out, fraction % 100, 'Z');
}

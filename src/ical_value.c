/* SPDX-License-Identifier: ISC */
/* ical_value.c: one small function for each thing that a kind of value can do. */
#include <config.h>

#include <stdio.h>
#include <string.h>

#include "ical_value.h"
#include "record.h"
#include "task.h"
#include "zone.h"

#define SECOND INT64_C(1000000)
#define DATE_LENGTH 8 /* of "20260116" */

/* ---- coarse values: what a property can hold */

static int64_t coarse_time(int64_t value)
{
    return value - (value % SECOND + SECOND) % SECOND;
}

static bool is_plain(char c)
{
    return (unsigned char)c >= 0x20 ? c != 0x7f : c == '\n' || c == '\t';
}

static bool is_plain_text(struct text t)
{
    for (size_t i = 0; i < t.length; i++)
        if (!is_plain(t.data[i]))
            return false;
    return true;
}

/* Appends `t` with CR LF and CR as LF, and a blank for any other control character. */
static void add_coarse_text(struct buf *out, struct text t)
{
    for (size_t i = 0; i < t.length; i++) {
        char c = t.data[i];

        if (c == '\r' && i + 1 < t.length && t.data[i + 1] == '\n')
            continue;
        buf_add_char(out, is_plain(c) ? c : c == '\r' ? '\n' : ' ');
    }
}

/* ---- writing */

static void write_time(struct buf *out, int64_t value)
{
    /* 2026-01-16T06:44:39.490466Z becomes 20260116T064439Z */
    static const unsigned char kept[] = {0, 1, 2, 3, 5, 6, 8, 9, 10, 11, 12, 14, 15, 17, 18, 26};
    char text[TIMESTAMP_TEXT_SIZE];
    char *room = buf_reserve(out, sizeof kept);

    timestamp_format(text, value);
    for (size_t i = 0; i < sizeof kept; i++)
        room[i] = text[kept[i]];
    out->length += sizeof kept;
}

static void write_text(struct buf *out, struct text value)
{
    struct buf coarse;

    if (is_plain_text(value)) {
        ical_escape(out, value);
        return;
    }
    buf_init(&coarse);
    add_coarse_text(&coarse, value);
    ical_escape(out, buf_text(&coarse));
    buf_fini(&coarse);
}

/* Gives true when the property holds all of the value. */
static bool write_TIME(struct buf *out, const void *member)
{
    const int64_t *value = member;

    write_time(out, *value);
    return coarse_time(*value) == *value;
}

static bool write_TEXT(struct buf *out, const void *member)
{
    const struct text *value = member;

    write_text(out, *value);
    return is_plain_text(*value);
}

static bool write_TEXTS(struct buf *out, const void *member)
{
    const struct texts *value = member;
    bool plain = true;

    for (size_t i = 0; i < value->count; i++) {
        if (i > 0)
            buf_add_char(out, ',');
        write_text(out, value->items[i]);
        plain = plain && is_plain_text(value->items[i]);
    }
    return plain;
}

static bool write_STATUS(struct buf *out, const void *member)
{
    const bool *completed = member;

    buf_add_string(out, *completed ? "COMPLETED" : "NEEDS-ACTION");
    return true;
}

/* RFC 5545 3.8.1.9: 1 is the highest, 1 to 4 are high, 5 is medium, 6 to 9 low. */
static const struct {
    const char *word;
    char digit;       /* that is written */
    const char *read; /* what stands for it */
} priorities[] = {
    {"critical", '1', "12"}, {"high", '3', "34"}, {"medium", '5', "05"}, {"low", '9', "6789"}};
#define PRIORITY_COUNT (sizeof priorities / sizeof *priorities)

static bool write_PRIORITY(struct buf *out, const void *member)
{
    const struct text *value = member;

    for (size_t i = 0; i < PRIORITY_COUNT; i++)
        if (text_equal(*value, text_of(priorities[i].word)))
            buf_add_char(out, priorities[i].digit);
    return true;
}

static bool is_absent_TIME(const void *member)
{
    return *(const int64_t *)member == TIMESTAMP_NULL;
}

static bool is_absent_TEXT(const void *member)
{
    return ((const struct text *)member)->data == NULL;
}

static bool is_absent_TEXTS(const void *member)
{
    return ((const struct texts *)member)->count == 0;
}

static bool is_absent_never(const void *member)
{
    (void)member;
    return false;
}

/* ---- exact values: JSON, as a client would write them */

static void exact_TIME(struct buf *out, const void *member)
{
    char text[TIMESTAMP_TEXT_SIZE];

    timestamp_format(text, *(const int64_t *)member);
    buf_add_json(out, (struct text){text, sizeof text});
}

static void exact_TEXT(struct buf *out, const void *member)
{
    buf_add_json(out, *(const struct text *)member);
}

static void exact_TEXTS(struct buf *out, const void *member)
{
    const struct texts *value = member;

    for (size_t i = 0; i < value->count; i++) {
        buf_add_char(out, i == 0 ? '[' : ',');
        buf_add_json(out, value->items[i]);
    }
    buf_add_char(out, ']');
}

/* ---- reading: to what a client would write in JSON; what it is not is left a string for the rules
 * of task_json.c to complain of */

static json_t *json_time(int64_t value)
{
    char text[TIMESTAMP_TEXT_SIZE];

    timestamp_format(text, value);
    return record_string((struct text){text, sizeof text});
}

/* "20260116T064439Z", "20260116T064439" or "20260116"; *zoned when a Z ends it. */
static bool parse_time(struct text t, int64_t *value, bool *zoned)
{
    char text[32];

    *zoned = t.length == 16 && (t.data[15] == 'Z' || t.data[15] == 'z');
    if (t.length == DATE_LENGTH) {
        snprintf(text, sizeof text, "%.4s-%.2s-%.2s", t.data, t.data + 4, t.data + 6);
        return timestamp_parse(text_of(text), value);
    }
    if (t.length != 15 && !*zoned)
        return false;
    if (t.data[8] != 'T' && t.data[8] != 't')
        return false;
    snprintf(text, sizeof text, "%.4s-%.2s-%.2sT%.2s:%.2s:%.2sZ", t.data, t.data + 4, t.data + 6,
             t.data + 9, t.data + 11, t.data + 13);
    return timestamp_parse(text_of(text), value);
}

/* Is it in the years that timestamp_format knows? */
static bool is_in_range(int64_t value)
{
    int64_t first = 0, last = 0;

    return timestamp_parse(TEXT_LITERAL("0001-01-01"), &first) &&
           timestamp_parse(TEXT_LITERAL("9999-12-31T23:59:59.999999Z"), &last) && value >= first &&
           value <= last;
}

static json_t *read_TIME(const struct ical_line *line, json_t *before)
{
    struct text zone = ical_parameter(line, "TZID");
    int64_t value;
    bool zoned;

    (void)before;
    if (!parse_time(line->value, &value, &zoned))
        return record_string(line->value);
    if (zone.data && !zoned && line->value.length > DATE_LENGTH) {
        if (!zone_to_utc(zone, value, &value))
            return NULL;
        if (!is_in_range(value))
            return record_string(line->value);
    }
    return json_time(value);
}

static json_t *read_TEXT(const struct ical_line *line, json_t *before)
{
    struct buf text;
    json_t *json;

    (void)before;
    buf_init(&text);
    ical_unescape(&text, line->value);
    json = record_string(buf_text(&text));
    buf_fini(&text);
    return json;
}

/* A property that may be there several times: the values add up. */
static json_t *read_TEXTS(const struct ical_line *line, json_t *before)
{
    json_t *values = before ? json_incref(before) : record_array();
    struct text rest = line->value;
    bool more = rest.length > 0;
    struct buf value;

    buf_init(&value);
    while (more) {
        buf_clear(&value);
        more = ical_take_value(&rest, &value);
        record_append(values, record_string(buf_text(&value)));
    }
    buf_fini(&value);
    return values;
}

static json_t *read_STATUS(const struct ical_line *line, json_t *before)
{
    (void)before;
    return json_boolean(ical_is(line->value, "COMPLETED"));
}

static json_t *read_PRIORITY(const struct ical_line *line, json_t *before)
{
    (void)before;
    for (size_t i = 0; i < PRIORITY_COUNT; i++)
        if (line->value.length == 1 && strchr(priorities[i].read, line->value.data[0]))
            return record_string(text_of(priorities[i].word));
    return record_string(line->value);
}

/* ---- is an exact value still the property's? */

static struct text json_text(const json_t *json)
{
    return (struct text){json_string_value(json), json_string_length(json)};
}

static bool fits_TIME(const json_t *exact, const json_t *plain)
{
    int64_t fine, coarse;

    return json_is_string(exact) && json_is_string(plain) &&
           timestamp_parse(json_text(exact), &fine) && timestamp_parse(json_text(plain), &coarse) &&
           coarse_time(fine) == coarse;
}

static bool fits_TEXT(const json_t *exact, const json_t *plain)
{
    struct buf coarse;
    bool fits;

    if (!json_is_string(exact) || !json_is_string(plain))
        return false;
    buf_init(&coarse);
    add_coarse_text(&coarse, json_text(exact));
    fits = text_equal(buf_text(&coarse), json_text(plain));
    buf_fini(&coarse);
    return fits;
}

static bool fits_TEXTS(const json_t *exact, const json_t *plain)
{
    if (!json_is_array(exact) || json_array_size(exact) != json_array_size(plain))
        return false;
    for (size_t i = 0; i < json_array_size(exact); i++)
        if (!fits_TEXT(json_array_get(exact, i), json_array_get(plain, i)))
            return false;
    return true;
}

const struct ical_kind ical_time = {is_absent_TIME, write_TIME, exact_TIME, read_TIME, fits_TIME};
const struct ical_kind ical_text = {is_absent_TEXT, write_TEXT, exact_TEXT, read_TEXT, fits_TEXT};
const struct ical_kind ical_texts = {is_absent_TEXTS, write_TEXTS, exact_TEXTS, read_TEXTS,
                                     fits_TEXTS};
const struct ical_kind ical_status = {is_absent_never, write_STATUS, NULL, read_STATUS, NULL};
const struct ical_kind ical_priority = {is_absent_never, write_PRIORITY, NULL, read_PRIORITY, NULL};

/* SPDX-License-Identifier: ISC */
/* text.c: reads slices of UTF-8 without copying or changing them. Everything here is linear in the
 * slice, and takes any bytes; only text_code_points and text_trim presume well-formed UTF-8 (with
 * other bytes they stay inside the slice, and their answer is of no use). */
#include <config.h>

#include <stdio.h>
#include <string.h>

#include "text.h"

struct text text_of(const char *string)
{
    return string ? (struct text){string, strlen(string)} : TEXT_NULL;
}

bool text_equal(struct text a, struct text b)
{
    if (!a.data || !b.data)
        return a.data == b.data;
    return a.length == b.length && memcmp(a.data, b.data, a.length) == 0;
}

/* The well-formed sequences of more than one byte: Unicode, table 3-7. What is not said of the
 * third and fourth byte is 80 to BF. */
static const struct {
    unsigned char first, last; /* of the lead byte */
    unsigned char length;
    unsigned char low, high; /* of the second byte */
} sequences[] = {
    {0xc2, 0xdf, 2, 0x80, 0xbf}, {0xe0, 0xe0, 3, 0xa0, 0xbf}, {0xe1, 0xec, 3, 0x80, 0xbf},
    {0xed, 0xed, 3, 0x80, 0x9f}, {0xee, 0xef, 3, 0x80, 0xbf}, {0xf0, 0xf0, 4, 0x90, 0xbf},
    {0xf1, 0xf3, 4, 0x80, 0xbf}, {0xf4, 0xf4, 4, 0x80, 0x8f},
};
#define SEQUENCE_COUNT (sizeof(sequences) / sizeof(sequences[0]))

static bool is_continuation(unsigned char byte)
{
    return (byte & 0xc0) == 0x80;
}

/* Bytes of the well-formed sequence of several bytes at `p`, 0 if there is none. */
static size_t sequence_length(const unsigned char *p, size_t left)
{
    size_t row = 0;

    while (row<SEQUENCE_COUNT && * p> sequences[row].last)
        row++;
    if (row == SEQUENCE_COUNT || *p < sequences[row].first || left < sequences[row].length)
        return 0;
    if (p[1] < sequences[row].low || p[1] > sequences[row].high)
        return 0;
    for (size_t i = 2; i < sequences[row].length; i++)
        if (!is_continuation(p[i]))
            return 0;
    return sequences[row].length;
}

/* Bytes of ASCII at the start, in whole words: most text is nothing else. */
static size_t ascii_words(const unsigned char *p, size_t left)
{
    size_t done = 0;
    uint64_t word;

    for (; left - done >= sizeof(word); done += sizeof(word)) {
        memcpy(&word, p + done, sizeof(word));
        if (word & UINT64_C(0x8080808080808080))
            break;
    }
    return done;
}

bool text_is_utf8(struct text t)
{
    const unsigned char *p = (const unsigned char *)t.data;
    size_t i = t.length ? ascii_words(p, t.length) : 0;

    while (i < t.length) {
        size_t length = p[i] < 0x80 ? 1 : sequence_length(p + i, t.length - i);

        if (length == 0)
            return false;
        i += length;
    }
    return true;
}

size_t text_code_points(struct text t)
{
    size_t count = 0;

    for (size_t i = 0; i < t.length; i++)
        count += !is_continuation((unsigned char)t.data[i]);
    return count;
}

bool text_has_control(struct text t)
{
    const unsigned char *p = (const unsigned char *)t.data;

    for (size_t i = 0; i < t.length; i++) {
        if (p[i] < 0x20 || p[i] == 0x7f)
            return true;
        if (p[i] == 0xc2 && i + 1 < t.length && p[i + 1] >= 0x80 && p[i + 1] <= 0x9f)
            return true;
    }
    return false;
}

/* White_Space as UTF-8: `length` bytes, the last of them from `low` to `high`. */
static const struct {
    unsigned char length;
    unsigned char lead[2];
    unsigned char low, high;
} spaces[] = {
    {1, {0}, 0x20, 0x20},          /* space */
    {1, {0}, 0x09, 0x0d},          /* tab to carriage return */
    {1, {0}, 0x1c, 0x1f},          /* the separators that Python strips too */
    {2, {0xc2}, 0x85, 0x85},       /* U+0085 next line */
    {2, {0xc2}, 0xa0, 0xa0},       /* U+00A0 no-break space */
    {3, {0xe1, 0x9a}, 0x80, 0x80}, /* U+1680 ogham space mark */
    {3, {0xe2, 0x80}, 0x80, 0x8a}, /* U+2000 to U+200A */
    {3, {0xe2, 0x80}, 0xa8, 0xa9}, /* U+2028, U+2029 separators */
    {3, {0xe2, 0x80}, 0xaf, 0xaf}, /* U+202F narrow no-break space */
    {3, {0xe2, 0x81}, 0x9f, 0x9f}, /* U+205F medium mathematical space */
    {3, {0xe3, 0x80}, 0x80, 0x80}, /* U+3000 ideographic space */
};
#define SPACE_COUNT (sizeof(spaces) / sizeof(spaces[0]))

/* `length` when the bytes at `data` are one white-space character, else 0. */
static size_t space_length(const char *data, size_t length)
{
    const unsigned char *p = (const unsigned char *)data;

    for (size_t row = 0; row < SPACE_COUNT; row++)
        if (spaces[row].length == length && memcmp(p, spaces[row].lead, length - 1) == 0 &&
            p[length - 1] >= spaces[row].low && p[length - 1] <= spaces[row].high)
            return length;
    return 0;
}

static size_t leading_space(struct text t)
{
    size_t found = 0;

    for (size_t length = 1; !found && length <= 3 && length <= t.length; length++)
        found = space_length(t.data, length);
    return found;
}

static size_t trailing_space(struct text t)
{
    size_t found = 0;

    for (size_t length = 1; !found && length <= 3 && length <= t.length; length++)
        found = space_length(t.data + t.length - length, length);
    return found;
}

struct text text_trim(struct text t)
{
    size_t bytes;

    while ((bytes = leading_space(t)) > 0) {
        t.data += bytes;
        t.length -= bytes;
    }
    while ((bytes = trailing_space(t)) > 0)
        t.length -= bytes;
    return t;
}

struct text text_without_bom(struct text t)
{
    static const struct text bom = TEXT_INIT("\xef\xbb\xbf");

    if (t.length < bom.length || memcmp(t.data, bom.data, bom.length) != 0)
        return t;
    return (struct text){t.data + bom.length, t.length - bom.length};
}

bool text_to_int(struct text t, int64_t minimum, int64_t maximum, int64_t *value)
{
    bool negative = t.length > 0 && t.data[0] == '-';
    int64_t sum = 0;

    if (t.length == negative)
        return false;
    for (size_t i = negative; i < t.length; i++) {
        int digit = t.data[i] - '0';

        if (digit < 0 || digit > 9)
            return false;
        if (__builtin_mul_overflow(sum, 10, &sum) ||
            __builtin_add_overflow(sum, negative ? -digit : digit, &sum))
            return false;
    }
    if (sum < minimum || sum > maximum)
        return false;
    *value = sum;
    return true;
}

const char *text_one_line(const char *message, char *line, size_t size)
{
    size_t length;

    snprintf(line, size, "%s", message);
    length = strlen(line);
    while (length > 0 && strchr(" \t\r\n", line[length - 1]))
        line[--length] = '\0';
    for (char *c = line; *c != '\0'; c++)
        if (strchr("\t\r\n", *c))
            *c = ' ';
    return line;
}

/* SPDX-License-Identifier: ISC */
/* accept.c: for each type the most specific range that fits decides. What cannot be understood is
 * passed over: the header is a wish, not a command. */
#include <config.h>

#include <string.h>
#include <strings.h>

#include "accept.h"
#include "text.h"

#define QUALITY_MAX 1000 /* in thousandths */

/* One element of the header: "text/csv;q=0.5". */
struct range {
    struct text type;
    int quality;
};

static struct text without_blanks(struct text t)
{
    while (t.length > 0 && strchr(" \t", t.data[0])) {
        t.data++;
        t.length--;
    }
    while (t.length > 0 && strchr(" \t", t.data[t.length - 1]))
        t.length--;
    return t;
}

/* What stands before `separator`, or all; *rest is what stands behind it. */
static struct text take_before(struct text *rest, char separator)
{
    const char *end = rest->length ? memchr(rest->data, separator, rest->length) : NULL;
    struct text part = {rest->data, end ? (size_t)(end - rest->data) : rest->length};

    rest->data += part.length + (end != NULL);
    rest->length -= part.length + (end != NULL);
    return without_blanks(part);
}

/* "0.5" is 500; -1 for what is no quality. */
static int read_quality(struct text t)
{
    int quality = 0;

    if (t.length == 0 || t.length > 5 || (t.data[0] != '0' && t.data[0] != '1') ||
        (t.length > 1 && t.data[1] != '.'))
        return -1;
    for (size_t i = 0, place = QUALITY_MAX; i < 5; i += i == 0 ? 2 : 1, place /= 10) {
        if (i < t.length && (t.data[i] < '0' || t.data[i] > '9'))
            return -1;
        quality += i < t.length ? (t.data[i] - '0') * (int)place : 0;
    }
    return quality <= QUALITY_MAX ? quality : -1;
}

static struct range read_range(struct text element)
{
    struct range range = {take_before(&element, ';'), QUALITY_MAX};

    while (element.length > 0) {
        struct text parameter = take_before(&element, ';');

        if (parameter.length >= 2 && strncasecmp(parameter.data, "q=", 2) == 0)
            range.quality = read_quality((struct text){parameter.data + 2, parameter.length - 2});
    }
    return range;
}

/* 3 for the type itself, 2 for its family, 1 for any type, 0 when it does not fit. */
static int specificity(struct text range, const char *type)
{
    size_t family = strcspn(type, "/") + 1;

    if (range.length == strlen(type) && strncasecmp(range.data, type, range.length) == 0)
        return 3;
    if (range.length == family + 1 && range.data[family] == '*' &&
        strncasecmp(range.data, type, family) == 0)
        return 2;
    return text_equal(range, TEXT_LITERAL("*/*"));
}

static int quality_of(const char *value, const char *type)
{
    struct text rest = text_of(value);
    int best = 0, quality = 0;

    while (rest.length > 0) {
        struct range range = read_range(take_before(&rest, ','));
        int fit = range.quality < 0 ? 0 : specificity(range.type, type);

        if (fit > best) {
            best = fit;
            quality = range.quality;
        }
    }
    return quality;
}

size_t accept_best(const char *value, const char *const *types, size_t count)
{
    size_t best = 0;
    int highest = 0;

    for (size_t i = 0; value && i < count; i++) {
        int quality = quality_of(value, types[i]);

        if (quality > highest) {
            highest = quality;
            best = i;
        }
    }
    return best;
}

/* SPDX-License-Identifier: ISC */
/* prefer.c: looks for one preference in the list. */
#include <config.h>

#include <string.h>
#include <strings.h>

#include "prefer.h"

#define BLANKS " \t"

/* `length` bytes at `item` against "name=value", blanks and quotes around the value left out. */
static bool item_is(const char *item, size_t length, const char *preference)
{
    for (size_t i = 0; i < length; i++) {
        if (strchr(BLANKS "\"", item[i]))
            continue;
        if (*preference == '\0' || strncasecmp(&item[i], preference, 1) != 0)
            return false;
        preference++;
    }
    return *preference == '\0';
}

bool prefer_has(const char *value, const char *preference)
{
    while (value && *value) {
        size_t item = strcspn(value, ",");

        if (item_is(value, strcspn(value, ",;"), preference))
            return true;
        value += item + (value[item] == ',');
    }
    return false;
}

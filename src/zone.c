/* SPDX-License-Identifier: ISC */
/* zone.c: asks the C library, which knows one zone a process; nothing else here uses local time, so
 * that it can be changed for the moment. The library takes a name that it does not know for UTC,
 * and any path for a name: hence the look into the database first. */
#include <config.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "timestamp.h"
#include "zone.h"

#define DATABASE "/usr/share/zoneinfo/"
#define NAME_MAX_BYTES 64
#define SECOND INT64_C(1000000)

static bool is_name(struct text name)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                  "0123456789_+-/";

    if (name.length == 0 || name.length > NAME_MAX_BYTES || name.data[0] == '/')
        return false;
    for (size_t i = 0; i < name.length; i++)
        if (name.data[i] == '\0' || !strchr(letters, name.data[i]))
            return false;
    return true;
}

/* Is there a file of that name, and is it one of the database's (RFC 8536)? */
static bool is_known(struct text name)
{
    char path[sizeof DATABASE + NAME_MAX_BYTES], magic[4];
    FILE *file;
    bool known;

    snprintf(path, sizeof path, DATABASE "%.*s", (int)name.length, name.data);
    file = fopen(path, "re");
    if (!file)
        return false;
    known = fread(magic, sizeof magic, 1, file) == 1 && memcmp(magic, "TZif", sizeof magic) == 0;
    fclose(file);
    return known;
}

/* mktime in the zone of the environment. */
static bool make_time(time_t local, int64_t *seconds)
{
    struct tm clock;

    if (!gmtime_r(&local, &clock))
        return false;
    clock.tm_isdst = -1;
    *seconds = mktime(&clock);
    return true; /* -1 is an instant too; nothing here is out of mktime's range */
}

bool zone_to_utc(struct text name, int64_t local, int64_t *instant)
{
    int64_t fraction = (local % SECOND + SECOND) % SECOND, seconds;
    char zone[NAME_MAX_BYTES + 2];
    bool known;

    if (!is_name(name) || !is_known(name))
        return false;
    snprintf(zone, sizeof zone, ":%.*s", (int)name.length, name.data);
    if (setenv("TZ", zone, 1) != 0)
        return false;
    tzset();
    known = make_time((local - fraction) / SECOND + TIMESTAMP_UNIX_EPOCH, &seconds);
    setenv("TZ", "UTC0", 1);
    tzset();
    *instant = known ? (seconds - TIMESTAMP_UNIX_EPOCH) * SECOND + fraction : local;
    return known;
}

/* SPDX-License-Identifier: ISC */
/* timestamp.h: instants as microseconds since 2000-01-01T00:00:00Z (PostgreSQL's timestamptz on the
 * wire), proleptic Gregorian, years 1 to 9999, and their RFC 3339 form. */
#ifndef TODO_TIMESTAMP_H
#define TODO_TIMESTAMP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "text.h"

#define TIMESTAMP_NULL INT64_MIN
#define TIMESTAMP_TEXT_SIZE 27         /* "2026-01-16T06:44:39.490466Z" */
#define TIMESTAMP_UNIX_EPOCH 946684800 /* seconds from 1970-01-01 to 2000-01-01 */

/* Reads an RFC 3339 date-time, a date-time without zone (UTC), or a date (midnight UTC). 'T', 't'
 * or one space between date and time; seconds may be absent only in a form that has no fraction,
 * which is cut after microseconds; a leap second :60 is read as the next second; offsets up to
 * 23:59. False if it is none of these, or outside the years 1 to 9999 once in UTC. */
bool timestamp_parse(struct text t, int64_t *microseconds);

/* Writes TIMESTAMP_TEXT_SIZE bytes, UTC with 'Z' and six digits, not terminated.
 * `microseconds` must lie in the years 1 to 9999. Gives the byte behind the last. */
char *timestamp_format(char *out, int64_t microseconds);

#endif

/* SPDX-License-Identifier: ISC */
/* ical_value.h: the kinds of values that a task's properties have in iCalendar. Each is written
 * from a member of struct task and read to what a client would write in JSON.
 *
 * What a property cannot hold of a value (parts of a second, control characters) is made coarse;
 * the exact value, as JSON, can stand beside it. */
#ifndef TODO_ICAL_VALUE_H
#define TODO_ICAL_VALUE_H

#include <jansson.h>

#include "buf.h"
#include "ical_line.h"

struct ical_kind {
    bool (*is_absent)(const void *member); /* then there is nothing to write */
    /* Appends the value as it stands behind the colon. False: some of it was lost. */
    bool (*write)(struct buf *out, const void *member);
    void (*write_exact)(struct buf *out, const void *member); /* NULL: nothing is ever lost */
    /* A new reference. `before`: the value of an earlier line of that name, or NULL. NULL: a TZID
     * that is not known. What is no value of its kind is left a string for others to refuse. */
    json_t *(*read)(const struct ical_line *line, json_t *before);
    /* Is `plain` what `exact` was made coarse to? */
    bool (*fits)(const json_t *exact, const json_t *plain);
};

extern const struct ical_kind ical_time;     /* of int64_t, as in timestamp.h */
extern const struct ical_kind ical_text;     /* of struct text */
extern const struct ical_kind ical_texts;    /* of struct texts */
extern const struct ical_kind ical_status;   /* of bool: completed? */
extern const struct ical_kind ical_priority; /* of struct text: a task's priority */

#endif

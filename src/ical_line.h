/* SPDX-License-Identifier: ISC */
/* ical_line.h: content lines (RFC 5545 3.1): NAME;PARAMETER=VALUE:VALUE, folded at 75 bytes, and
 * the escapes of values of type TEXT. What the properties mean is task_ical.c's. */
#ifndef TODO_ICAL_LINE_H
#define TODO_ICAL_LINE_H

#include <stdbool.h>

#include "buf.h"
#include "text.h"

/* Appends `value` with the escapes of TEXT: \\ \; \, \n. CR must not be in it. */
void ical_escape(struct buf *out, struct text value);

/* Ends the line that begins at `start` in `out`: folds it at 75 bytes, never inside of a character,
 * and appends CRLF. */
void ical_end_line(struct buf *out, size_t start);

/* Takes the next of several TEXT values off *rest, up to a comma that is not escaped, and appends
 * it unescaped to `out`. True when a comma promises another one. */
bool ical_take_value(struct text *rest, struct buf *out);

/* All of a single TEXT value, commas included. */
void ical_unescape(struct buf *out, struct text value);

/* Where the reading stands. Start with {.rest = text, .unfolded = an initialised buf}. */
struct ical_reader {
    struct text rest;
    unsigned number;     /* physical lines taken so far */
    struct buf unfolded; /* of the line in hand; the caller's to buf_fini */
};

struct ical_line {
    unsigned number; /* of its first physical line, from 1 */
    struct text name;
    struct text parameters; /* ";A=b;C=d", or empty */
    struct text value;      /* UTF-8 */
};

/* Takes the next line; its texts live until the next call. Lines may end in LF alone, and empty
 * ones are passed over. 1: *line is filled; 0: none is left; -1: line->number is not one. */
int ical_next(struct ical_reader *reader, struct ical_line *line);

/* Names are ASCII and compare in any case. */
bool ical_is(struct text word, const char *name);

/* The parameter's value without quotes; TEXT_NULL when it is not there. */
struct text ical_parameter(const struct ical_line *line, const char *name);

#endif

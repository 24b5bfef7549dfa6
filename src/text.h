/* SPDX-License-Identifier: ISC */
/* text.h: slices of UTF-8 (RFC 3629) that somebody else owns, and what is asked of them. */
#ifndef TODO_TEXT_H
#define TODO_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A slice: `length` bytes at `data`, not terminated. `data` NULL stands for null (SQL, JSON). */
struct text {
    const char *data;
    size_t length;
};

#define TEXT_NULL ((struct text){NULL, 0})
#define TEXT_LITERAL(s) ((struct text){(s), sizeof(s) - 1})
/* The same as an initialiser, for static tables. */
#define TEXT_INIT(s)                                                                               \
    {                                                                                              \
        (s), sizeof(s) - 1                                                                         \
    }

/* The slice of a C string; NULL gives TEXT_NULL. */
struct text text_of(const char *string);

/* Same bytes? Two nulls are equal; null and empty are not. */
bool text_equal(struct text a, struct text b);

/* Well-formed UTF-8: no overlong form, no surrogate, nothing above U+10FFFF. U+0000 is well-formed.
 */
bool text_is_utf8(struct text t);

/* How many code points well-formed UTF-8 has. */
size_t text_code_points(struct text t);

/* Does it hold a byte below 0x20 or 0x7f, or a C1 control (U+0080 to U+009F)? */
bool text_has_control(struct text t);

/* Without the Unicode White_Space (and U+001C to U+001F, as Python's str.strip) at both ends. */
struct text text_trim(struct text t);

/* Without the byte order mark that some programs put in front of a file. */
struct text text_without_bom(struct text t);

/* Copies a message of several lines to `line` as one, without white space at its end; cut to fit.
 * Returns `line`. `size` is not 0. */
const char *text_one_line(const char *message, char *line, size_t size)
    __attribute__((returns_nonnull));

/* A decimal integer, the whole of `t`, with an optional '-', within [minimum, maximum].
 * No white space, no '+'. False, and *value untouched, for anything else. */
bool text_to_int(struct text t, int64_t minimum, int64_t maximum, int64_t *value);

#endif

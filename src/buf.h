/* SPDX-License-Identifier: ISC */
/* buf.h: a growing string of bytes, owned by whoever initialised it, and the JSON writer (RFC 8259)
 * that fills one. Out of memory: as in arena.h. */
#ifndef TODO_BUF_H
#define TODO_BUF_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "text.h"

struct buf {
    char *data; /* not terminated; NULL while nothing was written */
    size_t length;
    size_t capacity;
};

void buf_init(struct buf *buf);
void buf_fini(struct buf *buf);
/* Empties it; keeps its memory unless that has grown past 256 KiB, so that one large answer does
 * not stay with the process for good. */
void buf_clear(struct buf *buf);

/* Makes room for `size` more bytes. For buf_reserve. */
void buf_grow(struct buf *buf, size_t size);

/* Inline, as writing a task is dozens of short pieces whose lengths the compiler knows. */

/* Room for `size` more bytes: where to write them. The caller adds to `length` what it wrote. */
__attribute__((returns_nonnull)) static inline char *buf_reserve(struct buf *buf, size_t size)
{
    if (!buf->data || buf->capacity - buf->length < size)
        buf_grow(buf, size);
    return buf->data + buf->length;
}

static inline void buf_add(struct buf *buf, const void *data, size_t length)
{
    if (length == 0)
        return;
    memcpy(buf_reserve(buf, length), data, length);
    buf->length += length;
}

static inline void buf_add_text(struct buf *buf, struct text t)
{
    buf_add(buf, t.data, t.length);
}

static inline void buf_add_char(struct buf *buf, char c)
{
    *buf_reserve(buf, 1) = c;
    buf->length++;
}

void buf_add_string(struct buf *buf, const char *string);
void buf_add_int(struct buf *buf, int64_t value);
void buf_printf(struct buf *buf, const char *format, ...) __attribute__((format(printf, 2, 3)));
void buf_vprintf(struct buf *buf, const char *format, va_list arguments)
    __attribute__((format(printf, 2, 0)));
struct text buf_text(const struct buf *buf);

/* A JSON string with its quotes; TEXT_NULL is written as null. `t` must be UTF-8. Escapes ", \ and
 * U+0000 to U+001F only, so that other text goes out as it came in. */
void buf_add_json(struct buf *buf, struct text t);
/* The same to `out`, which has room for BUF_JSON_ROOM(t.length) bytes; gives the byte behind. */
char *buf_put_json(char *out, struct text t);
#define BUF_JSON_ROOM(length) ((length)*6 + sizeof("null") - 1)
/* A number to `out`, which has room for BUF_INT_ROOM bytes (all are written); gives the byte behind
 * the number. */
char *buf_put_int(char *out, int64_t value);
#define BUF_INT_ROOM (sizeof("-9223372036854775808") - 1)

#endif

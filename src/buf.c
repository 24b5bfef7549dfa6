/* SPDX-License-Identifier: ISC */
/* buf.c: one block of memory that doubles when it is full. The JSON writer copies whole runs of
 * bytes that need no escape. */
#include <config.h>

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "log.h"

#define CAPACITY_FIRST 1024
#define CAPACITY_KEPT (256 * 1024)

void buf_init(struct buf *buf)
{
    *buf = (struct buf){NULL, 0, 0};
}

void buf_fini(struct buf *buf)
{
    free(buf->data);
    buf_init(buf);
}

void buf_clear(struct buf *buf)
{
    buf->length = 0;
    if (buf->capacity > CAPACITY_KEPT)
        buf_fini(buf);
}

void buf_grow(struct buf *buf, size_t size)
{
    size_t wanted, capacity = buf->capacity ? buf->capacity : CAPACITY_FIRST;
    char *data;

    if (__builtin_add_overflow(buf->length, size, &wanted) || wanted > SIZE_MAX / 2)
        log_out_of_memory();
    while (capacity < wanted)
        capacity *= 2;
    data = realloc(buf->data, capacity);
    if (!data)
        log_out_of_memory();
    buf->data = data;
    buf->capacity = capacity;
}

void buf_add_string(struct buf *buf, const char *string)
{
    buf_add(buf, string, strlen(string));
}

void buf_add_int(struct buf *buf, int64_t value)
{
    char digits[20]; /* of -9223372036854775808 */
    char *start = digits + sizeof(digits);
    uint64_t rest = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;

    do {
        *--start = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest > 0);
    if (value < 0)
        *--start = '-';
    buf_add(buf, start, (size_t)(digits + sizeof(digits) - start));
}

/* Writes what fits into `room`; gives how many bytes all of it would be. */
__attribute__((format(printf, 3, 0))) static size_t print(struct buf *buf, size_t room,
                                                          const char *format, va_list arguments)
{
    int length = vsnprintf(buf_reserve(buf, room), room, format, arguments);

    if (length < 0)
        log_out_of_memory();
    return (size_t)length;
}

void buf_printf(struct buf *buf, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    buf_vprintf(buf, format, arguments);
    va_end(arguments);
}

void buf_vprintf(struct buf *buf, const char *format, va_list arguments)
{
    size_t room = 128, length;
    va_list again;

    va_copy(again, arguments);
    length = print(buf, room, format, arguments);
    if (length >= room)
        print(buf, length + 1, format, again);
    va_end(again);
    buf->length += length;
}

struct text buf_text(const struct buf *buf)
{
    return (struct text){buf->data ? buf->data : "", buf->length};
}

/* What follows the backslash for a byte of a JSON string; 0: the byte goes out as it is. */
/* clang-format off */
static const char escapes[256] = {
    'u', 'u', 'u', 'u', 'u', 'u', 'u', 'u', /* U+0000 */
    'b', 't', 'n', 'u', 'f', 'r', 'u', 'u', /* U+0008 */
    'u', 'u', 'u', 'u', 'u', 'u', 'u', 'u', /* U+0010 */
    'u', 'u', 'u', 'u', 'u', 'u', 'u', 'u', /* U+0018 */
    ['"'] = '"', ['\\'] = '\\',
};
/* clang-format on */

static void add_escape(struct buf *buf, unsigned char byte)
{
    static const char hex[] = "0123456789abcdef";
    const char text[6] = {'\\', escapes[byte], '0', '0', hex[byte >> 4], hex[byte & 15]};

    buf_add(buf, text, text[1] == 'u' ? 6 : 2);
}

#define EACH_BYTE(byte) (UINT64_C(0x0101010101010101) * (byte))

/* Has one of eight bytes an escape? A byte that is too small borrows into its highest bit. */
static bool word_has_escape(const unsigned char *p)
{
    uint64_t word, low, quote, backslash;

    memcpy(&word, p, sizeof(word));
    low = word - EACH_BYTE(0x20);
    quote = (word ^ EACH_BYTE('"')) - EACH_BYTE(1);
    backslash = (word ^ EACH_BYTE('\\')) - EACH_BYTE(1);
    return ((low | quote | backslash) & ~word & EACH_BYTE(0x80)) != 0;
}

/* How many bytes go out as they are, before the first escape or the end. */
static size_t clean_length(const unsigned char *p, size_t length)
{
    size_t clean = 0;

    while (length - clean >= sizeof(uint64_t) && !word_has_escape(p + clean))
        clean += sizeof(uint64_t);
    while (clean < length && escapes[p[clean]] == 0)
        clean++;
    return clean;
}

void buf_add_json(struct buf *buf, struct text t)
{
    const unsigned char *p = (const unsigned char *)t.data;
    size_t done;

    if (!p) {
        buf_add(buf, "null", 4);
        return;
    }
    buf_reserve(buf, t.length + 2); /* nearly always all it takes */
    buf_add_char(buf, '"');
    done = clean_length(p, t.length);
    buf_add(buf, p, done);
    while (done < t.length) {
        size_t clean;

        add_escape(buf, p[done++]);
        clean = clean_length(p + done, t.length - done);
        buf_add(buf, p + done, clean);
        done += clean;
    }
    buf_add_char(buf, '"');
}

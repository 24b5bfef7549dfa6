/* SPDX-License-Identifier: ISC */
/* buf.c: one block of memory that doubles when it is full. The JSON writer copies many bytes at a
 * time. */
#include <config.h>

#include <endian.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

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

char *buf_put_int(char *out, int64_t value)
{
    char digits[2 * BUF_INT_ROOM] = {0}; /* a copy of fixed length begins in the first half */
    char *end = digits + BUF_INT_ROOM, *start = end;
    uint64_t rest = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;

    do {
        *--start = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest > 0);
    if (value < 0)
        *--start = '-';
    memcpy(out, start, BUF_INT_ROOM);
    return out + (end - start);
}

void buf_add_int(struct buf *buf, int64_t value)
{
    char *end = buf_put_int(buf_reserve(buf, BUF_INT_ROOM), value);

    buf->length = (size_t)(end - buf->data);
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

static char *put_escape(char *out, unsigned char byte)
{
    static const char hex[] = "0123456789abcdef";

    *out++ = '\\';
    *out++ = escapes[byte];
    if (escapes[byte] == 'u') {
        memcpy(out, "00", 2);
        out[2] = hex[byte >> 4];
        out[3] = hex[byte & 15];
        out += 4;
    }
    return out;
}

#define EACH_BYTE(byte) (UINT64_C(0x0101010101010101) * (byte))

/* How many of the eight bytes come before the first that has an escape; 8: none has. A byte that is
 * too small borrows into its highest bit; the bytes behind it may then look so too. */
static size_t clean_bytes(uint64_t word)
{
    uint64_t low = word - EACH_BYTE(0x20);
    uint64_t quote = (word ^ EACH_BYTE('"')) - EACH_BYTE(1);
    uint64_t backslash = (word ^ EACH_BYTE('\\')) - EACH_BYTE(1);
    uint64_t found = (low | quote | backslash) & ~word & EACH_BYTE(0x80);

    return found ? (size_t)__builtin_ctzll(found) / 8 : sizeof(word);
}

/* Copies eight bytes; gives how many of them may stay. */
static size_t copy_eight(char *out, const unsigned char *p)
{
    uint64_t word;

    memcpy(&word, p, sizeof(word));
    memcpy(out, &word, sizeof(word));
    return clean_bytes(le64toh(word));
}

/* Copies BLOCK bytes likewise. With SSE2, which every x86-64 has, a list of tasks takes 5,000
 * instructions less. */
#ifdef __SSE2__
#define BLOCK 16
static size_t copy_block(char *out, const unsigned char *p)
{
    __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)p);
    __m128i low = _mm_cmpeq_epi8(_mm_min_epu8(bytes, _mm_set1_epi8(0x1f)), bytes);
    __m128i quote = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('"'));
    __m128i backslash = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\\'));
    int found = _mm_movemask_epi8(_mm_or_si128(low, _mm_or_si128(quote, backslash)));

    _mm_storeu_si128((__m128i *)(void *)out, bytes);
    return found ? (size_t)__builtin_ctz((unsigned)found) : BLOCK;
}
#else
#define BLOCK 8
#define copy_block copy_eight
#endif

/* Copies up to what is too short for a block. */
static char *put_blocks(char *out, const unsigned char **from, const unsigned char *end)
{
    const unsigned char *p = *from;

    while (end - p >= BLOCK) {
        size_t clean = copy_block(out, p);

        p += clean;
        out += clean;
        if (clean < BLOCK)
            out = put_escape(out, *p++);
    }
    *from = p;
    return out;
}

/* Copies `length` bytes, fewer than a block, unless one of them has an escape or they are too few:
 * as two words which overlap. */
static bool copy_rest(char *out, const unsigned char *p, size_t length)
{
    uint32_t first, last;

    if (length >= 8)
        return copy_eight(out, p) == 8 && copy_eight(out + length - 8, p + length - 8) == 8;
    if (length < 4)
        return false;
    memcpy(&first, p, 4);
    memcpy(&last, p + length - 4, 4);
    memcpy(out, &first, 4);
    memcpy(out + length - 4, &last, 4);
    return clean_bytes(first | (uint64_t)last << 32) == 8;
}

static char *put_rest(char *out, const unsigned char *p, const unsigned char *end)
{
    if (copy_rest(out, p, (size_t)(end - p)))
        return out + (end - p);
    for (; p < end; p++) {
        if (escapes[*p] == 0)
            *out++ = (char)*p;
        else
            out = put_escape(out, *p);
    }
    return out;
}

char *buf_put_json(char *out, struct text t)
{
    const unsigned char *p = (const unsigned char *)t.data, *end;

    if (!p)
        return (char *)memcpy(out, "null", 4) + 4;
    end = p + t.length;
    *out++ = '"';
    out = put_blocks(out, &p, end);
    out = put_rest(out, p, end);
    *out++ = '"';
    return out;
}

/* The room for the worst, six bytes for one, is asked for once: nothing is checked on the way. */
void buf_add_json(struct buf *buf, struct text t)
{
    char *out;

    if (t.length > SIZE_MAX / 16)
        log_out_of_memory();
    out = buf_put_json(buf_reserve(buf, BUF_JSON_ROOM(t.length)), t);
    buf->length = (size_t)(out - buf->data);
}

/* SPDX-License-Identifier: ISC */
/* base64url.c: written by OpenSSL's plain base64, with two characters exchanged and the padding
 * left out; read by a table, as OpenSSL would want a copy in the plain spelling first. */
#include <config.h>

#include <openssl/evp.h>
#include <stdint.h>

#include "base64url.h"

char *base64url_encode(struct arena *arena, const void *bytes, size_t length)
{
    char *out = arena_alloc(arena, (length + 2) / 3 * 4 + 1);
    int end = EVP_EncodeBlock((unsigned char *)out, bytes, (int)length);

    while (end > 0 && out[end - 1] == '=')
        end--;
    out[end] = '\0';
    for (char *c = out; *c; c++)
        *c = *c == '+' ? '-' : *c == '/' ? '_' : *c;
    return out;
}

/* The six bits of a character, plus one; 0 for a byte that is none. */
/* clang-format off */
static const unsigned char sextets[256] = {
    ['A'] = 1,  2,  3,  4,  5,  6,  7,  8,  9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26,
    ['a'] = 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51, 52,
    ['0'] = 53, 54, 55, 56, 57, 58, 59, 60, 61, 62, ['-'] = 63, ['_'] = 64,
};
/* clang-format on */

/* Up to four characters as 24 bits, those that are missing as zeros. */
static bool read_group(const char *encoded, size_t count, uint32_t *bits)
{
    *bits = 0;
    for (size_t i = 0; i < count; i++) {
        unsigned sextet = sextets[(unsigned char)encoded[i]];

        if (sextet == 0)
            return false;
        *bits |= (sextet - 1) << (18 - 6 * i);
    }
    return true;
}

/* The last, incomplete group. The bits that it leaves over must be zero, or two spellings would
 * give the same bytes. */
static bool read_end(const char *encoded, size_t count, unsigned char *out)
{
    uint32_t bits;

    if (count == 0)
        return true;
    if (count == 1 || !read_group(encoded, count, &bits) || bits & (count == 2 ? 0xffff : 0xff))
        return false;
    out[0] = (unsigned char)(bits >> 16);
    if (count == 3)
        out[1] = (unsigned char)(bits >> 8);
    return true;
}

bool base64url_decode(struct arena *arena, struct text encoded, struct text *bytes)
{
    size_t length = encoded.length * 3 / 4, rest = encoded.length % 4;
    unsigned char *out = arena_alloc(arena, length + 1), *put = out;

    for (size_t i = 0; i < encoded.length - rest; i += 4, put += 3) {
        uint32_t bits;

        if (!read_group(encoded.data + i, 4, &bits))
            return false;
        put[0] = (unsigned char)(bits >> 16);
        put[1] = (unsigned char)(bits >> 8);
        put[2] = (unsigned char)bits;
    }
    if (!read_end(encoded.data + encoded.length - rest, rest, put))
        return false;
    *bytes = (struct text){(const char *)out, length};
    return true;
}

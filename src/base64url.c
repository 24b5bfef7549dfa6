/* SPDX-License-Identifier: ISC */
/* base64url.c: OpenSSL's plain base64 with two characters exchanged and the padding left out. */
#include <config.h>

#include <openssl/evp.h>
#include <string.h>

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

/* The character of plain base64 for one of base64url; 0 for any other. */
static char plain_base64(char c)
{
    if ((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'))
        return c;
    return c == '-' ? '+' : c == '_' ? '/' : '\0';
}

/* Are the bits that a last, incomplete group leaves over zero? Otherwise two spellings would give
 * the same bytes. */
static bool has_canonical_end(struct text encoded)
{
    static const char *const ends[] = {NULL, "", "AQgw", "AEIMQUYcgkosw048"};
    size_t rest = encoded.length % 4;

    return rest == 0 || strchr(ends[rest], encoded.data[encoded.length - 1]) != NULL;
}

bool base64url_decode(struct arena *arena, struct text encoded, struct text *bytes)
{
    size_t padding = (4 - encoded.length % 4) % 4;
    size_t length = encoded.length + padding;
    unsigned char *plain = arena_alloc(arena, length + 1);
    unsigned char *out = arena_alloc(arena, length / 4 * 3 + 1);
    int decoded;

    for (size_t i = 0; i < encoded.length; i++) {
        char c = plain_base64(encoded.data[i]);

        if (c == '\0')
            return false;
        plain[i] = (unsigned char)c;
    }
    memset(plain + encoded.length, '=', padding);
    if (!has_canonical_end(encoded))
        return false;
    decoded = EVP_DecodeBlock(out, plain, (int)length);
    if (decoded < 0)
        return false;
    *bytes = (struct text){(const char *)out, (size_t)decoded - padding};
    return true;
}

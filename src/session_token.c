/* SPDX-License-Identifier: ISC */
/* session_token.c: takes the forms apart: percent-escapes, then the signature, then what is left.
 */
#include <config.h>

#include "session_token.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <string.h>

#define SECURE_PREFIX "__Secure-"
#define COOKIE "better-auth.session_token"
#define LENGTH_MAX 255 /* Better Auth's own have 32 */
#define MAC_SIZE 32
#define MAC_TEXT_SIZE 44 /* as base64 */

static size_t count_dots(struct text value)
{
    size_t count = 0;

    for (size_t i = 0; i < value.length; i++)
        count += value.data[i] == '.';
    return count;
}

bool session_token_fits(struct text value)
{
    return count_dots(value) < 2;
}

static int hex_digit(char c)
{
    static const char digits[] = "0123456789abcdef0123456789ABCDEF";
    const char *at = c ? strchr(digits, c) : NULL;

    return at ? (int)((at - digits) % 16) : -1;
}

/* Decodes percent-escapes, once. False for a bad one. */
static bool decode(struct arena *arena, struct text value, struct text *decoded)
{
    char *out = arena_alloc(arena, value.length + 1);

    *decoded = (struct text){out, 0};
    for (size_t i = 0; i < value.length; i++) {
        int high, low;

        if (value.data[i] != '%') {
            out[decoded->length++] = value.data[i];
            continue;
        }
        high = i + 2 < value.length ? hex_digit(value.data[i + 1]) : -1;
        low = i + 2 < value.length ? hex_digit(value.data[i + 2]) : -1;
        if (high < 0 || low < 0)
            return false;
        out[decoded->length++] = (char)(high * 16 + low);
        i += 2;
    }
    return true;
}

static bool is_plain(struct text token)
{
    for (size_t i = 0; i < token.length; i++) {
        char c = token.data[i];

        if (!(c >= '0' && c <= '9') && !(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') &&
            c != '-' && c != '_')
            return false;
    }
    return token.length >= 1 && token.length <= LENGTH_MAX;
}

static bool is_signed(const char *secret, struct text token, struct text signature)
{
    unsigned char mac[EVP_MAX_MD_SIZE], text[MAC_TEXT_SIZE + 1];

    return secret && signature.length == MAC_TEXT_SIZE &&
           HMAC(EVP_sha256(), secret, (int)strlen(secret), (const unsigned char *)token.data,
                token.length, mac, NULL) &&
           EVP_EncodeBlock(text, mac, MAC_SIZE) == MAC_TEXT_SIZE &&
           CRYPTO_memcmp(text, signature.data, MAC_TEXT_SIZE) == 0;
}

static enum token_fault refuse(enum token_fault fault, const char *why, const char **reason)
{
    *reason = why;
    return fault;
}

enum token_fault session_token_read(const struct conf *conf, struct arena *arena, struct text value,
                                    bool needs_signature, struct text *token, const char **reason)
{
    struct text decoded, plain, signature;
    const char *dot;

    if (value.length > TOKEN_MAX || !decode(arena, value, &decoded))
        return refuse(TOKEN_MALFORMED, "too long, or a bad percent-escape", reason);
    dot = memchr(decoded.data, '.', decoded.length);
    plain = (struct text){decoded.data, dot ? (size_t)(dot - decoded.data) : decoded.length};
    if (!is_plain(plain))
        return refuse(TOKEN_MALFORMED, "no session token", reason);
    if (!dot && needs_signature)
        return refuse(TOKEN_MALFORMED, "a session cookie without a signature", reason);
    signature = dot ? (struct text){dot + 1, decoded.length - plain.length - 1} : TEXT_NULL;
    if (dot && !conf->secret)
        return refuse(TOKEN_UNKNOWN_KEY, "a signed session token without a secret", reason);
    if (dot && !is_signed(conf->secret, plain, signature) &&
        !is_signed(conf->secret_previous, plain, signature))
        return refuse(TOKEN_BAD_SIGNATURE, "the session token's signature does not match", reason);
    *token = plain;
    return TOKEN_OK;
}

/* ---- the cookie */

/* The next "name=value" of a Cookie header (RFC 6265 4.2.1); NULL at the end. */
static const char *next_pair(const char *p, struct text *name, struct text *value)
{
    size_t length;

    p += strspn(p, "; \t");
    length = strcspn(p, ";");
    *name = (struct text){p, strcspn(p, "=;")};
    if (name->length < length)
        *value = text_trim((struct text){p + name->length + 1, length - name->length - 1});
    else
        *value = TEXT_NULL;
    return length > 0 ? p + length : NULL;
}

static struct text find_cookie(const char *header, struct text wanted)
{
    struct text name, value;

    for (const char *p = header; p && (p = next_pair(p, &name, &value));)
        if (text_equal(name, wanted) && value.length > 0)
            return value;
    return TEXT_NULL;
}

struct text session_token_cookie(const char *header)
{
    struct text value = find_cookie(header, TEXT_LITERAL(SECURE_PREFIX COOKIE));

    return value.data ? value : find_cookie(header, TEXT_LITERAL(COOKIE));
}

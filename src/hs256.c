/* SPDX-License-Identifier: ISC */
/* hs256.c: HMAC from OpenSSL's SHA-256 itself. Its HMAC looks its algorithms up and allocates anew
 * each time, which costs several times what the digests of a token do. */
#include <config.h>

#define OPENSSL_API_COMPAT 0x10101000L /* SHA256_CTX: on the stack, and nothing is looked up */

#include <openssl/crypto.h>
#include <openssl/sha.h>
#include <string.h>

#include "hs256.h"

#define INNER_PAD 0x36
#define OUTER_PAD 0x5c

/* A key of a whole block; a longer secret stands for its digest. */
static bool make_key(struct text secret, unsigned char key[SHA256_CBLOCK])
{
    memset(key, 0, SHA256_CBLOCK);
    if (secret.length > SHA256_CBLOCK)
        return SHA256((const unsigned char *)secret.data, secret.length, key) != NULL;
    memcpy(key, secret.data, secret.length);
    return true;
}

/* The digest of the padded key and `message`. */
static bool digest(const unsigned char key[SHA256_CBLOCK], unsigned char pad, const void *message,
                   size_t length, unsigned char out[HS256_SIZE])
{
    unsigned char block[SHA256_CBLOCK];
    SHA256_CTX context;
    bool done;

    for (size_t i = 0; i < sizeof block; i++)
        block[i] = key[i] ^ pad;
    done = SHA256_Init(&context) && SHA256_Update(&context, block, sizeof block) &&
           SHA256_Update(&context, message, length) && SHA256_Final(out, &context);
    OPENSSL_cleanse(block, sizeof block);
    OPENSSL_cleanse(&context, sizeof context);
    return done;
}

bool hs256_matches(struct text secret, struct text message, struct text signature)
{
    unsigned char key[SHA256_CBLOCK], inner[HS256_SIZE], mac[HS256_SIZE];
    bool matches;

    if (!secret.data || secret.length == 0 || signature.length != HS256_SIZE)
        return false;
    matches = make_key(secret, key) &&
              digest(key, INNER_PAD, message.data, message.length, inner) &&
              digest(key, OUTER_PAD, inner, sizeof inner, mac) &&
              CRYPTO_memcmp(mac, signature.data, HS256_SIZE) == 0;
    OPENSSL_cleanse(key, sizeof key);
    return matches;
}

/* SPDX-License-Identifier: ISC */
/* hs256.c: OpenSSL's HMAC. To look it up and to take a secret in costs several times what the
 * digests of a token do, so both are done once a process: for the last few secrets, as there are
 * today's and the one before it. */
#include <config.h>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <string.h>

#include "hs256.h"
#include "log.h"

#define KEYS 2

struct key {
    char *secret; /* a copy; NULL: the place is free */
    size_t length;
    EVP_MAC_CTX *context; /* has taken the secret in */
};

static struct key keys[KEYS];

static EVP_MAC_CTX *make_context(struct text secret)
{
    static EVP_MAC *hmac;
    char digest[] = "SHA256";
    const OSSL_PARAM parameters[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_end()};
    EVP_MAC_CTX *context;

    if (!hmac)
        hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    context = EVP_MAC_CTX_new(hmac);
    if (!context ||
        !EVP_MAC_init(context, (const unsigned char *)secret.data, secret.length, parameters))
        log_out_of_memory();
    return context;
}

static bool is_key(const struct key *key, struct text secret)
{
    return key->secret && key->length == secret.length &&
           CRYPTO_memcmp(key->secret, secret.data, secret.length) == 0;
}

/* In the place of the one that was made longest ago. */
static const struct key *make_key(struct text secret)
{
    static size_t next;
    struct key *key = &keys[next++ % KEYS];

    OPENSSL_clear_free(key->secret, key->length);
    EVP_MAC_CTX_free(key->context);
    key->secret = OPENSSL_memdup(secret.data, secret.length);
    if (!key->secret)
        log_out_of_memory();
    key->length = secret.length;
    key->context = make_context(secret);
    return key;
}

static const struct key *find_key(struct text secret)
{
    for (size_t i = 0; i < KEYS; i++)
        if (is_key(&keys[i], secret))
            return &keys[i];
    return make_key(secret);
}

bool hs256_matches(struct text secret, struct text message, struct text signature)
{
    unsigned char mac[HS256_SIZE];
    EVP_MAC_CTX *context;
    size_t length;

    if (!secret.data || secret.length == 0 || signature.length != HS256_SIZE)
        return false;
    context = find_key(secret)->context;
    return EVP_MAC_init(context, NULL, 0, NULL) && /* begins anew with the same key */
           EVP_MAC_update(context, (const unsigned char *)message.data, message.length) &&
           EVP_MAC_final(context, mac, &length, sizeof mac) && length == HS256_SIZE &&
           CRYPTO_memcmp(mac, signature.data, HS256_SIZE) == 0;
}

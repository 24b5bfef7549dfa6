/* SPDX-License-Identifier: ISC */
/* signer.h: what an issuer has: private keys, their JWKs, and tokens signed with them. By OpenSSL
 * alone. For the tests of jwks.c and token.c. */
#ifndef TODO_SIGNER_H
#define TODO_SIGNER_H

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <string.h>

#include "arena.h"
#include "base64url.h"
#include "log.h"

struct signer {
    const char *algorithm;
    const char *digest; /* NULL: the algorithm's own */
    const char *crv;    /* NULL: RSA */
    int size;           /* bytes of a coordinate, or bits of an RSA key */
    int padding;
    EVP_PKEY *key;
};

enum { ED25519, ES256, ES384, ES512, RS256, PS256, SMALL_RSA, SIGNERS };

static struct signer signers[SIGNERS] = {
    [ED25519] = {"EdDSA", NULL, "Ed25519", 32, 0, NULL},
    [ES256] = {"ES256", "SHA256", "P-256", 32, 0, NULL},
    [ES384] = {"ES384", "SHA384", "P-384", 48, 0, NULL},
    [ES512] = {"ES512", "SHA512", "P-521", 66, 0, NULL},
    [RS256] = {"RS256", "SHA256", NULL, 2048, RSA_PKCS1_PADDING, NULL},
    [PS256] = {"PS256", "SHA256", NULL, 2048, RSA_PKCS1_PSS_PADDING, NULL},
    [SMALL_RSA] = {"RS256", "SHA256", NULL, 1024, RSA_PKCS1_PADDING, NULL},
};

/* Fixtures for cmocka: all keys are made, which takes a while, and the log is quiet, since standard
 * output is the test's. */
static inline int signers_set_up(void **state)
{
    (void)state;
    log_set_level(LOG_LEVEL_ERROR);
    for (struct signer *signer = signers; signer < signers + SIGNERS; signer++) {
        if (signer->crv == NULL)
            signer->key = EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)signer->size);
        else if (signer->digest == NULL)
            signer->key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
        else
            signer->key = EVP_PKEY_Q_keygen(NULL, NULL, "EC", signer->crv);
        assert_non_null(signer->key);
    }
    return 0;
}

static inline int signers_tear_down(void **state)
{
    (void)state;
    for (struct signer *signer = signers; signer < signers + SIGNERS; signer++) {
        EVP_PKEY_free(signer->key);
        signer->key = NULL;
    }
    return 0;
}

static inline const char *number_text(struct arena *owner, const struct signer *signer,
                                      const char *name, int size)
{
    BIGNUM *number = NULL;
    unsigned char bytes[1024];
    int length;

    assert_int_equal(EVP_PKEY_get_bn_param(signer->key, name, &number), 1);
    length = size > 0 ? size : BN_num_bytes(number);
    assert_int_equal(BN_bn2binpad(number, bytes, length), length);
    BN_free(number);
    return base64url_encode(owner, bytes, (size_t)length);
}

/* The members of its public key, without braces. */
static inline char *signer_members(struct arena *owner, const struct signer *signer)
{
    unsigned char raw[32];
    size_t size = sizeof(raw);

    if (signer->crv == NULL)
        return arena_printf(owner, "\"kty\":\"RSA\",\"n\":\"%s\",\"e\":\"%s\"",
                            number_text(owner, signer, OSSL_PKEY_PARAM_RSA_N, 0),
                            number_text(owner, signer, OSSL_PKEY_PARAM_RSA_E, 0));
    if (signer->digest != NULL)
        return arena_printf(owner, "\"kty\":\"EC\",\"crv\":\"%s\",\"x\":\"%s\",\"y\":\"%s\"",
                            signer->crv,
                            number_text(owner, signer, OSSL_PKEY_PARAM_EC_PUB_X, signer->size),
                            number_text(owner, signer, OSSL_PKEY_PARAM_EC_PUB_Y, signer->size));
    assert_int_equal(EVP_PKEY_get_raw_public_key(signer->key, raw, &size), 1);
    return arena_printf(owner, "\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"%s\"",
                        base64url_encode(owner, raw, size));
}

/* The raw r||s of a DER signature. */
static inline struct text raw_signature(struct arena *owner, const unsigned char *der,
                                        size_t length, int size)
{
    ECDSA_SIG *pair = d2i_ECDSA_SIG(NULL, &der, (long)length);
    unsigned char *raw = arena_alloc(owner, 2 * (size_t)size);

    assert_non_null(pair);
    BN_bn2binpad(ECDSA_SIG_get0_r(pair), raw, size);
    BN_bn2binpad(ECDSA_SIG_get0_s(pair), raw + size, size);
    ECDSA_SIG_free(pair);
    return (struct text){(const char *)raw, 2 * (size_t)size};
}

static inline struct text signer_sign(struct arena *owner, const struct signer *signer,
                                      struct text bytes)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    EVP_PKEY_CTX *options;
    size_t length = 1024;
    unsigned char *signature = arena_alloc(owner, length);

    assert_int_equal(
        EVP_DigestSignInit_ex(context, &options, signer->digest, NULL, NULL, signer->key, NULL), 1);
    if (signer->padding != 0)
        assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(options, signer->padding), 1);
    if (signer->padding == RSA_PKCS1_PSS_PADDING)
        assert_int_equal(EVP_PKEY_CTX_set_rsa_pss_saltlen(options, RSA_PSS_SALTLEN_DIGEST), 1);
    assert_int_equal(EVP_DigestSign(context, signature, &length, (const unsigned char *)bytes.data,
                                    bytes.length),
                     1);
    EVP_MD_CTX_free(context);
    if (signer->crv != NULL && signer->digest != NULL)
        return raw_signature(owner, signature, length, signer->size);
    return (struct text){(const char *)signature, length};
}

/* A token with this header and payload. */
static inline char *signer_token(struct arena *owner, const struct signer *signer,
                                 const char *header, const char *payload)
{
    char *text = arena_printf(owner, "%s.%s", base64url_encode(owner, header, strlen(header)),
                              base64url_encode(owner, payload, strlen(payload)));
    struct text signature = signer_sign(owner, signer, text_of(text));

    return arena_printf(owner, "%s.%s", text,
                        base64url_encode(owner, signature.data, signature.length));
}

#endif

/* SPDX-License-Identifier: ISC */
/* jwks.c: a table of algorithms, each with the kind of key it takes, how that is made of its
 * members, and how a signature is checked. OpenSSL does all of the arithmetic: a point off its
 * curve, r or s out of range, a non-canonical Ed25519 signature are refused there. */
#include <config.h>

#include "jwks.h"

#include <jansson.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>
#include <stdlib.h>
#include <string.h>

#include "arena.h"
#include "base64url.h"
#include "log.h"

#define ED25519_SIZE 32
#define COORDINATE_MAX 66 /* bytes of P-521's */
#define RSA_BITS_MIN 2048
#define RSA_BITS_MAX 8192
#define RSA_EXPONENT_MAX 8 /* bytes */
#define KID_MAX 255

struct algorithm {
    const char *name;
    const char *alias; /* as RFC 9864 calls it; NULL: none */
    const char *type;  /* the key's kty */
    const char *curve; /* its crv; NULL: it has none */
    const char *group; /* OpenSSL's name of the curve */
    size_t size;       /* bytes of a coordinate */
    const char *digest;
    int padding; /* RSA's */
    EVP_PKEY *(*make)(const struct algorithm *algorithm, const json_t *json, struct arena *arena);
};

struct key {
    char *kid; /* NULL: none */
    const struct algorithm *algorithm;
    EVP_PKEY *key;
};

struct jwks {
    size_t count;
    struct key keys[JWKS_KEYS_MAX];
};

/* ---- making keys */

static bool member_bytes(const json_t *json, const char *name, struct arena *arena,
                         struct text *bytes)
{
    const json_t *member = json_object_get(json, name);

    return json_is_string(member) &&
           base64url_decode(
               arena, (struct text){json_string_value(member), json_string_length(member)}, bytes);
}

static EVP_PKEY *key_of_params(const char *type, OSSL_PARAM *params)
{
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
    EVP_PKEY *key = NULL;

    if (context && EVP_PKEY_fromdata_init(context) == 1 &&
        EVP_PKEY_fromdata(context, &key, EVP_PKEY_PUBLIC_KEY, params) != 1)
        key = NULL;
    EVP_PKEY_CTX_free(context);
    return key;
}

static EVP_PKEY *make_ed25519(const struct algorithm *algorithm, const json_t *json,
                              struct arena *arena)
{
    struct text x;

    (void)algorithm;
    if (!member_bytes(json, "x", arena, &x) || x.length != ED25519_SIZE)
        return NULL;
    return EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, (const unsigned char *)x.data,
                                       x.length);
}

/* The whole check, the point's order included. */
static bool is_sound(EVP_PKEY *key)
{
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(key, NULL);
    bool sound = context && EVP_PKEY_public_check(context) == 1;

    EVP_PKEY_CTX_free(context);
    return sound;
}

static EVP_PKEY *make_ec(const struct algorithm *algorithm, const json_t *json, struct arena *arena)
{
    unsigned char point[1 + 2 * COORDINATE_MAX] = {POINT_CONVERSION_UNCOMPRESSED};
    char group[16];
    struct text x, y;
    EVP_PKEY *key;

    if (!member_bytes(json, "x", arena, &x) || x.length != algorithm->size ||
        !member_bytes(json, "y", arena, &y) || y.length != algorithm->size)
        return NULL;
    memcpy(point + 1, x.data, x.length);
    memcpy(point + 1 + x.length, y.data, y.length);
    snprintf(group, sizeof group, "%s", algorithm->group);
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, group, 0),
        OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, point, 1 + x.length + y.length),
        OSSL_PARAM_construct_end(),
    };
    key = key_of_params("EC", params);
    if (key && is_sound(key))
        return key;
    EVP_PKEY_free(key);
    return NULL;
}

static EVP_PKEY *key_of_numbers(struct text n, struct text e)
{
    BIGNUM *modulus = BN_bin2bn((const unsigned char *)n.data, (int)n.length, NULL);
    BIGNUM *exponent = BN_bin2bn((const unsigned char *)e.data, (int)e.length, NULL);
    OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
    OSSL_PARAM *params = NULL;
    EVP_PKEY *key = NULL;

    if (modulus && exponent && builder && BN_is_odd(modulus) && BN_is_odd(exponent) &&
        !BN_is_one(exponent) && OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_N, modulus) &&
        OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_E, exponent))
        params = OSSL_PARAM_BLD_to_param(builder);
    if (params)
        key = key_of_params("RSA", params);
    OSSL_PARAM_free(params);
    OSSL_PARAM_BLD_free(builder);
    BN_free(exponent);
    BN_free(modulus);
    return key;
}

static EVP_PKEY *make_rsa(const struct algorithm *algorithm, const json_t *json,
                          struct arena *arena)
{
    struct text n, e;
    EVP_PKEY *key;

    (void)algorithm;
    if (!member_bytes(json, "n", arena, &n) || n.length > RSA_BITS_MAX / 8 ||
        !member_bytes(json, "e", arena, &e) || e.length < 1 || e.length > RSA_EXPONENT_MAX)
        return NULL;
    key = key_of_numbers(n, e);
    if (key && EVP_PKEY_get_bits(key) >= RSA_BITS_MIN)
        return key;
    EVP_PKEY_free(key);
    return NULL;
}

/* The first that fits a key is the one it is bound to when it does not say. */
static const struct algorithm algorithms[] = {
    {"EdDSA", "Ed25519", "OKP", "Ed25519", .make = make_ed25519},
    {"ES256", NULL, "EC", "P-256", "P-256", 32, "SHA256", .make = make_ec},
    {"ES384", NULL, "EC", "P-384", "P-384", 48, "SHA384", .make = make_ec},
    {"ES512", NULL, "EC", "P-521", "P-521", 66, "SHA512", .make = make_ec},
    {"RS256", NULL, "RSA", .digest = "SHA256", .padding = RSA_PKCS1_PADDING, .make = make_rsa},
    {"PS256", NULL, "RSA", .digest = "SHA256", .padding = RSA_PKCS1_PSS_PADDING, .make = make_rsa},
};
#define ALGORITHM_COUNT (sizeof algorithms / sizeof *algorithms)

static bool is_called(const struct algorithm *algorithm, const char *name)
{
    return strcmp(algorithm->name, name) == 0 ||
           (algorithm->alias && strcmp(algorithm->alias, name) == 0);
}

bool jwks_knows(const char *name)
{
    for (size_t i = 0; i < ALGORITHM_COUNT; i++)
        if (is_called(&algorithms[i], name))
            return true;
    return false;
}

/* ---- reading a set */

static bool member_is(const json_t *json, const char *name, const char *expected)
{
    const json_t *member = json_object_get(json, name);

    return json_is_string(member) && strcmp(json_string_value(member), expected) == 0;
}

/* NULL: there is none for such a key, or it names one that is not for it. */
static const struct algorithm *bind(const json_t *json)
{
    const json_t *name = json_object_get(json, "alg");

    for (size_t i = 0; i < ALGORITHM_COUNT; i++) {
        const struct algorithm *algorithm = &algorithms[i];

        if (member_is(json, "kty", algorithm->type) &&
            (!algorithm->curve || member_is(json, "crv", algorithm->curve)) &&
            (!name || (json_is_string(name) && is_called(algorithm, json_string_value(name)))))
            return algorithm;
    }
    return NULL;
}

static bool may_verify(const json_t *json)
{
    const json_t *operations = json_object_get(json, "key_ops");
    const json_t *operation;
    size_t i;

    if (json_object_get(json, "use") && !member_is(json, "use", "sig"))
        return false;
    if (!operations)
        return true;
    json_array_foreach (operations, i, operation)
        if (json_is_string(operation) && strcmp(json_string_value(operation), "verify") == 0)
            return true;
    return false;
}

static bool read_kid(const json_t *json, char **kid)
{
    const json_t *member = json_object_get(json, "kid");

    *kid = NULL;
    if (!member || json_is_null(member))
        return true;
    if (!json_is_string(member) || json_string_length(member) > KID_MAX)
        return false;
    *kid = strdup(json_string_value(member));
    if (!*kid)
        log_out_of_memory();
    return true;
}

/* NULL, or why the key is skipped. */
static const char *read_key(const json_t *json, struct arena *arena, struct key *key)
{
    if (!json_is_object(json))
        return "it is no object";
    if (!may_verify(json))
        return "it is not for signatures";
    key->algorithm = bind(json);
    if (!key->algorithm)
        return "its kind or its algorithm is not one of ours";
    key->key = key->algorithm->make(key->algorithm, json, arena);
    if (!key->key)
        return "it is malformed, too small or too large, or not on its curve";
    if (read_kid(json, &key->kid))
        return NULL;
    EVP_PKEY_free(key->key);
    return "its kid is no string of at most 255 bytes";
}

static void read_keys(struct jwks *set, const json_t *keys)
{
    struct arena arena;
    const json_t *json;
    size_t i;

    arena_init(&arena);
    json_array_foreach (keys, i, json) {
        const char *fault = set->count < JWKS_KEYS_MAX
                                ? read_key(json, &arena, &set->keys[set->count])
                                : "there are too many";

        if (!fault)
            set->count++;
        else
            log_info("key %zu of the key set is skipped: %s", i + 1, fault);
        arena_reset(&arena);
    }
    arena_fini(&arena);
}

struct jwks *jwks_parse(struct text document)
{
    json_t *json = document.length <= JWKS_DOCUMENT_MAX
                       ? json_loadb(document.data, document.length, JSON_REJECT_DUPLICATES, NULL)
                       : NULL;
    const json_t *keys = json_object_get(json, "keys");
    struct jwks *set = NULL;

    if (json_is_array(keys)) {
        set = calloc(1, sizeof *set);
        if (!set)
            log_out_of_memory();
        read_keys(set, keys);
    }
    json_decref(json);
    return set;
}

void jwks_drop(struct jwks *set)
{
    if (!set)
        return;
    for (size_t i = 0; i < set->count; i++) {
        free(set->keys[i].kid);
        EVP_PKEY_free(set->keys[i].key);
    }
    free(set);
}

size_t jwks_count(const struct jwks *set)
{
    return set->count;
}

void jwks_entry(const struct jwks *set, size_t index, struct jwks_entry *entry)
{
    const struct key *key = &set->keys[index];

    *entry = (struct jwks_entry){key->kid, key->algorithm->name, EVP_PKEY_get_bits(key->key)};
}

/* ---- judging a signature */

/* JOSE has r and s side by side, each as long as a coordinate; OpenSSL wants them as DER. NULL if
 * it cannot be. */
static unsigned char *der_of(const struct algorithm *algorithm, struct text raw, size_t *length)
{
    const unsigned char *bytes = (const unsigned char *)raw.data;
    int size = (int)algorithm->size;
    unsigned char *der = NULL;
    ECDSA_SIG *pair = ECDSA_SIG_new();
    BIGNUM *r, *s;

    if (raw.length != 2 * algorithm->size || !pair) {
        ECDSA_SIG_free(pair);
        return NULL;
    }
    r = BN_bin2bn(bytes, size, NULL);
    s = BN_bin2bn(bytes + size, size, NULL);
    if (r && s && ECDSA_SIG_set0(pair, r, s)) {
        int der_length = i2d_ECDSA_SIG(pair, &der);

        *length = der_length > 0 ? (size_t)der_length : 0;
    } else {
        BN_free(r);
        BN_free(s);
    }
    ECDSA_SIG_free(pair);
    return der;
}

static bool set_padding(EVP_PKEY_CTX *context, int padding)
{
    if (padding == 0)
        return true;
    return EVP_PKEY_CTX_set_rsa_padding(context, padding) == 1 &&
           (padding != RSA_PKCS1_PSS_PADDING ||
            EVP_PKEY_CTX_set_rsa_pss_saltlen(context, RSA_PSS_SALTLEN_DIGEST) == 1);
}

static bool digest_verify(const struct key *key, const unsigned char *signature, size_t length,
                          struct text signed_part)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    EVP_PKEY_CTX *options; /* owned by context */
    bool verified =
        context &&
        EVP_DigestVerifyInit_ex(context, &options, key->algorithm->digest, NULL, NULL, key->key,
                                NULL) == 1 &&
        set_padding(options, key->algorithm->padding) &&
        EVP_DigestVerify(context, signature, length, (const unsigned char *)signed_part.data,
                         signed_part.length) == 1;

    EVP_MD_CTX_free(context);
    return verified;
}

static bool has_signed(const struct key *key, const struct jwks_claim *claim)
{
    const struct algorithm *algorithm = key->algorithm;
    size_t length = claim->signature.length;
    unsigned char *der;
    bool verified;

    if (!is_called(algorithm, claim->algorithm))
        return false;
    if (!algorithm->group)
        return digest_verify(key, (const unsigned char *)claim->signature.data, length,
                             claim->signed_part);
    der = der_of(algorithm, claim->signature, &length);
    verified = der && digest_verify(key, der, length, claim->signed_part);
    OPENSSL_free(der);
    return verified;
}

enum jwks_verdict jwks_judge(const struct jwks *set, const struct jwks_claim *claim)
{
    enum jwks_verdict verdict = JWKS_UNKNOWN;

    for (size_t i = 0; i < set->count; i++) {
        const struct key *key = &set->keys[i];
        bool named = claim->kid && key->kid;

        if (named && strcmp(claim->kid, key->kid) != 0)
            continue;
        if (has_signed(key, claim))
            return JWKS_SIGNED;
        if (named)
            verdict = JWKS_MISMATCH;
    }
    return verdict;
}

/* SPDX-License-Identifier: ISC */
/* token_libjwt3.c: token_libjwt.h with libjwt 3: a key comes out of a set of JSON Web Keys, a
 * checker judges by it, a builder signs with it. A checker or a builder without a key takes "none"
 * for an algorithm, so each is asked for HS256 by name and is not used when it did not take the
 * key. */
#include <config.h>

#include "token_libjwt.h"

#ifdef USE_LIBJWT3

#include <jwt.h>
#include <stdlib.h>
#include <string.h>

#include "base64url.h"

#define UNCHECKED (-1) /* a leeway that stands for: do not look at this claim */

/* The secret as a set of one key; NULL if it is none. */
static jwk_set_t *make_key_set(struct arena *arena, struct text secret)
{
    const char *json;
    jwk_set_t *set;

    if (secret.data == NULL || secret.length == 0)
        return NULL;
    json = arena_printf(arena, "{\"kty\":\"oct\",\"alg\":\"HS256\",\"k\":\"%s\"}",
                        base64url_encode(arena, secret.data, secret.length));
    set = jwks_create_strn(json, strlen(json));
    if (set != NULL && jwks_error_any(set) == 0 && jwks_item_count(set) == 1)
        return set;
    jwks_free(set);
    return NULL;
}

/* It would hold exp and nbf against the clock, before it looks at the signature. */
static bool prepare_checker(jwt_checker_t *checker, const jwk_set_t *set)
{
    return jwt_checker_setkey(checker, JWT_ALG_HS256, jwks_item_get(set, 0)) == 0 &&
           jwt_checker_time_leeway(checker, JWT_CLAIM_EXP, UNCHECKED) == 0 &&
           jwt_checker_time_leeway(checker, JWT_CLAIM_NBF, UNCHECKED) == 0;
}

bool token_libjwt_accepts(struct arena *arena, const char *token, struct text secret)
{
    jwk_set_t *set = make_key_set(arena, secret);
    jwt_checker_t *checker = set == NULL ? NULL : jwt_checker_new();
    bool accepted =
        checker != NULL && prepare_checker(checker, set) && jwt_checker_verify(checker, token) == 0;

    jwt_checker_free(checker);
    jwks_free(set);
    return accepted;
}

/* It would set iat by the clock. */
static bool prepare_builder(jwt_builder_t *builder, const jwk_set_t *set, const char *claims)
{
    char *json = strdup(claims);
    jwt_value_t value = {.type = JWT_VALUE_JSON, .json_val = json};
    bool prepared = json != NULL &&
                    jwt_builder_setkey(builder, JWT_ALG_HS256, jwks_item_get(set, 0)) == 0 &&
                    jwt_builder_enable_iat(builder, 0) >= 0 &&
                    jwt_builder_claim_set(builder, &value) == JWT_VALUE_ERR_NONE;

    free(json);
    return prepared;
}

char *token_libjwt_make(struct arena *arena, const char *claims, struct text secret)
{
    jwk_set_t *set = make_key_set(arena, secret);
    jwt_builder_t *builder = set == NULL ? NULL : jwt_builder_new();
    char *encoded = NULL, *token = NULL;

    if (builder != NULL && prepare_builder(builder, set, claims))
        encoded = jwt_builder_generate(builder);
    if (encoded != NULL)
        token = arena_text(arena, text_of(encoded));
    free(encoded); /* libjwt's allocator is malloc */
    jwt_builder_free(builder);
    jwks_free(set);
    return token;
}

#endif

/* SPDX-License-Identifier: ISC */
/* token_libjwt1.c: token_libjwt.h with the libjwt of before 3.0 (1.10 is the oldest tried): a token
 * is decoded and judged in one call, by a key of bytes. */
#include <config.h>

#include "token_libjwt.h"

#ifndef USE_LIBJWT3

#include <jwt.h>
#include <limits.h>
#include <stdlib.h>

static bool is_key(struct text secret)
{
    return secret.data != NULL && secret.length > 0 && secret.length <= INT_MAX;
}

bool token_libjwt_accepts(struct arena *arena, const char *token, struct text secret)
{
    jwt_t *jwt = NULL;
    bool accepted;

    (void)arena;
    if (!is_key(secret) ||
        jwt_decode(&jwt, token, (const unsigned char *)secret.data, (int)secret.length) != 0)
        return false;
    accepted = jwt_get_alg(jwt) == JWT_ALG_HS256;
    jwt_free(jwt);
    return accepted;
}

char *token_libjwt_make(struct arena *arena, const char *claims, struct text secret)
{
    char *encoded = NULL, *token = NULL;
    jwt_t *jwt = NULL;

    if (!is_key(secret) || jwt_new(&jwt) != 0)
        return NULL;
    if (jwt_add_grants_json(jwt, claims) == 0 &&
        jwt_set_alg(jwt, JWT_ALG_HS256, (const unsigned char *)secret.data, (int)secret.length) ==
            0)
        encoded = jwt_encode_str(jwt);
    if (encoded != NULL)
        token = arena_text(arena, text_of(encoded));
    free(encoded); /* libjwt's allocator is malloc, and 1.10 has no jwt_free_str */
    jwt_free(jwt);
    return token;
}

#endif

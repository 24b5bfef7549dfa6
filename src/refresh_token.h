/* SPDX-License-Identifier: ISC */
/* refresh_token.h: what a client renews its session with: "SECRET.SESSION.USER", 256 bits that
 * nobody can guess, the session that they belong to, and whose that is (so that the user's context
 * can be entered before anything is looked up). Only SHA-256 of the secret is ever stored. */
#ifndef TODO_REFRESH_TOKEN_H
#define TODO_REFRESH_TOKEN_H

#include <stdbool.h>

#include "arena.h"
#include "conf.h"
#include "text.h"

#define REFRESH_SECRET_SIZE 32
#define REFRESH_HASH_SIZE 32
#define REFRESH_SALT_SIZE 32
#define REFRESH_SESSION_MAX 64 /* bytes of a session's id */

struct refresh_token {
    struct text user;    /* as in a principal */
    struct text session; /* base64url characters */
    unsigned char secret[REFRESH_SECRET_SIZE];
};

/* False for anything that refresh_token_write has not written. */
bool refresh_token_parse(struct arena *arena, struct text t, struct refresh_token *token);
char *refresh_token_write(struct arena *arena, const struct refresh_token *token)
    __attribute__((returns_nonnull));

/* SHA-256 of the secret. */
void refresh_token_hash(const struct refresh_token *token, unsigned char hash[REFRESH_HASH_SIZE]);

/* The successor's secret: HMAC-SHA256 under the signing secret over `salt`, which is random, stored
 * with the session and new at each renewal, and the old secret. So the same successor can be given
 * to a second tab that comes with the same token, although nobody has kept it; whoever reads the
 * database cannot make it, and whoever has an old token neither. */
void refresh_token_next(const struct conf *conf, const struct refresh_token *token,
                        const unsigned char salt[REFRESH_SALT_SIZE], struct refresh_token *next);

#endif

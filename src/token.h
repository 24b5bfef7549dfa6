/* SPDX-License-Identifier: ISC */
/* token.h: is this JSON Web Token (RFC 7519, RFC 7515, RFC 8725) ours, and whose is it? */
#ifndef TODO_TOKEN_H
#define TODO_TOKEN_H

#include <time.h>

#include "arena.h"
#include "conf.h"
#include "keys.h"
#include "text.h"

#define TOKEN_MAX 8192     /* bytes of a token */
#define TOKEN_USER_MAX 255 /* bytes of a user's id */

/* Who asks. All in the request's arena. */
struct principal {
    struct text user; /* 1 to 255 bytes of UTF-8 without control characters */
    struct text
        email; /* the claims "email" and "name", when they are strings of at most 320 and 200 */
    struct text name;    /* bytes without control characters; else TEXT_NULL */
    struct text session; /* the claim "sid", if it is a string like that of at most 64 bytes */
};

/* Why a token was refused; token_fault_text gives the words of error_description. */
enum token_fault {
    TOKEN_OK,
    TOKEN_MALFORMED,
    TOKEN_EXPIRED,
    TOKEN_NOT_YET_VALID,
    TOKEN_WRONG_ISSUER,
    TOKEN_WRONG_AUDIENCE,
    TOKEN_BAD_SIGNATURE,
    TOKEN_UNKNOWN_KEY,
    TOKEN_UNAVAILABLE, /* no refusal: no key set could be read so far, so nothing can be said */
    TOKEN_FAULT_COUNT
};

/* Judges `token` at the instant `now` by the settings, and by `keys` (NULL: none) when its
 * algorithm is one of a key set's. On TOKEN_OK *principal is filled, from `arena`; otherwise it is
 * untouched and *reason (static) is a few more words for the log. The signature is checked before
 * any claim is believed. */
enum token_fault token_verify(const struct conf *conf, struct keys *keys, struct arena *arena,
                              struct text token, time_t now, struct principal *principal,
                              const char **reason) CHECK_RESULT;

/* What one check has found; `note` (NULL: nothing) is a few more words. */
typedef void token_teller(void *data, const char *check, enum token_fault fault, const char *note);
/* The same, telling each check up to the first that fails. */
enum token_fault token_inspect(const struct conf *conf, struct keys *keys, struct arena *arena,
                               struct text token, time_t now, struct principal *principal,
                               token_teller *tell, void *data);

const char *token_fault_text(enum token_fault fault);

/* Makes an HS256 token for `user` (in the claim TODO_USER_CLAIM) with iat = now, exp = now +
 * lifetime seconds, a random jti, sid when there is a `session` (else NULL), and iss and aud when
 * the settings have them. From `arena`; NULL if there is no secret, `user` is none that
 * token_verify would take, or libjwt fails. */
char *token_make(const struct conf *conf, struct arena *arena, const char *user,
                 const char *session, time_t now, long lifetime);

#endif

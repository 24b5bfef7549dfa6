/* SPDX-License-Identifier: ISC */
/* session_token.h: the opaque tokens of Better Auth's sessions, in all the forms in which they are
 * sent: raw, signed (token.base64(HMAC-SHA256(secret, token))), and percent-encoded. */
#ifndef TODO_SESSION_TOKEN_H
#define TODO_SESSION_TOKEN_H

#include "arena.h"
#include "conf.h"
#include "token.h"

/* May `value` be one? What has three segments is a JSON Web Token and is judged as that alone. */
bool session_token_fits(struct text value);

/* Finds the token in `value`; whether its session lives, the database knows. A signature is checked
 * first; `needs_signature`: there must be one, as in a cookie. Otherwise as token_verify. */
enum token_fault session_token_read(const struct conf *conf, struct arena *arena, struct text value,
                                    bool needs_signature, struct text *token,
                                    const char **reason) CHECK_RESULT;

/* The value of Better Auth's session cookie in a Cookie header (NULL: none was sent), the one that
 * only https can have set first; TEXT_NULL when it is not there. */
struct text session_token_cookie(const char *header);

#endif

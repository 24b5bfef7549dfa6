/* SPDX-License-Identifier: ISC */
/* token_libjwt.h: what libjwt does for us: HS256 signatures made, and judged as hs256.c does it.
 *
 * libjwt 3 has nothing in common with those before it but its name, so there are two files for this
 * header, the only users of jwt.h: token_libjwt1.c and token_libjwt3.c. configure picks. */
#ifndef TODO_TOKEN_LIBJWT_H
#define TODO_TOKEN_LIBJWT_H

#include <stdbool.h>

#include "arena.h"
#include "text.h"

/* The reference for hs256.h, for tests: libjwt 1.10 reads and writes beside what it allocates for a
 * token whose header or payload is empty or a single character.
 *
 * Is `token` signed HS256 with `secret`, and with nothing else? Looks at no claim. No for the empty
 * secret, with which every libjwt accepts "none". 1.10 and 1.11 refuse each "typ" but "JWT". */
bool token_libjwt_accepts(struct arena *arena, const char *token, struct text secret);

/* The token with these claims, a JSON object, from `arena`; NULL if that cannot be. */
char *token_libjwt_make(struct arena *arena, const char *claims, struct text secret);

#endif

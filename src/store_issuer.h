/* SPDX-License-Identifier: ISC */
/* store_issuer.h: what is read of a Better Auth that shares our database. */
#ifndef TODO_STORE_ISSUER_H
#define TODO_STORE_ISSUER_H

#include "buf.h"
#include "store.h"

/* Appends its public keys as a key set (RFC 7517). */
enum err store_issuer_keys(struct store *store, struct buf *document) CHECK_RESULT;

/* Whose session is it, as far as this process remembers? A guess, to be judged by the statement
 * that is then told of it. TEXT_NULL: no idea. */
struct text store_issuer_guess(struct store *store, struct text token);
/* Whose is it? One round trip. ERR_UNAUTHORIZED: nobody's, or it has ended. `user` is from `arena`.
 */
enum err store_issuer_session(struct store *store, struct arena *arena, struct text token,
                              struct text *user) CHECK_RESULT;

/* Until the request's end a user's context is entered only if that session lives and is that
 * user's; else every call gives ERR_UNAUTHORIZED or ERR_FORBIDDEN. Costs no round trip. `token`
 * must outlive the request. */
void store_issuer_expect(struct store *store, struct text token);
/* Has nothing been asked of the database that would have judged it? */
bool store_issuer_is_unjudged(const struct store *store);
struct text store_issuer_token(const struct store *store);

#endif

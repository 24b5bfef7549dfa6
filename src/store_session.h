/* SPDX-License-Identifier: ISC */
/* store_session.h: sessions in the database, each a family of refresh tokens. */
#ifndef TODO_STORE_SESSION_H
#define TODO_STORE_SESSION_H

#include "account.h"
#include "refresh_token.h"
#include "store.h"

/* A session that is to be opened. */
struct session_start {
    struct text id;
    unsigned char refresh_hash[REFRESH_HASH_SIZE];
};

/* A refresh token was presented. */
struct session_renewal {
    struct text user, session;
    unsigned char hash[REFRESH_HASH_SIZE];      /* of the token */
    unsigned char next_hash[REFRESH_HASH_SIZE]; /* of its successor made with `salt`; as found */
    unsigned char salt[REFRESH_SALT_SIZE]; /* on return: what the present token was made with */
};

/* If the token is the session's present one, its successor takes its place. If it was that until
 * REFRESH_GRACE_SECONDS ago, nothing changes. In both cases next_hash and salt are the present
 * token's, and *account is filled. Else ERR_UNAUTHORIZED, and a session that the token belonged to
 * before has ended: *stolen. */
enum err store_session_refresh(struct store *store, struct session_renewal *renewal,
                               struct account *account, bool *stolen) CHECK_RESULT;

/* The user's live sessions, newest first, from the store's arena. */
enum err store_session_list(struct store *store, struct text user, struct session **sessions,
                            size_t *count) CHECK_RESULT;

/* Ends a session; with a hash (NULL: none) only if it is that of one of its two last tokens.
 * ERR_NOT_FOUND: there is none such. */
enum err store_session_end(struct store *store, struct text user, struct text session,
                           const unsigned char *hash) CHECK_RESULT;

#endif

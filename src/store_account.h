/* SPDX-License-Identifier: ISC */
/* store_account.h: accounts in the database, and the failed attempts to log in to them. The texts
 * that are given back live until store_end_request. */
#ifndef TODO_STORE_ACCOUNT_H
#define TODO_STORE_ACCOUNT_H

#include "account.h"
#include "store.h"
#include "store_session.h"

/* Somebody at `address` (TEXT_NULL: not known) wants to prove a password: of the account of `email`
 * or, when that is TEXT_NULL, of `user`'s own. It counts as failed until store_account_log_in,
 * store_account_password or store_account_delete. */
enum err store_account_attempt(struct store *store, struct text user, struct text email,
                               struct text address, struct account_proof *proof) CHECK_RESULT;
/* The attempt failed: that counts against the address, too. */
enum err store_account_failed(struct store *store, struct text address) CHECK_RESULT;

/* The password was proved: opens a session, forgets the failures of `email`, and keeps `rehash`
 * (TEXT_NULL: none) in place of the old hash. ERR_UNAUTHORIZED: the account has changed meanwhile.
 */
enum err store_account_log_in(struct store *store, const struct account_proof *proof,
                              struct text email, struct text rehash,
                              const struct session_start *start,
                              struct account *account) CHECK_RESULT;

/* A new account and its first session. ERR_CONFLICT: the e-mail address is taken. */
enum err store_account_create(struct store *store, const struct account *account, struct text hash,
                              const struct session_start *start,
                              struct account *created) CHECK_RESULT;

/* ERR_NOT_FOUND: the user has no account here. */
enum err store_account_get(struct store *store, struct text user,
                           struct account *account) CHECK_RESULT;
/* As store_account_get; ERR_CONFLICT: the e-mail address is taken. */
enum err store_account_update(struct store *store, struct text user,
                              const struct account_change *change,
                              struct account *account) CHECK_RESULT;

/* The password was proved: takes the new hash and ends all sessions but `kept` (TEXT_NULL: all).
 * ERR_CONFLICT: the account has changed meanwhile. */
enum err store_account_password(struct store *store, const struct account_proof *proof,
                                struct text hash, struct text kept) CHECK_RESULT;
/* The password was proved: the account and all that is the user's go. ERR_CONFLICT as above. */
enum err store_account_delete(struct store *store, const struct account_proof *proof) CHECK_RESULT;

#endif

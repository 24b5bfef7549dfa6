/* SPDX-License-Identifier: ISC */
/* password.h: passwords and their bcrypt hashes. password.c is the only user of crypt.h. */
#ifndef TODO_PASSWORD_H
#define TODO_PASSWORD_H

#include <stdbool.h>

#include "err.h"
#include "text.h"

#define PASSWORD_CHARACTERS_MIN 8 /* code points of a new one */
#define PASSWORD_BYTES_MAX 72     /* bcrypt ignores what is behind them */
#define PASSWORD_HASH_SIZE 61     /* with the terminating zero */

/* Hashes `password` (terminated, without a zero byte, at most PASSWORD_BYTES_MAX) as $2b$ at
 * `cost`. ERR_INTERNAL when the system's libcrypt cannot. */
enum err password_hash(const char *password, long cost, char hash[PASSWORD_HASH_SIZE]) CHECK_RESULT;

/* Is it the password of `hash`? Takes as long as one hash at `cost` whatever the hash is: NULL (no
 * such account: always false), or one of a lower cost. Only one of a higher cost takes longer. */
bool password_verify(const char *password, const char *hash, long cost);

/* A bcrypt hash ($2a$, $2b$ or $2y$) that password_verify can judge? */
bool password_is_hash(struct text hash);

/* The cost of a hash for which password_is_hash holds. */
long password_cost(const char *hash);

#endif

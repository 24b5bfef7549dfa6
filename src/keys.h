/* SPDX-License-Identifier: ISC */
/* keys.h: the key set that TODO_JWKS names, as this process has it, and when it is looked at again.
 *
 *   a file      when the file has changed, which is looked at with each token; and, since two
 *               changes within a tick of the clock look like one, once more 2 s later, and until
 *               then for each token of an unknown key;
 *   a URL       by the fetcher, a process of its own: every 10 minutes, and at once for a token of
 *               an unknown key, whose request then waits for it, 2.5 s at most;
 *   "database"  over the worker's own connection, at the same times.
 *
 * The last two are shared over a key_board, which also keeps readings for unknown keys 30 s apart.
 * A source that fails, hangs or has no key leaves the last set as it was. Where every worker is a
 * pool of its own (spawn-fcgi -F) each keeps these times by itself. */
#ifndef TODO_KEYS_H
#define TODO_KEYS_H

#include "conf.h"
#include "err.h"
#include "jwks.h"
#include "key_board.h"

struct keys;
struct store;

/* NULL when TODO_JWKS is not set. All of them must outlive it; `store` is for "database" alone. */
struct keys *keys_new(const struct conf *conf, struct store *store, struct key_board *board);
void keys_free(struct keys *keys);

/* Reads the source now and keeps to that from now on: NULL, or what went wrong (static). For
 * todoctl, which has no board. */
const char *keys_load(struct keys *keys) CHECK_RESULT;

/* As jwks_judge, with the set as it is by now. False: no set could ever be read, so that nothing
 * can be said of the token. */
bool keys_judge(struct keys *keys, const struct jwks_claim *claim,
                enum jwks_verdict *verdict) CHECK_RESULT;

/* A reload: the program after this one begins with the board's document, for the time until it has
 * read the source itself, unless TODO_JWKS names another one by then. */
void keys_leave(const struct conf *conf, struct key_board *board);
void keys_take_over(const struct conf *conf, struct key_board *board);

/* Does a fetcher have to run beside the workers? */
bool keys_need_fetcher(const struct conf *conf);

/* Reads the source now, whatever the board says. NULL, and *fault (static) says why, when it fails
 * or has no key that fits. */
struct jwks *keys_read(const struct conf *conf, struct store *store, struct buf *document,
                       const char **fault) CHECK_RESULT;

#endif

/* SPDX-License-Identifier: ISC */
/* cursor.h: a place in a list of tasks as the opaque text that clients hand back to go on from it.
 *
 * Sealed with HMAC-SHA-256 (RFC 2104, cut to 128 bits) under a key of all processes, for one user:
 * what was tampered with, made for somebody else or made under another secret is none of ours. */
#ifndef TODO_CURSOR_H
#define TODO_CURSOR_H

#include <stdbool.h>

#include "arena.h"
#include "conf.h"
#include "err.h"
#include "task.h"

struct cursor_seal;

/* The seal of this process: the same in every process with the same secret or, where there is none,
 * the same DATABASE_URL. Never NULL. */
struct cursor_seal *cursor_seal_new(const struct conf *conf) __attribute__((returns_nonnull));
void cursor_seal_free(struct cursor_seal *seal);

/* What entity tags of lists end in: it differs where answers about the same tasks do, by the secret
 * that their cursors are sealed with, TODO_COMPAT or the program's version. CURSOR_SHAPE_LENGTH
 * bytes. */
struct text cursor_seal_shape(const struct cursor_seal *seal);
#define CURSOR_SHAPE_LENGTH (sizeof("-01234567") - 1)

/* The cursor for `place`, terminated, from `arena`. */
const char *cursor_write(const struct cursor_seal *seal, struct arena *arena, struct text user,
                         const struct task_place *place) __attribute__((returns_nonnull));

/* The place that a cursor stands for; false, and *place untouched, if it is none of ours. Its text
 * is in `arena`. */
bool cursor_read(const struct cursor_seal *seal, struct arena *arena, struct text user,
                 struct text cursor, struct task_place *place) CHECK_RESULT;

#endif

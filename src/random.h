/* SPDX-License-Identifier: ISC */
/* random.h: bytes that nobody can guess. A machine that has none ends the process with a line in
 * the log, as one without memory does: nothing safe could be done instead. */
#ifndef TODO_RANDOM_H
#define TODO_RANDOM_H

#include <stddef.h>

#include "arena.h"

/* Fills `size` bytes, at most 256. */
void random_bytes(void *bytes, size_t size);

/* `size` random bytes in base64url, from `arena`. */
char *random_id(struct arena *arena, size_t size) __attribute__((returns_nonnull));

#endif

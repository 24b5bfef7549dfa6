/* SPDX-License-Identifier: ISC */
/* random.h: bytes that nobody can guess. A machine that has none ends the process with a line in
 * the log, as one without memory does: nothing safe could be done instead. */
#ifndef TODO_RANDOM_H
#define TODO_RANDOM_H

#include <stddef.h>

#include "arena.h"

/* Fills `size` bytes, at most 256. */
void random_bytes(void *bytes, size_t size);

#define RANDOM_SECRET_BYTES 32 /* of a secret that signs tokens */

/* `size` random bytes, at most 256, as hexadecimal digits; gives `hex`, which has room for them and
 * a NUL. */
char *random_hex(char *hex, size_t size) __attribute__((returns_nonnull));

/* `size` random bytes in base64url, from `arena`. */
char *random_id(struct arena *arena, size_t size) __attribute__((returns_nonnull));

#endif

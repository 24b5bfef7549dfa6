/* SPDX-License-Identifier: ISC */
/* position.h: a place in the log of the database as the opaque text of the Todo-Position header.
 *
 * It is not sealed: whoever makes one up can only harm what is answered to themselves, and make a
 * worker wait for the little that store_replica.c allows. */
#ifndef TODO_POSITION_H
#define TODO_POSITION_H

#include <stdbool.h>
#include <stdint.h>

#include "arena.h"
#include "text.h"

struct position {
    int64_t made_at;  /* seconds since 1970 */
    int64_t system;   /* which cluster: PostgreSQL's system identifier */
    int64_t timeline; /* which of its histories: a promotion begins another */
    int64_t lsn;      /* bytes from the beginning of the log */
};

/* Terminated, from `arena`. */
const char *position_write(struct arena *arena, const struct position *position)
    __attribute__((returns_nonnull));

/* False when it is none of ours; `arena` is for what is needed on the way. */
bool position_read(struct arena *arena, struct text text, struct position *position)
    __attribute__((warn_unused_result));

#endif

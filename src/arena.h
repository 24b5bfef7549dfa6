/* SPDX-License-Identifier: ISC */
/* arena.h: memory that lives as long as one request: many allocations, one reset.
 *
 * Requests are bounded (body, headers, rows), so running out of memory is a fault of the machine,
 * not of the client: every function here ends the process with a line in the log then, and the pool
 * starts another. No caller checks for NULL. Nothing handed out is freed singly. */
#ifndef TODO_ARENA_H
#define TODO_ARENA_H

#include <stdarg.h>
#include <stddef.h>

#include "text.h"

struct arena {
    struct arena_chunk *chunks; /* newest first */
};

void arena_init(struct arena *arena);
/* Gives everything back to the arena, keeping one chunk of the first size for the next request. */
void arena_reset(struct arena *arena);
/* As arena_reset, and overwrites what was handed out: it held a password. */
void arena_wipe(struct arena *arena);
void arena_fini(struct arena *arena);

/* `size` bytes aligned for any type, not cleared. */
void *arena_alloc(struct arena *arena, size_t size) __attribute__((returns_nonnull));
/* `count` times `size` zero bytes; the product is checked for overflow. */
void *arena_zero(struct arena *arena, size_t count, size_t size) __attribute__((returns_nonnull));
/* A terminated copy of the slice. */
char *arena_text(struct arena *arena, struct text t) __attribute__((returns_nonnull));
char *arena_printf(struct arena *arena, const char *format, ...)
    __attribute__((format(printf, 2, 3), returns_nonnull));
char *arena_vprintf(struct arena *arena, const char *format, va_list arguments)
    __attribute__((format(printf, 2, 0), returns_nonnull));

#endif

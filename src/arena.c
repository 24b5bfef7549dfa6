/* SPDX-License-Identifier: ISC */
/* arena.c: a list of chunks, each handed out from its start to its end. The newest is the current
 * one; what is too large for a share of it gets a chunk of its own behind it. Under
 * AddressSanitizer what was not handed out is poisoned, so that an overrun is seen there as with
 * malloc. */
#include <config.h>

#include <stdalign.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arena.h"
#include "log.h"

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ARENA_GUARDED
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define ARENA_GUARDED
#endif

#ifdef ARENA_GUARDED
#include <sanitizer/asan_interface.h>
#define GUARD_SIZE alignof(max_align_t)
#else
#define ASAN_POISON_MEMORY_REGION(start, size) ((void)(start), (void)(size))
#define ASAN_UNPOISON_MEMORY_REGION(start, size) ((void)(start), (void)(size))
#define GUARD_SIZE 0
#endif

#define CHUNK_SIZE (64 * 1024)

struct arena_chunk {
    struct arena_chunk *next;
    size_t size; /* of data */
    size_t used;
    alignas(max_align_t) unsigned char data[];
};

static struct arena_chunk *chunk_new(size_t size)
{
    struct arena_chunk *chunk = NULL;

    if (size <= SIZE_MAX - sizeof(*chunk))
        chunk = malloc(sizeof(*chunk) + size);
    if (!chunk)
        log_out_of_memory();
    chunk->next = NULL;
    chunk->size = size;
    chunk->used = 0;
    ASAN_POISON_MEMORY_REGION(chunk->data, size);
    return chunk;
}

static void chunk_free(struct arena_chunk *chunk)
{
    ASAN_UNPOISON_MEMORY_REGION(chunk->data, chunk->size);
    free(chunk);
}

void arena_init(struct arena *arena)
{
    arena->chunks = NULL;
}

void arena_reset(struct arena *arena)
{
    struct arena_chunk *kept = NULL, *next;

    for (struct arena_chunk *chunk = arena->chunks; chunk; chunk = next) {
        next = chunk->next;
        if (kept || chunk->size != CHUNK_SIZE)
            chunk_free(chunk);
        else
            kept = chunk;
    }
    arena->chunks = kept;
    if (kept) {
        kept->next = NULL;
        kept->used = 0;
        ASAN_POISON_MEMORY_REGION(kept->data, kept->size);
    }
}

void arena_wipe(struct arena *arena)
{
    for (struct arena_chunk *chunk = arena->chunks; chunk; chunk = chunk->next) {
        ASAN_UNPOISON_MEMORY_REGION(chunk->data, chunk->size);
        explicit_bzero(chunk->data, chunk->used);
    }
    arena_reset(arena);
}

void arena_fini(struct arena *arena)
{
    struct arena_chunk *next;

    for (struct arena_chunk *chunk = arena->chunks; chunk; chunk = next) {
        next = chunk->next;
        chunk_free(chunk);
    }
    arena->chunks = NULL;
}

/* Adds the chunk from which `size` bytes will be taken. */
static struct arena_chunk *add_chunk(struct arena *arena, size_t size)
{
    struct arena_chunk *current = arena->chunks, *chunk;

    if (!current || size <= CHUNK_SIZE / 4) {
        chunk = chunk_new(size > CHUNK_SIZE ? size : CHUNK_SIZE);
        chunk->next = current;
        arena->chunks = chunk;
    } else {
        chunk = chunk_new(size);
        chunk->next = current->next;
        current->next = chunk;
    }
    return chunk;
}

void *arena_alloc(struct arena *arena, size_t size)
{
    const size_t mask = alignof(max_align_t) - 1;
    struct arena_chunk *chunk = arena->chunks;
    size_t taken;
    void *start;

    if (__builtin_add_overflow(size, mask + GUARD_SIZE, &taken))
        log_out_of_memory();
    taken &= ~mask;
    if (!chunk || chunk->size - chunk->used < taken)
        chunk = add_chunk(arena, taken);
    start = chunk->data + chunk->used;
    chunk->used += taken;
    ASAN_UNPOISON_MEMORY_REGION(start, size);
    return start;
}

void *arena_zero(struct arena *arena, size_t count, size_t size)
{
    size_t total;

    if (__builtin_mul_overflow(count, size, &total))
        log_out_of_memory();
    return memset(arena_alloc(arena, total), 0, total);
}

char *arena_text(struct arena *arena, struct text t)
{
    char *copy = arena_alloc(arena, t.length + 1);

    if (t.length > 0)
        memcpy(copy, t.data, t.length);
    copy[t.length] = '\0';
    return copy;
}

char *arena_printf(struct arena *arena, const char *format, ...)
{
    va_list arguments;
    char *string;

    va_start(arguments, format);
    string = arena_vprintf(arena, format, arguments);
    va_end(arguments);
    return string;
}

char *arena_vprintf(struct arena *arena, const char *format, va_list arguments)
{
    va_list again;
    char *string;
    int length;

    va_copy(again, arguments);
    length = vsnprintf(NULL, 0, format, again);
    va_end(again);
    if (length < 0)
        log_out_of_memory();
    string = arena_alloc(arena, (size_t)length + 1);
    vsnprintf(string, (size_t)length + 1, format, arguments);
    return string;
}

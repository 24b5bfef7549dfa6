/* SPDX-License-Identifier: ISC */
/* record.h: what the readers of files to import hand on: one task as the object that a client would
 * POST, whatever the file's format is. */
#ifndef TODO_RECORD_H
#define TODO_RECORD_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "err.h"
#include "text.h"

#define RECORD_POINTER_SIZE 32

struct record {
    size_t index;                      /* from 0 */
    unsigned line;                     /* where it begins, from 1; 0: its format has no lines */
    char pointer[RECORD_POINTER_SIZE]; /* RFC 6901: "/3", or "/tasks/3" */
    const json_t *json;                /* an object; the sink must not keep it */
    bool faulty;                       /* its reader has told a fault; `json` may be NULL then */
};

/* Takes the records, all of them in their order. ERR_INVALID: this one is faulty, go on; another
 * error ends the reading. */
typedef enum err record_sink(void *data, const struct record *record);

/* What is known of a file after one more record: the error that counts. */
static inline enum err record_worst(enum err so_far, enum err err)
{
    return err != ERR_NONE ? err : so_far;
}

/* Does this error end the reading? */
static inline bool record_is_fatal(enum err err)
{
    return err != ERR_NONE && err != ERR_INVALID;
}

/* New JSON values and members. Out of memory: as in arena.h. `t` is UTF-8. */
json_t *record_string(struct text t) __attribute__((returns_nonnull));
json_t *record_array(void) __attribute__((returns_nonnull));
json_t *record_object(void) __attribute__((returns_nonnull));
/* Both take over the reference to `value`, which stands in place of one that was there before. */
void record_set(json_t *object, const char *name, json_t *value);
void record_append(json_t *array, json_t *value);

#endif

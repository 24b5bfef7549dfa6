/* SPDX-License-Identifier: ISC */
/* store_import.h: many new tasks in one transaction, chunk by chunk. */
#ifndef TODO_STORE_IMPORT_H
#define TODO_STORE_IMPORT_H

#include "store.h"

/* The most that one call of store_import takes. */
#define STORE_IMPORT_TASKS 1000

/* How far it has come. Start with {.total = how many tasks there will be in all}. */
struct store_import {
    int64_t total;
    int64_t written;
    int64_t until; /* no chunk is waited for past this; store_import sets it */
};

/* Writes `count` tasks, given as a JSON array as task_json_write has them: id, user_id and version
 * are new, created_at, updated_at and the completed_at of what is completed are now if null. The
 * versions of all chunks are consecutive. ids[i] becomes the id of the i-th. The transaction is
 * left open: see store_tx.h. Each chunk has a deadline of its own, and all of them one more. Errors
 * as from store_task_write. */
enum err store_import(struct store *store, const struct principal *principal,
                      struct store_import *import, struct text tasks, size_t count,
                      int64_t *ids) CHECK_RESULT;

#endif

/* SPDX-License-Identifier: ISC */
/* store_import.c: the first chunk comes with the counter's step over all of the versions, which
 * makes the user's row if need be and locks it; the others follow in the open transaction. */
#include <config.h>

#include "clock.h"
#include "log.h"
#include "store_import.h"
#include "store_internal.h"

#define IMPORT_MAX_MS 30000 /* for all chunks */

static void count_init(struct step *step, const struct principal *principal, int64_t total)
{
    step_init(step, store_statement(SQL_IMPORT_COUNT));
    step_text(step, principal->user);
    step_text(step, principal->email);
    step_text(step, principal->name);
    step_int(step, total);
}

static void chunk_init(struct step *step, const struct principal *principal,
                       const struct store_import *import, struct text tasks)
{
    step_init(step, store_statement(SQL_IMPORT_TASKS));
    step_text(step, principal->user);
    step_text(step, tasks);
    step_int(step, import->total - import->written);
}

static void set_deadline(struct store *store, struct store_import *import)
{
    int64_t now = clock_now_ms();

    if (import->until == 0)
        import->until = now + IMPORT_MAX_MS;
    store->deadline = now + store->conf->db_deadline_ms;
    if (store->deadline > import->until)
        store->deadline = import->until;
}

static enum err take_ids(const PGresult *result, size_t count, int64_t *ids)
{
    if ((size_t)PQntuples(result) != count) {
        log_error("an import of %zu tasks wrote %d", count, PQntuples(result));
        return ERR_INTERNAL;
    }
    for (size_t i = 0; i < count; i++)
        ids[i] = result_int(result, (int)i, 0);
    return ERR_NONE;
}

enum err store_import(struct store *store, const struct principal *principal,
                      struct store_import *import, struct text tasks, size_t count, int64_t *ids)
{
    struct step counter, chunk;
    struct step *steps[] = {&counter, &chunk};
    enum err err;
    bool lost;

    count_init(&counter, principal, import->total);
    chunk_init(&chunk, principal, import, tasks);
    set_deadline(store, import);
    if (store_is_open(store)) {
        err = store_run_open(store, &steps[1], 1, &lost);
    } else {
        store_keep_open(store);
        err = store_write(store, principal->user, true, steps, 2);
    }
    if (err == ERR_NONE)
        err = take_ids(chunk.result, count, ids);
    import->written += (int64_t)count;
    step_fini(&counter);
    step_fini(&chunk);
    return err;
}

/* SPDX-License-Identifier: ISC */
/* store_changes.c: what has changed since a cursor: tasks and counters in one snapshot. */
#include <config.h>

#include "store_internal.h"
#include "store_task.h"

/* The columns behind a task's own. */
enum column {
    COLUMN_TRASHED = TASK_COLUMN_COUNT,
    COLUMN_EPOCH,
    COLUMN_CHANGE_SEQ,
    COLUMN_PURGED_SEQ
};

bool task_rows_is_trashed(const struct task_rows *rows, int index)
{
    return result_bool(rows->result, index, COLUMN_TRASHED);
}

static bool is_gone(const struct task_cursor *since, const struct task_state *state, int64_t purged)
{
    return since && since->epoch != 0 &&
           (since->epoch != state->epoch || since->seq > state->change_seq ||
            since->floor > state->change_seq || since->floor < purged);
}

/* No row at all: the user has none, so nothing was ever written. */
static enum err take_rows(struct step *step, const struct task_cursor *since,
                          struct task_state *state, struct task_rows *rows)
{
    int64_t purged = 0;

    rows->count = PQntuples(step->result);
    if (rows->count > 0) {
        state->epoch = result_int(step->result, 0, COLUMN_EPOCH);
        state->change_seq = result_int(step->result, 0, COLUMN_CHANGE_SEQ);
        purged = result_int(step->result, 0, COLUMN_PURGED_SEQ);
        if (result_is_null(step->result, 0, 0))
            rows->count = 0; /* the users row alone */
        rows->result = step_result_steal(step);
    }
    return is_gone(since, state, purged) ? ERR_GONE : ERR_NONE;
}

enum err store_task_changes(struct store *store, struct text user, const struct task_cursor *since,
                            int64_t limit, struct task_state *state, struct task_rows *rows)
{
    struct step step;
    enum err err;

    *state = (struct task_state){0};
    *rows = (struct task_rows){.user = user};
    step_init(&step, store_statement(SQL_TASK_CHANGES));
    step_text(&step, user);
    step_int(&step, since ? since->seq : 0);
    step_bool(&step, since != NULL);
    step_int(&step, limit + 1);
    err = store_read(store, user, &step);
    if (err == ERR_NONE)
        err = take_rows(&step, since, state, rows);
    step_fini(&step);
    return err;
}

/* SPDX-License-Identifier: ISC */
/* store_task.h: tasks in the database. Every call acts for one user, behind both walls. */
#ifndef TODO_STORE_TASK_H
#define TODO_STORE_TASK_H

#include "store.h"
#include "task.h"

/* Rows of tasks, owned by whoever was given them: task_rows_fini. Zeroed is a valid, empty one. */
struct task_rows {
    struct pg_result *result;
    struct text user; /* whose tasks they are, as it was given */
    int count;
    int64_t total; /* of a list that counts all: how many there are on all pages */
};

/* The row at `index`; its texts live as long as the rows and the user's. */
void task_rows_get(const struct task_rows *rows, int index, struct task *task);
void task_rows_fini(struct task_rows *rows);

/* ERR_NOT_FOUND: no such task of this user, or it is in the trash. */
enum err store_task_get(struct store *store, struct text user, int64_t id,
                        struct task_rows *rows) CHECK_RESULT;

/* Runs `ops` in their order in one transaction; rows[i] is given the one row of ops[i], as it is
 * then. The user's row is made by the first creation. ERR_NOT_FOUND: no such task of this user, or
 * it is in the trash; ERR_PRECONDITION: its version is not among op->from; ERR_CONFLICT: to be
 * restored, but not in the trash. *failed is then the op's index, and no rows are given. More than
 * one op needs store_hold, since those before the failed one have to be rolled back. */
enum err store_task_write(struct store *store, const struct principal *principal,
                          const struct task_op *ops, size_t count, struct task_rows *rows,
                          size_t *failed) CHECK_RESULT;

/* Where a user's tasks stand: the list's entity tag. Both 0 for a user without a row. */
struct task_state {
    int64_t epoch;
    int64_t change_seq;
};

/* The tasks that fit `query`, on the way that query->from goes (so backward they are in reverse),
 * at most query->limit + 1 of them: one more than asked for says that there is more. `state` is
 * read with them. When `seen` (NULL: nothing) equals it, no task is read and rows->count is 0. */
enum err store_task_list(struct store *store, struct text user, const struct task_query *query,
                         const struct task_state *seen, struct task_state *state,
                         struct task_rows *rows) CHECK_RESULT;

/* Moves a place in an order to a row of it. */
void task_place_at(struct task_place *place, const struct task *task);

/* The tags of the tasks that are not in the trash, by name; otherwise as store_task_list. */
struct task_tag {
    struct text name;
    int64_t count; /* of the tasks that have it */
};
enum err store_task_tags(struct store *store, struct text user, const struct task_state *seen,
                         struct task_state *state, struct task_rows *rows) CHECK_RESULT;
void task_rows_tag(const struct task_rows *rows, int index, struct task_tag *tag);

/* How far a client has followed a user's changes: it has all with a version up to `seq`. It began
 * with nothing when the counter stood at `floor`, so it never had what a purge had removed by then.
 * Once it has read that far, both are the same. */
struct task_cursor {
    int64_t epoch; /* 0: it has nothing, and the rest is 0 too */
    int64_t seq;
    int64_t floor;
};

/* The tasks behind `since` as they are now, in the order of their versions, at most limit + 1 of
 * them; task_rows_is_trashed tells those that are in the trash, of which there are none when
 * `since` is NULL: a client without a cursor has nothing to drop. `state` is read with them.
 * ERR_GONE: the cursor is of another epoch, above the counter, or a purge has removed what the
 * client would still have to be told. */
enum err store_task_changes(struct store *store, struct text user, const struct task_cursor *since,
                            int64_t limit, struct task_state *state,
                            struct task_rows *rows) CHECK_RESULT;
bool task_rows_is_trashed(const struct task_rows *rows, int index);

#endif

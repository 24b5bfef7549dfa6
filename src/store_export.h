/* SPDX-License-Identifier: ISC */
/* store_export.h: all of a user's tasks, page by page, from one snapshot. */
#ifndef TODO_STORE_EXPORT_H
#define TODO_STORE_EXPORT_H

#include "store_task.h"

/* Some tasks in the order of their versions. Zeroed is a valid, empty one. */
struct task_page {
    struct task_rows rows;
    int64_t epoch; /* the user's, when there are rows */
    int64_t last;  /* the version of the last row */
    bool more;     /* another page follows, though it may be empty */
};

/* Opens a snapshot and gives its first page. ERR_NONE: store_export_end must follow. */
enum err store_export_begin(struct store *store, struct text user,
                            struct task_page *page) CHECK_RESULT;

/* Puts the page that follows in its place, within a deadline of its own. After an error there is no
 * snapshot any more. */
enum err store_export_next(struct store *store, struct task_page *page) CHECK_RESULT;

/* Lets the snapshot go; nothing if it is gone. */
void store_export_end(struct store *store);

#endif

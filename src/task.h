/* SPDX-License-Identifier: ISC */
/* task.h: a task, a change to one, and a question for many, as plain data between the rooms. */
#ifndef TODO_TASK_H
#define TODO_TASK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "task_fields.h"
#include "text.h"
#include "timestamp.h"

#define TASK_TAGS_MAX 10
#define TASK_TITLE_MAX 200        /* code points */
#define TASK_DESCRIPTION_MAX 1000 /* code points */
#define TASK_TAG_MAX 50           /* code points */
#define TASK_LIMIT_MAX 1000       /* tasks on a page, and the default */

struct texts {
    size_t count;
    struct text items[TASK_TAGS_MAX];
};

#define TASK_TYPE_INTEGER int64_t
#define TASK_TYPE_TEXT struct text
#define TASK_TYPE_BOOLEAN bool
#define TASK_TYPE_TIME int64_t
#define TASK_TYPE_TEXTS struct texts

/* One row; its texts point into the result that it came from. */
struct task {
#define F(name, kind) TASK_TYPE_##kind name;
    TASK_FIELDS(F)
#undef F
};

/* What a client wants of a task: only members whose bit is in `set` count. */
enum task_set {
    TASK_SET_TITLE = 1 << 0,
    TASK_SET_DESCRIPTION = 1 << 1, /* TEXT_NULL clears */
    TASK_SET_COMPLETED = 1 << 2,
    TASK_SET_PRIORITY = 1 << 3,
    TASK_SET_DUE_DATE = 1 << 4, /* TIMESTAMP_NULL clears */
    TASK_SET_TAGS = 1 << 5,
    TASK_TOGGLE_COMPLETED = 1 << 6
};

struct task_change {
    unsigned set; /* bits of enum task_set */
    struct text title;
    struct text description;
    bool completed;
    struct text priority;
    int64_t due_date;
    struct texts tags;
};

#endif

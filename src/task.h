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
#define F(name, kind, source) TASK_TYPE_##kind name;
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
    TASK_TOGGLE_COMPLETED = 1 << 6,
    TASK_SET_ALL = TASK_TOGGLE_COMPLETED - 1 /* what a body can say */
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

/* The versions that a change may start from (If-Match). */
#define TASK_VERSIONS_MAX 16
struct task_versions {
    bool any; /* no condition */
    size_t count;
    int64_t items[TASK_VERSIONS_MAX];
};

/* One change to the user's tasks. */
enum task_op_kind { TASK_OP_CREATE, TASK_OP_UPDATE, TASK_OP_TRASH, TASK_OP_RESTORE };

struct task_op {
    enum task_op_kind kind;
    int64_t id;                /* all but create */
    struct task_versions from; /* all but create */
    struct task_change change; /* create and update */
};

/* The instants of a task that is imported; TIMESTAMP_NULL: those that creating it would give. */
struct task_stamps {
    int64_t completed_at; /* counts only for what is completed */
    int64_t created_at;
    int64_t updated_at;
};

enum task_sort {
    TASK_SORT_CREATED, /* by id: the order of creation on this server */
    TASK_SORT_UPDATED,
    TASK_SORT_TITLE,
    TASK_SORT_DUE_DATE, /* tasks without one come last, in both directions */
    TASK_SORT_PRIORITY,
    TASK_SORT_COMPLETED,
    TASK_SORT_COUNT
};

/* A place in an order of tasks, and which way to go on from there: from the row that the key is of,
 * or else from the beginning (backward: from the end). */
struct task_place {
    enum task_sort sort;
    bool descending;
    bool backward; /* towards the order's beginning */
    bool at_row;
    int64_t id; /* the row's key: its id, and what the sort compares before that */
    int64_t number;
    struct text text;
};

/* Which conditions of a query count. */
enum task_filter {
    TASK_FILTER_STATUS = 1 << 0,
    TASK_FILTER_COMPLETED = 1 << 1,
    TASK_FILTER_PRIORITY = 1 << 2,
    TASK_FILTER_TAG = 1 << 3,
    TASK_FILTER_SEARCH = 1 << 4,
    TASK_FILTER_DUE_FROM = 1 << 5,
    TASK_FILTER_DUE_TO = 1 << 6,
    TASK_FILTER_UPDATED_SINCE = 1 << 7
};

/* A question for a list of tasks. */
struct task_query {
    unsigned filters;        /* bits of enum task_filter */
    bool status;             /* completed? */
    bool completed;          /* asked for under another name; both must hold */
    struct texts priorities; /* any of them */
    struct texts tags;       /* any of them */
    struct text search;      /* a substring of title or description, in any case */
    int64_t due_from, due_to, updated_since;
    bool trash;             /* what is in the trash, instead of what is not */
    struct task_place from; /* the page begins behind it */
    bool order_is_implied;  /* by the cursor: the URL without it stands for another order */
    bool count_all;         /* also how many there are on all pages */
    int64_t limit;
    int64_t offset;
};

#endif

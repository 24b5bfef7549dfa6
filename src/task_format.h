/* SPDX-License-Identifier: ISC */
/* task_format.h: the formats of files of tasks, in one table: JSON, CSV, iCalendar. */
#ifndef TODO_TASK_FORMAT_H
#define TODO_TASK_FORMAT_H

#include "buf.h"
#include "problem.h"
#include "record.h"
#include "request.h"
#include "task.h"

/* What a task's writer has to know beside the task. */
struct task_file {
    int64_t epoch;   /* the owner's */
    unsigned compat; /* bits of enum compat */
    bool begun;      /* a task was written */
};

struct task_format {
    const char *media_type; /* as clients name it */
    const char *content_type;
    const char *file_name;
    void (*begin)(struct buf *out);
    void (*write)(struct buf *out, const struct task *task, const struct task_file *file);
    void (*end)(struct buf *out);
    /* Hands each record to `sink`. ERR_BAD_REQUEST: the body is not of this format, or cut off;
     * ERR_INVALID: faults were added; else as the sink says. */
    enum err (*read)(struct text body, struct problem *problem, record_sink *sink, void *data);
};

/* What Accept asks for; JSON when it asks for none of them. */
const struct task_format *task_format_accepted(const struct request *request)
    __attribute__((returns_nonnull));

/* What Content-Type says that the body is, JSON without one; NULL for another type or charset. */
const struct task_format *task_format_sent(const struct request *request);

/* All of them, for the tests; ends with a NULL media type. */
const struct task_format *task_formats(void);

#endif

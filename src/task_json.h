/* SPDX-License-Identifier: ISC */
/* task_json.h: tasks to and from JSON. Every rule that a client's value must keep stands once, in
 * task_json.c's table. */
#ifndef TODO_TASK_JSON_H
#define TODO_TASK_JSON_H

#include "buf.h"
#include "compat.h"
#include "err.h"
#include "json_body.h"
#include "problem.h"
#include "task.h"

/* How null and absence are read. */
enum task_mode { TASK_MODE_CREATE, TASK_MODE_PUT, TASK_MODE_PATCH };

/* Reads those members of a JSON object that a task knows and `fields` (bits of enum task_set) asks
 * for; others are ignored. All faults are added to `problem`, with pointers below `at` ("" for the
 * whole body). The texts of *change are in `problem`'s arena. */
enum err task_json_read(const json_t *json, enum task_mode mode, unsigned fields, unsigned compat,
                        const char *at, struct problem *problem,
                        struct task_change *change) CHECK_RESULT;

/* Reads completed_at, created_at and updated_at, for an import; null is as absent. Faults as above.
 */
enum err task_json_read_stamps(const json_t *json, const char *at, struct problem *problem,
                               struct task_stamps *stamps) CHECK_RESULT;

/* The task that they make: what they do not say is as for a new one, and the instants that are only
 * known once it is stored are TIMESTAMP_NULL. A completed_at alone says that it is completed. */
void task_json_import(const struct task_change *change, const struct task_stamps *stamps,
                      struct task *task);

/* "low", "MEDIUM", …: the stored spelling; TEXT_NULL for anything else. */
struct text task_priority(struct text word);

/* Appends the task as a JSON object. `compat`: bits of enum compat, here and above. */
void task_json_write(struct buf *out, const struct task *task, unsigned compat);

#endif

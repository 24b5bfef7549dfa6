/* SPDX-License-Identifier: ISC */
/* task_json.h: tasks to and from JSON. Every rule that a client's value must keep stands once, in
 * task_json.c's table. */
#ifndef TODO_TASK_JSON_H
#define TODO_TASK_JSON_H

#include "arena.h"
#include "buf.h"
#include "err.h"
#include "json_body.h"
#include "problem.h"
#include "task.h"

/* How null and absence are read: section 2 of the contract. */
enum task_mode { TASK_MODE_CREATE, TASK_MODE_PUT, TASK_MODE_PATCH };

/* Reads the members that a task knows from a JSON object; others are ignored. All faults are added
 * to `problem`, with pointers below `at` ("" for the whole body). Texts of *change point into
 * `json` or `arena`. */
enum err task_json_read(const json_t *json, enum task_mode mode, const char *at,
                        struct arena *arena, struct problem *problem,
                        struct task_change *change) CHECK_RESULT;

/* Appends the task as a JSON object. */
void task_json_write(struct buf *out, const struct task *task);

#endif

/* SPDX-License-Identifier: ISC */
/* task_query.h: from the query string of a list to a question for the store. */
#ifndef TODO_TASK_QUERY_H
#define TODO_TASK_QUERY_H

#include "cursor.h"
#include "err.h"
#include "problem.h"
#include "request.h"
#include "task.h"

/* Reads the parameters of a list; unknown ones are ignored, and all faults are told together.
 * A cursor must be sealed by `seal` for `user`. ERR_INVALID: a parameter out of range or of the
 * wrong form. */
enum err task_query_read(const struct request *request, const struct cursor_seal *seal,
                         struct text user, struct problem *problem,
                         struct task_query *query) CHECK_RESULT;

/* The names of a parameter, ending with NULL, for the document; NULL behind the last one. */
const char *const *task_query_names(size_t index);

/* Does the parameter of this name say where a page begins? */
bool task_query_is_position(const char *name);

#endif

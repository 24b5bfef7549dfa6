/* SPDX-License-Identifier: ISC */
/* task_state.h: where a user's tasks stand, as clients see it: "EPOCH.COUNTER", the epoch in
 * hexadecimal. With a shape behind it (cursor.h) it is the entity tag of whatever is read from the
 * tasks as a whole (the list, a page of changes); cursors of the delta are made of it. */
#ifndef TODO_TASK_STATE_H
#define TODO_TASK_STATE_H

#include "buf.h"
#include "etag.h"
#include "response.h"
#include "store_task.h"

/* Writes the state to `out`, which has room for TASK_STATE_ROOM bytes; gives the byte behind. */
char *task_state_put(char *out, const struct task_state *state);
#define TASK_STATE_ROOM (sizeof("7fffffffffffffff.") - 1 + BUF_INT_ROOM)

/* The whole of `text`; false if it is none. */
bool task_state_read(struct text text, struct task_state *state);

/* The newest state that the client's tags of this shape stand for, in *seen; NULL: none. */
const struct task_state *task_state_seen(const struct etag_condition *condition, struct text shape,
                                         struct task_state *seen);

/* Does If-None-Match say that the client has what there is? */
bool task_state_is_known(const struct etag_condition *condition, const struct task_state *seen,
                         const struct task_state *state);

/* Adds the ETag header. */
void task_state_tag(struct response *response, const struct task_state *state, struct text shape);

#endif

/* SPDX-License-Identifier: ISC */
/* task_handlers.h: the handlers of the task routes: decode, ask the store, encode. */
#ifndef TODO_TASK_HANDLERS_H
#define TODO_TASK_HANDLERS_H

#include "err.h"

struct call;

enum err task_list(struct call *call); /* task_list.c */
enum err task_tags(struct call *call);
enum err task_create(struct call *call);
enum err task_batch(struct call *call);   /* task_batch.c */
enum err task_changes(struct call *call); /* task_changes.c */
enum err task_get(struct call *call);
enum err task_put(struct call *call);
enum err task_patch(struct call *call);
enum err task_complete(struct call *call);
enum err task_delete(struct call *call);
enum err task_restore(struct call *call);

#endif

/* SPDX-License-Identifier: ISC */
/* export_handlers.h: all of a user's tasks as a file. */
#ifndef TODO_EXPORT_HANDLERS_H
#define TODO_EXPORT_HANDLERS_H

#include "err.h"

struct call;

/* Trash left out, in the order of versions, from one snapshot; beyond the first page the answer is
 * streamed, in memory that does not depend on how many tasks there are. */
enum err task_export(struct call *call);

#endif

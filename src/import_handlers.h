/* SPDX-License-Identifier: ISC */
/* import_handlers.h: a file of tasks into a user's list. */
#ifndef TODO_IMPORT_HANDLERS_H
#define TODO_IMPORT_HANDLERS_H

#include "err.h"

struct call;

/* All or nothing: every record is judged before the first is written. With ?dry_run=true nothing is
 * written, and faulty records are told in the report in place of a 422. */
enum err task_import(struct call *call);

#endif

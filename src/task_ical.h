/* SPDX-License-Identifier: ISC */
/* task_ical.h: tasks as VTODO components of an iCalendar object (RFC 5545).
 *
 * iCalendar has seconds only, and no control characters in texts. What a property cannot hold
 * stands, as JSON, in one more whose name is X-TODO- and the property's: a reader takes that in
 * place of the property as long as the property still is what was made from it, so that another
 * program's change to the property counts. */
#ifndef TODO_TASK_ICAL_H
#define TODO_TASK_ICAL_H

#include "buf.h"
#include "problem.h"
#include "record.h"
#include "task.h"

void task_ical_write_begin(struct buf *out);
/* UID is made of the task's id and of `epoch`, its owner's. */
void task_ical_write(struct buf *out, const struct task *task, int64_t epoch);
void task_ical_write_end(struct buf *out);

/* Hands each VTODO to `sink`; other components are passed over. An instant without a zone is UTC,
 * one with a TZID is converted when the system knows that zone. ERR_BAD_REQUEST: not UTF-8, not
 * iCalendar, cut off; ERR_INVALID: U+0000, an unknown zone; else as the sink says. */
enum err task_ical_read(struct text body, struct problem *problem, record_sink *sink,
                        void *data) CHECK_RESULT;

#endif

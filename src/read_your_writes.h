/* SPDX-License-Identifier: ISC */
/* read_your_writes.h: the frame around the reads that a standby may answer, and the header by which
 * a client says what such an answer must have. */
#ifndef TODO_READ_YOUR_WRITES_H
#define TODO_READ_YOUR_WRITES_H

#include "call.h"

/* To be called before any handler: positions are for writers, and for those who send them. */
void read_your_writes_begin(struct call *call);

/* Runs a reading handler. With a Todo-Position the standby may answer it, with anything but a
 * refusal. */
enum err read_your_writes(struct call *call) CHECK_RESULT;

/* Adds the Todo-Position that lies behind all that the answer tells of. */
void read_your_writes_tell(struct call *call);

#endif

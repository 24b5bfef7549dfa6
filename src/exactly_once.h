/* SPDX-License-Identifier: ISC */
/* exactly_once.h: the frame around every handler that writes: Idempotency-Key (IETF draft
 * draft-ietf-httpapi-idempotency-key-header) and the end of a transaction that was held open. */
#ifndef TODO_EXACTLY_ONCE_H
#define TODO_EXACTLY_ONCE_H

#include "err.h"

struct call;

/* Runs the call's handler. With an Idempotency-Key its answer is kept in the transaction of its
 * write, and the same request later is given the same answer with Idempotent-Replayed: true.
 * ERR_BAD_REQUEST: a malformed key; ERR_INVALID: the key was used with another payload;
 * ERR_IN_FLIGHT: the same request is still running at the deadline; else as the handler. */
enum err exactly_once(struct call *call) CHECK_RESULT;

#endif

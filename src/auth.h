/* SPDX-License-Identifier: ISC */
/* auth.h: from the Authorization header (RFC 6750) or a cookie to who asks. */
#ifndef TODO_AUTH_H
#define TODO_AUTH_H

#include "call.h"

/* Fills call->principal, or gives ERR_UNAUTHORIZED with problem->token_error set when a token was
 * sent, ERR_FORBIDDEN when the path names another user, ERR_UNAVAILABLE when nothing can be said.
 *
 * "Bearer TOKEN": scheme in any case, one or more spaces, nothing behind. The token of an issuer's
 * session (TODO_SESSIONS), from there or from the cookie, is judged by the database: where the
 * route acts on tasks, by its own first statement, until which the principal is only believed. The
 * log has the detail at info level, never the token. */
enum err auth_check(struct call *call) CHECK_RESULT;

/* What a handler's `err` comes to: if the database had no occasion to judge the session, it is
 * asked now, so that no answer goes out on an unjudged one. */
enum err auth_conclude(struct call *call, enum err err) CHECK_RESULT;

#endif

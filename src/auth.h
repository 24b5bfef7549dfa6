/* SPDX-License-Identifier: ISC */
/* auth.h: from the Authorization header (RFC 6750) to who asks. */
#ifndef TODO_AUTH_H
#define TODO_AUTH_H

#include "conf.h"
#include "request.h"
#include "token.h"

/* Fills *principal, or gives ERR_UNAUTHORIZED with problem->token_error set when a token was sent,
 * or ERR_UNAVAILABLE when nothing can be said of it. `keys` as token_verify has it. "Bearer TOKEN":
 * scheme in any case, one or more spaces, nothing behind. The log has the detail at info level,
 * never the token. */
enum err auth_check(const struct conf *conf, struct keys *keys, const struct request *request,
                    struct principal *principal, struct problem *problem) CHECK_RESULT;

#endif

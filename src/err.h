/* SPDX-License-Identifier: ISC */
/* err.h: the one list of how a request can fail.
 *
 * problem.c gives each its HTTP status and its public sentence; every room below the handlers
 * returns one of these and never an HTTP status. */
#ifndef TODO_ERR_H
#define TODO_ERR_H

enum err {
    ERR_NONE = 0,
    ERR_BAD_REQUEST,           /* 400 not JSON, not UTF-8, malformed escape or header */
    ERR_UNAUTHORIZED,          /* 401 no token, or a bad one */
    ERR_FORBIDDEN,             /* 403 the path's user is not the token's */
    ERR_NOT_FOUND,             /* 404 */
    ERR_METHOD,                /* 405 the path is known, the method is not */
    ERR_CONFLICT,              /* 409 */
    ERR_IN_FLIGHT,             /* 409 the same Idempotency-Key is still being answered */
    ERR_GONE,                  /* 410 a cursor that is too old */
    ERR_PRECONDITION,          /* 412 If-Match is stale */
    ERR_TOO_LARGE,             /* 413 */
    ERR_MEDIA_TYPE,            /* 415 */
    ERR_INVALID,               /* 422 a field or parameter breaks a rule */
    ERR_PRECONDITION_REQUIRED, /* 428 */
    ERR_THROTTLED,             /* 429 */
    ERR_INTERNAL,              /* 500 a defect of ours */
    ERR_UNAVAILABLE,           /* 503 the database is away or late */
    ERR_REPLAY,                /* no failure: this was answered before, say the same again */
    ERR_COUNT
};

#define CHECK_RESULT __attribute__((warn_unused_result))

static inline int err_gravity(enum err err)
{
    return err == ERR_NONE ? 0 : err == ERR_PRECONDITION_REQUIRED ? 1 : err == ERR_INVALID ? 2 : 3;
}

/* The one to answer with when both were found: all that breaks a rule is told together, and gives
 * way to what cannot be understood. */
static inline enum err err_worse(enum err a, enum err b)
{
    return err_gravity(b) > err_gravity(a) ? b : a;
}

#endif

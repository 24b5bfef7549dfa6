/* SPDX-License-Identifier: ISC */
/* call.h: what a handler is given: the request as it has been understood so far, and where its
 * answer goes. A header of its own, so that handlers include nothing of the room that calls them.
 */
#ifndef TODO_CALL_H
#define TODO_CALL_H

#include "arena.h"
#include "conf.h"
#include "keys.h"
#include "problem.h"
#include "request.h"
#include "response.h"
#include "route.h"
#include "store.h"
#include "token.h"

struct cursor_seal;

struct call {
    const struct conf *conf;
    struct store *store;
    const struct cursor_seal *seal;
    struct keys *keys; /* NULL: none */
    int listen_fd;     /* the socket that requests come from; -1: none */
    struct arena *arena;
    struct request *request;
    struct response *response;
    struct problem *problem;
    struct match match;
    struct principal principal; /* set when the route needs a token */
    bool trial;                 /* what a handler writes is to be undone, although it succeeded */
};

/* The request's body, at most what the route takes of one. Errors as request_body. */
enum err call_body(struct call *call, struct text *body) CHECK_RESULT;

/* Does Content-Type say JSON or, for PATCH, a merge patch (RFC 7396)? Else ERR_MEDIA_TYPE, in words
 * that name `other` (NULL: none) as a type that would do as well. */
enum err call_expect_json(struct call *call, const char *other) CHECK_RESULT;

/* Turns the answer to a GET into a 304: what the client has is what there is. RFC 9110 13.1.2. */
void call_unchanged(struct call *call);

#endif

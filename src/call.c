/* SPDX-License-Identifier: ISC */
/* call.c: what several handlers ask of a call. */
#include <config.h>

#include "call.h"

#define ROOM (1024 * 1024) /* bytes, for a route with NEEDS_ROOM */

enum err call_body(struct call *call, struct text *body)
{
    long limit = call->conf->max_body;

    if (call->match.route->needs & NEEDS_ROOM && limit < ROOM)
        limit = ROOM;
    return request_body(call->request, (size_t)limit, body, call->problem);
}

void call_unchanged(struct call *call)
{
    call->response->status = 304;
    call->response->content_type = NULL;
    buf_clear(&call->response->body);
}

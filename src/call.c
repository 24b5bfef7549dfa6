/* SPDX-License-Identifier: ISC */
/* call.c: what several handlers ask of a call. */
#include <config.h>

#include "call.h"

#define ROOM (1024 * 1024) /* bytes, for a route with NEEDS_ROOM */
#define MERGE_PATCH "application/merge-patch+json"

enum err call_body(struct call *call, struct text *body)
{
    long limit = call->conf->max_body;

    if (call->match.route->needs & NEEDS_ROOM && limit < ROOM)
        limit = ROOM;
    return request_body(call->request, (size_t)limit, body, call->problem);
}

enum err call_expect_json(struct call *call, const char *other)
{
    if (call->request->method == METHOD_PATCH)
        other = MERGE_PATCH;
    if (request_has_type(call->request, RESPONSE_JSON) ||
        (call->request->method == METHOD_PATCH && request_has_type(call->request, MERGE_PATCH)))
        return ERR_NONE;
    return problem_set(call->problem, ERR_MEDIA_TYPE,
                       "the body must be " RESPONSE_JSON "%s%s, in UTF-8", other ? " or " : "",
                       other ? other : "");
}

void call_unchanged(struct call *call)
{
    call->response->status = 304;
    call->response->content_type = NULL;
    buf_clear(&call->response->body);
}

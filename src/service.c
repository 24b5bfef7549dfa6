/* SPDX-License-Identifier: ISC */
/* service.c: small JSON documents about the service itself. */
#include <config.h>

#include "call.h"
#include "service.h"

static enum err answer(struct call *call, const char *json)
{
    call->response->status = 200;
    call->response->content_type = RESPONSE_JSON;
    buf_add_string(&call->response->body, json);
    return ERR_NONE;
}

enum err service_root(struct call *call)
{
    return answer(call,
                  "{\"name\":\"todo-fcgi\",\"version\":\"" PACKAGE_VERSION "\",\"docs\":\"docs\"}");
}

enum err service_health(struct call *call)
{
    return answer(call, "{\"status\":\"healthy\"}");
}

enum err service_ready(struct call *call)
{
    enum err err = store_ready(call->store);

    return err != ERR_NONE ? err : answer(call, "{\"status\":\"ready\"}");
}

/* SPDX-License-Identifier: ISC */
/* service.c: small JSON documents about the service itself. */
#include <config.h>

#include "accept_queue.h"
#include "call.h"
#include "client.h"
#include "docs_page.h"
#include "metrics.h"
#include "metrics_text.h"
#include "openapi.h"
#include "random.h"
#include "service.h"

#define NONCE_BYTES 16

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

enum err service_metrics(struct call *call)
{
    struct metrics_sum *sum;
    struct accept_queue queue;
    bool told;

    if (!client_is_in(call->conf, call->request, call->conf->metrics_allow))
        return ERR_NOT_FOUND;
    sum = arena_alloc(call->arena, sizeof *sum);
    metrics_add_up(sum);
    told = call->listen_fd >= 0 && accept_queue_read(call->listen_fd, &queue);
    call->response->status = 200;
    call->response->content_type = METRICS_TEXT_TYPE;
    metrics_text_write(&call->response->body, sum, told ? &queue : NULL);
    return ERR_NONE;
}

enum err service_openapi(struct call *call)
{
    call->response->status = 200;
    call->response->content_type = RESPONSE_JSON;
    openapi_write(call->conf, &call->response->body);
    return ERR_NONE;
}

/* Nothing is loaded from anywhere, no script runs, and only our own style sheet counts. */
enum err service_docs(struct call *call)
{
    const char *nonce = random_id(call->arena, NONCE_BYTES);

    call->response->status = 200;
    call->response->content_type = DOCS_PAGE_TYPE;
    response_header(
        call->response, "Content-Security-Policy",
        "default-src 'none'; style-src 'nonce-%s'; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'",
        nonce);
    response_header(call->response, "Referrer-Policy", "no-referrer");
    return docs_page_write(call->conf, nonce, &call->response->body) ? ERR_NONE : ERR_INTERNAL;
}

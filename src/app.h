/* SPDX-License-Identifier: ISC */
/* app.h: one request in, one response out: route, auth, handler. Knows no FastCGI, so that tests
 * and fuzzers drive it directly. */
#ifndef TODO_APP_H
#define TODO_APP_H

#include "arena.h"
#include "conf.h"
#include "problem.h"
#include "request.h"
#include "response.h"
#include "route.h"
#include "store.h"
#include "token.h"

struct app {
    const struct conf *conf;
    struct store *store;
    struct arena arena; /* the request's memory; reset by app_handle before each */
};

/* What a handler is given: the request as it has been understood so far, and where its answer goes.
 */
struct call {
    const struct conf *conf;
    struct store *store;
    struct arena *arena;
    struct request *request;
    struct response *response;
    struct problem *problem;
    struct match match;
    struct principal principal; /* set when the route needs a token */
};

void app_init(struct app *app, const struct conf *conf, struct store *store);
void app_fini(struct app *app);

/* Answers the request that `environment` and `read` describe into a cleared *response. Always
 * succeeds: what fails becomes a problem document. Gives the request's method, for HEAD. */
enum method app_handle(struct app *app, char **environment, body_reader *read, void *source,
                       struct response *response);

#endif

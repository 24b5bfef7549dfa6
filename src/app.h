/* SPDX-License-Identifier: ISC */
/* app.h: one request in, one response out: route, auth, handler. Knows no FastCGI, so that tests
 * and fuzzers drive it directly. */
#ifndef TODO_APP_H
#define TODO_APP_H

#include "arena.h"
#include "call.h"
#include "conf.h"
#include "cursor.h"
#include "keys.h"
#include "request.h"
#include "response.h"
#include "store.h"

struct app {
    const struct conf *conf;
    struct store *store;
    struct cursor_seal *seal;
    struct keys *keys;  /* NULL: TODO_JWKS is not set */
    struct arena arena; /* the request's memory; reset by app_handle before each */
    bool wipe;          /* it held a password */
    int listen_fd;      /* set by who has one; -1: none */
    struct {
        int64_t begun;             /* 0: there is none; as clock_now_us */
        const struct route *route; /* NULL: none */
        enum method method;
        int status;
        struct text user; /* TEXT_NULL: nobody */
    } request;            /* the one in hand */
};

void app_init(struct app *app, const struct conf *conf, struct store *store, struct keys *keys);
void app_fini(struct app *app);

/* Answers the request that `environment` and `read` describe into a cleared *response. Always
 * succeeds: what fails becomes a problem document. Gives the request's method, for HEAD. When the
 * response has a source (never for HEAD), app_end must follow once that has been used. */
enum method app_handle(struct app *app, char **environment, body_reader *read, void *source,
                       struct response *response);

/* Lets go of what the answer was made from; harmless when app_handle has done so. */
void app_end(struct app *app, struct response *response);

#endif

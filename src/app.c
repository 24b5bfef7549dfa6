/* SPDX-License-Identifier: ISC */
/* app.c: the way a request walks: route, auth, handler, and the headers that every answer carries.
 */
#include <config.h>

#include "app.h"
#include "auth.h"
#include "clock.h"
#include "cors.h"
#include "exactly_once.h"
#include "log.h"
#include "metrics.h"
#include "metrics_text.h"
#include "pseudonym.h"
#include "read_your_writes.h"
#include "request_id.h"

#define REALM "todo"

void app_init(struct app *app, const struct conf *conf, struct store *store, struct keys *keys)
{
    app->conf = conf;
    app->store = store;
    app->seal = cursor_seal_new(conf);
    app->keys = keys;
    app->listen_fd = -1;
    app->request.begun = 0;
    arena_init(&app->arena);
}

void app_fini(struct app *app)
{
    arena_fini(&app->arena);
    cursor_seal_free(app->seal);
}

static void add_allow(struct call *call)
{
    char methods[64];

    route_allow_text(call->match.allow, methods, sizeof methods);
    response_header(call->response, "Allow", "%s", methods);
}

/* Who may is decided before anything is asked of the database; all but whether the token's session
 * still lives, which the database is asked together with what the handler wants. */
static enum err permit(struct call *call)
{
    enum err err = auth_check(call);

    if (err == ERR_NONE && call->conf->check_session && call->principal.session.data)
        store_check_session(call->store, call->principal.session);
    return err;
}

static enum err run(struct call *call)
{
    unsigned needs = call->match.route->needs;

    read_your_writes_begin(call);
    if (needs & NEEDS_FRAME)
        return exactly_once(call);
    return needs & NEEDS_OWN_WRITES ? read_your_writes(call) : call->match.route->run(call);
}

/* Find, permit, run. */
static enum err dispatch(struct call *call)
{
    const struct match *match = &call->match;
    enum err err = route_find(call->request, route_absent(call->conf), &call->match);

    if (err != ERR_NONE)
        return err;
    if (!match->route) { /* OPTIONS */
        add_allow(call);
        call->response->status = 204;
        return ERR_NONE;
    }
    if (match->route->needs & NEEDS_TOKEN)
        err = permit(call);
    if (err != ERR_NONE)
        return err;
    err = run(call);
    return match->route->needs & NEEDS_TOKEN ? auth_conclude(call, err) : err;
}

/* RFC 6750 3: what was wrong with a token is told only to those who sent one. */
static void add_challenge(struct call *call)
{
    if (call->problem->token_error)
        response_header(call->response, "WWW-Authenticate",
                        "Bearer realm=\"" REALM "\", error=\"invalid_token\", "
                        "error_description=\"%s\"",
                        call->problem->token_error);
    else
        response_header(call->response, "WWW-Authenticate", "Bearer realm=\"" REALM "\"");
}

static void answer_problem(struct call *call, enum err err)
{
    int retry_after = problem_retry_after(call->problem, err);

    response_clear(call->response);
    call->response->status = problem_status(err);
    call->response->content_type = RESPONSE_PROBLEM;
    if (err == ERR_METHOD)
        add_allow(call);
    if (err == ERR_UNAUTHORIZED)
        add_challenge(call);
    if (retry_after > 0)
        response_header(call->response, "Retry-After", "%d", retry_after);
    problem_write(call->problem, err, call->conf->compat, &call->response->body);
}

static void add_common_headers(struct call *call, const char *id)
{
    const struct route *route = call->match.route;
    bool personal = route && route->needs & NEEDS_TOKEN;
    bool preflight = cors_is_preflight(call->request);

    response_header(call->response, "X-Request-Id", "%s", id);
    response_header(call->response, "X-Content-Type-Options", "nosniff");
    response_header(call->response, "Cache-Control", "%s",
                    personal && !(route->needs & NEEDS_SECRECY) ? "private, no-cache" : "no-store");
    if (personal)
        response_header(call->response, "Vary", "%s",
                        call->conf->session_cookie ? "Authorization, Cookie" : "Authorization");
    if (personal)
        read_your_writes_tell(call);
    cors_headers(call->conf, call->request, preflight, call->match.allow, call->response);
}

/* Tells of the request that was answered, once. Of its path only the pattern, and of its user only
 * the pseudonym: a log is read by more people than the database. */
static void conclude(struct app *app)
{
    char user[PSEUDONYM_SIZE] = "";
    struct log_access access = {
        .method = method_name(app->request.method),
        .base = route_base(app->request.route),
        .route = route_rest(app->request.route),
        .user = user,
        .status = app->request.status,
        .duration_us = clock_now_us() - app->request.begun,
        .database_us = store_waited_us(app->store),
    };

    if (app->request.begun == 0)
        return;
    app->request.begun = 0;
    metrics_request(metrics_text_row(app->request.route, app->request.method),
                    response_status_place(access.status), access.duration_us);
    if (!log_enabled(LOG_LEVEL_INFO))
        return;
    pseudonym_write(app->request.user, user);
    log_access(&access);
}

enum method app_handle(struct app *app, char **environment, body_reader *read, void *source,
                       struct response *response)
{
    struct request request;
    struct problem problem;
    struct call call = {.conf = app->conf,
                        .store = app->store,
                        .seal = app->seal,
                        .keys = app->keys,
                        .listen_fd = app->listen_fd,
                        .arena = &app->arena,
                        .request = &request,
                        .response = response,
                        .problem = &problem};
    const char *id;
    enum err err;

    app->request.begun = clock_now_us();
    arena_reset(&app->arena);
    response_clear(response);
    problem_init(&problem, &app->arena);
    err = request_init(&request, &app->arena, environment, read, source, &problem);
    id = request_id(&app->arena, request_header(&request, HEADER_REQUEST_ID));
    log_set_request_id(id);
    if (err == ERR_NONE)
        err = dispatch(&call);
    if (err != ERR_NONE)
        answer_problem(&call, err);
    add_common_headers(&call, id);
    log_debug("%s %.*s %d", method_name(request.method), (int)request.path.length,
              request.path.data ? request.path.data : "", response->status);
    app->request.route = call.match.route;
    app->request.method = request.method;
    app->request.status = response->status;
    app->request.user = call.principal.user;
    app->wipe = call.match.route && call.match.route->needs & NEEDS_ACCOUNTS;
    if (request.method == METHOD_HEAD || !response->source.next)
        app_end(app, response);
    return request.method;
}

void app_end(struct app *app, struct response *response)
{
    response_end_source(response);
    conclude(app);
    store_end_request(app->store);
    if (app->wipe)
        arena_wipe(&app->arena);
    log_set_request_id(NULL);
}

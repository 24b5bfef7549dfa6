/* SPDX-License-Identifier: ISC */
/* Finds the bearer token in the Authorization header and has it judged. What is no bearer token at
 * all (no header, another scheme, nothing behind "Bearer") is told apart from a bad one: only the
 * latter sets the problem's token_error. */
#include <config.h>

#include "auth.h"

#include <string.h>
#include <strings.h>

#include "clock.h"
#include "cors.h"
#include "log.h"
#include "metrics.h"
#include "session_token.h"
#include "store_issuer.h"

static const enum metrics_counter causes[TOKEN_FAULT_COUNT] = {
    [TOKEN_MALFORMED] = METRICS_AUTH_MALFORMED,
    [TOKEN_EXPIRED] = METRICS_AUTH_EXPIRED,
    [TOKEN_NOT_YET_VALID] = METRICS_AUTH_NOT_YET_VALID,
    [TOKEN_WRONG_ISSUER] = METRICS_AUTH_ISSUER,
    [TOKEN_WRONG_AUDIENCE] = METRICS_AUTH_AUDIENCE,
    [TOKEN_BAD_SIGNATURE] = METRICS_AUTH_SIGNATURE,
    [TOKEN_UNKNOWN_KEY] = METRICS_AUTH_UNKNOWN_KEY,
    [TOKEN_UNAVAILABLE] = METRICS_AUTH_NO_KEYS,
};

/* What stands behind "Bearer" and its spaces; TEXT_NULL when that is nothing, or the scheme is
 * another. No value ends in a space. */
static struct text bearer_token(const char *value)
{
    static const char scheme[] = "Bearer ";

    if (value == NULL || strncasecmp(value, scheme, strlen(scheme)) != 0)
        return TEXT_NULL;
    value += strlen(scheme);
    return text_of(value + strspn(value, " "));
}

/* A second Authorization header arrives joined to the first one by a comma. */
static bool is_single(struct text token)
{
    return strcspn(token.data, " \t,") == token.length;
}

static enum err refuse(struct problem *problem, enum metrics_counter cause, enum token_fault fault,
                       const char *reason)
{
    metrics_count(cause);
    problem->token_error = token_fault_text(fault);
    log_info("token refused: %s: %s", problem->token_error, reason);
    return ERR_UNAUTHORIZED;
}

static enum err refuse_absent(const char *reason)
{
    metrics_count(METRICS_AUTH_NONE);
    log_info("%s", reason);
    return ERR_UNAUTHORIZED;
}

static enum err refuse_other_user(void)
{
    metrics_count(METRICS_AUTH_OTHER_USER);
    return ERR_FORBIDDEN;
}

static enum err judge(struct call *call, enum token_fault fault, const char *reason)
{
    if (fault == TOKEN_OK)
        return ERR_NONE;
    if (fault != TOKEN_UNAVAILABLE)
        return refuse(call->problem, causes[fault], fault, reason);
    metrics_count(causes[fault]);
    log_warning("no token of a key set can be judged: %s", reason);
    return ERR_UNAVAILABLE;
}

/* ---- sessions */

/* Does the route act on tasks? Then its first statement enters the user's context, and judges the
 * session with it. */
static bool judges_sessions(const struct route *route)
{
    return strncmp(route->pattern, "{T}", strlen("{T}")) == 0;
}

static enum err refuse_ended(struct call *call)
{
    return refuse(call->problem, METRICS_AUTH_SESSION, TOKEN_EXPIRED,
                  "the session has ended, or never was");
}

/* Asks the database whose the session is. */
static enum err look_up(struct call *call, struct text token, struct text *user)
{
    enum err err = store_issuer_session(call->store, call->arena, token, user);

    return err == ERR_UNAUTHORIZED ? refuse_ended(call) : err;
}

static enum err check_session(struct call *call, struct text value, bool is_cookie)
{
    struct text user = text_of(call->match.user), token;
    const char *reason = "";
    enum token_fault fault =
        session_token_read(call->conf, call->arena, value, is_cookie, &token, &reason);
    enum err err = judge(call, fault, reason);

    if (err != ERR_NONE)
        return err;
    if (!user.data)
        user = store_issuer_guess(call->store, token);
    if (!user.data || !judges_sessions(call->match.route))
        err = look_up(call, token, &user);
    if (err != ERR_NONE)
        return err;
    store_issuer_expect(call->store, token);
    call->principal = (struct principal){.user = {arena_text(call->arena, user), user.length}};
    return ERR_NONE;
}

/* ---- the cookie */

/* Is `origin` the one that this request was sent to? */
static bool is_own_origin(const struct request *request, const char *origin)
{
    const char *https = request_header(request, HEADER_HTTPS);
    const char *scheme = https && strcasecmp(https, "off") != 0 ? "https" : "http";
    const char *host = request_header(request, HEADER_HOST);
    const char *port = request_header(request, HEADER_SERVER_PORT);

    if (!host)
        return false;
    if (strcasecmp(origin, arena_printf(request->arena, "%s://%s", scheme, host)) == 0)
        return true;
    return port && strcasecmp(origin, arena_printf(request->arena, "%s://%s:%s", scheme, host,
                                                   port)) == 0; /* nginx leaves the port out */
}

/* A browser sends the cookie with every site's requests, and says whose a changing one is. */
static bool may_change(const struct call *call)
{
    const char *origin = request_header(call->request, HEADER_ORIGIN);

    if (call->match.route->method == METHOD_GET)
        return true;
    return origin &&
           (cors_allowed(call->conf->cors_origins, origin) || is_own_origin(call->request, origin));
}

static enum err check_cookie(struct call *call)
{
    struct text value = TEXT_NULL;

    if (call->conf->sessions && call->conf->session_cookie)
        value = session_token_cookie(request_header(call->request, HEADER_COOKIE));
    if (!value.data)
        return refuse_absent("no token was sent");
    if (!may_change(call)) {
        metrics_count(METRICS_AUTH_ORIGIN);
        return problem_set(call->problem, ERR_FORBIDDEN,
                           "a change by cookie needs an Origin that is allowed");
    }
    return check_session(call, value, true);
}

/* ---- */

static enum err check_bearer(struct call *call, struct text token)
{
    const char *reason = "";
    enum token_fault fault;

    if (!is_single(token))
        return refuse(call->problem, METRICS_AUTH_MALFORMED, TOKEN_MALFORMED,
                      "something behind the token");
    if (call->conf->sessions && session_token_fits(token))
        return check_session(call, token, false);
    fault = token_verify(call->conf, call->keys, call->arena, token, clock_unix_seconds(),
                         &call->principal, &reason);
    return judge(call, fault, reason);
}

enum err auth_check(struct call *call)
{
    const char *header = request_header(call->request, HEADER_AUTHORIZATION);
    struct text token = bearer_token(header);
    const char *user = call->match.user;
    enum err err;

    if (!header)
        err = check_cookie(call);
    else if (token.data)
        err = check_bearer(call, token);
    else
        err = refuse_absent("no bearer token was sent");
    if (err == ERR_NONE && user && !text_equal(text_of(user), call->principal.user))
        err = refuse_other_user();
    return err;
}

static enum err judge_unjudged(struct call *call)
{
    struct text user;
    enum err err = look_up(call, store_issuer_token(call->store), &user);

    if (err != ERR_NONE)
        return err;
    return text_equal(user, call->principal.user) ? ERR_NONE : refuse_other_user();
}

/* Who is refused is not told what else was wrong. */
enum err auth_conclude(struct call *call, enum err err)
{
    const struct problem found = *call->problem;
    enum err judged = ERR_NONE;

    problem_init(call->problem, call->arena);
    if (err == ERR_UNAUTHORIZED)
        judged = refuse_ended(call);
    else if (store_issuer_is_unjudged(call->store) && err != ERR_UNAVAILABLE)
        judged = judge_unjudged(call);
    if (judged != ERR_NONE)
        return judged;
    *call->problem = found;
    return err;
}

/* SPDX-License-Identifier: ISC */
/* route.c: the table of routes, and the one look-up that tells "no such path" from "wrong method".
 *
 * The web server may have mounted us anywhere and says so in four different ways, so the path is
 * matched from each of its segments on, the leftmost first. */
#include <config.h>

#include <string.h>

#include "account_handlers.h"
#include "compat.h"
#include "export_handlers.h"
#include "import_handlers.h"
#include "route.h"
#include "service.h"
#include "session_handlers.h"
#include "task_handlers.h"

#define READS (NEEDS_TOKEN | NEEDS_STORE)
#define READS_NEAR (READS | NEEDS_OWN_WRITES)
#define WRITES (READS | NEEDS_FRAME)
#define ACCOUNT (NEEDS_STORE | NEEDS_ACCOUNTS | NEEDS_SECRECY)
#define OWN_ACCOUNT (ACCOUNT | NEEDS_TOKEN)

/* Rows of one pattern stand together; a literal segment before {id}. */
static const struct route routes[] = {
    {METHOD_GET, "{T}", READS_NEAR, task_list},
    {METHOD_POST, "{T}", WRITES, task_create},
    {METHOD_POST, "{T}/batch", WRITES | NEEDS_ROOM, task_batch},
    {METHOD_GET, "{T}/changes", READS_NEAR, task_changes},
    {METHOD_GET, "{T}/tags", READS_NEAR, task_tags},
    {METHOD_GET, "{T}/search", READS_NEAR | NEEDS_SHORT, task_list},
    {METHOD_GET, "{T}/export", READS | NEEDS_SECRECY, task_export},
    {METHOD_POST, "{T}/import", WRITES | NEEDS_ROOM, task_import},
    {METHOD_GET, "{T}/{id}", READS_NEAR, task_get},
    {METHOD_PUT, "{T}/{id}", WRITES, task_put},
    {METHOD_PATCH, "{T}/{id}", WRITES, task_patch},
    {METHOD_DELETE, "{T}/{id}", WRITES, task_delete},
    {METHOD_PATCH, "{T}/{id}/complete", WRITES, task_complete},
    {METHOD_PATCH, "{T}/{id}/toggle", WRITES | NEEDS_SHORT, task_complete},
    {METHOD_POST, "{T}/{id}/toggle", WRITES | NEEDS_SHORT, task_complete},
    {METHOD_POST, "{T}/{id}/restore", WRITES, task_restore},
    {METHOD_POST, "/api/auth/register", ACCOUNT, account_register},
    {METHOD_POST, "/api/auth/signup", ACCOUNT, account_register},
    {METHOD_POST, "/api/auth/login", ACCOUNT, account_login},
    {METHOD_POST, "/api/auth/signin", ACCOUNT, account_login},
    {METHOD_POST, "/api/auth/refresh", ACCOUNT, session_refresh},
    {METHOD_POST, "/api/auth/logout", ACCOUNT, session_logout},
    {METHOD_GET, "/api/auth/me", OWN_ACCOUNT, account_get},
    {METHOD_PATCH, "/api/auth/me", OWN_ACCOUNT, account_patch},
    {METHOD_DELETE, "/api/auth/me", OWN_ACCOUNT, account_delete},
    {METHOD_POST, "/api/auth/password", OWN_ACCOUNT, account_password},
    {METHOD_GET, "/api/auth/sessions", OWN_ACCOUNT, session_list},
    {METHOD_DELETE, "/api/auth/sessions/{id}", OWN_ACCOUNT, session_delete},
    {METHOD_POST, "/api/register", ACCOUNT | NEEDS_SHORT, account_register},
    {METHOD_POST, "/api/signup", ACCOUNT | NEEDS_SHORT, account_register},
    {METHOD_POST, "/api/login", ACCOUNT | NEEDS_SHORT, account_login},
    {METHOD_POST, "/api/signin", ACCOUNT | NEEDS_SHORT, account_login},
    {METHOD_GET, "/api/auth/profile", OWN_ACCOUNT | NEEDS_SHORT, account_get},
    {METHOD_GET, "/api/auth/get-session", OWN_ACCOUNT | NEEDS_SHORT, account_get},
    {METHOD_GET, "/", NEEDS_NOTHING, service_root},
    {METHOD_GET, "/health", NEEDS_NOTHING, service_health},
    {METHOD_GET, "/healthz", NEEDS_NOTHING, service_health},
    {METHOD_GET, "/api/health", NEEDS_NOTHING, service_health},
    {METHOD_GET, "/ready", NEEDS_STORE, service_ready},
    {METHOD_GET, "/metrics", NEEDS_NOTHING, service_metrics},
    {METHOD_GET, "/openapi.json", NEEDS_NOTHING, service_openapi},
    {METHOD_GET, "/docs", NEEDS_NOTHING, service_docs},
    {METHOD_OTHER, NULL, NEEDS_NOTHING, NULL},
};

const struct route *route_table(void)
{
    return routes;
}

/* The segments from the mount point on. */
struct tail {
    const char *const *segments;
    size_t count;
};

static bool is_segment(const struct tail *tail, size_t at, const char *word)
{
    return at < tail->count && strcmp(tail->segments[at], word) == 0;
}

/* How many segments {T} takes; 0: it does not fit. A user may be called "tasks". /api/api/tasks is
 * not the user "api" but /api/tasks mounted at /api, or nobody could have that: to a user "api"
 * both are the same. */
static size_t match_tasks(const struct tail *tail, const char **user)
{
    if (!is_segment(tail, 0, "api"))
        return 0;
    if (is_segment(tail, 2, "tasks") && !is_segment(tail, 1, "api")) {
        *user = tail->segments[1];
        return 3;
    }
    return is_segment(tail, 1, "tasks") ? 2 : 0;
}

/* Does the pattern fit the whole tail? Fills user, id and, as `base`, how many segments stand
 * before {id}. */
static bool match_pattern(const char *pattern, const struct tail *tail, struct match *match,
                          size_t *base)
{
    size_t i = 0;

    match->user = match->id = NULL;
    if (strncmp(pattern, "{T}", 3) == 0) {
        i = match_tasks(tail, &match->user);
        if (i == 0)
            return false;
        pattern += 3;
    }
    *base = tail->count;
    while (pattern[0] == '/' && pattern[1] != '\0') {
        size_t length = strcspn(++pattern, "/");

        if (i == tail->count)
            return false;
        if (strncmp(pattern, "{id}", 4) == 0) {
            match->id = tail->segments[i];
            *base = i;
        } else if (strlen(tail->segments[i]) != length ||
                   memcmp(tail->segments[i], pattern, length) != 0) {
            return false;
        }
        i++;
        pattern += length;
    }
    return i == tail->count;
}

/* The methods of the rows that share first's pattern, and the row of the wanted one. */
static void find_method(const struct route *first, enum method method, struct match *match)
{
    enum method wanted = method == METHOD_HEAD ? METHOD_GET : method;

    match->allow = 1u << METHOD_OPTIONS;
    for (const struct route *route = first;
         route->pattern && strcmp(route->pattern, first->pattern) == 0; route++) {
        match->allow |= 1u << route->method;
        if (route->method == METHOD_GET)
            match->allow |= 1u << METHOD_HEAD;
        if (route->method == wanted)
            match->route = route;
    }
}

/* A web server's pattern may not reach across a newline, and so take a path for another one. */
static bool is_mount(const struct request *request, size_t at)
{
    for (size_t i = 0; i < at; i++)
        if (text_has_control(text_of(request->segments[i])))
            return false;
    return true;
}

/* The root is known by nothing but its place: the path's end must be a slash there. And a prefix
 * with "api" in it can only be one if it ends there, or another "api" follows. */
static bool may_start(const struct request *request, size_t at)
{
    if (!is_mount(request, at))
        return false;
    if (at == request->segment_count && !request->trailing_slash)
        return false;
    if (at < request->segment_count && strcmp(request->segments[at], "api") == 0)
        return true;
    for (size_t i = 0; i + 1 < at; i++)
        if (strcmp(request->segments[i], "api") == 0)
            return false;
    return true;
}

static const struct route *find_pattern(const struct tail *tail, unsigned absent,
                                        struct match *match, size_t *base)
{
    for (const struct route *route = routes; route->pattern; route++)
        if (!(route->needs & absent) && match_pattern(route->pattern, tail, match, base))
            return route;
    return NULL;
}

enum err route_find(const struct request *request, unsigned absent, struct match *match)
{
    *match = (struct match){0};
    if (request->strange_path)
        return ERR_NOT_FOUND;
    for (size_t at = 0; at <= request->segment_count; at++) {
        struct tail tail = {request->segments + at, request->segment_count - at};
        const struct route *first;
        size_t base;

        if (!may_start(request, at) || !(first = find_pattern(&tail, absent, match, &base)))
            continue;
        match->base = request->path;
        match->base.length = at + base > 0 ? request->segment_ends[at + base - 1] : 0;
        find_method(first, request->method, match);
        return match->route || request->method == METHOD_OPTIONS ? ERR_NONE : ERR_METHOD;
    }
    return ERR_NOT_FOUND;
}

unsigned route_absent(const struct conf *conf)
{
    return (conf->compat & COMPAT_SHORT_PATHS ? 0u : NEEDS_SHORT) |
           (conf->accounts && conf->secret ? 0u : NEEDS_ACCOUNTS);
}

static bool is_below_tasks(const struct route *route)
{
    return route && strncmp(route->pattern, "{T}", 3) == 0;
}

const char *route_base(const struct route *route)
{
    return is_below_tasks(route) ? "/api/tasks" : "";
}

const char *route_rest(const struct route *route)
{
    return !route ? "none" : is_below_tasks(route) ? route->pattern + 3 : route->pattern;
}

void route_allow_text(unsigned allow, char *out, size_t size)
{
    size_t length = 0;

    out[0] = '\0';
    for (int method = METHOD_GET; method < METHOD_COUNT; method++) {
        const char *name = method_name((enum method)method);
        size_t add = strlen(name);

        if (!(allow & 1u << method) || length + add + 3 > size)
            continue;
        if (length > 0) {
            memcpy(out + length, ", ", 2);
            length += 2;
        }
        memcpy(out + length, name, add + 1);
        length += add;
    }
}

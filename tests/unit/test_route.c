/* SPDX-License-Identifier: ISC */
/* Where each path leads, wherever the web server has mounted us. What the rows of the table need
 * and which methods go together is read off the table, so that a new row is tested by its being
 * there. */
#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "arena_fixture.h"
#include "route.h"

static ssize_t no_body(void *source, char *data, size_t size)
{
    (void)source, (void)data, (void)size;
    return 0;
}

static enum err find(enum method method, const char *uri, unsigned absent, struct match *match)
{
    char *environment[] = {arena_printf(&arena, "REQUEST_METHOD=%s", method_name(method)),
                           arena_printf(&arena, "REQUEST_URI=%s", uri), NULL};
    struct request *request = arena_alloc(&arena, sizeof *request);
    struct problem problem;

    problem_init(&problem, &arena);
    assert_int_equal(request_init(request, &arena, environment, no_body, NULL, &problem), ERR_NONE);
    return route_find(request, absent, match);
}

static const char *base_of(const struct match *match)
{
    return arena_text(&arena, match->base);
}

static const char *or_none(const char *string)
{
    return string ? string : "(none)";
}

/* Every row of the table, mounted everywhere, in both spellings, for users with odd names. */
static const char *const mounts[] = {"", "/todo", "/a/b", "/api", "/todo/api", "/x%2Fy", "/tasks"};
static const struct spelling {
    const char *tasks, *user;
} spellings[] = {
    {"/api/tasks", NULL},
    {"/api/u_1/tasks", "u_1"},
    {"/api/tasks/tasks", "tasks"},
    {"/api/auth/tasks", "auth"},
    {"/api/health/tasks", "health"},
    {"/api/batch/tasks", "batch"},
    {"/api/a%2Fb/tasks", "a/b"},
    {"/api/a%252Fb/tasks", "a%2Fb"},
    {"/api/%E2%9C%93/tasks", "\xe2\x9c\x93"},
};

/* `pattern` behind `mount`: {T} as `spelling` has it, {id} as 42. */
static const char *path_of(const char *pattern, const char *mount, const struct spelling *spelling)
{
    const char *path = arena_printf(&arena, "%s", mount);

    if (strncmp(pattern, "{T}", 3) == 0) {
        path = arena_printf(&arena, "%s%s", path, spelling->tasks);
        pattern += 3;
    }
    while (*pattern) {
        size_t length = strncmp(pattern, "{id}", 4) == 0 ? 4 : 1;

        path = length == 4 ? arena_printf(&arena, "%s42", path)
                           : arena_printf(&arena, "%s%c", path, *pattern);
        pattern += length;
    }
    return path;
}

static void check_match(const struct route *route, const char *path, const char *user)
{
    bool has_id = strstr(route->pattern, "{id}") != NULL;
    struct match match;
    enum err err = find(route->method, path, 0, &match);

    if (err != ERR_NONE || match.route->run != route->run || match.route->method != route->method)
        fail_msg("%s %s: error %d, pattern %s", method_name(route->method), path, err,
                 match.route ? match.route->pattern : "none");
    assert_string_equal(or_none(match.user), or_none(user));
    assert_string_equal(or_none(match.id), or_none(has_id ? "42" : NULL));
}

static void check_row(const struct route *route, const char *mount)
{
    bool tasks = strncmp(route->pattern, "{T}", 3) == 0;

    for (size_t i = 0; i < (tasks ? sizeof spellings / sizeof *spellings : 1); i++) {
        const char *path = path_of(route->pattern, mount, &spellings[i]);

        check_match(route, path, tasks ? spellings[i].user : NULL);
        if (strcmp(route->pattern, "/") != 0)
            check_match(route, arena_printf(&arena, "%s/", path), tasks ? spellings[i].user : NULL);
    }
}

static void test_every_row_everywhere(void **state)
{
    (void)state;
    for (const struct route *route = route_table(); route->pattern; route++)
        for (size_t i = 0; i < sizeof mounts / sizeof *mounts; i++)
            check_row(route, mounts[i]);
}

/* The methods of the rows with this pattern, and those that follow from them. */
static unsigned methods_of(const char *pattern)
{
    unsigned methods = 1u << METHOD_OPTIONS;

    for (const struct route *route = route_table(); route->pattern; route++)
        if (strcmp(route->pattern, pattern) == 0)
            methods |= 1u << route->method | (route->method == METHOD_GET ? 1u << METHOD_HEAD : 0);
    return methods;
}

static void check_method(const struct route *route, enum method method)
{
    const char *path = path_of(route->pattern, "", &spellings[1]);
    unsigned methods = methods_of(route->pattern);
    struct match match;
    enum err err = find(method, path, 0, &match);

    assert_int_equal(err, methods & 1u << method ? ERR_NONE : ERR_METHOD);
    assert_int_equal(match.allow, methods);
    if (err != ERR_NONE || method == METHOD_OPTIONS)
        assert_null(match.route);
    else
        assert_int_equal(match.route->method, method == METHOD_HEAD ? METHOD_GET : method);
}

static void test_every_method(void **state)
{
    (void)state;
    for (const struct route *route = route_table(); route->pattern; route++)
        for (int method = METHOD_OTHER; method < METHOD_COUNT; method++)
            check_method(route, (enum method)method);
}

static void test_unknown_paths(void **state)
{
    static const char *const uris[] = {
        "/nope",
        "/api",
        "/api/x",
        "/api/x/y",
        "/tasks",
        "/tasks/1",
        "/API/tasks",
        "/api/Tasks",
        "/api/taskss",
        "/api/tasks/1/x",
        "/api/u/tasks/1/x",
        "/api/u/tasks/1/complete/x",
        "/healthz/x",
        "/api/tasks/1/complete/restore",
        "/api/u/v/tasks",
        "//api/tasks",
        "/api//tasks",
        "/api/tasks//",
        "/./api/tasks",
        "/api/../tasks",
        "/api/%2e/tasks",
        "*",
        "/api%2Ftasks",
        "/api/u%2Ftasks",
        "/api/tasks%2F1",
        "/todo",
        /* The root ends in a slash, but so may an unknown path. */
        "/api/u/tasks/1/x/",
        "/api/x/",
        "/api/tasks/1/complete/x/",
        "/api/u/tasks/1/x/health",
        "/api/tasks/1/complete/ready",
        /* A newline before the mount. */
        "/a%0Ab/api/auth/login",
        "/%0A/api/tasks",
        "/a%C2%85b/health",
        "/1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16/17/",
    };

    (void)state;
    for (size_t i = 0; i < sizeof uris / sizeof *uris; i++)
        for (int method = METHOD_OTHER; method < METHOD_COUNT; method++) {
            struct match match;

            if (find((enum method)method, uris[i], 0, &match) != ERR_NOT_FOUND)
                fail_msg("%s %s: found", method_name((enum method)method), uris[i]);
            assert_null(match.route);
            assert_int_equal(match.allow, 0);
        }
}

/* Paths that could mean two things. */
static void test_ambiguous(void **state)
{
    static const struct {
        const char *uri, *pattern, *user, *id;
    } rows[] = {
        {"/api/tasks/tasks", "{T}", "tasks", NULL},
        {"/api/tasks/tasks/tasks", "{T}/{id}", "tasks", "tasks"},
        {"/api/tasks/batch", "{T}/batch", NULL, NULL},
        {"/api/tasks/changes", "{T}/changes", NULL, NULL},
        {"/api/changes/tasks", "{T}", "changes", NULL},
        {"/api/tasks/changes/restore", "{T}/{id}/restore", NULL, "changes"},
        {"/api/tasks/restore", "{T}/{id}", NULL, "restore"},
        {"/api/u/tasks/api", "{T}/{id}", "u", "api"},
        {"/api/health", "/api/health", NULL, NULL},
        {"/api/healthz", "/healthz", NULL, NULL},
        {"/todo/api/ready", "/ready", NULL, NULL},
        {"/todo/", "/", NULL, NULL},
        {"/", "/", NULL, NULL},
        {"/api/", "/", NULL, NULL},
        /* Mounted at /api it is the token's user; to the user "api", mounted at /, the same. */
        {"/api/api/tasks", "{T}", NULL, NULL},
        {"/api/api/tasks/7", "{T}/{id}", NULL, "7"},
        {"/api/api/u/tasks", "{T}", "u", NULL},
        {"/api/v1/api/u/tasks", "{T}", "u", NULL},
        {"/tasks/api/tasks", "{T}", NULL, NULL},
        {"/api/u/tasks/api/tasks", "{T}", NULL, NULL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct match match;

        if (find(METHOD_OPTIONS, rows[i].uri, NEEDS_SHORT, &match) != ERR_NONE)
            fail_msg("%s: not found", rows[i].uri);
        assert_int_equal(match.allow, methods_of(rows[i].pattern));
        assert_string_equal(or_none(match.user), or_none(rows[i].user));
        assert_string_equal(or_none(match.id), or_none(rows[i].id));
    }
}

/* What Location is made of: the path as it was sent. */
static void test_base(void **state)
{
    static const struct {
        enum method method;
        const char *uri, *base;
    } rows[] = {
        {METHOD_POST, "/api/tasks", "/api/tasks"},
        {METHOD_POST, "/api/tasks/", "/api/tasks"},
        {METHOD_POST, "/api/tasks?x=/api/y", "/api/tasks"},
        {METHOD_POST, "/todo/api/a%2fb/tasks/", "/todo/api/a%2fb/tasks"},
        {METHOD_POST, "https://todo.example/x/api/tasks", "/x/api/tasks"},
        {METHOD_POST, "/api/tasks/batch", "/api/tasks/batch"},
        {METHOD_GET, "/api/u/tasks/7", "/api/u/tasks"},
        {METHOD_GET, "/x/api/tasks/7/", "/x/api/tasks"},
        {METHOD_PATCH, "/api/tasks/7/complete", "/api/tasks"},
        {METHOD_POST, "/a/b/api/u/tasks/7/restore/", "/a/b/api/u/tasks"},
        {METHOD_GET, "/", ""},
        {METHOD_GET, "/todo/", "/todo"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct match match;

        assert_int_equal(find(rows[i].method, rows[i].uri, NEEDS_SHORT, &match), ERR_NONE);
        assert_string_equal(base_of(&match), rows[i].base);
    }
}

/* Each of the rows that COMPAT_SHORT_PATHS adds is an unknown path without it, or what its path is
 * otherwise. */
static void test_short_paths(void **state)
{
    size_t found = 0;

    (void)state;
    for (const struct route *route = route_table(); route->pattern; route++) {
        struct match match;

        if (!(route->needs & NEEDS_SHORT))
            continue;
        found++;
        if (find(route->method, path_of(route->pattern, "", &spellings[0]), NEEDS_SHORT, &match) ==
            ERR_NONE)
            assert_ptr_not_equal(match.route, route);
    }
    assert_true(found > 0);
}

/* Without accounts there is nothing below /api/auth, whatever the method. */
static void test_no_accounts(void **state)
{
    size_t found = 0;

    (void)state;
    for (const struct route *route = route_table(); route->pattern; route++) {
        const char *path = path_of(route->pattern, "", &spellings[0]);
        struct match match;

        if (!(route->needs & NEEDS_ACCOUNTS))
            continue;
        found++;
        assert_true(route->needs & NEEDS_SECRECY);
        assert_false(route->needs & NEEDS_FRAME); /* an answer with tokens is kept nowhere */
        assert_int_equal(find(route->method, path, NEEDS_ACCOUNTS, &match), ERR_NOT_FOUND);
        assert_int_equal(find(METHOD_OPTIONS, path, NEEDS_ACCOUNTS, &match), ERR_NOT_FOUND);
    }
    assert_true(found > 10);
}

static void test_allow_text(void **state)
{
    static const struct {
        unsigned allow;
        const char *text;
    } rows[] = {
        {0, ""},
        {1u << METHOD_OTHER, ""},
        {1u << METHOD_GET, "GET"},
        {1u << METHOD_POST | 1u << METHOD_OPTIONS, "POST, OPTIONS"},
        {(1u << METHOD_COUNT) - 1, "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"},
    };
    char text[64], small[12];

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        route_allow_text(rows[i].allow, text, sizeof text);
        assert_string_equal(text, rows[i].text);
    }
    route_allow_text(rows[4].allow, small, sizeof small);
    assert_string_equal(small, "GET, HEAD");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_every_row_everywhere, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_every_method, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_unknown_paths, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_ambiguous, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_base, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_short_paths, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_no_accounts, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_allow_text, set_up, tear_down),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

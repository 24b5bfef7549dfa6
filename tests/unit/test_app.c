/* SPDX-License-Identifier: ISC */
/* What a request is answered before the database is asked, what every answer carries, and what is
 * answered when the database is away, silent or not a database at all. */
#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "app.h"
#include "log.h"
#include "token.h"

#define ORIGIN "https://app.example"
#define PATIENCE_S 60 /* a test that takes longer hangs */

static char secret[] = "0123456789abcdef0123456789abcdef", user_claim[] = "sub";
static char origin[] = ORIGIN, url[160];
static char *origins[] = {origin, NULL};
static struct conf conf = {.database_url = url,
                           .secret = secret,
                           .secret_length = sizeof secret - 1,
                           .idempotency_hours = 24,
                           .jwt_leeway = 30,
                           .user_claim = user_claim,
                           .cors_origins = origins,
                           .max_body = 65536,
                           .db_deadline_ms = 100,
                           .db_prepare = true};

static struct arena arena;
static struct app app;
static struct response response;
static char *token;

static int set_up(void **state)
{
    (void)state;
    conf.require_if_match = false;
    log_set_level(LOG_LEVEL_ERROR); /* standard output is the test's */
    alarm(PATIENCE_S);
    arena_init(&arena);
    response_init(&response);
    app_init(&app, &conf, store_new(&conf), NULL);
    token = token_make(&conf, &arena, "u/1", NULL, time(NULL), 900);
    assert_non_null(token);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    store_free(app.store);
    app_fini(&app);
    response_fini(&response);
    arena_fini(&arena);
    return 0;
}

static ssize_t read_text(void *source, char *data, size_t size)
{
    struct text *rest = source;
    size_t length = rest->length < size ? rest->length : size;

    if (length > 0)
        memcpy(data, rest->data, length);
    rest->data += length;
    rest->length -= length;
    return (ssize_t)length;
}

/* A request from ORIGIN; up to three more variables, NULL: none. */
struct ask {
    const char *method, *uri;
    const char *authorization; /* "token": a good one; NULL: none */
    const char *body;
    const char *variables[3];
};

static enum method handle(const struct ask *ask)
{
    struct text body = text_of(ask->body ? ask->body : "");
    char *environment[8] = {arena_printf(&arena, "REQUEST_METHOD=%s", ask->method),
                            arena_printf(&arena, "REQUEST_URI=%s", ask->uri),
                            arena_printf(&arena, "HTTP_ORIGIN=" ORIGIN)};
    size_t count = 3;

    if (ask->authorization)
        environment[count++] =
            arena_printf(&arena, "HTTP_AUTHORIZATION=Bearer %s",
                         strcmp(ask->authorization, "token") == 0 ? token : ask->authorization);
    for (size_t i = 0; i < 3 && ask->variables[i]; i++)
        environment[count++] = arena_text(&arena, text_of(ask->variables[i]));
    return app_handle(&app, environment, read_text, &body, &response);
}

/* The header's value, of several the last; "" when there is none. */
static const char *header(const char *name)
{
    struct text rest = buf_text(&response.headers);
    const char *value = "";

    while (rest.length > 0) {
        const char *end = memmem(rest.data, rest.length, "\r\n", 2);
        size_t length = (size_t)(end - rest.data), name_length = strlen(name);

        if (length > name_length && strncasecmp(rest.data, name, name_length) == 0 &&
            rest.data[name_length] == ':')
            value = arena_text(
                &arena, (struct text){rest.data + name_length + 2, length - name_length - 2});
        rest.data = end + 2;
        rest.length -= length + 2;
    }
    return value;
}

static bool has_header_line(const char *line)
{
    char *headers = arena_text(&arena, buf_text(&response.headers));

    return strstr(headers, arena_printf(&arena, "%s\r\n", line)) != NULL;
}

static void check_common(const struct ask *ask)
{
    if (strcmp(header("X-Content-Type-Options"), "nosniff") != 0 || !*header("X-Request-Id") ||
        !*header("Cache-Control") || !has_header_line("Access-Control-Allow-Origin: " ORIGIN) ||
        !has_header_line("Access-Control-Allow-Credentials: true") ||
        !has_header_line("Vary: Origin") || !*header("Access-Control-Expose-Headers"))
        fail_msg("%s %s: lacks a common header:\n%.*s", ask->method, ask->uri,
                 (int)response.headers.length, response.headers.data);
}

/* A problem document for that status, with a detail that tells nothing of our insides. */
static void check_problem(const struct ask *ask, int status)
{
    static const char *const insides[] = {"SELECT",    "todo.", "postgres",
                                          "127.0.0.1", "libpq", ".c:"};
    json_t *json = json_loadb(response.body.data, response.body.length, 0, NULL);
    const char *detail = json_string_value(json_object_get(json, "detail"));

    if (response.status != status)
        fail_msg("%s %s: %d, expected %d: %.*s", ask->method, ask->uri, response.status, status,
                 (int)response.body.length, response.body.data);
    check_common(ask);
    assert_string_equal(response.content_type, "application/problem+json");
    assert_int_equal(json_integer_value(json_object_get(json, "status")), status);
    assert_string_equal(json_string_value(json_object_get(json, "type")), "about:blank");
    assert_string_equal(json_string_value(json_object_get(json, "title")), response_reason(status));
    assert_non_null(detail);
    for (size_t i = 0; i < sizeof insides / sizeof *insides; i++)
        assert_null(strstr(detail, insides[i]));
    json_decref(json);
}

/* Who may, and what is known, is decided without the database. */
static const struct {
    struct ask ask;
    int status;
    const char *name, *value; /* a header */
} refusals[] = {
    {{"GET", "/api/tasks", NULL, NULL, {NULL}}, 401, "WWW-Authenticate", "Bearer realm=\"todo\""},
    {{"POST", "/api/u%2F1/tasks", NULL, NULL, {NULL}}, 401, "Vary", "Origin"},
    {{"GET", "/api/tasks", "x", NULL, {NULL}},
     401,
     "WWW-Authenticate",
     "Bearer realm=\"todo\", error=\"invalid_token\", error_description=\"malformed\""},
    {{"HEAD", "/api/tasks", NULL, NULL, {NULL}}, 401, "Cache-Control", "private, no-cache"},
    {{"GET", "/api/v/tasks", NULL, NULL, {NULL}}, 401, "WWW-Authenticate", "Bearer realm=\"todo\""},
    {{"GET", "/api/v/tasks", "token", NULL, {NULL}}, 403, "Cache-Control", "private, no-cache"},
    {{"GET", "/api/u%252F1/tasks", "token", NULL, {NULL}}, 403, "WWW-Authenticate", ""},
    {{"DELETE", "/api/U%2F1/tasks/x", "token", NULL, {NULL}}, 403, "Allow", ""},
    {{"PUT", "/api/v/tasks/1", "token", "not JSON", {NULL}}, 403, "Retry-After", ""},
    {{"GET", "/nope", "token", NULL, {NULL}}, 404, "Cache-Control", "no-store"},
    {{"OPTIONS", "/nope", NULL, NULL, {NULL}}, 404, "Allow", ""},
    {{"PURGE", "/nope", NULL, NULL, {NULL}}, 404, "Allow", ""},
    {{"GET", "/api/u%2F1/tasks/1/complete", NULL, NULL, {NULL}}, 405, "Allow", "PATCH, OPTIONS"},
    {{"PUT", "/api/tasks", "token", NULL, {NULL}}, 405, "Allow", "GET, HEAD, POST, OPTIONS"},
    {{"PURGE", "/api/tasks/1", NULL, NULL, {NULL}},
     405,
     "Allow",
     "GET, HEAD, PUT, PATCH, DELETE, OPTIONS"},
    {{"POST", "/health", NULL, NULL, {NULL}}, 405, "Allow", "GET, HEAD, OPTIONS"},
    {{"get", "/health", NULL, NULL, {NULL}}, 405, "Allow", "GET, HEAD, OPTIONS"},
    {{"GET", "/api/%zz/tasks", "token", NULL, {NULL}}, 400, "Cache-Control", "no-store"},
    {{"GET", "/api/%00/tasks", "token", NULL, {NULL}}, 400, "Allow", ""},
    {{"GET", "/api/%ff/tasks", "token", NULL, {NULL}}, 400, "Allow", ""},
    {{"GET", "", NULL, NULL, {NULL}}, 400, "Allow", ""},
    {{"GET", "/api/tasks?q=%00", "token", NULL, {NULL}}, 422, "Allow", ""},
    {{"GET", "/api/tasks?limit=0", "token", NULL, {NULL}}, 422, "Retry-After", ""},
    {{"GET", "/api/tasks/x", "token", NULL, {NULL}}, 422, "ETag", ""},
    {{"GET", "/api/tasks/9223372036854775808", "token", NULL, {NULL}}, 422, "ETag", ""},
    {{"GET", "/api/tasks/1", "token", NULL, {"HTTP_IF_NONE_MATCH=1"}}, 400, "ETag", ""},
    {{"PUT", "/api/tasks/1", "token", "{}", {"HTTP_IF_MATCH=\"1"}}, 400, "ETag", ""},
    {{"PUT", "/api/tasks/x", "token", "{}", {"HTTP_IF_MATCH=\"1"}}, 400, "ETag", ""},
    {{"PUT", "/api/tasks/x", "token", "{", {NULL}}, 400, "ETag", ""},
    {{"GET", "/api/tasks/x", "token", NULL, {"HTTP_IF_NONE_MATCH=1"}}, 400, "ETag", ""},
    {{"POST", "/api/tasks", "token", "{\"title\":\"\"}", {NULL}}, 422, "Location", ""},
    {{"POST", "/api/tasks", "token", "{", {NULL}}, 400, "Location", ""},
    {{"POST", "/api/tasks", "token", "", {NULL}}, 400, "Location", ""},
    {{"POST", "/api/tasks", "token", "[]", {NULL}}, 422, "Location", ""},
    {{"POST", "/api/tasks", "token", "x", {"CONTENT_TYPE=text/plain"}}, 415, "Location", ""},
    {{"PUT", "/api/tasks/1", "token", "{}", {"CONTENT_TYPE=application/merge-patch+json"}},
     415,
     "Location",
     ""},
    {{"POST", "/api/tasks", "token", "{}", {"CONTENT_LENGTH=65537"}}, 413, "Location", ""},
    {{"POST", "/api/tasks", "token", "{}", {"CONTENT_LENGTH=3"}}, 400, "Location", ""},
    {{"POST", "/api/tasks/batch", "token", "{}", {"CONTENT_LENGTH=1048577"}}, 413, "Allow", ""},
    {{"POST", "/api/tasks/batch", "token", "{}", {NULL}}, 422, "Allow", ""},
    {{"POST", "/api/tasks", "token", "{}", {"HTTP_IDEMPOTENCY_KEY=\"a"}}, 400, "Location", ""},
    {{"POST", "/api/tasks", "token", "{}", {"HTTP_IDEMPOTENCY_KEY="}}, 400, "Location", ""},
    {{"PUT", "/api/tasks/1", "token", "{}", {"HTTP_IF_MATCH="}}, 400, "ETag", ""},
    {{"GET", "/api/tasks/1", "token", NULL, {"HTTP_IF_NONE_MATCH= "}}, 400, "ETag", ""},
    {{"GET", "/api/tasks", "token", NULL, {"HTTP_IF_NONE_MATCH= "}}, 400, "ETag", ""},
    {{"PATCH", "/api/tasks/x/complete", "token", "x", {"CONTENT_TYPE=text/plain"}},
     415,
     "ETag",
     ""},
    {{"PATCH", "/api/tasks/x/complete", "token", NULL, {"CONTENT_TYPE=text/plain"}},
     422,
     "ETag",
     ""},
    {{"DELETE", "/api/tasks/1", "token", NULL, {"HTTP_IDEMPOTENCY_KEY=\"\""}}, 400, "Allow", ""},
    {{"DELETE", "/api/tasks/x", "token", NULL, {"HTTP_IDEMPOTENCY_KEY=k"}}, 422, "Allow", ""},
};

static void test_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
        handle(&refusals[i].ask);
        check_problem(&refusals[i].ask, refusals[i].status);
        if (strcmp(header(refusals[i].name), refusals[i].value) != 0)
            fail_msg("%s %s: %s: %s", refusals[i].ask.method, refusals[i].ask.uri, refusals[i].name,
                     header(refusals[i].name));
    }
}

/* The pointers and names of all the faults that the answer tells of. */
static const char *fault_names(void)
{
    json_t *json = json_loadb(response.body.data, response.body.length, 0, NULL), *fault;
    const char *names = "";
    size_t index;

    json_array_foreach (json_object_get(json, "errors"), index, fault) {
        const json_t *loc = json_object_get(fault, "loc");

        names = arena_printf(&arena, "%s %s", names,
                             json_string_value(json_array_get(loc, json_array_size(loc) - 1)));
    }
    json_decref(json);
    return names;
}

static void test_all_faults_together(void **state)
{
    static const struct {
        struct ask ask;
        const char *names;
    } rows[] = {
        {{"POST", "/api/tasks", "token", "{\"title\":\"\",\"tags\":1}", {NULL}}, " title tags"},
        {{"PUT", "/api/tasks/x", "token", "{\"title\":\"\",\"tags\":1}", {NULL}}, " id title tags"},
        {{"PATCH", "/api/tasks/x", "token", "{\"title\":null}", {NULL}}, " id title"},
        {{"PATCH", "/api/tasks/x/complete", "token", "{\"completed\":1}", {NULL}}, " id completed"},
        {{"GET", "/api/tasks?limit=0&sort=x", "token", NULL, {NULL}}, " sort limit"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        handle(&rows[i].ask);
        check_problem(&rows[i].ask, 422);
        assert_string_equal(fault_names(), rows[i].names);
    }
}

static void test_require_if_match(void **state)
{
    static const struct ask asks[] = {
        {"PUT", "/api/tasks/1", "token", "{\"title\":\"t\"}", {NULL}},
        {"PATCH", "/api/tasks/1", "token", "{\"title\":\"t\"}", {NULL}},
        {"DELETE", "/api/tasks/1", "token", NULL, {NULL}},
        {"PATCH", "/api/tasks/1/complete", "token", NULL, {NULL}},
        {"POST", "/api/tasks/1/restore", "token", NULL, {NULL}},
        {"POST",
         "/api/tasks/batch",
         "token",
         "{\"operations\":[{\"op\":\"delete\",\"id\":1}]}",
         {NULL}},
    };

    (void)state;
    conf.require_if_match = true;
    for (size_t i = 0; i < sizeof asks / sizeof *asks; i++) {
        handle(&asks[i]);
        check_problem(&asks[i], 428);
    }
}

static void test_options(void **state)
{
    const struct ask plain = {"OPTIONS", "/api/u/tasks/1", NULL, NULL, {NULL}};
    const struct ask preflight = {
        "OPTIONS",
        "/api/u/tasks/1",
        NULL,
        NULL,
        {"HTTP_ACCESS_CONTROL_REQUEST_METHOD=PUT", "HTTP_ACCESS_CONTROL_REQUEST_HEADERS=if-match"}};

    (void)state;
    handle(&plain);
    assert_int_equal(response.status, 204);
    assert_int_equal(response.body.length, 0);
    assert_null(response.content_type);
    assert_string_equal(header("Allow"), "GET, HEAD, PUT, PATCH, DELETE, OPTIONS");
    assert_string_equal(header("Access-Control-Allow-Methods"), "");
    check_common(&plain);
    handle(&preflight);
    assert_int_equal(response.status, 204);
    assert_true(strstr(header("Access-Control-Allow-Methods"), "PUT") != NULL);
    assert_string_equal(header("Access-Control-Max-Age"), "600");
    check_common(&preflight);
}

static void test_head(void **state)
{
    const struct ask get = {"GET", "/health", NULL, NULL, {NULL}};
    const struct ask head = {"HEAD", "/health/", NULL, NULL, {NULL}};
    size_t length;

    (void)state;
    assert_int_equal(handle(&get), METHOD_GET);
    assert_int_equal(response.status, 200);
    assert_string_equal(response.content_type, "application/json");
    check_common(&get);
    length = response.body.length;
    assert_int_equal(handle(&head), METHOD_HEAD);
    assert_int_equal(response.status, 200);
    assert_int_equal(response.body.length, length);
    check_common(&head);
}

static void test_request_id(void **state)
{
    const struct ask sane = {"GET", "/nope", NULL, NULL, {"HTTP_X_REQUEST_ID=abc-1"}};
    const struct ask odd = {"GET", "/nope", NULL, NULL, {"HTTP_X_REQUEST_ID=a b"}};

    (void)state;
    handle(&sane);
    assert_string_equal(header("X-Request-Id"), "abc-1");
    handle(&odd);
    assert_int_equal(strlen(header("X-Request-Id")), 32);
}

static void test_other_origin(void **state)
{
    const struct ask ask = {"GET", "/nope", NULL, NULL, {"HTTP_ORIGIN=https://evil.example"}};

    (void)state;
    handle(&ask);
    assert_string_equal(header("Access-Control-Allow-Origin"), "");
    assert_true(has_header_line("Vary: Origin"));
}

/* An answer leaves nothing for the next. */
static void test_no_leftovers(void **state)
{
    const struct ask refused = {"GET", "/api/tasks", "x", NULL, {"HTTP_X_REQUEST_ID=abc-1"}};
    const struct ask health = {"GET", "/health", NULL, NULL, {NULL}};

    (void)state;
    handle(&refused);
    assert_int_equal(response.status, 401);
    handle(&health);
    assert_int_equal(response.status, 200);
    assert_string_equal(header("WWW-Authenticate"), "");
    assert_string_not_equal(header("X-Request-Id"), "abc-1");
    assert_string_equal(arena_text(&arena, buf_text(&response.body)), "{\"status\":\"healthy\"}");
}

/* ---- what is no database */

/* A listening socket, and its port in `url`. */
static int listen_somewhere(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_int_equal(bind(fd, (const struct sockaddr *)&address, size), 0);
    assert_int_equal(listen(fd, 16), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
    snprintf(url, sizeof url,
             "host=127.0.0.1 port=%d user=u dbname=d sslmode=disable gssencmode=disable",
             ntohs(address.sin_port));
    return fd;
}

#define SAYS(message)                                                                              \
    {                                                                                              \
        (message), sizeof(message) - 1                                                             \
    }
#define GREETING                                                                                   \
    "R\0\0\0\10\0\0\0\0"                                                                           \
    "Z\0\0\0\5I" /* come in; ready */
#define HALF_AN_ANSWER                                                                             \
    "1\0\0\0\4"                                                                                    \
    "2\0\0\0\4"                                                                                    \
    "n\0\0\0\4"                                                                                    \
    "C\0\0\0\15SELECT 0" /* and not ready */
#define DENIAL "E\0\0\0\64SFATAL\0C28P01\0Mno entry for u at 127.0.0.1 now\0\0"

/* What the server says to each of the first messages; after that nothing, or the end. */
static const struct behaviour {
    const char *name;
    struct text says[2];
    bool hangs_up;
} behaviours[] = {
    {"silent", {{NULL, 0}, {NULL, 0}}, false},
    {"hangs up at once", {{NULL, 0}, {NULL, 0}}, true},
    {"another protocol", {SAYS("HTTP/1.1 400 Bad Request\r\n\r\n"), {NULL, 0}}, false},
    {"half a greeting", {SAYS("R\0\0\0\10\0\0"), {NULL, 0}}, false},
    {"denies", {SAYS(DENIAL), {NULL, 0}}, true},
    {"greets only", {SAYS(GREETING), {NULL, 0}}, false},
    {"greets and hangs up", {SAYS(GREETING), {NULL, 0}}, true},
    {"never ready", {SAYS(GREETING), SAYS(HALF_AN_ANSWER "\0")}, false},
    {"answers garbage", {SAYS(GREETING), SAYS("D\377\377\377\377xxxxxxx")}, false},
};

__attribute__((noreturn)) static void behave(const struct behaviour *behaviour, int listener)
{
    char message[4096];

    alarm(PATIENCE_S);
    for (;;) {
        int fd = accept(listener, NULL, NULL);

        for (size_t i = 0; i < 2 && behaviour->says[i].data; i++)
            if (read(fd, message, sizeof message) > 0 &&
                write(fd, behaviour->says[i].data, behaviour->says[i].length) < 0)
                break;
        if (behaviour->hangs_up)
            close(fd);
    }
}

/* A store that has not just failed makes an attempt to connect. */
static void renew_store(void)
{
    store_free(app.store);
    app.store = store_new(&conf);
}

/* 503 soon, for reads and writes alike, and the worker lives on. */
static void check_unavailable(const char *name)
{
    static const struct ask asks[] = {
        {"GET", "/ready", NULL, NULL, {NULL}},
        {"GET", "/api/tasks", "token", NULL, {NULL}},
        {"POST", "/api/tasks", "token", "{\"title\":\"t\"}", {"HTTP_IDEMPOTENCY_KEY=k"}},
        {"DELETE", "/api/tasks/1", "token", NULL, {NULL}},
        {"POST",
         "/api/tasks/batch",
         "token",
         "{\"operations\":[{\"op\":\"delete\",\"id\":1}]}",
         {NULL}},
    };
    const struct ask health = {"GET", "/health", NULL, NULL, {NULL}};

    for (size_t i = 0; i < sizeof asks / sizeof *asks; i++) {
        if (i != 1) /* that one comes right behind a failure */
            renew_store();
        handle(&asks[i]);
        if (response.status != 503)
            fail_msg("%s: %s %s: %d", name, asks[i].method, asks[i].uri, response.status);
        check_problem(&asks[i], 503);
        assert_string_equal(header("Retry-After"), "1");
        handle(&health);
        assert_int_equal(response.status, 200);
    }
}

static void test_no_database(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof behaviours / sizeof *behaviours; i++) {
        int listener = listen_somewhere();
        pid_t child = fork();

        if (child == 0)
            behave(&behaviours[i], listener);
        close(listener);
        check_unavailable(behaviours[i].name);
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
    }
}

static void test_nobody_listens(void **state)
{
    (void)state;
    close(listen_somewhere());
    check_unavailable("nobody");
    snprintf(url, sizeof url, "host=/nonexistent dbname=x");
    check_unavailable("no directory");
    snprintf(url, sizeof url, "no connection string");
    check_unavailable("nonsense");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_all_faults_together, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_require_if_match, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_options, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_head, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_request_id, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_other_origin, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_no_leftovers, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_no_database, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_nobody_listens, set_up, tear_down),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

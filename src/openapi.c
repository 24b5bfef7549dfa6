/* SPDX-License-Identifier: ISC */
/* openapi.c: walks the table of routes. What a route needs tells how it can fail; what else there
 * is to say stands with its handler, once for all paths that lead there. */
#include <config.h>

#include "openapi.h"

#include <string.h>

#include "account_handlers.h"
#include "export_handlers.h"
#include "import_handlers.h"
#include "openapi_schemas.h"
#include "response.h"
#include "route.h"
#include "service.h"
#include "session_handlers.h"
#include "task_handlers.h"
#include "task_query.h"

#define SCHEMA(name) "{\"$ref\":\"#/components/schemas/" name "\"}"
#define LIST(name) "{\"type\":\"array\",\"items\":" SCHEMA(name) "}"
#define TEXT(description) "{\"type\":\"string\",\"description\":\"" description "\"}"
#define SEVERAL "; of several, separated by commas, any."
#define BOUND "a date or a date-time, inclusive."
#define FILES                                                                                      \
    "\"application/json\":{},\"text/csv\":{\"schema\":{\"type\":\"string\"}},"                     \
    "\"text/calendar\":{\"schema\":{\"type\":\"string\"}}"

enum trait {
    OPTIONAL = 1 << 0,     /* the body may be absent */
    FORM = 1 << 1,         /* ... or be a form */
    FILE_IN = 1 << 2,      /* it is a file of one of three formats, ... */
    FILE_OUT = 1 << 3,     /* ... and so is the answer */
    FILTERS = 1 << 4,      /* takes a list's parameters */
    PAGES = 1 << 5,        /* limit alone, and since */
    DRY_RUN = 1 << 6,      /* dry_run */
    IS_TEXT = 1 << 7,      /* the answer is plain text, */
    IS_PAGE = 1 << 8,      /* a page, */
    IS_ANY = 1 << 9,       /* JSON of any shape */
    REVALIDATES = 1 << 10, /* 304 */
    LOGS_IN = 1 << 11      /* 401 although no token is needed */
};

static const struct operation {
    route_handler *run;
    const char *summary, *tag;
    int status;
    const char *body;   /* a schema; NULL: none */
    const char *answer; /* a schema; NULL: none, or a trait tells */
    unsigned traits;
} operations[] = {
    {task_list, "List tasks", "Tasks", 200, NULL, LIST("Task"), FILTERS | REVALIDATES},
    {task_create, "Create a task", "Tasks", 201, SCHEMA("NewTask"), SCHEMA("Task"), 0},
    {task_batch, "Several operations, all or none", "Tasks", 200, SCHEMA("Batch"),
     SCHEMA("BatchResult"), 0},
    {task_changes, "What has changed since a cursor", "Tasks", 200, NULL, SCHEMA("Changes"),
     PAGES | REVALIDATES},
    {task_tags, "Tags in use", "Tasks", 200, NULL, LIST("Tag"), REVALIDATES},
    {task_export, "All tasks as a file", "Tasks", 200, NULL, NULL, FILE_OUT},
    {task_import, "Tasks from a file, all or none", "Tasks", 200, NULL, SCHEMA("ImportReport"),
     FILE_IN | DRY_RUN},
    {task_get, "Read a task", "Tasks", 200, NULL, SCHEMA("Task"), REVALIDATES},
    {task_put, "Change a task's members that are present", "Tasks", 200, SCHEMA("TaskChange"),
     SCHEMA("Task"), 0},
    {task_patch, "Change a task by a merge patch", "Tasks", 200, SCHEMA("TaskChange"),
     SCHEMA("Task"), 0},
    {task_delete, "Move a task to the trash", "Tasks", 204, NULL, NULL, 0},
    {task_complete, "Complete, reopen or toggle a task", "Tasks", 200, SCHEMA("Completion"),
     SCHEMA("Task"), OPTIONAL},
    {task_restore, "Take a task out of the trash", "Tasks", 200, NULL, SCHEMA("Task"), 0},
    {account_register, "Make an account", "Accounts", 201, SCHEMA("Registration"),
     SCHEMA("Session"), 0},
    {account_login, "Begin a session", "Accounts", 200, SCHEMA("Login"), SCHEMA("Session"),
     FORM | LOGS_IN},
    {session_refresh, "Renew a session", "Accounts", 200, SCHEMA("RefreshToken"), SCHEMA("Session"),
     FORM | LOGS_IN},
    {session_logout, "End a session", "Accounts", 204, SCHEMA("Logout"), NULL,
     FORM | OPTIONAL | LOGS_IN},
    {account_get, "Who I am", "Accounts", 200, NULL, SCHEMA("User"), 0},
    {account_patch, "Change name or e-mail", "Accounts", 200, SCHEMA("UserChange"), SCHEMA("User"),
     0},
    {account_delete, "Delete the account and all its tasks", "Accounts", 204,
     SCHEMA("PasswordProof"), NULL, 0},
    {account_password, "Change the password", "Accounts", 204, SCHEMA("PasswordChange"), NULL, 0},
    {session_list, "Sessions that live", "Accounts", 200, NULL, LIST("SessionInfo"), 0},
    {session_delete, "End one of my sessions", "Accounts", 204, NULL, NULL, 0},
    {service_root, "What this is", "Service", 200, NULL, SCHEMA("Service"), 0},
    {service_health, "Does the process answer?", "Service", 200, NULL, SCHEMA("Health"), 0},
    {service_ready, "Does the database?", "Service", 200, NULL, SCHEMA("Health"), 0},
    {service_metrics, "Counters, for addresses that may", "Service", 200, NULL, NULL, IS_TEXT},
    {service_openapi, "This document", "Service", 200, NULL, NULL, IS_ANY},
    {service_docs, "This document as a page", "Service", 200, NULL, NULL, IS_PAGE},
};

static const struct operation unknown = {NULL, "", "Service", 200, NULL, NULL, IS_ANY};

static const struct operation *find_operation(route_handler *run)
{
    for (size_t i = 0; i < sizeof operations / sizeof *operations; i++)
        if (operations[i].run == run)
            return &operations[i];
    return &unknown;
}

/* ---- parameters */

static void write_parameter(struct buf *out, const char **before, const char *name,
                            const char *where, const char *schema)
{
    buf_printf(out, "%s{\"name\":\"%s\",\"in\":\"%s\",%s\"schema\":%s}", *before, name, where,
               strcmp(where, "path") == 0 ? "\"required\":true," : "", schema);
    *before = ",";
}

static const struct {
    const char *name, *schema;
} list_schemas[] = {
    {"status", "{\"enum\":[\"all\",\"pending\",\"active\",\"completed\"],\"default\":\"all\"}"},
    {"completed", "{\"type\":\"boolean\"}"},
    {"priority", TEXT("low, medium, high or critical" SEVERAL)},
    {"tag", TEXT("A tag" SEVERAL)},
    {"search", TEXT("A part of title or description, in upper or lower case.")},
    {"due_from", TEXT("From when it is due: " BOUND)},
    {"due_to", TEXT("Until when it is due: " BOUND)},
    {"updated_since", TEXT("Since when it has changed: " BOUND)},
    {"sort",
     "{\"type\":\"string\",\"default\":\"created\",\"description\":\"created, updated, title, "
     "due_date, priority or completed; a leading - reverses.\"}"},
    {"order",
     "{\"enum\":[\"asc\",\"desc\"],\"description\":\"Without it desc for created, updated and "
     "priority, asc for the rest.\"}"},
    {"limit", "{\"type\":\"integer\",\"minimum\":1,\"maximum\":1000,\"default\":1000}"},
    {"offset", "{\"type\":\"integer\",\"minimum\":0}"},
    {"page", "{\"type\":\"integer\",\"minimum\":1}"},
    {"cursor", TEXT("The place of a page, from the Link header of another.")},
    {"trash", "{\"type\":\"boolean\",\"default\":false}"},
};

static const char *list_schema(const char *name)
{
    for (size_t i = 0; i < sizeof list_schemas / sizeof *list_schemas; i++)
        if (strcmp(list_schemas[i].name, name) == 0)
            return list_schemas[i].schema;
    return TEXT("");
}

static void write_query(struct buf *out, const char **before, unsigned traits)
{
    const char *const *names;

    for (size_t i = 0; traits & FILTERS && (names = task_query_names(i)); i++)
        write_parameter(out, before, names[0], "query", list_schema(names[0]));
    if (traits & PAGES) {
        write_parameter(out, before, "since", "query",
                        TEXT("next of the answer before; without it, all."));
        write_parameter(out, before, "limit", "query", list_schema("limit"));
    }
    if (traits & DRY_RUN)
        write_parameter(
            out, before, "dry_run", "query",
            "{\"type\":\"boolean\",\"description\":\"Tell what would be; write nothing.\"}");
}

static void write_headers(struct buf *out, const char **before, const struct conf *conf,
                          const struct route *route, const struct operation *operation)
{
    bool is_one = strstr(route->pattern, "{id}") != NULL;

    if (operation->traits & REVALIDATES)
        write_parameter(out, before, "If-None-Match", "header",
                        TEXT("An ETag: 304 while it fits."));
    if (route->needs & NEEDS_FRAME && is_one)
        write_parameter(out, before, "If-Match", "header", TEXT("An ETag: 412 when it is stale."));
    if (route->needs & NEEDS_FRAME)
        write_parameter(out, before, "Idempotency-Key", "header",
                        TEXT("1 to 255 characters: sent again, it is carried out once."));
    if (operation->run == task_list)
        write_parameter(out, before, "Prefer", "header",
                        TEXT("count=exact has X-Total-Count added."));
    if (operation->run == task_batch)
        write_parameter(out, before, "Prefer", "header", TEXT("tx=rollback only tries it."));
    if (route->needs & NEEDS_OWN_WRITES && conf->database_read_url)
        write_parameter(out, before, "Todo-Position", "header",
                        TEXT("The last that was answered, or none: for reads by the standby."));
}

static void write_parameters(struct buf *out, const struct conf *conf, const struct route *route,
                             const char *base, const struct operation *operation)
{
    const char *before = "";
    bool has_id = strstr(route->pattern, "{id}") != NULL;

    buf_add_string(out, ",\"parameters\":[");
    if (strstr(base, "{user_id}"))
        write_parameter(out, &before, "user_id", "path",
                        "{\"type\":\"string\",\"minLength\":1,\"maxLength\":255}");
    if (has_id)
        write_parameter(out, &before, "id", "path",
                        route->needs & NEEDS_ACCOUNTS
                            ? TEXT("One of the list's.")
                            : "{\"type\":\"integer\",\"format\":\"int64\"}");
    write_query(out, &before, operation->traits);
    write_headers(out, &before, conf, route, operation);
    buf_add_char(out, ']');
}

/* ---- bodies and answers */

/* A PATCH takes a merge patch (RFC 7396) too. */
static void write_body(struct buf *out, const struct route *route,
                       const struct operation *operation)
{
    if (!operation->body && !(operation->traits & FILE_IN))
        return;
    buf_printf(out, ",\"requestBody\":{\"required\":%s,\"content\":{",
               operation->traits & OPTIONAL ? "false" : "true");
    if (operation->traits & FILE_IN)
        buf_add_string(out, FILES);
    else
        buf_printf(out, "\"application/json\":{\"schema\":%s}", operation->body);
    if (operation->traits & FORM)
        buf_printf(out, ",\"application/x-www-form-urlencoded\":{\"schema\":%s}", operation->body);
    if (route->method == METHOD_PATCH)
        buf_printf(out, ",\"application/merge-patch+json\":{\"schema\":%s}", operation->body);
    buf_add_string(out, "}}");
}

static void write_success(struct buf *out, const struct conf *conf,
                          const struct operation *operation)
{
    bool tells = operation->run == task_delete && conf->compat & COMPAT_DELETE_MESSAGE;
    bool wraps = operation->run == task_list && conf->compat & COMPAT_LIST_OBJECT;
    const char *answer = tells ? SCHEMA("Message") : wraps ? SCHEMA("TaskPage") : operation->answer;
    int status = tells ? 200 : operation->status;

    buf_printf(out, "\"%d\":{\"description\":\"%s\"", status, response_reason(status));
    if (answer)
        buf_printf(out, ",\"content\":{\"application/json\":{\"schema\":%s}}", answer);
    else if (operation->traits & FILE_OUT)
        buf_add_string(out, ",\"content\":{" FILES "}");
    else if (operation->traits & IS_ANY)
        buf_add_string(out, ",\"content\":{\"application/json\":{}}");
    else if (operation->traits & (IS_TEXT | IS_PAGE))
        buf_printf(out, ",\"content\":{\"%s\":{\"schema\":{\"type\":\"string\"}}}",
                   operation->traits & IS_TEXT ? "text/plain" : "text/html");
    buf_add_char(out, '}');
}

static void write_failure(struct buf *out, int status)
{
    buf_printf(out,
               ",\"%d\":{\"description\":\"%s\",\"content\":{\"application/problem+json\":"
               "{\"schema\":" SCHEMA("Problem") "}}}",
               status, response_reason(status));
}

static void write_answers(struct buf *out, const struct conf *conf, const struct route *route,
                          const struct operation *operation)
{
    bool token = route->needs & NEEDS_TOKEN, frame = route->needs & NEEDS_FRAME;
    bool body = operation->body || operation->traits & FILE_IN;
    bool targets = strstr(route->pattern, "{id}") || operation->run == task_batch;
    bool account = route->needs & NEEDS_ACCOUNTS;
    const struct {
        int status;
        bool applies;
    } failures[] = {
        {400, true},
        {401, token || operation->traits & LOGS_IN},
        {403, token},
        {404, targets || operation->run == service_metrics || (account && token)},
        {409, frame || operation->run == account_register || operation->run == account_patch},
        {410, operation->traits & PAGES},
        {412, frame && targets},
        {413, body},
        {415, body},
        {422, true},
        {428, frame && targets && conf->require_if_match},
        {429, account},
        {503, route->needs & NEEDS_STORE},
    };

    buf_add_string(out, ",\"responses\":{");
    write_success(out, conf, operation);
    if (operation->traits & REVALIDATES)
        buf_printf(out, ",\"304\":{\"description\":\"%s\"}", response_reason(304));
    for (size_t i = 0; i < sizeof failures / sizeof *failures; i++)
        if (failures[i].applies)
            write_failure(out, failures[i].status);
    buf_add_char(out, '}');
}

/* ---- paths */

/* "get_api_tasks_id" */
static void write_id(struct buf *out, const char *method, const char *base, const char *rest)
{
    const char *parts[] = {base, rest};

    for (; *method; method++)
        buf_add_char(out, (char)(*method | 0x20));
    for (size_t i = 0; i < 2; i++)
        for (const char *at = parts[i]; *at; at++)
            if (!strchr("{}", *at))
                buf_add_char(out, strchr("/.-", *at) ? '_' : *at);
}

static void write_operation(struct buf *out, const struct conf *conf, const struct route *route,
                            const char *base)
{
    const struct operation *operation = find_operation(route->run);

    buf_add_char(out, '"');
    for (const char *letter = method_name(route->method); *letter; letter++)
        buf_add_char(out, (char)(*letter | 0x20));
    buf_printf(out, "\":{\"summary\":\"%s\",\"tags\":[\"%s\"],\"operationId\":\"",
               operation->summary, operation->tag);
    write_id(out, method_name(route->method), base, route_rest(route));
    buf_printf(out, "\",\"security\":[%s]", route->needs & NEEDS_TOKEN ? "{\"bearer\":[]}" : "");
    write_parameters(out, conf, route, base, operation);
    write_body(out, route, operation);
    write_answers(out, conf, route, operation);
    buf_add_char(out, '}');
}

/* The rows of one pattern, which stand together; gives the first behind them. */
static const struct route *write_path(struct buf *out, const struct conf *conf,
                                      const struct route *first, const char *base)
{
    const struct route *route = first;

    buf_printf(out, "\"%s%s\":{", base, route_rest(first));
    for (; route->pattern && strcmp(route->pattern, first->pattern) == 0; route++) {
        if (route != first)
            buf_add_char(out, ',');
        write_operation(out, conf, route, base);
    }
    buf_add_char(out, '}');
    return route;
}

static void write_paths(struct buf *out, const struct conf *conf)
{
    const char *before = "";
    unsigned absent = route_absent(conf);

    for (const struct route *route = route_table(); route->pattern;) {
        bool tasks = route_base(route)[0] != '\0';
        const struct route *next = route + 1;

        if (!(route->needs & absent)) {
            buf_add_string(out, before);
            if (tasks) {
                write_path(out, conf, route, "/api/{user_id}/tasks");
                buf_add_char(out, ',');
            }
            next = write_path(out, conf, route, route_base(route));
            before = ",";
        }
        route = next;
    }
}

void openapi_write(const struct conf *conf, struct buf *out)
{
    buf_add_string(out, "{\"openapi\":\"3.1.0\",\"info\":{\"title\":\"todo-fcgi\",\"version\":"
                        "\"" PACKAGE_VERSION "\",\"license\":{\"name\":\"ISC\",\"identifier\":"
                        "\"ISC\"}},\"servers\":[{\"url\":\".\"}],\"paths\":{");
    write_paths(out, conf);
    buf_add_string(out, "},\"components\":{\"securitySchemes\":{\"bearer\":{\"type\":\"http\","
                        "\"scheme\":\"bearer\",\"bearerFormat\":\"JWT\"}},\"schemas\":");
    openapi_schemas_write(out, conf->compat);
    buf_add_string(out, "}}");
}

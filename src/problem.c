/* SPDX-License-Identifier: ISC */
/* problem.c: gathers what is wrong with a request and writes the document about it. The table below
 * is the one place where an `enum err` gets its status and its public words. */
#include <config.h>

#include <stdarg.h>
#include <stdbool.h>
#include <string.h>

#include "problem.h"
#include "response.h"

#define DETAIL_FAULTS 10 /* told in `detail`; `errors` has them all */

static const struct {
    int status;
    int retry_after;
    const char *sentence;
} answers[ERR_COUNT] = {
    [ERR_NONE] = {200, 0, "everything is fine"},
    [ERR_BAD_REQUEST] = {400, 0, "the request is malformed"},
    [ERR_UNAUTHORIZED] = {401, 0, "a valid access token is needed"},
    [ERR_FORBIDDEN] = {403, 0, "this path belongs to another user"},
    [ERR_NOT_FOUND] = {404, 0, "there is nothing at this path"},
    [ERR_METHOD] = {405, 0, "this path does not know that method"},
    [ERR_CONFLICT] = {409, 0, "the request conflicts with the present state"},
    [ERR_IN_FLIGHT] = {409, 1, "the same request is still being answered; ask again soon"},
    [ERR_GONE] = {410, 0, "the cursor is too old; read everything again"},
    [ERR_PRECONDITION] = {412, 0, "it has been changed in the meantime"},
    [ERR_TOO_LARGE] = {413, 0, "the body is too large"},
    [ERR_MEDIA_TYPE] = {415, 0, "this media type is not understood here"},
    [ERR_INVALID] = {422, 0, "the request breaks a rule"},
    [ERR_PRECONDITION_REQUIRED] = {428, 0, "a change needs an If-Match header"},
    [ERR_THROTTLED] = {429, 0, "too many attempts; try again later"},
    [ERR_INTERNAL] = {500, 0, "something went wrong on our side"},
    [ERR_REPLAY] = {200, 0, "this was answered before"},
    [ERR_UNAVAILABLE] = {503, 1, "the service is not available just now; try again soon"},
};

void problem_init(struct problem *problem, struct arena *arena)
{
    *problem = (struct problem){.arena = arena};
    problem->last = &problem->faults;
}

enum err problem_fault(struct problem *problem, const char *where, const char *name,
                       const char *type, const char *format, ...)
{
    struct fault *fault;
    va_list arguments;

    if (problem->fault_count++ >= PROBLEM_FAULTS_MAX)
        return ERR_INVALID;
    fault = arena_alloc(problem->arena, sizeof(*fault));
    fault->where = where;
    fault->name = arena_text(problem->arena, text_of(name));
    fault->type = type;
    fault->next = NULL;
    va_start(arguments, format);
    fault->message = arena_vprintf(problem->arena, format, arguments);
    va_end(arguments);
    *problem->last = fault;
    problem->last = &fault->next;
    return ERR_INVALID;
}

enum err problem_set(struct problem *problem, enum err err, const char *format, ...)
{
    va_list arguments;

    if (problem->detail)
        return err;
    va_start(arguments, format);
    problem->detail = arena_vprintf(problem->arena, format, arguments);
    va_end(arguments);
    return err;
}

int problem_status(enum err err)
{
    return answers[err].status;
}

int problem_retry_after(const struct problem *problem, enum err err)
{
    return problem->retry_after ? problem->retry_after : answers[err].retry_after;
}

/* "title: must be 1 to 200 characters; limit: …; and 3 more" */
static void add_faults_sentence(const struct problem *problem, struct buf *out)
{
    size_t told = 0;

    for (const struct fault *fault = problem->faults; fault && told < DETAIL_FAULTS;
         fault = fault->next, told++) {
        const char *name = fault->name + (fault->name[0] == '/');

        buf_printf(out, "%s%s: %s", told ? "; " : "", *name ? name : fault->where, fault->message);
    }
    if (problem->fault_count > told)
        buf_printf(out, "; and %zu more", problem->fault_count - told);
}

static void write_detail(const struct problem *problem, enum err err, struct buf *out)
{
    struct buf sentence;

    if (problem->detail || !problem->faults) {
        buf_add_json(out, text_of(problem->detail ? problem->detail : answers[err].sentence));
        return;
    }
    buf_init(&sentence);
    add_faults_sentence(problem, &sentence);
    buf_add_json(out, buf_text(&sentence));
    buf_fini(&sentence);
}

/* An array's index as RFC 6901 writes it: no leading zero. */
static bool is_index(struct text token)
{
    int64_t index;

    return token.length > 0 && (token.data[0] != '0' || token.length == 1) &&
           text_to_int(token, 0, INT64_MAX, &index);
}

/* Writes one reference token of a pointer, with ~1 and ~0 decoded. */
static void write_token(struct arena *arena, struct text token, struct buf *out)
{
    char *name = arena_alloc(arena, token.length);
    size_t length = 0;

    if (is_index(token)) {
        buf_add_text(out, token);
        return;
    }
    for (size_t i = 0; i < token.length; i++) {
        bool escaped = token.data[i] == '~' && i + 1 < token.length;

        if (escaped)
            i++;
        name[length++] = !escaped ? token.data[i] : token.data[i] == '1' ? '/' : '~';
    }
    buf_add_json(out, (struct text){name, length});
}

/* ["body", "operations", 3, "title"] from "/operations/3/title" */
static void write_loc(const struct fault *fault, bool pointer, struct arena *arena, struct buf *out)
{
    const char *rest = fault->name;

    buf_add_char(out, '[');
    buf_add_json(out, text_of(fault->where));
    while (pointer && *rest == '/') {
        size_t length = strcspn(rest + 1, "/");

        buf_add_char(out, ',');
        write_token(arena, (struct text){rest + 1, length}, out);
        rest += 1 + length;
    }
    if (!pointer && *rest) {
        buf_add_char(out, ',');
        buf_add_json(out, text_of(rest));
    }
    buf_add_char(out, ']');
}

static void write_fault(const struct fault *fault, struct arena *arena, struct buf *out)
{
    bool pointer = strcmp(fault->where, "body") == 0;

    buf_add_string(out, "{\"loc\":");
    write_loc(fault, pointer, arena, out);
    if (pointer) {
        buf_add_string(out, ",\"pointer\":");
        buf_add_json(out, text_of(fault->name));
    }
    buf_add_string(out, ",\"msg\":");
    buf_add_json(out, text_of(fault->message));
    buf_add_string(out, ",\"type\":");
    buf_add_json(out, text_of(fault->type));
    buf_add_char(out, '}');
}

void problem_write_errors(const struct problem *problem, struct buf *out)
{
    buf_add_char(out, '[');
    for (const struct fault *fault = problem->faults; fault; fault = fault->next) {
        if (fault != problem->faults)
            buf_add_char(out, ',');
        write_fault(fault, problem->arena, out);
    }
    buf_add_char(out, ']');
}

void problem_write(const struct problem *problem, enum err err, unsigned compat, struct buf *out)
{
    bool array = compat & COMPAT_DETAIL_ARRAY && err == ERR_INVALID && problem->faults;

    buf_add_string(out, "{\"type\":\"about:blank\",\"title\":");
    buf_add_json(out, text_of(response_reason(problem_status(err))));
    buf_add_string(out, ",\"status\":");
    buf_add_int(out, problem_status(err));
    buf_add_string(out, ",\"detail\":");
    if (array)
        problem_write_errors(problem, out);
    else
        write_detail(problem, err, out);
    if (problem->faults) {
        buf_add_string(out, ",\"errors\":");
        problem_write_errors(problem, out);
    }
    buf_add_char(out, '}');
}

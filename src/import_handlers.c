/* SPDX-License-Identifier: ISC */
/* import_handlers.c: reads the body twice: once to judge each record, and, when all are good, once
 * to write them. So nothing has to be kept of them in between. */
#include <config.h>

#include <string.h>

#include "call.h"
#include "import_handlers.h"
#include "store_import.h"
#include "task_format.h"
#include "task_json.h"

#define RECORDS_MAX 100000 /* more would keep the user's other writes waiting for too long */

struct import {
    struct call *call;
    bool dry_run;
    struct arena arena; /* of the record in hand */
    size_t records;     /* that there are, good or not */
    size_t imported;
    struct buf results; /* of the good ones */

    struct store_import store;
    struct buf chunk; /* of tasks to be written: a JSON array without its last bracket */
    size_t count;     /* of the chunk's tasks */
    unsigned *lines;  /* of the chunk's tasks; STORE_IMPORT_TASKS of them */
};

/* ---- the report */

/* id 0: none was given. */
static void add_result(struct import *import, size_t index, unsigned line, int64_t id)
{
    struct buf *out = &import->results;

    buf_add_string(out, out->length == 0 ? "{\"index\":" : ",{\"index\":");
    buf_add_int(out, (int64_t)index);
    if (line > 0) {
        buf_add_string(out, ",\"line\":");
        buf_add_int(out, line);
    }
    if (id != 0) {
        buf_add_string(out, ",\"id\":");
        buf_add_int(out, id);
    }
    buf_add_char(out, '}');
}

static void write_report(const struct import *import)
{
    struct response *response = import->call->response;
    struct buf *out = &response->body;

    response->content_type = RESPONSE_JSON;
    buf_printf(out, "{\"dry_run\":%s,\"records\":%zu,\"imported\":%zu,\"results\":[",
               import->dry_run ? "true" : "false", import->records, import->imported);
    buf_add_text(out, buf_text(&import->results));
    buf_add_string(out, "],\"errors\":");
    problem_write_errors(import->call->problem, out);
    buf_add_char(out, '}');
}

/* ---- one record */

/* Takes the faults over, each with the line that the record begins in. */
static void tell_faults(const struct problem *found, const struct record *record,
                        struct problem *problem)
{
    for (const struct fault *fault = found->faults; fault; fault = fault->next)
        if (record->line > 0)
            problem_fault(problem, fault->where, fault->name, fault->type, "line %u: %s",
                          record->line, fault->message);
        else
            problem_fault(problem, fault->where, fault->name, fault->type, "%s", fault->message);
}

/* The task that the record describes, as it is to be stored; it lives until the next one. */
static enum err read_task(struct import *import, const struct record *record, struct task *task)
{
    struct task_change change;
    struct task_stamps stamps;
    struct problem found;
    enum err err, fault;

    if (!record->json)
        return ERR_INVALID;
    arena_reset(&import->arena);
    problem_init(&found, &import->arena);
    err = task_json_read(record->json, TASK_MODE_CREATE, TASK_SET_ALL, import->call->conf->compat,
                         record->pointer, &found, &change);
    fault = task_json_read_stamps(record->json, record->pointer, &found, &stamps);
    if (err == ERR_NONE && fault == ERR_NONE)
        task_json_import(&change, &stamps, task);
    tell_faults(&found, record, import->call->problem);
    return err != ERR_NONE ? err : fault;
}

/* A record_sink. */
static enum err judge_record(void *data, const struct record *record)
{
    struct import *import = data;
    struct task task;
    enum err err;

    import->records = record->index + 1;
    if (import->records > RECORDS_MAX)
        return problem_set(import->call->problem, ERR_TOO_LARGE,
                           "an import may have at most %d tasks", RECORDS_MAX);
    err = read_task(import, record, &task);
    if (err == ERR_NONE && import->dry_run && !record->faulty)
        add_result(import, record->index, record->line, 0);
    return err;
}

static enum err write_chunk(struct import *import)
{
    int64_t ids[STORE_IMPORT_TASKS];
    enum err err;

    if (import->count == 0)
        return ERR_NONE;
    buf_add_char(&import->chunk, ']');
    err = store_import(import->call->store, &import->call->principal, &import->store,
                       buf_text(&import->chunk), import->count, ids);
    if (err != ERR_NONE)
        return err;
    for (size_t i = 0; i < import->count; i++)
        add_result(import, import->imported + i, import->lines[i], ids[i]);
    import->imported += import->count;
    import->count = 0;
    buf_clear(&import->chunk);
    return ERR_NONE;
}

/* A record_sink, for records that are good. */
static enum err write_record(void *data, const struct record *record)
{
    struct import *import = data;
    struct task task;
    enum err err = read_task(import, record, &task);

    if (err != ERR_NONE)
        return err;
    buf_add_char(&import->chunk, import->count == 0 ? '[' : ',');
    task_json_write(&import->chunk, &task, 0);
    import->lines[import->count++] = record->line;
    return import->count == STORE_IMPORT_TASKS ? write_chunk(import) : ERR_NONE;
}

/* ---- all of them */

static enum err run_import(struct import *import, const struct task_format *format,
                           struct text body)
{
    struct problem *problem = import->call->problem;
    enum err err = format->read(body, problem, judge_record, import);

    if (import->dry_run)
        return err == ERR_INVALID ? ERR_NONE : err;
    import->store.total = (int64_t)import->records;
    if (err == ERR_NONE)
        err = format->read(body, problem, write_record, import);
    return err == ERR_NONE ? write_chunk(import) : err;
}

static enum err read_dry_run(struct call *call, bool *dry_run)
{
    const char *value = request_param(call->request, "dry_run");

    *dry_run = value && strcmp(value, "true") == 0;
    if (!value || *dry_run || strcmp(value, "false") == 0)
        return ERR_NONE;
    return problem_fault(call->problem, "query", "dry_run", "bool_parsing",
                         "must be true or false");
}

enum err task_import(struct call *call)
{
    const struct task_format *format = task_format_sent(call->request);
    struct import import = {.call = call};
    struct text body;
    enum err err = read_dry_run(call, &import.dry_run);

    if (!format)
        return problem_set(
            call->problem, ERR_MEDIA_TYPE,
            "the body must be application/json, text/csv or text/calendar, in UTF-8");
    if (err == ERR_NONE)
        err = call_body(call, &body);
    if (err != ERR_NONE)
        return err;
    import.lines = arena_alloc(call->arena, STORE_IMPORT_TASKS * sizeof *import.lines);
    arena_init(&import.arena);
    buf_init(&import.results);
    buf_init(&import.chunk);
    err = run_import(&import, format, body);
    if (err == ERR_NONE)
        write_report(&import);
    buf_fini(&import.chunk);
    buf_fini(&import.results);
    arena_fini(&import.arena);
    return err;
}

/* SPDX-License-Identifier: ISC */
/* task_handlers.c: one short function per route, over the steps that they share. */
#include <config.h>

#include <stdio.h>

#include "call.h"
#include "etag.h"
#include "json_body.h"
#include "store_task.h"
#include "task_handlers.h"
#include "task_json.h"
#include "task_links.h"

/* The path's {id}. */
static enum err read_id(struct call *call, int64_t *id)
{
    if (text_to_int(text_of(call->match.id), INT64_MIN, INT64_MAX, id))
        return ERR_NONE;
    return problem_fault(call->problem, "path", "id", "int_parsing", "must be a 64-bit integer");
}

/* The body's bytes, in a media type that this method takes. */
static enum err read_body(struct call *call, struct text *body)
{
    enum err err = call_expect_json(call, NULL);

    return err != ERR_NONE ? err : call_body(call, body);
}

static enum err parse_change(struct call *call, struct text body, enum task_mode mode,
                             unsigned fields, struct task_change *change)
{
    json_t *json;
    enum err err = json_body_parse(body, call->problem, &json);

    if (err == ERR_NONE)
        err = task_json_read(json, mode, fields, call->conf->compat, "", call->problem, change);
    json_decref(json);
    return err;
}

static enum err read_change(struct call *call, enum task_mode mode, struct task_change *change)
{
    struct text body;
    enum err err = read_body(call, &body);

    return err != ERR_NONE ? err : parse_change(call, body, mode, TASK_SET_ALL, change);
}

static enum err read_condition(struct call *call, enum header header, const char *name,
                               struct etag_condition *condition)
{
    return etag_read(request_header_sent(call->request, header), name, call->problem, condition);
}

/* The task that the path names, and the versions that If-Match names. None at all for a client that
 * wants If-None-Match: * (RFC 9110 13.1.2): what is changed exists. */
static enum err read_target(struct call *call, struct task_op *op)
{
    struct etag_condition wanted, unwanted;
    enum err err = read_id(call, &op->id);

    err = err_worse(err, read_condition(call, HEADER_IF_MATCH, "If-Match", &wanted));
    err = err_worse(err, read_condition(call, HEADER_IF_NONE_MATCH, "If-None-Match", &unwanted));
    if (err != ERR_NONE)
        return err;
    if (!wanted.present && call->conf->require_if_match)
        return ERR_PRECONDITION_REQUIRED;
    if (!unwanted.any)
        etag_versions(&wanted, &op->from);
    return ERR_NONE;
}

static void add_version(struct response *response, int64_t version)
{
    char tag[BUF_INT_ROOM + 2] = "\"";
    char *end = buf_put_int(tag + 1, version);

    *end++ = '"';
    response_header_text(response, "ETag", (struct text){tag, (size_t)(end - tag)});
}

/* Answers with the first of the rows and its entity tag, and lets the rows go. */
static enum err answer_task(struct call *call, enum err err, int status, struct task_rows *rows)
{
    struct task task;

    if (err == ERR_NONE) {
        task_rows_get(rows, 0, &task);
        call->response->status = status;
        call->response->content_type = RESPONSE_JSON;
        add_version(call->response, task.version);
        if (status == 201)
            task_links_location(call->match.base, task.id, call->response);
        task_json_write(&call->response->body, &task, call->conf->compat);
    }
    task_rows_fini(rows);
    return err;
}

/* Runs the one change, unless something failed before, and answers with its task. */
static enum err run_op(struct call *call, enum err err, const struct task_op *op, int status)
{
    struct task_rows rows = {0};
    size_t failed;

    if (err == ERR_NONE)
        err = store_task_write(call->store, &call->principal, op, 1, &rows, &failed);
    return answer_task(call, err, status, &rows);
}

enum err task_create(struct call *call)
{
    struct task_op op = {.kind = TASK_OP_CREATE};
    enum err err = read_change(call, TASK_MODE_CREATE, &op.change);

    return run_op(call, err, &op, 201);
}

static enum err change_task(struct call *call, enum task_mode mode)
{
    struct task_op op = {.kind = TASK_OP_UPDATE};
    enum err err = read_target(call, &op);

    if (err == ERR_NONE || err == ERR_INVALID)
        err = err_worse(err, read_change(call, mode, &op.change));
    return run_op(call, err, &op, 200);
}

enum err task_put(struct call *call)
{
    return change_task(call, TASK_MODE_PUT);
}

enum err task_patch(struct call *call)
{
    return change_task(call, TASK_MODE_PATCH);
}

/* No body, or one that does not say: toggles. */
static enum err read_completion(struct call *call, struct task_change *change)
{
    struct text body;
    enum err err = call_body(call, &body);

    if (err == ERR_NONE && body.length > 0)
        err = read_body(call, &body);
    if (err == ERR_NONE && body.length > 0)
        err = parse_change(call, body, TASK_MODE_PATCH, TASK_SET_COMPLETED, change);
    if (!(change->set & TASK_SET_COMPLETED))
        change->set = TASK_TOGGLE_COMPLETED;
    return err;
}

enum err task_complete(struct call *call)
{
    struct task_op op = {.kind = TASK_OP_UPDATE};
    enum err err = read_target(call, &op);

    if (err == ERR_NONE || err == ERR_INVALID)
        err = err_worse(err, read_completion(call, &op.change));
    return run_op(call, err, &op, 200);
}

static void answer_deleted(struct call *call)
{
    response_clear(call->response);
    call->response->status = 204;
    if (call->conf->compat & COMPAT_DELETE_MESSAGE) {
        call->response->status = 200;
        call->response->content_type = RESPONSE_JSON;
        buf_add_string(&call->response->body, "{\"message\":\"Task deleted successfully\"}");
    }
}

enum err task_delete(struct call *call)
{
    struct task_op op = {.kind = TASK_OP_TRASH};
    enum err err = run_op(call, read_target(call, &op), &op, 200);

    if (err == ERR_NONE)
        answer_deleted(call);
    return err;
}

enum err task_restore(struct call *call)
{
    struct task_op op = {.kind = TASK_OP_RESTORE};
    enum err err = run_op(call, read_target(call, &op), &op, 200);

    if (err == ERR_CONFLICT)
        problem_set(call->problem, err, "the task is not in the trash");
    return err;
}

enum err task_get(struct call *call)
{
    struct etag_condition condition;
    struct task_rows rows = {0};
    struct task task = {0};
    char tag[24];
    int64_t id;
    enum err err = read_id(call, &id);

    err = err_worse(err, read_condition(call, HEADER_IF_NONE_MATCH, "If-None-Match", &condition));
    if (err == ERR_NONE)
        err = store_task_get(call->store, call->principal.user, id, &rows);
    if (err == ERR_NONE)
        task_rows_get(&rows, 0, &task);
    err = answer_task(call, err, 200, &rows);
    if (err != ERR_NONE)
        return err;
    snprintf(tag, sizeof tag, "%lld", (long long)task.version);
    if (condition.any || etag_names(&condition, text_of(tag)))
        call_unchanged(call);
    return ERR_NONE;
}

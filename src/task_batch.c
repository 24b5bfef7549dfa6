/* SPDX-License-Identifier: ISC */
/* task_batch.c: several changes in one transaction, all or none. */
#include <config.h>

#include <stdio.h>

#include "call.h"
#include "etag.h"
#include "json_body.h"
#include "prefer.h"
#include "store_task.h"
#include "store_tx.h"
#include "task_handlers.h"
#include "task_json.h"

#define BATCH_MAX 100

/* What "op" may say: whether an "id" goes with it, and which fields. */
static const struct verb {
    const char *name;
    enum task_op_kind kind;
    enum task_mode mode;
    bool has_id;
    unsigned fields;
} verbs[] = {
    {"create", TASK_OP_CREATE, TASK_MODE_CREATE, false, TASK_SET_ALL},
    {"update", TASK_OP_UPDATE, TASK_MODE_PUT, true, TASK_SET_ALL},
    {"complete", TASK_OP_UPDATE, TASK_MODE_PUT, true, TASK_SET_COMPLETED},
    {"delete", TASK_OP_TRASH, TASK_MODE_PUT, true, 0},
    {"restore", TASK_OP_RESTORE, TASK_MODE_PUT, true, 0},
};

static const struct verb *find_verb(const json_t *name)
{
    for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++)
        if (json_is_string(name) &&
            text_equal(text_of(verbs[i].name), text_of(json_string_value(name))))
            return &verbs[i];
    return NULL;
}

/* A member of the operation at `at` that is not as it must be. */
static enum err fault_at(struct call *call, const char *at, const char *member, const char *type,
                         const char *message)
{
    return problem_fault(call->problem, "body", arena_printf(call->arena, "%s%s", at, member), type,
                         "%s", message);
}

/* "if_match": a version, bare or as an entity tag. */
static enum err read_if_match(struct call *call, const json_t *value, const char *at,
                              struct task_versions *from)
{
    struct text text = {json_string_value(value), json_string_length(value)};
    struct etag_condition condition;
    struct problem ignored;

    from->any = true;
    if (!value || json_is_null(value)) {
        if (!call->conf->require_if_match)
            return ERR_NONE;
        fault_at(call, at, "/if_match", "missing", "is required");
        return ERR_PRECONDITION_REQUIRED;
    }
    from->items[0] = json_integer_value(value);
    if (json_is_integer(value) || text_to_int(text, 1, INT64_MAX, &from->items[0])) {
        from->any = false;
        from->count = 1;
        return ERR_NONE;
    }
    problem_init(&ignored, call->arena);
    if (!json_is_string(value) ||
        etag_read(text.data, "if_match", &ignored, &condition) != ERR_NONE)
        return fault_at(call, at, "/if_match", "value_error",
                        "must be a version, or an entity tag such as \"\\\"17\\\"\"");
    etag_versions(&condition, from);
    return ERR_NONE;
}

static enum err read_operation(struct call *call, const json_t *json, const char *at,
                               struct task_op *op)
{
    const struct verb *verb = find_verb(json_object_get(json, "op"));
    const json_t *id = json_object_get(json, "id");
    enum err err = ERR_NONE;

    if (!json_is_object(json))
        return fault_at(call, at, "", "dict_type", "must be an object");
    if (!verb)
        return fault_at(call, at, "/op", "enum",
                        "must be create, update, complete, delete or restore");
    op->kind = verb->kind;
    if (verb->has_id) {
        op->id = json_integer_value(id);
        if (!json_is_integer(id))
            err = fault_at(call, at, "/id", "int_type", "must be a 64-bit integer");
        err = err_worse(err, read_if_match(call, json_object_get(json, "if_match"), at, &op->from));
    }
    err = err_worse(err, task_json_read(json, verb->mode, verb->fields, call->conf->compat, at,
                                        call->problem, &op->change));
    if (verb->fields == TASK_SET_COMPLETED && !op->change.set)
        op->change.set = TASK_TOGGLE_COMPLETED;
    return err;
}

/* All of them, with all their faults. */
static enum err read_operations(struct call *call, const json_t *json, struct task_op *ops,
                                size_t *count)
{
    const json_t *list = json_object_get(json, "operations");
    enum err err = ERR_NONE;

    *count = json_array_size(list);
    if (!json_is_array(list) || *count < 1 || *count > BATCH_MAX)
        return fault_at(call, "/operations", "", "list_type",
                        "must be an array of 1 to 100 operations");
    for (size_t i = 0; i < *count; i++) {
        const char *at = arena_printf(call->arena, "/operations/%zu", i);

        err = err_worse(err, read_operation(call, json_array_get(list, i), at, &ops[i]));
    }
    return err;
}

static enum err read_batch(struct call *call, struct task_op *ops, size_t *count)
{
    struct text body;
    json_t *json = NULL;
    enum err err;

    err = call_expect_json(call, NULL);
    if (err == ERR_NONE)
        err = call_body(call, &body);
    if (err == ERR_NONE)
        err = json_body_parse(body, call->problem, &json);
    if (err == ERR_NONE)
        err = read_operations(call, json, ops, count);
    json_decref(json);
    return err;
}

/* Says which operation it was that failed. */
static enum err blame(struct call *call, enum err err, size_t failed)
{
    const char *at = arena_printf(call->arena, "/operations/%zu", failed);

    switch (err) {
    case ERR_NOT_FOUND:
        fault_at(call, at, "/id", "not_found", "there is no such task");
        break;
    case ERR_PRECONDITION:
        fault_at(call, at, "/if_match", "stale", "the task has been changed in the meantime");
        break;
    case ERR_CONFLICT:
        fault_at(call, at, "/id", "not_in_trash", "the task is not in the trash");
        break;
    default:
        break;
    }
    return err;
}

/* Appends the results and lets their rows go. */
static void write_results(struct call *call, struct task_rows *rows, size_t count)
{
    struct buf *out = &call->response->body;
    struct task task;

    call->response->status = 200;
    call->response->content_type = RESPONSE_JSON;
    buf_add_string(out, "{\"results\":[");
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            buf_add_char(out, ',');
        task_rows_get(&rows[i], 0, &task);
        task_json_write(out, &task, call->conf->compat);
        task_rows_fini(&rows[i]);
    }
    buf_add_string(out, "]}");
}

enum err task_batch(struct call *call)
{
    struct task_op *ops = arena_zero(call->arena, BATCH_MAX, sizeof *ops);
    struct task_rows *rows = arena_zero(call->arena, BATCH_MAX, sizeof *rows);
    size_t count = 0, failed;
    enum err err = read_batch(call, ops, &count);

    if (err != ERR_NONE)
        return err;
    store_keep_open(call->store);
    err = store_task_write(call->store, &call->principal, ops, count, rows, &failed);
    if (err != ERR_NONE)
        return blame(call, err, failed);
    write_results(call, rows, count);
    call->trial = prefer_has(request_header(call->request, HEADER_PREFER), "tx=rollback");
    if (call->trial)
        response_header(call->response, "Preference-Applied", "tx=rollback");
    return ERR_NONE;
}

/* SPDX-License-Identifier: ISC */
/* task_changes.c: delta sync: what has changed since a cursor.
 *
 * A cursor is "EPOCH.SEQ" (task_state.h), or "EPOCH.SEQ.FLOOR" on the way through a first reading;
 * struct task_cursor says what they mean. "0.0" is the cursor of one who has nothing. */
#include <config.h>

#include <string.h>

#include "call.h"
#include "cursor.h"
#include "etag.h"
#include "store_task.h"
#include "task_handlers.h"
#include "task_json.h"
#include "task_state.h"

static bool parse_cursor(struct text text, struct task_cursor *cursor)
{
    const char *dot = memchr(text.data, '.', text.length);
    size_t rest = dot ? text.length - (size_t)(dot + 1 - text.data) : 0;
    const char *second = dot ? memchr(dot + 1, '.', rest) : NULL;
    struct text head = {text.data, second ? (size_t)(second - text.data) : text.length};
    struct task_state state;

    if (!task_state_read(head, &state))
        return false;
    *cursor = (struct task_cursor){state.epoch, state.change_seq, state.change_seq};
    if (second && !text_to_int((struct text){second + 1, text.length - head.length - 1},
                               cursor->seq, INT64_MAX, &cursor->floor))
        return false;
    return cursor->epoch > 0 || (cursor->epoch == 0 && cursor->floor == 0);
}

/* *since is NULL when there is none. */
static enum err read_since(struct call *call, struct task_cursor *room,
                           const struct task_cursor **since)
{
    const char *value = request_param(call->request, "since");

    *since = value ? room : NULL;
    if (!value || parse_cursor(text_of(value), room))
        return ERR_NONE;
    return problem_fault(call->problem, "query", "since", "value_error",
                         "must be a cursor, as \"next\" gave it");
}

static enum err read_limit(struct call *call, int64_t *limit)
{
    const char *value = request_param(call->request, "limit");

    *limit = TASK_LIMIT_MAX;
    if (!value || text_to_int(text_of(value), 1, TASK_LIMIT_MAX, limit))
        return ERR_NONE;
    return problem_fault(call->problem, "query", "limit", "int_parsing",
                         "must be a whole number from 1 to %d", TASK_LIMIT_MAX);
}

static void write_change(struct call *call, const struct task_rows *rows, int index)
{
    struct buf *out = &call->response->body;
    struct task task;

    task_rows_get(rows, index, &task);
    if (task_rows_is_trashed(rows, index))
        buf_printf(out, "{\"id\":%lld,\"deleted\":true,\"version\":%lld}", (long long)task.id,
                   (long long)task.version);
    else
        task_json_write(out, &task, call->conf->compat);
}

/* A whole page ends at its last version; one that is not has all up to the counter. */
static void write_next(struct buf *out, const struct task_cursor *since,
                       const struct task_state *state, const struct task_rows *rows, int count)
{
    int64_t floor = since && since->epoch != 0 ? since->floor : state->change_seq;
    struct task_state next = *state;
    struct task task;
    char *end;

    if (count < rows->count) {
        task_rows_get(rows, count - 1, &task);
        next.change_seq = task.version;
    }
    end = task_state_put(buf_reserve(out, TASK_STATE_ROOM), &next);
    out->length = (size_t)(end - out->data);
    if (floor > next.change_seq)
        buf_printf(out, ".%lld", (long long)floor);
}

static void write_page(struct call *call, const struct task_cursor *since,
                       const struct task_state *state, const struct task_rows *rows, int64_t limit)
{
    struct buf *out = &call->response->body;
    bool more = rows->count > limit;
    int count = more ? (int)limit : rows->count;

    buf_add_string(out, "{\"changes\":[");
    for (int i = 0; i < count; i++) {
        if (i > 0)
            buf_add_char(out, ',');
        write_change(call, rows, i);
    }
    buf_add_string(out, "],\"next\":\"");
    write_next(out, since, state, rows, count);
    buf_printf(out, "\",\"more\":%s}", more ? "true" : "false");
}

/* The page, or a 304 when it is known. */
static void answer(struct call *call, const struct etag_condition *condition,
                   const struct task_cursor *since, const struct task_state *state,
                   const struct task_rows *rows, int64_t limit)
{
    struct text shape = cursor_seal_shape(call->seal);
    struct task_state seen;

    call->response->status = 200;
    call->response->content_type = RESPONSE_JSON;
    task_state_tag(call->response, state, shape);
    if (task_state_is_known(condition, task_state_seen(condition, shape, &seen), state))
        call_unchanged(call);
    else
        write_page(call, since, state, rows, limit);
}

enum err task_changes(struct call *call)
{
    struct etag_condition condition;
    struct task_cursor room;
    const struct task_cursor *since;
    struct task_state state;
    struct task_rows rows = {0};
    int64_t limit;
    enum err err = read_since(call, &room, &since);
    enum err fault = read_limit(call, &limit);

    if (err != ERR_NONE || fault != ERR_NONE)
        return ERR_INVALID;
    err = etag_read(request_header_sent(call->request, HEADER_IF_NONE_MATCH), "If-None-Match",
                    call->problem, &condition);
    if (err != ERR_NONE)
        return err;
    err = store_task_changes(call->store, call->principal.user, since, limit, &state, &rows);
    if (err == ERR_NONE)
        answer(call, &condition, since, &state, &rows, limit);
    else if (err == ERR_GONE)
        problem_set(call->problem, err, "this cursor is too old; start again without since");
    task_rows_fini(&rows);
    return err;
}

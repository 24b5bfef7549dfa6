/* SPDX-License-Identifier: ISC */
/* task_list.c: the routes that read many tasks: a page of a list with the links to its neighbours,
 * and the tags. Both carry the state of all tasks as their entity tag. */
#include <config.h>

#include "call.h"
#include "cursor.h"
#include "etag.h"
#include "prefer.h"
#include "store_task.h"
#include "task_handlers.h"
#include "task_json.h"
#include "task_links.h"
#include "task_query.h"
#include "task_state.h"

#define COUNT_EXACT "count=exact" /* RFC 7240, as PostgREST has it */

/* What is shown of the rows that were read. */
struct page {
    const struct task_query *query;
    const struct task_rows *rows;
    int count;
    bool more; /* on the way that the query went */
};

/* The task at `index` of the page; on the way back the rows were read in reverse. */
static void page_task(const struct page *page, int index, struct task *task)
{
    task_rows_get(page->rows, page->query->from.backward ? page->count - 1 - index : index, task);
}

/* A cursor to what comes behind the page, or before it. Beside an empty page is all there is. */
static const char *cursor_beyond(struct call *call, const struct page *page, bool backward)
{
    struct task_place place = page->query->from;
    struct task task;

    place.backward = backward;
    place.at_row = page->count > 0;
    if (place.at_row) {
        page_task(page, backward ? 0 : page->count - 1, &task);
        task_place_at(&place, &task);
    }
    return cursor_write(call->seal, call->arena, call->principal.user, &place);
}

/* To the beginning: the URL without a cursor, unless that would be in another order. */
static const char *cursor_first(struct call *call, const struct task_query *query)
{
    struct task_place place = {.sort = query->from.sort, .descending = query->from.descending};

    if (!query->order_is_implied)
        return NULL;
    return cursor_write(call->seal, call->arena, call->principal.user, &place);
}

static void add_links(struct call *call, const struct page *page)
{
    const struct task_place *from = &page->query->from;
    bool later = from->backward ? from->at_row : page->more;
    bool earlier = from->backward ? page->more : from->at_row || page->query->offset > 0;
    struct task_link links[3];
    size_t count = 0;

    if (later)
        links[count++] = (struct task_link){"next", cursor_beyond(call, page, false)};
    if (earlier) {
        links[count++] = (struct task_link){"prev", cursor_beyond(call, page, true)};
        links[count++] = (struct task_link){"first", cursor_first(call, page->query)};
    }
    task_links_add(call->request, links, count, call->response);
}

static void write_tasks(struct call *call, const struct page *page)
{
    struct buf *out = &call->response->body;
    struct task task;

    buf_add_char(out, '[');
    for (int i = 0; i < page->count; i++) {
        if (i > 0)
            buf_add_char(out, ',');
        page_task(page, i, &task);
        task_json_write(out, &task, call->conf->compat);
    }
    buf_add_char(out, ']');
}

static void write_list(struct call *call, const struct page *page)
{
    struct buf *out = &call->response->body;
    bool object = call->conf->compat & COMPAT_LIST_OBJECT;

    if (object)
        buf_add_string(out, "{\"tasks\":");
    write_tasks(call, page);
    if (object)
        buf_printf(out, ",\"total\":%lld}", (long long)page->rows->total);
}

static bool prefers_count(const struct call *call)
{
    return prefer_has(request_header(call->request, HEADER_PREFER), COUNT_EXACT);
}

static void answer_list(struct call *call, const struct task_query *query,
                        const struct task_rows *rows)
{
    bool more = rows->count > query->limit;
    struct page page = {query, rows, more ? (int)query->limit : rows->count, more};

    add_links(call, &page);
    if (prefers_count(call)) {
        response_header(call->response, "X-Total-Count", "%lld", (long long)rows->total);
        response_header(call->response, "Preference-Applied", COUNT_EXACT);
    }
    write_list(call, &page);
}

static void answer_tags(struct call *call, const struct task_rows *rows)
{
    struct buf *out = &call->response->body;
    struct task_tag tag;

    buf_add_char(out, '[');
    for (int i = 0; i < rows->count; i++) {
        task_rows_tag(rows, i, &tag);
        buf_add_string(out, i > 0 ? ",{\"name\":" : "{\"name\":");
        buf_add_json(out, tag.name);
        buf_printf(out, ",\"count\":%lld}", (long long)tag.count);
    }
    buf_add_char(out, ']');
}

/* What a client has seen of the tasks, from If-None-Match. */
struct known {
    struct etag_condition condition;
    struct task_state room;
    const struct task_state *seen; /* NULL: nothing */
};

static enum err read_known(struct call *call, struct known *known)
{
    enum err err = etag_read(request_header_sent(call->request, HEADER_IF_NONE_MATCH),
                             "If-None-Match", call->problem, &known->condition);

    if (err == ERR_NONE)
        known->seen =
            task_state_seen(&known->condition, cursor_seal_shape(call->seal), &known->room);
    return err;
}

/* Begins a 200, or answers with a 304 and gives false when there is nothing new. */
static bool begin_answer(struct call *call, const struct known *known,
                         const struct task_state *state)
{
    call->response->status = 200;
    call->response->content_type = RESPONSE_JSON;
    task_state_tag(call->response, state, cursor_seal_shape(call->seal));
    if (!task_state_is_known(&known->condition, known->seen, state))
        return true;
    call_unchanged(call);
    return false;
}

enum err task_list(struct call *call)
{
    struct task_query query;
    struct known known;
    struct task_state state;
    struct task_rows rows;
    enum err err =
        task_query_read(call->request, call->seal, call->principal.user, call->problem, &query);

    err = err_worse(err, read_known(call, &known));
    if (err != ERR_NONE)
        return err;
    query.count_all = call->conf->compat & COMPAT_LIST_OBJECT || prefers_count(call);
    response_header(call->response, "Vary", "Prefer"); /* for count=exact, asked or not */
    err = store_task_list(call->store, call->principal.user, &query, known.seen, &state, &rows);
    if (err == ERR_NONE && begin_answer(call, &known, &state))
        answer_list(call, &query, &rows);
    task_rows_fini(&rows);
    return err;
}

enum err task_tags(struct call *call)
{
    struct known known;
    struct task_state state;
    struct task_rows rows;
    enum err err = read_known(call, &known);

    if (err != ERR_NONE)
        return err;
    err = store_task_tags(call->store, call->principal.user, known.seen, &state, &rows);
    if (err == ERR_NONE && begin_answer(call, &known, &state))
        answer_tags(call, &rows);
    task_rows_fini(&rows);
    return err;
}

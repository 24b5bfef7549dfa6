/* SPDX-License-Identifier: ISC */
/* store_list.c: lists of tasks, and their tags. A question's shape (which conditions, which order,
 * from where) picks the statement; its values are parameters. Shapes are prepared like any other
 * statement. */
#include <config.h>

#include <string.h>

#include "buf.h"
#include "store_internal.h"
#include "store_task.h"

/* A list comes in two forms. Bare, it reads tasks alone, and a statement before it the state: what
 * is written between the two makes the state older than the list, and so harmless. Framed, the
 * users row stands around it: one snapshot, in which a state that was seen already keeps the tasks
 * from being read, and all can be counted; that costs the database a third more. */
struct list {
    const struct task_query *query;
    bool framed;
};

/* Parameters: $1 user; in a frame $2 and $3, the state already seen; then limit and offset. */
static int limit_param(const struct list *list)
{
    return list->framed ? 4 : 2;
}

/* Conditions in the order of enum task_filter; '?' stands for the condition's parameter. */
static const char *const filters[] = {
    "k.completed = ?",
    "k.completed = ?",
    "k.priority::text = ANY (?::text[])",
    "k.tags && ?::text[]",
    "(k.title ILIKE ? OR k.description ILIKE ?)",
    "k.due_date >= ?",
    "k.due_date <= ?",
    "k.updated_at >= ?",
};
#define FILTER_COUNT (sizeof filters / sizeof *filters)

/* What a sort compares before the id, which makes every order total. A task without a due date has
 * one at the end of all time in an ascending order, and before it in a descending one, so that it
 * comes last in both and is a key like any other. Texts compare by code point, so that an order
 * does not depend on how the database was made. */
static const struct sort {
    const char *ascending, *descending, *type;
    enum { KEY_NONE, KEY_NUMBER, KEY_TRUTH, KEY_TEXT } key; /* where struct task_place has it */
} sorts[TASK_SORT_COUNT] = {
    [TASK_SORT_CREATED] = {NULL, NULL, NULL, KEY_NONE},
    [TASK_SORT_UPDATED] = {"k.updated_at", "k.updated_at", "timestamptz", KEY_NUMBER},
    [TASK_SORT_TITLE] = {"k.title COLLATE \"C\"", "k.title COLLATE \"C\"", "text", KEY_TEXT},
    [TASK_SORT_DUE_DATE] = {"coalesce(k.due_date, 'infinity')", "coalesce(k.due_date, '-infinity')",
                            "timestamptz", KEY_NUMBER},
    [TASK_SORT_PRIORITY] = {"k.priority", "k.priority", "todo.priority", KEY_TEXT},
    [TASK_SORT_COMPLETED] = {"k.completed", "k.completed", "boolean", KEY_TRUTH},
};

/* PostgreSQL's infinite instants on the wire. */
#define TIME_INFINITY INT64_MAX
#define TIME_MINUS_INFINITY INT64_MIN

void task_place_at(struct task_place *place, const struct task *task)
{
    int64_t no_date = place->descending ? TIME_MINUS_INFINITY : TIME_INFINITY;

    place->at_row = true;
    place->id = task->id;
    place->number = 0;
    place->text = TEXT_NULL;
    switch (place->sort) {
    case TASK_SORT_UPDATED:
        place->number = task->updated_at;
        break;
    case TASK_SORT_TITLE:
        place->text = task->title;
        break;
    case TASK_SORT_DUE_DATE:
        place->number = task->due_date == TIMESTAMP_NULL ? no_date : task->due_date;
        break;
    case TASK_SORT_PRIORITY:
        place->text = task->priority;
        break;
    case TASK_SORT_COMPLETED:
        place->number = task->completed;
        break;
    case TASK_SORT_CREATED:
    case TASK_SORT_COUNT:
        break;
    }
}

/* The shape as a statement's key. */
static unsigned shape_key(const struct list *list)
{
    const struct task_query *query = list->query;
    const struct task_place *from = &query->from;
    unsigned shape = query->filters;

    shape = shape * TASK_SORT_COUNT + from->sort;
    shape = shape * 2 + from->descending;
    shape = shape * 2 + from->backward;
    shape = shape * 2 + from->at_row;
    shape = shape * 2 + query->trash;
    shape = shape * 2 + query->count_all;
    shape = shape * 2 + list->framed;
    return STATEMENT_LIST + shape;
}

_Static_assert(STATEMENT_LIST + (1u << FILTER_COUNT) * TASK_SORT_COUNT * 64 <= STATEMENT_KEYS,
               "every shape of a list has a key");

static void write_filter(const char *filter, int param, struct buf *sql)
{
    buf_add_string(sql, " AND ");
    for (; *filter; filter++)
        if (*filter == '?')
            buf_printf(sql, "$%d", param);
        else
            buf_add_char(sql, *filter);
}

/* Which rows; whether the state was seen already is decided once, before any of them is read. Gives
 * the number of the next parameter. */
static int write_conditions(const struct list *list, struct buf *sql)
{
    const struct task_query *query = list->query;
    int param = limit_param(list) + 2;

    buf_printf(sql, "FROM todo.tasks k WHERE k.user_id = $1 AND k.deleted_at IS %s",
               query->trash ? "NOT NULL" : "NULL");
    if (list->framed)
        buf_add_string(sql, " AND (u.epoch IS DISTINCT FROM $2::bigint "
                            "OR u.change_seq IS DISTINCT FROM $3::bigint)");
    for (size_t i = 0; i < FILTER_COUNT; i++)
        if (query->filters & 1u << i)
            write_filter(filters[i], param++, sql);
    return param;
}

/* From where, and in which order. */
static void write_order(const struct task_place *from, int param, struct buf *sql)
{
    const struct sort *sort = &sorts[from->sort];
    const char *key = from->descending ? sort->descending : sort->ascending;
    bool down = from->descending != from->backward;
    const char *direction = down ? " DESC" : "";

    if (from->at_row && key)
        buf_printf(sql, " AND (%s, k.id) %c ($%d::%s, $%d::bigint)", key, down ? '<' : '>', param,
                   sort->type, param + 1);
    else if (from->at_row)
        buf_printf(sql, " AND k.id %c $%d::bigint", down ? '<' : '>', param);
    buf_add_string(sql, " ORDER BY ");
    if (key)
        buf_printf(sql, "%s%s, ", key, direction);
    buf_printf(sql, "k.id%s", direction);
}

/* What stands before the list's own FROM. All are counted once, on the users row. */
static void write_head(const struct list *list, struct buf *sql)
{
    bool count_all = list->query->count_all;

    if (count_all) {
        buf_add_string(sql, "WITH u AS MATERIALIZED (SELECT u.*, (SELECT count(*) ");
        write_conditions(list, sql);
        buf_add_string(sql, ") AS total FROM todo.users u WHERE u.id = $1) ");
    }
    buf_add_string(sql, "SELECT " TASK_COLUMNS);
    if (list->framed)
        buf_printf(sql, "u.epoch, u.change_seq%s LEFT JOIN LATERAL (SELECT * ",
                   count_all ? ", u.total FROM u" : " FROM todo.users u");
    else
        sql->data[sql->length - strlen(", ")] = ' ';
}

/* The users row is outside, so that the answer has the list's state even when no task fits; with
 * one row there and nothing to hash on, only a nested loop can join, which keeps the order. */
static const char *compose(struct arena *arena, const void *question)
{
    const struct list *list = question;
    int limit = limit_param(list);
    const char *text;
    struct buf sql;

    buf_init(&sql);
    write_head(list, &sql);
    write_order(&list->query->from, write_conditions(list, &sql), &sql);
    buf_printf(&sql, " LIMIT $%d::bigint OFFSET $%d::bigint", limit, limit + 1);
    if (list->framed)
        buf_add_string(&sql, ") k ON true WHERE u.id = $1");
    text = arena_text(arena, buf_text(&sql));
    buf_fini(&sql);
    return text;
}

/* ILIKE's pattern for "contains": the pattern characters of `needle` stand for themselves. */
static struct text like_pattern(struct arena *arena, struct text needle)
{
    char *pattern = arena_alloc(arena, needle.length * 2 + 2);
    char *out = pattern;

    *out++ = '%';
    for (size_t i = 0; i < needle.length; i++) {
        if (strchr("%_\\", needle.data[i]))
            *out++ = '\\';
        *out++ = needle.data[i];
    }
    *out++ = '%';
    return (struct text){pattern, (size_t)(out - pattern)};
}

static void add_filters(struct store *store, const struct task_query *query, struct step *step)
{
    if (query->filters & TASK_FILTER_STATUS)
        step_bool(step, query->status);
    if (query->filters & TASK_FILTER_COMPLETED)
        step_bool(step, query->completed);
    if (query->filters & TASK_FILTER_PRIORITY)
        step_texts(step, &store->arena, query->priorities.items, query->priorities.count);
    if (query->filters & TASK_FILTER_TAG)
        step_texts(step, &store->arena, query->tags.items, query->tags.count);
    if (query->filters & TASK_FILTER_SEARCH)
        step_text(step, like_pattern(&store->arena, query->search));
    if (query->filters & TASK_FILTER_DUE_FROM)
        step_time(step, query->due_from);
    if (query->filters & TASK_FILTER_DUE_TO)
        step_time(step, query->due_to);
    if (query->filters & TASK_FILTER_UPDATED_SINCE)
        step_time(step, query->updated_since);
}

static void add_key(const struct task_place *from, struct step *step)
{
    switch (sorts[from->sort].key) {
    case KEY_NUMBER:
        step_int(step, from->number);
        break;
    case KEY_TRUTH:
        step_bool(step, from->number != 0);
        break;
    case KEY_TEXT:
        step_text(step, from->text);
        break;
    case KEY_NONE:
        break;
    }
    step_int(step, from->id);
}

/* No state has an epoch of -1. */
static void add_seen(struct step *step, const struct task_state *seen)
{
    step_int(step, seen ? seen->epoch : -1);
    step_int(step, seen ? seen->change_seq : -1);
}

/* `column` is the state's first. No row at all: the user has none, so nothing was ever written. */
static void take_state(const PGresult *result, int column, struct task_state *state)
{
    *state = (struct task_state){0};
    if (PQntuples(result) == 0)
        return;
    state->epoch = result_int(result, 0, column);
    state->change_seq = result_int(result, 0, column + 1);
}

/* The same of rows in a frame. */
static void take_rows(struct step *step, int column, struct task_state *state,
                      struct task_rows *rows)
{
    take_state(step->result, column, state);
    rows->count = PQntuples(step->result);
    if (rows->count == 0)
        return;
    if (column + 2 < PQnfields(step->result))
        rows->total = result_int(step->result, 0, column + 2);
    if (result_is_null(step->result, 0, 0))
        rows->count = 0; /* the users row alone */
    rows->result = step_result_steal(step);
}

static enum err read_rows(struct store *store, struct text user, struct step *step, int column,
                          struct task_state *state, struct task_rows *rows)
{
    enum err err = store_read(store, user, step);

    *state = (struct task_state){0};
    *rows = (struct task_rows){.user = user};
    if (err == ERR_NONE)
        take_rows(step, column, state, rows);
    step_fini(step);
    return err;
}

/* Reads a bare list, and the state before it. */
static enum err read_bare(struct store *store, struct text user, struct step *step,
                          struct task_state *state, struct task_rows *rows)
{
    struct step before;
    enum err err;

    step_init(&before, store_statement(SQL_STATE));
    step_text(&before, user);
    step->before = &before;
    err = store_read(store, user, step);
    *state = (struct task_state){0};
    *rows = (struct task_rows){.user = user};
    if (err == ERR_NONE) {
        take_state(before.result, 0, state);
        rows->count = PQntuples(step->result);
        rows->result = step_result_steal(step);
    }
    step_fini_reading(step);
    return err;
}

enum err store_task_list(struct store *store, struct text user, const struct task_query *query,
                         const struct task_state *seen, struct task_state *state,
                         struct task_rows *rows)
{
    const struct list list = {query, seen || query->count_all};
    struct step step;

    step_init(&step, (struct statement){shape_key(&list), NULL, compose, &list});
    step_text(&step, user);
    if (list.framed)
        add_seen(&step, seen);
    step_int(&step, query->limit + 1);
    step_int(&step, query->offset);
    add_filters(store, query, &step);
    if (query->from.at_row)
        add_key(&query->from, &step);
    return list.framed ? read_rows(store, user, &step, TASK_COLUMN_COUNT, state, rows)
                       : read_bare(store, user, &step, state, rows);
}

enum err store_task_tags(struct store *store, struct text user, const struct task_state *seen,
                         struct task_state *state, struct task_rows *rows)
{
    struct step step;

    step_init(&step, store_statement(SQL_TASK_TAGS));
    step_text(&step, user);
    add_seen(&step, seen);
    return read_rows(store, user, &step, 2, state, rows);
}

void task_rows_tag(const struct task_rows *rows, int index, struct task_tag *tag)
{
    tag->name = result_text(rows->result, index, 0);
    tag->count = result_int(rows->result, index, 1);
}

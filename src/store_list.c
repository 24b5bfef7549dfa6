/* SPDX-License-Identifier: ISC */
/* store_list.c: lists of tasks. A question's shape (which conditions, which order) picks the
 * statement; its values are parameters. Shapes are prepared like any other statement. */
#include <config.h>

#include <string.h>

#include "buf.h"
#include "store_internal.h"
#include "store_task.h"

/* Parameters of every list: $1 user, $2 and $3 the state already seen, $4 limit, $5 offset. */
#define FIRST_FILTER_PARAM 6

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

/* ORDER BY, ascending and descending; every order is total, as ties break by id. Texts compare by
 * code point, so that an order does not depend on how the database was made. */
static const char *const orders[TASK_SORT_COUNT][2] = {
    [TASK_SORT_CREATED] = {"k.id", "k.id DESC"},
    [TASK_SORT_UPDATED] = {"k.updated_at, k.id", "k.updated_at DESC, k.id DESC"},
    [TASK_SORT_TITLE] = {"k.title COLLATE \"C\", k.id", "k.title COLLATE \"C\" DESC, k.id DESC"},
    [TASK_SORT_DUE_DATE] = {"k.due_date, k.id", "k.due_date DESC NULLS LAST, k.id DESC"},
    [TASK_SORT_PRIORITY] = {"k.priority, k.id", "k.priority DESC, k.id DESC"},
    [TASK_SORT_COMPLETED] = {"k.completed, k.id", "k.completed DESC, k.id DESC"},
};

/* The shape as a statement's key: conditions, order, direction, trash. */
static unsigned shape_key(const struct task_query *query)
{
    unsigned shape = query->filters;

    shape = shape * TASK_SORT_COUNT + query->sort;
    shape = shape * 2 + query->descending;
    shape = shape * 2 + query->trash;
    return STATEMENT_LIST + shape;
}

_Static_assert(STATEMENT_LIST + (1u << FILTER_COUNT) * TASK_SORT_COUNT * 4 <= STATEMENT_KEYS,
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

/* The users row is outside, so that the answer has the list's state even when no task fits; with
 * one row there and nothing to hash on, only a nested loop can join, which keeps the order. Whether
 * the state was seen already is decided once, before any task is read. */
static void write_sql(const struct task_query *query, struct buf *sql)
{
    int param = FIRST_FILTER_PARAM;

    buf_printf(
        sql,
        "SELECT " TASK_COLUMNS "u.epoch, u.change_seq FROM todo.users u LEFT JOIN LATERAL ("
        "SELECT * FROM todo.tasks k WHERE k.user_id = $1 AND k.deleted_at IS %s "
        "AND (u.epoch IS DISTINCT FROM $2::bigint OR u.change_seq IS DISTINCT FROM $3::bigint)",
        query->trash ? "NOT NULL" : "NULL");
    for (size_t i = 0; i < FILTER_COUNT; i++)
        if (query->filters & 1u << i)
            write_filter(filters[i], param++, sql);
    buf_printf(sql, " ORDER BY %s LIMIT $4::bigint OFFSET $5::bigint) k ON true WHERE u.id = $1",
               orders[query->sort][query->descending]);
    buf_add_char(sql, '\0');
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

/* The values, in the order in which write_sql numbers them. */
static void add_values(struct store *store, struct text user, const struct task_query *query,
                       const struct task_state *seen, struct step *step)
{
    step_text(step, user);
    step_int(step, seen ? seen->epoch : -1);
    step_int(step, seen ? seen->change_seq : -1);
    step_int(step, query->limit + 1);
    step_int(step, query->offset);
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

static void take_rows(struct step *step, struct task_state *state, struct task_rows *rows)
{
    rows->count = PQntuples(step->result);
    if (rows->count == 0)
        return; /* no users row: nothing was ever written */
    state->epoch = result_int(step->result, 0, TASK_COLUMN_COUNT);
    state->change_seq = result_int(step->result, 0, TASK_COLUMN_COUNT + 1);
    if (result_is_null(step->result, 0, 0))
        rows->count = 0; /* the users row alone */
    rows->result = step_result_steal(step);
}

enum err store_task_list(struct store *store, struct text user, const struct task_query *query,
                         const struct task_state *seen, struct task_state *state,
                         struct task_rows *rows)
{
    struct buf sql;
    struct step step;
    enum err err;

    *state = (struct task_state){0};
    *rows = (struct task_rows){0};
    buf_init(&sql);
    write_sql(query, &sql);
    step_init(&step, (struct statement){shape_key(query), sql.data});
    add_values(store, user, query, seen, &step);
    err = store_read(store, user, &step);
    if (err == ERR_NONE)
        take_rows(&step, state, rows);
    step_fini(&step);
    buf_fini(&sql);
    return err;
}

/* SPDX-License-Identifier: ISC */
/* task_query.c: one table of parameters with their aliases, one reader each. */
#include <config.h>

#include <string.h>

#include "task_json.h"
#include "task_query.h"

#define OFFSET_MAX INT64_C(1000000000)

/* A parameter that is being read. */
struct reading {
    const char *name; /* as the client spelt it */
    struct text value;
    struct problem *problem;
    struct task_query *query;
    bool has_sort, has_order;
    bool reversed;
    bool has_position; /* offset or page */
    int64_t page;      /* 0: none */
    struct text cursor;
};

static enum err must_be(struct reading *reading, const char *type, const char *wanted)
{
    return problem_fault(reading->problem, "query", reading->name, type, "must be %s", wanted);
}

/* The place of `value` in a list of words; -1 if it is none of them. */
static int find_word(struct text value, const char *const *words, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (text_equal(value, text_of(words[i])))
            return (int)i;
    return -1;
}
#define FIND_WORD(value, words) find_word(value, words, sizeof(words) / sizeof *(words))

static enum err read_status(struct reading *reading)
{
    static const char *const words[] = {"pending", "completed", "active", "all"};
    int word = FIND_WORD(reading->value, words);

    if (word < 0)
        return must_be(reading, "enum", "all, pending, active or completed");
    if (word == 3)
        return ERR_NONE;
    reading->query->filters |= TASK_FILTER_STATUS;
    reading->query->status = word == 1;
    return ERR_NONE;
}

static enum err read_boolean(struct reading *reading, bool *value)
{
    static const char *const words[] = {"false", "true"};
    int word = FIND_WORD(reading->value, words);

    if (word < 0)
        return must_be(reading, "bool_parsing", "true or false");
    *value = word == 1;
    return ERR_NONE;
}

static enum err read_completed(struct reading *reading)
{
    reading->query->filters |= TASK_FILTER_COMPLETED;
    return read_boolean(reading, &reading->query->completed);
}

static enum err read_trash(struct reading *reading)
{
    return read_boolean(reading, &reading->query->trash);
}

/* Cuts at commas and adds the pieces. False: an empty one, or more than a texts can hold. */
static bool split(struct text value, struct texts *items)
{
    for (;;) {
        const char *comma = memchr(value.data, ',', value.length);
        size_t length = comma ? (size_t)(comma - value.data) : value.length;

        if (length == 0 || items->count == TASK_TAGS_MAX)
            return false;
        items->items[items->count++] = (struct text){value.data, length};
        if (!comma)
            return true;
        value = (struct text){comma + 1, value.length - length - 1};
    }
}

static enum err read_priority(struct reading *reading)
{
    struct texts *priorities = &reading->query->priorities;
    size_t first = priorities->count;
    bool good = split(reading->value, priorities);

    for (size_t i = first; good && i < priorities->count; i++) {
        priorities->items[i] = task_priority(priorities->items[i]);
        good = priorities->items[i].data != NULL;
    }
    if (!good)
        return must_be(reading, "enum", "low, medium, high, critical, or several with commas");
    reading->query->filters |= TASK_FILTER_PRIORITY;
    return ERR_NONE;
}

static enum err read_tag(struct reading *reading)
{
    if (!split(reading->value, &reading->query->tags))
        return must_be(reading, "value_error", "1 to 10 tags with commas between them");
    reading->query->filters |= TASK_FILTER_TAG;
    return ERR_NONE;
}

static enum err read_search(struct reading *reading)
{
    reading->query->search = reading->value;
    if (reading->value.length > 0)
        reading->query->filters |= TASK_FILTER_SEARCH;
    return ERR_NONE;
}

static enum err read_bound(struct reading *reading, unsigned filter, int64_t *bound)
{
    if (!timestamp_parse(reading->value, bound))
        return must_be(reading, "datetime_parsing",
                       "a date or a date-time such as 2026-01-16T06:44:39Z");
    reading->query->filters |= filter;
    return ERR_NONE;
}

static enum err read_due_from(struct reading *reading)
{
    return read_bound(reading, TASK_FILTER_DUE_FROM, &reading->query->due_from);
}

static enum err read_due_to(struct reading *reading)
{
    return read_bound(reading, TASK_FILTER_DUE_TO, &reading->query->due_to);
}

static enum err read_updated_since(struct reading *reading)
{
    return read_bound(reading, TASK_FILTER_UPDATED_SINCE, &reading->query->updated_since);
}

static enum err read_sort(struct reading *reading)
{
    static const char *const words[TASK_SORT_COUNT] = {
        [TASK_SORT_CREATED] = "created",   [TASK_SORT_UPDATED] = "updated",
        [TASK_SORT_TITLE] = "title",       [TASK_SORT_DUE_DATE] = "due_date",
        [TASK_SORT_PRIORITY] = "priority", [TASK_SORT_COMPLETED] = "completed",
    };
    struct text value = reading->value;
    int word;

    reading->reversed = value.length > 0 && value.data[0] == '-';
    if (reading->reversed)
        value = (struct text){value.data + 1, value.length - 1};
    word = FIND_WORD(value, words);
    if (word < 0)
        return must_be(reading, "enum",
                       "created, updated, title, due_date, priority or completed, or one of "
                       "them behind a '-'");
    reading->has_sort = true;
    reading->query->from.sort = (enum task_sort)word;
    return ERR_NONE;
}

static enum err read_order(struct reading *reading)
{
    static const char *const words[] = {"asc", "desc"};
    int word = FIND_WORD(reading->value, words);

    if (word < 0)
        return must_be(reading, "enum", "asc or desc");
    reading->has_order = true;
    reading->query->from.descending = word == 1;
    return ERR_NONE;
}

static enum err read_integer(struct reading *reading, int64_t minimum, int64_t maximum,
                             int64_t *value)
{
    if (text_to_int(reading->value, minimum, maximum, value))
        return ERR_NONE;
    return problem_fault(reading->problem, "query", reading->name, "int_parsing",
                         "must be a whole number from %lld to %lld", (long long)minimum,
                         (long long)maximum);
}

static enum err read_limit(struct reading *reading)
{
    return read_integer(reading, 1, TASK_LIMIT_MAX, &reading->query->limit);
}

static enum err read_offset(struct reading *reading)
{
    reading->has_position = true;
    return read_integer(reading, 0, OFFSET_MAX, &reading->query->offset);
}

static enum err read_page(struct reading *reading)
{
    reading->has_position = true;
    return read_integer(reading, 1, OFFSET_MAX, &reading->page);
}

static enum err read_cursor(struct reading *reading)
{
    reading->cursor = reading->value;
    return ERR_NONE;
}

#define NAMES_MAX 4 /* with the NULL behind them */

enum trait {
    ONCE = 0,         /* of several the last one counts */
    REPEATS = 1 << 0, /* several add up */
    POSITION = 1 << 1 /* says where the page begins */
};

static const struct parameter {
    const char *names[NAMES_MAX]; /* the name, then its aliases */
    enum err (*read)(struct reading *reading);
    unsigned traits;
} parameters[] = {
    {{"status", "status_filter"}, read_status, ONCE},
    {{"completed"}, read_completed, ONCE},
    {{"priority"}, read_priority, REPEATS},
    {{"tag"}, read_tag, REPEATS},
    {{"search", "q", "search_query"}, read_search, ONCE},
    {{"due_from", "due_date_from"}, read_due_from, ONCE},
    {{"due_to", "due_date_to"}, read_due_to, ONCE},
    {{"updated_since"}, read_updated_since, ONCE},
    {{"sort", "sort_by"}, read_sort, ONCE},
    {{"order", "sort_order"}, read_order, ONCE},
    {{"limit", "page_size"}, read_limit, ONCE},
    {{"offset", "skip"}, read_offset, POSITION},
    {{"page"}, read_page, POSITION},
    {{"cursor"}, read_cursor, POSITION},
    {{"trash"}, read_trash, ONCE},
};
#define PARAMETER_COUNT (sizeof parameters / sizeof *parameters)

const char *const *task_query_names(size_t index)
{
    return index < PARAMETER_COUNT ? parameters[index].names : NULL;
}

bool task_query_is_position(const char *name)
{
    for (size_t i = 0; i < PARAMETER_COUNT; i++)
        for (size_t j = 0; j < NAMES_MAX && parameters[i].names[j]; j++)
            if (name[0] == parameters[i].names[j][0] && strcmp(name, parameters[i].names[j]) == 0)
                return parameters[i].traits & POSITION;
    return false;
}

static enum err read_value(const struct parameter *parameter, const char *value,
                           struct reading *reading)
{
    reading->value = text_of(value);
    return parameter->read(reading);
}

static enum err read_each(const struct request *request, const struct parameter *parameter,
                          struct reading *reading)
{
    enum err err = ERR_NONE;

    for (size_t i = 0; i < request->param_count && err == ERR_NONE; i++)
        if (strcmp(request->params[i].name, reading->name) == 0)
            err = read_value(parameter, request->params[i].value, reading);
    return err;
}

/* The parameter under the first of its names that the request has. */
static enum err read_parameter(const struct request *request, const struct parameter *parameter,
                               struct reading *reading)
{
    for (size_t i = 0; i < NAMES_MAX && parameter->names[i]; i++) {
        const char *value = request_param(request, parameter->names[i]);

        if (!value)
            continue;
        reading->name = parameter->names[i];
        return parameter->traits & REPEATS ? read_each(request, parameter, reading)
                                           : read_value(parameter, value, reading);
    }
    return ERR_NONE;
}

/* The newest, the last changed and the most urgent come first; else from the beginning. */
static bool descends_by_default(enum task_sort sort)
{
    return sort == TASK_SORT_CREATED || sort == TASK_SORT_UPDATED || sort == TASK_SORT_PRIORITY;
}

static void settle_order(const struct reading *reading)
{
    struct task_place *from = &reading->query->from;

    if (!reading->has_order)
        from->descending = descends_by_default(from->sort);
    from->descending ^= reading->reversed;
}

/* A cursor brings its own order, which must be the one that the URL names, if it names one. */
static enum err settle_cursor(struct reading *reading, const struct cursor_seal *seal,
                              struct text user)
{
    struct task_query *query = reading->query;
    struct task_place place;

    reading->name = "cursor";
    if (!reading->cursor.data)
        return ERR_NONE;
    if (!cursor_read(seal, reading->problem->arena, user, reading->cursor, &place))
        return must_be(reading, "value_error", "a cursor from this list's Link header");
    if (reading->has_position)
        return must_be(reading, "value_error", "alone, without offset, skip or page");
    query->order_is_implied =
        place.sort != query->from.sort || place.descending != query->from.descending;
    if (reading->has_sort ? query->order_is_implied
                          : reading->has_order && place.descending != query->from.descending)
        return must_be(reading, "value_error", "of the same sort and order");
    query->from = place;
    return ERR_NONE;
}

enum err task_query_read(const struct request *request, const struct cursor_seal *seal,
                         struct text user, struct problem *problem, struct task_query *query)
{
    struct reading reading = {.problem = problem, .query = query};
    enum err err = ERR_NONE;

    *query = (struct task_query){.limit = TASK_LIMIT_MAX};
    if (request->param_count > 0)
        for (size_t i = 0; i < PARAMETER_COUNT; i++) {
            enum err fault = read_parameter(request, &parameters[i], &reading);

            err = fault != ERR_NONE ? fault : err;
        }
    settle_order(&reading);
    if (reading.page > 0)
        query->offset = (reading.page - 1) * query->limit;
    if (settle_cursor(&reading, seal, user) != ERR_NONE)
        err = ERR_INVALID;
    return err;
}

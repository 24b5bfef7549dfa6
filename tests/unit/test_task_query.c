/* SPDX-License-Identifier: ISC */
/* What the parameters of a list mean, and which faults they have. */
#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "cursor.h"
#include "task_query.h"

static char secret[] = "0123456789abcdef0123456789abcdef";
static const struct text user = TEXT_INIT("alice");

static struct arena arena;
static struct problem problem;
static struct cursor_seal *seal;

static ssize_t no_body(void *source, char *data, size_t size)
{
    (void)source, (void)data, (void)size;
    return 0;
}

static enum err try(const char *parameters, struct task_query *query)
{
    char *environment[] = {arena_text(&arena, text_of("REQUEST_METHOD=GET")),
                           arena_printf(&arena, "REQUEST_URI=/api/tasks?%s", parameters), NULL};
    struct request request;

    problem_init(&problem, &arena);
    assert_int_equal(request_init(&request, &arena, environment, no_body, NULL, &problem),
                     ERR_NONE);
    return task_query_read(&request, seal, user, &problem, query);
}

static struct task_query good(const char *parameters)
{
    struct task_query query;

    if (try(parameters, &query) != ERR_NONE)
        fail_msg("%s: %s %s", parameters, problem.faults->name, problem.faults->message);
    return query;
}

/* `names` are those of the parameters at fault, each with a blank behind it. */
static void bad(const char *parameters, const char *names)
{
    struct task_query query;
    const char *found = "";

    if (try(parameters, &query) != ERR_INVALID)
        fail_msg("%s: not refused", parameters);
    for (const struct fault *fault = problem.faults; fault; fault = fault->next)
        found = arena_printf(&arena, "%s%s ", found, fault->name);
    if (strcmp(found, names) != 0)
        fail_msg("%s: faults of %s, expected %s", parameters, found, names);
}

static void defaults(void **state)
{
    static const char *const without[] = {
        "",           "x=1",    "status=all", "trash=false", "search=",      "q=",
        "limit=1000", "page=1", "offset=0",   "order=desc",  "sort=created", "STATUS=pending",
        "Limit=5"};

    (void)state;
    for (size_t i = 0; i < sizeof(without) / sizeof(without[0]); i++) {
        struct task_query query = good(without[i]);

        assert_int_equal(query.filters, 0);
        assert_int_equal(query.limit, 1000);
        assert_int_equal(query.offset, 0);
        assert_int_equal(query.from.sort, TASK_SORT_CREATED);
        assert_true(query.from.descending);
        assert_false(query.trash || query.count_all || query.order_is_implied);
        assert_false(query.from.at_row || query.from.backward);
    }
}

static void orders(void **state)
{
    static const struct {
        const char *parameters;
        enum task_sort sort;
        bool descending;
    } rows[] = {
        {"sort=created", TASK_SORT_CREATED, true},
        {"sort=updated", TASK_SORT_UPDATED, true},
        {"sort=priority", TASK_SORT_PRIORITY, true},
        {"sort=title", TASK_SORT_TITLE, false},
        {"sort=due_date", TASK_SORT_DUE_DATE, false},
        {"sort=completed", TASK_SORT_COMPLETED, false},
        {"sort=-created", TASK_SORT_CREATED, false},
        {"sort=-title", TASK_SORT_TITLE, true},
        {"sort=-title&order=desc", TASK_SORT_TITLE, false},
        {"order=asc", TASK_SORT_CREATED, false},
        {"sort_order=asc&sort_by=updated", TASK_SORT_UPDATED, false},
        {"sort=title&sort_by=updated", TASK_SORT_TITLE, false},
        {"sort=title&sort=updated", TASK_SORT_UPDATED, true},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct task_query query = good(rows[i].parameters);

        if (query.from.sort != rows[i].sort || query.from.descending != rows[i].descending)
            fail_msg("%s: %d %d", rows[i].parameters, query.from.sort, query.from.descending);
    }
}

static void filters(void **state)
{
    static const struct {
        const char *parameters;
        unsigned filters;
    } rows[] = {
        {"status=pending", TASK_FILTER_STATUS},
        {"status_filter=active", TASK_FILTER_STATUS},
        {"completed=true", TASK_FILTER_COMPLETED},
        {"completed=false&status=completed", TASK_FILTER_COMPLETED | TASK_FILTER_STATUS},
        {"priority=HIGH,low", TASK_FILTER_PRIORITY},
        {"tag=a", TASK_FILTER_TAG},
        {"search=a", TASK_FILTER_SEARCH},
        {"search_query=%25", TASK_FILTER_SEARCH},
        {"due_from=2026-01-01&due_to=2026-01-01T00:00:00Z",
         TASK_FILTER_DUE_FROM | TASK_FILTER_DUE_TO},
        {"due_date_from=2026-01-01&due_date_to=2026-01-01",
         TASK_FILTER_DUE_FROM | TASK_FILTER_DUE_TO},
        {"updated_since=2026-01-01", TASK_FILTER_UPDATED_SINCE},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (good(rows[i].parameters).filters != rows[i].filters)
            fail_msg("%s: other filters", rows[i].parameters);
    assert_true(good("status=completed").status);
    assert_false(good("status=pending").status);
    assert_true(good("trash=true").trash);
}

static void assert_texts(const struct texts *texts, const char *expected)
{
    const char *found = "";

    for (size_t i = 0; i < texts->count; i++)
        found = arena_printf(&arena, "%s[%.*s]", found, (int)texts->items[i].length,
                             texts->items[i].data);
    assert_string_equal(found, expected);
}

static void values(void **state)
{
    struct task_query query = good("priority=HIGH,low&tag=a%20b,c&tag=%C3%A9&priority=Critical");

    (void)state;
    assert_texts(&query.priorities, "[high][low][critical]");
    assert_texts(&query.tags, "[a b][c][\xc3\xa9]");
    query = good("tag=1,2,3,4,5&tag=6,7,8,9,10&search=a%2Cb&q=no");
    assert_int_equal(query.tags.count, TASK_TAGS_MAX);
    assert_true(text_equal(query.search, TEXT_LITERAL("a,b")));
    query = good("due_from=2026-01-01T02:00:00%2B02:00&due_to=2026-01-01");
    assert_true(query.due_from == query.due_to);
}

static void pages(void **state)
{
    (void)state;
    assert_int_equal(good("limit=1").limit, 1);
    assert_int_equal(good("page_size=7&page=3").offset, 14);
    assert_int_equal(good("page=3&limit=7").offset, 14);
    assert_int_equal(good("skip=9").offset, 9);
    assert_true(good("page=1000000000&limit=1000").offset == INT64_C(999999999000));
}

static void faults(void **state)
{
    static const char *const rows[][2] = {
        {"status=", "status "},
        {"status=Pending", "status "},
        {"status_filter=x", "status_filter "},
        {"completed=1", "completed "},
        {"completed=", "completed "},
        {"trash=yes", "trash "},
        {"priority=", "priority "},
        {"priority=low,", "priority "},
        {"priority=low&priority=none", "priority "},
        {"priority=urgent", "priority "},
        {"tag=", "tag "},
        {"tag=a,,b", "tag "},
        {"tag=1,2,3,4,5,6&tag=7,8,9,10,11", "tag "},
        {"due_from=yesterday", "due_from "},
        {"due_to=", "due_to "},
        {"due_date_to=2026-02-30", "due_date_to "},
        {"updated_since=2026", "updated_since "},
        {"sort=", "sort "},
        {"sort=-", "sort "},
        {"sort=--title", "sort "},
        {"sort=Title", "sort "},
        {"sort_by=id", "sort_by "},
        {"order=DESC", "order "},
        {"limit=0", "limit "},
        {"limit=1001", "limit "},
        {"page_size=+1", "page_size "},
        {"offset=-1", "offset "},
        {"skip=1000000001", "skip "},
        {"page=0", "page "},
        {"cursor=", "cursor "},
        {"cursor=x", "cursor "},
        {"limit=0&sort=x&status=y&cursor=z&tag=", "status tag sort limit cursor "},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        bad(rows[i][0], rows[i][1]);
}

static const char *cursor_of(const struct task_place *place)
{
    return cursor_write(seal, &arena, user, place);
}

static void cursors(void **state)
{
    static const struct task_place title = {
        .sort = TASK_SORT_TITLE, .descending = true, .at_row = true, .id = 5, .text = {"t", 1}};
    static const char *const fitting[] = {"",
                                          "sort=title&order=desc&",
                                          "sort=-title&",
                                          "sort_by=title&sort_order=desc&",
                                          "order=desc&",
                                          "status=pending&limit=5&"};
    static const char *const others[] = {"sort=title&",
                                         "sort=created&",
                                         "order=asc&",
                                         "sort=-title&order=desc&",
                                         "sort=updated&order=desc&",
                                         "offset=0&",
                                         "page=1&",
                                         "skip=5&",
                                         "offset=5&page=2&"};

    (void)state;
    for (size_t i = 0; i < sizeof(fitting) / sizeof(fitting[0]); i++) {
        struct task_query query =
            good(arena_printf(&arena, "%scursor=%s", fitting[i], cursor_of(&title)));

        assert_int_equal(query.from.sort, TASK_SORT_TITLE);
        assert_true(query.from.descending && query.from.at_row && !query.from.backward);
        assert_int_equal(query.from.id, 5);
        assert_int_equal(query.order_is_implied, !strstr(fitting[i], "title"));
    }
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        bad(arena_printf(&arena, "%scursor=%s", others[i], cursor_of(&title)), "cursor ");
}

static void another_users_cursor(void **state)
{
    static const struct task_place place = {.at_row = true, .descending = true, .id = 5};
    const char *cursor = cursor_write(seal, &arena, TEXT_LITERAL("bob"), &place);

    (void)state;
    bad(arena_printf(&arena, "cursor=%s", cursor), "cursor ");
    assert_int_equal(good(arena_printf(&arena, "cursor=%s", cursor_of(&place))).from.id, 5);
}

static void positions(void **state)
{
    static const char *const yes[] = {"cursor", "offset", "skip", "page"};
    static const char *const no[] = {"limit", "page_size", "sort", "", "Cursor", "pages", "x"};

    (void)state;
    for (size_t i = 0; i < sizeof(yes) / sizeof(yes[0]); i++)
        assert_true(task_query_is_position(yes[i]));
    for (size_t i = 0; i < sizeof(no) / sizeof(no[0]); i++)
        assert_false(task_query_is_position(no[i]));
}

static int set_up(void **state)
{
    const struct conf conf = {.secret = secret, .secret_length = sizeof(secret) - 1};

    (void)state;
    arena_init(&arena);
    seal = cursor_seal_new(&conf);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    cursor_seal_free(seal);
    arena_fini(&arena);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults),  cmocka_unit_test(orders),
        cmocka_unit_test(filters),   cmocka_unit_test(values),
        cmocka_unit_test(pages),     cmocka_unit_test(faults),
        cmocka_unit_test(cursors),   cmocka_unit_test(another_users_cursor),
        cmocka_unit_test(positions),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, set_up, tear_down);
}

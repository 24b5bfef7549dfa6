/* SPDX-License-Identifier: ISC */
/* test_task_format.c: what is written in a format and read again is the same, whatever a task has
 * in it: by hand, and at random (seed in TODO_TEST_SEED). */
#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "task_format.h"
#include "task_json.h"

#define T(s)                                                                                       \
    {                                                                                              \
        s, sizeof(s) - 1                                                                           \
    }
#define TASKS_MAX 64

/* What was written, and how far its reading has come. */
struct trip {
    struct arena arena;
    struct problem problem;
    struct buf file;
    size_t count;
    struct task tasks[TASKS_MAX];
    size_t seen;
};

static void trip_init(struct trip *trip)
{
    *trip = (struct trip){0};
    arena_init(&trip->arena);
    problem_init(&trip->problem, &trip->arena);
    buf_init(&trip->file);
}

static void trip_fini(struct trip *trip)
{
    buf_fini(&trip->file);
    arena_fini(&trip->arena);
}

static int64_t instant(const char *text)
{
    int64_t value = 0;

    assert_true(timestamp_parse(text_of(text), &value));
    return value;
}

static struct task plain_task(void)
{
    return (struct task){.id = 1,
                         .user_id = T("u"),
                         .title = T("a"),
                         .completed_at = TIMESTAMP_NULL,
                         .priority = T("medium"),
                         .due_date = TIMESTAMP_NULL,
                         .created_at = instant("2026-01-16T06:44:39.490466Z"),
                         .updated_at = instant("2026-01-16T06:44:39.490466Z"),
                         .version = 1};
}

static void assert_text(struct text actual, struct text expected)
{
    if (!text_equal(actual, expected))
        fail_msg("\"%.*s\" is not \"%.*s\"", (int)actual.length, actual.data ? actual.data : "",
                 (int)expected.length, expected.data ? expected.data : "");
}

static void assert_same(const struct task *task, const struct task_change *change,
                        const struct task_stamps *stamps)
{
    bool described = change->set & TASK_SET_DESCRIPTION;

    assert_text(change->title, task->title);
    assert_text(described ? change->description : TEXT_NULL, task->description);
    assert_int_equal(change->set & TASK_SET_COMPLETED && change->completed, task->completed);
    assert_text(change->priority, task->priority);
    assert_int_equal(change->set & TASK_SET_DUE_DATE ? change->due_date : TIMESTAMP_NULL,
                     task->due_date);
    assert_int_equal(change->tags.count, task->tags.count);
    for (size_t i = 0; i < task->tags.count; i++)
        assert_text(change->tags.items[i], task->tags.items[i]);
    assert_int_equal(stamps->completed_at, task->completed_at);
    assert_int_equal(stamps->created_at, task->created_at);
    assert_int_equal(stamps->updated_at, task->updated_at);
}

static enum err compare(void *data, const struct record *record)
{
    struct trip *trip = data;
    struct task_change change;
    struct task_stamps stamps;
    enum err err = task_json_read(record->json, TASK_MODE_CREATE, TASK_SET_ALL, 0, record->pointer,
                                  &trip->problem, &change);

    if (err == ERR_NONE)
        err = task_json_read_stamps(record->json, record->pointer, &trip->problem, &stamps);
    if (err != ERR_NONE)
        fail_msg("%s: %s", trip->problem.faults->name, trip->problem.faults->message);
    assert_int_equal(record->index, trip->seen);
    assert_true(trip->seen < trip->count);
    assert_same(&trip->tasks[trip->seen++], &change, &stamps);
    return ERR_NONE;
}

/* Writes the tasks and reads them again, in each format. */
static void go(struct trip *trip)
{
    for (const struct task_format *format = task_formats(); format->media_type; format++) {
        enum err err;

        buf_clear(&trip->file);
        trip->seen = 0;
        format->begin(&trip->file);
        for (size_t i = 0; i < trip->count; i++)
            format->write(&trip->file, &trip->tasks[i],
                          &(struct task_file){.epoch = 0x1234abcd, .begun = i > 0});
        format->end(&trip->file);
        err = format->read(buf_text(&trip->file), &trip->problem, compare, trip);
        if (err != ERR_NONE)
            fail_msg("%s: %s", format->media_type, trip->problem.detail);
        assert_int_equal(trip->seen, trip->count);
    }
}

static void test_nothing(void **state)
{
    struct trip trip;

    (void)state;
    trip_init(&trip);
    go(&trip);
    trip_fini(&trip);
}

/* Texts that some format would trip over, as title, description and tag. */
static const struct text hard_texts[] = {
    T("\"quoted\""),
    T("a, b; c\\ d\\n e"),
    T("=1+1"),
    T("+1"),
    T("-1"),
    T("@a"),
    T("'a"),
    T("'=a"),
    T("''"),
    T("'"),
    T("\\"),
    T("\\,"),
    T(","),
    T(",,"),
    T(";"),
    T("a:b"),
    T("\xf0\x9f\x98\x80\xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x9a\x80"),
    T("a\tb"),
    T("a\nb"),
    T("a\r\nb"),
    T("a\rb"),
    T("a\x01"
      "b\x7f"
      "c"),
    T("a\x0b"
      "b"),
    T("null"),
    T("[]"),
    T("{\"a\":1}"),
    T("END:VTODO"),
    T("a\r\nEND:VTODO"),
    T("a\xe2\x80\xa8"
      "b\xc2\x85"
      "c"),
    T("\\n"),
    T("\\\\n"),
    T("a\\"),
    T("\xef\xbb\xbf"
      "a"),
    T("true"),
    T("X-TODO-SUMMARY:a"),
    T("#a"),
    T("%s%n"),
    T("a\x1f"),
    T("\x7f"
      "a"),
};

static void test_texts(void **state)
{
    struct trip trip;

    (void)state;
    trip_init(&trip);
    trip.count = sizeof hard_texts / sizeof *hard_texts;
    assert_true(trip.count <= TASKS_MAX);
    for (size_t i = 0; i < trip.count; i++) {
        trip.tasks[i] = plain_task();
        trip.tasks[i].title = text_trim(hard_texts[i]);
        trip.tasks[i].description = hard_texts[i];
        trip.tasks[i].tags = (struct texts){2, {hard_texts[i], T("z")}};
    }
    go(&trip);
    trip_fini(&trip);
}

/* Blanks at the ends, where a title has none. */
static void test_blanks(void **state)
{
    static const struct text texts[] = {T(""),      T(" "),   T("  "),   T("\t"),    T("\n"),
                                        T("\r\n"),  T(" a"),  T("a "),   T("\ta\t"), T("\ra"),
                                        T("\na\n"), T(" =a"), T("\t=a"), T("\n=a"),  T("   a   ")};
    struct trip trip;

    (void)state;
    trip_init(&trip);
    trip.count = sizeof texts / sizeof *texts;
    for (size_t i = 0; i < trip.count; i++) {
        trip.tasks[i] = plain_task();
        trip.tasks[i].description = texts[i];
        if (texts[i].length > 0)
            trip.tasks[i].tags = (struct texts){3, {T("x"), texts[i], T("y")}};
    }
    go(&trip);
    trip_fini(&trip);
}

static void test_other_fields(void **state)
{
    static const char *const priorities[] = {"low", "medium", "high", "critical"};
    static const char *const instants[] = {"0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999999Z",
                                           "1969-12-31T23:59:59.000001Z", "2000-01-01T00:00:00Z"};
    struct trip trip;

    (void)state;
    trip_init(&trip);
    trip.count = 4;
    for (size_t i = 0; i < trip.count; i++) {
        struct task *task = &trip.tasks[i];

        *task = plain_task();
        task->priority = text_of(priorities[i]);
        task->due_date = task->created_at = task->updated_at = instant(instants[i]);
        task->completed = i % 2;
        task->completed_at = i % 2 ? instant(instants[i]) : TIMESTAMP_NULL;
    }
    go(&trip);
    trip_fini(&trip);
}

/* The longest of everything, of characters that take the most room. */
static void test_sizes(void **state)
{
    struct trip trip;
    struct buf longest;
    struct task *task;

    (void)state;
    trip_init(&trip);
    buf_init(&longest);
    for (int i = 0; i < TASK_DESCRIPTION_MAX; i++)
        buf_add_string(&longest, "\xf0\x9f\x98\x80");
    trip.count = 1;
    task = &trip.tasks[0];
    *task = plain_task();
    task->description = buf_text(&longest);
    task->title = (struct text){longest.data, TASK_TITLE_MAX * 4};
    task->tags.count = TASK_TAGS_MAX;
    for (size_t i = 0; i < TASK_TAGS_MAX; i++) {
        char *tag = arena_text(&trip.arena, (struct text){longest.data, TASK_TAG_MAX * 4});

        tag[0] = tag[1] = tag[2] = ',';
        tag[3] = (char)('0' + i);
        task->tags.items[i] = (struct text){tag, TASK_TAG_MAX * 4 - 3 * 4};
    }
    go(&trip);
    buf_fini(&longest);
    trip_fini(&trip);
}

/* ---- at random */

static unsigned below(unsigned limit)
{
    return (unsigned)random() % limit;
}

static struct text random_text(struct arena *arena, unsigned most)
{
    static const char *const pieces[] = {
        "a",           "b",  " ",  ",",    ";",    ":",        "\\",
        "n",           "\"", "'",  "=",    "+",    "-",        "@",
        "\t",          "\r", "\n", "\x01", "\x7f", "\xc3\xbc", "\xf0\x9f\x98\x80",
        "\xe2\x80\xa8"};
    struct buf text;
    struct text copy;

    buf_init(&text);
    for (unsigned i = below(most + 1); i > 0; i--)
        buf_add_string(&text, pieces[below(sizeof pieces / sizeof *pieces)]);
    copy = (struct text){arena_text(arena, buf_text(&text)), text.length};
    buf_fini(&text);
    return copy;
}

static int64_t random_instant(void)
{
    return instant("0001-01-01") + (int64_t)(((uint64_t)random() << 31 | (uint64_t)random()) %
                                             UINT64_C(315537897600000000));
}

static void add_random_tag(struct trip *trip, struct texts *tags)
{
    struct text tag = random_text(&trip->arena, TASK_TAG_MAX);

    for (size_t i = 0; i < tags->count; i++)
        if (text_equal(tags->items[i], tag))
            return;
    if (tag.length > 0)
        tags->items[tags->count++] = tag;
}

static void random_task(struct trip *trip, struct task *task)
{
    *task = plain_task();
    do
        task->title = text_trim(random_text(&trip->arena, TASK_TITLE_MAX));
    while (task->title.length == 0);
    task->description = below(4) ? random_text(&trip->arena, 300) : TEXT_NULL;
    for (unsigned i = below(TASK_TAGS_MAX + 1); i > 0; i--)
        add_random_tag(trip, &task->tags);
    task->created_at = random_instant();
    task->updated_at = random_instant();
    task->due_date = below(2) ? random_instant() : TIMESTAMP_NULL;
    task->completed = below(2);
    task->completed_at = task->completed ? random_instant() : TIMESTAMP_NULL;
}

static void test_random(void **state)
{
    const char *given = getenv("TODO_TEST_SEED");
    unsigned seed = given ? (unsigned)strtoul(given, NULL, 10) : (unsigned)time(NULL);

    (void)state;
    printf("# TODO_TEST_SEED=%u\n", seed);
    srandom(seed);
    for (int round = 0; round < 50; round++) {
        struct trip trip;

        trip_init(&trip);
        trip.count = below(TASKS_MAX) + 1;
        for (size_t i = 0; i < trip.count; i++)
            random_task(&trip, &trip.tasks[i]);
        go(&trip);
        trip_fini(&trip);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing), cmocka_unit_test(test_texts),
        cmocka_unit_test(test_blanks),  cmocka_unit_test(test_other_fields),
        cmocka_unit_test(test_sizes),   cmocka_unit_test(test_random),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

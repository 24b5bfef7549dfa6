/* SPDX-License-Identifier: ISC */
/* A cursor gives back the place that it was made of, to its user alone, and no changed byte of it
 * gives anything. */
#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base64url.h"
#include "cursor.h"

#define SECRET "0123456789abcdef0123456789abcdef"
#define OTHER_SECRET "fedcba9876543210fedcba9876543210"
#define SEAL_SIZE 16

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
static const struct text alice = TEXT_INIT("alice"), bob = TEXT_INIT("bob");

static struct arena arena;
static struct cursor_seal *seal;

static struct cursor_seal *seal_of(const char *secret, const char *url)
{
    struct conf conf = {.secret = secret ? arena_text(&arena, text_of(secret)) : NULL,
                        .secret_length = secret ? strlen(secret) : 0,
                        .database_url = arena_text(&arena, text_of(url))};

    return cursor_seal_new(&conf);
}

static const struct task_place places[] = {
    {.sort = TASK_SORT_CREATED},
    {.sort = TASK_SORT_TITLE, .descending = true, .backward = true},
    {.sort = TASK_SORT_CREATED, .descending = true, .at_row = true, .id = 42},
    {.sort = TASK_SORT_UPDATED, .backward = true, .at_row = true, .id = INT64_MAX, .number = -1},
    {.sort = TASK_SORT_DUE_DATE, .at_row = true, .id = 1, .number = INT64_MIN},
    {.sort = TASK_SORT_DUE_DATE, .at_row = true, .id = 2, .number = INT64_MAX},
    {.sort = TASK_SORT_COMPLETED, .descending = true, .at_row = true, .id = 256, .number = 1},
    {.sort = TASK_SORT_PRIORITY, .at_row = true, .id = 3, .text = {"critical", 8}},
    {.sort = TASK_SORT_TITLE, .at_row = true, .id = 4, .text = {"\xf0\x9f\x98\x80 %_\\\"", 9}},
    {.sort = TASK_SORT_TITLE, .backward = true, .at_row = true, .id = 5, .text = {"", 0}},
};
#define PLACE_COUNT (sizeof(places) / sizeof(places[0]))

static const char *write_as(struct text user, const struct task_place *place)
{
    return cursor_write(seal, &arena, user, place);
}

static bool read_as(struct text user, const char *cursor, struct task_place *place)
{
    return cursor_read(seal, &arena, user, text_of(cursor), place);
}

static void assert_same(const struct task_place *a, const struct task_place *b)
{
    assert_int_equal(a->sort, b->sort);
    assert_int_equal(a->descending, b->descending);
    assert_int_equal(a->backward, b->backward);
    assert_int_equal(a->at_row, b->at_row);
    assert_true(a->id == b->id && a->number == b->number);
    assert_int_equal(a->text.length, b->text.length);
    assert_memory_equal(a->text.data ? a->text.data : "", b->text.data ? b->text.data : "",
                        a->text.length);
}

static void there_and_back(void **state)
{
    (void)state;
    for (size_t i = 0; i < PLACE_COUNT; i++) {
        struct task_place place;

        assert_true(read_as(alice, write_as(alice, &places[i]), &place));
        assert_same(&place, &places[i]);
    }
}

static void the_longest_title(void **state)
{
    char title[800];
    struct task_place place = {.sort = TASK_SORT_TITLE, .at_row = true, .id = 7};
    struct task_place back;

    (void)state;
    memset(title, 'x', sizeof(title));
    place.text = (struct text){title, sizeof(title)};
    assert_true(read_as(alice, write_as(alice, &place), &back));
    assert_same(&back, &place);
}

static void assert_refused(struct text user, const char *cursor)
{
    struct task_place place, before;

    memset(&place, 0x55, sizeof(place));
    memcpy(&before, &place, sizeof(place));
    if (read_as(user, cursor, &place))
        fail_msg("taken: %s", cursor);
    assert_memory_equal(&place, &before, sizeof(place));
}

/* Every character in turn becomes every other one. */
static void every_character(void **state)
{
    (void)state;
    for (size_t i = 0; i < PLACE_COUNT; i++) {
        char *cursor = arena_text(&arena, text_of(write_as(alice, &places[i])));

        for (char *c = cursor; *c; c++) {
            char right = *c;

            for (const char *wrong = alphabet; *wrong; wrong++) {
                *c = *wrong;
                if (*wrong != right)
                    assert_refused(alice, cursor);
            }
            *c = right;
        }
    }
}

/* Every bit of what the characters stand for. */
static void every_bit(void **state)
{
    (void)state;
    for (size_t i = 0; i < PLACE_COUNT; i++) {
        struct text bytes;
        char *changed;

        assert_true(base64url_decode(&arena, text_of(write_as(alice, &places[i])), &bytes));
        changed = arena_text(&arena, bytes);
        for (size_t bit = 0; bit < bytes.length * 8; bit++) {
            changed[bit / 8] = (char)(changed[bit / 8] ^ 1 << bit % 8);
            assert_refused(alice, base64url_encode(&arena, changed, bytes.length));
            changed[bit / 8] = (char)(changed[bit / 8] ^ 1 << bit % 8);
        }
    }
}

static void other_lengths(void **state)
{
    (void)state;
    for (size_t i = 0; i < PLACE_COUNT; i++) {
        const char *cursor = write_as(alice, &places[i]);
        size_t length = strlen(cursor);

        for (size_t cut = 1; cut <= length; cut++) {
            assert_refused(alice, arena_text(&arena, (struct text){cursor, length - cut}));
            assert_refused(alice, cursor + cut);
        }
        assert_refused(alice, arena_printf(&arena, "%sA", cursor));
        assert_refused(alice, arena_printf(&arena, "%sAAAA", cursor));
        assert_refused(alice, arena_printf(&arena, "A%s", cursor));
        assert_refused(alice, arena_printf(&arena, "%s=", cursor));
        assert_refused(alice, arena_printf(&arena, "%s%s", cursor, cursor));
    }
}

static void another_user(void **state)
{
    /* The user's last byte and the place's first must not be able to change sides. */
    static const struct text users[] = {TEXT_INIT("bob"),     TEXT_INIT("alic"),
                                        TEXT_INIT("alicf"),   TEXT_INIT("alice2"),
                                        TEXT_INIT("alice\0"), TEXT_INIT("a")};

    (void)state;
    for (size_t i = 0; i < sizeof(users) / sizeof(users[0]); i++)
        assert_refused(users[i], write_as(alice, &places[2]));
    assert_string_not_equal(write_as(alice, &places[2]), write_as(bob, &places[2]));
}

/* A place that is sealed right, but was never written so: nothing gets through by its length. */
static void one_users_seal_does_not_fit_another_place(void **state)
{
    struct text one, two;
    char *mixed;

    (void)state;
    assert_true(base64url_decode(&arena, text_of(write_as(alice, &places[4])), &one));
    assert_true(base64url_decode(&arena, text_of(write_as(alice, &places[5])), &two));
    assert_int_equal(one.length, two.length);
    mixed = arena_text(&arena, one);
    memcpy(mixed + one.length - SEAL_SIZE, two.data + two.length - SEAL_SIZE, SEAL_SIZE);
    assert_refused(alice, base64url_encode(&arena, mixed, one.length));
}

static void check_seals(const char *secret, const char *url, bool same)
{
    struct cursor_seal *other = seal_of(secret, url);
    struct task_place place;

    assert_int_equal(
        cursor_read(other, &arena, alice, text_of(write_as(alice, &places[7])), &place), same);
    cursor_seal_free(other);
}

static void the_secret_decides(void **state)
{
    (void)state;
    check_seals(SECRET, "dbname=elsewhere", true);
    check_seals(OTHER_SECRET, "dbname=todo", false);
    check_seals(NULL, "dbname=todo", false);
}

static void the_database_decides_without_a_secret(void **state)
{
    struct cursor_seal *before = seal;

    (void)state;
    seal = seal_of(NULL, "dbname=todo password=x");
    check_seals(NULL, "dbname=todo password=x", true);
    check_seals(NULL, "dbname=todo password=y", false);
    cursor_seal_free(seal);
    seal = before;
}

/* Tags of lists: the same in all processes, another under another secret or TODO_COMPAT. */
static void the_shape(void **state)
{
    static char secret[] = SECRET, other_secret[] = OTHER_SECRET;
    static const struct {
        char *secret;
        unsigned compat;
        bool same;
    } rows[] = {
        {secret, 0, true}, {secret, 1, false}, {secret, 1U << 31, false}, {other_secret, 0, false}};
    struct text usual = cursor_seal_shape(seal);

    (void)state;
    assert_int_equal(usual.length, CURSOR_SHAPE_LENGTH);
    assert_true(usual.data[0] == '-' && strspn(usual.data + 1, "0123456789abcdef") == 8);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct conf conf = {.secret = rows[i].secret,
                            .secret_length = strlen(rows[i].secret),
                            .compat = rows[i].compat};
        struct cursor_seal *other = cursor_seal_new(&conf);

        assert_int_equal(text_equal(cursor_seal_shape(other), usual), rows[i].same);
        cursor_seal_free(other);
    }
}

static int set_up(void **state)
{
    (void)state;
    arena_init(&arena);
    seal = seal_of(SECRET, "dbname=todo");
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
        cmocka_unit_test(there_and_back),
        cmocka_unit_test(the_longest_title),
        cmocka_unit_test(every_character),
        cmocka_unit_test(every_bit),
        cmocka_unit_test(other_lengths),
        cmocka_unit_test(another_user),
        cmocka_unit_test(one_users_seal_does_not_fit_another_place),
        cmocka_unit_test(the_secret_decides),
        cmocka_unit_test(the_database_decides_without_a_secret),
        cmocka_unit_test(the_shape),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, set_up, tear_down);
}

/* SPDX-License-Identifier: ISC */
/* test_position.c: positions survive the way to a client and back; anything else is refused. */
#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "position.h"

static void test_comes_back(void **state)
{
    static const struct position cases[] = {
        {0, 0, 0, 0},
        {1795267200, 7710629900114170260, 1, 50331648},
        {INT64_MAX, INT64_MIN, INT64_MAX, INT64_MIN},
        {-1, -2, -3, -4},
    };
    struct arena arena;

    (void)state;
    arena_init(&arena);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct position position;

        assert_true(position_read(&arena, text_of(position_write(&arena, &cases[i])), &position));
        assert_true(position.made_at == cases[i].made_at);
        assert_true(position.system == cases[i].system);
        assert_true(position.timeline == cases[i].timeline);
        assert_true(position.lsn == cases[i].lsn);
    }
    arena_fini(&arena);
}

static void test_refused(void **state)
{
    static const char *const cases[] = {
        "",
        "none",
        "0/3000028",
        "AAAA",
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",   /* a character less */
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", /* a character more */
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAB",  /* another spelling */
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",  /* padded */
        "AAAAAAAAAAAAAAAAAAAA AAAAAAAAAAAAAAAAAAAAAA",
    };
    static const struct position before = {1, 2, 3, 4};
    struct arena arena;

    (void)state;
    arena_init(&arena);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct position position = before;

        assert_false(position_read(&arena, text_of(cases[i]), &position));
        assert_memory_equal(&position, &before, sizeof before);
    }
    assert_true(position_read(&arena, text_of("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"),
                              &(struct position){0}));
    arena_fini(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_comes_back),
        cmocka_unit_test(test_refused),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

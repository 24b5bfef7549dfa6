/* SPDX-License-Identifier: ISC */
/* arena_fixture.h: an arena for each test of a program, made by set_up and given back by tear_down.
 * To be included behind cmocka.h. */
#ifndef TODO_TEST_ARENA_FIXTURE_H
#define TODO_TEST_ARENA_FIXTURE_H

#include "arena.h"

static struct arena arena;

static int set_up(void **state)
{
    (void)state;
    arena_init(&arena);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    arena_fini(&arena);
    return 0;
}

#endif

/* SPDX-License-Identifier: ISC */
/* test_arena.c: arena.h. */
#include <config.h>

#include <setjmp.h>
#include <stdalign.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include <cmocka.h>

#include "arena.h"

/* AddressSanitizer's malloc shall give NULL as any other does. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "allocator_may_return_null=1";
}

static int setup(void **state)
{
    static struct arena arena;

    arena_init(&arena);
    *state = &arena;
    return 0;
}

static int teardown(void **state)
{
    arena_fini(*state);
    return 0;
}

/* Blocks of all sizes, around the chunk's and its quarter's, must not overlap. */
static void test_blocks_are_apart(void **state)
{
    static const size_t sizes[] = {0,     1,     15,    16,    17,    1000,   16383,  16384,
                                   16385, 40000, 65535, 65536, 65537, 100000, 1000000};
    enum { COUNT = sizeof(sizes) / sizeof(sizes[0]), ROUNDS = 5 };
    unsigned char *blocks[ROUNDS][COUNT];

    for (int round = 0; round < ROUNDS; round++)
        for (size_t i = 0; i < COUNT; i++) {
            blocks[round][i] = arena_alloc(*state, sizes[i]);
            assert_int_equal((uintptr_t)blocks[round][i] % alignof(max_align_t), 0);
            memset(blocks[round][i], (int)((size_t)round * COUNT + i), sizes[i]);
        }
    for (int round = 0; round < ROUNDS; round++)
        for (size_t i = 0; i < COUNT; i++)
            for (size_t byte = 0; byte < sizes[i]; byte++)
                if (blocks[round][i][byte] != (unsigned char)((size_t)round * COUNT + i))
                    fail_msg("size %zu, round %d, byte %zu", sizes[i], round, byte);
}

static void test_small_blocks_fill_many_chunks(void **state)
{
    char *strings[20000], expected[32];

    for (int i = 0; i < 20000; i++)
        strings[i] = arena_printf(*state, "string %d", i);
    for (int i = 0; i < 20000; i++) {
        snprintf(expected, sizeof(expected), "string %d", i);
        assert_string_equal(strings[i], expected);
    }
}

/* Reset keeps one chunk of the first size, and hands out the same memory again. */
static void test_reset(void **state)
{
    void *first = arena_alloc(*state, 100);

    for (int i = 0; i < 100; i++)
        arena_alloc(*state, 10000);
    arena_alloc(*state, 500000);
    arena_reset(*state);
    for (int round = 0; round < 3; round++) {
        void *again = arena_alloc(*state, 100);

        if (round > 0)
            assert_ptr_equal(again, first);
        first = again;
        arena_reset(*state);
    }
    arena_reset(*state);
    arena_fini(*state);
    arena_reset(*state);
    memset(arena_alloc(*state, 10), 1, 10);
}

/* A first block larger than a chunk is not what stays. */
static void test_reset_drops_a_large_first_chunk(void **state)
{
    arena_alloc(*state, 1 << 20);
    arena_reset(*state);
    assert_null(((struct arena *)*state)->chunks);
}

static void test_zero(void **state)
{
    unsigned char *dirty = arena_alloc(*state, 1000), *clean;

    memset(dirty, 0xff, 1000);
    arena_reset(*state);
    clean = arena_zero(*state, 10, 100);
    for (int i = 0; i < 1000; i++)
        assert_int_equal(clean[i], 0);
}

static void test_text(void **state)
{
    assert_string_equal(arena_text(*state, TEXT_LITERAL("abc")), "abc");
    assert_string_equal(arena_text(*state, (struct text){"abc", 2}), "ab");
    assert_string_equal(arena_text(*state, TEXT_LITERAL("")), "");
    assert_string_equal(arena_text(*state, TEXT_NULL), "");
    assert_memory_equal(arena_text(*state, TEXT_LITERAL("a\0b")), "a\0b", 4);
}

static void test_printf(void **state)
{
    char *wide = arena_printf(*state, "%100000d", 7);

    assert_string_equal(arena_printf(*state, "%s-%d", "a", 7), "a-7");
    assert_string_equal(arena_printf(*state, "%s", ""), "");
    assert_int_equal(strlen(wide), 100000);
    assert_int_equal(wide[99999], '7');
}

/* Runs `ask` in a process of its own, which must end with the status of a broken machine. */
static void assert_gives_up(void (*ask)(struct arena *arena), struct arena *arena)
{
    int status;
    pid_t child = fork();

    if (child == 0) {
        close(STDERR_FILENO);
        ask(arena);
        _exit(0);
    }
    assert_true(child > 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), EX_OSERR);
}

static void ask_for_everything(struct arena *arena)
{
    arena_alloc(arena, SIZE_MAX - 4);
}

static void ask_for_too_much(struct arena *arena)
{
    arena_alloc(arena, SIZE_MAX / 4);
}

static void ask_for_an_overflow(struct arena *arena)
{
    arena_zero(arena, SIZE_MAX / 8 + 2, 8);
}

static void test_out_of_memory(void **state)
{
    assert_gives_up(ask_for_everything, *state);
    assert_gives_up(ask_for_too_much, *state);
    assert_gives_up(ask_for_an_overflow, *state);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_blocks_are_apart),
        TEST(test_small_blocks_fill_many_chunks),
        TEST(test_reset),
        TEST(test_reset_drops_a_large_first_chunk),
        TEST(test_zero),
        TEST(test_text),
        TEST(test_printf),
        TEST(test_out_of_memory),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

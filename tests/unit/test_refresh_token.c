/* SPDX-License-Identifier: ISC */
/* Refresh tokens: there and back, what is none, and how one follows from another. */
#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "arena_fixture.h"
#include "random.h"
#include "refresh_token.h"

#define SECRET "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"

static char signing[] = "a secret for tests, of more than thirty-two bytes";
static const struct conf conf = {.secret = signing, .secret_length = sizeof signing - 1};

static void test_there_and_back(void **state)
{
    static const char *const users[] = {"u", "u_1", "a/b.c \xc3\xbc"};

    (void)state;
    for (size_t i = 0; i < sizeof users / sizeof *users; i++) {
        struct refresh_token token = {.user = text_of(users[i]), .session = text_of("s_-1")}, back;

        random_bytes(token.secret, sizeof token.secret);
        assert_true(
            refresh_token_parse(&arena, text_of(refresh_token_write(&arena, &token)), &back));
        assert_true(text_equal(back.user, token.user));
        assert_true(text_equal(back.session, token.session));
        assert_memory_equal(back.secret, token.secret, sizeof token.secret);
    }
}

static void test_no_tokens(void **state)
{
    static const char *const words[] = {
        NULL,
        "",
        ".",
        "..",
        "...",
        SECRET,
        SECRET ".s",
        SECRET ".s.",
        SECRET "..dQ",
        SECRET ".s.dQ.",
        SECRET ".s.dQ.dQ",
        SECRET ".s.dQ==",
        SECRET ".s.dR", /* not the one spelling of "u" */
        SECRET ".s.AA", /* U+0000 */
        SECRET ".s._w", /* not UTF-8 */
        SECRET ".s t.dQ",
        SECRET ".s'.dQ",
        SECRET "A.s.dQ",
        "AAAA.s.dQ",
        "=" SECRET ".s.dQ",
    };
    struct refresh_token token;

    (void)state;
    assert_true(refresh_token_parse(&arena, text_of(SECRET ".s.dQ"), &token));
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        assert_false(refresh_token_parse(&arena, text_of(words[i]), &token));
}

/* The same token and salt give the same successor; anything else another. */
static void test_successors(void **state)
{
    static char other_signing[] = "another secret for tests, of more than thirty-two";
    const struct conf other = {.secret = other_signing, .secret_length = sizeof other_signing - 1};
    unsigned char salt[REFRESH_SALT_SIZE] = {1}, other_salt[REFRESH_SALT_SIZE] = {2};
    struct refresh_token token = {.secret = {1}}, changed = {.secret = {2}}, first, next;

    (void)state;
    refresh_token_next(&conf, &token, salt, &first);
    refresh_token_next(&conf, &token, salt, &next);
    assert_memory_equal(first.secret, next.secret, sizeof first.secret);
    assert_memory_not_equal(first.secret, token.secret, sizeof first.secret);
    refresh_token_next(&conf, &token, other_salt, &next);
    assert_memory_not_equal(first.secret, next.secret, sizeof first.secret);
    refresh_token_next(&conf, &changed, salt, &next);
    assert_memory_not_equal(first.secret, next.secret, sizeof first.secret);
    refresh_token_next(&other, &token, salt, &next);
    assert_memory_not_equal(first.secret, next.secret, sizeof first.secret);
}

static void test_random(void **state)
{
    (void)state;
    assert_int_equal(strlen(random_id(&arena, 16)), 22);
    assert_string_not_equal(random_id(&arena, 16), random_id(&arena, 16));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_there_and_back),
        cmocka_unit_test(test_no_tokens),
        cmocka_unit_test(test_successors),
        cmocka_unit_test(test_random),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, set_up, tear_down);
}

/* SPDX-License-Identifier: ISC */
/* bcrypt: published vectors, hashes of other programs, what is no hash. */
#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "password.h"

#define COST 4 /* so that the tests are quick; the settings allow no less than 10 */

static const struct {
    const char *password, *hash;
} vectors[] = {
    {"U*U", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"},
    {"U*U*", "$2b$05$CCCCCCCCCCCCCCCCCCCCC.VGOzA784oUp/Z0DY336zx7pLYAy0lwK"},
    {"U*U*U", "$2y$05$XXXXXXXXXXXXXXXXXXXXXOAcXxm9kjPGEMsLznoKqmqw7tc8WCx4a"},
    {"", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.7uG0VCzI2bS7j6ymqJi9CdcdxiRTWNy"},
};

static void test_vectors(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
        assert_true(password_is_hash(text_of(vectors[i].hash)));
        assert_int_equal(password_cost(vectors[i].hash), 5);
        for (long cost = 4; cost <= 6; cost++) {
            assert_true(password_verify(vectors[i].password, vectors[i].hash, cost));
            assert_false(password_verify("U*V", vectors[i].hash, cost));
        }
    }
}

static void test_hash(void **state)
{
    static const char *const passwords[] = {
        "password", "p\xc3\xa4ssw\xc3\xb6rd", "\xf0\x9f\x98\x80\xf0\x9f\x98\x80",
        "123456789012345678901234567890123456789012345678901234567890123456789012"};
    char first[PASSWORD_HASH_SIZE], second[PASSWORD_HASH_SIZE];

    (void)state;
    for (size_t i = 0; i < sizeof passwords / sizeof *passwords; i++) {
        assert_int_equal(password_hash(passwords[i], COST, first), ERR_NONE);
        assert_int_equal(password_hash(passwords[i], COST, second), ERR_NONE);
        assert_memory_equal(first, "$2b$04$", 7);
        assert_string_not_equal(first, second); /* each has a salt of its own */
        assert_true(password_verify(passwords[i], first, COST));
        assert_false(password_verify(passwords[i] + 1, first, COST));
    }
    assert_int_equal(password_hash("password", 99, first), ERR_INTERNAL);
}

/* The last of 72 bytes counts. */
static void test_longest(void **state)
{
    char password[PASSWORD_BYTES_MAX + 1], hash[PASSWORD_HASH_SIZE];

    (void)state;
    memset(password, 'x', PASSWORD_BYTES_MAX);
    password[PASSWORD_BYTES_MAX] = '\0';
    assert_int_equal(password_hash(password, COST, hash), ERR_NONE);
    password[PASSWORD_BYTES_MAX - 1] = 'y';
    assert_false(password_verify(password, hash, COST));
}

static void test_no_hash(void **state)
{
    static const char *const words[] = {
        NULL,
        "",
        "*0",
        "*1",
        "password",
        "$1$CCCCCCCC$aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        "$2x$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
        "$2a$3x$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
        "$2a$03$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
        "$2a$32$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
        "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOe",
        "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeWx",
        "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOe\n",
        "$2a$05$CCCCCCCCCCCCCCCCCCCCC:E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
    };

    (void)state;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        assert_false(password_is_hash(text_of(words[i])));
        assert_false(password_verify("", words[i], COST));
        assert_false(password_verify("password", words[i], COST));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vectors),
        cmocka_unit_test(test_hash),
        cmocka_unit_test(test_longest),
        cmocka_unit_test(test_no_hash),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: ISC */
/* What is a JSON object by the rules for tokens and what is none, and how members are found. */
#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "claims.h"

static struct arena arena;

#define M(n) "\"m" n "\":1"
#define M8(n)                                                                                      \
    M(n "0")                                                                                       \
    "," M(n "1") "," M(n "2") "," M(n "3") "," M(n "4") "," M(n "5") "," M(n "6") "," M(n "7")

static const struct {
    struct text json;
    bool is_object;
} rows[] = {
    {TEXT_INIT("{\"sub\":\"u_1\",\"exp\":1800000900}"), true},
    {TEXT_INIT(" {\t\"a\" :\r\n\"b\" , \"c\": 0 } \n"), true},
    {TEXT_INIT("{\"a\":true,\"b\":false,\"c\":null}"), true},
    {TEXT_INIT("{\"\":\"\"}"), true},
    {TEXT_INIT("{\"a\":\"\x7f/\"}"), true},
    {TEXT_INIT("{\"a\":999999999999999}"), true},
    {TEXT_INIT("{" M8("a") "," M8("b") "," M8("c") "," M8("d") "}"), true},
    {TEXT_INIT("{" M8("a") "," M8("b") "," M8("c") "," M8("d") "," M("e") "}"), true},
    {TEXT_INIT("{}"), true},
    {TEXT_INIT("{\"a\":1000000000000000}"), true},
    {TEXT_INIT("{\"a\":-1}"), true},
    {TEXT_INIT("{\"a\":1.5}"), true},
    {TEXT_INIT("{\"a\":1e3}"), true},
    {TEXT_INIT("{\"a\":\"\\u0041\"}"), true},
    {TEXT_INIT("{\"a\\n\":\"b\"}"), true},
    {TEXT_INIT("{\"a\":\"\xc3\xbc\"}"), true},
    {TEXT_INIT("{\"a\":[\"x\",\"y\"]}"), true},
    {TEXT_INIT("{\"a\":{\"b\":1}}"), true},
    {TEXT_INIT(""), false},
    {TEXT_INIT("[]"), false},
    {TEXT_INIT("1"), false},
    {TEXT_INIT("\"a\""), false},
    {TEXT_INIT("{"), false},
    {TEXT_INIT("{\"a\""), false},
    {TEXT_INIT("{\"a\":"), false},
    {TEXT_INIT("{\"a\":\"b"), false},
    {TEXT_INIT("{\"a\":\"b\""), false},
    {TEXT_INIT("{\"a\":1,}"), false},
    {TEXT_INIT("{,\"a\":1}"), false},
    {TEXT_INIT("{\"a\":1 \"b\":2}"), false},
    {TEXT_INIT("{\"a\" 1}"), false},
    {TEXT_INIT("{a:1}"), false},
    {TEXT_INIT("{\"a\":1}x"), false},
    {TEXT_INIT("{\"a\":1}{}"), false},
    {TEXT_INIT("{\"a\":1}\0"), false},
    {TEXT_INIT("{\"a\":1\0}"), false},
    {TEXT_INIT("{\"a\":\"\0\"}"), false},
    {TEXT_INIT("{\"a\":\"\\u0000\"}"), false},
    {TEXT_INIT("{\"a\":\"\n\"}"), false},
    {TEXT_INIT("{\"a\":\"\xff\"}"), false},
    {TEXT_INIT("{\"a\":\"\xc0\xaf\"}"), false},
    {TEXT_INIT("{\"a\":\"\xed\xa0\x80\"}"), false},
    {TEXT_INIT("\xef\xbb\xbf{\"a\":1}"), false},
    {TEXT_INIT("{\"a\":1,\"a\":1}"), false},
    {TEXT_INIT("{\"a\":1,\"\\u0061\":2}"), false},
    {TEXT_INIT("{\"a\":{\"b\":1,\"b\":2}}"), false},
    {TEXT_INIT("{\"a\":01}"), false},
    {TEXT_INIT("{\"a\":00}"), false},
    {TEXT_INIT("{\"a\":1.}"), false},
    {TEXT_INIT("{\"a\":+1}"), false},
    {TEXT_INIT("{\"a\":0x10}"), false},
    {TEXT_INIT("{\"a\":9223372036854775808}"), false},
    {TEXT_INIT("{\"a\":tru}"), false},
    {TEXT_INIT("{\"a\":truee}"), false},
    {TEXT_INIT("{\"a\":TRUE}"), false},
    {TEXT_INIT("{\"a\":NaN}"), false},
    {TEXT_INIT("{\"a\":}"), false},
    {TEXT_INIT("{'a':1}"), false},
    {TEXT_INIT("{\"a\":1}/**/"), false},
};

static void each_form(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct claims claims;

        print_message("# %.*s\n", (int)rows[i].json.length, rows[i].json.data);
        assert_int_equal(claims_read(&claims, &arena, rows[i].json), rows[i].is_object);
        claims_free(&claims);
    }
}

/* Each short end of an object is none. */
static void each_end(void **state)
{
    static const char json[] = "{\"a\":\"b\", \"c\":10,\"d\":true}";

    (void)state;
    for (size_t length = 0; length < sizeof json - 1; length++)
        assert_false(claims_read(&(struct claims){0}, &arena, (struct text){json, length}));
}

static void find_members(void **state)
{
    const struct text json = TEXT_LITERAL("{\"s\":\"x\",\"n\":7,\"t\":true,\"f\":false,\"l\":[1]}");
    struct claims claims;

    (void)state;
    assert_true(claims_read(&claims, &arena, json));
    assert_true(text_equal(claims_find(&claims, "s")->string, text_of("x")));
    assert_true(claims_find(&claims, "n")->number == 7);
    assert_int_equal(claims_find(&claims, "t")->kind, CLAIM_TRUE);
    assert_int_equal(claims_find(&claims, "f")->kind, CLAIM_OTHER);
    assert_null(claims_find(&claims, "f")->json);
    assert_int_equal(json_array_size(claims_find(&claims, "l")->json), 1);
    assert_null(claims_find(&claims, "S"));
    assert_null(claims_find(&claims, ""));
    claims_free(&claims);
}

static void depth(void **state)
{
    (void)state;
    for (size_t levels = CLAIMS_DEPTH_MAX - 1; levels <= CLAIMS_DEPTH_MAX + 1; levels++) {
        char json[4 * CLAIMS_DEPTH_MAX];
        struct claims claims;
        size_t length = (size_t)snprintf(json, sizeof json, "{\"a\":");

        memset(json + length, '[', levels - 1);
        memset(json + length + levels - 1, ']', levels - 1);
        length += 2 * (levels - 1);
        json[length++] = '}';
        assert_int_equal(claims_read(&claims, &arena, (struct text){json, length}),
                         levels <= CLAIMS_DEPTH_MAX);
        claims_free(&claims);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_form),
        cmocka_unit_test(each_end),
        cmocka_unit_test(find_members),
        cmocka_unit_test(depth),
    };
    int failed;

    cmocka_set_message_output(CM_OUTPUT_TAP);
    arena_init(&arena);
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    arena_fini(&arena);
    return failed;
}

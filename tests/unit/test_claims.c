/* SPDX-License-Identifier: ISC */
/* The two readers of claims must agree: what the plain one takes jansson takes too, and for the
 * same; what is plain and what is left to jansson is in the table, and so is what is no object. */
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

enum form { PLAIN, UNUSUAL, WRONG };

#define M(n) "\"m" n "\":1"
#define M8(n)                                                                                      \
    M(n "0")                                                                                       \
    "," M(n "1") "," M(n "2") "," M(n "3") "," M(n "4") "," M(n "5") "," M(n "6") "," M(n "7")

static const struct {
    struct text json;
    enum form form;
} rows[] = {
    {TEXT_INIT("{\"sub\":\"u_1\",\"exp\":1800000900}"), PLAIN},
    {TEXT_INIT(" {\t\"a\" :\r\n\"b\" , \"c\": 0 } \n"), PLAIN},
    {TEXT_INIT("{\"a\":true,\"b\":false,\"c\":null}"), PLAIN},
    {TEXT_INIT("{\"\":\"\"}"), PLAIN},
    {TEXT_INIT("{\"a\":\"\x7f/\"}"), PLAIN},
    {TEXT_INIT("{\"a\":999999999999999}"), PLAIN},
    {TEXT_INIT("{" M8("a") "," M8("b") "," M8("c") "," M8("d") "}"), PLAIN},
    {TEXT_INIT("{" M8("a") "," M8("b") "," M8("c") "," M8("d") "," M("e") "}"), UNUSUAL},
    {TEXT_INIT("{}"), UNUSUAL},
    {TEXT_INIT("{\"a\":1000000000000000}"), UNUSUAL},
    {TEXT_INIT("{\"a\":-1}"), UNUSUAL},
    {TEXT_INIT("{\"a\":1.5}"), UNUSUAL},
    {TEXT_INIT("{\"a\":1e3}"), UNUSUAL},
    {TEXT_INIT("{\"a\":\"\\u0041\"}"), UNUSUAL},
    {TEXT_INIT("{\"a\\n\":\"b\"}"), UNUSUAL},
    {TEXT_INIT("{\"a\":\"\xc3\xbc\"}"), UNUSUAL},
    {TEXT_INIT("{\"a\":[\"x\",\"y\"]}"), UNUSUAL},
    {TEXT_INIT("{\"a\":{\"b\":1}}"), UNUSUAL},
    {TEXT_INIT(""), WRONG},
    {TEXT_INIT("[]"), WRONG},
    {TEXT_INIT("1"), WRONG},
    {TEXT_INIT("\"a\""), WRONG},
    {TEXT_INIT("{"), WRONG},
    {TEXT_INIT("{\"a\""), WRONG},
    {TEXT_INIT("{\"a\":"), WRONG},
    {TEXT_INIT("{\"a\":\"b"), WRONG},
    {TEXT_INIT("{\"a\":\"b\""), WRONG},
    {TEXT_INIT("{\"a\":1,}"), WRONG},
    {TEXT_INIT("{,\"a\":1}"), WRONG},
    {TEXT_INIT("{\"a\":1 \"b\":2}"), WRONG},
    {TEXT_INIT("{\"a\" 1}"), WRONG},
    {TEXT_INIT("{a:1}"), WRONG},
    {TEXT_INIT("{\"a\":1}x"), WRONG},
    {TEXT_INIT("{\"a\":1}{}"), WRONG},
    {TEXT_INIT("{\"a\":1}\0"), WRONG},
    {TEXT_INIT("{\"a\":1\0}"), WRONG},
    {TEXT_INIT("{\"a\":\"\0\"}"), WRONG},
    {TEXT_INIT("{\"a\":\"\\u0000\"}"), WRONG},
    {TEXT_INIT("{\"a\":\"\n\"}"), WRONG},
    {TEXT_INIT("{\"a\":\"\xff\"}"), WRONG},
    {TEXT_INIT("{\"a\":\"\xc0\xaf\"}"), WRONG},
    {TEXT_INIT("{\"a\":\"\xed\xa0\x80\"}"), WRONG},
    {TEXT_INIT("\xef\xbb\xbf{\"a\":1}"), WRONG},
    {TEXT_INIT("{\"a\":1,\"a\":1}"), WRONG},
    {TEXT_INIT("{\"a\":1,\"\\u0061\":2}"), WRONG},
    {TEXT_INIT("{\"a\":{\"b\":1,\"b\":2}}"), WRONG},
    {TEXT_INIT("{\"a\":01}"), WRONG},
    {TEXT_INIT("{\"a\":00}"), WRONG},
    {TEXT_INIT("{\"a\":1.}"), WRONG},
    {TEXT_INIT("{\"a\":+1}"), WRONG},
    {TEXT_INIT("{\"a\":0x10}"), WRONG},
    {TEXT_INIT("{\"a\":9223372036854775808}"), WRONG},
    {TEXT_INIT("{\"a\":tru}"), WRONG},
    {TEXT_INIT("{\"a\":truee}"), WRONG},
    {TEXT_INIT("{\"a\":TRUE}"), WRONG},
    {TEXT_INIT("{\"a\":NaN}"), WRONG},
    {TEXT_INIT("{\"a\":}"), WRONG},
    {TEXT_INIT("{'a':1}"), WRONG},
    {TEXT_INIT("{\"a\":1}/**/"), WRONG},
};

static void assert_same(const struct claims *plain, const struct claims *any)
{
    assert_int_equal(plain->count, any->count);
    for (size_t i = 0; i < plain->count; i++) {
        const struct claim *a = &plain->items[i], *b = &any->items[i];

        assert_true(text_equal(a->name, b->name));
        assert_int_equal(a->kind, b->kind);
        assert_true(text_equal(a->string, b->string));
        assert_true(a->number == b->number);
        assert_null(a->json);
        assert_null(b->json);
    }
}

static void each_form(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct claims plain, any, either;
        bool is_plain = claims_read_plain(&plain, &arena, rows[i].json);
        bool is_object = claims_read_any(&any, &arena, rows[i].json);

        print_message("# %.*s\n", (int)rows[i].json.length, rows[i].json.data);
        assert_int_equal(is_plain, rows[i].form == PLAIN);
        assert_int_equal(is_object, rows[i].form != WRONG);
        assert_int_equal(claims_read(&either, &arena, rows[i].json), is_object);
        if (is_plain)
            assert_same(&plain, &any);
        claims_free(&any);
        claims_free(&either);
    }
}

/* Each short end of a plain object, and each byte of it turned into each other. */
static void each_mutation(void **state)
{
    static const char json[] = "{\"a\":\"b\", \"c\":10,\"d\":true}";
    const size_t length = sizeof json - 1;

    (void)state;
    for (size_t at = 0; at < length; at++) {
        for (int byte = 0; byte < 256; byte++) {
            char copy[sizeof json];
            struct claims plain, any;
            struct text text = {copy, length};

            memcpy(copy, json, sizeof json);
            copy[at] = (char)byte;
            if (!claims_read_plain(&plain, &arena, text))
                continue;
            assert_true(claims_read_any(&any, &arena, text));
            assert_same(&plain, &any);
            claims_free(&any);
        }
        arena_reset(&arena);
        assert_false(claims_read(&(struct claims){0}, &arena, (struct text){json, at}));
    }
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
        cmocka_unit_test(each_mutation),
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

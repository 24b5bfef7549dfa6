/* SPDX-License-Identifier: ISC */
/* What an Authorization header says about who asks: the token's own faults are test_token.c's. */
#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>
#include <time.h>

#include "auth.h"
#include "log.h"

static char secret[] = "0123456789abcdef0123456789abcdef", user_claim[] = "sub";
static char other_secret[] = "fedcba9876543210fedcba9876543210";
static char issuer[] = "https://a.example", audience[] = "https://api.example";
static char other_issuer[] = "https://b.example", other_audience[] = "https://b.example";

static const struct conf conf = {.secret = secret,
                                 .secret_length = sizeof(secret) - 1,
                                 .jwt_issuer = issuer,
                                 .jwt_audience = audience,
                                 .jwt_leeway = 30,
                                 .user_claim = user_claim};

static struct arena arena;

static int set_up(void **state)
{
    (void)state;
    arena_init(&arena);
    log_set_level(LOG_LEVEL_WARNING); /* standard output is the test's */
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    arena_fini(&arena);
    return 0;
}

static char *good_token(void)
{
    char *token = token_make(&conf, &arena, "u_1", NULL, time(NULL), 900);

    assert_non_null(token);
    return token;
}

static enum err check_by(const struct conf *by, const char *authorization,
                         struct principal *principal, const char **token_error)
{
    static const struct route route = {METHOD_GET, "{T}", NEEDS_TOKEN, NULL};
    struct request request = {.arena = &arena, .method = METHOD_GET};
    struct problem problem;
    struct call call = {.conf = by,
                        .arena = &arena,
                        .request = &request,
                        .problem = &problem,
                        .match = {.route = &route},
                        .principal = *principal};
    enum err err;

    problem_init(&problem, &arena);
    request.headers[HEADER_AUTHORIZATION] = authorization;
    err = auth_check(&call);
    *principal = call.principal;
    *token_error = problem.token_error;
    return err;
}

static enum err check(const char *authorization, struct principal *principal,
                      const char **token_error)
{
    return check_by(&conf, authorization, principal, token_error);
}

static void check_refused(const char *authorization, const char *expected)
{
    static const struct principal untouched = {.user = {"before", 6}};
    struct principal principal = untouched;
    const char *token_error;

    if (check(authorization, &principal, &token_error) != ERR_UNAUTHORIZED)
        fail_msg("%s: not refused", authorization);
    if (memcmp(&principal, &untouched, sizeof(principal)) != 0)
        fail_msg("%s: a principal", authorization);
    if (expected == NULL ? token_error != NULL
                         : token_error == NULL || strcmp(token_error, expected) != 0)
        fail_msg("%s: error %s, expected %s", authorization,
                 token_error == NULL ? "(none)" : token_error,
                 expected == NULL ? "none" : expected);
}

/* The header is `before`, a good token, `behind`. */
struct header_row {
    const char *before, *behind;
};

static const char *header_of(const struct header_row *row)
{
    return arena_printf(&arena, "%s%s%s", row->before, good_token(), row->behind);
}

static void test_accepted(void **state)
{
    static const struct header_row rows[] = {
        {"Bearer ", ""},    {"bearer ", ""},  {"BEARER ", ""},       {"bEaReR ", ""},
        {"Bearer    ", ""}, {"Bearer ", " "}, {"  Bearer ", " \t "},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct principal principal = {0};
        const char *token_error;

        if (check(header_of(&rows[i]), &principal, &token_error) != ERR_NONE)
            fail_msg("'%sTOKEN%s': %s", rows[i].before, rows[i].behind, token_error);
        assert_null(token_error);
        assert_true(text_equal(principal.user, text_of("u_1")));
    }
}

/* Nothing that could be a bearer token: the client is told to send one, not that it was wrong. */
static void test_no_token(void **state)
{
    static const char *const values[] = {
        NULL,
        "",
        " ",
        "Bearer",
        "Bearer ",
        "bearer    ",
        "Basic",
        "Basic dTpw",
        "Digest x",
        "Token abc",
        "JWT a.b.c",
        "Bearer\ta",
        "Bearer:a",
        "Bearer,a",
        "Bearera.b.c",
        "Beare a",
        "a.b.c",
        "Bearer=a",
        "Basic a, Bearer b",
        "\"Bearer\" a",
        "Bear\xc3\xa9r a",
    };
    static const struct header_row rows[] = {
        {"", ""},         {"Basic ", ""},           {"Bearer\t", ""},
        {"Bearer", ""},   {"Basic x, Bearer ", ""}, {"Bearer\xc2\xa0", ""},
        {"Bearer\v", ""}, {"token=", ""},           {"DPoP ", ""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
        check_refused(values[i], NULL);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        check_refused(header_of(&rows[i]), NULL);
}

static void test_malformed(void **state)
{
    static const char *const values[] = {
        "Bearer x",      "Bearer a.b",  "Bearer a.b.c",  "Bearer a b c", "Bearer .",
        "Bearer ..",     "Bearer null", "Bearer ,",      "Bearer \tx",   "Bearer undefined",
        "Bearer Bearer", "Bearer =",    "Bearer %2e%2e", "Bearer \x7f",  "Bearer {}",
    };
    static const struct header_row rows[] = {
        {"Bearer ", ","},
        {"Bearer ", ", "},
        {"Bearer ", ",Bearer x"},
        {"Bearer ", ", Bearer x"},
        {"Bearer x, Bearer ", ""},
        {"Bearer ", " x"},
        {"Bearer ", " realm=\"x\""},
        {"Bearer ", "\tx"},
        {"Bearer ", ";x"},
        {"Bearer ", "="},
        {"Bearer ", "."},
        {"Bearer ", "\r\nX: y"},
        {"Bearer Bearer ", ""},
        {"Bearer \"", "\""},
        {"Bearer token=", ""},
        {"Bearer ,", ""},
        {"Bearer \t", ""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
        check_refused(values[i], "malformed");
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        check_refused(header_of(&rows[i]), "malformed");
}

static void test_two_tokens(void **state)
{
    (void)state;
    check_refused(arena_printf(&arena, "Bearer %s, Bearer %s", good_token(), good_token()),
                  "malformed");
    check_refused(arena_printf(&arena, "Bearer %s,%s", good_token(), good_token()), "malformed");
    check_refused(arena_printf(&arena, "Bearer %s %s", good_token(), good_token()), "malformed");
}

static void test_too_long(void **state)
{
    char *value = arena_alloc(&arena, 100001);

    (void)state;
    memset(value, 'a', 100000);
    memcpy(value, "Bearer ", 7);
    value[100000] = '\0';
    check_refused(value, "malformed");
}

struct conf_row {
    const char *expected;
    const char *secret, *issuer, *audience;
    long age, lifetime;
};

/* Every reason that a client may be told, but for those that this makes no token for. */
static void test_reasons(void **state)
{
    static const struct conf_row rows[] = {
        {"bad signature", other_secret, issuer, audience, 0, 900},
        {"expired", secret, issuer, audience, 1000, 900},
        {"not yet valid", secret, issuer, audience, -100, 900},
        {"wrong issuer", secret, other_issuer, audience, 0, 900},
        {"wrong issuer", secret, NULL, audience, 0, 900},
        {"wrong audience", secret, issuer, other_audience, 0, 900},
        {"wrong audience", secret, issuer, NULL, 0, 900},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct conf other = {.secret = arena_text(&arena, text_of(rows[i].secret)),
                             .secret_length = strlen(rows[i].secret),
                             .user_claim = user_claim};
        const char *token;

        if (rows[i].issuer != NULL)
            other.jwt_issuer = arena_text(&arena, text_of(rows[i].issuer));
        if (rows[i].audience != NULL)
            other.jwt_audience = arena_text(&arena, text_of(rows[i].audience));
        token = token_make(&other, &arena, "u_1", NULL, time(NULL) - rows[i].age, rows[i].lifetime);
        check_refused(arena_printf(&arena, "Bearer %s", token), rows[i].expected);
    }
}

/* The issuer's clock is this machine's: what it issues in the first instant of a second is not from
 * the future, not even where no leeway is left. */
static void test_new_second(void **state)
{
    static const struct conf strict = {
        .secret = secret, .secret_length = sizeof(secret) - 1, .user_claim = user_claim};
    struct principal principal = {0};
    const char *header, *token_error;
    struct timespec now;
    time_t next;

    (void)state;
    clock_gettime(CLOCK_REALTIME, &now);
    next = now.tv_sec + 1;
    header = arena_printf(&arena, "Bearer %s", token_make(&strict, &arena, "u_1", NULL, next, 900));
    while (now.tv_sec < next)
        clock_gettime(CLOCK_REALTIME, &now);
    if (check_by(&strict, header, &principal, &token_error) != ERR_NONE)
        fail_msg("%s", token_error);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_accepted),   cmocka_unit_test(test_no_token),
        cmocka_unit_test(test_malformed),  cmocka_unit_test(test_two_tokens),
        cmocka_unit_test(test_too_long),   cmocka_unit_test(test_reasons),
        cmocka_unit_test(test_new_second),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, set_up, tear_down);
}

/* SPDX-License-Identifier: ISC */
/* test_conf.c: every setting, every bound, every refusal, and the syntax of the file. Each case
 * loads the settings from an environment and a file of its own, "t.conf" in a scratch directory. */
#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "conf.h"
#include "conf_file.h"
#include "log.h"

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))
#define PAIRS 6

#define GOOD_SECRET "0123456789abcdef0123456789abcdef"
#define OTHER_SECRET "fedcba9876543210fedcba9876543210"
#define GOOD_URL "postgresql://app@/todo"
#define BASE "DATABASE_URL=" GOOD_URL, "BETTER_AUTH_SECRET=" GOOD_SECRET

/* ---- loading */

struct outcome {
    struct conf conf;
    int status;
    char error[512];
};

static char scratch[] = "/tmp/test_conf.XXXXXX";

static void write_file(const char *path, const void *data, size_t length)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(data, 1, length, file), length);
    assert_int_equal(fclose(file), 0);
}

static void write_text(const char *path, const char *text)
{
    write_file(path, text, strlen(text));
}

static void load_environment(struct outcome *outcome, const char *const *pairs, bool needs_worker)
{
    char *environment[PAIRS + 2];
    size_t count = 0;
    for (; count < PAIRS && pairs[count]; count++)
        environment[count] = strdup(pairs[count]);
    environment[count] = NULL;
    memset(outcome, 0xee, sizeof(*outcome)); /* conf_load must not rely on what was there */
    snprintf(outcome->error, sizeof(outcome->error), "(no error was written)");
    outcome->status = conf_load(&outcome->conf, environment, needs_worker, outcome->error,
                                sizeof(outcome->error));
    while (count > 0) /* nothing may point into it */
        free(environment[--count]);
}

/* `file` NULL: none is there. */
static void load(struct outcome *outcome, const char *file, const char *const *pairs,
                 bool needs_worker)
{
    const char *all[PAIRS] = {file ? "TODO_CONFIG=t.conf" : "TODO_CONFIG=/dev/null"};
    for (size_t i = 0; i + 1 < PAIRS; i++)
        all[i + 1] = pairs[i];
    if (file)
        write_text("t.conf", file);
    load_environment(outcome, all, needs_worker);
}

static void expect(const struct outcome *outcome, const char *error)
{
    if (error)
        assert_string_equal(outcome->error, error);
    else if (outcome->status)
        assert_string_equal(outcome->error, "");
    assert_int_equal(outcome->status, error ? EX_CONFIG : 0);
}

/* ---- defaults */

static void test_defaults(void **state)
{
    (void)state;
    struct outcome outcome;
    const char *const none[PAIRS] = {BASE};
    load(&outcome, NULL, none, true);
    expect(&outcome, NULL);
    const struct conf *conf = &outcome.conf;
    assert_string_equal(conf->database_url, GOOD_URL);
    assert_null(conf->database_admin_url);
    assert_string_equal(conf->secret, GOOD_SECRET);
    assert_int_equal(conf->secret_length, 32);
    assert_null(conf->secret_previous);
    assert_true(conf->accounts);
    assert_int_equal(conf->bcrypt_cost, 11);
    assert_false(conf->check_session);
    assert_null(conf->trusted_proxies[0]);
    assert_null(conf->jwt_issuer);
    assert_null(conf->jwt_audience);
    assert_int_equal(conf->jwt_leeway, 30);
    assert_string_equal(conf->user_claim, "sub");
    assert_non_null(conf->cors_origins);
    assert_null(conf->cors_origins[0]);
    assert_int_equal(conf->max_body, 65536);
    assert_int_equal(conf->workers, 1);
    assert_int_equal(conf->log_level, LOG_LEVEL_INFO);
    assert_int_equal(conf->db_deadline_ms, 5000);
    assert_true(conf->db_prepare);
    assert_false(conf->require_if_match);
    conf_fini(&outcome.conf);
}

static void test_fini_clears(void **state)
{
    (void)state;
    struct outcome outcome;
    const char *const pairs[PAIRS] = {BASE, "TODO_CORS_ORIGINS=https://a.example",
                                      "TODO_JWT_ISSUER=i"};
    load(&outcome, NULL, pairs, true);
    expect(&outcome, NULL);
    conf_fini(&outcome.conf);
    assert_null(outcome.conf.secret);
    assert_int_equal(outcome.conf.secret_length, 0);
    assert_null(outcome.conf.database_url);
    assert_null(outcome.conf.cors_origins);
    assert_null(outcome.conf.jwt_issuer);
    conf_fini(&outcome.conf);
}

/* ---- numbers, booleans, levels */

static const struct {
    const char *name;
    size_t offset;
    long minimum, maximum;
} integers[] = {
    {"TODO_BCRYPT_COST", offsetof(struct conf, bcrypt_cost), 10, 15},
    {"TODO_DB_DEADLINE_MS", offsetof(struct conf, db_deadline_ms), 100, 60000},
    {"TODO_JWT_LEEWAY", offsetof(struct conf, jwt_leeway), 0, 300},
    {"TODO_MAX_BODY", offsetof(struct conf, max_body), 1024, 1048576},
    {"TODO_WORKERS", offsetof(struct conf, workers), 1, 1024},
};

static void try_integer(size_t row, const char *text, bool good, long value)
{
    struct outcome outcome;
    char pair[256], error[256];
    snprintf(pair, sizeof(pair), "%s=%s", integers[row].name, text);
    snprintf(error, sizeof(error), "%s must be a number from %ld to %ld, not \"%s\"",
             integers[row].name, integers[row].minimum, integers[row].maximum, text);
    const char *const pairs[PAIRS] = {BASE, pair};
    load(&outcome, NULL, pairs, true);
    expect(&outcome, good ? NULL : error);
    if (good) {
        const char *member = (const char *)&outcome.conf + integers[row].offset;
        assert_int_equal(*(const long *)(const void *)member, value);
    }
    conf_fini(&outcome.conf);
}

static void test_integers(void **state)
{
    (void)state;
    static const char *const never[] = {"many",
                                        "1x",
                                        " 200",
                                        "200 ",
                                        "+200",
                                        "0x80",
                                        "1e3",
                                        "200.0",
                                        "-",
                                        "--1",
                                        "1 2",
                                        "200,",
                                        "\xc2\xb2",
                                        "99999999999999999999",
                                        "-99999999999999999999",
                                        "18446744073709551617"};
    for (size_t row = 0; row < LENGTH(integers); row++) {
        char text[32];
        for (long step = -1; step <= 1; step++) {
            snprintf(text, sizeof(text), "%ld", integers[row].minimum + step);
            try_integer(row, text, step >= 0, integers[row].minimum + step);
            snprintf(text, sizeof(text), "%ld", integers[row].maximum + step);
            try_integer(row, text, step <= 0, integers[row].maximum + step);
        }
        for (size_t i = 0; i < LENGTH(never); i++)
            try_integer(row, never[i], false, 0);
    }
}

static const struct {
    const char *name;
    size_t offset;
} booleans[] = {
    {"TODO_ACCOUNTS", offsetof(struct conf, accounts)},
    {"TODO_CHECK_SESSION", offsetof(struct conf, check_session)},
    {"TODO_DB_PREPARE", offsetof(struct conf, db_prepare)},
    {"TODO_REQUIRE_IF_MATCH", offsetof(struct conf, require_if_match)},
};

static const struct {
    const char *text;
    int value; /* -1: refused */
} boolean_words[] = {
    {"1", 1},   {"0", 0},  {"true", 1}, {"FALSE", 0}, {"yes", 1},    {"No", 0},  {"on", 1},
    {"off", 0}, {"2", -1}, {"-1", -1},  {"y", -1},    {"maybe", -1}, {"1 ", -1}, {"01", -1},
};

static void try_boolean(size_t row, size_t word)
{
    struct outcome outcome;
    char pair[64], error[128];
    snprintf(pair, sizeof(pair), "%s=%s", booleans[row].name, boolean_words[word].text);
    snprintf(error, sizeof(error), "%s must be 1 or 0, not \"%s\"", booleans[row].name,
             boolean_words[word].text);
    const char *const pairs[PAIRS] = {BASE, pair};
    load(&outcome, NULL, pairs, true);
    expect(&outcome, boolean_words[word].value < 0 ? error : NULL);
    if (boolean_words[word].value >= 0) {
        const char *member = (const char *)&outcome.conf + booleans[row].offset;
        assert_int_equal(*(const bool *)member, boolean_words[word].value);
    }
    conf_fini(&outcome.conf);
}

static void test_booleans(void **state)
{
    (void)state;
    for (size_t row = 0; row < LENGTH(booleans); row++)
        for (size_t word = 0; word < LENGTH(boolean_words); word++)
            try_boolean(row, word);
}

static void test_levels(void **state)
{
    (void)state;
    static const struct {
        const char *pair;
        long level;
        const char *error;
    } rows[] = {
        {"TODO_LOG_LEVEL=error", LOG_LEVEL_ERROR, NULL},
        {"TODO_LOG_LEVEL=warning", LOG_LEVEL_WARNING, NULL},
        {"TODO_LOG_LEVEL=info", LOG_LEVEL_INFO, NULL},
        {"TODO_LOG_LEVEL=debug", LOG_LEVEL_DEBUG, NULL},
        {"TODO_LOG_LEVEL=loud", 0,
         "TODO_LOG_LEVEL must be error, warning, info or debug, not \"loud\""},
        {"TODO_LOG_LEVEL=3", 0, "TODO_LOG_LEVEL must be error, warning, info or debug, not \"3\""},
    };
    for (size_t i = 0; i < LENGTH(rows); i++) {
        struct outcome outcome;
        const char *const pairs[PAIRS] = {BASE, rows[i].pair};
        load(&outcome, NULL, pairs, true);
        expect(&outcome, rows[i].error);
        if (!rows[i].error)
            assert_int_equal(outcome.conf.log_level, rows[i].level);
        conf_fini(&outcome.conf);
    }
}

/* ---- strings */

static void test_strings(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        size_t offset;
    } rows[] = {
        {"TODO_JWT_AUDIENCE", offsetof(struct conf, jwt_audience)},
        {"TODO_JWT_ISSUER", offsetof(struct conf, jwt_issuer)},
        {"TODO_USER_CLAIM", offsetof(struct conf, user_claim)},
    };
    static const struct {
        const char *value;
        bool good;
    } values[] = {{"https://id.example", true},
                  {" x ", true},
                  {"gr\xc3\xbc\xc3\x9f", true},
                  {"=", true},
                  {"a\nb", false},
                  {"\xff", false},
                  {"\x7f", false},
                  {"\xc2\x85", false}};
    for (size_t row = 0; row < LENGTH(rows); row++)
        for (size_t i = 0; i < LENGTH(values); i++) {
            struct outcome outcome;
            char pair[128], error[128];
            snprintf(pair, sizeof(pair), "%s=%s", rows[row].name, values[i].value);
            snprintf(error, sizeof(error), "%s must be UTF-8 without control characters",
                     rows[row].name);
            const char *const pairs[PAIRS] = {BASE, pair};
            load(&outcome, NULL, pairs, true);
            expect(&outcome, values[i].good ? NULL : error);
            const char *member = (const char *)&outcome.conf + rows[row].offset;
            if (values[i].good)
                assert_string_equal(*(char *const *)(const void *)member, values[i].value);
            conf_fini(&outcome.conf);
        }
}

/* ---- origins */

#define ORIGIN_FORM                                                                                \
    "TODO_CORS_ORIGINS must be scheme://host[:port] with no path, and * only as a whole label "    \
    "before the last, not "
#define ORIGIN_PORT                                                                                \
    "TODO_CORS_ORIGINS must not name the scheme's own port: browsers leave it out, not "

static const struct {
    const char *value;
    const char *items[4];
    const char *error;
} origins[] = {
    {"https://a.example", {"https://a.example"}, NULL},
    {"https://a.example,http://localhost:3000", {"https://a.example", "http://localhost:3000"}, 0},
    {" https://a.example ,\thttps://b.example\n", {"https://a.example", "https://b.example"}, 0},
    {",,https://a.example,,", {"https://a.example"}, NULL},
    {" , ", {NULL}, NULL},
    {",", {NULL}, NULL},
    {"http://a,http://b,http://c", {"http://a", "http://b", "http://c"}, NULL},
    {"https://*.vercel.app", {"https://*.vercel.app"}, NULL},
    {"https://*.*.vercel.app:8443", {"https://*.*.vercel.app:8443"}, NULL},
    {"https://a.*.example", {"https://a.*.example"}, NULL},
    {"http://*.localhost:3000", {"http://*.localhost:3000"}, NULL},
    {"http://127.0.0.1:65535", {"http://127.0.0.1:65535"}, NULL},
    {"http://[::1]:3000", {"http://[::1]:3000"}, NULL},
    {"capacitor://localhost", {"capacitor://localhost"}, NULL},
    {"chrome-extension://abcdefgh", {"chrome-extension://abcdefgh"}, NULL},
    {"*",
     {NULL},
     "TODO_CORS_ORIGINS must list origins: answers carry credentials, so \"*\" would let every "
     "site in, not \"*\""},
    {"https://a.example,*",
     {NULL},
     "TODO_CORS_ORIGINS must list origins: answers carry credentials, so \"*\" would let every "
     "site in, not \"*\""},
    {"http://a:443,https://a:80", {"http://a:443", "https://a:80"}, NULL},
    {"https://a.example:443", {NULL}, ORIGIN_PORT "\"https://a.example:443\""},
    {"HTTPS://a.example:443", {NULL}, ORIGIN_PORT "\"HTTPS://a.example:443\""},
    {"https://b,http://[::1]:80", {NULL}, ORIGIN_PORT "\"http://[::1]:80\""},
    {"https://*.vercel.app:443", {NULL}, ORIGIN_PORT "\"https://*.vercel.app:443\""},
    {"https://a.example/", {NULL}, ORIGIN_FORM "\"https://a.example/\""},
    {"https://a.example,https://b.example/x", {NULL}, ORIGIN_FORM "\"https://b.example/x\""},
    {"a.example", {NULL}, ORIGIN_FORM "\"a.example\""},
    {"//a.example", {NULL}, ORIGIN_FORM "\"//a.example\""},
    {"://a.example", {NULL}, ORIGIN_FORM "\"://a.example\""},
    {"https:a.example", {NULL}, ORIGIN_FORM "\"https:a.example\""},
    {"https://", {NULL}, ORIGIN_FORM "\"https://\""},
    {"https://*", {NULL}, ORIGIN_FORM "\"https://*\""},
    {"https://*:3000", {NULL}, ORIGIN_FORM "\"https://*:3000\""},
    {"https://a.*", {NULL}, ORIGIN_FORM "\"https://a.*\""},
    {"https://x*.example", {NULL}, ORIGIN_FORM "\"https://x*.example\""},
    {"https://*x.example", {NULL}, ORIGIN_FORM "\"https://*x.example\""},
    {"https://**.example", {NULL}, ORIGIN_FORM "\"https://**.example\""},
    {"*://a.example", {NULL}, ORIGIN_FORM "\"*://a.example\""},
    {"https://a..example", {NULL}, ORIGIN_FORM "\"https://a..example\""},
    {"https://.example", {NULL}, ORIGIN_FORM "\"https://.example\""},
    {"https://a.example.", {NULL}, ORIGIN_FORM "\"https://a.example.\""},
    {"https://a.example:", {NULL}, ORIGIN_FORM "\"https://a.example:\""},
    {"https://a.example:0", {NULL}, ORIGIN_FORM "\"https://a.example:0\""},
    {"https://a.example:65536", {NULL}, ORIGIN_FORM "\"https://a.example:65536\""},
    {"https://a.example:*", {NULL}, ORIGIN_FORM "\"https://a.example:*\""},
    {"https://a.example:80:80", {NULL}, ORIGIN_FORM "\"https://a.example:80:80\""},
    {"https://u@a.example", {NULL}, ORIGIN_FORM "\"https://u@a.example\""},
    {"https://a.example?x", {NULL}, ORIGIN_FORM "\"https://a.example?x\""},
    {"https://a b.example", {NULL}, ORIGIN_FORM "\"https://a b.example\""},
    {"http://[]", {NULL}, ORIGIN_FORM "\"http://[]\""},
    {"http://[::1", {NULL}, ORIGIN_FORM "\"http://[::1\""},
    {"http://[::1]x", {NULL}, ORIGIN_FORM "\"http://[::1]x\""},
    {"null", {NULL}, ORIGIN_FORM "\"null\""},
    {"[\"https://a.example\"]", {NULL}, ORIGIN_FORM "\"[\"https://a.example\"]\""},
    {"https://a\n\x7f\x1b"
     "b",
     {NULL},
     ORIGIN_FORM "\"https://a???b\""}, /* one line, whatever the value */
};

static void test_origins(void **state)
{
    (void)state;
    for (size_t i = 0; i < LENGTH(origins); i++) {
        struct outcome outcome;
        char pair[256];
        snprintf(pair, sizeof(pair), "TODO_CORS_ORIGINS=%s", origins[i].value);
        const char *const pairs[PAIRS] = {BASE, pair};
        load(&outcome, NULL, pairs, true);
        expect(&outcome, origins[i].error);
        for (size_t k = 0; k < LENGTH(origins[i].items) && !origins[i].error; k++) {
            if (!origins[i].items[k]) {
                assert_null(outcome.conf.cors_origins[k]);
                break;
            }
            assert_string_equal(outcome.conf.cors_origins[k], origins[i].items[k]);
        }
        conf_fini(&outcome.conf);
    }
}

/* ---- where an issuer's keys are */

#define PLACE_FORM                                                                                 \
    "TODO_JWKS must be the path of a file, \"database\", an https URL without user or fragment, "  \
    "or an http URL of this machine"

static void test_places_of_keys(void **state)
{
    (void)state;
    static const struct {
        const char *place;
        const char *shown; /* NULL: it is taken; "": refused without a word of it */
    } rows[] = {
        {"/etc/keys.json", NULL},
        {"database", NULL},
        {"https://a.example/api/auth/jwks?x=1", NULL},
        {"https://a.example:8443", NULL},
        {"http://127.0.0.1:3000/jwks", NULL},
        {"http://localhost/jwks", NULL},
        {"http://[::1]:3000/jwks", NULL},
        {"keys.json", "keys.json"},
        {"databases", "databases"},
        {"http://a.example/jwks", "http://a.example/jwks"},
        {"http://127.0.0.1.a.example/", "http://127.0.0.1.a.example/"},
        {"http://127.0.0.1:0/", "http://127.0.0.1:0/"},
        {"https://*.example/jwks", "https://*.example/jwks"},
        {"https://a.example/jwks#x", "https://a.example/jwks#x"},
        {"https://a.example\\b", "https://a.example\\b"},
        {"ftp://a.example/jwks", "ftp://a.example/jwks"},
        {"file:///etc/keys.json", "file:///etc/keys.json"},
        {"https://user:password@a.example/jwks", ""},
        {"http://localhost:80@a.example/jwks", ""},
    };
    for (size_t i = 0; i < LENGTH(rows); i++) {
        struct outcome outcome;
        char pair[256], error[256];
        const char *shown = rows[i].shown;
        snprintf(pair, sizeof(pair), "TODO_JWKS=%s", rows[i].place);
        snprintf(error, sizeof(error), "%s%s%s%s", PLACE_FORM, shown && *shown ? ", not \"" : "",
                 shown ? shown : "", shown && *shown ? "\"" : "");
        const char *const pairs[PAIRS] = {BASE, pair};
        load(&outcome, NULL, pairs, true);
        expect(&outcome, shown ? error : NULL);
        if (!shown)
            assert_string_equal(outcome.conf.jwks, rows[i].place);
        conf_fini(&outcome.conf);
    }
}

static void test_long_value_is_cut(void **state)
{
    (void)state;
    struct outcome outcome;
    static char pair[100000] = "TODO_WORKERS=";
    memset(pair + strlen(pair), '7', sizeof(pair) - 1 - strlen(pair));
    const char *const pairs[PAIRS] = {BASE, pair};
    load(&outcome, NULL, pairs, true);
    assert_int_equal(outcome.status, EX_CONFIG);
    assert_true(strlen(outcome.error) < 160);
    conf_fini(&outcome.conf);
}

/* ---- database URLs */

#define URL_FORM                                                                                   \
    " must begin with postgresql:// or be a libpq string such as "                                 \
    "\"host=/run/postgresql dbname=todo\""

static const struct {
    const char *given;
    const char *taken; /* NULL: refused */
} urls[] = {
    {"postgresql://u:p@h:5432/d?sslmode=require", "postgresql://u:p@h:5432/d?sslmode=require"},
    {"postgres://u:p@h/d", "postgresql://u:p@h/d"},
    {"postgresql+asyncpg://u:p@h/d", "postgresql://u:p@h/d"},
    {"postgresql+psycopg2://u:p@h/d", "postgresql://u:p@h/d"},
    {"postgresql+psycopg://u:p@h/d", "postgresql://u:p@h/d"},
    {"postgres+asyncpg://u:p@h/d", "postgresql://u:p@h/d"},
    {"postgresql+asyncpg://u:p@h/d?ssl=require", "postgresql://u:p@h/d?sslmode=require"},
    {"postgresql://u:p@h/d?port=1&ssl=verify-full&user=d",
     "postgresql://u:p@h/d?port=1&sslmode=verify-full&user=d"},
    {"postgresql+asyncpg://?ssl=allow&host=/run", "postgresql://?sslmode=allow&host=/run"},
    {"postgresql://h/d?ssl=true", "postgresql://h/d?ssl=true"}, /* libpq knows this one */
    {"postgresql://h/d?application_name=ssl%3Dx", "postgresql://h/d?application_name=ssl%3Dx"},
    {"postgresql://u:p?ssl=x@h/d", "postgresql://u:p?ssl=x@h/d"}, /* a password */
    {"postgresql://u:p?ssl=x@h/d?ssl=allow", "postgresql://u:p?ssl=x@h/d?sslmode=allow"},
    {"postgresql:///d?host=/run/postgresql", "postgresql:///d?host=/run/postgresql"},
    {"postgresql://", "postgresql://"},
    {"host=/run/postgresql dbname=todo", "host=/run/postgresql dbname=todo"},
    {"host=h password=a://b?ssl=c", "host=h password=a://b?ssl=c"},
    {"service=todo", "service=todo"},
    {"sqlite:///./test.db", NULL},
    {"mysql+pymysql://u:p@h/d", NULL},
    {"postgresqls://u:p@h/d", NULL},
    {"+asyncpg://u:p@h/d", NULL},
    {"://h/d", NULL},
    {"todo", NULL},
    {"postgresql:/h/d", NULL},
};

#define UNREADABLE                                                                                 \
    " is none that libpq can read; in a URL, % is written %25, @ %40, : %3A and / %2F"

/* Those of which libpq would see a part of the password elsewhere, too. */
static const char *const unreadable[] = {
    "postgresql://u:p@h/d?foo=1",
    "postgresql://u:p@h/d?sslmod=require",
    "postgresql+asyncpg://u:p@h/d?xssl=require",
    "postgresql://h/d?application_name=ssl=x",
    "postgresql://u:p%zz@h/d",
    "postgresql://u:p%00@h/d",
    "foo=bar",
    "host=x dbname",
    "host='x",
    "postgresql://u:p@ss@h/d",
    "postgresql://u:p@@h/d",
    "postgresql+asyncpg://u:p@s:s@h/d",
    "postgresql://u:p@s/s@h/d",
    "postgresql://u:p/s@h/d",
    "postgresql://u:1/s@h/d?sslmode=require",
    "postgresql://u:p?s@s@h/d",
};

static void test_unreadable_database_urls(void **state)
{
    (void)state;
    static const char *const names[] = {"DATABASE_URL", "DATABASE_ADMIN_URL", "DATABASE_READ_URL"};
    for (size_t i = 0; i < LENGTH(unreadable); i++)
        for (size_t name = 0; name < LENGTH(names); name++) {
            struct outcome outcome;
            char pair[256], error[256];
            snprintf(pair, sizeof(pair), "%s=%s", names[name], unreadable[i]);
            snprintf(error, sizeof(error), "%s%s", names[name], UNREADABLE);
            const char *const pairs[PAIRS] = {pair};
            load(&outcome, NULL, pairs, false);
            expect(&outcome, error);
            conf_fini(&outcome.conf);
        }
}

static void test_database_urls(void **state)
{
    (void)state;
    static const char *const names[] = {"DATABASE_URL", "DATABASE_ADMIN_URL", "DATABASE_READ_URL"};
    for (size_t i = 0; i < LENGTH(urls); i++)
        for (size_t name = 0; name < LENGTH(names); name++) {
            struct outcome outcome;
            char pair[256], error[256];
            snprintf(pair, sizeof(pair), "%s=%s", names[name], urls[i].given);
            snprintf(error, sizeof(error), "%s" URL_FORM, names[name]);
            const char *const pairs[PAIRS] = {pair};
            load(&outcome, NULL, pairs, false);
            expect(&outcome, urls[i].taken ? NULL : error);
            const char *const values[] = {outcome.conf.database_url,
                                          outcome.conf.database_admin_url,
                                          outcome.conf.database_read_url};
            const char *taken = values[name];
            if (urls[i].taken)
                assert_string_equal(taken, urls[i].taken);
            conf_fini(&outcome.conf);
        }
}

/* ---- secrets, aliases, precedence, names */

#define SHORT_SECRET "0123456789abcdef0123456789abcde"
#define MAKE_ONE "make one with todoctl secret"
#define NO_SECRET                                                                                  \
    "none of BETTER_AUTH_SECRET, TODO_JWKS and TODO_SESSIONS is set, so no token can be judged: "  \
    "give one in the environment or in "
#define NO_URL "DATABASE_URL is not set: give it in the environment or in "

static const struct row {
    const char *file; /* NULL: none */
    const char *pairs[PAIRS];
    const char *error; /* NULL: loads */
    const char *secret;
    long workers; /* 0: not looked at */
    const char *first_origin;
} rows[] = {
    /* a secret's strength */
    {NULL,
     {"BETTER_AUTH_SECRET=" SHORT_SECRET},
     .error = "BETTER_AUTH_SECRET must have at least 32 bytes: " MAKE_ONE},
    {"JWT_SECRET=short\n",
     {NULL},
     .error = "t.conf:1: JWT_SECRET must have at least 32 bytes: " MAKE_ONE},
    {NULL,
     {"SECRET_KEY=better-auth-secret-12345678901234567890"},
     .error = "SECRET_KEY is Better Auth's public default, which everybody knows: " MAKE_ONE},
    {NULL, {"BETTER_AUTH_SECRET=" GOOD_SECRET "x"}, .secret = GOOD_SECRET "x"},

    /* aliases: the first wins, two that differ are refused, within one place */
    {NULL, {"JWT_SECRET=" GOOD_SECRET}, .secret = GOOD_SECRET},
    {NULL, {"JWT_SECRET_KEY=" GOOD_SECRET}, .secret = GOOD_SECRET},
    {NULL, {"SECRET_KEY=" GOOD_SECRET}, .secret = GOOD_SECRET},
    {NULL, {"SECRET_KEY=" GOOD_SECRET, "JWT_SECRET=" GOOD_SECRET}, .secret = GOOD_SECRET},
    {NULL,
     {"SECRET_KEY=" GOOD_SECRET, "JWT_SECRET=" OTHER_SECRET},
     .error = "JWT_SECRET and SECRET_KEY are both set and differ: keep one"},
    {NULL,
     {"SECRET_KEY=short", "BETTER_AUTH_SECRET=" OTHER_SECRET},
     .error = "BETTER_AUTH_SECRET and SECRET_KEY are both set and differ: keep one"},
    {"SECRET_KEY=" GOOD_SECRET "\n\nBETTER_AUTH_SECRET=" OTHER_SECRET,
     {NULL},
     .error = "t.conf:1: BETTER_AUTH_SECRET and SECRET_KEY are both set and differ: keep one"},
    {NULL, {"BETTER_AUTH_SECRET=" GOOD_SECRET, "JWT_SECRET="}, .secret = GOOD_SECRET},
    {NULL, {"CORS_ORIGINS=http://a"}, .first_origin = "http://a"},
    {NULL,
     {"CORS_ORIGINS=http://a", "TODO_CORS_ORIGINS=http://b"},
     .error = "TODO_CORS_ORIGINS and CORS_ORIGINS are both set and differ: keep one"},
    {NULL,
     {"CORS_ORIGINS=*"},
     .error =
         "CORS_ORIGINS must list origins: answers carry credentials, so \"*\" would let every site "
         "in, not \"*\""},

    /* the environment wins, setting by setting */
    {"TODO_WORKERS=4\n", {NULL}, .workers = 4},
    {"TODO_WORKERS=4\n", {"TODO_WORKERS=5"}, .workers = 5},
    {"TODO_WORKERS=none\n", {"TODO_WORKERS=5"}, .workers = 5},
    {"TODO_WORKERS=4\n", {"TODO_WORKERS="}, .workers = 4},
    {"TODO_WORKERS=\n", {NULL}, .workers = 1},
    {"TODO_WORKERS=4\nTODO_WORKERS=6\n", {NULL}, .workers = 6},
    {"BETTER_AUTH_SECRET=" OTHER_SECRET, {"SECRET_KEY=" GOOD_SECRET}, .secret = GOOD_SECRET},
    {"TODO_CORS_ORIGINS=http://b", {"CORS_ORIGINS=http://a"}, .first_origin = "http://a"},
    {"TODO_WORKERS=4\nBETTER_AUTH_SECRET=" OTHER_SECRET,
     {"BETTER_AUTH_SECRET=" GOOD_SECRET},
     .secret = GOOD_SECRET,
     .workers = 4},

    /* _FILE */
    {NULL, {"BETTER_AUTH_SECRET_FILE=good"}, .secret = GOOD_SECRET},
    {NULL, {"BETTER_AUTH_SECRET_FILE=good-crlf"}, .secret = GOOD_SECRET},
    {NULL, {"BETTER_AUTH_SECRET_FILE=good-bare"}, .secret = GOOD_SECRET},
    {NULL, {"BETTER_AUTH_SECRET_FILE=good-two-newlines"}, .secret = GOOD_SECRET "\n"},
    {NULL, {"JWT_SECRET_KEY_FILE=good"}, .secret = GOOD_SECRET},
    {"JWT_SECRET_FILE=good", {NULL}, .secret = GOOD_SECRET},
    {"BETTER_AUTH_SECRET=" OTHER_SECRET, {"JWT_SECRET_FILE=good"}, .secret = GOOD_SECRET},
    {NULL,
     {"BETTER_AUTH_SECRET_FILE=good", "BETTER_AUTH_SECRET=" GOOD_SECRET},
     .error = "BETTER_AUTH_SECRET and BETTER_AUTH_SECRET_FILE are both set: keep one"},
    {NULL,
     {"JWT_SECRET_FILE=good", "BETTER_AUTH_SECRET=" GOOD_SECRET},
     .error = "BETTER_AUTH_SECRET and JWT_SECRET_FILE are both set: keep one"},
    {NULL,
     {"JWT_SECRET_FILE=good", "BETTER_AUTH_SECRET_FILE=good"},
     .error = "BETTER_AUTH_SECRET_FILE and JWT_SECRET_FILE are both set: keep one"},
    {NULL,
     {"BETTER_AUTH_SECRET_FILE=missing"},
     .error =
         "BETTER_AUTH_SECRET_FILE names a file that cannot be read: No such file or directory"},
    {"\nJWT_SECRET_FILE=.\n",
     {NULL},
     .error = "t.conf:2: JWT_SECRET_FILE names a file that cannot be read: Is a directory"},
    {NULL,
     {"BETTER_AUTH_SECRET_FILE=large"},
     .error = "BETTER_AUTH_SECRET_FILE names a file that cannot be read: it is larger than 64 KiB"},
    {NULL,
     {"BETTER_AUTH_SECRET_FILE=/dev/zero"},
     .error = "BETTER_AUTH_SECRET_FILE names a file that cannot be read: it is larger than 64 KiB"},
    {NULL,
     {"BETTER_AUTH_SECRET_FILE=nul"},
     .error = "BETTER_AUTH_SECRET_FILE names a file that cannot be read: it holds a NUL byte"},
    {NULL,
     {"BETTER_AUTH_SECRET_FILE=empty"},
     .error = "BETTER_AUTH_SECRET_FILE names a file that is empty"},
    {NULL,
     {"BETTER_AUTH_SECRET_FILE=newline"},
     .error = "BETTER_AUTH_SECRET_FILE names a file that is empty"},
    {NULL,
     {"BETTER_AUTH_SECRET_FILE=short"},
     .error = "BETTER_AUTH_SECRET_FILE must have at least 32 bytes: " MAKE_ONE},
    {NULL,
     {"TODO_JWT_ISSUER_FILE=good"},
     .error = "TODO_JWT_ISSUER_FILE is not a setting: did you mean TODO_JWT_ISSUER?"},

    /* names that are not settings */
    {NULL, {"NODE_ENV=x", "TODOS=1", "todo_workers=9", "workers=9"}, .workers = 1},
    {"NODE_ENV=x\nHOST=y\nTODOS=1\n", {NULL}, .workers = 1},
    {NULL, {"TODO_WORKER=2"}, .error = "TODO_WORKER is not a setting: did you mean TODO_WORKERS?"},
    {"# one\n\nTODO_LOGLEVEL=debug\n",
     {NULL},
     .error = "t.conf:3: TODO_LOGLEVEL is not a setting: did you mean TODO_LOG_LEVEL?"},
    {NULL,
     {"TODO_DATABASE_URL=x"},
     .error = "TODO_DATABASE_URL is not a setting: did you mean DATABASE_URL?"},
    {NULL,
     {"TODO_SECRET_KEY=x"},
     .error = "TODO_SECRET_KEY is not a setting: did you mean JWT_SECRET_KEY?"},
    {NULL, {"TODO_CONFG=x"}, .error = "TODO_CONFG is not a setting: did you mean TODO_CONFIG?"},
    {NULL, {"TODO_=x"}, .error = "TODO_ is not a setting: did you mean TODO_JWKS?"},
    {NULL, {"TODO_a\nb=x"}, .error = "TODO_a?b is not a setting: did you mean TODO_JWKS?"},
    {"TODO_CONFIG=other.conf\n",
     {NULL},
     .error = "t.conf:1: TODO_CONFIG is taken from the environment only"},
    {NULL, {"TODO_WORKERS", "=", "=x"}, .workers = 1}, /* not assignments of ours */

    /* the file itself */
    {NULL,
     {"TODO_CONFIG=missing.conf"},
     .error =
         "missing.conf: cannot be read: No such file or directory: correct it, or name another in "
         "TODO_CONFIG"},
    {NULL,
     {"TODO_CONFIG=large"},
     .error = "large: cannot be read: it is larger than 64 KiB: correct it, or name another in "
              "TODO_CONFIG"},
    {NULL,
     {"TODO_CONFIG=nul"},
     .error =
         "nul: cannot be read: it holds a NUL byte: correct it, or name another in TODO_CONFIG"},
    {"TODO_JWT_ISSUER=\xff\n", {NULL}, .error = "t.conf: must be UTF-8"},
    {"\n\nnonsense\n", {NULL}, .error = "t.conf:3: expected NAME=VALUE"},
    {"A=1\n2B=3\n", {NULL}, .error = "t.conf:2: a name is made of letters, digits and _"},
    {"\nA='x\ny\n", {NULL}, .error = "t.conf:2: a quote that is opened here is never closed"},
    {"A=1\nTODO_WORKERS=many\n",
     {NULL},
     .error = "t.conf:2: TODO_WORKERS must be a number from 1 to 1024, not \"many\""},
    {"A=b\\\nc\nB='\n\n'\nTODO_WORKERS=0\n",
     {NULL},
     .error = "t.conf:6: TODO_WORKERS must be a number from 1 to 1024, not \"0\""},
    {"A=1\r\nTODO_WORKERS=many\r\n",
     {NULL},
     .error = "t.conf:2: TODO_WORKERS must be a number from 1 to 1024, not \"many\""},
};

static void make_files(void)
{
    static char large[CONF_FILE_MAX + 1];
    memset(large, 'x', sizeof(large));
    write_file("large", large, sizeof(large));
    write_file("nul", "TODO_WORKERS=1\0\n", 16);
    write_text("good", GOOD_SECRET "\n");
    write_text("good-crlf", GOOD_SECRET "\r\n");
    write_text("good-bare", GOOD_SECRET);
    write_text("good-two-newlines", GOOD_SECRET "\n\n");
    write_text("short", SHORT_SECRET "\n");
    write_text("empty", "");
    write_text("newline", "\n");
}

static void try_row(const struct row *row)
{
    struct outcome outcome;
    load(&outcome, row->file, row->pairs, false);
    expect(&outcome, row->error);
    if (row->secret) {
        assert_string_equal(outcome.conf.secret, row->secret);
        assert_int_equal(outcome.conf.secret_length, strlen(row->secret));
    }
    if (row->workers)
        assert_int_equal(outcome.conf.workers, row->workers);
    if (row->first_origin)
        assert_string_equal(outcome.conf.cors_origins[0], row->first_origin);
    conf_fini(&outcome.conf);
}

static void test_rows(void **state)
{
    (void)state;
    make_files();
    for (size_t i = 0; i < LENGTH(rows); i++) {
        const char *error = rows[i].error;
        if (error && strlen(error) > 400)
            fail_msg("row %zu expects too long an error", i);
        try_row(&rows[i]);
    }
}

static void test_largest_file(void **state)
{
    (void)state;
    struct outcome outcome;
    const char *const none[PAIRS] = {NULL};
    static char text[CONF_FILE_MAX + 1];
    memset(text, '#', CONF_FILE_MAX);
    memcpy(text + CONF_FILE_MAX - 16, "\nTODO_WORKERS=77", 16);
    load(&outcome, text, none, false);
    expect(&outcome, NULL);
    assert_int_equal(outcome.conf.workers, 77);
    conf_fini(&outcome.conf);
}

static void test_worker_needs(void **state)
{
    (void)state;
    static const struct {
        const char *pairs[PAIRS];
        const char *error;
    } needs[] = {
        {{BASE}, NULL},
        {{"DATABASE_URL=" GOOD_URL}, NO_SECRET "t.conf"},
        {{"BETTER_AUTH_SECRET=" GOOD_SECRET}, NO_URL "t.conf"},
        {{"DATABASE_ADMIN_URL=" GOOD_URL, "BETTER_AUTH_SECRET=" GOOD_SECRET}, NO_URL "t.conf"},
        {{"DATABASE_URL=" GOOD_URL, "BETTER_AUTH_SECRET="}, NO_SECRET "t.conf"},
        {{NULL}, NO_URL "t.conf"},
    };
    for (size_t i = 0; i < LENGTH(needs); i++)
        for (int needs_worker = 0; needs_worker <= 1; needs_worker++) {
            struct outcome outcome;
            load(&outcome, "", needs[i].pairs, needs_worker);
            expect(&outcome, needs_worker ? needs[i].error : NULL);
            conf_fini(&outcome.conf);
        }
}

static void test_default_file_may_be_missing(void **state)
{
    (void)state;
    struct outcome outcome;
    if (access(TODO_DEFAULT_CONFIG, F_OK) == 0)
        skip();
    const char *const pairs[PAIRS] = {"TODO_WORKERS=3", "TODO_CONFIG="};
    load_environment(&outcome, pairs, false);
    expect(&outcome, NULL);
    assert_int_equal(outcome.conf.workers, 3);
    conf_fini(&outcome.conf);
    load_environment(&outcome, pairs, true);
    expect(&outcome, NO_URL TODO_DEFAULT_CONFIG);
    conf_fini(&outcome.conf);
}

static void test_small_error_buffer(void **state)
{
    (void)state;
    struct conf conf;
    char error[8];
    char entry[] = "TODO_WORKERS=many", config[] = "TODO_CONFIG=/dev/null";
    char *environment[] = {config, entry, NULL};
    assert_int_equal(conf_load(&conf, environment, true, error, sizeof(error)), EX_CONFIG);
    assert_string_equal(error, "TODO_WO");
    conf_fini(&conf);
}

/* ---- nothing secret is shown */

static void test_no_secret_in_errors(void **state)
{
    (void)state;
    static const char needle[] = "n33dle-n33dle";
    static const char *const names[] = {
        "BETTER_AUTH_SECRET", "JWT_SECRET",         "SECRET_KEY",        "BETTER_AUTH_SECRET_FILE",
        "DATABASE_URL",       "DATABASE_ADMIN_URL", "DATABASE_URL_FILE", "TODO_SECRET"};
    static const struct {
        const char *before, *after; /* the value */
    } forms[] = {
        {"=", "\n"}, {"='", "\n"}, {" \"", "\"\n"}, {"=", "\nSECRET_KEY=x"}, {"=", "\n=\n"}};
    for (size_t i = 0; i < LENGTH(names); i++)
        for (size_t form = 0; form < LENGTH(forms); form++) {
            struct outcome outcome;
            const char *const none[PAIRS] = {NULL};
            char text[256];
            snprintf(text, sizeof(text), "%s%s%s%s", names[i], forms[form].before, needle,
                     forms[form].after);
            load(&outcome, text, none, false);
            assert_int_equal(outcome.status, EX_CONFIG);
            assert_null(strstr(outcome.error, needle));
            conf_fini(&outcome.conf);
        }
}

static void expect_masked(const char *text)
{
    int ends[2];
    char line[1024];
    assert_int_equal(pipe(ends), 0);
    int kept = dup(STDERR_FILENO);
    dup2(ends[1], STDERR_FILENO);
    log_error("<%s>", text);
    dup2(kept, STDERR_FILENO);
    close(kept);
    close(ends[1]);
    ssize_t length = read(ends[0], line, sizeof(line) - 1);
    close(ends[0]);
    line[length > 0 ? length : 0] = '\0';
    if (!strstr(line, "<****>"))
        fail_msg("seen in the log: %s", line);
}

static void test_secrets_are_masked(void **state)
{
    (void)state;
    struct outcome outcome;
    write_text("masked", "secret-in-a-file-0123456789abcdef\n");
    static const char *const sets[][PAIRS] = {
        {"BETTER_AUTH_SECRET=secret-in-the-environment-0123456789",
         "DATABASE_URL=postgresql+asyncpg://app:url-password@h/todo",
         "DATABASE_ADMIN_URL=host=h password='quoted password' user=o"},
        {"JWT_SECRET_FILE=masked", "DATABASE_URL=host=h password=plain-password user=o",
         "DATABASE_ADMIN_URL=postgresql://h/d?user=o&password=query-password&port=1"},
        {"BETTER_AUTH_SECRET=too-short-secret"},
        {"DATABASE_URL=sqlite:///refused-url"},
        {"DATABASE_URL=postgresql://app:password@with-an-at@h/todo"},
    };
    for (size_t i = 0; i < LENGTH(sets); i++) {
        load(&outcome, NULL, sets[i], false);
        conf_fini(&outcome.conf);
    }
    static const char *const masked[] = {
        "secret-in-the-environment-0123456789",
        "postgresql://app:url-password@h/todo",
        "url-password",
        "quoted password",
        "host=h password='quoted password' user=o",
        "secret-in-a-file-0123456789abcdef",
        "plain-password",
        "query-password",
        "too-short-secret",
        "sqlite:///refused-url",
        "password@with-an-at",
    };
    for (size_t i = 0; i < LENGTH(masked); i++)
        expect_masked(masked[i]);
}

/* ---- the syntax of the file, as systemd reads an EnvironmentFile */

static const struct {
    const char *text;
    const char *read; /* "LINE NAME=<VALUE>;" for each, then "LINE fault" */
} syntax[] = {
    {"", ""},
    {"\n \t\r\n\n", ""},
    {"# A=1\n; B=2\n  # C=3\n", ""},
    {"A=1", "1 A=<1>;"},
    {"A=1\nB=2\n", "1 A=<1>;2 B=<2>;"},
    {"A=1\r\nB=2\r\n", "1 A=<1>;2 B=<2>;"},
    {"\n\n A = two words \t\n", "3 A=<two words>;"},
    {"A=", "1 A=<>;"},
    {"A=\nB=x", "1 A=<>;2 B=<x>;"},
    {"A=  \nB=x", "1 A=<>;2 B=<x>;"},
    {"A==", "1 A=<=>;"},
    {"A=b=c", "1 A=<b=c>;"},
    {"A=b # no comment", "1 A=<b # no comment>;"},
    {"A=b;c", "1 A=<b;c>;"},
    {"A=#b", "1 A=<#b>;"},
    {"_a1=x", "1 _a1=<x>;"},
    /* comments do not continue (since systemd 254) */
    {"# x \\\nA=1", "2 A=<1>;"},
    /* export, as shells' and the family's .env files have it */
    {"export A=1", "1 A=<1>;"},
    {"  export\t A =1", "1 A=<1>;"},
    {"export=1", "1 export=<1>;"},
    {"exported=1", "1 exported=<1>;"},
    {"export =1", "1 export=<1>;"},
    /* unquoted backslashes */
    {"A=a\\b", "1 A=<ab>;"},
    {"A=a\\\\b", "1 A=<a\\b>;"},
    {"A=\\\"q\\'", "1 A=<\"q'>;"},
    {"A=\\#x", "1 A=<#x>;"},
    {"A=a\\\nb\nB=1", "1 A=<ab>;3 B=<1>;"},
    {"A=a\\\r\nb\r\nB=1", "1 A=<ab>;3 B=<1>;"},
    {"A=a \\\n  b  \nB=1", "1 A=<a   b>;3 B=<1>;"},
    {"A=a\\ \nB=1", "1 A=<a >;2 B=<1>;"},
    {"A=\\\nb", "1 A=<b>;"},
    {"A=a\\\n\\\nb", "1 A=<ab>;"},
    {"A=a\\", "1 A=<a>;"},
    {"A=\\", "1 A=<>;"},
    {"A=a\\\n", "1 A=<a>;"},
    /* single quotes */
    {"A='x y'", "1 A=<x y>;"},
    {"A='a\\b\\'", "1 A=<a\\b\\>;"},
    {"A='a\"b'", "1 A=<a\"b>;"},
    {"A='  x  '  \nB=1", "1 A=<  x  >;2 B=<1>;"},
    {"A='a\nb'\nB=1", "1 A=<a\nb>;3 B=<1>;"},
    {"A=''", "1 A=<>;"},
    {"A='#x'", "1 A=<#x>;"},
    /* double quotes */
    {"A=\"x y\"", "1 A=<x y>;"},
    {"A=\"a\\\"b\\\\c\\`d\\$e\"", "1 A=<a\"b\\c`d$e>;"},
    {"A=\"a\\nb\"", "1 A=<a\\nb>;"},
    {"A=\"a\\'b\"", "1 A=<a\\'b>;"},
    {"A=\"a\\\nb\"\nB=1", "1 A=<ab>;3 B=<1>;"},
    {"A=\"a\\\r\nb\"\nB=1", "1 A=<ab>;3 B=<1>;"},
    {"A=\"a\nb\"\nB=1", "1 A=<a\nb>;3 B=<1>;"},
    {"A=\"\"", "1 A=<>;"},
    /* quotes beside other things */
    {"A='x'y", "1 A=<xy>;"},
    {"A='x' y", "1 A=<xy>;"},
    {"A='x' \"y\" 'z'", "1 A=<xyz>;"},
    {"A=x'y z'", "1 A=<x'y z'>;"},
    {"A=x\"y", "1 A=<x\"y>;"},
    {"A=\"q\" # tail", "1 A=<q# tail>;"},
    {"A=\"one\"two'three'", "1 A=<onetwo'three'>;"},
    /* faults */
    {"A", "1 expected NAME=VALUE"},
    {"A=1\nB\n", "1 A=<1>;2 expected NAME=VALUE"},
    {"A\n=1", "1 expected NAME=VALUE"},
    {"=1", "1 a name is made of letters, digits and _"},
    {"1A=1", "1 a name is made of letters, digits and _"},
    {"A B=1", "1 a name is made of letters, digits and _"},
    {"A-B=1", "1 a name is made of letters, digits and _"},
    {"\xef\xbb\xbf"
     "A=1",
     "1 a name is made of letters, digits and _"},
    {"export A B=1", "1 a name is made of letters, digits and _"},
    {"\nA='x", "2 a quote that is opened here is never closed"},
    {"A=\"x", "1 a quote that is opened here is never closed"},
    {"A=\"x\\", "1 a quote that is opened here is never closed"},
    {"A=\"x\\\"", "1 a quote that is opened here is never closed"},
    {"A='\nB='x\n", "1 A=<\nB=x>;"},
};

static void read_syntax(const char *source, char *out, size_t size)
{
    char *text = strdup(source); /* exactly as long, so that an overrun is seen */
    struct conf_file file = {text, 1};
    struct conf_entry entry;
    const char *fault;
    size_t length = 0;
    int found;
    out[0] = '\0';
    while ((found = conf_file_next(&file, &entry, &fault)) > 0)
        length += (size_t)snprintf(out + length, size - length, "%u %s=<%s>;", entry.line,
                                   entry.name, entry.value);
    if (found < 0)
        snprintf(out + length, size - length, "%u %s", entry.line, fault);
    free(text);
}

static void test_syntax(void **state)
{
    (void)state;
    for (size_t i = 0; i < LENGTH(syntax); i++) {
        char read[256];
        read_syntax(syntax[i].text, read, sizeof(read));
        assert_string_equal(read, syntax[i].read);
    }
}

/* Every text of up to 6 of the bytes that matter: none may hang, overrun or grow. */
static void test_syntax_exhaustively(void **state)
{
    (void)state;
    static const char bytes[] = "A=\\\n\"' #";
    size_t count = sizeof(bytes) - 1, total = 1;
    for (size_t length = 0; length <= 6; length++, total *= count)
        for (size_t number = 0; number < total; number++) {
            char text[8] = "", *heap;
            size_t rest = number;
            for (size_t i = 0; i < length; i++, rest /= count)
                text[i] = bytes[rest % count];
            heap = strdup(text);
            struct conf_file file = {heap, 1};
            struct conf_entry entry;
            const char *fault = NULL;
            int found;
            while ((found = conf_file_next(&file, &entry, &fault)) > 0)
                assert_true(strlen(entry.name) + strlen(entry.value) < length);
            assert_true(found == 0 || fault);
            free(heap);
        }
}

/* ---- the printed forms */

static char *printed(void (*print)(FILE *out))
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    print(out);
    fclose(out);
    return text;
}

static void test_print_table(void **state)
{
    (void)state;
    static const char *const expected[] = {
        "BETTER_AUTH_SECRET\tsecret\t-\t1\tJWT_SECRET,JWT_SECRET_KEY,SECRET_KEY\t",
        "BETTER_AUTH_SECRET_PREVIOUS\tsecret\t-\t1\t-\t",
        "DATABASE_ADMIN_URL\turl\t-\t1\t-\t",
        "DATABASE_READ_URL\turl\t-\t1\t-\t",
        "DATABASE_URL\turl\t-\t1\t-\t",
        "TODO_ACCOUNTS\tboolean\t1\t0\t-\t",
        "TODO_BCRYPT_COST\tinteger\t11\t0\t-\t",
        "TODO_BETTER_AUTH_JWKS\tlist\tjwks,id,publicKey,alg,expiresAt\t0\t-\t",
        "TODO_BETTER_AUTH_SCHEMA\tstring\tpublic\t0\t-\t",
        "TODO_BETTER_AUTH_SESSION\tlist\tsession,token,expiresAt,userId\t0\t-\t",
        "TODO_BETTER_AUTH_USER\tlist\tuser,id\t0\t-\t",
        "TODO_CHECK_SESSION\tboolean\t0\t0\t-\t",
        "TODO_COMPAT\twords\t-\t0\t-\t",
        "TODO_CORS_ORIGINS\tlist\t-\t0\tCORS_ORIGINS\t",
        "TODO_DB_DEADLINE_MS\tinteger\t5000\t0\t-\t",
        "TODO_DB_PREPARE\tboolean\t1\t0\t-\t",
        "TODO_IDEMPOTENCY_HOURS\tinteger\t24\t0\t-\t",
        "TODO_JWKS\tstring\t-\t0\t-\t",
        "TODO_JWT_AUDIENCE\tstring\t-\t0\t-\t",
        "TODO_JWT_ISSUER\tstring\t-\t0\t-\t",
        "TODO_JWT_LEEWAY\tinteger\t30\t0\t-\t",
        "TODO_LOG_FORMAT\tstring\ttext\t0\t-\t",
        "TODO_LOG_LEVEL\tlevel\tinfo\t0\t-\t",
        "TODO_MAX_BODY\tinteger\t65536\t0\t-\t",
        "TODO_METRICS_ALLOW\tlist\t127.0.0.1, ::1\t0\t-\t",
        "TODO_REQUIRE_IF_MATCH\tboolean\t0\t0\t-\t",
        "TODO_SESSIONS\tstring\t-\t0\t-\t",
        "TODO_SESSIONS_SQL\tstring\t-\t0\t-\t",
        "TODO_SESSION_COOKIE\tboolean\t0\t0\t-\t",
        "TODO_TRUSTED_PROXIES\tlist\t-\t0\t-\t",
        "TODO_USER_CLAIM\tstring\tsub\t0\t-\t",
        "TODO_WORKERS\tinteger\t1\t0\t-\t",
    };
    char *table = printed(conf_print_table), *rest = table;
    for (size_t i = 0; i < LENGTH(expected); i++) {
        assert_memory_equal(rest, expected[i], strlen(expected[i]));
        char *end = strchr(rest, '\n');
        assert_non_null(end);
        assert_true(end > rest + strlen(expected[i]) + 10); /* there is help */
        rest = end + 1;
    }
    assert_string_equal(rest, "");
    free(table);
}

static void test_print_help(void **state)
{
    (void)state;
    char *help = printed(conf_print_help), *table = printed(conf_print_table);
    char *row = table, *column = NULL;
    size_t help_column = 0;
    for (char *line = help; *line;) {
        char *end = strchr(line, '\n'), *row_end = strchr(row, '\n');
        assert_non_null(end);
        assert_non_null(row_end);
        *end = *row_end = '\0';
        const char *text = strrchr(row, '\t') + 1;
        column = strstr(line, text);
        assert_non_null(column);
        if (help_column == 0)
            help_column = (size_t)(column - line);
        assert_int_equal(column - line, help_column); /* aligned */
        assert_memory_equal(line + 2, row, strcspn(row, "\t"));
        assert_true(strlen(line) <= 145);
        line = end + 1;
        row = row_end + 1;
    }
    assert_string_equal(row, "");
    free(help);
    free(table);
}

/* ---- */

static int start(void **state)
{
    (void)state;
    return mkdtemp(scratch) && chdir(scratch) == 0 ? 0 : -1;
}

static int finish(void **state)
{
    (void)state;
    static const char *const files[] = {"t.conf",    "large",  "nul",       "good",
                                        "good-crlf", "masked", "good-bare", "good-two-newlines",
                                        "short",     "empty",  "newline"};
    for (size_t i = 0; i < LENGTH(files); i++)
        unlink(files[i]);
    return chdir("/") == 0 && rmdir(scratch) == 0 ? 0 : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_secrets_are_masked), /* first: the log masks 16 secrets at most */
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_fini_clears),
        cmocka_unit_test(test_integers),
        cmocka_unit_test(test_booleans),
        cmocka_unit_test(test_levels),
        cmocka_unit_test(test_strings),
        cmocka_unit_test(test_origins),
        cmocka_unit_test(test_places_of_keys),
        cmocka_unit_test(test_long_value_is_cut),
        cmocka_unit_test(test_database_urls),
        cmocka_unit_test(test_unreadable_database_urls),
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_largest_file),
        cmocka_unit_test(test_worker_needs),
        cmocka_unit_test(test_default_file_may_be_missing),
        cmocka_unit_test(test_small_error_buffer),
        cmocka_unit_test(test_no_secret_in_errors),
        cmocka_unit_test(test_syntax),
        cmocka_unit_test(test_syntax_exhaustively),
        cmocka_unit_test(test_print_table),
        cmocka_unit_test(test_print_help),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, start, finish);
}

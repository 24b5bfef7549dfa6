/* SPDX-License-Identifier: ISC */
/* fuzz_app.c: a whole request as a hostile client could make it, up to where the database would be
 * asked: nobody listens there. The input is one CGI variable a line, in which TOKEN stands for a
 * good token, and behind an empty line the body. */
#include <config.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <jansson.h>

#include "app.h"
#include "log.h"
#include "store_internal.h"
#include "token.h"

#define VARIABLES_MAX 32

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char url[] = "host=/nonexistent", secret[] = "0123456789abcdef0123456789abcdef";
static char user_claim[] = "sub", origin[] = "https://app.example", *origins[] = {origin, NULL};
static struct conf conf = {.database_url = url,
                           .secret = secret,
                           .secret_length = sizeof(secret) - 1,
                           .idempotency_hours = 24,
                           .user_claim = user_claim,
                           .cors_origins = origins,
                           .max_body = 65536,
                           .db_deadline_ms = 100,
                           .db_prepare = true};
static struct app app;
static struct response response;
static struct arena forever;
static const char *token;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc, (void)argv;
    log_set_level(LOG_LEVEL_ERROR);
    arena_init(&forever);
    response_init(&response);
    app_init(&app, &conf, store_new(&conf), NULL);
    token = token_make(&conf, &forever, "u", NULL, time(NULL), 86400);
    return 0;
}

static void require(bool holds)
{
    if (!holds)
        abort();
}

static ssize_t read_rest(void *source, char *data, size_t size)
{
    struct text *rest = source;
    size_t length = rest->length < size ? rest->length : size;

    if (length > 0)
        memcpy(data, rest->data, length);
    rest->data += length;
    rest->length -= length;
    return (ssize_t)length;
}

/* The line, with TOKEN replaced. */
static char *variable(struct arena *arena, struct text line)
{
    char *plain = arena_text(arena, line), *mark = strstr(plain, "TOKEN");

    return mark ? arena_printf(arena, "%.*s%s%s", (int)(mark - plain), plain, token, mark + 5)
                : plain;
}

/* Takes the variables off the start of *rest, up to and with the empty line. */
static char **split(struct arena *arena, struct text *rest)
{
    char **environment = arena_zero(arena, VARIABLES_MAX + 1, sizeof *environment);

    for (size_t i = 0; i < VARIABLES_MAX && rest->length > 0; i++) {
        const char *newline = memchr(rest->data, '\n', rest->length);
        size_t length = newline ? (size_t)(newline - rest->data) : rest->length;
        size_t taken = length + (newline != NULL);

        if (length > 0)
            environment[i] = variable(arena, (struct text){rest->data, length});
        rest->data += taken;
        rest->length -= taken;
        if (length == 0)
            break;
    }
    return environment;
}

/* Every line "Name: value", without other controls. */
static void check_headers(void)
{
    struct text rest = buf_text(&response.headers);

    while (rest.length > 0) {
        const char *end = memmem(rest.data, rest.length, "\r\n", 2);
        struct text line;

        require(end != NULL);
        line = (struct text){rest.data, (size_t)(end - rest.data)};
        require(memmem(line.data, line.length, ": ", 2) != NULL);
        for (size_t i = 0; i < line.length; i++)
            require((unsigned char)line.data[i] >= 0x20 && line.data[i] != 0x7f);
        rest.length -= line.length + 2;
        rest.data = end + 2;
    }
}

static bool is_json(const char *type)
{
    return strcmp(type, RESPONSE_JSON) == 0 || strcmp(type, RESPONSE_PROBLEM) == 0;
}

static void check_body(void)
{
    json_t *json;

    if (!response.content_type || !is_json(response.content_type)) {
        require(response.status < 400 && (response.content_type || response.body.length == 0));
        return;
    }
    json = json_loadb(response.body.data, response.body.length, JSON_REJECT_DUPLICATES, NULL);
    require(json != NULL);
    if (response.status >= 400) {
        const json_t *detail = json_object_get(json, "detail");

        require(json_integer_value(json_object_get(json, "status")) == response.status);
        require(json_is_string(detail) ||
                (json_is_array(detail) && conf.compat & COMPAT_DETAIL_ARRAY));
    }
    json_decref(json);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct text rest = {(const char *)data, size};
    struct arena arena;

    conf.compat = (unsigned)size % 64;
    conf.require_if_match = size / 64 % 2;
    arena_init(&arena);
    app_handle(&app, split(&arena, &rest), read_rest, &rest, &response);
    app_end(&app, &response);
    require(response.status >= 200 && response.status <= 503 && response.status != 500);
    require(app.store->tx == TX_NONE && !app.store->key && !app.store->found_result);
    check_headers();
    check_body();
    arena_fini(&arena);
    return 0;
}

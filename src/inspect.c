/* SPDX-License-Identifier: ISC */
/* inspect.c: asks the rooms that the workers ask, and prints a line for each answer. */
#include <config.h>

#include "inspect.h"

#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "clock.h"
#include "session_token.h"
#include "store_issuer.h"

#define LINE_MAX_SIZE (TOKEN_MAX + 1024)

static void tell(void *data, const char *check, enum token_fault fault, const char *note)
{
    (void)data;
    printf("%s  %-9s %s%s%s\n", fault == TOKEN_OK ? "ok  " : "FAIL", check,
           fault == TOKEN_OK ? "" : token_fault_text(fault), fault == TOKEN_OK || !note ? "" : ": ",
           note ? note : "");
}

static int conclude(enum token_fault fault, struct text user)
{
    if (fault == TOKEN_OK)
        printf("accepted for the user %.*s\n", (int)user.length, user.data);
    else
        printf("refused\n");
    return fault == TOKEN_OK ? EX_OK : EXIT_FAILURE;
}

static int inspect_session(const struct conf *conf, struct store *store, struct arena *arena,
                           struct text value)
{
    struct text token, user = TEXT_NULL;
    const char *reason = "";
    enum token_fault fault = session_token_read(conf, arena, value, false, &token, &reason);

    puts("mode      a Better Auth session");
    tell(NULL, "form", fault, fault == TOKEN_OK ? NULL : reason);
    if (fault != TOKEN_OK)
        return conclude(fault, user);
    switch (store_issuer_session(store, arena, token, &user)) {
    case ERR_NONE:
        break;
    case ERR_UNAUTHORIZED:
        fault = TOKEN_EXPIRED;
        break;
    default:
        fault = TOKEN_UNAVAILABLE;
    }
    tell(NULL, "session", fault, fault == TOKEN_OK ? "it lives" : "as the database has it");
    return conclude(fault, user);
}

static int inspect_jwt(const struct conf *conf, struct keys *keys, struct arena *arena,
                       struct text token)
{
    struct principal principal = {.user = TEXT_NULL};
    enum token_fault fault =
        token_inspect(conf, keys, arena, token, clock_unix_seconds(), &principal, tell, NULL);

    return conclude(fault, principal.user);
}

static int inspect_with(const struct conf *conf, struct store *store, struct arena *arena,
                        struct text token)
{
    struct keys *keys = keys_new(conf, store, NULL);
    const char *fault = keys ? keys_load(keys) : NULL;
    int status;

    if (fault)
        printf("warn  the key set could not be read: %s\n", fault);
    if (conf->sessions && session_token_fits(token))
        status = inspect_session(conf, store, arena, token);
    else
        status = inspect_jwt(conf, keys, arena, token);
    keys_free(keys);
    return status;
}

int inspect_token(const struct conf *conf, FILE *in)
{
    struct store *store = store_new(conf);
    struct arena arena;
    char *line;
    size_t length;
    int status;

    arena_init(&arena);
    line = arena_alloc(&arena, LINE_MAX_SIZE);
    length = fread(line, 1, LINE_MAX_SIZE, in);
    status = inspect_with(conf, store, &arena, text_trim((struct text){line, length}));
    explicit_bzero(line, LINE_MAX_SIZE);
    arena_fini(&arena);
    store_free(store);
    return status;
}

/* An issuer chose it, and it goes to a terminal. */
static const char *shown_kid(const char *kid)
{
    if (!kid)
        return "(no kid)";
    return text_has_control(text_of(kid)) ? "(a kid with control characters)" : kid;
}

static void print_keys(const struct jwks *set)
{
    for (size_t i = 0; i < jwks_count(set); i++) {
        struct jwks_entry entry;

        jwks_entry(set, i, &entry);
        printf("%-6s %5d bits  %s\n", entry.algorithm, entry.bits, shown_kid(entry.kid));
    }
}

int inspect_keys(const struct conf *conf)
{
    struct store *store = store_new(conf);
    struct buf document;
    const char *fault;
    struct jwks *set;

    buf_init(&document);
    set = keys_read(conf, store, &document, &fault);
    if (set)
        print_keys(set);
    else
        fprintf(stderr, "todoctl: the key set cannot be had: %s\n", fault);
    jwks_drop(set);
    buf_fini(&document);
    store_free(store);
    return set ? EX_OK : EX_UNAVAILABLE;
}

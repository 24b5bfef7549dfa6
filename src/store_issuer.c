/* SPDX-License-Identifier: ISC */
/* store_issuer.c: the keys and the sessions of a Better Auth whose tables are in the same database.
 * What is asked are functions that `todoctl link better-auth` makes: the workers' role has no right
 * to the tables themselves.
 *
 * A statement needs its user before the session has told who that is. The path says so, or else a
 * table of hints does: it remembers whose a token was, and is trusted with nothing, since the
 * statement that enters the user's context judges session and user anew each time. */
#include <config.h>

#include <jansson.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "key_board.h"
#include "log.h"
#include "store_internal.h"
#include "store_issuer.h"

#define HINTS 256 /* a power of two, at most */
#define DIGEST_SIZE 32

/* A token's digest says where it stands; a later one takes its place. */
struct issuer_hint {
    unsigned char digest[DIGEST_SIZE];
    size_t length; /* of user; 0: empty */
    char user[TOKEN_USER_MAX];
};

enum column { COLUMN_ID, COLUMN_PUBLIC_KEY, COLUMN_ALGORITHM };

static void set_member(json_t *key, const char *name, struct text value)
{
    if (value.data)
        json_object_set_new(key, name, json_stringn(value.data, value.length));
}

/* The row's JWK, which has neither its name nor, before 1.4, its algorithm. One that is no object
 * is left to jwks.c to skip. */
static json_t *key_of_row(const PGresult *result, int row)
{
    struct text jwk = result_text(result, row, COLUMN_PUBLIC_KEY);
    json_t *key = json_loadb(jwk.data ? jwk.data : "", jwk.length, JSON_REJECT_DUPLICATES, NULL);

    if (!json_is_object(key)) {
        json_decref(key);
        return json_null();
    }
    set_member(key, "kid", result_text(result, row, COLUMN_ID));
    set_member(key, "alg", result_text(result, row, COLUMN_ALGORITHM));
    return key;
}

static void write_set(const PGresult *result, struct buf *document)
{
    json_t *keys = json_array();
    json_t *set = json_pack("{s:o}", "keys", keys);
    char *text;

    for (int row = 0; row < PQntuples(result); row++)
        json_array_append_new(keys, key_of_row(result, row));
    text = json_dumps(set, JSON_COMPACT);
    if (text)
        buf_add_string(document, text);
    free(text);
    json_decref(set);
}

/* Somebody may have locked their table: that must not use up the time of a request that has a known
 * key. */
enum err store_issuer_keys(struct store *store, struct buf *document)
{
    struct step step;
    struct step *steps[] = {&step};
    enum err err = store_connect(store);
    int64_t now = clock_now_ms(), deadline = store->deadline, half = (deadline - now) / 2;

    if (err != ERR_NONE)
        return err;
    store->deadline = now + (half < KEY_BOARD_WAIT_MS ? half : KEY_BOARD_WAIT_MS);
    step_init(&step, store_statement(SQL_ISSUER_KEYS));
    err = store_run(store, steps, 1, true);
    store->deadline = deadline;
    if (err == ERR_NONE)
        write_set(step.result, document);
    step_fini(&step);
    return err;
}

/* ---- sessions */

/* NULL when the digest cannot be had. */
static struct issuer_hint *find_hint(struct store *store, struct text token,
                                     unsigned char digest[DIGEST_SIZE])
{
    if (!store->issuer.hints)
        store->issuer.hints = calloc(HINTS, sizeof *store->issuer.hints);
    if (!store->issuer.hints)
        log_out_of_memory();
    if (!EVP_Digest(token.data, token.length, digest, NULL, EVP_sha256(), NULL))
        return NULL;
    return &store->issuer.hints[digest[0]];
}

static void learn(struct store *store, struct text token, struct text user)
{
    unsigned char digest[DIGEST_SIZE];
    struct issuer_hint *hint = find_hint(store, token, digest);

    if (!hint || user.length > sizeof hint->user)
        return;
    memcpy(hint->digest, digest, sizeof digest);
    memcpy(hint->user, user.data, user.length);
    hint->length = user.length;
}

static void forget(struct store *store, struct text token)
{
    unsigned char digest[DIGEST_SIZE];
    struct issuer_hint *hint = find_hint(store, token, digest);

    if (hint && memcmp(hint->digest, digest, sizeof digest) == 0)
        hint->length = 0;
}

struct text store_issuer_guess(struct store *store, struct text token)
{
    unsigned char digest[DIGEST_SIZE];
    const struct issuer_hint *hint = find_hint(store, token, digest);

    if (!hint || hint->length == 0 || memcmp(hint->digest, digest, sizeof digest) != 0)
        return TEXT_NULL;
    return (struct text){hint->user, hint->length};
}

enum err store_issuer_session(struct store *store, struct arena *arena, struct text token,
                              struct text *user)
{
    struct step step;
    struct step *steps[] = {&step};
    enum err err;

    step_init(&step, store_statement(SQL_ISSUER_SESSION));
    step_text(&step, token);
    err = store_run(store, steps, 1, true);
    if (err == ERR_NONE && result_is_null(step.result, 0, 0))
        err = ERR_UNAUTHORIZED;
    if (err == ERR_NONE) {
        struct text found = result_text(step.result, 0, 0);

        *user = (struct text){arena_text(arena, found), found.length};
    }
    step_fini(&step);
    return err;
}

void store_issuer_expect(struct store *store, struct text token)
{
    store->issuer.state = ISSUER_EXPECTED;
    store->issuer.token = token;
}

bool store_issuer_is_unjudged(const struct store *store)
{
    return store->issuer.state == ISSUER_EXPECTED || store->issuer.state == ISSUER_ENTERING;
}

struct text store_issuer_token(const struct store *store)
{
    return store->issuer.token;
}

bool store_issuer_is_expected(const struct store *store)
{
    return store->issuer.state != ISSUER_NONE;
}

struct text store_issuer_enter(struct store *store, struct text user)
{
    store->issuer.state = ISSUER_ENTERING;
    store->issuer.user = user;
    return store->issuer.token;
}

void store_issuer_note(struct store *store, bool done, enum err err)
{
    if (store->issuer.state != ISSUER_ENTERING)
        return;
    if (done) {
        store->issuer.state = ISSUER_JUDGED;
        learn(store, store->issuer.token, store->issuer.user);
    } else if (err == ERR_UNAUTHORIZED || err == ERR_FORBIDDEN) {
        store->issuer.state = ISSUER_JUDGED;
        forget(store, store->issuer.token);
    } else {
        store->issuer.state = ISSUER_EXPECTED;
    }
}

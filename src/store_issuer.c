/* SPDX-License-Identifier: ISC */
/* store_issuer.c: the key set of a Better Auth whose tables are in the same database. What is read
 * is a function that `todoctl link better-auth` makes: the workers' role has no right to the table
 * itself, which holds the private keys too. */
#include <config.h>

#include <jansson.h>
#include <stdlib.h>

#include "store_internal.h"
#include "store_issuer.h"

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

enum err store_issuer_keys(struct store *store, struct buf *document)
{
    struct step step;
    struct step *steps[] = {&step};
    enum err err;

    step_init(&step, store_statement(SQL_ISSUER_KEYS));
    err = store_run(store, steps, 1, true);
    if (err == ERR_NONE)
        write_set(step.result, document);
    step_fini(&step);
    return err;
}

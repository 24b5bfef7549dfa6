/* SPDX-License-Identifier: ISC */
/* claims.c: jansson judges what a JSON object is, and reads it. */
#include <config.h>

#include <string.h>

#include "claims.h"

/* Has `value` at most `levels` levels of arrays and objects? For one kind the other's loop is
 * empty. */
static bool is_shallow(json_t *value, int levels)
{
    const char *key;
    json_t *member;
    size_t i;

    if (!json_is_object(value) && !json_is_array(value))
        return true;
    if (levels == 0)
        return false;
    json_object_foreach (value, key, member) {
        if (!is_shallow(member, levels - 1))
            return false;
    }
    json_array_foreach (value, i, member) {
        if (!is_shallow(member, levels - 1))
            return false;
    }
    return true;
}

static struct claim claim_of(const char *name, const json_t *value)
{
    struct claim claim = {.name = text_of(name), .kind = CLAIM_OTHER};

    if (json_is_string(value)) {
        claim.kind = CLAIM_STRING;
        claim.string = (struct text){json_string_value(value), json_string_length(value)};
    } else if (json_is_number(value)) {
        claim.kind = CLAIM_NUMBER;
        claim.number = json_number_value(value);
    } else if (json_is_true(value)) {
        claim.kind = CLAIM_TRUE;
    } else if (json_is_array(value) || json_is_object(value)) {
        claim.json = value;
    }
    return claim;
}

/* jansson refuses U+0000 in a string, so that none is longer than strlen says, but skips a zero
 * byte behind a number or a word. */
bool claims_read(struct claims *claims, struct arena *arena, struct text bytes)
{
    const char *name;
    json_t *value;

    *claims = (struct claims){0};
    if (memchr(bytes.data, '\0', bytes.length))
        return false;
    claims->json = json_loadb(bytes.data, bytes.length, JSON_REJECT_DUPLICATES, NULL);
    if (!json_is_object(claims->json) || !is_shallow(claims->json, CLAIMS_DEPTH_MAX)) {
        claims_free(claims);
        return false;
    }
    claims->items = arena_zero(arena, json_object_size(claims->json) + 1, sizeof(*claims->items));
    json_object_foreach (claims->json, name, value)
        claims->items[claims->count++] = claim_of(name, value);
    return true;
}

void claims_free(struct claims *claims)
{
    json_decref(claims->json);
    *claims = (struct claims){0};
}

const struct claim *claims_find(const struct claims *claims, const char *name)
{
    size_t length = strlen(name);

    for (size_t i = 0; i < claims->count; i++)
        if (claims->items[i].name.length == length &&
            memcmp(claims->items[i].name.data, name, length) == 0)
            return &claims->items[i];
    return NULL;
}

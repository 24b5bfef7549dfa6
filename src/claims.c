/* SPDX-License-Identifier: ISC */
/* claims.c: jansson judges what a JSON object is and reads it. To build its tree costs ten times
 * what it takes to read a short object of ASCII strings without escapes, of integers, true, false
 * and null: those are read here, in one pass. Whatever is not plainly that is left to jansson, the
 * wrong as well as the unusual, so that nothing is refused here. */
#include <config.h>

#include <string.h>

#include "claims.h"

#define PLAIN_MEMBERS_MAX 32
#define PLAIN_DIGITS_MAX 15 /* each such integer is a double */

/* ---- the plain form */

struct reader {
    const char *at, *end;
};

/* The next byte that is no white space; 0 at the end, and for a zero byte, which fits nowhere. */
static char next_byte(struct reader *reader)
{
    while (reader->at < reader->end && (*reader->at == ' ' || *reader->at == '\t' ||
                                        *reader->at == '\n' || *reader->at == '\r'))
        reader->at++;
    return reader->at < reader->end ? *reader->at : '\0';
}

static bool take(struct reader *reader, char byte)
{
    if (next_byte(reader) != byte)
        return false;
    reader->at++;
    return true;
}

static bool read_string(struct reader *reader, struct text *string)
{
    const char *start;

    if (!take(reader, '"'))
        return false;
    for (start = reader->at; reader->at < reader->end && *reader->at != '"'; reader->at++)
        if (*reader->at < ' ' || *reader->at == '\\' || (*reader->at & 0x80))
            return false;
    *string = (struct text){start, (size_t)(reader->at - start)};
    return take(reader, '"');
}

static bool read_number(struct reader *reader, double *number)
{
    const char *start = reader->at;
    int64_t value = 0;

    for (; reader->at < reader->end && *reader->at >= '0' && *reader->at <= '9'; reader->at++) {
        if (reader->at - start == PLAIN_DIGITS_MAX)
            return false;
        value = value * 10 + (*reader->at - '0');
    }
    *number = (double)value;
    return reader->at > start && (*start != '0' || reader->at == start + 1);
}

static bool read_word(struct reader *reader, const char *word)
{
    size_t length = strlen(word);

    if ((size_t)(reader->end - reader->at) < length || memcmp(reader->at, word, length) != 0)
        return false;
    reader->at += length;
    return true;
}

static bool read_value(struct reader *reader, struct claim *claim)
{
    switch (next_byte(reader)) {
    case '"':
        claim->kind = CLAIM_STRING;
        return read_string(reader, &claim->string);
    case 't':
        claim->kind = CLAIM_TRUE;
        return read_word(reader, "true");
    case 'f':
        claim->kind = CLAIM_OTHER;
        return read_word(reader, "false");
    case 'n':
        claim->kind = CLAIM_OTHER;
        return read_word(reader, "null");
    default:
        claim->kind = CLAIM_NUMBER;
        return read_number(reader, &claim->number);
    }
}

static const struct claim *find(const struct claims *claims, struct text name)
{
    for (size_t i = 0; i < claims->count; i++)
        if (claims->items[i].name.length == name.length &&
            memcmp(claims->items[i].name.data, name.data, name.length) == 0)
            return &claims->items[i];
    return NULL;
}

static bool read_member(struct reader *reader, struct claims *claims)
{
    struct claim *claim = &claims->items[claims->count];

    *claim = (struct claim){0};
    if (claims->count == PLAIN_MEMBERS_MAX || !read_string(reader, &claim->name) ||
        find(claims, claim->name) || !take(reader, ':') || !read_value(reader, claim))
        return false;
    claims->count++;
    return true;
}

bool claims_read_plain(struct claims *claims, struct arena *arena, struct text bytes)
{
    struct reader reader = {bytes.data, bytes.data + bytes.length};

    *claims = (struct claims){
        .items = arena_alloc(arena, (PLAIN_MEMBERS_MAX + 1) * sizeof(*claims->items))};
    if (!take(&reader, '{'))
        return false;
    do
        if (!read_member(&reader, claims))
            return false;
    while (take(&reader, ','));
    return take(&reader, '}') && next_byte(&reader) == '\0' && reader.at == reader.end;
}

/* ---- any form */

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
bool claims_read_any(struct claims *claims, struct arena *arena, struct text bytes)
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

/* ---- either */

bool claims_read(struct claims *claims, struct arena *arena, struct text bytes)
{
    return claims_read_plain(claims, arena, bytes) || claims_read_any(claims, arena, bytes);
}

void claims_free(struct claims *claims)
{
    json_decref(claims->json);
    *claims = (struct claims){0};
}

const struct claim *claims_find(const struct claims *claims, const char *name)
{
    return find(claims, text_of(name));
}

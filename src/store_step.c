/* SPDX-License-Identifier: ISC */
/* store_step.c: values to and from PostgreSQL's binary format. */
#include <config.h>

#include <endian.h>
#include <string.h>

#include "store_internal.h"

#define OID_INT8 20 /* pg_type.dat: never change */
#define OID_TEXT 25

void step_init(struct step *step, struct statement statement)
{
    step->statement = statement;
    step->count = 0;
    step->result = NULL;
    step->before = NULL;
}

void step_fini(struct step *step)
{
    PQclear(step->result);
    step->result = NULL;
}

size_t step_list_reading(struct step *op, struct step **steps)
{
    size_t count = 0;

    if (op->before)
        steps[count++] = op->before;
    steps[count++] = op;
    return count;
}

void step_fini_reading(struct step *op)
{
    if (op->before)
        step_fini(op->before);
    step_fini(op);
}

PGresult *step_result_steal(struct step *step)
{
    PGresult *result = step->result;

    step->result = NULL;
    return result;
}

static void step_value(struct step *step, const char *value, size_t length)
{
    step->values[step->count] = value;
    step->lengths[step->count++] = (int)length;
}

void step_null(struct step *step)
{
    step_value(step, NULL, 0);
}

void step_text(struct step *step, struct text value)
{
    step_value(step, value.data, value.length);
}

void step_int(struct step *step, int64_t value)
{
    uint64_t word = htobe64((uint64_t)value);
    char *room = step->words[step->count];

    memcpy(room, &word, sizeof word);
    step_value(step, room, sizeof word);
}

void step_bool(struct step *step, bool value)
{
    char *room = step->words[step->count];

    room[0] = (char)value;
    step_value(step, room, 1);
}

void step_time(struct step *step, int64_t value)
{
    if (value == TIMESTAMP_NULL)
        step_null(step);
    else
        step_int(step, value);
}

static char *put_int32(char *out, int32_t value)
{
    uint32_t word = htobe32((uint32_t)value);

    memcpy(out, &word, sizeof word);
    return out + sizeof word;
}

/* The head of a one-dimensional array without nulls: dimensions, flags, type, length, lower bound.
 */
static char *put_array_head(char *out, int32_t oid, size_t count)
{
    out = put_int32(out, count > 0);
    out = put_int32(out, 0);
    out = put_int32(out, oid);
    if (count > 0) {
        out = put_int32(out, (int32_t)count);
        out = put_int32(out, 1);
    }
    return out;
}

void step_texts(struct step *step, struct arena *arena, const struct text *items, size_t count)
{
    size_t size = 20;
    char *array, *out;

    for (size_t i = 0; i < count; i++)
        size += 4 + items[i].length;
    array = arena_alloc(arena, size);
    out = put_array_head(array, OID_TEXT, count);
    for (size_t i = 0; i < count; i++) {
        out = put_int32(out, (int32_t)items[i].length);
        memcpy(out, items[i].data, items[i].length);
        out += items[i].length;
    }
    step_value(step, array, (size_t)(out - array));
}

void step_ints(struct step *step, struct arena *arena, const int64_t *items, size_t count)
{
    char *array = arena_alloc(arena, 20 + 12 * count);
    char *out = put_array_head(array, OID_INT8, count);

    for (size_t i = 0; i < count; i++) {
        uint64_t word = htobe64((uint64_t)items[i]);

        out = put_int32(out, sizeof word);
        memcpy(out, &word, sizeof word);
        out += sizeof word;
    }
    step_value(step, array, (size_t)(out - array));
}

bool result_is_null(const PGresult *result, int row, int column)
{
    return PQgetisnull(result, row, column);
}

int64_t result_int(const PGresult *result, int row, int column)
{
    uint64_t word;

    memcpy(&word, PQgetvalue(result, row, column), sizeof word);
    return (int64_t)be64toh(word);
}

bool result_bool(const PGresult *result, int row, int column)
{
    return PQgetvalue(result, row, column)[0] != 0;
}

int64_t result_time(const PGresult *result, int row, int column)
{
    return PQgetlength(result, row, column) > 0 ? result_int(result, row, column) : TIMESTAMP_NULL;
}

struct text result_text(const PGresult *result, int row, int column)
{
    int length = PQgetlength(result, row, column);

    if (length == 0 && result_is_null(result, row, column)) /* mostly it need not be asked */
        return TEXT_NULL;
    return (struct text){PQgetvalue(result, row, column), (size_t)length};
}

static int32_t get_int32(const char *data)
{
    uint32_t word;

    memcpy(&word, data, sizeof word);
    return (int32_t)be32toh(word);
}

struct texts result_texts(const PGresult *result, int row, int column)
{
    struct texts texts; /* what is behind the last is not read */
    const char *data = PQgetvalue(result, row, column);
    int32_t count = get_int32(data) == 1 ? get_int32(data + 12) : 0;

    data += 20;
    for (texts.count = 0; texts.count < (size_t)count && texts.count < TASK_TAGS_MAX;
         texts.count++) {
        size_t length = (size_t)get_int32(data);

        texts.items[texts.count] = (struct text){data + 4, length};
        data += 4 + length;
    }
    return texts;
}

/* SPDX-License-Identifier: ISC */
/* fuzz_json_body.c: any bytes as a body give an object that is safe to walk, or a problem document
 * that is JSON itself. */
#include <config.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "json_body.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds)
        abort();
}

static void check_value(json_t *value, int depth)
{
    const char *name;
    json_t *item;
    size_t index;

    if (json_is_string(value))
        require(!memchr(json_string_value(value), '\0', json_string_length(value)));
    if (json_is_object(value) || json_is_array(value))
        require(depth <= JSON_DEPTH_MAX);
    json_object_foreach (value, name, item)
        check_value(item, depth + 1);
    json_array_foreach (value, index, item)
        check_value(item, depth + 1);
}

static void check_problem(const struct problem *problem, enum err err)
{
    struct buf out;
    json_t *document;

    require(err == ERR_BAD_REQUEST || err == ERR_INVALID);
    require((err == ERR_BAD_REQUEST) == (problem->detail != NULL));
    require(err == ERR_BAD_REQUEST || problem->fault_count > 0);
    buf_init(&out);
    problem_write(problem, err, 0, &out);
    document = json_loadb(out.data, out.length, JSON_REJECT_DUPLICATES, NULL);
    require(document != NULL);
    json_decref(document);
    buf_fini(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct text body = {(const char *)data, size};
    struct problem problem;
    struct arena arena;
    json_t *json;
    enum err err;

    arena_init(&arena);
    problem_init(&problem, &arena);
    err = json_body_parse(body, &problem, &json);
    require((err == ERR_NONE) == (json != NULL));
    if (err) {
        check_problem(&problem, err);
    } else {
        require(json_is_object(json) && text_is_utf8(body));
        check_value(json, 1);
    }
    json_decref(json);
    arena_fini(&arena);
    return 0;
}

/* SPDX-License-Identifier: ISC */
/* fuzz_request.c: a request as a hostile client and a careless web server could make it. The input
 * is one CGI variable a line; behind an empty line the body, which arrives in pieces. */
#include <config.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "request.h"

#define VARIABLES_MAX 64
#define BODY_MAX 5000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds)
        abort();
}

static ssize_t read_piece(void *source, char *data, size_t size)
{
    struct text *rest = source;
    size_t length = rest->length < 700 ? rest->length : 700;

    if (length > size)
        length = size;
    if (rest->length == 1)
        return -1;
    if (length > 0)
        memcpy(data, rest->data, length);
    rest->data += length;
    rest->length -= length;
    return (ssize_t)length;
}

/* Takes the variables off the start of *rest, up to and with the empty line. */
static char **split(struct arena *arena, struct text *rest)
{
    char **environment = arena_zero(arena, VARIABLES_MAX + 1, sizeof(*environment));

    for (size_t i = 0; i < VARIABLES_MAX && rest->length > 0; i++) {
        const char *newline = memchr(rest->data, '\n', rest->length);
        size_t length = newline ? (size_t)(newline - rest->data) : rest->length;
        size_t taken = length + (newline != NULL);

        environment[i] = arena_text(arena, (struct text){rest->data, length});
        rest->data += taken;
        rest->length -= taken;
        if (length == 0)
            break;
    }
    return environment;
}

static void check_path(const struct request *request)
{
    size_t end = 0;

    require(request->path.length > 0 && request->segment_count <= REQUEST_SEGMENTS);
    require(request->segments[request->segment_count] == NULL);
    for (size_t i = 0; i < request->segment_count; i++) {
        require(request->segment_ends[i] > end && request->segment_ends[i] <= request->path.length);
        require(*request->segments[i] && text_is_utf8(text_of(request->segments[i])));
        end = request->segment_ends[i];
    }
}

static void check_params(const struct request *request)
{
    require(request->param_count <= REQUEST_PARAMS);
    for (size_t i = 0; i < request->param_count; i++) {
        require(text_is_utf8(text_of(request->params[i].name)));
        require(text_is_utf8(text_of(request->params[i].value)));
        require(request_param(request, request->params[i].name) != NULL);
    }
}

static void check_headers(const struct request *request)
{
    for (int header = 0; header < HEADER_COUNT; header++) {
        const char *value = request_header(request, (enum header)header);

        require(!value || (*value && *value != ' ' && value[strlen(value) - 1] != ' '));
    }
    request_has_type(request, "application/json");
}

static void check_problem(const struct problem *problem, enum err err)
{
    struct buf out;
    json_t *document;

    require(err == ERR_BAD_REQUEST || err == ERR_INVALID || err == ERR_TOO_LARGE);
    buf_init(&out);
    problem_write(problem, err, 0, &out);
    document = json_loadb(out.data, out.length, JSON_REJECT_DUPLICATES, NULL);
    require(document != NULL);
    json_decref(document);
    buf_fini(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct text rest = {(const char *)data, size}, body;
    struct problem problem;
    struct request request;
    struct arena arena;
    enum err err;

    arena_init(&arena);
    problem_init(&problem, &arena);
    err = request_init(&request, &arena, split(&arena, &rest), read_piece, &rest, &problem);
    check_headers(&request);
    check_params(&request);
    if (!err) {
        check_path(&request);
        err = request_body(&request, BODY_MAX, &body, &problem);
        require(err || (body.length <= BODY_MAX && body.data[body.length] == '\0'));
    }
    if (err)
        check_problem(&problem, err);
    arena_fini(&arena);
    return 0;
}

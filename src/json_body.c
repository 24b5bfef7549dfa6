/* SPDX-License-Identifier: ISC */
/* json_body.c: jansson parses; what it leaves open (depth, U+0000) is checked in one walk over the
 * tree. Its messages quote the body, so the client gets words of ours and the byte where the fault
 * stands, which a second look at the tokens finds once there is a fault to tell. */
#include <config.h>

#include <stdbool.h>
#include <string.h>

#include "json_body.h"
#include "log.h"

#define NULL_FAULTS_MAX 10 /* a pointer may be as long as the body: not told without bound */

/* What jansson's verdicts mean here. */
static const struct verdict {
    enum json_error_code code;
    enum err err;
    const char *words; /* "… at byte N" */
} verdicts[] = {
    {json_error_invalid_syntax, ERR_BAD_REQUEST, "the body is not JSON"},
    {json_error_invalid_utf8, ERR_BAD_REQUEST, "the body is not UTF-8"},
    {json_error_premature_end_of_input, ERR_BAD_REQUEST, "the body ends too early"},
    {json_error_end_of_input_expected, ERR_BAD_REQUEST, "the body goes on behind its value"},
    {json_error_duplicate_key, ERR_BAD_REQUEST, "a member name is repeated"},
    {json_error_null_byte_in_key, ERR_INVALID, "must not have a name with U+0000"},
    {json_error_numeric_overflow, ERR_INVALID, "must not have a number out of range"},
};

/* Where a value stands in the tree: the way up to the root. */
struct place {
    const struct place *parent; /* NULL: the root */
    const char *name;           /* in an object; NULL in an array */
    size_t index;
    int depth; /* arrays and objects from the root to the value, it included */
};

/* One byte behind the token at `start`; one behind `end` when a string is not closed before it. */
static size_t token_end(struct text body, size_t start, size_t end)
{
    size_t i = start + 1;

    if (body.data[start] == '"') {
        while (i < end && body.data[i] != '"')
            i += body.data[i] == '\\' ? 2 : 1;
        return i < end ? i + 1 : end + 1;
    }
    if ((unsigned char)body.data[start] <= ' ' || strchr("{}[]:,", body.data[start]))
        return i;
    while (i < end && (unsigned char)body.data[i] > ' ' && !strchr("{}[]:,\"", body.data[i]))
        i++;
    return i;
}

/* The byte where the token starts that the parser had read last at `position`; inside of a string
 * the byte that it stumbled over. */
static size_t fault_byte(struct text body, size_t position)
{
    size_t start = 0, next = 0;

    while (next < position) {
        start = next;
        next = token_end(body, start, position);
    }
    if (next == position)
        return start;
    if (position < body.length && (unsigned char)body.data[position] < ' ')
        return position;
    return position - 1;
}

/* The byte of the bracket that opens one level too many. */
static size_t deep_byte(struct text body)
{
    size_t start = 0;
    int depth = 0;

    while (start < body.length) {
        if (body.data[start] == '{' || body.data[start] == '[')
            depth++;
        if (body.data[start] == '}' || body.data[start] == ']')
            depth--;
        if (depth > JSON_DEPTH_MAX)
            break;
        start = token_end(body, start, body.length);
    }
    return start;
}

static enum err too_deep(struct text body, struct problem *problem)
{
    return problem_set(problem, ERR_BAD_REQUEST, "the body is nested deeper than %d at byte %zu",
                       JSON_DEPTH_MAX, deep_byte(body));
}

/* jansson takes a token that starts with a 0 byte for the end of the body. */
static enum json_error_code error_code(const json_error_t *error, struct text body)
{
    enum json_error_code code = json_error_code(error);

    if (code == json_error_premature_end_of_input &&
        ((size_t)error->position < body.length || body.data[body.length - 1] == '\0'))
        return json_error_invalid_syntax;
    return code;
}

static size_t error_byte(const json_error_t *error, struct text body)
{
    size_t position = (size_t)error->position; /* how many bytes were read */

    switch (error_code(error, body)) {
    case json_error_invalid_utf8:
        return position;
    case json_error_premature_end_of_input:
        return body.length;
    default:
        return fault_byte(body, position < body.length ? position : body.length);
    }
}

/* Tells why jansson refused the body. */
static enum err refuse(const json_error_t *error, struct text body, struct problem *problem)
{
    enum json_error_code code = error_code(error, body);

    if (code == json_error_stack_overflow)
        return too_deep(body, problem);
    for (size_t i = 0; i < sizeof(verdicts) / sizeof(verdicts[0]); i++) {
        const struct verdict *verdict = &verdicts[i];

        if (verdict->code != code)
            continue;
        if (verdict->err == ERR_INVALID)
            return problem_fault(problem, "body", "", "value_error", "%s at byte %zu",
                                 verdict->words, error_byte(error, body));
        return problem_set(problem, verdict->err, "%s at byte %zu", verdict->words,
                           error_byte(error, body));
    }
    log_error("the JSON parser failed: code %d", (int)code);
    return ERR_INTERNAL;
}

/* Appends the pointer to a place: RFC 6901. */
static void add_pointer(struct buf *out, const struct place *place)
{
    if (!place->parent)
        return;
    add_pointer(out, place->parent);
    buf_add_char(out, '/');
    if (!place->name) {
        buf_add_int(out, (int64_t)place->index);
        return;
    }
    for (const char *c = place->name; *c; c++) {
        if (*c == '~' || *c == '/')
            buf_add_string(out, *c == '~' ? "~0" : "~1");
        else
            buf_add_char(out, *c);
    }
}

static enum err check_string(const json_t *value, const struct place *place,
                             struct problem *problem)
{
    struct buf pointer;
    enum err err;

    if (!memchr(json_string_value(value), '\0', json_string_length(value)))
        return ERR_NONE;
    if (problem->fault_count >= NULL_FAULTS_MAX)
        return ERR_INVALID;
    buf_init(&pointer);
    add_pointer(&pointer, place);
    buf_add_char(&pointer, '\0');
    err = problem_fault(problem, "body", pointer.data, "null_character", "must not hold U+0000");
    buf_fini(&pointer);
    return err;
}

static enum err check(json_t *value, const struct place *place, struct problem *problem);

static enum err check_object(json_t *object, const struct place *place, struct problem *problem)
{
    struct place member = {.parent = place, .depth = place->depth + 1};
    enum err worst = ERR_NONE;
    json_t *value;

    json_object_foreach (object, member.name, value) {
        enum err err = check(value, &member, problem);

        if (err == ERR_BAD_REQUEST)
            return err;
        worst = err ? err : worst;
    }
    return worst;
}

static enum err check_array(json_t *array, const struct place *place, struct problem *problem)
{
    struct place item = {.parent = place, .depth = place->depth + 1};
    enum err worst = ERR_NONE;
    json_t *value;

    json_array_foreach (array, item.index, value) {
        enum err err = check(value, &item, problem);

        if (err == ERR_BAD_REQUEST)
            return err;
        worst = err ? err : worst;
    }
    return worst;
}

/* ERR_BAD_REQUEST: too deep, nothing said yet; ERR_INVALID: faults were added. */
static enum err check(json_t *value, const struct place *place, struct problem *problem)
{
    if (json_is_string(value))
        return check_string(value, place, problem);
    if (!json_is_object(value) && !json_is_array(value))
        return ERR_NONE;
    if (place->depth > JSON_DEPTH_MAX)
        return ERR_BAD_REQUEST;
    return json_is_object(value) ? check_object(value, place, problem)
                                 : check_array(value, place, problem);
}

static enum err check_root(json_t *root, struct text body, struct problem *problem)
{
    const struct place place = {.depth = 1};
    enum err err = check(root, &place, problem);

    return err == ERR_BAD_REQUEST ? too_deep(body, problem) : err;
}

static bool is_blank(struct text body)
{
    size_t i = 0;

    while (i < body.length && memchr(" \t\r\n", body.data[i], 4))
        i++;
    return i == body.length;
}

enum err json_body_parse_any(struct text body, struct problem *problem, json_t **json)
{
    const size_t flags = JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL | JSON_DECODE_ANY;
    json_error_t error;
    enum err err;

    *json = NULL;
    if (is_blank(body))
        return problem_set(problem, ERR_BAD_REQUEST, "the body is empty; JSON is expected");
    *json = json_loadb(body.data, body.length, flags, &error);
    if (!*json)
        return refuse(&error, body, problem);
    err = check_root(*json, body, problem);
    if (err) {
        json_decref(*json);
        *json = NULL;
    }
    return err;
}

enum err json_body_parse(struct text body, struct problem *problem, json_t **json)
{
    enum err err = json_body_parse_any(body, problem, json);

    if (err != ERR_NONE || json_is_object(*json))
        return err;
    json_decref(*json);
    *json = NULL;
    return problem_fault(problem, "body", "", "dict_type", "must be an object");
}

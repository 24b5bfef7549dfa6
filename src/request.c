/* SPDX-License-Identifier: ISC */
/* request.c: reads the CGI variables in one pass, then the path and the query of REQUEST_URI, the
 * only variable that all web servers hand over untouched. Nothing is normalised: what is odd is
 * refused or told. */
#include <config.h>

#include <string.h>
#include <strings.h>

#include "request.h"

#define BODY_FIRST 4096 /* bytes made ready for a body of unknown length */
#define JOINED_MAX 2048 /* bytes of a list that is made longer, so that thousands cost no more */

static const char *const method_names[METHOD_COUNT] = {
    [METHOD_OTHER] = "OTHER",   [METHOD_GET] = "GET",         [METHOD_HEAD] = "HEAD",
    [METHOD_POST] = "POST",     [METHOD_PUT] = "PUT",         [METHOD_PATCH] = "PATCH",
    [METHOD_DELETE] = "DELETE", [METHOD_OPTIONS] = "OPTIONS",
};

/* The variables that we read, by the length of their names. */
#define ROW(name, header, is_list)                                                                 \
    {                                                                                              \
        name, sizeof(name) - 1, header, is_list                                                    \
    }
#define VARIABLE(name, header) ROW(name, header, false)
#define LIST(name, header) ROW(name, header, true)
static const struct variable {
    const char *name;
    size_t length;
    enum header header;
    bool is_list; /* a second one goes on where the first ends (RFC 9110 5.3), else replaces it */
} variables[] = {
    VARIABLE("HTTPS", HEADER_HTTPS),
    VARIABLE("HTTP_HOST", HEADER_HOST),
    LIST("HTTP_ACCEPT", HEADER_ACCEPT),
    VARIABLE("HTTP_COOKIE", HEADER_COOKIE),
    VARIABLE("HTTP_ORIGIN", HEADER_ORIGIN),
    LIST("HTTP_PREFER", HEADER_PREFER),
    VARIABLE("REMOTE_ADDR", HEADER_REMOTE_ADDR),
    VARIABLE("REQUEST_URI", HEADER_REQUEST_URI),
    VARIABLE("SERVER_PORT", HEADER_SERVER_PORT),
    VARIABLE("CONTENT_TYPE", HEADER_CONTENT_TYPE),
    LIST("HTTP_IF_MATCH", HEADER_IF_MATCH),
    VARIABLE("CONTENT_LENGTH", HEADER_CONTENT_LENGTH),
    VARIABLE("REQUEST_METHOD", HEADER_REQUEST_METHOD),
    VARIABLE("HTTP_X_REQUEST_ID", HEADER_REQUEST_ID),
    VARIABLE("HTTP_AUTHORIZATION", HEADER_AUTHORIZATION),
    LIST("HTTP_IF_NONE_MATCH", HEADER_IF_NONE_MATCH),
    VARIABLE("HTTP_TODO_POSITION", HEADER_TODO_POSITION),
    VARIABLE("HTTP_IDEMPOTENCY_KEY", HEADER_IDEMPOTENCY_KEY),
    VARIABLE("HTTP_X_FORWARDED_FOR", HEADER_FORWARDED_FOR),
    VARIABLE("HTTP_ACCESS_CONTROL_REQUEST_METHOD", HEADER_ACCESS_CONTROL_REQUEST_METHOD),
    VARIABLE("HTTP_ACCESS_CONTROL_REQUEST_HEADERS", HEADER_ACCESS_CONTROL_REQUEST_HEADERS),
};
#define VARIABLE_COUNT (sizeof(variables) / sizeof(variables[0]))
_Static_assert(VARIABLE_COUNT == HEADER_COUNT, "each header has its variable");

/* Where the names of a length start in the table; elsewhere 0, which is a name of another length.
 */
static const unsigned char first_of_length[] = {
    [5] = 0,   [9] = 1,   [11] = 2,  [12] = 9,  [13] = 10, [14] = 11,
    [17] = 13, [18] = 14, [20] = 17, [34] = 19, [35] = 20,
};

const char *method_name(enum method method)
{
    return method_names[method];
}

static enum method method_of(const char *name)
{
    for (int method = METHOD_GET; name && method < METHOD_COUNT; method++)
        if (strcmp(name, method_names[method]) == 0)
            return (enum method)method;
    return METHOD_OTHER;
}

/* Some web servers take X_Forwarded_For, or X.Forwarded.For, for the same variable as
 * X-Forwarded-For. Of two nobody knows which one is the proxy's: what is no address makes that
 * neither is believed. */
static void take_value(struct request *request, const struct variable *row, const char *value)
{
    const char *before = request->headers[row->header];

    if (before && row->header == HEADER_FORWARDED_FOR)
        value = "twice";
    else if (before && row->is_list && strlen(before) <= JOINED_MAX)
        value = arena_printf(request->arena, "%s, %s", before, value);
    request->headers[row->header] = value;
}

static void read_variable(struct request *request, const char *variable)
{
    const char *end = strchr(variable, '=');
    size_t length = end ? (size_t)(end - variable) : 0;

    if (length >= sizeof(first_of_length))
        return;
    for (size_t i = first_of_length[length]; i < VARIABLE_COUNT; i++) {
        if (variables[i].length != length)
            return;
        if (variables[i].name[length - 1] == variable[length - 1] &&
            memcmp(variables[i].name, variable, length) == 0)
            take_value(request, &variables[i], end + 1);
    }
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Decodes `raw` once into terminated text from the arena; false at a malformed escape. */
static bool decode(struct arena *arena, struct text raw, bool plus_is_space, struct text *decoded)
{
    char *out = arena_alloc(arena, raw.length + 1);
    size_t length = 0;

    for (size_t i = 0; i < raw.length; i++) {
        char c = raw.data[i];

        if (c == '%') {
            int high = raw.length - i > 2 ? hex_value(raw.data[i + 1]) : -1;
            int low = high >= 0 ? hex_value(raw.data[i + 2]) : -1;

            if (low < 0)
                return false;
            c = (char)(high * 16 + low);
            i += 2;
        } else if (c == '+' && plus_is_space) {
            c = ' ';
        }
        out[length++] = c;
    }
    out[length] = '\0';
    *decoded = (struct text){out, length};
    return true;
}

/* As decode, and the text must be UTF-8. `part` is "path", "query" or "body", for the client. */
static enum err decode_utf8(struct request *request, const char *part, struct text raw,
                            struct text *decoded, struct problem *problem)
{
    bool path = part[0] == 'p';

    if (!decode(request->arena, raw, !path, decoded))
        return problem_set(problem, ERR_BAD_REQUEST, "the %s has a malformed percent-escape", part);
    if (!text_is_utf8(*decoded))
        return problem_set(problem, ERR_BAD_REQUEST, "the %s is not UTF-8", part);
    return ERR_NONE;
}

/* "https://host/path?query" as Apache hands it over becomes "/path?query". */
static const char *without_authority(const char *uri)
{
    const char *colon = uri + strcspn(uri, ":/?");

    if (strncmp(colon, "://", 3) != 0)
        return uri;
    colon += 3;
    return colon + strcspn(colon, "/?");
}

static bool is_strange(struct text segment)
{
    return segment.length == 0 || text_equal(segment, TEXT_LITERAL(".")) ||
           text_equal(segment, TEXT_LITERAL(".."));
}

/* Adds the segment path[start, end). */
static enum err add_segment(struct request *request, size_t start, size_t end,
                            struct problem *problem)
{
    struct text raw = {request->path.data + start, end - start}, segment;

    if (decode_utf8(request, "path", raw, &segment, problem))
        return ERR_BAD_REQUEST;
    if (memchr(segment.data, '\0', segment.length))
        return problem_set(problem, ERR_BAD_REQUEST, "the path has a U+0000");
    if (is_strange(segment) || request->segment_count == REQUEST_SEGMENTS) {
        request->strange_path = true;
        return ERR_NONE;
    }
    request->segments[request->segment_count] = segment.data;
    request->segment_ends[request->segment_count] = end;
    request->segment_count++;
    return ERR_NONE;
}

static enum err read_path(struct request *request, struct problem *problem)
{
    struct text path = request->path;
    size_t start = 1;
    enum err err = ERR_NONE;

    if (path.data[0] != '/') {
        request->strange_path = true;
        return ERR_NONE;
    }
    request->trailing_slash = path.data[path.length - 1] == '/';
    while (!err && start < path.length) {
        const char *slash = memchr(path.data + start, '/', path.length - start);
        size_t end = slash ? (size_t)(slash - path.data) : path.length;

        err = add_segment(request, start, end, problem);
        start = end + 1;
    }
    return err;
}

/* Where "name=value" pairs stand, and where they go. */
struct pairs {
    const char *part;   /* "query" or "body" */
    const char *prefix; /* of a name, for the client */
    struct param *params;
    size_t *count;
};

/* One "name=value". */
static enum err add_param(struct request *request, const struct pairs *pairs, struct text piece,
                          struct problem *problem)
{
    const char *equals = memchr(piece.data, '=', piece.length);
    size_t length = equals ? (size_t)(equals - piece.data) : piece.length;
    struct text name = {piece.data, length}, value = {"", 0};

    if (equals)
        value = (struct text){equals + 1, piece.length - length - 1};
    if (decode_utf8(request, pairs->part, name, &name, problem) ||
        decode_utf8(request, pairs->part, value, &value, problem))
        return ERR_BAD_REQUEST;
    if (memchr(name.data, '\0', name.length) || memchr(value.data, '\0', value.length))
        return problem_fault(problem, pairs->part,
                             arena_printf(request->arena, "%s%s", pairs->prefix, name.data),
                             "null_character", "must not hold U+0000");
    pairs->params[(*pairs->count)++] = (struct param){name.data, value.data};
    return ERR_NONE;
}

/* Faults of parameters are gathered; a malformed piece, or one too many, ends the reading. */
static enum err read_pairs(struct request *request, const struct pairs *pairs, const char *text,
                           struct problem *problem)
{
    enum err worst = ERR_NONE;

    while (*text) {
        struct text piece = {text, strcspn(text, "&")};
        enum err err = ERR_NONE;

        if (piece.length && *pairs->count == REQUEST_PARAMS)
            return problem_fault(problem, pairs->part, "", "too_long",
                                 "must have at most %d parameters", REQUEST_PARAMS);
        if (piece.length)
            err = add_param(request, pairs, piece, problem);
        if (err == ERR_BAD_REQUEST)
            return err;
        worst = err ? err : worst;
        text += piece.length + (text[piece.length] == '&');
    }
    return worst;
}

static enum err read_query(struct request *request, const char *query, struct problem *problem)
{
    const struct pairs pairs = {"query", "", request->params, &request->param_count};

    return read_pairs(request, &pairs, query, problem);
}

enum err request_form(struct request *request, struct text body, struct param *params,
                      size_t *count, struct problem *problem)
{
    const struct pairs pairs = {"body", "/", params, count};

    *count = 0;
    if (memchr(body.data, '\0', body.length))
        return problem_set(problem, ERR_BAD_REQUEST, "the body has a zero byte");
    return read_pairs(request, &pairs, body.data, problem);
}

static enum err read_uri(struct request *request, struct problem *problem)
{
    const char *uri = request->headers[HEADER_REQUEST_URI];
    size_t length = uri ? strlen(uri) : 0;
    const char *path, *query;
    enum err err;

    if (length == 0)
        return problem_set(problem, ERR_BAD_REQUEST, "the web server did not pass REQUEST_URI");
    if (length > REQUEST_URI_MAX)
        return problem_set(problem, ERR_BAD_REQUEST, "the URI is longer than %d bytes",
                           REQUEST_URI_MAX);
    path = without_authority(uri);
    query = path + strcspn(path, "?");
    request->path = (struct text){path, (size_t)(query - path)};
    if (request->path.length == 0)
        request->path = TEXT_LITERAL("/");
    request->query = text_of(*query ? query + 1 : "");
    if (memchr(request->path.data, '#', request->path.length)) /* nginx and lighttpd end it there */
        return problem_set(problem, ERR_BAD_REQUEST, "the path has a #, which is written %%23");
    err = read_path(request, problem);
    return err || !*query ? err : read_query(request, query + 1, problem);
}

enum err request_init(struct request *request, struct arena *arena, char **environment,
                      body_reader *read, void *source, struct problem *problem)
{
    *request = (struct request){.arena = arena, .read = read, .source = source};
    for (char **variable = environment; *variable; variable++)
        read_variable(request, *variable);
    request->method = method_of(request->headers[HEADER_REQUEST_METHOD]);
    return read_uri(request, problem);
}

const char *request_header(const struct request *request, enum header header)
{
    const char *value = request->headers[header];
    size_t length;

    if (!value)
        return NULL;
    value += strspn(value, " \t");
    length = strlen(value);
    while (length > 0 && (value[length - 1] == ' ' || value[length - 1] == '\t'))
        length--;
    if (length == 0)
        return NULL;
    return value[length] ? arena_text(request->arena, (struct text){value, length}) : value;
}

const char *request_header_sent(const struct request *request, enum header header)
{
    const char *value = request_header(request, header);

    return value || !request->headers[header] ? value : "";
}

const char *request_param(const struct request *request, const char *name)
{
    for (size_t i = request->param_count; i > 0; i--)
        if (request->params[i - 1].name[0] == name[0] && /* mostly it is another */
            strcmp(request->params[i - 1].name, name) == 0)
            return request->params[i - 1].value;
    return NULL;
}

static enum err too_large(struct problem *problem, size_t limit)
{
    return problem_set(problem, ERR_TOO_LARGE, "the body may have at most %zu bytes", limit);
}

/* Reads until `size` bytes are there or the stream ends; *failed when it ended badly. */
static size_t read_up_to(struct request *request, char *data, size_t size, bool *failed)
{
    size_t length = 0;

    while (length < size) {
        ssize_t got = request->read(request->source, data + length, size - length);

        *failed = got < 0;
        if (got <= 0)
            break;
        length += (size_t)got;
    }
    return length;
}

static enum err read_known(struct request *request, size_t size, struct text *body,
                           struct problem *problem)
{
    char *data = arena_alloc(request->arena, size + 1);
    bool failed = false;
    size_t length = read_up_to(request, data, size, &failed);

    if (length < size)
        return problem_set(problem, ERR_BAD_REQUEST,
                           "the body was cut off: %zu of %zu bytes arrived", length, size);
    data[length] = '\0';
    *body = (struct text){data, length};
    return ERR_NONE;
}

/* No length was given: the body ends where the stream does. */
static enum err read_to_end(struct request *request, size_t limit, struct text *body,
                            struct problem *problem)
{
    size_t size = 0, length = 0;
    bool failed = false;
    char *data = NULL;

    do {
        struct text so_far = {data, length};

        size = size ? size * 2 : BODY_FIRST;
        if (size > limit + 1)
            size = limit + 1;
        data = arena_alloc(request->arena, size + 1);
        if (so_far.length)
            memcpy(data, so_far.data, so_far.length);
        length += read_up_to(request, data + length, size - length, &failed);
    } while (length == size && length <= limit);
    if (length > limit)
        return too_large(problem, limit);
    if (failed)
        return problem_set(problem, ERR_BAD_REQUEST, "the body was cut off after %zu bytes",
                           length);
    data[length] = '\0';
    *body = (struct text){data, length};
    return ERR_NONE;
}

static enum err read_body(struct request *request, size_t limit, struct text *body,
                          struct problem *problem)
{
    struct text announced = text_of(request_header(request, HEADER_CONTENT_LENGTH));
    int64_t size;

    if (!announced.data)
        return read_to_end(request, limit, body, problem);
    if (strspn(announced.data, "0123456789") != announced.length)
        return problem_set(problem, ERR_BAD_REQUEST, "Content-Length is no number");
    if (!text_to_int(announced, 0, INT64_MAX, &size) || (uint64_t)size > limit)
        return too_large(problem, limit);
    return read_known(request, (size_t)size, body, problem);
}

enum err request_body(struct request *request, size_t limit, struct text *body,
                      struct problem *problem)
{
    enum err err = ERR_NONE;

    if (!request->has_body)
        err = read_body(request, limit, &request->body, problem);
    request->has_body = err == ERR_NONE;
    *body = request->body;
    return err;
}

/* A parameter's value, a token or a quoted string; gives the byte behind it. */
static const char *read_value(const char *start, struct text *value)
{
    const char *end = start;

    if (*start != '"') {
        *value = (struct text){start, strcspn(start, "; \t")};
        return start + value->length;
    }
    do
        end += end[0] == '\\' && end[1] ? 2 : 1;
    while (*end && *end != '"');
    *value = (struct text){start + 1, (size_t)(end - start - 1)};
    return end + (*end == '"');
}

/* "utf8" is no registered name, but often sent. */
static bool is_utf8(struct text charset)
{
    return (charset.length == 5 && strncasecmp(charset.data, "utf-8", 5) == 0) ||
           (charset.length == 4 && strncasecmp(charset.data, "utf8", 4) == 0);
}

/* Do the parameters behind a media type name no other charset than UTF-8? */
static bool charset_is_utf8(const char *parameters)
{
    bool utf8 = true;

    while (*(parameters += strspn(parameters, "; \t"))) {
        bool charset = strncasecmp(parameters, "charset=", 8) == 0;
        struct text value = TEXT_NULL;

        parameters += strcspn(parameters, "=;");
        if (*parameters == '=')
            parameters = read_value(parameters + 1, &value);
        if (charset && !is_utf8(value))
            utf8 = false;
    }
    return utf8;
}

bool request_has_type(const struct request *request, const char *media_type)
{
    const char *type = request_header(request, HEADER_CONTENT_TYPE);
    size_t length = strlen(media_type);

    if (!type)
        return strcasecmp(media_type, "application/json") == 0;
    if (strcspn(type, "; \t") != length || strncasecmp(type, media_type, length) != 0)
        return false;
    return charset_is_utf8(type + length);
}

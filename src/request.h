/* SPDX-License-Identifier: ISC */
/* request.h: one HTTP request as the web server hands it over (CGI, RFC 3875): method, decoded path
 * segments and query, the headers we know, and a bounded body.
 *
 * Everything points into the arena or into `environment`, and lives as long as those. */
#ifndef TODO_REQUEST_H
#define TODO_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "arena.h"
#include "err.h"
#include "problem.h"
#include "text.h"

enum method {
    METHOD_OTHER,
    METHOD_GET,
    METHOD_HEAD,
    METHOD_POST,
    METHOD_PUT,
    METHOD_PATCH,
    METHOD_DELETE,
    METHOD_OPTIONS,
    METHOD_COUNT
};
const char *method_name(enum method method);

/* The CGI variables that we read; request.c has their names in one table. */
enum header {
    HEADER_ACCEPT,
    HEADER_ACCESS_CONTROL_REQUEST_HEADERS,
    HEADER_ACCESS_CONTROL_REQUEST_METHOD,
    HEADER_AUTHORIZATION,
    HEADER_CONTENT_LENGTH,
    HEADER_CONTENT_TYPE,
    HEADER_FORWARDED_FOR,
    HEADER_COOKIE,
    HEADER_HOST,
    HEADER_HTTPS,
    HEADER_IDEMPOTENCY_KEY,
    HEADER_IF_MATCH,
    HEADER_IF_NONE_MATCH,
    HEADER_ORIGIN,
    HEADER_PREFER,
    HEADER_REMOTE_ADDR,
    HEADER_REQUEST_ID,
    HEADER_REQUEST_METHOD,
    HEADER_REQUEST_URI,
    HEADER_SERVER_PORT,
    HEADER_TODO_POSITION,
    HEADER_COUNT
};

#define REQUEST_SEGMENTS 16 /* more of them is an unknown path */
#define REQUEST_PARAMS 64   /* more of them is a 422 */
#define REQUEST_URI_MAX 16384

struct param {
    const char *name, *value; /* decoded once, '+' is a space; UTF-8 without U+0000 */
};

/* Reads up to `size` body bytes: >0 bytes read, 0 end of stream, -1 the peer failed or was too
 * slow. */
typedef ssize_t body_reader(void *source, char *data, size_t size);

struct request {
    struct arena *arena;
    enum method method;
    struct text path;  /* raw, before '?', as sent, without scheme://authority */
    struct text query; /* raw, behind '?' */
    size_t segment_count;
    const char *segments[REQUEST_SEGMENTS + 1]; /* decoded once */
    size_t segment_ends[REQUEST_SEGMENTS + 1];  /* offset in `path` just behind each segment */
    bool trailing_slash;
    bool strange_path; /* empty, "." or ".." segments, or too many: an unknown path */
    size_t param_count;
    struct param params[REQUEST_PARAMS];
    const char *headers[HEADER_COUNT]; /* NULL: absent */
    bool has_body;                     /* request_body has read it */
    struct text body;
    body_reader *read;
    void *source;
};

/* Fills `request` from CGI variables ("NAME=value", NULL-terminated). On a fault the method,
 * headers and as much of the rest as could be read are still there, for CORS and the request id.
 * ERR_BAD_REQUEST: a malformed percent-escape, not UTF-8, %00 in the path, no REQUEST_URI, over
 * REQUEST_URI_MAX; ERR_INVALID: U+0000 in a parameter, too many parameters. */
enum err request_init(struct request *request, struct arena *arena, char **environment,
                      body_reader *read, void *source, struct problem *problem) CHECK_RESULT;

/* The header's value without white space at its ends; NULL when absent or empty. */
const char *request_header(const struct request *request, enum header header);

/* The same, but "" when the header was sent and has nothing in it: for those of which that is a
 * fault, and must not pass for absence. */
const char *request_header_sent(const struct request *request, enum header header);

/* The last parameter of that name; NULL when absent. */
const char *request_param(const struct request *request, const char *name);

/* Reads `body`, of the type application/x-www-form-urlencoded, as the query is read; its
 * REQUEST_PARAMS parameters at most go to `params`. Errors as for the query. */
enum err request_form(struct request *request, struct text body, struct param *params,
                      size_t *count, struct problem *problem) CHECK_RESULT;

/* The whole body, read once and remembered, terminated with a 0 byte that `length` does not count.
 * At most `limit` bytes. ERR_TOO_LARGE: decided by Content-Length before reading, or by the stream;
 * ERR_BAD_REQUEST: cut off, or a Content-Length that is no number. */
enum err request_body(struct request *request, size_t limit, struct text *body,
                      struct problem *problem) CHECK_RESULT;

/* Does Content-Type name this media type (case-insensitively, parameters ignored; a charset other
 * than utf-8 does not match)? An absent header matches "application/json". RFC 9110 8.3. */
bool request_has_type(const struct request *request, const char *media_type);

#endif

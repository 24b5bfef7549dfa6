/* SPDX-License-Identifier: ISC */
/* response.h: the answer as it is built up: status, header lines, body. server.c sends it. */
#ifndef TODO_RESPONSE_H
#define TODO_RESPONSE_H

#include <stdbool.h>

#include "buf.h"

/* Where the rest of a long body comes from, while what there is of it is sent. */
struct response_source {
    /* Appends the next piece; nothing, when the body is complete. False: it never will be, and the
     * client must be able to tell. */
    bool (*next)(void *data, struct buf *out);
    void (*end)(void *data);
    void *data;
};

struct response {
    int status;               /* 200 to 599 */
    const char *content_type; /* static; NULL: no body, no Content-Type */
    struct buf headers; /* "Name: value\r\n" lines, but Status, Content-Type, Content-Length */
    struct buf body;
    bool streams;                  /* the body has more than is in `body` */
    struct response_source source; /* of the rest; .next NULL: none, or it was ended */
};

#define RESPONSE_JSON "application/json"
#define RESPONSE_PROBLEM "application/problem+json"

/* init and fini once a process; clear before each request keeps the memory. */
void response_init(struct response *response);
void response_fini(struct response *response);
void response_clear(struct response *response);

/* Adds a header line. Bytes that would end or fake a line (controls) are written as '?'. */
void response_header(struct response *response, const char *name, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The same for a value that is there already. */
void response_header_text(struct response *response, const char *name, struct text value);

/* A place in the table of the statuses that we send, for those who count them, and back: 0 for one
 * that is not in it, and a place behind its end. */
size_t response_status_place(int status);
int response_status_at(size_t place);

/* "OK" for 200, … : RFC 9110 15. "Unknown" for a code we never send. */
const char *response_reason(int status);

/* What `source` gives follows the body. */
void response_stream(struct response *response, struct response_source source);

/* Ends the source, if there is one. */
void response_end_source(struct response *response);

/* The head as CGI wants it (RFC 3875 6.3): Status, the lines, Content-Type, Content-Length (of the
 * body; absent for 204 and 304, and when it streams), and the empty line. For HEAD the caller
 * leaves the body out. */
void response_head(const struct response *response, struct buf *out);

#endif

/* SPDX-License-Identifier: ISC */
/* route.h: one table from method and path to the handler and what it needs. */
#ifndef TODO_ROUTE_H
#define TODO_ROUTE_H

#include "conf.h"
#include "err.h"
#include "request.h"

struct call;
typedef enum err route_handler(struct call *call);

enum route_needs {
    NEEDS_NOTHING = 0,
    NEEDS_TOKEN = 1 << 0,     /* a principal; and when the path names a user, the same one */
    NEEDS_STORE = 1 << 1,     /* talks to the database */
    NEEDS_FRAME = 1 << 2,     /* writes: runs within exactly_once */
    NEEDS_ROOM = 1 << 3,      /* takes a body of up to 1 MiB */
    NEEDS_SHORT = 1 << 4,     /* is there only with COMPAT_SHORT_PATHS */
    NEEDS_SECRECY = 1 << 5,   /* its answer is kept nowhere */
    NEEDS_ACCOUNTS = 1 << 6,  /* is there only with TODO_ACCOUNTS; its memory is wiped */
    NEEDS_OWN_WRITES = 1 << 7 /* reads: of a standby too, if that has what the client wrote */
};

struct route {
    enum method method;
    const char
        *pattern; /* "{T}/{id}": {T} is /api/{user}/tasks or /api/tasks; {id} is one segment */
    unsigned needs;
    route_handler *run;
};

struct match {
    const struct route *route;
    const char *user; /* {user}, decoded; NULL when the pattern has none */
    const char *id;   /* {id}, decoded, not yet an integer; NULL when the pattern has none */
    struct text base; /* raw path up to and without "/{id}…": what Location is made of */
    unsigned allow;   /* bits of 1 << enum method that the path knows (HEAD with GET, OPTIONS) */
};

/* Finds the route, wherever the web server has mounted us. ERR_NOT_FOUND: no such path; ERR_METHOD:
 * the path is known, match->allow says which methods. OPTIONS on a known path: ERR_NONE with
 * match->route NULL. HEAD finds the route of GET. A row that needs one of `absent` (bits of enum
 * route_needs) is not there. */
enum err route_find(const struct request *request, unsigned absent,
                    struct match *match) CHECK_RESULT;

/* The needs of routes that a deployment with these settings does not have. */
unsigned route_absent(const struct conf *conf);

/* The table, for the tests and the documents that are checked against it; ends with a NULL pattern.
 */
const struct route *route_table(void);

/* The pattern for people, in two parts: {T} is written as /api/tasks, whoever's they are. NULL is
 * "none". */
const char *route_base(const struct route *route);
const char *route_rest(const struct route *route);

/* "GET, HEAD, OPTIONS" from bits; `out` has at least 64 bytes. */
void route_allow_text(unsigned allow, char *out, size_t size);

#endif

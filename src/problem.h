/* SPDX-License-Identifier: ISC */
/* problem.h: what went wrong with a request, and its application/problem+json form (RFC 9457).
 *
 * Every room that finds a fault adds it here and returns an `enum err`; all faults of one request
 * are reported together. One table maps `enum err` to status, title and public sentence. */
#ifndef TODO_PROBLEM_H
#define TODO_PROBLEM_H

#include <stddef.h>

#include "arena.h"
#include "buf.h"
#include "compat.h"
#include "err.h"

struct fault {
    const char *where;   /* "body", "query", "path", "header": static */
    const char *name;    /* body: an RFC 6901 pointer ("/title", "" is the whole); else a name */
    const char *message; /* "must be 1 to 200 characters" */
    const char *type;    /* "string_too_long": static */
    struct fault *next;
};

struct problem {
    struct arena *arena;
    const char *detail;      /* NULL: from the faults, else the err's public sentence */
    const char *token_error; /* 401 with a token: the error_description; NULL: none was sent */
    unsigned allow;          /* 405: bits of 1 << enum method */
    int retry_after;         /* seconds; 0: the err's default */
    struct fault *faults, **last;
    size_t fault_count;
};

void problem_init(struct problem *problem, struct arena *arena);

/* More faults than this are counted but not kept, so that a hostile body cannot make an answer many
 * times its own size. */
#define PROBLEM_FAULTS_MAX 1000

/* Adds a fault; gives ERR_INVALID, so that `return problem_fault(…)` reads well. `name` is copied.
 */
enum err problem_fault(struct problem *problem, const char *where, const char *name,
                       const char *type, const char *format, ...)
    __attribute__((format(printf, 5, 6)));

/* Sets the detail and gives `err`. The first call wins: the deepest cause is the one told. */
enum err problem_set(struct problem *problem, enum err err, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

int problem_status(enum err err);
/* Seconds for Retry-After; 0 when the header does not apply. */
int problem_retry_after(const struct problem *problem, enum err err);
/* The faults as the document's "errors" (FastAPI's have them under another name): a JSON array,
 * empty when there are none. */
void problem_write_errors(const struct problem *problem, struct buf *out);
/* The JSON document. `compat`: bits of enum compat. */
void problem_write(const struct problem *problem, enum err err, unsigned compat, struct buf *out);

#endif

/* SPDX-License-Identifier: ISC */
/* etag.h: entity tags and the conditions that name them (RFC 9110 8.8.3, 13.1). */
#ifndef TODO_ETAG_H
#define TODO_ETAG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "problem.h"
#include "task.h"
#include "text.h"

#define ETAG_LIST_MAX TASK_VERSIONS_MAX /* tags that one header may name */

/* If-Match or If-None-Match as sent. */
struct etag_condition {
    bool present;
    bool any; /* "*" */
    size_t count;
    struct text tags[ETAG_LIST_MAX]; /* without quotes, W/ and a compressing web server's suffix */
};

/* Reads a header's value (NULL: absent). Web servers that compress rewrite a tag as W/"17",
 * "17-gzip" or "17;gzip"; these stand for "17". ERR_BAD_REQUEST with a fault that names `header` if
 * it is malformed or has more than ETAG_LIST_MAX tags. */
enum err etag_read(const char *value, const char *header, struct problem *problem,
                   struct etag_condition *condition) CHECK_RESULT;

/* Is `tag` among those named? Not for "*". */
bool etag_names(const struct etag_condition *condition, struct text tag);

/* The versions of a task that the tags stand for; no header or "*" is any version, and a tag that
 * is none of ours fits none. */
void etag_versions(const struct etag_condition *condition, struct task_versions *versions);

#endif

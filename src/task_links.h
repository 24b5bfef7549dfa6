/* SPDX-License-Identifier: ISC */
/* task_links.h: the Link header (RFC 8288) that leads from one page of a list to others, and the
 * Location of a new task. Both are made of the path as it came. */
#ifndef TODO_TASK_LINKS_H
#define TODO_TASK_LINKS_H

#include "request.h"
#include "response.h"

struct task_link {
    const char *relation; /* "next" */
    const char *cursor;   /* NULL: the list's beginning */
};

/* What web servers take in one header line: Apache 8 KiB, nginx what fastcgi_buffer_size says. */
#define TASK_LINKS_MAX 8000

/* Adds one header with the links: each is the request's own path and query as they came, mount
 * prefix and filters included, with the cursor in place of what said where this page begins. Those
 * that would make it longer than TASK_LINKS_MAX, with a URL of several KiB, are left out, the last
 * first. None without links. */
void task_links_add(const struct request *request, const struct task_link *links, size_t count,
                    struct response *response);

/* Adds Location: the task `id` below `base`. */
void task_links_location(struct text base, int64_t id, struct response *response);

#endif

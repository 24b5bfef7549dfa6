/* SPDX-License-Identifier: ISC */
/* metrics_text.h: the counters under their names, as Prometheus reads them (text format 0.0.4). */
#ifndef TODO_METRICS_TEXT_H
#define TODO_METRICS_TEXT_H

#include "accept_queue.h"
#include "buf.h"
#include "metrics.h"
#include "route.h"

#define METRICS_TEXT_TYPE "text/plain; version=0.0.4; charset=utf-8"

/* Where metrics_request counts a request: each route has a place, and another for HEAD; those
 * without a route (NULL) have one for each method. */
size_t metrics_text_row(const struct route *route, enum method method);

/* Appends them all. `queue` NULL: nobody knows it. */
void metrics_text_write(struct buf *out, const struct metrics_sum *sum,
                        const struct accept_queue *queue);

#endif

/* SPDX-License-Identifier: ISC */
/* service.h: handlers that need no token: what this is, and whether it works. */
#ifndef TODO_SERVICE_H
#define TODO_SERVICE_H

#include "err.h"

struct call;

enum err service_root(struct call *call);
enum err service_health(struct call *call); /* this process answers */
enum err service_ready(struct call *call);  /* so does the database, and the schema fits */
/* GET /metrics, for TODO_METRICS_ALLOW; to others it is not there. */
enum err service_metrics(struct call *call);

/* What this deployment answers, as an OpenAPI document and as a page. */
enum err service_openapi(struct call *call);
enum err service_docs(struct call *call);

#endif

/* SPDX-License-Identifier: ISC */
/* openapi.h: what this deployment answers, as an OpenAPI 3.1 document. */
#ifndef TODO_OPENAPI_H
#define TODO_OPENAPI_H

#include "buf.h"
#include "conf.h"

/* Appends the document: the routes of route.c that the settings leave, with what openapi.c knows of
 * each handler; and the schemas, which tests hold against real answers. */
void openapi_write(const struct conf *conf, struct buf *out);

#endif

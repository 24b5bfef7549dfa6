/* SPDX-License-Identifier: ISC */
/* openapi_schemas.h: the JSON Schemas of the document, by name. */
#ifndef TODO_OPENAPI_SCHEMAS_H
#define TODO_OPENAPI_SCHEMAS_H

#include "buf.h"

/* Appends an object with all of them. `compat`: bits of enum compat. */
void openapi_schemas_write(struct buf *out, unsigned compat);

#endif

/* SPDX-License-Identifier: ISC */
/* jwks_fetch.h: gets a key set from a URL. jwks_fetch.c is the only user of curl. */
#ifndef TODO_JWKS_FETCH_H
#define TODO_JWKS_FETCH_H

#include "buf.h"

#define JWKS_FETCH_MS 2000 /* for all of it */

/* Appends what `url` answers to `document`: NULL, or what went wrong (static). Bounded in time and
 * in size; follows no redirect; the server's certificate must be one that this system trusts. */
const char *jwks_fetch(const char *url, struct buf *document);

#endif

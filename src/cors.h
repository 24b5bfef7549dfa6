/* SPDX-License-Identifier: ISC */
/* cors.h: which browser origins may read our answers (Fetch standard, CORS protocol). */
#ifndef TODO_CORS_H
#define TODO_CORS_H

#include <stdbool.h>

#include "conf.h"
#include "request.h"
#include "response.h"

/* Is `origin` in the list? Entries are exact ("https://a.example") or have '*' in the host for
 * exactly one label: with the host *.vercel.app, x.vercel.app is allowed; x.y.vercel.app,
 * vercel.app and x.vercel.app.evil.example are not. Compared byte for byte but for the case of the
 * host. "null" is never allowed, nor is anything else that is no origin. */
bool cors_allowed(char *const *origins, const char *origin);

/* Is this the question that a browser asks before the real request: OPTIONS with an Origin and an
 * Access-Control-Request-Method? */
bool cors_is_preflight(const struct request *request);

/* Adds what the answer to `request` needs: Vary: Origin when any origin is configured, and for an
 * allowed Origin Access-Control-Allow-Origin, -Allow-Credentials, -Expose-Headers; for a preflight
 * (`preflight`) -Allow-Methods from `allow` (bits of 1 << enum method), -Allow-Headers and
 * -Max-Age: 600. */
void cors_headers(const struct conf *conf, const struct request *request, bool preflight,
                  unsigned allow, struct response *response);

#endif

/* SPDX-License-Identifier: ISC */
/* cors.h: which browser origins may read our answers (Fetch standard, CORS protocol). */
#ifndef TODO_CORS_H
#define TODO_CORS_H

#include <stdbool.h>

#include "conf.h"
#include "request.h"
#include "response.h"

/* Is `origin` in the list? Entries are exact ("https://a.example") or have '*' for exactly one
 * label of the host ("https://*.vercel.app" allows https://x.vercel.app, not
 * https://x.y.vercel.app, nor https://x.vercel.app.evil.example). Compared byte for byte but for
 * the case of the host. */
bool cors_allowed(char *const *origins, const char *origin);

/* Adds what the answer to `request` needs: Vary: Origin when any origin is configured, and for an
 * allowed Origin Access-Control-Allow-Origin, -Allow-Credentials, -Expose-Headers; for a preflight
 * (`preflight`) -Allow-Methods from `allow` (bits of 1 << enum method), -Allow-Headers and
 * -Max-Age: 600. */
void cors_headers(const struct conf *conf, const struct request *request, bool preflight,
                  unsigned allow, struct response *response);

#endif

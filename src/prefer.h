/* SPDX-License-Identifier: ISC */
/* prefer.h: the Prefer header (RFC 7240). */
#ifndef TODO_PREFER_H
#define TODO_PREFER_H

#include <stdbool.h>

/* Does the header's value (NULL: absent) hold this preference, as "count=exact"? Names and values
 * compare in any case, values may be quoted, parameters behind ';' are ignored, and of several with
 * one name the first counts. */
bool prefer_has(const char *value, const char *preference);

#endif

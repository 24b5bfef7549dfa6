/* SPDX-License-Identifier: ISC */
/* accept.h: which of the media types that we have a client likes best (RFC 9110 12.5.1). */
#ifndef TODO_ACCEPT_H
#define TODO_ACCEPT_H

#include <stddef.h>

/* The index of the one among `types` to which the value of Accept gives the highest quality; of
 * several the first. 0 when there is no such header, or none of them fits: better an answer than
 * none. */
size_t accept_best(const char *value, const char *const *types, size_t count);

#endif

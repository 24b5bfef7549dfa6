/* SPDX-License-Identifier: ISC */
/* base64url.h: bytes as text that is safe in URLs and headers (RFC 4648 5), without padding, as
 * RFC 7515's appendix C has it. */
#ifndef TODO_BASE64URL_H
#define TODO_BASE64URL_H

#include <stdbool.h>
#include <stddef.h>

#include "arena.h"
#include "text.h"

/* The terminated text from `arena`. */
char *base64url_encode(struct arena *arena, const void *bytes, size_t length)
    __attribute__((returns_nonnull));

/* Strict: no other character, no padding, and the one spelling that the bytes have. */
bool base64url_decode(struct arena *arena, struct text encoded, struct text *bytes);

#endif

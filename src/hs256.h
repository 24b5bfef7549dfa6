/* SPDX-License-Identifier: ISC */
/* hs256.h: HMAC-SHA-256 (RFC 2104), as the algorithm HS256 of RFC 7518 signs with it. */
#ifndef TODO_HS256_H
#define TODO_HS256_H

#include <stdbool.h>

#include "text.h"

#define HS256_SIZE 32

/* Is `signature` that of `message` under `secret`? In constant time. Never under an empty secret.
 */
bool hs256_matches(struct text secret, struct text message, struct text signature);

#endif

/* SPDX-License-Identifier: ISC */
/* inspect.h: `todoctl token --inspect` and `todoctl keys`: what the workers would say of a token,
 * and the keys that they would have. */
#ifndef TODO_INSPECT_H
#define TODO_INSPECT_H

#include <stdio.h>

#include "conf.h"

/* Reads a token from `in` and tells which mode judges it, each check and what it found; nothing of
 * the token itself but who it stands for. Exit status 0 when it would be accepted, else 1. */
int inspect_token(const struct conf *conf, FILE *in);

/* Reads TODO_JWKS and lists the keys that fit. */
int inspect_keys(const struct conf *conf);

#endif

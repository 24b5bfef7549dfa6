/* SPDX-License-Identifier: ISC */
/* claims.h: the members of the JSON object that a token's header or payload is. */
#ifndef TODO_CLAIMS_H
#define TODO_CLAIMS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "arena.h"
#include "text.h"

enum claim_kind { CLAIM_STRING, CLAIM_NUMBER, CLAIM_TRUE, CLAIM_OTHER };

struct claim {
    struct text name;
    enum claim_kind kind;
    struct text string;
    double number;
    const json_t *json; /* of CLAIM_OTHER when it is an array or an object; else NULL */
};

struct claims {
    struct claim *items;
    size_t count;
    json_t *json; /* owns what `items` points to */
};

#define CLAIMS_DEPTH_MAX 64 /* levels of arrays and objects */

/* Reads `bytes`. False, and nothing to free, unless they are one JSON object in UTF-8 without
 * U+0000, trailing bytes, a member twice, or more than CLAIMS_DEPTH_MAX levels. */
bool claims_read(struct claims *claims, struct arena *arena, struct text bytes);
void claims_free(struct claims *claims);

/* NULL: there is none of that name. */
const struct claim *claims_find(const struct claims *claims, const char *name);

#endif

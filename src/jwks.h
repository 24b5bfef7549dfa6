/* SPDX-License-Identifier: ISC */
/* jwks.h: a set of public keys (RFC 7517, 7518, 8037), and whether one of them signed a token.
 *
 * Pure: it takes a document and knows nothing of where that came from. Each key is bound to one
 * algorithm for good, so that no token can choose another for it. What a token says about keys
 * (jku, x5u, jwk, x5c) never gets here. */
#ifndef TODO_JWKS_H
#define TODO_JWKS_H

#include <stdbool.h>
#include <stddef.h>

#include "err.h"
#include "text.h"

#define JWKS_KEYS_MAX 64          /* keys of a set; those behind them are skipped */
#define JWKS_DOCUMENT_MAX 1048576 /* bytes of a document */

struct jwks;

/* Reads {"keys": […]}. NULL when it is no such document. A key that does not fit (oct, use: enc,
 * RSA under 2048 bits, a point that is not on its curve, one that does not parse) is skipped alone
 * and logged; a set may be left with none. */
struct jwks *jwks_parse(struct text document) CHECK_RESULT;
/* Frees it. The plain name is taken: libjwt 3 exports a jwks_free. */
void jwks_drop(struct jwks *set);

size_t jwks_count(const struct jwks *set);

/* A key for a listing. The texts live as long as the set. */
struct jwks_entry {
    const char *kid;       /* NULL: it has none */
    const char *algorithm; /* the one it is bound to */
    int bits;
};
void jwks_entry(const struct jwks *set, size_t index, struct jwks_entry *entry);

/* Is `name` an algorithm that a key can be bound to? Compared byte for byte. */
bool jwks_knows(const char *name);

/* What a token claims: signed with `algorithm` by the key `kid`. */
struct jwks_claim {
    const char *kid; /* NULL: it does not say */
    const char *algorithm;
    struct text signed_part;
    struct text signature;
};

enum jwks_verdict {
    JWKS_SIGNED,   /* by the key that it names; by any of its algorithm, if one has no name */
    JWKS_MISMATCH, /* the key that it names did not sign it, or is for another algorithm */
    JWKS_UNKNOWN   /* no key of that name, and none without a name has signed it */
};

enum jwks_verdict jwks_judge(const struct jwks *set, const struct jwks_claim *claim) CHECK_RESULT;

#endif

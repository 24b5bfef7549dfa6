/* SPDX-License-Identifier: ISC */
/* Fuzzes jwks_parse, and what it makes of any document: a set that can be listed, asked and freed.
 */
#include <config.h>

#include <stdint.h>
#include <stdlib.h>

#include "jwks.h"
#include "log.h"

static void judge_all(const struct jwks *set, const uint8_t *data, size_t size)
{
    for (size_t i = 0; i < jwks_count(set); i++) {
        struct jwks_entry entry;
        struct jwks_claim claim = {.signed_part = {(const char *)data, size},
                                   .signature = {(const char *)data, size < 64 ? size : 64}};

        jwks_entry(set, i, &entry);
        claim.kid = entry.kid;
        claim.algorithm = entry.algorithm;
        if (!jwks_knows(entry.algorithm) || entry.bits < 253 ||
            jwks_judge(set, &claim) == JWKS_SIGNED)
            abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct jwks *set;

    log_set_level(LOG_LEVEL_ERROR);
    set = jwks_parse((struct text){(const char *)data, size});
    if (set == NULL)
        return 0;
    if (jwks_count(set) > JWKS_KEYS_MAX)
        abort();
    judge_all(set, data, size);
    jwks_drop(set);
    return 0;
}

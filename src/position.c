/* SPDX-License-Identifier: ISC */
/* position.c: base64url of the four numbers, each 8 bytes in network order. */
#include <config.h>

#include <endian.h>
#include <string.h>

#include "base64url.h"
#include "position.h"

enum number { MADE_AT, SYSTEM, TIMELINE, LSN, NUMBERS };

const char *position_write(struct arena *arena, const struct position *position)
{
    const uint64_t words[NUMBERS] = {
        [MADE_AT] = htobe64((uint64_t)position->made_at),
        [SYSTEM] = htobe64((uint64_t)position->system),
        [TIMELINE] = htobe64((uint64_t)position->timeline),
        [LSN] = htobe64((uint64_t)position->lsn),
    };

    return base64url_encode(arena, words, sizeof words);
}

bool position_read(struct arena *arena, struct text text, struct position *position)
{
    uint64_t words[NUMBERS];
    struct text bytes;

    if (!base64url_decode(arena, text, &bytes) || bytes.length != sizeof words)
        return false;
    memcpy(words, bytes.data, sizeof words);
    *position = (struct position){
        .made_at = (int64_t)be64toh(words[MADE_AT]),
        .system = (int64_t)be64toh(words[SYSTEM]),
        .timeline = (int64_t)be64toh(words[TIMELINE]),
        .lsn = (int64_t)be64toh(words[LSN]),
    };
    return true;
}

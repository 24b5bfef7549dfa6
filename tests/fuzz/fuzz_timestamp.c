/* SPDX-License-Identifier: ISC */
/* fuzz_timestamp.c: what is read comes back when it is written and read again, and so does every
 * instant of the years 1 to 9999. */
#include <config.h>

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "timestamp.h"

#define FIRST INT64_C(-63082281600000000) /* 0001-01-01T00:00:00Z */
#define LAST INT64_C(252455615999999999)  /* 9999-12-31T23:59:59.999999Z */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_round_trip(int64_t microseconds)
{
    char out[TIMESTAMP_TEXT_SIZE];
    int64_t again;

    if (timestamp_format(out, microseconds) != out + sizeof(out))
        abort();
    if (!timestamp_parse((struct text){out, sizeof(out)}, &again) || again != microseconds)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int64_t microseconds;
    uint64_t any;

    if (timestamp_parse((struct text){(const char *)data, size}, &microseconds)) {
        if (microseconds < FIRST || microseconds > LAST)
            abort();
        check_round_trip(microseconds);
    }
    if (size >= sizeof(any)) {
        memcpy(&any, data, sizeof(any));
        check_round_trip(FIRST + (int64_t)(any % (uint64_t)(LAST - FIRST + 1)));
    }
    return 0;
}

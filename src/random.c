/* SPDX-License-Identifier: ISC */
/* random.c: getrandom(2), which gives up to 256 bytes whole or not at all. */
#include <config.h>

#include "random.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sysexits.h>

#include "base64url.h"
#include "log.h"

void random_bytes(void *bytes, size_t size)
{
    ssize_t got;

    do
        got = getrandom(bytes, size, 0);
    while (got < 0 && errno == EINTR); /* before the kernel has gathered enough, at boot */
    if (got == (ssize_t)size)
        return;
    log_error("no random bytes: %s", strerror(errno));
    exit(EX_OSERR);
}

char *random_hex(char *hex, size_t size)
{
    unsigned char bytes[256];

    random_bytes(bytes, size);
    for (size_t i = 0; i < size; i++)
        snprintf(hex + 2 * i, 3, "%02x", bytes[i]);
    explicit_bzero(bytes, sizeof bytes);
    return hex;
}

char *random_id(struct arena *arena, size_t size)
{
    unsigned char *bytes = arena_alloc(arena, size);

    random_bytes(bytes, size);
    return base64url_encode(arena, bytes, size);
}

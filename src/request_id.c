/* SPDX-License-Identifier: ISC */
/* request_id.c: takes over or makes up request ids. They are no secrets, only unlikely to repeat.
 * Random bytes are fetched for several at a time: by a worker, after the fork, or two would give
 * out the same ids. */
#include <config.h>

#include <stdint.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "request_id.h"

#define ID_MAX 128
#define ALPHABET "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._:+=/"

#define ID_BYTES 16
#define STOCK 16 /* ids: as many bytes as getrandom gives whole or not at all */

/* Without getrandom the clock and the process id still tell requests apart. */
static void make_bytes(unsigned char bytes[ID_BYTES])
{
    uint64_t words[ID_BYTES / sizeof(uint64_t)];
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    words[0] = (uint64_t)now.tv_sec << 30 ^ (uint64_t)now.tv_nsec;
    words[1] = (uint64_t)getpid();
    memcpy(bytes, words, ID_BYTES);
}

static void take_bytes(unsigned char bytes[ID_BYTES])
{
    static unsigned char stock[STOCK][ID_BYTES];
    static size_t left;

    if (left == 0)
        left = getrandom(stock, sizeof stock, GRND_NONBLOCK) == sizeof stock ? STOCK : 0;
    if (left > 0)
        memcpy(bytes, stock[--left], ID_BYTES);
    else
        make_bytes(bytes);
}

const char *request_id(struct arena *arena, const char *sent)
{
    static const char hex[] = "0123456789abcdef";
    unsigned char bytes[ID_BYTES];
    char *id;

    if (sent && *sent && strlen(sent) <= ID_MAX && sent[strspn(sent, ALPHABET)] == '\0')
        return sent;
    take_bytes(bytes);
    id = arena_alloc(arena, 2 * ID_BYTES + 1);
    for (size_t i = 0; i < ID_BYTES; i++) {
        id[2 * i] = hex[bytes[i] >> 4];
        id[2 * i + 1] = hex[bytes[i] & 15];
    }
    id[2 * ID_BYTES] = '\0';
    return id;
}

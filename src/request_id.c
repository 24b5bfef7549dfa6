/* SPDX-License-Identifier: ISC */
/* request_id.c: takes over or makes up request ids. They are no secrets, only unlikely to repeat.
 */
#include <config.h>

#include <inttypes.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "request_id.h"

#define ID_MAX 128
#define ALPHABET "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._:+=/"

/* 128 bits; without getrandom the clock and the process id still tell requests apart. */
static void random_words(uint64_t words[2])
{
    struct timespec now;

    if (getrandom(words, 16, GRND_NONBLOCK) == 16)
        return;
    clock_gettime(CLOCK_REALTIME, &now);
    words[0] = (uint64_t)now.tv_sec << 30 ^ (uint64_t)now.tv_nsec;
    words[1] = (uint64_t)getpid();
}

const char *request_id(struct arena *arena, const char *sent)
{
    uint64_t words[2];

    if (sent && *sent && strlen(sent) <= ID_MAX && sent[strspn(sent, ALPHABET)] == '\0')
        return sent;
    random_words(words);
    return arena_printf(arena, "%016" PRIx64 "%016" PRIx64, words[0], words[1]);
}

/* SPDX-License-Identifier: ISC */
/* pseudonym.c: SipHash-2-4 (Aumasson, Bernstein), a keyed hash that costs little for short texts.
 */
#include <config.h>

#include "pseudonym.h"

#include <endian.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <string.h>

#include "log.h"
#include "random.h"

#define LABEL "todo-fcgi log 1" /* for this purpose alone */
#define DIGEST_SIZE 32

static struct {
    bool made;
    uint64_t words[2];
} key;

struct state {
    uint64_t v[4];
};

void pseudonym_start(const struct conf *conf)
{
    unsigned char bytes[DIGEST_SIZE];

    if (!conf->secret)
        random_bytes(bytes, sizeof bytes);
    else if (!HMAC(EVP_sha256(), conf->secret, (int)conf->secret_length,
                   (const unsigned char *)LABEL, strlen(LABEL), bytes, NULL))
        log_out_of_memory();
    memcpy(key.words, bytes, sizeof key.words);
    key.words[0] = le64toh(key.words[0]);
    key.words[1] = le64toh(key.words[1]);
    key.made = true;
    OPENSSL_cleanse(bytes, sizeof bytes);
}

static uint64_t rotate(uint64_t word, int bits)
{
    return word << bits | word >> (64 - bits);
}

static void mix(struct state *s, int rounds)
{
    while (rounds-- > 0) {
        s->v[0] += s->v[1];
        s->v[2] += s->v[3];
        s->v[1] = rotate(s->v[1], 13) ^ s->v[0];
        s->v[3] = rotate(s->v[3], 16) ^ s->v[2];
        s->v[0] = rotate(s->v[0], 32) + s->v[3];
        s->v[2] += s->v[1];
        s->v[1] = rotate(s->v[1], 17) ^ s->v[2];
        s->v[3] = rotate(s->v[3], 21) ^ s->v[0];
        s->v[2] = rotate(s->v[2], 32);
    }
}

static void absorb(struct state *s, uint64_t word)
{
    s->v[3] ^= word;
    mix(s, 2);
    s->v[0] ^= word;
}

static uint64_t hash(struct text t)
{
    struct state s = {
        {key.words[0] ^ UINT64_C(0x736f6d6570736575), key.words[1] ^ UINT64_C(0x646f72616e646f6d),
         key.words[0] ^ UINT64_C(0x6c7967656e657261), key.words[1] ^ UINT64_C(0x7465646279746573)}};
    uint64_t last = (uint64_t)t.length << 56, word = 0;
    size_t at = 0;

    for (; at + 8 <= t.length; at += 8) {
        memcpy(&word, t.data + at, 8);
        absorb(&s, le64toh(word));
    }
    word = 0;
    memcpy(&word, t.data + at, t.length - at);
    absorb(&s, last | le64toh(word));
    s.v[2] ^= 0xff;
    mix(&s, 4);
    return s.v[0] ^ s.v[1] ^ s.v[2] ^ s.v[3];
}

void pseudonym_write(struct text user, char out[PSEUDONYM_SIZE])
{
    static const char digits[] = "0123456789abcdef";
    uint64_t name;

    out[0] = '\0';
    if (!user.data || !key.made)
        return;
    name = hash(user);
    for (int i = 0; i < PSEUDONYM_SIZE - 1; i++)
        out[i] = digits[name >> (60 - 4 * i) & 15];
    out[PSEUDONYM_SIZE - 1] = '\0';
}

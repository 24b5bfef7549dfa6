/* SPDX-License-Identifier: ISC */
/* password.c: bcrypt by the system's libcrypt. What libcrypt works on is wiped before it is left.
 */
#include <config.h>

#include "password.h"

#include <crypt.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"

#define PREFIX_LENGTH 7 /* "$2b$11$" */
#define DIGITS "./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
#define COST_MIN 4
#define COST_MAX 31

/* No password is known to have it; only its cost matters. */
#define NOBODYS_SALT_AND_HASH "CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"

/* Runs crypt(3) on `setting`; the result starts with '*' or is empty when it failed. */
static void run_crypt(const char *password, const char *setting, char out[PASSWORD_HASH_SIZE])
{
    struct crypt_data *data = calloc(1, sizeof *data);
    const char *result;

    if (!data)
        log_out_of_memory();
    result = crypt_r(password, setting, data);
    snprintf(out, PASSWORD_HASH_SIZE, "%s", result ? result : "*");
    explicit_bzero(data, sizeof *data);
    free(data);
}

enum err password_hash(const char *password, long cost, char hash[PASSWORD_HASH_SIZE])
{
    char setting[CRYPT_GENSALT_OUTPUT_SIZE];

    if (!crypt_gensalt_rn("$2b$", (unsigned long)cost, NULL, 0, setting, sizeof setting)) {
        log_error("no salt for bcrypt of cost %ld", cost);
        return ERR_INTERNAL;
    }
    run_crypt(password, setting, hash);
    if (password_is_hash(text_of(hash)))
        return ERR_NONE;
    log_error("bcrypt of cost %ld failed", cost);
    return ERR_INTERNAL;
}

/* As long as a hash at `cost` takes. */
static void waste(const char *password, long cost)
{
    char setting[PASSWORD_HASH_SIZE + 20], out[PASSWORD_HASH_SIZE]; /* 20: a long has so many */

    snprintf(setting, sizeof setting, "$2b$%02ld$%s", cost, NOBODYS_SALT_AND_HASH);
    run_crypt(password, setting, out);
}

bool password_verify(const char *password, const char *hash, long cost)
{
    char out[PASSWORD_HASH_SIZE];
    bool same;

    if (!hash || !password_is_hash(text_of(hash))) {
        waste(password, cost);
        return false;
    }
    run_crypt(password, hash, out);
    same = CRYPTO_memcmp(out, hash, PASSWORD_HASH_SIZE) == 0;
    explicit_bzero(out, sizeof out);
    /* Each step of the cost doubles the time: 2^c + 2^c + 2^(c+1) + … + 2^(cost-1) = 2^cost. */
    for (long low = password_cost(hash); !same && low < cost; low++)
        waste(password, low);
    return same;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

bool password_is_hash(struct text hash)
{
    const char *h = hash.data;

    if (!h || hash.length != PASSWORD_HASH_SIZE - 1 || memcmp(h, "$2", 2) != 0 ||
        !(h[2] == 'a' || h[2] == 'b' || h[2] == 'y') || h[3] != '$' || !is_digit(h[4]) ||
        !is_digit(h[5]) || h[6] != '$' || password_cost(h) < COST_MIN ||
        password_cost(h) > COST_MAX)
        return false;
    for (size_t i = PREFIX_LENGTH; i < hash.length; i++)
        if (!strchr(DIGITS, h[i]) || h[i] == '\0')
            return false;
    return true;
}

long password_cost(const char *hash)
{
    return (hash[4] - '0') * 10 + (hash[5] - '0');
}

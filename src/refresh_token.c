/* SPDX-License-Identifier: ISC */
/* refresh_token.c: the three parts of a refresh token, and the chain of their secrets. */
#include <config.h>

#include "refresh_token.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>
#include <string.h>

#include "base64url.h"
#include "log.h"
#include "token.h"

#define BASE64URL "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
#define LENGTH_MAX 512
#define PURPOSE "todo refresh token" /* the signing secret signs nothing else that begins so */

/* Takes what stands before the next dot, or all there is, off *rest. */
static struct text take_part(struct text *rest)
{
    const char *dot = memchr(rest->data, '.', rest->length);
    size_t length = dot ? (size_t)(dot - rest->data) : rest->length;
    size_t taken = dot ? length + 1 : length;
    struct text part = {rest->data, length};

    *rest = (struct text){rest->data + taken, rest->length - taken};
    return part;
}

static bool is_session(struct text t)
{
    if (t.length < 1 || t.length > REFRESH_SESSION_MAX)
        return false;
    for (size_t i = 0; i < t.length; i++)
        if (t.data[i] == '\0' || !strchr(BASE64URL, t.data[i]))
            return false;
    return true;
}

bool refresh_token_parse(struct arena *arena, struct text t, struct refresh_token *token)
{
    struct text rest = t, secret, user;

    if (!t.data || t.length > LENGTH_MAX || !base64url_decode(arena, take_part(&rest), &secret) ||
        secret.length != REFRESH_SECRET_SIZE)
        return false;
    token->session = take_part(&rest);
    if (!is_session(token->session) || !base64url_decode(arena, rest, &user) || user.length < 1 ||
        user.length > TOKEN_USER_MAX || !text_is_utf8(user) || text_has_control(user))
        return false;
    token->user = user;
    memcpy(token->secret, secret.data, REFRESH_SECRET_SIZE);
    return true;
}

char *refresh_token_write(struct arena *arena, const struct refresh_token *token)
{
    return arena_printf(arena, "%s.%.*s.%s",
                        base64url_encode(arena, token->secret, REFRESH_SECRET_SIZE),
                        (int)token->session.length, token->session.data,
                        base64url_encode(arena, token->user.data, token->user.length));
}

void refresh_token_hash(const struct refresh_token *token, unsigned char hash[REFRESH_HASH_SIZE])
{
    SHA256(token->secret, REFRESH_SECRET_SIZE, hash);
}

void refresh_token_next(const struct conf *conf, const struct refresh_token *token,
                        const unsigned char salt[REFRESH_SALT_SIZE], struct refresh_token *next)
{
    unsigned char message[sizeof PURPOSE + REFRESH_SALT_SIZE + REFRESH_SECRET_SIZE] = PURPOSE;
    unsigned char *end = message + sizeof PURPOSE;

    memcpy(end, salt, REFRESH_SALT_SIZE);
    memcpy(end + REFRESH_SALT_SIZE, token->secret, REFRESH_SECRET_SIZE);
    *next = *token;
    if (!HMAC(EVP_sha256(), conf->secret, (int)conf->secret_length, message, sizeof message,
              next->secret, NULL))
        log_out_of_memory();
    explicit_bzero(message, sizeof message);
}

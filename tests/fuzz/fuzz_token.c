/* SPDX-License-Identifier: ISC */
/* Fuzzes token_verify, with libjwt and OpenSSL as its judges. The first byte picks the
 * settings and how the rest is read: as a token; or as a header, a line feed and a payload, which
 * are then signed, so that what lies behind the signature is reached. */
#include <config.h>

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base64url.h"
#include "claims.h"
#include "token.h"
#include "token_libjwt.h"

#define NOW 1800000000

enum choice { CHOICE_SIGN = 1, CHOICE_STRICT = 2, CHOICE_EMAIL = 4, CHOICE_OTHER_SECRET = 8 };

static char secret[] = "0123456789abcdef0123456789abcdef";
static char other_secret[] = "fedcba9876543210fedcba9876543210";
static char sub[] = "sub", email[] = "email", issuer[] = "i", audience[] = "a";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(bool condition)
{
    if (!condition)
        abort();
}

static char *encode(struct arena *arena, const void *bytes, size_t length)
{
    char *text = arena_alloc(arena, (length + 2) / 3 * 4 + 1);
    size_t end = (size_t)EVP_EncodeBlock((unsigned char *)text, bytes, (int)length);

    while (end > 0 && text[end - 1] == '=')
        text[--end] = '\0';
    for (size_t i = 0; i < end; i++)
        text[i] = text[i] == '+' ? '-' : text[i] == '/' ? '_' : text[i];
    return text;
}

/* The signature of what stands before the last dot, or of all of it when there is none. */
static char *signature_of(struct arena *arena, const char *text, size_t length)
{
    unsigned char bytes[EVP_MAX_MD_SIZE];
    unsigned bytes_length = 0;

    demand(HMAC(EVP_sha256(), secret, sizeof(secret) - 1, (const unsigned char *)text, length,
                bytes, &bytes_length) != NULL);
    return encode(arena, bytes, bytes_length);
}

static struct text signed_token(struct arena *arena, const uint8_t *data, size_t size)
{
    const uint8_t *line_end = size == 0 ? NULL : memchr(data, '\n', size);
    size_t header = line_end == NULL ? 0 : (size_t)(line_end - data);
    size_t payload = line_end == NULL ? 0 : header + 1;
    char *text = arena_printf(arena, "%s.%s", encode(arena, data, header),
                              encode(arena, data + payload, size - payload));

    return text_of(arena_printf(arena, "%s.%s", text, signature_of(arena, text, strlen(text))));
}

static struct conf settings(unsigned choices)
{
    struct conf conf = {.secret = choices & CHOICE_OTHER_SECRET ? other_secret : secret,
                        .secret_length = sizeof(secret) - 1,
                        .jwt_leeway = 30,
                        .user_claim = choices & CHOICE_EMAIL ? email : sub};

    if (choices & CHOICE_STRICT) {
        conf.jwt_issuer = issuer;
        conf.jwt_audience = audience;
    }
    return conf;
}

/* Is it signed with `secret`? The independent judge for the types that libjwt refuses. */
static bool is_signed(struct arena *arena, const char *token)
{
    const char *dot = strrchr(token, '.');

    return dot != NULL && strcmp(dot + 1, signature_of(arena, token, (size_t)(dot - token))) == 0;
}

/* The types that every libjwt knows: none, and JWT. */
static bool has_plain_type(struct arena *arena, struct text token)
{
    const char *dot = memchr(token.data, '.', token.length);
    const struct claim *type;
    struct claims header;
    struct text bytes;
    bool plain;

    demand(dot != NULL &&
           base64url_decode(arena, (struct text){token.data, (size_t)(dot - token.data)}, &bytes) &&
           claims_read(&header, arena, bytes));
    type = claims_find(&header, "typ");
    plain = type == NULL || text_equal(type->string, text_of("JWT"));
    claims_free(&header);
    return plain;
}

/* What we let in carries the right signature, and names somebody. libjwt takes it as well. */
static void check_accepted(const struct conf *conf, struct arena *arena, struct text token,
                           const struct principal *principal)
{
    const char *text = arena_text(arena, token);

    demand(conf->secret == secret && strlen(text) == token.length && is_signed(arena, text));
    demand(!has_plain_type(arena, token) ||
           token_libjwt_accepts(arena, text, (struct text){conf->secret, conf->secret_length}));
    demand(principal->user.length >= 1 && principal->user.length <= TOKEN_USER_MAX);
    demand(text_is_utf8(principal->user) && !text_has_control(principal->user));
}

/* A signature that does not match is one that nobody else takes either. */
static void check_mismatch(const struct conf *conf, struct arena *arena, struct text token)
{
    const char *text = arena_text(arena, token);

    demand(!token_libjwt_accepts(arena, text, (struct text){conf->secret, conf->secret_length}));
    demand(conf->secret != secret || !is_signed(arena, text));
}

static void check_token(const struct conf *conf, struct arena *arena, struct text token)
{
    struct principal principal = {.user = TEXT_NULL};
    const char *reason = NULL;
    enum token_fault fault = token_verify(conf, NULL, arena, token, NOW, &principal, &reason);

    demand(fault >= TOKEN_OK && fault < TOKEN_FAULT_COUNT && fault != TOKEN_UNKNOWN_KEY);
    demand((fault == TOKEN_OK) == (reason == NULL));
    if (fault == TOKEN_OK)
        check_accepted(conf, arena, token, &principal);
    else
        demand(principal.user.data == NULL);
    /* An algorithm that is not accepted is a bad signature too: the words tell. */
    if (fault == TOKEN_BAD_SIGNATURE && strstr(reason, "does not match") != NULL)
        check_mismatch(conf, arena, token);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    unsigned choices = size == 0 ? 0 : data[0];
    struct conf conf = settings(choices);
    struct arena arena;
    struct text token;

    if (size == 0)
        return 0;
    arena_init(&arena);
    token = (struct text){(const char *)data + 1, size - 1};
    if (choices & CHOICE_SIGN)
        token = signed_token(&arena, data + 1, size - 1);
    check_token(&conf, &arena, token);
    arena_fini(&arena);
    return 0;
}

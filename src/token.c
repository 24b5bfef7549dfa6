/* SPDX-License-Identifier: ISC */
/* A token is judged in the order of `steps`: what it says, what its header claims, whether it is
 * signed, and only then whether what it says holds. Each step knows nothing of the others but what
 * they left in struct candidate. How a signature is checked depends on the algorithm alone: HS256
 * by the shared secret, the others by the key set. */
#include <config.h>

#include "token.h"

#include <jansson.h>
#include <limits.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base64url.h"
#include "jwks.h"
#include "random.h"
#include "token_libjwt.h"

#define DEPTH_MAX 64 /* levels of arrays and objects in a header or a payload */
#define EMAIL_BYTES_MAX 320
#define NAME_BYTES_MAX 200
#define SESSION_BYTES_MAX 64
#define ID_SIZE 16 /* random bytes of a token's jti */
#define HS256_SIZE 32

enum segment { SEGMENT_HEADER, SEGMENT_PAYLOAD, SEGMENT_SIGNATURE, SEGMENT_COUNT };

struct candidate {
    const struct conf *conf;
    struct keys *keys; /* NULL: none */
    struct arena *arena;
    time_t now;
    struct text token;
    const char *reason;   /* why it was refused, for the log */
    const char *compact;  /* the token, terminated */
    size_t signed_length; /* bytes of `compact` that the signature covers */
    struct text signature;
    json_t *header, *claims;
    const struct algorithm *algorithm;
    struct text user;
};

struct algorithm {
    const char *name;
    const char *judge; /* who that is, in words */
    enum token_fault (*check)(struct candidate *candidate);
};

static enum token_fault refuse(struct candidate *candidate, enum token_fault fault,
                               const char *reason)
{
    candidate->reason = reason;
    return fault;
}

/* Exactly three segments, cut at the dots. */
static bool split_segments(struct text token, struct text segments[SEGMENT_COUNT])
{
    const char *start = token.data, *end = token.data + token.length;

    for (int i = 0; i < SEGMENT_COUNT - 1; i++) {
        const char *dot = memchr(start, '.', (size_t)(end - start));

        if (dot == NULL)
            return false;
        segments[i] = (struct text){start, (size_t)(dot - start)};
        start = dot + 1;
    }
    segments[SEGMENT_SIGNATURE] = (struct text){start, (size_t)(end - start)};
    return memchr(start, '.', (size_t)(end - start)) == NULL;
}

/* Has `value` at most `levels` levels of arrays and objects? For one kind the other's loop is
 * empty. */
static bool is_shallow(json_t *value, int levels)
{
    const char *key;
    json_t *member;
    size_t i;

    if (!json_is_object(value) && !json_is_array(value))
        return true;
    if (levels == 0)
        return false;
    json_object_foreach (value, key, member) {
        if (!is_shallow(member, levels - 1))
            return false;
    }
    json_array_foreach (value, i, member) {
        if (!is_shallow(member, levels - 1))
            return false;
    }
    return true;
}

/* A segment that holds a JSON object; NULL if it does not. jansson refuses U+0000 in a string, so
 * that none is longer than strlen says, but skips a zero byte behind a number or a word. */
static json_t *decode_object(struct arena *arena, struct text segment)
{
    struct text bytes;
    json_t *json;

    if (!base64url_decode(arena, segment, &bytes) || memchr(bytes.data, '\0', bytes.length) != NULL)
        return NULL;
    json = json_loadb(bytes.data, bytes.length, JSON_REJECT_DUPLICATES, NULL);
    if (json_is_object(json) && is_shallow(json, DEPTH_MAX))
        return json;
    json_decref(json);
    return NULL;
}

static enum token_fault parse_token(struct candidate *candidate)
{
    struct text segments[SEGMENT_COUNT];

    if (candidate->token.length > TOKEN_MAX)
        return refuse(candidate, TOKEN_MALFORMED, "too long");
    candidate->compact = arena_text(candidate->arena, candidate->token);
    if (!split_segments(candidate->token, segments))
        return refuse(candidate, TOKEN_MALFORMED, "not three segments");
    candidate->signed_length =
        candidate->token.length - segments[SEGMENT_SIGNATURE].length - strlen(".");
    candidate->header = decode_object(candidate->arena, segments[SEGMENT_HEADER]);
    if (candidate->header == NULL)
        return refuse(candidate, TOKEN_MALFORMED, "header is not base64url of a JSON object");
    candidate->claims = decode_object(candidate->arena, segments[SEGMENT_PAYLOAD]);
    if (candidate->claims == NULL)
        return refuse(candidate, TOKEN_MALFORMED, "payload is not base64url of a JSON object");
    if (!base64url_decode(candidate->arena, segments[SEGMENT_SIGNATURE], &candidate->signature))
        return refuse(candidate, TOKEN_MALFORMED, "signature is not base64url");
    return TOKEN_OK;
}

/* Same bytes? No for anything but a string. */
static bool is_string(const json_t *value, const char *expected)
{
    return json_is_string(value) && strcmp(json_string_value(value), expected) == 0;
}

static bool is_type(const json_t *value, const char *expected)
{
    return json_is_string(value) && strcasecmp(json_string_value(value), expected) == 0;
}

/* libjwt judges the signature of a token of the plain type; its older versions know no other. */
static bool libjwt_accepts(const struct candidate *candidate, struct text secret)
{
    return token_libjwt_accepts(candidate->arena, candidate->compact, secret);
}

/* The same judgement for the types that libjwt may not know. */
static bool hmac_matches(const struct candidate *candidate, struct text secret)
{
    unsigned char mac[EVP_MAX_MD_SIZE];

    return HMAC(EVP_sha256(), secret.data, (int)secret.length,
                (const unsigned char *)candidate->compact, candidate->signed_length, mac,
                NULL) != NULL &&
           CRYPTO_memcmp(mac, candidate->signature.data, HS256_SIZE) == 0;
}

static bool is_secret(struct text secret)
{
    return secret.data != NULL && secret.length > 0 && secret.length <= INT_MAX;
}

static bool has_secret(const struct conf *conf)
{
    return is_secret((struct text){conf->secret, conf->secret_length});
}

/* Signed with today's secret, or with the one before it. */
static enum token_fault check_hs256(struct candidate *candidate)
{
    const struct conf *conf = candidate->conf;
    const struct text secrets[] = {
        {conf->secret, conf->secret_length},
        {conf->secret_previous, conf->secret_previous ? strlen(conf->secret_previous) : 0}};
    const json_t *type = json_object_get(candidate->header, "typ");
    bool plain = type == NULL || is_type(type, "JWT");

    if (!has_secret(conf))
        return refuse(candidate, TOKEN_UNKNOWN_KEY, "HS256 without a shared secret");
    if (candidate->signature.length != HS256_SIZE)
        return refuse(candidate, TOKEN_BAD_SIGNATURE, "signature of the wrong length");
    for (size_t i = 0; i < sizeof secrets / sizeof *secrets; i++)
        if (is_secret(secrets[i]) &&
            (plain ? libjwt_accepts(candidate, secrets[i]) : hmac_matches(candidate, secrets[i])))
            return TOKEN_OK;
    return refuse(candidate, TOKEN_BAD_SIGNATURE, "HS256 signature does not match");
}

/* A token without a kid is tried with every key of its algorithm. */
static enum token_fault check_key_set(struct candidate *candidate)
{
    const json_t *kid = json_object_get(candidate->header, "kid");
    const struct jwks_claim claim = {
        .kid = json_string_value(kid),
        .algorithm = json_string_value(json_object_get(candidate->header, "alg")),
        .signed_part = {candidate->compact, candidate->signed_length},
        .signature = candidate->signature,
    };
    enum jwks_verdict verdict;

    if (kid != NULL && claim.kid == NULL)
        return refuse(candidate, TOKEN_MALFORMED, "kid is no string");
    if (!keys_judge(candidate->keys, &claim, &verdict))
        return refuse(candidate, TOKEN_UNAVAILABLE, "no key set could be read so far");
    if (verdict == JWKS_UNKNOWN)
        return refuse(candidate, TOKEN_UNKNOWN_KEY, "no key of the set has signed it");
    if (verdict == JWKS_MISMATCH)
        return refuse(candidate, TOKEN_BAD_SIGNATURE, "the key that it names has not signed it");
    return TOKEN_OK;
}

static const struct algorithm hs256 = {"HS256", "to be judged by the shared secret", check_hs256};
static const struct algorithm key_set = {"those of keys", "to be judged by the key set",
                                         check_key_set};

/* Who checks the header's alg, compared byte for byte; NULL: not an algorithm of ours. What a key
 * set knows never leads to the secret, nor the other way round. */
static const struct algorithm *find_algorithm(const struct candidate *candidate, const json_t *name)
{
    if (is_string(name, hs256.name))
        return &hs256;
    return candidate->keys != NULL && jwks_knows(json_string_value(name)) ? &key_set : NULL;
}
static bool is_known_type(const json_t *type)
{
    static const char *const types[] = {"JWT", "application/jwt", "at+jwt"};

    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        if (is_type(type, types[i]))
            return true;
    }
    return false;
}

static enum token_fault check_header(struct candidate *candidate)
{
    const json_t *name = json_object_get(candidate->header, "alg");
    const json_t *type = json_object_get(candidate->header, "typ");
    const json_t *encoded = json_object_get(candidate->header, "b64");

    if (json_object_get(candidate->header, "crit") != NULL)
        return refuse(candidate, TOKEN_MALFORMED, "header has crit");
    if (encoded != NULL && !json_is_true(encoded))
        return refuse(candidate, TOKEN_MALFORMED, "header has b64");
    if (type != NULL && !is_known_type(type))
        return refuse(candidate, TOKEN_MALFORMED, "typ is not a JWT's");
    if (!json_is_string(name))
        return refuse(candidate, TOKEN_MALFORMED, "alg is no string");
    candidate->algorithm = find_algorithm(candidate, name);
    if (candidate->algorithm == NULL)
        return refuse(candidate, TOKEN_BAD_SIGNATURE, "alg is not accepted");
    return TOKEN_OK;
}

static enum token_fault check_signature(struct candidate *candidate)
{
    return candidate->algorithm->check(candidate);
}

/* Reads a NumericDate, fractions included, when it is there. False if it is no number, or one that
 * 64 bits do not hold. As a double it is exact to the microsecond for the next 100 years, and
 * adding the leeway cannot overflow. */
static bool read_instant(const json_t *claims, const char *name, double *seconds)
{
    const json_t *claim = json_object_get(claims, name);
    double value = json_number_value(claim);

    if (claim == NULL)
        return true;
    if (!json_is_number(claim) || value < -0x1p63 || value > 0x1p63)
        return false;
    *seconds = value;
    return true;
}

static enum token_fault check_times(struct candidate *candidate)
{
    double now = (double)candidate->now, leeway = (double)candidate->conf->jwt_leeway;
    double expires = now, not_before = now, issued = now;

    if (json_object_get(candidate->claims, "exp") == NULL)
        return refuse(candidate, TOKEN_MALFORMED, "no exp");
    if (!read_instant(candidate->claims, "exp", &expires) ||
        !read_instant(candidate->claims, "nbf", &not_before) ||
        !read_instant(candidate->claims, "iat", &issued))
        return refuse(candidate, TOKEN_MALFORMED, "exp, nbf or iat is no instant");
    if (now >= expires + leeway)
        return refuse(candidate, TOKEN_EXPIRED, "exp has passed");
    if (not_before > now + leeway)
        return refuse(candidate, TOKEN_NOT_YET_VALID, "nbf is to come");
    if (issued > now + leeway)
        return refuse(candidate, TOKEN_NOT_YET_VALID, "iat is to come");
    return TOKEN_OK;
}

static enum token_fault check_issuer(struct candidate *candidate)
{
    const char *issuer = candidate->conf->jwt_issuer;

    if (issuer != NULL && !is_string(json_object_get(candidate->claims, "iss"), issuer))
        return refuse(candidate, TOKEN_WRONG_ISSUER, "iss is not TODO_JWT_ISSUER");
    return TOKEN_OK;
}

/* Is `claim` the audience, or an array of strings that has it? */
static bool has_audience(const json_t *claim, const char *audience)
{
    bool found = false;
    json_t *member;
    size_t i;

    if (!json_is_array(claim))
        return is_string(claim, audience);
    json_array_foreach (claim, i, member) {
        if (!json_is_string(member))
            return false;
        found = found || is_string(member, audience);
    }
    return found;
}

static enum token_fault check_audience(struct candidate *candidate)
{
    const char *audience = candidate->conf->jwt_audience;

    if (audience != NULL && !has_audience(json_object_get(candidate->claims, "aud"), audience))
        return refuse(candidate, TOKEN_WRONG_AUDIENCE, "aud is not TODO_JWT_AUDIENCE");
    return TOKEN_OK;
}

/* TEXT_NULL when the claim is absent or no string. */
static struct text string_claim(const json_t *claims, const char *name)
{
    const json_t *claim = json_object_get(claims, name);

    if (!json_is_string(claim))
        return TEXT_NULL;
    return (struct text){json_string_value(claim), json_string_length(claim)};
}

static bool is_user(struct text user)
{
    return user.length >= 1 && user.length <= TOKEN_USER_MAX && !text_has_control(user);
}

static enum token_fault check_user(struct candidate *candidate)
{
    candidate->user = string_claim(candidate->claims, candidate->conf->user_claim);
    if (!is_user(candidate->user))
        return refuse(candidate, TOKEN_MALFORMED, "TODO_USER_CLAIM names no user");
    return TOKEN_OK;
}

static const struct step {
    const char *name;
    enum token_fault (*run)(struct candidate *candidate);
} steps[] = {
    {"form", parse_token},  {"header", check_header}, {"signature", check_signature},
    {"times", check_times}, {"issuer", check_issuer}, {"audience", check_audience},
    {"user", check_user},
};

static enum token_fault run_steps(struct candidate *candidate, token_teller *tell, void *data)
{
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        enum token_fault fault = steps[i].run(candidate);
        const char *note = steps[i].run == check_header && fault == TOKEN_OK
                               ? candidate->algorithm->judge
                               : candidate->reason;

        if (tell != NULL)
            tell(data, steps[i].name, fault, note);
        if (fault != TOKEN_OK)
            return fault;
    }
    return TOKEN_OK;
}

static struct text copy_text(struct arena *arena, struct text t)
{
    return (struct text){arena_text(arena, t), t.length};
}

/* A claim that only decorates: what is not fit to be shown is left out. */
static struct text copy_profile(const struct candidate *candidate, const char *name, size_t maximum)
{
    struct text value = string_claim(candidate->claims, name);

    if (value.data == NULL || value.length > maximum || text_has_control(value))
        return TEXT_NULL;
    return copy_text(candidate->arena, value);
}

static void fill_principal(const struct candidate *candidate, struct principal *principal)
{
    principal->user = copy_text(candidate->arena, candidate->user);
    principal->email = copy_profile(candidate, "email", EMAIL_BYTES_MAX);
    principal->name = copy_profile(candidate, "name", NAME_BYTES_MAX);
    /* Another issuer's sessions are not ours. */
    if (candidate->algorithm == &hs256)
        principal->session = copy_profile(candidate, "sid", SESSION_BYTES_MAX);
}

static enum token_fault judge(struct candidate *candidate, struct principal *principal,
                              token_teller *tell, void *data)
{
    enum token_fault fault = run_steps(candidate, tell, data);

    if (fault == TOKEN_OK)
        fill_principal(candidate, principal);
    json_decref(candidate->header);
    json_decref(candidate->claims);
    return fault;
}

enum token_fault token_verify(const struct conf *conf, struct keys *keys, struct arena *arena,
                              struct text token, time_t now, struct principal *principal,
                              const char **reason)
{
    struct candidate candidate = {
        .conf = conf, .keys = keys, .arena = arena, .now = now, .token = token};
    enum token_fault fault = judge(&candidate, principal, NULL, NULL);

    *reason = candidate.reason;
    return fault;
}

enum token_fault token_inspect(const struct conf *conf, struct keys *keys, struct arena *arena,
                               struct text token, time_t now, struct principal *principal,
                               token_teller *tell, void *data)
{
    struct candidate candidate = {
        .conf = conf, .keys = keys, .arena = arena, .now = now, .token = token};

    return judge(&candidate, principal, tell, data);
}

const char *token_fault_text(enum token_fault fault)
{
    static const char *const texts[TOKEN_FAULT_COUNT] = {
        [TOKEN_OK] = "ok",
        [TOKEN_MALFORMED] = "malformed",
        [TOKEN_EXPIRED] = "expired",
        [TOKEN_NOT_YET_VALID] = "not yet valid",
        [TOKEN_WRONG_ISSUER] = "wrong issuer",
        [TOKEN_WRONG_AUDIENCE] = "wrong audience",
        [TOKEN_BAD_SIGNATURE] = "bad signature",
        [TOKEN_UNKNOWN_KEY] = "unknown key",
        [TOKEN_UNAVAILABLE] = "unavailable",
    };

    return texts[fault];
}

/* False also when there is one of that name. Takes `value` over. */
static bool add_claim(json_t *claims, const char *name, json_t *value)
{
    if (json_object_get(claims, name) == NULL)
        return json_object_set_new(claims, name, value) == 0;
    json_decref(value);
    return false;
}

/* The claims that the settings and the caller may leave out. */
static bool add_optional_claims(json_t *claims, const struct conf *conf, const char *session)
{
    const struct {
        const char *name, *value;
    } optional[] = {{"iss", conf->jwt_issuer}, {"aud", conf->jwt_audience}, {"sid", session}};

    for (size_t i = 0; i < sizeof optional / sizeof *optional; i++)
        if (optional[i].value != NULL &&
            !add_claim(claims, optional[i].name, json_string(optional[i].value)))
            return false;
    return true;
}

static bool add_claims(json_t *claims, const struct conf *conf, const char *user, const char *id,
                       time_t now, long lifetime)
{
    long expires;

    return !__builtin_add_overflow(now, lifetime, &expires) &&
           add_claim(claims, conf->user_claim, json_string(user)) &&
           add_claim(claims, "iat", json_integer(now)) &&
           add_claim(claims, "exp", json_integer(expires)) &&
           add_claim(claims, "jti", json_string(id));
}

char *token_make(const struct conf *conf, struct arena *arena, const char *user,
                 const char *session, time_t now, long lifetime)
{
    json_t *claims = json_object();
    char *json = NULL, *token = NULL;

    if (has_secret(conf) && is_user(text_of(user)) &&
        add_claims(claims, conf, user, random_id(arena, ID_SIZE), now, lifetime) &&
        add_optional_claims(claims, conf, session))
        json = json_dumps(claims, JSON_COMPACT);
    if (json != NULL)
        token = token_libjwt_make(arena, json, (struct text){conf->secret, conf->secret_length});
    free(json);
    json_decref(claims);
    return token;
}

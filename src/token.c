/* SPDX-License-Identifier: ISC */
/* A token is judged in the order of `steps`: what it says, what its header claims, whether it is
 * signed, and only then whether what it says holds. Each step knows nothing of the others but what
 * they left in struct candidate. How a signature is checked depends on the algorithm alone: HS256
 * by the shared secret, the others by the key set. */
#include <config.h>

#include "token.h"

#include <jansson.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base64url.h"
#include "claims.h"
#include "hs256.h"
#include "jwks.h"
#include "random.h"
#include "token_libjwt.h"

#define EMAIL_BYTES_MAX 320
#define NAME_BYTES_MAX 200
#define SESSION_BYTES_MAX 64
#define ID_SIZE 16 /* random bytes of a token's jti */
#define KNOWN_HEADER_MAX 128

enum segment { SEGMENT_HEADER, SEGMENT_PAYLOAD, SEGMENT_SIGNATURE, SEGMENT_COUNT };

struct candidate {
    const struct conf *conf;
    struct keys *keys; /* NULL: none */
    struct arena *arena;
    time_t now;
    struct text token;
    const char *reason;   /* why it was refused, for the log */
    size_t signed_length; /* bytes of `token` that the signature covers */
    struct text encoded_header, signature;
    bool header_is_known; /* and was not read again */
    struct claims header, claims;
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

/* The header of the last token that was accepted by the shared secret, as it was encoded. All of a
 * signer's tokens mostly have the same, so it need not be read again: whether HS256 may judge a
 * token is told by these bytes alone. What a key set may judge is not kept, as that depends on the
 * set too. */
static struct {
    size_t length; /* 0: none yet */
    char bytes[KNOWN_HEADER_MAX];
} known_header;

static bool is_known_header(struct text encoded)
{
    return encoded.length > 0 && encoded.length == known_header.length &&
           memcmp(encoded.data, known_header.bytes, encoded.length) == 0;
}

static void know_header(struct text encoded)
{
    if (encoded.length > sizeof known_header.bytes)
        return;
    memcpy(known_header.bytes, encoded.data, encoded.length);
    known_header.length = encoded.length;
}

/* A segment that holds a JSON object. */
static bool read_object(struct arena *arena, struct text segment, struct claims *claims)
{
    struct text bytes;

    return base64url_decode(arena, segment, &bytes) && claims_read(claims, arena, bytes);
}

static enum token_fault parse_token(struct candidate *candidate)
{
    struct text segments[SEGMENT_COUNT];

    if (candidate->token.length > TOKEN_MAX)
        return refuse(candidate, TOKEN_MALFORMED, "too long");
    if (!split_segments(candidate->token, segments))
        return refuse(candidate, TOKEN_MALFORMED, "not three segments");
    candidate->signed_length =
        candidate->token.length - segments[SEGMENT_SIGNATURE].length - strlen(".");
    candidate->encoded_header = segments[SEGMENT_HEADER];
    candidate->header_is_known = is_known_header(candidate->encoded_header);
    if (!candidate->header_is_known &&
        !read_object(candidate->arena, candidate->encoded_header, &candidate->header))
        return refuse(candidate, TOKEN_MALFORMED, "header is not base64url of a JSON object");
    if (!read_object(candidate->arena, segments[SEGMENT_PAYLOAD], &candidate->claims))
        return refuse(candidate, TOKEN_MALFORMED, "payload is not base64url of a JSON object");
    if (!base64url_decode(candidate->arena, segments[SEGMENT_SIGNATURE], &candidate->signature))
        return refuse(candidate, TOKEN_MALFORMED, "signature is not base64url");
    return TOKEN_OK;
}

/* The claim if it is a string; else TEXT_NULL. */
static struct text string_claim(const struct claims *claims, const char *name)
{
    const struct claim *claim = claims_find(claims, name);

    return claim != NULL && claim->kind == CLAIM_STRING ? claim->string : TEXT_NULL;
}

/* Same bytes? No for what is no string. */
static bool is_string(struct text value, const char *expected)
{
    return text_equal(value, text_of(expected));
}

static bool is_type(struct text value, const char *expected)
{
    return value.length == strlen(expected) && strncasecmp(value.data, expected, value.length) == 0;
}

static bool has_secret(const struct conf *conf)
{
    return conf->secret != NULL && conf->secret_length > 0 && conf->secret_length <= INT_MAX;
}

/* Signed with today's secret, or with the one before it. */
static enum token_fault check_hs256(struct candidate *candidate)
{
    const struct conf *conf = candidate->conf;
    const struct text message = {candidate->token.data, candidate->signed_length};

    if (!has_secret(conf))
        return refuse(candidate, TOKEN_UNKNOWN_KEY, "HS256 without a shared secret");
    if (candidate->signature.length != HS256_SIZE)
        return refuse(candidate, TOKEN_BAD_SIGNATURE, "signature of the wrong length");
    if (!hs256_matches((struct text){conf->secret, conf->secret_length}, message,
                       candidate->signature) &&
        !hs256_matches(text_of(conf->secret_previous), message, candidate->signature))
        return refuse(candidate, TOKEN_BAD_SIGNATURE, "HS256 signature does not match");
    return TOKEN_OK;
}

/* A string of the arena's; NULL for TEXT_NULL. */
static const char *terminated(struct arena *arena, struct text t)
{
    return t.data == NULL ? NULL : arena_text(arena, t);
}

/* A token without a kid is tried with every key of its algorithm. */
static enum token_fault check_key_set(struct candidate *candidate)
{
    const struct claims *header = &candidate->header;
    const struct jwks_claim claim = {
        .kid = terminated(candidate->arena, string_claim(header, "kid")),
        .algorithm = terminated(candidate->arena, string_claim(header, "alg")),
        .signed_part = {candidate->token.data, candidate->signed_length},
        .signature = candidate->signature,
    };
    enum jwks_verdict verdict;

    if (claims_find(header, "kid") != NULL && claim.kid == NULL)
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
static const struct algorithm *find_algorithm(const struct candidate *candidate, struct text name)
{
    if (is_string(name, hs256.name))
        return &hs256;
    return candidate->keys != NULL && jwks_knows(terminated(candidate->arena, name)) ? &key_set
                                                                                     : NULL;
}

static bool is_known_type(struct text type)
{
    static const char *const types[] = {"JWT", "application/jwt", "at+jwt"};

    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        if (is_type(type, types[i]))
            return true;
    }
    return false;
}

static enum token_fault judge_header(struct candidate *candidate)
{
    const struct claims *header = &candidate->header;
    const struct claim *encoded = claims_find(header, "b64");
    struct text name = string_claim(header, "alg");

    if (claims_find(header, "crit") != NULL)
        return refuse(candidate, TOKEN_MALFORMED, "header has crit");
    if (encoded != NULL && encoded->kind != CLAIM_TRUE)
        return refuse(candidate, TOKEN_MALFORMED, "header has b64");
    if (claims_find(header, "typ") != NULL && !is_known_type(string_claim(header, "typ")))
        return refuse(candidate, TOKEN_MALFORMED, "typ is not a JWT's");
    if (name.data == NULL)
        return refuse(candidate, TOKEN_MALFORMED, "alg is no string");
    candidate->algorithm = find_algorithm(candidate, name);
    if (candidate->algorithm == NULL)
        return refuse(candidate, TOKEN_BAD_SIGNATURE, "alg is not accepted");
    return TOKEN_OK;
}

static enum token_fault check_header(struct candidate *candidate)
{
    if (!candidate->header_is_known)
        return judge_header(candidate);
    candidate->algorithm = &hs256;
    return TOKEN_OK;
}

static enum token_fault check_signature(struct candidate *candidate)
{
    return candidate->algorithm->check(candidate);
}

/* Reads a NumericDate, fractions included, when it is there. False if it is no number, or one that
 * 64 bits do not hold. As a double it is exact to the microsecond for the next 100 years, and
 * adding the leeway cannot overflow. */
static bool read_instant(const struct claims *claims, const char *name, double *seconds)
{
    const struct claim *claim = claims_find(claims, name);

    if (claim == NULL)
        return true;
    if (claim->kind != CLAIM_NUMBER || claim->number < -0x1p63 || claim->number > 0x1p63)
        return false;
    *seconds = claim->number;
    return true;
}

static enum token_fault check_times(struct candidate *candidate)
{
    double now = (double)candidate->now, leeway = (double)candidate->conf->jwt_leeway;
    double expires = now, not_before = now, issued = now;

    if (claims_find(&candidate->claims, "exp") == NULL)
        return refuse(candidate, TOKEN_MALFORMED, "no exp");
    if (!read_instant(&candidate->claims, "exp", &expires) ||
        !read_instant(&candidate->claims, "nbf", &not_before) ||
        !read_instant(&candidate->claims, "iat", &issued))
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

    if (issuer != NULL && !is_string(string_claim(&candidate->claims, "iss"), issuer))
        return refuse(candidate, TOKEN_WRONG_ISSUER, "iss is not TODO_JWT_ISSUER");
    return TOKEN_OK;
}

/* Is `claim` the audience, or an array of strings that has it? */
static bool has_audience(const struct claims *claims, const char *audience)
{
    const struct claim *claim = claims_find(claims, "aud");
    const json_t *list = claim == NULL ? NULL : claim->json, *member;
    bool found = false;
    size_t i;

    if (!json_is_array(list))
        return is_string(string_claim(claims, "aud"), audience);
    json_array_foreach (list, i, member) {
        if (!json_is_string(member))
            return false;
        found = found || strcmp(json_string_value(member), audience) == 0;
    }
    return found;
}

static enum token_fault check_audience(struct candidate *candidate)
{
    const char *audience = candidate->conf->jwt_audience;

    if (audience != NULL && !has_audience(&candidate->claims, audience))
        return refuse(candidate, TOKEN_WRONG_AUDIENCE, "aud is not TODO_JWT_AUDIENCE");
    return TOKEN_OK;
}

static bool is_user(struct text user)
{
    return user.length >= 1 && user.length <= TOKEN_USER_MAX && !text_has_control(user);
}

static enum token_fault check_user(struct candidate *candidate)
{
    candidate->user = string_claim(&candidate->claims, candidate->conf->user_claim);
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
    struct text value = string_claim(&candidate->claims, name);

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
    if (fault == TOKEN_OK && candidate->algorithm == &hs256 && !candidate->header_is_known)
        know_header(candidate->encoded_header);
    claims_free(&candidate->header);
    claims_free(&candidate->claims);
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

/* SPDX-License-Identifier: ISC */
/* exactly_once.c: answers a repeated write from the record of the first. Only what was written is
 * kept: a refusal changes nothing, so that asking again is harmless. */
#include <config.h>

#include <openssl/evp.h>
#include <string.h>

#include "call.h"
#include "exactly_once.h"
#include "store_tx.h"

#define KEY_MAX 255
#define TRIES 3 /* a record kept by another, or a connection lost, makes the next try a replay */

/* A bare or a quoted string (RFC 8941 3.3.3) of 1 to KEY_MAX visible characters or blanks. */
static bool parse_key(struct arena *arena, const char *value, struct text *key)
{
    bool quoted = *value == '"';
    char *out = arena_alloc(arena, strlen(value) + 1);

    *key = (struct text){out, 0};
    for (value += quoted; *value && !(quoted && *value == '"'); value++) {
        if (quoted && *value == '\\' && *++value != '\\' && *value != '"')
            return false;
        if (*value < 0x20 || *value > 0x7e)
            return false;
        out[key->length++] = *value;
    }
    if (quoted && strcmp(value, "\"") != 0)
        return false;
    return key->length >= 1 && key->length <= KEY_MAX;
}

/* SHA-256 of the parts, each behind its length, so that no two lists of parts are alike. */
static bool digest(const struct text *parts, size_t count, unsigned char *out)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool good = context && EVP_DigestInit_ex(context, EVP_sha256(), NULL);

    for (size_t i = 0; good && i < count; i++) {
        uint64_t length = parts[i].length;

        good = EVP_DigestUpdate(context, &length, sizeof length) &&
               EVP_DigestUpdate(context, parts[i].data, parts[i].length);
    }
    good = good && EVP_DigestFinal_ex(context, out, NULL);
    EVP_MD_CTX_free(context);
    return good;
}

/* "1" for "01". What is no number is no task's, and refused. */
static struct text task_named(struct call *call)
{
    struct text id = text_of(call->match.id ? call->match.id : "");
    int64_t number;

    if (!text_to_int(id, INT64_MIN, INT64_MAX, &number))
        return id;
    return text_of(arena_printf(call->arena, "%lld", (long long)number));
}

/* The path counts as what it names, not as it was spelt: /api/U/tasks/01 is /api/tasks/1. */
static enum err make_key(struct call *call, struct text sent, struct store_key *key)
{
    const struct match *match = &call->match;
    struct text body = TEXT_NULL;
    const struct text scope[] = {text_of(method_name(call->request->method)),
                                 text_of(match->route->pattern), task_named(call), sent};
    enum err err = call_body(call, &body);
    const struct text payload[] = {call->request->query, body};

    if (err != ERR_NONE)
        return err;
    return digest(scope, sizeof scope / sizeof *scope, key->scope) &&
                   digest(payload, sizeof payload / sizeof *payload, key->payload)
               ? ERR_NONE
               : ERR_INTERNAL;
}

/* The answer as it was given the first time, or a 422 if that was to something else. */
static enum err replay(struct call *call, const struct store_record *record)
{
    if (!record->same_payload)
        return problem_fault(call->problem, "header", "Idempotency-Key", "value_error",
                             "was used before with another payload");
    response_clear(call->response);
    call->response->status = record->status;
    call->response->content_type =
        record->content_type.data ? arena_text(call->arena, record->content_type) : NULL;
    buf_add_text(&call->response->headers, record->headers);
    buf_add_text(&call->response->body, record->body);
    response_header(call->response, "Idempotent-Replayed", "true");
    return ERR_NONE;
}

/* Ends what the handler left open: undoes it after a failure or when it was only a trial, commits
 * it otherwise, with the answer when there is a key. */
static enum err settle(struct call *call, enum err err, bool keyed, bool *again)
{
    const struct response *response = call->response;
    const struct store_record record = {
        .status = response->status,
        .content_type = text_of(response->content_type),
        .headers = buf_text(&response->headers),
        .body = buf_text(&response->body),
    };

    *again = false;
    if (!store_is_open(call->store))
        return err;
    if (err == ERR_NONE && !call->trial)
        return store_commit(call->store, keyed ? &record : NULL, again);
    store_rollback(call->store);
    return err == ERR_REPLAY ? replay(call, store_found(call->store)) : err;
}

enum err exactly_once(struct call *call)
{
    const char *header = request_header_sent(call->request, HEADER_IDEMPOTENCY_KEY);
    struct store_key key;
    struct text sent;
    bool again = true;
    enum err err = ERR_NONE;

    if (!header)
        return settle(call, call->match.route->run(call), false, &again);
    if (!parse_key(call->arena, header, &sent)) {
        problem_fault(call->problem, "header", "Idempotency-Key", "value_error",
                      "must be a string of 1 to %d characters", KEY_MAX);
        return ERR_BAD_REQUEST;
    }
    err = make_key(call, sent, &key);
    for (int i = 0; err == ERR_NONE && again && i < TRIES; i++) {
        response_clear(call->response);
        store_hold(call->store, &key);
        err = settle(call, call->match.route->run(call), true, &again);
        if (again && i + 1 < TRIES)
            err = ERR_NONE;
    }
    return err;
}

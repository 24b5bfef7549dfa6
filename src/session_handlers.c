/* SPDX-License-Identifier: ISC */
/* session_handlers.c: renewing, ending and listing sessions. */
#include <config.h>

#include <openssl/crypto.h>
#include <string.h>

#include "account_json.h"
#include "auth.h"
#include "call.h"
#include "clock.h"
#include "log.h"
#include "metrics.h"
#include "random.h"
#include "session_handlers.h"

#define SESSION_ID_SIZE 16 /* random bytes */

void session_begin(struct call *call, struct text user, struct refresh_token *token,
                   struct session_start *start)
{
    *token = (struct refresh_token){
        .user = user,
        .session = text_of(random_id(call->arena, SESSION_ID_SIZE)),
    };
    random_bytes(token->secret, sizeof token->secret);
    start->id = token->session;
    refresh_token_hash(token, start->refresh_hash);
}

enum err session_answer(struct call *call, int status, const struct account *account,
                        const struct refresh_token *token)
{
    const char *access =
        token_make(call->conf, call->arena, arena_text(call->arena, account->id),
                   arena_text(call->arena, token->session), clock_unix_seconds(), ACCESS_SECONDS);

    if (!access) {
        log_error("no access token could be made");
        return ERR_INTERNAL;
    }
    call->response->status = status;
    call->response->content_type = RESPONSE_JSON;
    account_json_write_tokens(&call->response->body, account, access,
                              refresh_token_write(call->arena, token), call->conf->compat);
    return ERR_NONE;
}

static enum err refuse(struct call *call)
{
    metrics_count(METRICS_AUTH_REFRESH);
    return problem_set(call->problem, ERR_UNAUTHORIZED,
                       "the refresh token is not valid any more; log in again");
}

/* The successor of `token`: made now or, if another request was faster, by that one. */
static enum err renew(struct call *call, const struct refresh_token *token,
                      struct refresh_token *next, struct account *account)
{
    struct session_renewal renewal = {.user = token->user, .session = token->session};
    unsigned char hash[REFRESH_HASH_SIZE];
    bool stolen;
    enum err err;

    random_bytes(renewal.salt, sizeof renewal.salt);
    refresh_token_next(call->conf, token, renewal.salt, next);
    refresh_token_hash(token, renewal.hash);
    refresh_token_hash(next, renewal.next_hash);
    err = store_session_refresh(call->store, &renewal, account, &stolen);
    if (stolen)
        log_warning("a refresh token came again after its use: its session has been ended");
    if (err == ERR_UNAUTHORIZED)
        return refuse(call);
    if (err != ERR_NONE)
        return err;
    refresh_token_next(call->conf, token, renewal.salt, next);
    refresh_token_hash(next, hash);
    /* Not so if the signing secret was changed within the last seconds. */
    return CRYPTO_memcmp(hash, renewal.next_hash, sizeof hash) == 0 ? ERR_NONE : refuse(call);
}

enum err session_refresh(struct call *call)
{
    struct refresh_token token, next;
    struct account_body body;
    struct account account;
    enum err err = account_json_read(call, ACCOUNT_JSON_OR_FORM, ACCOUNT_REFRESH_TOKEN, 0, &body);

    if (err != ERR_NONE)
        return err;
    if (!refresh_token_parse(call->arena, body.refresh_token, &token))
        return refuse(call);
    err = renew(call, &token, &next, &account);
    return err != ERR_NONE ? err : session_answer(call, 200, &account, &next);
}

/* What has ended already is ended. */
static enum err answer_ended(struct call *call, enum err err)
{
    if (err != ERR_NONE && err != ERR_NOT_FOUND)
        return err;
    call->response->status = 204;
    return ERR_NONE;
}

/* A refresh token alone will do: the access token may have expired long since. */
static enum err log_out_by_refresh_token(struct call *call, struct text text)
{
    struct refresh_token token;
    unsigned char hash[REFRESH_HASH_SIZE];

    if (!refresh_token_parse(call->arena, text, &token))
        return answer_ended(call, ERR_NOT_FOUND);
    refresh_token_hash(&token, hash);
    return answer_ended(call, store_session_end(call->store, token.user, token.session, hash));
}

enum err session_logout(struct call *call)
{
    struct account_body body;
    enum err err = account_json_read(call, ACCOUNT_JSON_OR_FORM, 0, ACCOUNT_REFRESH_TOKEN, &body);

    if (err != ERR_NONE)
        return err;
    err = auth_check(call);
    if (err == ERR_NONE && call->principal.session.data)
        return answer_ended(call, store_session_end(call->store, call->principal.user,
                                                    call->principal.session, NULL));
    if (body.set & ACCOUNT_REFRESH_TOKEN)
        return log_out_by_refresh_token(call, body.refresh_token);
    return err == ERR_NONE ? answer_ended(call, ERR_NOT_FOUND) : err;
}

enum err session_list(struct call *call)
{
    struct buf *out = &call->response->body;
    struct session *sessions;
    size_t count;
    enum err err = store_session_list(call->store, call->principal.user, &sessions, &count);

    if (err != ERR_NONE)
        return err;
    call->response->status = 200;
    call->response->content_type = RESPONSE_JSON;
    buf_add_char(out, '[');
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            buf_add_char(out, ',');
        account_json_write_session(out, &sessions[i],
                                   text_equal(sessions[i].id, call->principal.session));
    }
    buf_add_char(out, ']');
    return ERR_NONE;
}

enum err session_delete(struct call *call)
{
    enum err err =
        store_session_end(call->store, call->principal.user, text_of(call->match.id), NULL);

    if (err == ERR_NOT_FOUND)
        return problem_set(call->problem, err, "there is no such session");
    if (err == ERR_NONE)
        call->response->status = 204;
    return err;
}

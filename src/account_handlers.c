/* SPDX-License-Identifier: ISC */
/* account_handlers.c: registering, logging in, and what an account's owner does with it.
 *
 * Whatever the answer, a password costs one hash: whether an account exists cannot be told from the
 * time. The database is asked before the hash, and told after it; nothing of it is held meanwhile.
 */
#include <config.h>

#include <string.h>

#include "account_handlers.h"
#include "account_json.h"
#include "call.h"
#include "client.h"
#include "log.h"
#include "metrics.h"
#include "password.h"
#include "random.h"
#include "session_handlers.h"
#include "store_account.h"

#define USER_ID_SIZE 16 /* random bytes */

enum err account_register(struct call *call)
{
    char hash[PASSWORD_HASH_SIZE];
    struct refresh_token token;
    struct session_start start;
    struct account_body body;
    struct account account;
    enum err err = account_json_read(call, ACCOUNT_JSON_ONLY,
                                     ACCOUNT_EMAIL | ACCOUNT_FIRST_PASSWORD, ACCOUNT_NAME, &body);

    if (err == ERR_NONE)
        err = password_hash(body.new_password, call->conf->bcrypt_cost, hash);
    if (err != ERR_NONE)
        return err;
    account.id = text_of(arena_printf(call->arena, "u_%s", random_id(call->arena, USER_ID_SIZE)));
    account.email = body.email;
    account.name = body.name;
    session_begin(call, account.id, &token, &start);
    err = store_account_create(call->store, &account, text_of(hash), &start, &account);
    if (err == ERR_CONFLICT)
        problem_set(call->problem, err, "this e-mail address is registered already");
    return err != ERR_NONE ? err : session_answer(call, 201, &account, &token);
}

/* Is `password` that of the account of `email` or, for TEXT_NULL, of the token's user? If it is
 * not, `refusal`, which counts. */
static enum err prove(struct call *call, struct text email, const char *password, enum err refusal,
                      struct account_proof *proof)
{
    struct text address = client_subscriber(call->conf, call->request);
    enum err err = store_account_attempt(call->store, call->principal.user, email, address, proof);

    if (err == ERR_NONE && proof->wait > 0) {
        call->problem->retry_after = (int)proof->wait;
        log_warning("too many failed logins for one account or from one address");
        metrics_count(METRICS_AUTH_THROTTLED);
        err = ERR_THROTTLED;
    }
    if (err != ERR_NONE)
        return err;
    if (password_verify(password, proof->hash, call->conf->bcrypt_cost) && proof->user.data)
        return ERR_NONE;
    metrics_count(METRICS_AUTH_PASSWORD);
    err = store_account_failed(call->store, address);
    return err != ERR_NONE ? err : refusal;
}

/* A hash of a lower cost than today's is replaced now that the password is at hand. */
static enum err rehash(struct call *call, const struct account_proof *proof, const char *password,
                       char hash[PASSWORD_HASH_SIZE], struct text *changed)
{
    enum err err = ERR_NONE;

    *changed = TEXT_NULL;
    if (password_cost(proof->hash) < call->conf->bcrypt_cost) {
        err = password_hash(password, call->conf->bcrypt_cost, hash);
        *changed = text_of(hash);
    }
    return err;
}

static enum err refuse_login(struct call *call)
{
    return problem_set(call->problem, ERR_UNAUTHORIZED,
                       "the e-mail address or the password is wrong");
}

enum err account_login(struct call *call)
{
    char hash[PASSWORD_HASH_SIZE];
    struct account_proof proof;
    struct refresh_token token;
    struct session_start start;
    struct account_body body;
    struct account account;
    struct text changed;
    enum err err =
        account_json_read(call, ACCOUNT_JSON_OR_FORM, ACCOUNT_LOGIN | ACCOUNT_PASSWORD, 0, &body);

    if (err == ERR_NONE)
        err = prove(call, body.email, body.password, ERR_UNAUTHORIZED, &proof);
    if (err == ERR_NONE)
        err = rehash(call, &proof, body.password, hash, &changed);
    if (err == ERR_NONE) {
        session_begin(call, proof.user, &token, &start);
        err = store_account_log_in(call->store, &proof, body.email, changed, &start, &account);
    }
    if (err == ERR_UNAUTHORIZED)
        return refuse_login(call);
    return err != ERR_NONE ? err : session_answer(call, 200, &account, &token);
}

static enum err answer_account(struct call *call, enum err err, const struct account *account)
{
    if (err == ERR_NOT_FOUND)
        return problem_set(call->problem, err, "this user has no account here");
    if (err != ERR_NONE)
        return err;
    call->response->status = 200;
    call->response->content_type = RESPONSE_JSON;
    account_json_write(&call->response->body, account);
    return ERR_NONE;
}

enum err account_get(struct call *call)
{
    struct account account;

    return answer_account(call, store_account_get(call->store, call->principal.user, &account),
                          &account);
}

enum err account_patch(struct call *call)
{
    struct account_body body;
    struct account account;
    enum err err =
        account_json_read(call, ACCOUNT_JSON_ONLY, 0, ACCOUNT_EMAIL | ACCOUNT_NAME, &body);
    const struct account_change change = {
        .email = body.email, .sets_name = body.set & ACCOUNT_NAME, .name = body.name};

    if (err == ERR_NONE)
        err = store_account_update(call->store, call->principal.user, &change, &account);
    if (err == ERR_CONFLICT)
        problem_set(call->problem, err, "this e-mail address is registered already");
    return answer_account(call, err, &account);
}

/* The owner proves to be there: the token may be in other hands. */
static enum err prove_own(struct call *call, const char *password, struct account_proof *proof)
{
    enum err err = prove(call, TEXT_NULL, password, ERR_FORBIDDEN, proof);

    if (err == ERR_FORBIDDEN)
        problem_set(call->problem, err, "the password is wrong");
    return err;
}

static enum err answer_done(struct call *call, enum err err)
{
    if (err == ERR_CONFLICT)
        problem_set(call->problem, err, "the account was changed at the same time");
    if (err == ERR_NONE)
        call->response->status = 204;
    return err;
}

enum err account_password(struct call *call)
{
    char hash[PASSWORD_HASH_SIZE];
    struct account_proof proof;
    struct account_body body;
    enum err err = account_json_read(call, ACCOUNT_JSON_ONLY,
                                     ACCOUNT_CURRENT_PASSWORD | ACCOUNT_NEW_PASSWORD, 0, &body);

    if (err == ERR_NONE)
        err = prove_own(call, body.password, &proof);
    if (err == ERR_NONE)
        err = password_hash(body.new_password, call->conf->bcrypt_cost, hash);
    if (err == ERR_NONE)
        err = store_account_password(call->store, &proof, text_of(hash), call->principal.session);
    return answer_done(call, err);
}

enum err account_delete(struct call *call)
{
    struct account_proof proof;
    struct account_body body;
    enum err err = account_json_read(call, ACCOUNT_JSON_ONLY, ACCOUNT_PASSWORD, 0, &body);

    if (err == ERR_NONE)
        err = prove_own(call, body.password, &proof);
    if (err == ERR_NONE)
        err = store_account_delete(call->store, &proof);
    return answer_done(call, err);
}

/* SPDX-License-Identifier: ISC */
/* store_account.c: from an e-mail address to what a login needs, and what may follow from it. The
 * lock on the users row makes login, change of password, disabling and deletion one after another;
 * the account's revision tells which came first. */
#include <config.h>

#include "store_account.h"
#include "store_internal.h"

struct text store_copy_text(struct store *store, struct text t)
{
    return t.data ? (struct text){arena_text(&store->arena, t), t.length} : t;
}

void store_take_account(struct store *store, const PGresult *result, struct account *account)
{
    account->id = store_copy_text(store, result_text(result, 0, 0));
    account->email = store_copy_text(store, result_text(result, 0, 1));
    account->name = store_copy_text(store, result_text(result, 0, 2));
    account->created_at = result_time(result, 0, 3);
}

/* The account in the step's one row; `none` when there is no row. */
static enum err take_account(struct store *store, enum err err, const struct step *step,
                             enum err none, struct account *account)
{
    if (err == ERR_NONE && PQntuples(step->result) == 0)
        err = none;
    if (err == ERR_NONE)
        store_take_account(store, step->result, account);
    return err;
}

static void take_proof(struct store *store, const PGresult *result, struct account_proof *proof)
{
    *proof = (struct account_proof){
        .wait = result_int(result, 0, 0),
        .user = store_copy_text(store, result_text(result, 0, 1)),
        .hash = store_copy_text(store, result_text(result, 0, 2)).data,
        .revision = result_is_null(result, 0, 3) ? 0 : result_int(result, 0, 3),
    };
}

enum err store_account_attempt(struct store *store, struct text user, struct text email,
                               struct text address, struct account_proof *proof)
{
    struct step enter, attempt;
    struct step *steps[] = {&attempt, &enter};
    size_t count = 1;
    enum err err;

    step_init(&attempt, store_statement(SQL_LOGIN_ATTEMPT));
    step_text(&attempt, email);
    step_text(&attempt, address);
    if (!email.data) {
        store_enter(store, &enter, user);
        steps[0] = &enter;
        steps[1] = &attempt;
        count = 2;
    }
    err = store_run(store, steps, count, false);
    if (err == ERR_NONE)
        take_proof(store, attempt.result, proof);
    for (size_t i = 0; i < count; i++)
        step_fini(steps[i]);
    return err;
}

enum err store_account_failed(struct store *store, struct text address)
{
    struct step step;
    struct step *steps[] = {&step};
    enum err err;

    if (!address.data)
        return ERR_NONE;
    step_init(&step, store_statement(SQL_LOGIN_FAILED));
    step_text(&step, address);
    err = store_run(store, steps, 1, false);
    step_fini(&step);
    return err;
}

static void open_init(struct step *step, struct text user, int64_t revision,
                      const struct session_start *start)
{
    step_init(step, store_statement(SQL_SESSION_OPEN));
    step_text(step, user);
    step_int(step, revision);
    step_text(step, start->id);
    step_text(step, (struct text){(const char *)start->refresh_hash, sizeof start->refresh_hash});
    step_int(step, REFRESH_SECONDS);
}

static void hash_init(struct step *step, enum sql sql, const struct account_proof *proof,
                      struct text hash)
{
    step_init(step, store_statement(sql));
    step_text(step, proof->user);
    step_int(step, proof->revision);
    step_text(step, hash);
}

enum err store_account_log_in(struct store *store, const struct account_proof *proof,
                              struct text email, struct text rehash,
                              const struct session_start *start, struct account *account)
{
    struct step expire, open, forget, change;
    struct step *steps[] = {&expire, &open, &forget, &change};
    size_t count = rehash.data ? 4 : 3;
    enum err err;

    step_init(&expire, store_statement(SQL_SESSION_EXPIRE));
    step_text(&expire, proof->user);
    open_init(&open, proof->user, proof->revision, start);
    step_init(&forget, store_statement(SQL_LOGIN_SUCCEEDED));
    step_text(&forget, email);
    hash_init(&change, SQL_ACCOUNT_REHASH, proof, rehash);
    err = store_write(store, proof->user, true, steps, count);
    err = take_account(store, err, &open, ERR_UNAUTHORIZED, account);
    for (size_t i = 0; i < count; i++)
        step_fini(steps[i]);
    return err;
}

enum err store_account_create(struct store *store, const struct account *account, struct text hash,
                              const struct session_start *start, struct account *created)
{
    struct step create, open;
    struct step *steps[] = {&create, &open};
    enum err err;

    step_init(&create, store_statement(SQL_ACCOUNT_CREATE));
    step_text(&create, account->id);
    step_text(&create, account->email);
    step_text(&create, account->name);
    step_text(&create, hash);
    open_init(&open, account->id, 1, start);
    err = store_write(store, account->id, false, steps, 2);
    err = take_account(store, err, &open, ERR_CONFLICT, created);
    step_fini(&create);
    step_fini(&open);
    return err;
}

enum err store_account_get(struct store *store, struct text user, struct account *account)
{
    struct step step;
    enum err err;

    step_init(&step, store_statement(SQL_ACCOUNT_GET));
    step_text(&step, user);
    err = take_account(store, store_read(store, user, &step), &step, ERR_NOT_FOUND, account);
    step_fini(&step);
    return err;
}

enum err store_account_update(struct store *store, struct text user,
                              const struct account_change *change, struct account *account)
{
    struct step step;
    struct step *steps[] = {&step};
    enum err err;

    step_init(&step, store_statement(SQL_ACCOUNT_UPDATE));
    step_text(&step, user);
    step_text(&step, change->email);
    step_bool(&step, change->sets_name);
    step_text(&step, change->name);
    err = store_write(store, user, true, steps, 1);
    err = take_account(store, err, &step, ERR_NOT_FOUND, account);
    step_fini(&step);
    return err;
}

enum err store_account_password(struct store *store, const struct account_proof *proof,
                                struct text hash, struct text kept)
{
    struct step change, end, forget;
    struct step *steps[] = {&change, &end, &forget};
    enum err err;

    hash_init(&change, SQL_ACCOUNT_PASSWORD, proof, hash);
    step_init(&end, store_statement(SQL_SESSION_END_OTHERS));
    step_text(&end, proof->user);
    step_text(&end, kept);
    step_init(&forget, store_statement(SQL_LOGIN_SUCCEEDED));
    step_null(&forget);
    err = store_write(store, proof->user, true, steps, 3);
    if (err == ERR_NONE && PQntuples(change.result) == 0)
        err = ERR_CONFLICT;
    step_fini(&change);
    step_fini(&end);
    step_fini(&forget);
    return err;
}

enum err store_account_delete(struct store *store, const struct account_proof *proof)
{
    struct step forget, drop;
    struct step *steps[] = {&forget, &drop};
    enum err err;

    step_init(&forget, store_statement(SQL_ACCOUNT_FORGET));
    step_text(&forget, proof->user);
    step_init(&drop, store_statement(SQL_ACCOUNT_DELETE));
    step_text(&drop, proof->user);
    step_int(&drop, proof->revision);
    err = store_write(store, proof->user, true, steps, 2);
    if (err == ERR_NONE && PQntuples(drop.result) == 0)
        err = ERR_CONFLICT;
    step_fini(&forget);
    step_fini(&drop);
    return err;
}

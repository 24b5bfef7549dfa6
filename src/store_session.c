/* SPDX-License-Identifier: ISC */
/* store_session.c: renewing, listing and ending sessions. Whatever changes one holds the lock on
 * the users row, as every write does. */
#include <config.h>

#include <string.h>

#include "store_internal.h"
#include "store_session.h"

#define COLUMN_HASH STORE_ACCOUNT_COLUMNS
#define COLUMN_SALT (STORE_ACCOUNT_COLUMNS + 1)
#define COLUMN_VALID (STORE_ACCOUNT_COLUMNS + 2)

static struct text bytes(const unsigned char *data, size_t size)
{
    return (struct text){(const char *)data, size};
}

static void refresh_init(struct step *step, const struct session_renewal *renewal)
{
    step_init(step, store_statement(SQL_SESSION_REFRESH));
    step_text(step, renewal->user);
    step_text(step, renewal->session);
    step_text(step, bytes(renewal->hash, sizeof renewal->hash));
    step_text(step, bytes(renewal->next_hash, sizeof renewal->next_hash));
    step_text(step, bytes(renewal->salt, sizeof renewal->salt));
    step_int(step, REFRESH_SECONDS);
    step_int(step, REFRESH_GRACE_SECONDS);
}

static enum err take_renewal(struct store *store, const PGresult *result,
                             struct session_renewal *renewal, struct account *account, bool *stolen)
{
    if (PQntuples(result) == 0)
        return ERR_UNAUTHORIZED;
    *stolen = !result_bool(result, 0, COLUMN_VALID);
    if (*stolen)
        return ERR_UNAUTHORIZED;
    memcpy(renewal->next_hash, result_text(result, 0, COLUMN_HASH).data, REFRESH_HASH_SIZE);
    memcpy(renewal->salt, result_text(result, 0, COLUMN_SALT).data, REFRESH_SALT_SIZE);
    store_take_account(store, result, account);
    return ERR_NONE;
}

enum err store_session_refresh(struct store *store, struct session_renewal *renewal,
                               struct account *account, bool *stolen)
{
    struct step step;
    struct step *steps[] = {&step};
    enum err err;

    *stolen = false;
    refresh_init(&step, renewal);
    err = store_write(store, renewal->user, true, steps, 1);
    if (err == ERR_NONE)
        err = take_renewal(store, step.result, renewal, account, stolen);
    step_fini(&step);
    return err;
}

enum err store_session_list(struct store *store, struct text user, struct session **sessions,
                            size_t *count)
{
    struct step step;
    enum err err;

    step_init(&step, store_statement(SQL_SESSION_LIST));
    step_text(&step, user);
    err = store_read(store, user, &step);
    *count = err == ERR_NONE ? (size_t)PQntuples(step.result) : 0;
    *sessions = arena_zero(&store->arena, *count + 1, sizeof **sessions);
    for (size_t i = 0; i < *count; i++)
        (*sessions)[i] = (struct session){
            .id = store_copy_text(store, result_text(step.result, (int)i, 0)),
            .created_at = result_time(step.result, (int)i, 1),
            .refreshed_at = result_time(step.result, (int)i, 2),
            .expires_at = result_time(step.result, (int)i, 3),
        };
    step_fini(&step);
    return err;
}

enum err store_session_end(struct store *store, struct text user, struct text session,
                           const unsigned char *hash)
{
    struct step step;
    struct step *steps[] = {&step};
    enum err err;

    step_init(&step, store_statement(SQL_SESSION_END));
    step_text(&step, user);
    step_text(&step, session);
    if (hash)
        step_text(&step, bytes(hash, REFRESH_HASH_SIZE));
    else
        step_null(&step);
    err = store_write(store, user, true, steps, 1);
    if (err == ERR_NONE && PQntuples(step.result) == 0)
        err = ERR_NOT_FOUND;
    step_fini(&step);
    return err;
}

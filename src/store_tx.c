/* SPDX-License-Identifier: ISC */
/* store_tx.c: the frame around every write: BEGIN, the user's context, the lock, the writes, and
 * either COMMIT in the same round trip or a second one that ends what was held open. */
#include <config.h>

#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "log.h"
#include "store_internal.h"

#define ANSWER_MS 250 /* kept back from the deadline, to say that the lock was not to be had */

void store_hold(struct store *store, const struct store_key *key)
{
    store->tx = TX_HELD;
    store->key = key;
}

void store_keep_open(struct store *store)
{
    store->tx = TX_HELD;
}

bool store_is_open(const struct store *store)
{
    return store->tx == TX_OPEN;
}

const struct store_record *store_found(const struct store *store)
{
    return store->found_result ? &store->found : NULL;
}

static struct text digest_text(const unsigned char *digest)
{
    return (struct text){(const char *)digest, STORE_DIGEST_SIZE};
}

/* The steps around a write, and those of the write between them. */
struct frame {
    struct step begin, enter, timeout, lock, find, commit;
    char timeout_ms[24];
    struct step **steps;
    size_t count;
};

static void frame_add(struct frame *frame, struct step *step)
{
    frame->steps[frame->count++] = step;
}

/* How many milliseconds may be spent on waiting for the lock; what went before counts too. */
static int64_t lock_wait(const struct store *store)
{
    int64_t left = store->deadline ? store->deadline - clock_now_ms() : store->conf->db_deadline_ms;
    int64_t kept = left / 2 < ANSWER_MS ? left / 2 : ANSWER_MS;

    return left - kept > 1 ? left - kept : 1;
}

/* A held write with a key waits for a running one that has the same key, but not past the
 * deadline, and looks for what that one left. */
static void add_find(struct store *store, struct frame *frame, struct text user)
{
    snprintf(frame->timeout_ms, sizeof frame->timeout_ms, "%lld", (long long)lock_wait(store));
    step_init(&frame->timeout, store_statement(SQL_LOCK_TIMEOUT));
    step_text(&frame->timeout, text_of(frame->timeout_ms));
    step_init(&frame->find, store_statement(SQL_KEY_FIND));
    step_text(&frame->find, user);
    step_text(&frame->find, digest_text(store->key->scope));
    step_int(&frame->find, store->conf->idempotency_hours);
}

static void frame_init(struct store *store, struct frame *frame, struct text user, bool lock,
                       struct step *const *ops, size_t count)
{
    bool held = store->tx == TX_HELD;

    frame->steps = arena_alloc(&store->arena, (count + 6) * sizeof *frame->steps);
    frame->count = 0;
    step_init(&frame->begin, store_statement(SQL_BEGIN));
    store_enter(store, &frame->enter, user);
    step_init(&frame->lock, store_statement(SQL_LOCK));
    step_text(&frame->lock, user);
    step_init(&frame->commit, store_statement(SQL_COMMIT));
    frame_add(frame, &frame->begin);
    frame_add(frame, &frame->enter);
    if (store->key) {
        add_find(store, frame, user);
        frame_add(frame, &frame->timeout);
    }
    if (lock || held)
        frame_add(frame, &frame->lock);
    if (store->key)
        frame_add(frame, &frame->find);
    for (size_t i = 0; i < count; i++)
        frame_add(frame, ops[i]);
    if (!held)
        frame_add(frame, &frame->commit);
}

/* Frees the frame's own steps; those of the write are the caller's. */
static void frame_fini(struct store *store, struct frame *frame)
{
    step_fini(&frame->begin);
    step_fini(&frame->enter);
    step_fini(&frame->lock);
    step_fini(&frame->commit);
    if (store->key) {
        step_fini(&frame->timeout);
        step_fini(&frame->find);
    }
}

/* Was this answered before? Then the record is taken out of the step. */
static bool take_found(struct store *store, struct step *find)
{
    const PGresult *result = find->result;

    if (PQntuples(result) == 0)
        return false;
    store->found = (struct store_record){
        .same_payload = text_equal(result_text(result, 0, 0), digest_text(store->key->payload)),
        .status = (int)result_int(result, 0, 1),
        .content_type = result_text(result, 0, 2),
        .headers = result_text(result, 0, 3),
        .body = result_text(result, 0, 4),
    };
    PQclear(store->found_result);
    store->found_result = step_result_steal(find);
    return true;
}

enum err store_write(struct store *store, struct text user, bool lock, struct step *const *ops,
                     size_t count)
{
    struct frame frame;
    bool held = store->tx == TX_HELD;
    enum err err;

    frame_init(store, &frame, user, lock, ops, count);
    err = store_run(store, frame.steps, frame.count, held);
    if (err == ERR_NONE && held) {
        store->tx = TX_OPEN;
        store->user = user;
        if (store->key && take_found(store, &frame.find))
            err = ERR_REPLAY;
    }
    frame_fini(store, &frame);
    return err;
}

static void expire_init(struct store *store, struct step *step)
{
    step_init(step, store_statement(SQL_KEY_EXPIRE));
    step_text(step, store->user);
    step_text(step, digest_text(store->key->scope));
    step_int(step, store->conf->idempotency_hours);
}

static void keep_init(struct store *store, struct step *step, const struct store_record *record)
{
    step_init(step, store_statement(SQL_KEY_KEEP));
    step_text(step, store->user);
    step_text(step, digest_text(store->key->scope));
    step_text(step, digest_text(store->key->payload));
    step_int(step, record->status);
    step_text(step, record->content_type);
    step_text(step, record->headers);
    step_text(step, record->body);
}

enum err store_commit(struct store *store, const struct store_record *record, bool *again)
{
    struct step expire, keep, commit;
    struct step *steps[3];
    size_t count = 0;
    bool lost;
    enum err err;

    if (record) {
        expire_init(store, &expire);
        keep_init(store, &keep, record);
        steps[count++] = &expire;
        steps[count++] = &keep;
    }
    step_init(&commit, store_statement(SQL_COMMIT));
    steps[count++] = &commit;
    err = store_run_open(store, steps, count, &lost);
    store->tx = TX_NONE;
    *again = record && (lost || err == ERR_CONFLICT);
    for (size_t i = 0; i < count; i++)
        step_fini(steps[i]);
    return err;
}

void store_rollback(struct store *store)
{
    struct step step;
    struct step *steps[] = {&step};
    bool lost;

    step_init(&step, store_statement(SQL_ROLLBACK));
    if (store_run_open(store, steps, 1, &lost) != ERR_NONE)
        log_info("database: a transaction ended with its connection");
    store->tx = TX_NONE;
    step_fini(&step);
}

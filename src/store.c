/* SPDX-License-Identifier: ISC */
/* store.c: runs statements in pipelines: one send, one receive, and what to do when that fails. */
#include <config.h>

#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "clock.h"
#include "log.h"
#include "metrics.h"
#include "store_internal.h"
#include "store_replica.h"

#define PREPARED_MAX 256 /* statements a connection; further shapes of lists go unnamed */

/* How a pipeline ended. */
enum outcome {
    DONE,
    AGAIN,  /* the server rolled it back for others' sake: run it again */
    STALE,  /* the session lacks what we prepared, or its plans are old: reconnect, run again */
    LOST,   /* the connection broke; a COMMIT may have been carried out or not */
    LATE,   /* the deadline passed */
    MISFIT, /* the schema or the role is not what it was: reconnect, check */
    LOCKED, /* another transaction keeps the user's row past the time set for it */
    BUSY,   /* the server lacks something for now */
    CLASH,  /* a unique key stands already */
    ENDED,  /* the session that had to be alive is not */
    OTHERS, /* it is another user's */
    DEFECT, /* a statement of ours is wrong */
    OUTCOMES
};

static const struct {
    enum err err;
    bool reconnect;
    bool rolled_back; /* nothing can have been committed, so that it may be run again */
    bool again;       /* worth running again at once */
    enum metrics_counter counter;
} reactions[OUTCOMES] = {
    [DONE] = {ERR_NONE, false, false, false, METRICS_NOTHING},
    [AGAIN] = {ERR_UNAVAILABLE, false, true, true, METRICS_ROLLED_BACK},
    [STALE] = {ERR_UNAVAILABLE, true, true, true, METRICS_NOTHING},
    [LOST] = {ERR_UNAVAILABLE, true, false, true, METRICS_LOST},
    [LATE] = {ERR_UNAVAILABLE, true, false, false, METRICS_LATE},
    [MISFIT] = {ERR_UNAVAILABLE, true, true, false, METRICS_REFUSED},
    [LOCKED] = {ERR_IN_FLIGHT, false, true, false, METRICS_NOTHING},
    [BUSY] = {ERR_UNAVAILABLE, false, true, false, METRICS_REFUSED},
    [CLASH] = {ERR_CONFLICT, false, true, false, METRICS_NOTHING},
    [ENDED] = {ERR_UNAUTHORIZED, false, true, false, METRICS_NOTHING},
    [OTHERS] = {ERR_FORBIDDEN, false, true, false, METRICS_NOTHING},
    [DEFECT] = {ERR_INTERNAL, false, true, false, METRICS_REFUSED},
};

/* PostgreSQL's appendix A; the first prefix that fits counts. */
static const struct {
    const char *prefix;
    enum outcome outcome;
} sqlstates[] = {
    {"40001", AGAIN},  {"40P01", AGAIN},  {"26000", STALE},  {"0A000", STALE},  {"57P", LOST},
    {"08", LOST},      {"25P03", LOST},   {"42P01", MISFIT}, {"42703", MISFIT}, {"42883", MISFIT},
    {"42704", MISFIT}, {"3F000", MISFIT}, {"42501", MISFIT}, {"25006", MISFIT}, {"53", BUSY},
    {"55P03", LOCKED}, {"57014", BUSY},   {"58", BUSY},      {"23505", CLASH},  {"TD401", ENDED},
    {"TD403", OTHERS}, {"", DEFECT},
};

struct store *store_new(const struct conf *conf)
{
    struct store *store = calloc(1, sizeof *store);

    if (!store)
        log_out_of_memory();
    store->conf = conf;
    store->name = "database";
    store->replica = store_replica_new(conf);
    store->is_compared = store->replica != NULL;
    arena_init(&store->arena);
    return store;
}

void store_free(struct store *store)
{
    if (!store)
        return;
    store_disconnect(store);
    store_replica_free(store->replica);
    arena_fini(&store->arena);
    free(store->issuer.hints);
    free(store);
}

int64_t store_waited_us(const struct store *store)
{
    return store->waited_us;
}

void store_check_session(struct store *store, struct text session)
{
    store->session = session;
}

/* An issuer's session and one of ours exclude each other: one token has brought it. */
void store_enter(struct store *store, struct step *step, struct text user)
{
    bool issuer = store_issuer_is_expected(store), own = store->session.data != NULL;

    step_init(step, store_statement(issuer ? SQL_ENTER_ISSUER_SESSION
                                    : own  ? SQL_ENTER_SESSION
                                           : SQL_ENTER));
    step_text(step, user);
    if (issuer)
        step_text(step, store_issuer_enter(store, user));
    else if (own)
        step_text(step, store->session);
}

void store_end_request(struct store *store)
{
    if (store->tx == TX_OPEN) {
        log_error("a transaction was left open");
        store_disconnect(store);
    }
    store->tx = TX_NONE;
    store->key = NULL;
    store->session = TEXT_NULL;
    PQclear(store->found_result);
    store->found_result = NULL;
    store->deadline = 0;
    store->waited_us = 0;
    store->issuer.state = ISSUER_NONE;
    store->wants_position = store->has_position = false;
    store_replica_forbid(store);
    arena_reset(&store->arena);
}

static bool is_prepared(const struct store *store, unsigned key)
{
    return store->prepared[key / 64] >> (key % 64) & 1;
}

static void mark_prepared(struct store *store, unsigned key, bool prepared)
{
    uint64_t bit = UINT64_C(1) << (key % 64);

    if (prepared)
        store->prepared[key / 64] |= bit;
    else
        store->prepared[key / 64] &= ~bit;
    store->prepared_count += prepared ? 1 : -1;
}

static const char *statement_text(struct store *store, const struct statement *statement)
{
    return statement->sql ? statement->sql : statement->compose(&store->arena, statement->question);
}

/* Queues one step; the statement is prepared on the way if this connection does not have it yet. */
static bool send_step(struct store *store, struct step *step)
{
    static const int binary[STEP_PARAMS] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
                                            1, 1, 1, 1, 1, 1, 1, 1, 1, 1};
    unsigned key = step->statement.key;
    char name[1 + BUF_INT_ROOM + 1] = "s";

    step->prepares = false;
    if (!store->conf->db_prepare ||
        (key >= STATEMENT_LIST && store->prepared_count >= PREPARED_MAX &&
         !is_prepared(store, key)))
        return PQsendQueryParams(store->connection, statement_text(store, &step->statement),
                                 step->count, NULL, step->values, step->lengths, binary, 1);
    *buf_put_int(name + 1, key) = '\0';
    if (!is_prepared(store, key)) {
        if (!PQsendPrepare(store->connection, name, statement_text(store, &step->statement), 0,
                           NULL))
            return false;
        mark_prepared(store, key, true);
        step->prepares = true;
    }
    return PQsendQueryPrepared(store->connection, name, step->count, step->values, step->lengths,
                               binary, 1);
}

/* What a result that is no success means. The log has the server's words, never a value of ours. */
static enum outcome judge(const struct store *store, const PGresult *result)
{
    const char *sqlstate = result ? PQresultErrorField(result, PG_DIAG_SQLSTATE) : NULL;
    const char *message = result ? PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY) : NULL;

    char line[1024];

    if (!sqlstate) {
        log_warning("%s: %s", store->name,
                    text_one_line(PQerrorMessage(store->connection), line, sizeof line));
        return LOST;
    }
    log_warning("%s: %s: %s", store->name, sqlstate, message ? message : "no message");
    for (size_t i = 0;; i++)
        if (strncmp(sqlstate, sqlstates[i].prefix, strlen(sqlstates[i].prefix)) == 0)
            return sqlstates[i].outcome;
}

/* The next result of the pipeline, whole; NULL with *outcome set when there will be none. */
static PGresult *next_result(struct store *store, enum outcome *outcome)
{
    while (PQisBusy(store->connection)) {
        if (!store_wait(store, POLLIN)) {
            *outcome = LATE;
            return NULL;
        }
        if (!PQconsumeInput(store->connection))
            break;
    }
    if (PQstatus(store->connection) == CONNECTION_OK) {
        PGresult *result = PQgetResult(store->connection);

        if (result)
            return result;
    }
    if (*outcome == DONE)
        *outcome = judge(store, NULL);
    return NULL;
}

static bool succeeded(const PGresult *result)
{
    ExecStatusType status = PQresultStatus(result);

    return status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK;
}

/* Takes one command's result and the null behind it. The first failure is the one that counts. */
static PGresult *receive_result(struct store *store, enum outcome *outcome)
{
    PGresult *result = next_result(store, outcome);

    if (!result)
        return NULL;
    if (!succeeded(result) && PQresultStatus(result) != PGRES_PIPELINE_ABORTED && *outcome == DONE)
        *outcome = judge(store, result);
    if (PQstatus(store->connection) == CONNECTION_OK)
        PQclear(PQgetResult(store->connection));
    return result;
}

static void receive_step(struct store *store, struct step *step, enum outcome *outcome)
{
    if (step->prepares) {
        PGresult *result = receive_result(store, outcome);

        if (!result || !succeeded(result))
            mark_prepared(store, step->statement.key, false);
        PQclear(result);
    }
    step->result = receive_result(store, outcome);
}

/* Asks where the log ends behind the steps, if somebody wants to know. */
static bool send_position(struct store *store, struct step *position)
{
    store->has_position = false;
    step_init(position, store_statement(SQL_POSITION));
    return !store->wants_position || send_step(store, position);
}

/* Its failure is nobody's: what the steps did is done. */
static void receive_position(struct store *store, struct step *position)
{
    enum outcome outcome = DONE;

    if (!store->wants_position || PQstatus(store->connection) != CONNECTION_OK)
        return;
    receive_step(store, position, &outcome);
    store_position_note(store, position->result);
    step_fini(position);
}

/* Sends the steps and a Sync, and takes all there is to take up to it. */
static enum outcome send_and_receive(struct store *store, struct step *const *steps, size_t count)
{
    enum outcome outcome = DONE;
    struct step position;

    for (size_t i = 0; i < count; i++)
        if (!send_step(store, steps[i]))
            return LOST;
    if (!send_position(store, &position) || !PQpipelineSync(store->connection))
        return LOST;
    switch (store_flush(store)) {
    case FLUSH_LATE:
        return LATE;
    case FLUSH_FAILED: /* what the server said before it closed may still be there to read */
    case FLUSH_DONE:
        break;
    }
    for (size_t i = 0; i < count && PQstatus(store->connection) == CONNECTION_OK; i++) {
        receive_step(store, steps[i], &outcome);
        if (outcome == LATE)
            return LATE;
    }
    receive_position(store, &position);
    PQclear(next_result(store, &outcome)); /* the Sync's */
    return outcome;
}

/* The same, timed and counted. */
static enum outcome exchange(struct store *store, struct step *const *steps, size_t count)
{
    int64_t begun = clock_now_us();
    enum outcome outcome = send_and_receive(store, steps, count);
    int64_t waited = clock_now_us() - begun;

    store->waited_us += waited;
    metrics_database(waited);
    metrics_count(reactions[outcome].counter);
    return outcome;
}

/* After a failure inside BEGIN: nothing else is accepted before this. */
static void roll_back(struct store *store)
{
    struct step step;
    struct step *steps[] = {&step};

    step_init(&step, store_statement(SQL_ROLLBACK));
    if (exchange(store, steps, 1) != DONE)
        store_disconnect(store);
    step_fini(&step);
}

static void recover(struct store *store, enum outcome outcome)
{
    if (outcome == LATE)
        log_warning("%s: no answer within %ld ms", store->name, store->conf->db_deadline_ms);
    if (reactions[outcome].reconnect || PQstatus(store->connection) != CONNECTION_OK)
        store_disconnect(store);
    else if (PQtransactionStatus(store->connection) != PQTRANS_IDLE)
        roll_back(store);
}

/* Each kind of failure is worth one more attempt: who has lost a deadlock against a migration finds
 * plans next that do not hold any more. The last attempt is the one that judges a session. */
enum err store_run(struct store *store, struct step *const *steps, size_t count, bool repeatable)
{
    for (unsigned met = 0;;) {
        enum err err = store_connect(store);
        enum outcome outcome;

        if (err != ERR_NONE) {
            store_issuer_note(store, false, err);
            return err;
        }
        outcome = exchange(store, steps, count);
        if (outcome != DONE) {
            for (size_t i = 0; i < count; i++)
                step_fini(steps[i]);
            recover(store, outcome);
        }
        if (met & 1u << outcome || !reactions[outcome].again ||
            !(repeatable || reactions[outcome].rolled_back)) {
            store_issuer_note(store, outcome == DONE, reactions[outcome].err);
            return reactions[outcome].err;
        }
        met |= 1u << outcome;
        metrics_count(METRICS_RETRIES);
    }
}

enum err store_run_open(struct store *store, struct step *const *steps, size_t count, bool *lost)
{
    enum outcome outcome = exchange(store, steps, count);

    *lost = outcome == LOST;
    if (outcome != DONE)
        recover(store, outcome);
    return reactions[outcome].err;
}

enum err store_read(struct store *store, struct text user, struct step *op)
{
    struct step enter;
    struct step *steps[3] = {&enter};
    size_t count = 1 + step_list_reading(op, steps + 1);
    enum err err;

    if (store_replica_read(store, user, op))
        return ERR_NONE;
    store_enter(store, &enter, user);
    err = store_run(store, steps, count, true);
    step_fini(&enter);
    return err;
}

enum err store_ready(struct store *store)
{
    struct step step;
    struct step *steps[] = {&step};
    enum err err;

    step_init(&step, store_statement(SQL_SCHEMA_VERSION));
    err = store_run(store, steps, 1, true);
    if (err == ERR_NONE &&
        (result_is_null(step.result, 0, 0) || !store_schema_fits(result_int(step.result, 0, 0)))) {
        store_disconnect(store);
        err = ERR_UNAVAILABLE;
    }
    step_fini(&step);
    return err;
}

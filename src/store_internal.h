/* SPDX-License-Identifier: ISC */
/* store_internal.h: what the store's own files share: a step of a pipeline, and how one is run.
 *
 * All values go out and come back in PostgreSQL's binary format: an integer is 8 bytes in network
 * order, a text its bytes, an instant microseconds since 2000. */
#ifndef TODO_STORE_INTERNAL_H
#define TODO_STORE_INTERNAL_H

#include <libpq-fe.h>

#include "account.h"
#include "arena.h"
#include "position.h"
#include "store.h"
#include "store_sql.h"
#include "store_tx.h"
#include "task.h"

#define STEP_PARAMS 20

/* One statement with its values. Texts given to it must outlive the run. */
struct step {
    struct statement statement;
    int count;
    const char *values[STEP_PARAMS]; /* NULL: SQL null */
    int lengths[STEP_PARAMS];
    char words[STEP_PARAMS][8]; /* room for the integers */
    bool prepares;              /* sent with a Parse of its own */
    PGresult *result;           /* owned; NULL: not run, or not reached */
    struct step *before;        /* of a reading: runs before it in the same trip; NULL: none */
};

void step_init(struct step *step, struct statement statement);
void step_fini(struct step *step);
/* Puts a reading's steps at `steps`, and gives how many (1 or 2); lets go of their results. */
size_t step_list_reading(struct step *op, struct step **steps);
void step_fini_reading(struct step *op);
/* Takes the result out of the step; the caller's to PQclear. */
PGresult *step_result_steal(struct step *step);
void step_text(struct step *step, struct text value);
void step_int(struct step *step, int64_t value);
void step_null(struct step *step);
void step_bool(struct step *step, bool value);
void step_time(struct step *step, int64_t value); /* TIMESTAMP_NULL is null */
/* text[] and bigint[]; the encoded array lives in `arena`. */
void step_texts(struct step *step, struct arena *arena, const struct text *items, size_t count);
void step_ints(struct step *step, struct arena *arena, const int64_t *items, size_t count);

/* The session of an issuer's that a request came with. ENTERING: the statement that judges it has
 * been put into the pipeline; JUDGED: the database has said what it is. */
struct issuer_session {
    enum { ISSUER_NONE, ISSUER_EXPECTED, ISSUER_ENTERING, ISSUER_JUDGED } state;
    struct text token;
    struct text user;          /* who the statement was told that it is */
    struct issuer_hint *hints; /* owned; NULL: none yet */
};

struct store {
    const struct conf *conf;
    const char *name;              /* in the log */
    struct store_replica *replica; /* owned; NULL: none, and no positions */
    bool is_compared;              /* with a standby, or as one */
    int64_t system;                /* which cluster this is connected to; 0: not known */
    bool wants_position;           /* of this request: asked for in each exchange */
    bool has_position;
    struct position position; /* where the log ended at the last exchange */
    struct issuer_session issuer;
    PGconn *connection;  /* in pipeline mode and checked; NULL: none */
    int64_t deadline;    /* of the request in hand, monotonic milliseconds; 0: not begun */
    int64_t retry_at;    /* no new attempt to connect before; monotonic milliseconds */
    int64_t quiet_until; /* no further line about a failed connection before */
    int64_t waited_us;   /* by the request in hand */
    bool failing;        /* the last attempt to connect failed */
    bool has_connected;  /* ever */
    enum { TX_NONE, TX_HELD, TX_OPEN } tx; /* held: the next write leaves it open */
    const struct store_key *key;           /* of a held write; NULL: none */
    struct text user;                      /* who the open transaction acts for */
    struct text session;                   /* that has to be alive; TEXT_NULL: not asked for */
    PGresult *found_result;                /* owns what `found` points to */
    struct store_record found;
    struct arena arena; /* encoded values; reset by store_end_request */
    unsigned prepared_count;
    uint64_t prepared[STATEMENT_KEYS / 64]; /* a bit per key prepared on this connection */
};

/* store_connection.c. Makes sure of a connection that is alive and checked. */
enum err store_connect(struct store *store) CHECK_RESULT;
void store_disconnect(struct store *store);
/* Waits until the connection's socket is ready for `events` (POLLIN, POLLOUT) or fails. False at
 * the request's deadline. */
bool store_wait(struct store *store, short events);
/* Sends what libpq has buffered. */
enum flush { FLUSH_DONE, FLUSH_FAILED, FLUSH_LATE };
enum flush store_flush(struct store *store);

/* Runs the steps in one round trip, in one transaction unless they say otherwise, up to the Sync at
 * the end. On ERR_NONE every step has its result; else all is rolled back and none has. A
 * connection lost on the way is opened again, once, when `repeatable`: the steps change nothing, or
 * nothing of theirs can have been committed. What the server itself rolled back is run again, once.
 */
enum err store_run(struct store *store, struct step *const *steps, size_t count,
                   bool repeatable) CHECK_RESULT;

/* Runs the steps once more on the connection as it is: for an open transaction. */
enum err store_run_open(struct store *store, struct step *const *steps, size_t count,
                        bool *lost) CHECK_RESULT;

/* Runs `ops` for `user` in one transaction, the user's row locked first when `lock`: committed in
 * the same round trip, or left open when store_hold asked for it (then always locked). */
enum err store_write(struct store *store, struct text user, bool lock, struct step *const *ops,
                     size_t count) CHECK_RESULT;

/* The step that enters the user's context, or fails when the session that the request came with has
 * ended or is another user's. */
void store_enter(struct store *store, struct step *step, struct text user);

/* store_issuer.c, for store.c. Is there a session to be judged with the user's context? Then its
 * token, and who it is thought to be; then how that went. */
bool store_issuer_is_expected(const struct store *store);
struct text store_issuer_enter(struct store *store, struct text user);
void store_issuer_note(struct store *store, bool done, enum err err);

/* Runs one reading `op` in the user's context, on the standby if that may answer. */
enum err store_read(struct store *store, struct text user, struct step *op) CHECK_RESULT;

/* store_replica.c. NULL without DATABASE_READ_URL. */
struct store_replica *store_replica_new(const struct conf *conf);
void store_replica_free(struct store_replica *replica);
/* Tries a reading `op` on the standby, if it is allowed to answer. False: the op has no result. */
bool store_replica_read(struct store *store, struct text user, struct step *op) CHECK_RESULT;
/* Takes SQL_POSITION's result (NULL: none came). */
void store_position_note(struct store *store, const PGresult *result);

/* store_account.c. A copy that lives until store_end_request, and an account from the first
 * STORE_ACCOUNT_COLUMNS of the result's first row. */
#define STORE_ACCOUNT_COLUMNS 4
struct text store_copy_text(struct store *store, struct text t);
void store_take_account(struct store *store, const PGresult *result, struct account *account);

/* The value at (row, column) of a binary result. */
bool result_is_null(const PGresult *result, int row, int column);
int64_t result_int(const PGresult *result, int row, int column);
int64_t result_time(const PGresult *result, int row, int column); /* null: TIMESTAMP_NULL */
bool result_bool(const PGresult *result, int row, int column);
struct text result_text(const PGresult *result, int row, int column);
/* A text[] of at most TASK_TAGS_MAX items; more are left out. */
struct texts result_texts(const PGresult *result, int row, int column);

#endif

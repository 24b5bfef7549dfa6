/* SPDX-License-Identifier: ISC */
/* store_replica.c: a second store, for the standby, and when it may answer.
 *
 * A position is where the database's log ends after a request's COMMIT or read, asked for in the
 * same round trip (of reads only for those who send a position). It is the place of the next
 * insertion: the only one that is never before the commit's record, whatever synchronous_commit is.
 * The standby is asked how far it has come in the round trip of the read and in front of it, so
 * that the read's snapshot, taken later, has all of that; when it has not come far enough, what it
 * read is thrown away.
 *
 * - Only a request that brings a position is the standby's: a client that knows nothing of them
 *   always reads the database itself, and sees what it wrote.
 * - A position names the cluster and its timeline as well. Log that was written after a failover,
 *   or by another cluster, is not comparable, and a server that is not in recovery is no standby,
 *   but on a way of its own: such reads are the database's.
 * - Sessions are judged by the database alone: a standby may not have heard of their end.
 * - The standby's failures are nobody's: it has a fraction of the deadline, then the database
 *   answers, and it is left alone for a while, longer each time. */
#include <config.h>

#include <stdlib.h>
#include <time.h>

#include "clock.h"
#include "log.h"
#include "metrics.h"
#include "store_internal.h"
#include "store_replica.h"

#define POSITION_SECONDS 60 /* for which one is good, on clocks that differ by as much */
#define DEADLINE_MS 500     /* for the standby, but no more than a quarter of the request's */
#define WAIT_MS 50          /* at most, until it has come far enough */
#define LOOK_MS 5           /* between two looks meanwhile */
#define WAIT_MIB 64         /* of the log: no standby replays more meanwhile */
#define LAG_MS 1000         /* after a wait in vain nobody else waits */
#define REST_FIRST_MS 1000  /* for which it is left alone when it has failed, twice as long ... */
#define REST_MAX_MS 30000   /* ... the next time */
#define PAGE_MAX 65536      /* of the log, in bytes, however PostgreSQL was built */
#define KNOWN_MS 5000       /* for which it is taken to be in the timeline that it was in */

struct store_replica {
    struct conf conf; /* as the store's, but for where and how long */
    struct store *store;
    bool allowed;
    bool answered;
    struct position wanted;
    struct position reached; /* by the standby, when it was last asked */
    int64_t reached_at;      /* monotonic milliseconds, as those below; 0: never */
    int64_t patient_at;      /* no waiting before */
    int64_t rested_at;       /* no request before */
    int64_t rest;            /* the last one's milliseconds; 0: it answered since */
};

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

struct store_replica *store_replica_new(const struct conf *conf)
{
    struct store_replica *replica;

    if (!conf->database_read_url)
        return NULL;
    replica = calloc(1, sizeof *replica);
    if (!replica)
        log_out_of_memory();
    replica->conf = *conf;
    replica->conf.database_url = conf->database_read_url;
    replica->conf.database_read_url = NULL;
    replica->conf.db_deadline_ms = least(DEADLINE_MS, conf->db_deadline_ms / 4);
    replica->store = store_new(&replica->conf);
    replica->store->name = "standby";
    replica->store->is_compared = true;
    return replica;
}

void store_replica_free(struct store_replica *replica)
{
    if (!replica)
        return;
    store_free(replica->store);
    free(replica);
}

bool store_has_replica(const struct store *store)
{
    return store->replica != NULL;
}

void store_replica_allow(struct store *store, struct text position)
{
    struct store_replica *replica = store->replica;
    struct position wanted;
    int64_t age;

    if (!replica || !position_read(&store->arena, position, &wanted) || wanted.made_at < 0 ||
        wanted.lsn < 0) /* no position of ours, and the differences below would overflow */
        return;
    age = (int64_t)clock_unix_seconds() - wanted.made_at;
    replica->allowed = age >= -POSITION_SECONDS && age <= POSITION_SECONDS;
    replica->wanted = wanted;
}

void store_replica_forbid(struct store *store)
{
    if (!store->replica)
        return;
    store->replica->allowed = store->replica->answered = false;
}

bool store_replica_answered(const struct store *store)
{
    return store->replica && store->replica->answered;
}

/* ---- where the database is */

/* From a row of SQL_POSITION or SQL_REPLAYED. False for a server that is not what it should be. */
static bool take_position(const struct store *store, const PGresult *result,
                          struct position *position)
{
    if (PQresultStatus(result) != PGRES_TUPLES_OK || result_is_null(result, 0, 0) ||
        store->system == 0)
        return false;
    *position = (struct position){
        .made_at = (int64_t)clock_unix_seconds(),
        .system = store->system,
        .timeline = result_int(result, 0, 1),
        .lsn = result_int(result, 0, 0),
    };
    return true;
}

void store_position_want(struct store *store)
{
    store->wants_position = store->replica != NULL;
}

void store_position_note(struct store *store, const PGresult *result)
{
    store->has_position = take_position(store, result, &store->position);
}

const char *store_position(const struct store *store, struct arena *arena)
{
    return store->has_position ? position_write(arena, &store->position) : NULL;
}

/* ---- reading */

static bool is_on_its_way(const struct position *reached, const struct position *wanted)
{
    return reached->system == wanted->system && reached->timeline == wanted->timeline;
}

/* On a new page the next insertion comes behind a header, of 40 bytes on a file's first page, else
 * of 24, that no standby has before there is more: what was there already ends with the page
 * before. A record behind the header would make it more. */
static bool is_past(int64_t reached, int64_t wanted)
{
    int64_t gap = wanted - reached;

    return gap <= 0 || (reached % PAGE_MAX == 0 && (gap == 24 || gap == 40));
}

/* Who made a position up is neither waited for, nor does that keep others from waiting. */
static bool may_come(const struct store_replica *replica)
{
    return replica->wanted.lsn - replica->reached.lsn <= (int64_t)WAIT_MIB << 20;
}

/* Is it worth asking? Not while it rests, nor about another timeline than it is known to be in. */
static bool may_answer(const struct store *store, int64_t now)
{
    const struct store_replica *replica = store->replica;

    if (!replica || !replica->allowed || now < replica->rested_at)
        return false;
    if (store->session.data || store_issuer_is_expected(store))
        return false;
    return replica->reached_at == 0 || now - replica->reached_at > KNOWN_MS ||
           is_on_its_way(&replica->reached, &replica->wanted);
}

static void rest(struct store_replica *replica, const char *why)
{
    replica->rest = replica->rest == 0 ? REST_FIRST_MS : least(replica->rest * 2, REST_MAX_MS);
    replica->rested_at = clock_now_ms() + replica->rest;
    log_info("standby: %s; the database answers for %lld ms", why, (long long)replica->rest);
}

enum answer { ANSWER_GOOD, ANSWER_EARLY, ANSWER_NONE };

static const enum metrics_counter counters[] = {
    [ANSWER_GOOD] = METRICS_STANDBY_ANSWERED,
    [ANSWER_EARLY] = METRICS_STANDBY_BEHIND,
    [ANSWER_NONE] = METRICS_STANDBY_FAILED,
};

static enum answer judge(struct store_replica *replica, const PGresult *reached)
{
    if (!take_position(replica->store, reached, &replica->reached)) {
        rest(replica, "that server is none");
        return ANSWER_NONE;
    }
    replica->reached_at = clock_now_ms();
    replica->rest = 0;
    if (!is_on_its_way(&replica->reached, &replica->wanted))
        return ANSWER_NONE;
    return is_past(replica->reached.lsn, replica->wanted.lsn) ? ANSWER_GOOD : ANSWER_EARLY;
}

/* One try. The op has its result if that is good, else none. */
static enum answer try(struct store_replica *replica, struct text user, struct step *op)
{
    struct step reached, enter;
    struct step *steps[4] = {&reached, &enter};
    size_t count = 2 + step_list_reading(op, steps + 2);
    enum answer answer = ANSWER_NONE;
    enum err err;

    step_init(&reached, store_statement(SQL_REPLAYED));
    store_enter(replica->store, &enter, user);
    err = store_run(replica->store, steps, count, false);
    if (err == ERR_NONE)
        answer = judge(replica, reached.result);
    else if (err == ERR_UNAVAILABLE)
        rest(replica, "no answer");
    if (answer != ANSWER_GOOD)
        step_fini_reading(op);
    step_fini(&reached);
    step_fini(&enter);
    return answer;
}

bool store_replica_read(struct store *store, struct text user, struct step *op)
{
    const struct timespec pause = clock_span(LOOK_MS);
    struct store_replica *replica = store->replica;
    int64_t now = clock_now_ms();
    bool patient;
    enum answer answer;

    if (!may_answer(store, now))
        return false;
    if (store->deadline == 0)
        store->deadline = now + store->conf->db_deadline_ms;
    patient = now >= replica->patient_at;
    while ((answer = try(replica, user, op)) == ANSWER_EARLY && patient && may_come(replica)) {
        patient = clock_now_ms() < now + WAIT_MS;
        if (patient)
            nanosleep(&pause, NULL);
        else
            replica->patient_at = clock_now_ms() + LAG_MS;
    }
    store->waited_us += store_waited_us(replica->store);
    store_end_request(replica->store);
    metrics_count(counters[answer]);
    replica->answered = answer == ANSWER_GOOD;
    return replica->answered;
}

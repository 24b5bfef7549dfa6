/* SPDX-License-Identifier: ISC */
/* check.c: what `todoctl check` looks at. It connects as the workers do, and asks the database what
 * they ask; each check tells one finding. */
#include <config.h>

#include "check.h"

#include <math.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "admin.h"
#include "check_standby.h"
#include "keys.h"
#include "store.h"
#include "store_check_sql.h"

#define OLDEST_SERVER 150000  /* as server_version_num */
#define DISTINCT_MIN 10       /* characters; 32 random hexadecimal digits have 14 */
#define CLOCK_WARNING 5.0     /* seconds */
#define CONNECT_SECONDS_MIN 2 /* libpq takes less for this */

#define FACTS_SQL                                                                                  \
    "SELECT session_user, current_database(), current_setting('server_version'),"                  \
    " current_setting('server_version_num'), extract(epoch FROM clock_timestamp()),"               \
    " EXISTS (SELECT FROM pg_catalog.pg_namespace WHERE nspname = 'public'"                        \
    " AND has_schema_privilege(oid, 'CREATE')), pg_backend_pid(),"                                 \
    " current_setting('server_encoding'), CASE current_setting('server_encoding')"                 \
    " WHEN 'UTF8' THEN lower(chr(196)) = chr(228) END, current_setting('plan_cache_mode', true)"

enum fact {
    FACT_ROLE,
    FACT_DATABASE,
    FACT_VERSION,
    FACT_VERSION_NUMBER,
    FACT_CLOCK,
    FACT_PUBLIC,
    FACT_PROCESS,
    FACT_ENCODING,
    FACT_FOLDS,
    FACT_PLANS
};

enum fitness { FITNESS_VERSION, FITNESS_UNSAFE };

enum verdict { VERDICT_OK, VERDICT_WARNING, VERDICT_FAILED };

struct probe {
    const struct conf *conf;
    PGconn *connection;
    PGresult *facts;         /* a row of FACTS_SQL */
    PGresult *fitness;       /* a row of STORE_CHECK_SQL */
    double clock_difference; /* seconds that the database is ahead */
    bool failed;
};

typedef void check(struct probe *probe);

__attribute__((format(printf, 4, 5))) static void tell(struct probe *probe, enum verdict verdict,
                                                       const char *subject, const char *format, ...)
{
    static const char *const words[] = {"ok  ", "warn", "FAIL"};
    va_list arguments;

    va_start(arguments, format);
    printf("%s  %s: ", words[verdict], subject);
    vprintf(format, arguments);
    putchar('\n');
    va_end(arguments);
    probe->failed = probe->failed || verdict == VERDICT_FAILED;
}

static const char *fact(const struct probe *probe, enum fact which)
{
    return PQgetvalue(probe->facts, 0, (int)which);
}

/* The clause of STORE_CHECK_SQL when it is about `kind`, "role" or "table"; else NULL. */
static const char *unsafe(const struct probe *probe, const char *kind)
{
    const char *clause = PQgetvalue(probe->fitness, 0, FITNESS_UNSAFE);

    return strncmp(clause, kind, strlen(kind)) == 0 ? clause : NULL;
}

static bool has_schema(const struct probe *probe)
{
    return !PQgetisnull(probe->fitness, 0, FITNESS_VERSION);
}

static void check_settings(struct probe *probe)
{
    tell(probe, VERDICT_OK, "settings", "read, all in order");
}

static size_t distinct_characters(const char *secret)
{
    bool seen[UINT8_MAX + 1] = {false};
    size_t count = 0;

    for (; *secret != '\0'; secret++) {
        count += !seen[(unsigned char)*secret];
        seen[(unsigned char)*secret] = true;
    }
    return count;
}

/* Is it one piece, at most half as long, over and over? */
static bool repeats(const char *secret, size_t length)
{
    for (size_t piece = 1; piece <= length / 2; piece++)
        if (memcmp(secret, secret + piece, length - piece) == 0)
            return true;
    return false;
}

/* What another reader of the file would have dropped. */
static bool holds_comment(const char *secret)
{
    return strstr(secret, " #") || strstr(secret, "# ");
}

static void check_secret(struct probe *probe)
{
    const struct conf *conf = probe->conf;

    if (!conf->secret)
        tell(probe, VERDICT_OK, "secret", "none is set");
    else if (distinct_characters(conf->secret) < DISTINCT_MIN ||
             repeats(conf->secret, conf->secret_length))
        tell(probe, VERDICT_WARNING, "secret",
             "%zu bytes, but easy to guess: make one with todoctl secret", conf->secret_length);
    else if (holds_comment(conf->secret))
        tell(probe, VERDICT_WARNING, "secret",
             "%zu bytes, a comment among them, it seems: that wants a line of its own",
             conf->secret_length);
    else
        tell(probe, VERDICT_OK, "secret", "%zu bytes", conf->secret_length);
}

static bool has_issuer_keys(const struct conf *conf)
{
    return conf->jwks && strcmp(conf->jwks, "database") == 0;
}

/* Those of the database are looked at there. */
static void check_keys(struct probe *probe)
{
    const struct conf *conf = probe->conf;
    struct buf document;
    const char *fault;
    struct jwks *set;

    if (!conf->jwks || has_issuer_keys(conf))
        return;
    buf_init(&document);
    set = keys_read(conf, NULL, &document, &fault);
    if (set)
        tell(probe, VERDICT_OK, "public keys", "%zu in %s", jwks_count(set), conf->jwks);
    else
        tell(probe, VERDICT_FAILED, "public keys", "%s: %s: correct TODO_JWKS, or what it names",
             conf->jwks, fault);
    jwks_drop(set);
    buf_fini(&document);
}

static void check_server(struct probe *probe)
{
    const char *version = fact(probe, FACT_VERSION);

    tell(probe, VERDICT_OK, "database", "connected to \"%s\" as %s", fact(probe, FACT_DATABASE),
         fact(probe, FACT_ROLE));
    if (strtol(fact(probe, FACT_VERSION_NUMBER), NULL, 10) < OLDEST_SERVER)
        tell(probe, VERDICT_FAILED, "server", "PostgreSQL %s: 15 or newer is needed", version);
    else
        tell(probe, VERDICT_OK, "server", "PostgreSQL %s at %s, port %s", version,
             PQhost(probe->connection), PQport(probe->connection));
}

/* In another encoding it counts bytes, or has no place for what a client writes. */
static void check_text(struct probe *probe)
{
    const char *encoding = fact(probe, FACT_ENCODING);

    if (strcmp(encoding, "UTF8") != 0)
        tell(probe, VERDICT_FAILED, "text",
             "the database is %s, not UTF8: dump it into one made with"
             " createdb -T template0 -E UTF8 -l C.UTF-8",
             encoding);
    else if (*fact(probe, FACT_FOLDS) != 't')
        tell(probe, VERDICT_WARNING, "text",
             "a search tells upper case from lower but for ASCII: the database's locale is C");
    else
        tell(probe, VERDICT_OK, "text", "UTF8, in either case");
}

/* A pooler gives the client a number for the session that is none of the server's processes. */
static void check_pooler(struct probe *probe)
{
    if (strtol(fact(probe, FACT_PROCESS), NULL, 10) == PQbackendPID(probe->connection))
        return;
    if (probe->conf->db_prepare)
        tell(probe, VERDICT_WARNING, "pooler",
             "there is one before the server: TODO_DB_PREPARE=0, unless it is known to keep"
             " prepared statements");
    else
        tell(probe, VERDICT_OK, "pooler", "there is one before the server");
}

static void check_role(struct probe *probe)
{
    const char *clause = unsafe(probe, "role");

    if (clause)
        tell(probe, VERDICT_FAILED, "role",
             "%s: name todo_app, or a role that is only a member of it, in DATABASE_URL", clause);
    else if (*fact(probe, FACT_PUBLIC) == 't')
        tell(probe, VERDICT_WARNING, "role",
             "may create objects in schema public: REVOKE CREATE ON SCHEMA public FROM PUBLIC");
    else
        tell(probe, VERDICT_OK, "role", "%s is safe to serve with", fact(probe, FACT_ROLE));
}

static void check_schema(struct probe *probe)
{
    const char *version = PQgetvalue(probe->fitness, 0, FITNESS_VERSION);
    long number = strtol(version, NULL, 10);

    if (!has_schema(probe))
        tell(probe, VERDICT_FAILED, "schema",
             "there is none that this role can read: run todoctl migrate");
    else if (number < STORE_SCHEMA_OLDEST)
        tell(probe, VERDICT_FAILED, "schema", "version %s, but %d is needed: run todoctl migrate",
             version, STORE_SCHEMA_VERSION);
    else if (number > STORE_SCHEMA_VERSION)
        tell(probe, VERDICT_FAILED, "schema",
             "version %s is newer than this program's %d: upgrade the program", version,
             STORE_SCHEMA_VERSION);
    else if (number < STORE_SCHEMA_VERSION)
        tell(probe, VERDICT_WARNING, "schema",
             "version %s is served, but there is %d: run todoctl migrate", version,
             STORE_SCHEMA_VERSION);
    else
        tell(probe, VERDICT_OK, "schema", "version %s", version);
}

/* One of the settings that `todoctl migrate` gives todo_app stands for all: a dump has none of
 * them, and a member does not inherit them. */
static void check_role_settings(struct probe *probe)
{
    const char *plans = fact(probe, FACT_PLANS);

    if (!has_schema(probe))
        return;
    if (strcmp(plans, "force_generic_plan") == 0)
        tell(probe, VERDICT_OK, "role settings", "plan_cache_mode is %s", plans);
    else
        tell(probe, VERDICT_WARNING, "role settings",
             "plan_cache_mode is %s, so each statement may be planned anew: run todoctl migrate, or"
             " set for %s what schema/0000_migrations.sql sets for todo_app",
             plans, fact(probe, FACT_ROLE));
}

/* Of several faults the database names one, a role's before a table's. */
static void check_row_security(struct probe *probe)
{
    const char *clause = unsafe(probe, "table");

    if (clause)
        tell(probe, VERDICT_FAILED, "row security",
             "%s: ALTER TABLE … ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY", clause);
    else if (unsafe(probe, "role"))
        tell(probe, VERDICT_WARNING, "row security", "not seen before the role is safe");
    else if (has_schema(probe))
        tell(probe, VERDICT_OK, "row security", "forced on every table");
}

static void check_clock(struct probe *probe)
{
    double seconds = fabs(probe->clock_difference);
    const char *side = probe->clock_difference > 0 ? "behind" : "ahead of";

    if (seconds > 1 && seconds > (double)probe->conf->jwt_leeway)
        tell(probe, VERDICT_FAILED, "clock",
             "%.1f s %s the database's, more than TODO_JWT_LEEWAY: set the clocks by NTP", seconds,
             side);
    else if (seconds > CLOCK_WARNING)
        tell(probe, VERDICT_WARNING, "clock", "%.1f s %s the database's: set the clocks by NTP",
             seconds, side);
    else
        tell(probe, VERDICT_OK, "clock", "%.1f s from the database's", seconds);
}

/* Runs what the workers will ask of a Better Auth in the same database. NULL, with the finding
 * told, when that fails with another SQLSTATE than `expected` (NULL: than none). */
static PGresult *ask_issuer(struct probe *probe, const char *subject, const char *sql,
                            const char *expected)
{
    PGresult *result = PQexec(probe->connection, sql);
    const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    const char *message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    char line[1024];

    if (PQresultStatus(result) == PGRES_TUPLES_OK ||
        (state && expected && strcmp(state, expected) == 0))
        return result;
    tell(probe, VERDICT_FAILED, subject, "%s: run todoctl link better-auth",
         message ? message : admin_error(probe->connection, line, sizeof line));
    PQclear(result);
    return NULL;
}

/* An answer in either way shows that the workers' role may ask, and that their table is as it was
 * when the link was made. */
static void check_issuer_sessions(struct probe *probe)
{
    PGresult *result;

    if (!has_schema(probe) || !probe->conf->sessions)
        return;
    result = ask_issuer(probe, "sessions", "SELECT todo.enter_issuer_session('', '')", "TD401");
    if (result)
        tell(probe, VERDICT_OK, "sessions", "Better Auth's are read");
    PQclear(result);
}

static void check_issuer_keys(struct probe *probe)
{
    PGresult *result;

    if (!has_schema(probe) || !has_issuer_keys(probe->conf))
        return;
    result = ask_issuer(probe, "public keys", "SELECT count(*) FROM todo.issuer_keys()", NULL);
    if (result && strcmp(PQgetvalue(result, 0, 0), "0") == 0)
        tell(probe, VERDICT_WARNING, "public keys",
             "Better Auth has none: until it has made one, no token of its is accepted");
    else if (result)
        tell(probe, VERDICT_OK, "public keys", "Better Auth's are read, %s of them",
             PQgetvalue(result, 0, 0));
    PQclear(result);
}

static void check_issuer_users(struct probe *probe)
{
    static const char sql[] =
        "SELECT EXISTS (SELECT FROM pg_catalog.pg_trigger WHERE tgenabled <> 'D'"
        " AND tgfoid = pg_catalog.to_regprocedure('todo.issuer_user_deleted()'))";
    PGresult *result;

    if (!has_schema(probe) || !(probe->conf->sessions || has_issuer_keys(probe->conf)))
        return;
    result = ask_issuer(probe, "deletion", sql, NULL);
    if (result && *PQgetvalue(result, 0, 0) == 't')
        tell(probe, VERDICT_OK, "deletion", "who is deleted at Better Auth is deleted here");
    else if (result)
        tell(probe, VERDICT_WARNING, "deletion",
             "who is deleted at Better Auth keeps their tasks: run todoctl link better-auth");
    PQclear(result);
}

static int connect_seconds(const struct probe *probe)
{
    int seconds = (int)(probe->conf->db_deadline_ms / 1000);

    return seconds < CONNECT_SECONDS_MIN ? CONNECT_SECONDS_MIN : seconds;
}

/* Without it the database answers all: it costs nothing but speed. */
static void check_reads(struct probe *probe)
{
    const char *url = probe->conf->database_read_url;
    char finding[1024];

    if (!url || !has_schema(probe))
        return;
    if (check_standby(url, connect_seconds(probe), probe->connection, finding, sizeof finding))
        tell(probe, VERDICT_OK, "standby", "%s", finding);
    else
        tell(probe, VERDICT_WARNING, "standby",
             "%s: until DATABASE_READ_URL leads to a standby of the database, that answers alone",
             finding);
}

static double now_seconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* The database's clock is read about half-way between the question and the answer. */
static void ask(struct probe *probe)
{
    double before = now_seconds();

    probe->facts = admin_query(probe->connection, FACTS_SQL, 0, NULL);
    if (probe->facts)
        probe->clock_difference =
            strtod(fact(probe, FACT_CLOCK), NULL) - (before + now_seconds()) / 2;
    probe->fitness = admin_query(probe->connection, STORE_CHECK_SQL, 0, NULL);
}

static bool reach_database(struct probe *probe)
{
    char line[1024];

    probe->connection = admin_connect(probe->conf->database_url, connect_seconds(probe));
    if (PQstatus(probe->connection) == CONNECTION_OK)
        ask(probe);
    if (probe->facts && probe->fitness)
        return true;
    tell(probe, VERDICT_FAILED, "database", "%s: correct DATABASE_URL, or start the server",
         admin_error(probe->connection, line, sizeof line));
    return false;
}

bool check_run(const struct conf *conf)
{
    static check *const of_database[] = {check_server,
                                         check_text,
                                         check_pooler,
                                         check_role,
                                         check_schema,
                                         check_role_settings,
                                         check_row_security,
                                         check_issuer_sessions,
                                         check_issuer_keys,
                                         check_issuer_users,
                                         check_clock,
                                         check_reads,
                                         NULL};
    struct probe probe = {.conf = conf};

    check_settings(&probe);
    check_secret(&probe);
    check_keys(&probe);
    if (reach_database(&probe))
        for (check *const *next = of_database; *next; next++)
            (*next)(&probe);
    PQclear(probe.fitness);
    PQclear(probe.facts);
    PQfinish(probe.connection);
    return !probe.failed;
}

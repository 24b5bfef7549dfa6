/* SPDX-License-Identifier: ISC */
/* The store against a PostgreSQL of its own, which store.test has made: values there and back, and
 * what becomes of a request when its connection, its server or the schema fails at any point.
 *
 * STORE_TEST_URL is the workers' URL, STORE_TEST_ADMIN_URL a superuser's. */
#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "log.h"
#include "store_internal.h"
#include "store_issuer.h"
#include "store_task.h"

#define PATIENCE_S 300        /* a test that takes longer hangs */
#define DEADLINE_MS 20000     /* of requests that are to succeed */
#define SHORT_DEADLINE_MS 300 /* of those that are not */
#define RETRY_PAUSE_MS 300    /* after it a new attempt to connect is made */

static const struct text user = {"alice", 5};
static const struct principal principal = {.user = {"alice", 5}};
static struct conf conf = {.idempotency_hours = 24};
static PGconn *admin;
static struct store *store;
static unsigned next_key; /* of the statements that a test makes up */

/* ---- what an administrator does */

/* The first value of the answer; "" when there is none. */
static const char *sql(const char *statement)
{
    static char value[256];
    PGresult *result = PQexec(admin, statement);

    if (PQresultStatus(result) != PGRES_TUPLES_OK && PQresultStatus(result) != PGRES_COMMAND_OK)
        fail_msg("%s: %s", statement, PQerrorMessage(admin));
    snprintf(value, sizeof value, "%s", PQntuples(result) > 0 ? PQgetvalue(result, 0, 0) : "");
    PQclear(result);
    return value;
}

static int sql_number(const char *statement)
{
    int64_t number;

    assert_true(text_to_int(text_of(sql(statement)), 0, INT32_MAX, &number));
    return (int)number;
}

static void pause_ms(long milliseconds)
{
    const struct timespec pause = {milliseconds / 1000, milliseconds % 1000 * 1000000};

    nanosleep(&pause, NULL);
}

/* Ends the store's session and waits until its socket knows. */
static void kill_connection(void)
{
    struct pollfd fd = {.fd = PQsocket(store->connection), .events = POLLRDHUP};
    char statement[64];

    snprintf(statement, sizeof statement, "SELECT pg_terminate_backend(%d)",
             PQbackendPID(store->connection));
    sql(statement);
    assert_int_equal(poll(&fd, 1, 10000), 1);
}

/* ---- requests */

static void new_store(void)
{
    store_free(store);
    store = store_new(&conf);
    conf.db_deadline_ms = DEADLINE_MS;
}

static int set_up(void **state)
{
    (void)state;
    alarm(PATIENCE_S);
    conf.db_prepare = true;
    next_key = STATEMENT_KEYS - 1024;
    new_store();
    sql("DELETE FROM todo.users");
    sql("ALTER SEQUENCE public.runs RESTART");
    assert_int_equal(store_ready(store), ERR_NONE);
    store_end_request(store);
    return 0;
}

/* A transaction, a lock, a result: nothing outlives a request. */
static void end_request(void)
{
    bool was_open = store_is_open(store);

    store_end_request(store);
    assert_null(store->found_result);
    assert_false(store_is_open(store));
    assert_int_equal(store->tx, TX_NONE);
    assert_null(store->key);
    assert_true(!was_open || !store->connection);
    if (store->connection)
        assert_int_equal(PQtransactionStatus(store->connection), PQTRANS_IDLE);
}

static int tear_down(void **state)
{
    (void)state;
    end_request();
    store_free(store);
    store = NULL;
    return 0;
}

static void step_sql(struct step *step, const char *statement)
{
    step_init(step, (struct statement){.key = next_key, .sql = statement});
}

/* Runs one statement as a read; its result is in *step. */
static enum err read_sql(const char *statement, struct step *step)
{
    step_sql(step, statement);
    return store_read(store, user, step);
}

static enum err write_sql(const char *statement)
{
    struct step step;
    struct step *steps[] = {&step};
    enum err err;

    step_sql(&step, statement);
    err = store_write(store, user, false, steps, 1);
    step_fini(&step);
    return err;
}

/* Creates a task, whose id is given; 0 on failure. */
static enum err create(const char *title, int64_t *id)
{
    const struct task_op op = {
        .kind = TASK_OP_CREATE,
        .change = {.set = TASK_SET_TITLE, .title = {title, strlen(title)}},
    };
    struct task_rows rows = {0};
    struct task task = {0};
    size_t failed;
    enum err err = store_task_write(store, &principal, &op, 1, &rows, &failed);

    if (err == ERR_NONE)
        task_rows_get(&rows, 0, &task);
    if (id)
        *id = task.id;
    task_rows_fini(&rows);
    return err;
}

static enum err get(int64_t id)
{
    struct task_rows rows = {0};
    enum err err = store_task_get(store, user, id, &rows);

    task_rows_fini(&rows);
    return err;
}

static int task_count(void)
{
    return sql_number("SELECT count(*) FROM todo.tasks");
}

/* The next request, after a failed attempt to connect was given its pause. */
static void check_recovered(void)
{
    end_request();
    conf.db_deadline_ms = DEADLINE_MS;
    pause_ms(RETRY_PAUSE_MS);
    assert_int_equal(store_ready(store), ERR_NONE);
    end_request();
    assert_int_equal(create("after", NULL), ERR_NONE);
    end_request();
}

/* ---- values */

/* The text that PostgreSQL makes of the one value, and the value as it comes back. */
static void check_text(struct step *step, const char *expected)
{
    struct step *steps[] = {step};

    assert_int_equal(store_run(store, steps, 1, true), ERR_NONE);
    if (!expected) {
        assert_true(result_is_null(step->result, 0, 0));
        assert_true(result_is_null(step->result, 0, 1));
    } else if (!text_equal(result_text(step->result, 0, 0),
                           (struct text){expected, strlen(expected)})) {
        fail_msg("%s, expected %s", PQgetvalue(step->result, 0, 0), expected);
    }
}

static void test_integers(void **state)
{
    static const int64_t values[] = {0, 1, -1, 255, 256, INT64_C(1) << 32, INT64_MAX, INT64_MIN};

    (void)state;
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        char expected[32];
        struct step step;

        snprintf(expected, sizeof expected, "%lld", (long long)values[i]);
        step_sql(&step, "SELECT ($1::bigint)::text, $1::bigint");
        step_int(&step, values[i]);
        check_text(&step, expected);
        assert_true(result_int(step.result, 0, 1) == values[i]);
        step_fini(&step);
    }
}

static void test_times(void **state)
{
    static const struct {
        int64_t value;
        const char *text;
    } rows[] = {
        {0, "2000-01-01T00:00:00.000000Z"},
        {-1, "1999-12-31T23:59:59.999999Z"},
        {INT64_C(821861079490466), "2026-01-16T06:44:39.490466Z"},
        {INT64_C(-63082281600000000), "0001-01-01T00:00:00.000000Z"},
        {INT64_C(252455615999999999), "9999-12-31T23:59:59.999999Z"},
        {TIMESTAMP_NULL, NULL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct step step;

        step_sql(&step, "SELECT to_char($1::timestamptz AT TIME ZONE 'UTC',"
                        " 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"'), $1::timestamptz");
        step_time(&step, rows[i].value);
        check_text(&step, rows[i].text);
        assert_true(result_time(step.result, 0, 1) == rows[i].value);
        step_fini(&step);
    }
}

static void test_texts(void **state)
{
    static const struct {
        struct texts value;
        const char *text;
    } rows[] = {
        {{0}, "{}"},
        {{1, {{"", 0}}}, "{\"\"}"},
        {{1, {{"a", 1}}}, "{a}"},
        {{8,
          {{"a\"b", 3},
           {"c\\d", 3},
           {"", 0},
           {"NULL", 4},
           {"a,b", 3},
           {"\xc3\xbc\xf0\x9f\xa6\x8a", 6},
           {"{}", 2},
           {" x ", 3}}},
         "{\"a\\\"b\",\"c\\\\d\",\"\",\"NULL\",\"a,b\",\xc3\xbc\xf0\x9f\xa6\x8a,\"{}\",\" x \"}"},
        {{10,
          {{"0", 1},
           {"1", 1},
           {"2", 1},
           {"3", 1},
           {"4", 1},
           {"5", 1},
           {"6", 1},
           {"7", 1},
           {"8", 1},
           {"9", 1}}},
         "{0,1,2,3,4,5,6,7,8,9}"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct texts back;
        struct step step;

        step_sql(&step, "SELECT ($1::text[])::text, $1::text[]");
        step_texts(&step, &store->arena, rows[i].value.items, rows[i].value.count);
        check_text(&step, rows[i].text);
        back = result_texts(step.result, 0, 1);
        assert_int_equal(back.count, rows[i].value.count);
        for (size_t j = 0; j < back.count; j++)
            assert_true(text_equal(back.items[j], rows[i].value.items[j]));
        step_fini(&step);
    }
}

/* An array as only somebody else can have written it. */
static void test_strange_arrays(void **state)
{
    struct step step;
    struct texts back;

    (void)state;
    assert_int_equal(read_sql("SELECT array_agg(n::text) FROM generate_series(1, 20) n", &step),
                     ERR_NONE);
    back = result_texts(step.result, 0, 0);
    assert_int_equal(back.count, TASK_TAGS_MAX);
    step_fini(&step);
    next_key++;
    assert_int_equal(read_sql("SELECT ARRAY[ARRAY['a', 'b'], ARRAY['c', 'd']]::text[]", &step),
                     ERR_NONE);
    assert_int_equal(result_texts(step.result, 0, 0).count, 0);
    step_fini(&step);
}

static void test_other_values(void **state)
{
    static const int64_t integers[] = {INT64_MIN, 0, INT64_MAX};
    struct step step;

    (void)state;
    step_sql(&step, "SELECT ($1::bigint[])::text, cardinality($1)::bigint");
    step_ints(&step, &store->arena, integers, 3);
    check_text(&step, "{-9223372036854775808,0,9223372036854775807}");
    step_fini(&step);
    step_sql(&step, "SELECT ($1::bigint[])::text, cardinality($1)::bigint");
    step_ints(&step, &store->arena, integers, 0);
    check_text(&step, "{}");
    assert_true(result_int(step.result, 0, 1) == 0);
    step_fini(&step);
    next_key++;
    for (int value = 0; value < 2; value++) {
        step_sql(&step, "SELECT ($1::boolean)::text, $1::boolean");
        step_bool(&step, value);
        check_text(&step, value ? "true" : "false");
        assert_int_equal(result_bool(step.result, 0, 1), value);
        step_fini(&step);
    }
    next_key++;
    step_sql(&step, "SELECT $1::text, $1::text");
    step_null(&step);
    check_text(&step, NULL);
    assert_null(result_text(step.result, 0, 0).data);
    step_fini(&step);
    step_sql(&step, "SELECT $1::text, $1::text");
    step_text(&step, (struct text){"", 0});
    check_text(&step, "");
    assert_non_null(result_text(step.result, 0, 1).data);
    step_fini(&step);
}

/* ---- lost connections */

static void test_killed_while_idle(void **state)
{
    int64_t id;

    (void)state;
    kill_connection();
    assert_int_equal(create("one", &id), ERR_NONE);
    end_request();
    kill_connection();
    assert_int_equal(get(id), ERR_NONE);
    end_request();
    kill_connection();
    assert_int_equal(store_ready(store), ERR_NONE);
    assert_int_equal(task_count(), 1);
}

/* Ends its own session when it is run for the first time. */
#define SUICIDE                                                                                    \
    "SELECT CASE WHEN nextval('public.runs') = 1"                                                  \
    " THEN pg_terminate_backend(pg_backend_pid()) AND pg_sleep(60) IS NOT NULL END"

static int runs(void)
{
    return sql_number("SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM public.runs");
}

static void test_killed_in_a_read(void **state)
{
    struct step step;

    (void)state;
    assert_int_equal(read_sql(SUICIDE, &step), ERR_NONE);
    assert_non_null(step.result);
    step_fini(&step);
    assert_int_equal(runs(), 2);
}

static void test_killed_in_a_write(void **state)
{
    (void)state;
    assert_int_equal(write_sql(SUICIDE), ERR_UNAVAILABLE);
    assert_int_equal(runs(), 1);
    assert_null(store->connection);
    check_recovered();
}

/* What is held open has not been committed, so that it may be run again. */
static void test_killed_in_a_held_write(void **state)
{
    (void)state;
    store_keep_open(store);
    assert_int_equal(write_sql(SUICIDE), ERR_NONE);
    assert_int_equal(runs(), 2);
    assert_true(store_is_open(store));
    store_rollback(store);
    check_recovered();
}

static void test_killed_while_held(void **state)
{
    (void)state;
    store_keep_open(store);
    assert_int_equal(create("lost", NULL), ERR_NONE);
    kill_connection();
    store_rollback(store);
    assert_false(store_is_open(store));
    check_recovered();
    assert_int_equal(task_count(), 1);
}

static void test_left_open(void **state)
{
    (void)state;
    store_keep_open(store);
    assert_int_equal(create("lost", NULL), ERR_NONE);
    log_set_level(LOG_LEVEL_ERROR);
    end_request();
    assert_null(store->connection);
    check_recovered();
    assert_int_equal(task_count(), 1);
}

/* ---- kept answers */

static struct store_key key = {.scope = "scope", .payload = "payload"};
static const struct store_record record = {
    .status = 201, .content_type = {"a/b", 3}, .headers = {"A: b\r\n", 6}, .body = {"{}", 2}};

static void check_replay(const struct store_key *asked, bool same)
{
    const struct store_record *found;

    store_hold(store, asked);
    assert_int_equal(create("again", NULL), ERR_REPLAY);
    found = store_found(store);
    assert_non_null(found);
    assert_int_equal(found->same_payload, same);
    assert_int_equal(found->status, record.status);
    assert_true(text_equal(found->content_type, record.content_type));
    assert_true(text_equal(found->headers, record.headers));
    assert_true(text_equal(found->body, record.body));
    store_rollback(store);
    end_request();
}

static void test_replay(void **state)
{
    struct store_key other_payload = key, other_scope = key;
    bool again;

    (void)state;
    other_payload.payload[31] = 1;
    other_scope.scope[31] = 1;
    store_hold(store, &key);
    assert_int_equal(create("kept", NULL), ERR_NONE);
    assert_int_equal(store_commit(store, &record, &again), ERR_NONE);
    assert_false(again);
    end_request();
    check_replay(&key, true);
    check_replay(&other_payload, false);
    store_hold(store, &other_scope);
    assert_int_equal(create("another", NULL), ERR_NONE);
    store_rollback(store);
    end_request();
    assert_int_equal(task_count(), 1);
    sql("UPDATE todo.idempotency_keys SET created_at = now() - interval '25 hours'");
    store_hold(store, &key);
    assert_int_equal(create("a day later", NULL), ERR_NONE);
    assert_int_equal(store_commit(store, &record, &again), ERR_NONE);
    assert_int_equal(task_count(), 2);
}

/* The connection breaks before COMMIT is answered: the whole is worth another try. */
static void test_killed_before_commit(void **state)
{
    bool again;

    (void)state;
    store_hold(store, &key);
    assert_int_equal(create("first", NULL), ERR_NONE);
    kill_connection();
    assert_int_equal(store_commit(store, &record, &again), ERR_UNAVAILABLE);
    assert_true(again);
    store_hold(store, &key);
    assert_int_equal(create("second", NULL), ERR_NONE);
    kill_connection();
    assert_int_equal(store_commit(store, NULL, &again), ERR_UNAVAILABLE);
    assert_false(again);
    check_recovered();
    assert_int_equal(task_count(), 1);
}

/* Another request with the key is still running, also that of a user without a row yet. */
static void test_in_flight(void **state)
{
    (void)state;
    for (int known = 0; known < 2; known++) {
        struct store *first = store;

        store_hold(store, &key);
        assert_int_equal(create("running", NULL), ERR_NONE);
        store = store_new(&conf);
        assert_int_equal(store_ready(store), ERR_NONE);
        end_request();
        conf.db_deadline_ms = 2 * SHORT_DEADLINE_MS;
        store_hold(store, &key);
        assert_int_equal(create("waiting", NULL), ERR_IN_FLIGHT);
        end_request();
        conf.db_deadline_ms = SHORT_DEADLINE_MS;
        assert_int_equal(create("without a key", NULL), ERR_UNAVAILABLE); /* too late */
        end_request();
        store_free(store);
        store = first;
        conf.db_deadline_ms = DEADLINE_MS;
        store_rollback(store);
        check_recovered();
    }
}

/* ---- what the server says */

static const struct verdict {
    const char *sqlstate;
    enum err err;
    int reads, writes; /* how often each is run when all of them fail */
} verdicts[] = {
    {"40001", ERR_UNAVAILABLE, 2, 2}, {"40P01", ERR_UNAVAILABLE, 2, 2},
    {"26000", ERR_UNAVAILABLE, 2, 2}, {"0A000", ERR_UNAVAILABLE, 2, 2},
    {"57P01", ERR_UNAVAILABLE, 2, 1}, {"57P05", ERR_UNAVAILABLE, 2, 1},
    {"08006", ERR_UNAVAILABLE, 2, 1}, {"25P03", ERR_UNAVAILABLE, 2, 1},
    {"42P01", ERR_UNAVAILABLE, 1, 1}, {"42703", ERR_UNAVAILABLE, 1, 1},
    {"42501", ERR_UNAVAILABLE, 1, 1}, {"25006", ERR_UNAVAILABLE, 1, 1},
    {"53200", ERR_UNAVAILABLE, 1, 1}, {"57014", ERR_UNAVAILABLE, 1, 1},
    {"58030", ERR_UNAVAILABLE, 1, 1}, {"55P03", ERR_IN_FLIGHT, 1, 1},
    {"23505", ERR_CONFLICT, 1, 1},    {"23514", ERR_INTERNAL, 1, 1},
    {"22012", ERR_INTERNAL, 1, 1},    {"42601", ERR_INTERNAL, 1, 1},
    {"XX000", ERR_INTERNAL, 1, 1},
};

/* Fails `times` times, then not. */
static const char *failing(const char *sqlstate, int times)
{
    static char statement[128];

    snprintf(statement, sizeof statement, "SELECT public.fail('%s', %d)", sqlstate, times);
    next_key++;
    sql("ALTER SEQUENCE public.runs RESTART");
    return statement;
}

static void check_verdict(const struct verdict *verdict)
{
    struct step step;

    assert_int_equal(read_sql(failing(verdict->sqlstate, 99), &step), verdict->err);
    assert_null(step.result);
    assert_int_equal(runs(), verdict->reads);
    end_request();
    assert_int_equal(write_sql(failing(verdict->sqlstate, 99)), verdict->err);
    assert_int_equal(runs(), verdict->writes);
    end_request();
    store_keep_open(store);
    assert_int_equal(write_sql(failing(verdict->sqlstate, 99)), verdict->err);
    assert_int_equal(runs(), verdict->reads);
    assert_false(store_is_open(store));
    end_request();
    assert_int_equal(write_sql(failing(verdict->sqlstate, 1)),
                     verdict->writes > 1 ? ERR_NONE : verdict->err);
    end_request();
    assert_int_equal(create("after", NULL), ERR_NONE);
    end_request();
}

static void test_verdicts(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof verdicts / sizeof *verdicts; i++)
        check_verdict(&verdicts[i]);
}

/* The attempt that succeeds has judged the session, whichever it is. */
static void test_issuer_session_again(void **state)
{
    static const char *const retried[] = {"40001", "0A000"};

    (void)state;
    sql("CREATE FUNCTION todo.enter_issuer_session(token text, user_id text) RETURNS text"
        " LANGUAGE sql AS $$ SELECT todo.enter(user_id) $$");
    for (size_t i = 0; i < sizeof retried / sizeof *retried; i++)
        for (int times = 0; times <= 2; times++) {
            store_issuer_expect(store, TEXT_LITERAL("token"));
            assert_true(store_issuer_is_unjudged(store));
            assert_int_equal(write_sql(failing(retried[i], times)),
                             times < 2 ? ERR_NONE : ERR_UNAVAILABLE);
            assert_int_equal(store_issuer_is_unjudged(store), times == 2);
            end_request();
        }
    sql("DROP FUNCTION todo.enter_issuer_session(text, text)");
}

/* A write that failed behind others has undone them too. */
static void test_all_or_nothing(void **state)
{
    struct step good, bad;
    struct step *steps[] = {&good, &bad};

    (void)state;
    step_sql(&good, "INSERT INTO todo.users (id) VALUES ('alice')");
    next_key++;
    step_sql(&bad, "SELECT 1 / 0");
    assert_int_equal(store_write(store, user, true, steps, 2), ERR_INTERNAL);
    assert_null(good.result);
    assert_null(bad.result);
    end_request();
    assert_string_equal(sql("SELECT count(*) FROM todo.users"), "0");
}

/* ---- prepared statements */

static void deallocate_all(void)
{
    struct step step;

    next_key++;
    assert_int_equal(read_sql("DEALLOCATE ALL", &step), ERR_NONE);
    step_fini(&step);
}

static void test_names_forgotten(void **state)
{
    int64_t id;

    (void)state;
    assert_int_equal(create("one", &id), ERR_NONE);
    assert_int_equal(get(id), ERR_NONE);
    deallocate_all();
    assert_int_equal(get(id), ERR_NONE);
    deallocate_all();
    assert_int_equal(create("two", NULL), ERR_NONE);
    deallocate_all();
    store_keep_open(store);
    assert_int_equal(create("three", NULL), ERR_NONE);
    store_rollback(store);
    assert_int_equal(task_count(), 2);
}

/* How many statements this session has prepared. */
static int64_t prepared(void)
{
    struct step step;
    int64_t count;

    next_key++;
    assert_int_equal(read_sql("SELECT count(*) FROM pg_prepared_statements", &step), ERR_NONE);
    count = result_int(step.result, 0, 0);
    step_fini(&step);
    return count;
}

static void test_unnamed(void **state)
{
    int64_t id;
    bool again;

    (void)state;
    conf.db_prepare = false;
    new_store();
    store_hold(store, &key);
    assert_int_equal(create("one", &id), ERR_NONE);
    assert_int_equal(store_commit(store, &record, &again), ERR_NONE);
    end_request();
    assert_int_equal(get(id), ERR_NONE);
    check_replay(&key, true);
    assert_true(prepared() == 0);
    conf.db_prepare = true;
    assert_int_equal(get(id), ERR_NONE);
    assert_true(prepared() > 0);
}

static enum err list(const struct task_query *query, int *count)
{
    struct task_state task_state;
    struct task_rows rows = {0};
    enum err err = store_task_list(store, user, query, NULL, &task_state, &rows);

    *count = rows.count;
    task_rows_fini(&rows);
    return err;
}

/* Every shape of a list runs, more of them than are prepared. */
static void test_more_shapes_than_names(void **state)
{
    struct task_query query = {.priorities = {1, {{"medium", 6}}},
                               .tags = {1, {{"x", 1}}},
                               .search = {"%_\\", 3},
                               .due_to = INT64_MAX / 2,
                               .limit = 10};
    int count;

    (void)state;
    assert_int_equal(create("one", NULL), ERR_NONE);
    for (unsigned shape = 0; shape < 256 * TASK_SORT_COUNT * 2; shape += shape < 64 ? 1 : 7) {
        query.from.descending = shape % 2;
        query.from.sort = shape / 2 % TASK_SORT_COUNT;
        query.filters = shape / 2 / TASK_SORT_COUNT;
        assert_int_equal(list(&query, &count), ERR_NONE);
        store_end_request(store);
    }
    query.filters = 0;
    for (unsigned shape = 0; shape < TASK_SORT_COUNT; shape++) {
        query.from.sort = shape;
        assert_int_equal(list(&query, &count), ERR_NONE);
        assert_int_equal(count, 1);
        store_end_request(store);
    }
    assert_int_equal(store->prepared_count, 256);
    assert_true(prepared() == 256);
    assert_int_equal(store_ready(store), ERR_NONE);
    assert_int_equal(get(1), ERR_NOT_FOUND); /* what is no list has its name all the same */
    assert_int_equal(store->prepared_count, 257);
}

/* A shape whose preparation fails is not taken for prepared. */
static void test_failed_preparation(void **state)
{
    struct step step;

    (void)state;
    for (int i = 0; i < 2; i++) {
        unsigned count = store->prepared_count;

        assert_int_equal(read_sql("SELECT nonsense(", &step), ERR_INTERNAL);
        assert_null(step.result);
        assert_true(store->prepared_count <= count + (i == 0)); /* "enter" may be new */
    }
    assert_int_equal(read_sql("SELECT 1", &step), ERR_NONE);
    step_fini(&step);
}

/* ---- a schema or a role that does not fit */

static void check_misfit(const char *change, const char *undo, bool seen_when_connected)
{
    int64_t id;

    assert_int_equal(create("before", &id), ERR_NONE);
    end_request();
    sql(change);
    if (!seen_when_connected)
        kill_connection();
    assert_int_equal(get(id), ERR_UNAVAILABLE);
    end_request();
    pause_ms(RETRY_PAUSE_MS);
    assert_int_equal(get(id), ERR_UNAVAILABLE);
    end_request();
    sql(undo);
    check_recovered();
    assert_int_equal(get(id), ERR_NONE);
}

static void test_misfits(void **state)
{
    (void)state;
    check_misfit("UPDATE todo.schema_migrations SET version = version + 1000",
                 "UPDATE todo.schema_migrations SET version = version - 1000", false);
    check_misfit("ALTER TABLE todo.tasks RENAME TO sacks", "ALTER TABLE todo.sacks RENAME TO tasks",
                 true);
    check_misfit("ALTER TABLE todo.tasks RENAME title TO name",
                 "ALTER TABLE todo.tasks RENAME name TO title", true);
    check_misfit("REVOKE SELECT ON todo.tasks FROM todo_app",
                 "GRANT SELECT ON todo.tasks TO todo_app", true);
    check_misfit("ALTER ROLE todo_app SUPERUSER", "ALTER ROLE todo_app NOSUPERUSER", false);
    check_misfit("ALTER ROLE todo_app BYPASSRLS", "ALTER ROLE todo_app NOBYPASSRLS", false);
    check_misfit("ALTER TABLE todo.tasks NO FORCE ROW LEVEL SECURITY",
                 "ALTER TABLE todo.tasks FORCE ROW LEVEL SECURITY", false);
    check_misfit("ALTER ROLE todo_app NOLOGIN", "ALTER ROLE todo_app LOGIN", false);
}

/* A column whose type has changed makes the plan of a prepared statement stale, no more. */
static void test_stale_plan(void **state)
{
    int64_t id;

    (void)state;
    assert_int_equal(create("one", &id), ERR_NONE);
    assert_int_equal(get(id), ERR_NONE);
    sql("ALTER TABLE todo.tasks ALTER description TYPE varchar(1000)");
    assert_int_equal(get(id), ERR_NONE);
    sql("ALTER TABLE todo.tasks ALTER description TYPE text");
    assert_int_equal(get(id), ERR_NONE);
}

static void test_ready_sees_another_schema(void **state)
{
    (void)state;
    sql("UPDATE todo.schema_migrations SET version = version + 1000");
    assert_int_equal(store_ready(store), ERR_UNAVAILABLE);
    assert_null(store->connection);
    end_request();
    sql("UPDATE todo.schema_migrations SET version = version - 1000");
    check_recovered();
}

/* ---- a server that is stopped, not dead */

static pid_t postmaster(void)
{
    return sql_number("SELECT split_part(pg_read_file('postmaster.pid'), chr(10), 1)");
}

static void check_stopped(enum err (*request)(const char *, int64_t *))
{
    pid_t server = postmaster(), session;

    assert_int_equal(store_ready(store), ERR_NONE);
    end_request();
    session = PQbackendPID(store->connection);
    conf.db_deadline_ms = SHORT_DEADLINE_MS;
    assert_int_equal(kill(session, SIGSTOP), 0);
    assert_int_equal(kill(server, SIGSTOP), 0);
    assert_int_equal(request("stopped", NULL), ERR_UNAVAILABLE); /* in the middle of a statement */
    end_request();
    assert_null(store->connection);
    assert_int_equal(request("stopped", NULL), ERR_UNAVAILABLE); /* while it connects */
    end_request();
    assert_int_equal(kill(session, SIGCONT), 0);
    assert_int_equal(kill(server, SIGCONT), 0);
    check_recovered();
}

static enum err read_ready(const char *title, int64_t *id)
{
    (void)title, (void)id;
    return store_ready(store);
}

static enum err create_held(const char *title, int64_t *id)
{
    store_hold(store, &key);
    return create(title, id);
}

static void test_stopped(void **state)
{
    (void)state;
    check_stopped(read_ready);
    check_stopped(create);
    check_stopped(create_held);
}

/* Stopped between a write and the end of its transaction. */
static void test_stopped_while_held(void **state)
{
    pid_t session;

    (void)state;
    store_keep_open(store);
    assert_int_equal(create("held", NULL), ERR_NONE);
    store->deadline = clock_now_ms() + SHORT_DEADLINE_MS;
    session = PQbackendPID(store->connection);
    assert_int_equal(kill(session, SIGSTOP), 0);
    store_rollback(store);
    assert_false(store_is_open(store));
    assert_null(store->connection);
    assert_int_equal(kill(session, SIGCONT), 0);
    check_recovered();
    assert_int_equal(task_count(), 1);
}

/* ---- a table of keys that somebody has locked */

static void test_keys_leave_time(void **state)
{
    struct buf document;

    (void)state;
    sql("CREATE FUNCTION todo.issuer_keys() RETURNS TABLE (id text, public_key text, algorithm "
        "text)"
        " LANGUAGE sql AS $$ SELECT pg_sleep(60)::text, NULL, NULL $$");
    conf.db_deadline_ms = 20000; /* of which the keys may take 2,500 */
    buf_init(&document);
    assert_int_equal(store_issuer_keys(store, &document), ERR_UNAVAILABLE);
    assert_int_equal(document.length, 0);
    buf_fini(&document);
    assert_int_equal(create("in the same request", NULL), ERR_NONE);
    sql("DROP FUNCTION todo.issuer_keys()");
}

/* ---- what the tests need in the database */

static int make_tools(void **state)
{
    (void)state;
    log_set_level(LOG_LEVEL_ERROR);
    conf.database_url = getenv("STORE_TEST_URL");
    admin = PQconnectdb(getenv("STORE_TEST_ADMIN_URL"));
    sql("CREATE SEQUENCE public.runs");
    sql("CREATE FUNCTION public.fail(code text, times integer) RETURNS integer LANGUAGE plpgsql AS"
        " $$BEGIN IF nextval('public.runs') <= times THEN RAISE 'as asked' USING ERRCODE = code;"
        " END IF; RETURN 1; END$$");
    sql("GRANT USAGE ON SEQUENCE public.runs TO todo_app");
    return 0;
}

static int end_tools(void **state)
{
    (void)state;
    PQfinish(admin);
    return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_integers),
        TEST(test_times),
        TEST(test_texts),
        TEST(test_strange_arrays),
        TEST(test_other_values),
        TEST(test_killed_while_idle),
        TEST(test_killed_in_a_read),
        TEST(test_killed_in_a_write),
        TEST(test_killed_in_a_held_write),
        TEST(test_killed_while_held),
        TEST(test_left_open),
        TEST(test_replay),
        TEST(test_killed_before_commit),
        TEST(test_in_flight),
        TEST(test_verdicts),
        TEST(test_issuer_session_again),
        TEST(test_all_or_nothing),
        TEST(test_names_forgotten),
        TEST(test_unnamed),
        TEST(test_more_shapes_than_names),
        TEST(test_failed_preparation),
        TEST(test_misfits),
        TEST(test_stale_plan),
        TEST(test_ready_sees_another_schema),
        TEST(test_stopped),
        TEST(test_stopped_while_held),
        TEST(test_keys_leave_time),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, make_tools, end_tools);
}

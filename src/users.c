/* SPDX-License-Identifier: ISC */
/* users.c: a table of what may be done with a user, and the transaction around each. The lock on
 * the users row comes first, as in every write of the workers. */
#include <config.h>

#include "users.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "account.h"
#include "admin.h"
#include "arena.h"
#include "log.h"
#include "password.h"
#include "random.h"
#include "store.h"
#include "text.h"
#include "token.h"

#define STATEMENTS_MAX 3
#define USER_ID_SIZE 16 /* random bytes */

struct users {
    PGconn *connection;
};

struct statement {
    const char *sql;
    int count; /* of its parameters: the user and, if 2, the hash */
};

#define END_SESSIONS                                                                               \
    {                                                                                              \
        "DELETE FROM todo.sessions WHERE user_id = $1", 1                                          \
    }

/* Those of logins: they keep nobody out any more. */
#define FORGET_FAILURES                                                                            \
    {                                                                                              \
        "SELECT todo.login_succeeded(email), todo.login_succeeded(NULL)"                           \
        " FROM todo.credentials WHERE user_id = $1",                                               \
            1                                                                                      \
    }

/* What the last statement gives is printed. */
static const struct statement actions[][STATEMENTS_MAX] = {
    [USERS_SHOW] =
        {
            {"SELECT u.id, c.email, u.name, date_trunc('second', u.created_at),"
             " CASE WHEN c.user_id IS NULL THEN 'no account' WHEN c.disabled_at IS NULL"
             " THEN 'active' ELSE 'disabled' END,"
             " (SELECT count(*) FROM todo.sessions WHERE user_id = $1) || ' sessions',"
             " (SELECT count(*) FROM todo.tasks WHERE user_id = $1) || ' tasks'"
             " FROM todo.users u LEFT JOIN todo.credentials c ON c.user_id = u.id"
             " WHERE u.id = $1",
             1},
        },
    [USERS_PASSWORD] =
        {
            FORGET_FAILURES,
            {"UPDATE todo.credentials SET password_hash = $2, revision = revision + 1"
             " WHERE user_id = $1",
             2},
            END_SESSIONS,
        },
    [USERS_DISABLE] =
        {
            {"UPDATE todo.credentials SET disabled_at = coalesce(disabled_at, now()),"
             " revision = revision + 1 WHERE user_id = $1",
             1},
            END_SESSIONS,
        },
    [USERS_ENABLE] =
        {
            FORGET_FAILURES,
            {"UPDATE todo.credentials SET disabled_at = NULL WHERE user_id = $1", 1},
        },
    [USERS_DELETE] =
        {
            FORGET_FAILURES,
            {"DELETE FROM todo.users WHERE id = $1", 1},
        },
    [USERS_SESSIONS] =
        {
            {"SELECT id, date_trunc('second', created_at), date_trunc('second', refreshed_at),"
             " date_trunc('second', expires_at) FROM todo.sessions WHERE user_id = $1"
             " ORDER BY created_at DESC",
             1},
        },
    [USERS_END_SESSIONS] = {END_SESSIONS},
};

int users_open(const char *url, struct users **users)
{
    *users = calloc(1, sizeof **users);
    if (!*users)
        log_out_of_memory();
    (*users)->connection = admin_open(url);
    return (*users)->connection ? admin_check_schema((*users)->connection) : EX_UNAVAILABLE;
}

void users_close(struct users *users)
{
    PQfinish(users->connection);
    free(users);
}

/* Begins a transaction as todo_owner. */
static bool begin(struct users *users)
{
    return admin_execute(users->connection, "BEGIN ISOLATION LEVEL READ COMMITTED") &&
           admin_execute(users->connection, "SET LOCAL ROLE todo_owner") &&
           admin_execute(users->connection, "SET LOCAL TIME ZONE 'UTC'");
}

static bool run(struct users *users, const char *sql, int count, const char *const *values)
{
    PGresult *result = admin_query(users->connection, sql, count, values);

    PQclear(result);
    return result != NULL;
}

static bool enter(struct users *users, const char *user)
{
    return run(users, "SELECT todo.enter($1)", 1, &user) &&
           run(users, "SELECT FROM todo.users WHERE id = $1 FOR NO KEY UPDATE", 1, &user);
}

static int end(struct users *users, int status)
{
    if (status == EX_OK)
        return admin_execute(users->connection, "COMMIT") ? EX_OK : EX_UNAVAILABLE;
    if (!admin_execute(users->connection, "ROLLBACK"))
        return EX_UNAVAILABLE;
    return status;
}

static void print_rows(const PGresult *rows)
{
    for (int row = 0; row < PQntuples(rows); row++)
        for (int column = 0; column < PQnfields(rows); column++)
            printf("%s%c", PQgetisnull(rows, row, column) ? "-" : PQgetvalue(rows, row, column),
                   column + 1 < PQnfields(rows) ? '\t' : '\n');
}

int users_list(struct users *users)
{
    PGresult *rows = begin(users) ? admin_query(users->connection,
                                                "SELECT user_id, email, CASE WHEN disabled_at IS "
                                                "NULL THEN 'active' ELSE 'disabled' END "
                                                "FROM todo.credentials ORDER BY lower(email)",
                                                0, NULL)
                                  : NULL;

    if (rows)
        print_rows(rows);
    PQclear(rows);
    return end(users, rows ? EX_OK : EX_UNAVAILABLE);
}

/* Whose id `who` is comes before whose e-mail address: 0 to 2 rows. */
static PGresult *find_rows(struct users *users, const char *who)
{
    if (!run(users, "SELECT todo.enter($1)", 1, &who))
        return NULL;
    return admin_query(users->connection,
                       "SELECT id FROM (SELECT id FROM todo.users WHERE id = $1"
                       " UNION ALL SELECT user_id FROM todo.credentials WHERE user_id <> $1"
                       " AND lower(email COLLATE \"C\") = lower($1 COLLATE \"C\")) named (id)"
                       " ORDER BY id = $1 DESC",
                       1, &who);
}

/* The id of `who`, an id or an e-mail address; a user without an account has only an id. */
static int find(struct users *users, const char *who, char id[256])
{
    PGresult *rows = find_rows(users, who);
    int status = !rows                 ? EX_UNAVAILABLE
                 : PQntuples(rows) > 1 ? EX_DATAERR
                 : PQntuples(rows) < 1 ? EX_NOUSER
                                       : EX_OK;

    if (status == EX_OK)
        snprintf(id, 256, "%s", PQgetvalue(rows, 0, 0));
    if (status == EX_DATAERR)
        fprintf(
            stderr,
            "todoctl: %s is the id of one user and the e-mail address of another, %s: name that "
            "one by its id, or change its address first\n",
            who, PQgetvalue(rows, 1, 0));
    PQclear(rows);
    return status;
}

/* What is updated is the account. */
static int judge(PGresult *result, const char *user)
{
    if (strcmp(PQcmdStatus(result), "UPDATE 0") != 0)
        return EX_OK;
    fprintf(stderr, "todoctl: the user %s has no account here\n", user);
    return EX_DATAERR;
}

static int act(struct users *users, const struct statement *statements, const char *const *values)
{
    PGresult *user =
        admin_query(users->connection, "SELECT FROM todo.users WHERE id = $1", 1, values);
    int status = !user ? EX_UNAVAILABLE : PQntuples(user) == 0 ? EX_NOUSER : EX_OK;

    for (int i = 0; i < STATEMENTS_MAX && statements[i].sql && status == EX_OK; i++) {
        PGresult *result =
            admin_query(users->connection, statements[i].sql, statements[i].count, values);
        bool last = i + 1 == STATEMENTS_MAX || !statements[i + 1].sql;

        if (result && last)
            print_rows(result);
        status = result ? judge(result, values[0]) : EX_UNAVAILABLE;
        PQclear(result);
    }
    PQclear(user);
    return status;
}

int users_act(struct users *users, enum users_action action, const char *who, const char *hash)
{
    char id[256];
    const char *const values[] = {id, hash};
    int status = begin(users) ? find(users, who, id) : EX_UNAVAILABLE;

    if (status == EX_OK && !enter(users, id))
        status = EX_UNAVAILABLE;
    if (status == EX_OK)
        status = act(users, actions[action], values);
    if (status == EX_NOUSER)
        fprintf(stderr, "todoctl: there is no user %s\n", who);
    return end(users, status);
}

static const char *find_fault(const struct users_new *account, const char *id)
{
    struct text user = text_of(id);
    const char *fault = account_email_fault(text_of(account->email));

    if (user.length < 1 || user.length > TOKEN_USER_MAX || !text_is_utf8(user) ||
        text_has_control(user))
        return "id: must be 1 to 255 bytes of UTF-8 without control characters";
    if (fault || !text_is_utf8(text_of(account->email)))
        return "email: must be an e-mail address of at most 254 bytes";
    if (account->name &&
        (account_name_fault(text_of(account->name)) || !text_is_utf8(text_of(account->name))))
        return "name: must be at most 200 bytes of UTF-8 without control characters";
    if (!password_is_hash(text_of(account->hash)))
        return "password_hash: must be bcrypt ($2a$, $2b$ or $2y$)";
    return NULL;
}

/* The two rows; a row of users without an account may be there before. */
static const char *insert(struct users *users, const char *id, const struct users_new *account)
{
    const char *const user[] = {id, account->name};
    const char *const credentials[] = {id, account->email, account->hash};
    PGresult *made;
    const char *fault = NULL;

    if (!run(users, "SELECT todo.enter($1)", 1, &id) ||
        !run(users, "INSERT INTO todo.users (id, name) VALUES ($1, $2) ON CONFLICT DO NOTHING", 2,
             user))
        return "the database refused";
    made = admin_query(users->connection,
                       "INSERT INTO todo.credentials (user_id, email, password_hash) "
                       "VALUES ($1, $2, $3) ON CONFLICT DO NOTHING RETURNING user_id",
                       3, credentials);
    if (!made)
        fault = "the database refused";
    else if (PQntuples(made) == 0)
        fault = "this id or e-mail address has an account already";
    PQclear(made);
    return fault;
}

const char *users_add(struct users *users, const struct users_new *account, char made[256])
{
    const char *fault;
    struct arena arena;

    arena_init(&arena);
    if (account->id)
        snprintf(made, 256, "%.255s", account->id);
    else
        snprintf(made, 256, "u_%s", random_id(&arena, USER_ID_SIZE));
    arena_fini(&arena);
    fault = find_fault(account, account->id ? account->id : made);
    if (fault)
        return fault;
    if (!begin(users))
        return "the database refused";
    fault = insert(users, made, account);
    if (end(users, fault ? EX_DATAERR : EX_OK) == EX_UNAVAILABLE && !fault)
        fault = "the database refused";
    return fault;
}

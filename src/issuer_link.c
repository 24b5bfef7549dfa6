/* SPDX-License-Identifier: ISC */
/* issuer_link.c: hands the names in the settings to the functions of issuer_link_sql.h, one for
 * each of Better Auth's tables. PostgreSQL does the quoting. */
#include <config.h>

#include "issuer_link.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "admin.h"
#include "buf.h"
#include "issuer_link_sql.h"

/* As text[] is written: each name between quotes, in which \ stands before \ and ". */
static void write_array(char *const *names, struct buf *out)
{
    buf_clear(out);
    buf_add_char(out, '{');
    for (size_t i = 0; names[i]; i++) {
        buf_add_string(out, i > 0 ? ",\"" : "\"");
        for (const char *c = names[i]; *c; c++) {
            if (*c == '"' || *c == '\\')
                buf_add_char(out, '\\');
            buf_add_char(out, *c);
        }
        buf_add_char(out, '"');
    }
    buf_add(out, "}", sizeof "}");
}

/* A table of theirs, and what is made for it. */
struct part {
    const char *what;
    const char *sql;
    char *const *names;
};

static PGresult *ask_part(const struct conf *conf, PGconn *connection, const struct part *part)
{
    struct buf names;
    const char *values[] = {conf->better_auth_schema, NULL};
    PGresult *result;

    buf_init(&names);
    write_array(part->names, &names);
    values[1] = names.data;
    result = PQexecParams(connection, part->sql, 2, NULL, values, NULL, NULL, 0);
    buf_fini(&names);
    return result;
}

/* *done says whether the table is there. */
static int link_part(const struct conf *conf, PGconn *connection, const struct part *part,
                     bool *done)
{
    PGresult *result = ask_part(conf, connection, part);
    const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    int status = EX_OK;

    *done = PQresultStatus(result) == PGRES_TUPLES_OK && PQgetvalue(result, 0, 0)[0] == 't';
    if (PQresultStatus(result) == PGRES_TUPLES_OK) {
        printf("%s  %s (%s)\n", *done ? "linked " : "no table", part->what,
               part->names[0] ? part->names[0] : "none is named");
    } else {
        admin_tell(connection, result);
        status = !state || strcmp(state, ADMIN_LOCK_TIMED_OUT) == 0 ? EX_UNAVAILABLE : EX_DATAERR;
    }
    PQclear(result);
    return status;
}

static int link_parts(const struct conf *conf, PGconn *connection)
{
    static char token[] = "token", expires_at[] = "expires_at", user_id[] = "user_id";
    char *const view[] = {conf->sessions_sql, token, expires_at, user_id, NULL};
    const struct part parts[] = {
        {"sessions", "SELECT pg_temp.link_sessions($1, $2)",
         conf->sessions_sql ? view : conf->better_auth_session},
        {"public keys", "SELECT pg_temp.link_keys($1, $2)", conf->better_auth_jwks},
        {"deletion of users", "SELECT pg_temp.link_users($1, $2)", conf->better_auth_user},
    };
    bool any = false;
    int status = EX_OK;

    for (size_t i = 0; i < sizeof parts / sizeof *parts && status == EX_OK; i++) {
        bool done;

        status = link_part(conf, connection, &parts[i], &done);
        any = any || done;
    }
    if (any || status != EX_OK)
        return status;
    fputs("todoctl: there is no table of Better Auth's: see TODO_BETTER_AUTH_SCHEMA\n", stderr);
    return EX_DATAERR;
}

/* admin_query takes one statement at a time; these are many, and have no parameters. */
static bool run_script(PGconn *connection, const char *sql)
{
    PGresult *result = PQexec(connection, sql);
    bool good = PQresultStatus(result) == PGRES_COMMAND_OK;

    if (!good)
        admin_tell(connection, result);
    PQclear(result);
    return good;
}

static void ignore_notice(void *data, const PGresult *result)
{
    (void)data;
    (void)result;
}

/* Begins, and leaves nothing of what an earlier run has made. */
static bool prepare(PGconn *connection)
{
    static const char *const scripts[] = {
        "BEGIN",           ADMIN_LOCK_TIMEOUT, "SET LOCAL search_path = pg_catalog",
        ISSUER_UNLINK_SQL, ISSUER_TABLE_SQL,   ISSUER_SESSIONS_SQL,
        ISSUER_KEYS_SQL,   ISSUER_USERS_SQL};

    for (size_t i = 0; i < sizeof scripts / sizeof *scripts; i++)
        if (!run_script(connection, scripts[i]))
            return false;
    return true;
}

/* In one transaction, which the end of the connection undoes. */
static int run(const struct conf *conf, const char *url, bool link)
{
    PGconn *connection = admin_open(url);
    int status;

    if (!connection)
        return EX_UNAVAILABLE;
    PQsetNoticeReceiver(connection, ignore_notice, NULL);
    status = admin_check_schema(connection);
    if (status == EX_OK && !prepare(connection))
        status = EX_UNAVAILABLE;
    if (status == EX_OK && link)
        status = link_parts(conf, connection);
    if (status == EX_OK && !run_script(connection, "COMMIT"))
        status = EX_UNAVAILABLE;
    PQfinish(connection);
    return status;
}

int issuer_link(const struct conf *conf, const char *url)
{
    return run(conf, url, true);
}

int issuer_unlink(const struct conf *conf, const char *url)
{
    return run(conf, url, false);
}

/* SPDX-License-Identifier: ISC */
/* setup_database.c: one connection as the administrator, from looking to making. The roles and the
 * schema are made by the migrations, as without setup. */
#include <config.h>

#include "setup_database.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "admin.h"
#include "buf.h"
#include "migrate.h"
#include "migrations.h"
#include "setup_url.h"

#define CONNECT_SECONDS 10
#define OLDEST_SERVER 150000

/* One row; $1 is the name of the database. */
#define FACTS_SQL                                                                                  \
    "SELECT current_setting('server_version_num')::int, current_database(), current_user,"         \
    " me.rolsuper, me.rolsuper OR me.rolcreaterole, me.rolsuper OR me.rolcreatedb,"                \
    " (SELECT count(*) FROM pg_catalog.pg_roles WHERE rolname IN ('todo_owner', 'todo_app')),"     \
    " EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'todo_app'),"                        \
    " (SELECT rolname || CASE WHEN rolsuper THEN ' is a superuser'"                                \
    " WHEN rolbypassrls THEN ' has BYPASSRLS' WHEN rolcreaterole THEN ' has CREATEROLE'"           \
    " WHEN rolname = 'todo_owner' THEN ' may log in' ELSE ' may not log in' END"                   \
    " FROM pg_catalog.pg_roles WHERE rolname IN ('todo_owner', 'todo_app')"                        \
    " AND (rolsuper OR rolbypassrls OR rolcreaterole OR rolcanlogin = (rolname = 'todo_owner'))"   \
    " LIMIT 1),"                                                                                   \
    " there.datname IS NOT NULL, pg_encoding_to_char(there.encoding),"                             \
    " has_database_privilege(there.oid, 'CREATE'),"                                                \
    " plain.encoding = pg_char_to_encoding('UTF8') AND plain.datctype NOT IN ('C', 'POSIX')"       \
    " FROM pg_catalog.pg_roles me JOIN pg_catalog.pg_database plain ON plain.datname = "           \
    "'template1'"                                                                                  \
    " LEFT JOIN pg_catalog.pg_database there ON there.datname = $1"                                \
    " WHERE me.rolname = current_user"

enum fact {
    SERVER_VERSION,
    CURRENT_DATABASE,
    CURRENT_USER,
    IS_SUPERUSER,
    MAY_CREATE_ROLES,
    MAY_CREATE_DATABASES,
    ROLE_COUNT, /* of ours */
    HAS_WORKERS_ROLE,
    ROLE_FAULT,
    HAS_DATABASE,
    ENCODING,
    MAY_CREATE_SCHEMA,
    TEMPLATE_FITS
};

struct work {
    const struct setup_database *wanted;
    struct setup_outcome *outcome;
    PGconn *connection; /* to the administrator's own database */
    PGresult *facts;
    bool needs_password;
};

static const char *fact(const struct work *work, enum fact which)
{
    return PQgetvalue(work->facts, 0, (int)which);
}

static bool is_true(const struct work *work, enum fact which)
{
    return *fact(work, which) == 't';
}

static int fail(const PGconn *connection, int status)
{
    char line[1024];

    fprintf(stderr, "todoctl: %s\n", admin_error(connection, line, sizeof line));
    return status;
}

/* ---- looking */

static int connect_and_ask(struct work *work)
{
    const char *const values[] = {work->wanted->name};
    char line[1024];

    work->connection = admin_connect(work->wanted->admin_url, CONNECT_SECONDS);
    if (PQstatus(work->connection) != CONNECTION_OK) {
        fprintf(stderr, "todoctl: %s: %s\n", admin_error(work->connection, line, sizeof line),
                work->wanted->advice);
        return EX_UNAVAILABLE;
    }
    work->facts = admin_query(work->connection, FACTS_SQL, 1, values);
    return work->facts && PQntuples(work->facts) == 1 ? EX_OK : EX_UNAVAILABLE;
}

static int check_server(const struct work *work)
{
    printf("found    PostgreSQL %s at %s, port %s\n",
           PQparameterStatus(work->connection, "server_version"), PQhost(work->connection),
           PQport(work->connection));
    if (strtol(fact(work, SERVER_VERSION), NULL, 10) >= OLDEST_SERVER)
        return EX_OK;
    fputs("todoctl: the server is older than PostgreSQL 15\n", stderr);
    return EX_UNAVAILABLE;
}

/* One that could get around row-level security would be refused by the workers: sooner is better.
 */
static int check_roles(const struct work *work)
{
    if (!PQgetisnull(work->facts, 0, ROLE_FAULT)) {
        fprintf(stderr,
                "todoctl: role %s: it was not made for this; alter it, or use another server\n",
                fact(work, ROLE_FAULT));
        return EX_DATAERR;
    }
    if (is_true(work, MAY_CREATE_ROLES) || *fact(work, ROLE_COUNT) == '2')
        return EX_OK;
    fprintf(stderr, "todoctl: role %s may not create roles: give another one with --admin-url\n",
            fact(work, CURRENT_USER));
    return EX_NOPERM;
}

static int check_database(const struct work *work)
{
    const char *role = fact(work, CURRENT_USER);

    if (!is_true(work, HAS_DATABASE) && !is_true(work, MAY_CREATE_DATABASES)) {
        fprintf(stderr,
                "todoctl: role %s may not create databases: make \"%s\" another way, or give "
                "another role with --admin-url\n",
                role, work->wanted->name);
        return EX_NOPERM;
    }
    if (is_true(work, HAS_DATABASE) && !is_true(work, MAY_CREATE_SCHEMA)) {
        fprintf(stderr, "todoctl: role %s may not create a schema in database \"%s\"\n", role,
                work->wanted->name);
        return EX_NOPERM;
    }
    if (is_true(work, HAS_DATABASE) && strcmp(fact(work, ENCODING), "UTF8") != 0) {
        fprintf(stderr, "todoctl: database \"%s\" has the encoding %s, not UTF8\n",
                work->wanted->name, fact(work, ENCODING));
        return EX_DATAERR;
    }
    return EX_OK;
}

/* Only a superuser can see it; others have to say --reset-password. */
static bool has_no_password(const struct work *work)
{
    PGresult *result;
    bool none;

    if (!is_true(work, IS_SUPERUSER))
        return false;
    result = admin_query(work->connection,
                         "SELECT FROM pg_catalog.pg_authid WHERE rolname = 'todo_app'"
                         " AND rolpassword IS NULL",
                         0, NULL);
    none = result && PQntuples(result) == 1;
    PQclear(result);
    return none;
}

/* Another installation may live by the password that the role has. */
static int check_password(struct work *work,
                          bool (*login)(const struct setup_database *wanted, const char *database))
{
    const struct setup_database *wanted = work->wanted;

    work->needs_password = wanted->password && !is_true(work, HAS_WORKERS_ROLE);
    if (!wanted->password || work->needs_password)
        return EX_OK;
    if (login(wanted, is_true(work, HAS_DATABASE) ? wanted->name : fact(work, CURRENT_DATABASE))) {
        puts("found    role todo_app, with the password of the settings");
        return EX_OK;
    }
    work->needs_password = wanted->reset_password || has_no_password(work);
    if (work->needs_password)
        return EX_OK;
    fputs("todoctl: role todo_app has a password that is not known here: put its DATABASE_URL into "
          "the "
          "settings file, or give it a new one with --reset-password\n",
          stderr);
    return EX_DATAERR;
}

/* As the user who is going to read them once more. */
static int check_files(const struct work *work)
{
    struct migrations files;
    int status = migrations_read(&files, work->wanted->schema);

    migrations_fini(&files);
    return status;
}

/* ---- making */

/* In the cluster's locale when that knows letters and is UTF-8; else in one that every Debian has.
 */
static int create_database(struct work *work)
{
    const char *rest =
        is_true(work, TEMPLATE_FITS) ? "" : " TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C.UTF-8'";
    char *name =
        PQescapeIdentifier(work->connection, work->wanted->name, strlen(work->wanted->name));
    char sql[512];
    bool good = name != NULL;

    if (is_true(work, HAS_DATABASE)) {
        PQfreemem(name);
        printf("found    database \"%s\"\n", work->wanted->name);
        return EX_OK;
    }
    if (!name)
        return fail(work->connection, EX_DATAERR);
    snprintf(sql, sizeof sql, "CREATE DATABASE %s%s", name, rest);
    PQfreemem(name);
    good = admin_execute(work->connection, sql);
    if (good)
        printf("made     database \"%s\"\n", work->wanted->name);
    work->outcome->changed = work->outcome->changed || good;
    return good ? EX_OK : EX_UNAVAILABLE;
}

/* How many files of the schema the database has; "" when it cannot be asked. */
static void count_migrations(const char *url, char count[16])
{
    PGconn *connection = admin_connect(url, CONNECT_SECONDS);
    PGresult *result = PQexec(connection, "SELECT count(*) FROM todo.schema_migrations");

    snprintf(count, 16, "%s", PQntuples(result) == 1 ? PQgetvalue(result, 0, 0) : "");
    PQclear(result);
    PQfinish(connection);
}

static int migrate(struct work *work)
{
    char *url = setup_url_in_database(work->wanted->admin_url, work->wanted->name);
    char before[16], after[16];
    int status;

    count_migrations(url, before);
    fflush(stdout);
    status = migrate_run(url, work->wanted->schema, false);
    count_migrations(url, after);
    work->outcome->changed = work->outcome->changed || strcmp(before, after) != 0;
    explicit_bzero(url, strlen(url));
    free(url);
    return status;
}

static bool alter_role(struct work *work, const char *secret)
{
    char *literal = PQescapeLiteral(work->connection, secret, strlen(secret));
    PGresult *result;
    struct buf sql;
    bool good;

    if (!literal)
        return false;
    buf_init(&sql);
    buf_printf(&sql, "ALTER ROLE todo_app PASSWORD %s%c", literal, '\0');
    result = PQexec(work->connection, sql.data);
    good = PQresultStatus(result) == PGRES_COMMAND_OK;
    explicit_bzero(sql.data, sql.length);
    buf_fini(&sql);
    PQclear(result);
    PQfreemem(literal);
    return good;
}

/* The server is told a verifier, so that no log of its has the password. Where a service insists on
 * the password itself, it goes over TLS. */
static int set_password(struct work *work)
{
    const char *password = work->wanted->password;
    char *verifier;
    bool good;

    if (!work->needs_password)
        return EX_OK;
    verifier = PQencryptPasswordConn(work->connection, password, "todo_app", "scram-sha-256");
    work->outcome->password_set = true;
    good = verifier && (alter_role(work, verifier) ||
                        (PQsslInUse(work->connection) && alter_role(work, password)));
    PQfreemem(verifier);
    if (!good)
        return fail(work->connection, EX_NOPERM);
    work->outcome->changed = true;
    puts("made     password of role todo_app");
    return EX_OK;
}

/* The role of todo-fcgi-purge.service: no password, so only its user gets in. */
static int make_purge_role(struct work *work)
{
    PGresult *result;
    int status = EX_OK;

    if (!work->wanted->purge_role)
        return EX_OK;
    result = admin_query(work->connection,
                         "SELECT FROM pg_catalog.pg_roles WHERE rolname = 'todo-purge'", 0, NULL);
    if (!result || PQntuples(result) == 0) {
        status =
            admin_execute(work->connection, "CREATE ROLE \"todo-purge\" LOGIN IN ROLE todo_owner")
                ? EX_OK
                : EX_NOPERM;
        work->outcome->changed = true;
        if (status == EX_OK)
            puts("made     role todo-purge");
    }
    PQclear(result);
    return status;
}

int setup_database(const struct setup_database *wanted,
                   bool (*login)(const struct setup_database *wanted, const char *database),
                   struct setup_outcome *outcome)
{
    struct work work = {.wanted = wanted, .outcome = outcome};
    int status = connect_and_ask(&work);

    if (status == EX_OK)
        status = check_server(&work);
    if (status == EX_OK)
        status = check_roles(&work);
    if (status == EX_OK)
        status = check_database(&work);
    if (status == EX_OK)
        status = check_password(&work, login);
    if (status == EX_OK)
        status = check_files(&work);
    if (status == EX_OK)
        status = create_database(&work);
    if (status == EX_OK)
        status = migrate(&work);
    if (status == EX_OK)
        status = set_password(&work);
    if (status == EX_OK)
        status = make_purge_role(&work);
    PQclear(work.facts);
    PQfinish(work.connection);
    return status;
}

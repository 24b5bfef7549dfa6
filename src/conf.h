/* SPDX-License-Identifier: ISC */
/* conf.h: the settings, immutable once loaded.
 *
 * One table in conf.c holds, in alphabetical order, each setting's name, type, default, bounds,
 * whether it is secret, and one line of help; --help, todo.conf(5), the README's table and the
 * sample file are checked against it by a test. A setting comes from the environment, else from the
 * file named by TODO_CONFIG, else from todo.conf beside the program or, if there is none, from the
 * default file if that exists (conf_file.h has the syntax). Given empty it counts as not given. A
 * secret or a database URL may also come from the file that NAME_FILE names. An alias stands for
 * the name; two spellings in one place must agree.
 */
#ifndef TODO_CONF_H
#define TODO_CONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "err.h"

struct conf {
    char *database_url;         /* DATABASE_URL: a libpq URL or keyword string, the workers' role */
    char *database_admin_url;   /* DATABASE_ADMIN_URL: for todoctl; NULL: as DATABASE_URL */
    char *database_read_url;    /* DATABASE_READ_URL: a streaming standby; NULL: none */
    char *secret;               /* BETTER_AUTH_SECRET and its aliases; NULL: mode off */
    size_t secret_length;       /* bytes */
    char *better_auth_schema;   /* TODO_BETTER_AUTH_SCHEMA: default "public" */
    char **better_auth_session; /* TODO_BETTER_AUTH_SESSION: a table of Better Auth's, then its */
    char **better_auth_jwks; /* TODO_BETTER_AUTH_JWKS     columns; NULL-terminated, for todoctl */
    char **better_auth_user; /* TODO_BETTER_AUTH_USER */
    char *sessions;          /* TODO_SESSIONS: "better-auth"; NULL: mode off */
    char *sessions_sql;      /* TODO_SESSIONS_SQL: a view in place of the table; NULL: none */
    bool session_cookie;     /* TODO_SESSION_COOKIE: default 0 */
    char *jwks;              /* TODO_JWKS: where a key set is; NULL: mode off */
    char *secret_previous;   /* BETTER_AUTH_SECRET_PREVIOUS: verifies, never signs; NULL: none */
    bool accounts;           /* TODO_ACCOUNTS: default 1 */
    long bcrypt_cost;        /* TODO_BCRYPT_COST: default 11, 10 to 15 */
    bool check_session;      /* TODO_CHECK_SESSION: default 0 */
    char **trusted_proxies;  /* TODO_TRUSTED_PROXIES: addresses and networks; NULL-terminated */
    char *jwt_issuer;        /* TODO_JWT_ISSUER; NULL: not enforced */
    char *jwt_audience;      /* TODO_JWT_AUDIENCE; NULL: not enforced */
    long idempotency_hours;  /* TODO_IDEMPOTENCY_HOURS: default 24, 1 to 720 */
    long jwt_leeway;         /* TODO_JWT_LEEWAY: seconds, 0 to 300, default 30 */
    char *user_claim;        /* TODO_USER_CLAIM: default "sub" */
    char **cors_origins;     /* TODO_CORS_ORIGINS split at commas, trimmed; NULL-terminated */
    unsigned compat;         /* TODO_COMPAT: bits of enum compat, default none */
    long max_body;           /* TODO_MAX_BODY: bytes, default 65536, 1024 to 1048576 */
    long workers;            /* TODO_WORKERS: default 1, 1 to 1024 */
    char *log_format;        /* TODO_LOG_FORMAT: "text" (default) or "json" */
    long log_level;          /* TODO_LOG_LEVEL: enum log_level, default info */
    long db_deadline_ms;     /* TODO_DB_DEADLINE_MS: default 5000, 100 to 60000 */
    bool db_prepare;         /* TODO_DB_PREPARE: default 1 */
    char **metrics_allow;    /* TODO_METRICS_ALLOW: addresses and networks; NULL-terminated */
    bool require_if_match;   /* TODO_REQUIRE_IF_MATCH: default 0 */
};

/* Loads the settings from `environment` (as environ) and the file. 0, or EX_CONFIG (78) with one
 * line in `error` that names the setting (and FILE:LINE) and says what to do. In the latter case
 * too conf_fini must be called. Registers every secret with log_mask. Refuses: an unknown TODO_
 * name (with the nearest known one), a value out of range, a secret under 32 bytes or Better Auth's
 * public default, a secret together with its _FILE variant, an unreadable file, no DATABASE_URL, no
 * way to judge a token. `needs_worker` false (todoctl): the last two are not required. */
int conf_load(struct conf *conf, char **environment, bool needs_worker, char *error,
              size_t error_size) CHECK_RESULT;
void conf_fini(struct conf *conf);

/* `url` as libpq understands it, new: "postgresql+DRIVER://" (SQLAlchemy) loses its driver,
 * asyncpg's parameter ssl=MODE becomes sslmode=MODE; libpq's keyword strings stay as they are. NULL
 * when it is neither. */
char *conf_url_database(const char *url);

/* NULL when libpq can read `url`, a URL or a keyword string, and as it is meant; else what is wrong
 * with it (static), to stand behind its name. */
const char *conf_database_url_fault(const char *url);

/* Prints the table for --help: name, default, help, aligned, one setting a line. */
void conf_print_help(FILE *out);
/* Prints it for tests and docs: name TAB type TAB default TAB secret(0/1) TAB aliases TAB help;
 * aliases are separated by commas, and what there is none of is "-". */
void conf_print_table(FILE *out);

#endif

/* SPDX-License-Identifier: ISC */
/* admin.h: a blocking connection to PostgreSQL for todoctl's commands. The workers have their own
 * in store.h, with deadlines. */
#ifndef TODO_ADMIN_H
#define TODO_ADMIN_H

#include <libpq-fe.h>
#include <pwd.h>
#include <stdbool.h>
#include <stddef.h>

#include "err.h"

/* One who waits for a table makes everybody behind him wait: rather give up soon and be run again.
 */
#define ADMIN_LOCK_TIMEOUT "SET LOCAL lock_timeout = '3s'"
#define ADMIN_LOCK_TIMED_OUT "55P03" /* its SQLSTATE */

/* Connects to `url` (a libpq URL or keyword string), waiting `seconds` for each address unless the
 * URL has a connect_timeout of its own. Never NULL; ask PQstatus. The caller's to PQfinish. */
PGconn *admin_connect(const char *url, int seconds) CHECK_RESULT;

/* As root, where `url` leads to a socket of this machine and has no password: the user by whose
 * name the server knows its role, `unnamed` (may be NULL) when it names none. Until the next
 * getpwnam; NULL: root will do. */
const struct passwd *admin_account(const char *url, const char *unnamed);

/* As root, where DATABASE_URL `url` is the workers', on this machine: the URL of the administrator
 * postgres, whom the socket of the same server lets into the same database; new, without a
 * password. NULL: there is no such way. */
char *admin_local_url(const char *url) CHECK_RESULT;

/* Connects as DATABASE_ADMIN_URL, as admin_account's user if that is the way in; NULL, and a line
 * on stderr, when that fails. */
PGconn *admin_open(const char *url) CHECK_RESULT;

/* Does the schema fit this program? EX_OK; EX_DATAERR or EX_UNAVAILABLE with a line on
 * stderr. */
int admin_check_schema(PGconn *connection) CHECK_RESULT;

/* libpq's last message on one line, without the newlines at its end. */
const char *admin_error(const PGconn *connection, char *line, size_t size);

/* What to do when the role may not do what failed, to stand behind it; "" when it failed otherwise.
 */
const char *admin_advice_on_rights(const PGresult *result);

/* A line on stderr: what failed last and, where the answer tells that, what to do about it. */
void admin_tell(const PGconn *connection, const PGresult *result);

/* Runs `sql`, with `count` text parameters; NULL, and a line on stderr, when it fails. */
PGresult *admin_query(PGconn *connection, const char *sql, int count,
                      const char *const *values) CHECK_RESULT;

/* The same for what gives no rows. */
bool admin_execute(PGconn *connection, const char *sql) CHECK_RESULT;

#endif

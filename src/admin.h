/* SPDX-License-Identifier: ISC */
/* admin.h: a blocking connection to PostgreSQL for todoctl's commands. The workers have their own
 * in store.h, with deadlines. */
#ifndef TODO_ADMIN_H
#define TODO_ADMIN_H

#include <libpq-fe.h>
#include <stdbool.h>
#include <stddef.h>

#include "err.h"

/* Connects to `url` (a libpq URL or keyword string), waiting `seconds` for each address unless the
 * URL has a connect_timeout of its own. Never NULL; ask PQstatus. The caller's to PQfinish. */
PGconn *admin_connect(const char *url, int seconds) CHECK_RESULT;

/* libpq's last message on one line, without the newlines at its end. */
const char *admin_error(const PGconn *connection, char *line, size_t size);

/* Runs `sql`, with `count` text parameters; NULL, and a line on stderr, when it fails. */
PGresult *admin_query(PGconn *connection, const char *sql, int count,
                      const char *const *values) CHECK_RESULT;

/* The same for what gives no rows. */
bool admin_execute(PGconn *connection, const char *sql) CHECK_RESULT;

#endif

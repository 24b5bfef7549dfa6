/* SPDX-License-Identifier: ISC */
/* store.h: one persistent connection to PostgreSQL, and one round trip per request over it.
 *
 * store*.c are the only users of libpq. Everything sent is parameterised, and stands in the
 * table of statements in store_sql.h. A call answers within the deadline or gives ERR_UNAVAILABLE;
 * it never blocks for longer, and a dead database never ends the process. */
#ifndef TODO_STORE_H
#define TODO_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "conf.h"
#include "err.h"
#include "text.h"
#include "token.h"

/* The schema this program was written for: the number of the newest file in schema/. And the oldest
 * one that its statements get on with, so that it serves already before todoctl migrate has run. */
#define STORE_SCHEMA_VERSION 6
#define STORE_SCHEMA_OLDEST 5

/* Do the statements get on with a schema of this version? */
bool store_schema_fits(int64_t version);

struct store; /* one a process; the connection is opened at the first use */

/* Never fails: what is wrong shows at the first use. `conf` must outlive it. */
struct store *store_new(const struct conf *conf);
void store_free(struct store *store);

/* Is the database there, the role safe and the schema ours? ERR_NONE or ERR_UNAVAILABLE. */
enum err store_ready(struct store *store) CHECK_RESULT;

/* Until the request's end a user's context is entered only while that session of the user's lives;
 * else every call gives ERR_UNAUTHORIZED. Costs no round trip. `session` must outlive the request.
 */
void store_check_session(struct store *store, struct text session);

/* How long the request in hand has waited for the database so far, in microseconds. */
int64_t store_waited_us(const struct store *store);

/* Ends a transaction that a request left open (a defect), so that none reaches the next request. */
void store_end_request(struct store *store);

#endif

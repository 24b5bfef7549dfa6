/* SPDX-License-Identifier: ISC */
/* purge.h: removes for good what nobody can ask for any more: tasks that have been in the trash for
 * long, answers whose Idempotency-Key has expired, and sessions that have. */
#ifndef TODO_PURGE_H
#define TODO_PURGE_H

#include <stdbool.h>
#include <stdint.h>

#include "err.h"

#define PURGE_BATCH_MAX 100000

struct purge {
    int64_t age; /* seconds in the trash; 0: leave the tasks alone */
    int64_t key_age;
    int64_t batch; /* rows a transaction */
    bool dry_run;
};

/* "30d": a number and s, m, h, d or w; 1 second to 100 years. False, and *seconds untouched, for
 * anything else. */
bool purge_read_age(const char *text, int64_t *seconds);

/* Works user by user in short transactions, so that it can run beside traffic, be interrupted and
 * be run again. Says on stdout how much was removed (with `dry_run`: would be), and on a terminal
 * how it goes. EX_OK, or a line on stderr and EX_UNAVAILABLE (no database, or it refuses),
 * EX_NOPERM (a role that is no member of todo_owner), EX_DATAERR (another version of the schema).
 */
int purge_run(const char *url, const struct purge *purge) CHECK_RESULT;

#endif

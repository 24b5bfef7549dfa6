/* SPDX-License-Identifier: ISC */
/* check_standby.h: would the workers let the server of DATABASE_READ_URL answer? */
#ifndef TODO_CHECK_STANDBY_H
#define TODO_CHECK_STANDBY_H

#include <libpq-fe.h>
#include <stdbool.h>
#include <stddef.h>

/* Connects to `url`, waiting `seconds`, and compares what is there with `database`. Writes how far
 * behind it is to `finding`, or, when they would not, why; false then. */
bool check_standby(const char *url, int seconds, PGconn *database, char *finding, size_t size)
    __attribute__((warn_unused_result));

#endif

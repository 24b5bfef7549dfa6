/* SPDX-License-Identifier: ISC */
/* check.h: would the workers serve with these settings and this database? */
#ifndef TODO_CHECK_H
#define TODO_CHECK_H

#include <stdbool.h>

#include "conf.h"
#include "err.h"

/* Prints one line for each check on stdout: ok, warn or FAIL, what was found, and what to do.
 * `conf` was loaded with what a worker needs. True when nothing failed; a warning is no failure. */
bool check_run(const struct conf *conf) CHECK_RESULT;

#endif

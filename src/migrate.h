/* SPDX-License-Identifier: ISC */
/* migrate.h: brings the database's schema to the newest file in schema/.
 *
 * Each missing file runs in a transaction of its own, under an advisory lock, and its checksum is
 * recorded; also later for a file that psql ran by hand (psql -1 -f). From then on the file may not
 * change. */
#ifndef TODO_MIGRATE_H
#define TODO_MIGRATE_H

#include <stdbool.h>

#include "err.h"

/* Applies what is missing, with a line on stdout for each file, and says at which version the
 * schema is. Safe to run twice at once. With `dry_run` it only says what it would do. EX_OK, or a
 * line on stderr and EX_NOINPUT (no files), EX_UNAVAILABLE (no database), EX_DATAERR (the files and
 * the database do not fit each other, or a file failed: nothing of that file stays). */
int migrate_run(const char *url, const char *directory, bool dry_run) CHECK_RESULT;

#endif

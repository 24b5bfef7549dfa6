/* SPDX-License-Identifier: ISC */
/* users_csv.h: accounts from comma-separated values (RFC 4180): a header row with the names id,
 * email, name and password_hash, in any order and case, then a row for each account. */
#ifndef TODO_USERS_CSV_H
#define TODO_USERS_CSV_H

#include <stdio.h>

#include "users.h"

typedef void users_csv_sink(void *data, size_t line, const struct users_new *account);

/* Hands each row to `sink`. What is wrong with the file, NULL if it could be read to its end. */
const char *users_csv_read(FILE *file, users_csv_sink *sink, void *data) CHECK_RESULT;

#endif

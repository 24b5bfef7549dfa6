/* SPDX-License-Identifier: ISC */
/* migrations.h: the files in schema/, as they stand on disk.
 *
 * They are NNNN_name.sql, numbered from 0000 without gaps. 0000 makes the table of migrations and
 * is repeated before every other; each of those runs once, in one transaction, and ends by entering
 * itself in todo.schema_migrations. Files with other names are ignored. */
#ifndef TODO_MIGRATIONS_H
#define TODO_MIGRATIONS_H

#include <stddef.h>

#include "err.h"

#define MIGRATION_CHECKSUM_SIZE 65 /* 64 hexadecimal digits and the end */
#define MIGRATION_MAX 1048576      /* bytes of a file */

struct migration {
    int version;
    char *file;                             /* "0001_tasks.sql" */
    char *sql;                              /* terminated */
    char checksum[MIGRATION_CHECKSUM_SIZE]; /* SHA-256 of the file */
};

struct migrations {
    struct migration *items; /* items[i].version is i */
    size_t count;            /* at least 1 */
};

/* Reads the files of `directory`. EX_OK, or a line on stderr and EX_NOINPUT (the directory or a
 * file cannot be read) or EX_DATAERR (a number is missing or there twice, a file that is no text).
 * In each case migrations_fini must be called. */
int migrations_read(struct migrations *migrations, const char *directory) CHECK_RESULT;
void migrations_fini(struct migrations *migrations);

/* The line (from 1) that holds the character at `position` (from 1; characters, not bytes, as
 * PostgreSQL counts) of the UTF-8 text `sql`. */
size_t migration_line(const char *sql, size_t position);

#endif

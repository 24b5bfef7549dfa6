/* SPDX-License-Identifier: ISC */
/* conf_file.h: small files: those that hold one secret, and those with assignments in the syntax of
 * systemd's EnvironmentFile. For conf.c. */
#ifndef TODO_CONF_FILE_H
#define TODO_CONF_FILE_H

#include "err.h"

#define CONF_FILE_MAX 65536 /* bytes */

/* Reads the whole of `path` into *text (new, terminated, to be given to conf_file_wipe). 0, or an
 * errno with *text NULL and words in *fault (valid until the next call). A file over CONF_FILE_MAX
 * or with a NUL byte in it is a fault. */
int conf_file_read(const char *path, char **text, const char **fault) CHECK_RESULT;

/* Overwrites and frees; NULL is allowed. */
void conf_file_wipe(char *text);

/* Where the reading of assignments stands. Start with {text, 1}; the text is overwritten. */
struct conf_file {
    char *next;
    unsigned line;
};

struct conf_entry {
    char *name;
    char *value; /* both point into the text */
    unsigned line;
};

/* Takes the next NAME=VALUE, optionally with "export " before it. 1: *entry is filled; 0: there is
 * none left; -1: entry->line is not one, *fault (static) says why.
 *
 * As in systemd.exec(5): lines that begin with # or ; are comments; unquoted, a backslash keeps the
 * next character and joins lines, white space at both ends goes, and inner white space, quotes and
 * # are ordinary; 'single' quotes keep everything, "double" ones take \ before " \ ` $ and newline.
 * Stricter: a line without '=', a name that is no identifier, an open quote is a fault. */
int conf_file_next(struct conf_file *file, struct conf_entry *entry,
                   const char **fault) CHECK_RESULT;

#endif

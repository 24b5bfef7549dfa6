/* SPDX-License-Identifier: ISC */
/* setup_database.h: what `todoctl setup` does as the database's administrator: roles, database,
 * schema, and the password of the workers' role. */
#ifndef TODO_SETUP_DATABASE_H
#define TODO_SETUP_DATABASE_H

#include <stdbool.h>

#include "err.h"

struct setup_database {
    const char *admin_url; /* as libpq has it */
    const char *name;      /* the database */
    const char *password;  /* what todo_app is to have; NULL: that role is not the workers' */
    const char *schema;    /* the directory of schema files */
    bool reset_password;   /* also in place of another one */
    bool purge_role;       /* make todo-purge, too, which the socket lets in by its name */
    const char *advice;    /* when the server cannot be reached */
};

/* What has come of it, also when it failed. */
struct setup_outcome {
    bool changed;      /* something was made */
    bool password_set; /* or may have been */
};

/* Looks first, so that what cannot be done is refused before anything is changed; then makes what
 * is missing, with a line on stdout for each. `login` says whether the workers' role can log in
 * with that password, to the database that it is given. EX_OK, or a line on stderr and an exit
 * status. */
int setup_database(const struct setup_database *wanted,
                   bool (*login)(const struct setup_database *wanted, const char *database),
                   struct setup_outcome *outcome) CHECK_RESULT;

#endif

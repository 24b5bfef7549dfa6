/* SPDX-License-Identifier: ISC */
/* users.h: accounts as an administrator handles them: one transaction a call, as todo_owner and in
 * the context of the one user that it is about, so that row-level security holds here, too. */
#ifndef TODO_USERS_H
#define TODO_USERS_H

#include <stdbool.h>

#include "err.h"

struct users; /* a connection */

/* What is known of a new account; texts as they came, not yet checked. */
struct users_new {
    const char *id; /* NULL: one is made up */
    const char *email;
    const char *name; /* NULL: none */
    const char *hash; /* bcrypt */
};

/* Connects; EX_OK, or a line on stderr and EX_UNAVAILABLE or EX_DATAERR (another schema). */
int users_open(const char *url, struct users **users) CHECK_RESULT;
void users_close(struct users *users);

/* Why the account cannot be made, NULL when it was made; `made` is given its id. */
const char *users_add(struct users *users, const struct users_new *account,
                      char made[256]) CHECK_RESULT;

/* Prints a line for each account: id, e-mail address, "active" or "disabled". */
int users_list(struct users *users) CHECK_RESULT;

/* The rest names a user by id or e-mail address, and is one of these. EX_NOUSER: there is none. */
enum users_action {
    USERS_SHOW,
    USERS_PASSWORD, /* `hash` is the new one; ends all sessions */
    USERS_DISABLE,  /* ends all sessions, too */
    USERS_ENABLE,
    USERS_DELETE,
    USERS_SESSIONS, /* prints them */
    USERS_END_SESSIONS
};
int users_act(struct users *users, enum users_action action, const char *who,
              const char *hash) CHECK_RESULT;

#endif

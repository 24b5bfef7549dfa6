/* SPDX-License-Identifier: ISC */
/* account.h: accounts and sessions as plain data between the rooms. */
#ifndef TODO_ACCOUNT_H
#define TODO_ACCOUNT_H

#include <stdbool.h>
#include <stdint.h>

#include "text.h"

#define ACCESS_SECONDS 900       /* that an access token lives */
#define REFRESH_SECONDS 604800   /* that a refresh token lives */
#define REFRESH_GRACE_SECONDS 10 /* that it may come again after its use */
#define ACCOUNT_EMAIL_MAX 254    /* bytes */
#define ACCOUNT_NAME_MAX 200     /* bytes */

struct account {
    struct text id;
    struct text email;
    struct text name; /* TEXT_NULL: none */
    int64_t created_at;
};

/* What proving a password needs. */
struct account_proof {
    int64_t wait;     /* seconds until it may be tried again; 0: now, and the rest is filled */
    struct text user; /* TEXT_NULL: no such account, or it is disabled */
    const char *hash; /* NULL: no such account */
    int64_t
        revision; /* of the account; what follows from the proof is done only if it is still so */
};

struct account_change {
    struct text email; /* TEXT_NULL: stays */
    bool sets_name;
    struct text name;
};

struct session {
    struct text id;
    int64_t created_at, refreshed_at, expires_at;
};

/* What is wrong with a field, as "must be …" (static); NULL when it may be stored. */
const char *account_email_fault(struct text email);
const char *account_name_fault(struct text name); /* TEXT_NULL is fine */
/* Any password, and one that is to be an account's. */
const char *account_password_fault(struct text password);
const char *account_new_password_fault(struct text password);

#endif

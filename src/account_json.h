/* SPDX-License-Identifier: ISC */
/* account_json.h: the bodies of /api/auth, and what is written about accounts and sessions. */
#ifndef TODO_ACCOUNT_JSON_H
#define TODO_ACCOUNT_JSON_H

#include "account.h"
#include "buf.h"
#include "call.h"

/* What a body can say. */
enum account_field {
    ACCOUNT_LOGIN = 1 << 0, /* "email", or else "username": an address as somebody typed it */
    ACCOUNT_EMAIL = 1 << 1, /* an address that will be the account's */
    ACCOUNT_NAME = 1 << 2,
    ACCOUNT_PASSWORD = 1 << 3,       /* one that is to be proved */
    ACCOUNT_FIRST_PASSWORD = 1 << 4, /* one that will be the account's */
    ACCOUNT_CURRENT_PASSWORD = 1 << 5,
    ACCOUNT_NEW_PASSWORD = 1 << 6,
    ACCOUNT_REFRESH_TOKEN = 1 << 7
};

struct account_body {
    unsigned set; /* bits of enum account_field */
    struct text email;
    struct text name;     /* TEXT_NULL: cleared */
    const char *password; /* the one to prove; terminated, as the next */
    const char *new_password;
    struct text refresh_token;
};

/* How a body may be spelt. */
enum account_media { ACCOUNT_JSON_ONLY, ACCOUNT_JSON_OR_FORM };

/* Reads the request's body: of the fields `required` all must be there, of `optional` any may. What
 * the JSON library held of it is wiped. */
enum err account_json_read(struct call *call, enum account_media media, unsigned required,
                           unsigned optional, struct account_body *body) CHECK_RESULT;

void account_json_write(struct buf *out, const struct account *account);

/* The tokens of a session, and whose it is. */
void account_json_write_tokens(struct buf *out, const struct account *account, const char *access,
                               const char *refresh, unsigned compat);
void account_json_write_session(struct buf *out, const struct session *session, bool current);

#endif

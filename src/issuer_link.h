/* SPDX-License-Identifier: ISC */
/* issuer_link.h: `todoctl link better-auth`: what lets the workers ask a Better Auth in the same
 * database. They get functions that answer one question each, and no right to its tables: whose
 * session a token is, and which public keys there are. A trigger deletes our user with theirs. */
#ifndef TODO_ISSUER_LINK_H
#define TODO_ISSUER_LINK_H

#include "conf.h"

/* Makes them, as the administrator, in one transaction, for those of Better Auth's tables that are
 * there; tells on stdout which. Can be repeated. Gives an exit status, with a line on stderr when
 * it is not EX_OK. */
int issuer_link(const struct conf *conf, const char *url);
/* Takes all of it away again. */
int issuer_unlink(const struct conf *conf, const char *url);

#endif

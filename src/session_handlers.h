/* SPDX-License-Identifier: ISC */
/* session_handlers.h: the handlers of the routes about sessions, and how one begins. */
#ifndef TODO_SESSION_HANDLERS_H
#define TODO_SESSION_HANDLERS_H

#include "account.h"
#include "err.h"
#include "refresh_token.h"
#include "store_session.h"

struct call;

enum err session_refresh(struct call *call);
enum err session_logout(struct call *call);
enum err session_list(struct call *call);
enum err session_delete(struct call *call);

/* A session that may be opened for `user`, and its first refresh token. */
void session_begin(struct call *call, struct text user, struct refresh_token *token,
                   struct session_start *start);

/* Answers with the session's tokens. */
enum err session_answer(struct call *call, int status, const struct account *account,
                        const struct refresh_token *token) CHECK_RESULT;

#endif

/* SPDX-License-Identifier: ISC */
/* account_handlers.h: the handlers of the routes about accounts. */
#ifndef TODO_ACCOUNT_HANDLERS_H
#define TODO_ACCOUNT_HANDLERS_H

#include "err.h"

struct call;

enum err account_register(struct call *call);
enum err account_login(struct call *call);
enum err account_get(struct call *call);
enum err account_patch(struct call *call);
enum err account_password(struct call *call);
enum err account_delete(struct call *call);

#endif

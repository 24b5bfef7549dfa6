/* SPDX-License-Identifier: ISC */
/* client.h: which machine asks. */
#ifndef TODO_CLIENT_H
#define TODO_CLIENT_H

#include "conf.h"
#include "request.h"

/* The client as attempts are counted by (address_subscriber): REMOTE_ADDR, or, when that is one of
 * TODO_TRUSTED_PROXIES, the last address of X-Forwarded-For that is none of them. TEXT_NULL when
 * the web server tells no address, as for a unix socket. */
struct text client_subscriber(const struct conf *conf, const struct request *request);

/* Is it beyond doubt that the client is in one of `networks`? Not when an address is missing or
 * cannot be read, when somebody who is none of TODO_TRUSTED_PROXIES says that he asks for another,
 * or when another machine says that it was asked from our own. */
bool client_is_in(const struct conf *conf, const struct request *request, char *const *networks);

#endif

/* SPDX-License-Identifier: ISC */
/* setup_url.h: from the administrator's URL to those that `todoctl setup` connects with, and writes
 * down; and back again. */
#ifndef TODO_SETUP_URL_H
#define TODO_SETUP_URL_H

#include <stdbool.h>

#include "err.h"

/* PostgreSQL's own administrator, and the user of the machine who is let in as that. */
#define SETUP_URL_ADMIN "postgres"

/* A part of it, decoded: "user", "password", "dbname", …; new, NULL when it has none. */
char *setup_url_part(const char *url, const char *keyword);

/* The same server as the same role, but another database: a keyword string, new. */
char *setup_url_in_database(const char *url, const char *database);

/* Does it lead to a socket of this machine, where no password is sent and the server goes by the
 * name of the process' user? */
bool setup_url_wants_peer(const char *url);

/* Does it lead to a socket of this machine? */
bool setup_url_is_socket(const char *url);

/* From the workers' URL, where that leads to this machine, by a socket or the loopback: the
 * administrator postgres, by the socket, in the same database; a keyword string, new. NULL when it
 * does not, or is of another role. */
char *setup_url_of_local_admin(const char *url);

/* A postgresql:// URL of the workers' role on the same server, new. Over `loopback` it goes to
 * 127.0.0.1 where `url` goes to a socket. */
char *setup_url_of_workers(const char *url, const char *password, const char *database,
                           bool loopback);

#endif

/* SPDX-License-Identifier: ISC */
/* server.h: one worker: takes FastCGI requests off the listening socket, one at a time, until it is
 * told to stop. server.c is the only user of fcgiapp.h. */
#ifndef TODO_SERVER_H
#define TODO_SERVER_H

#include "app.h"

/* Blocks TERM, INT and USR1 (they ask for a drain) and installs their handlers, and ignores PIPE,
 * before libfcgi can install its own. Once a process, first of all. */
void server_signals(void);

/* Serves until a drain is asked for and the listen queue has been empty for 100 ms, or 5 s have
 * passed since. Gives an exit status: EX_OK, or EX_USAGE when `listen_fd` is no listening socket.
 */
int server_run(struct app *app, int listen_fd);

#endif

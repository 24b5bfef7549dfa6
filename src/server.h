/* SPDX-License-Identifier: ISC */
/* server.h: one worker: takes FastCGI requests off the listening socket, one at a time, until it is
 * told to stop. server.c is the only user of fcgiapp.h. */
#ifndef TODO_SERVER_H
#define TODO_SERVER_H

#include <signal.h>

#include "app.h"

/* Makes *signals those that ask for a drain: TERM, INT, USR1 and QUIT. */
void server_drain_signals(sigset_t *signals);

/* Blocks them and HUP and installs their handlers, and ignores PIPE, before libfcgi can install its
 * own. Once a process, first of all. */
void server_signals(void);

/* The listening socket that this process was started with: descriptor 0, else the first of
 * systemd's (LISTEN_FDS); -1 when neither is one. LISTEN_PID names one process, so ask before any
 * fork. */
int server_listen_fd(void);

/* Serves until a drain is asked for and the listen queue has been empty for 100 ms, or 5 s have
 * passed since; an answer that streams for longer is cut off. QUIT leaves the queue alone: others
 * have the socket too, and will serve it. A peer that is silent for 5 s in the middle of a request
 * loses its connection. Gives an exit status: EX_OK, or EX_USAGE when `listen_fd` is no listening
 * socket; or RELOAD between two requests, when HUP has asked for it and it can be. */
int server_run(struct app *app, int listen_fd);

#endif

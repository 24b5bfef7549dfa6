/* SPDX-License-Identifier: ISC */
/* pool.h: a fixed number of worker processes on one listening socket, watched over (php-cgi's
 * PHP_FCGI_CHILDREN is the precedent). */
#ifndef TODO_POOL_H
#define TODO_POOL_H

#include <stdbool.h>

/* Forks `workers` processes that each call work(data, index), the index being from 0 on and
 * kept by whoever replaces one, and exit with its result. Replaces one that
 * ends; one that ended within a second of its start after a pause that doubles from 100 ms to 5 s.
 * TERM, INT and USR1 are handed on as TERM, QUIT as it is; gives EX_OK once the last worker has
 * drained, and kills those that have not after 10 s. A worker gets TERM when this process dies.
 * server_signals must have been called.
 *
 * On HUP, when the program as it now is would start, gives RELOAD and leaves its workers to that.
 * When it finds such workers, it starts its own one by one, and has one of them leave (QUIT) once a
 * new one has lived for 100 ms; the next new one starts when that has ended, or after 10 s. */
int pool_run(long workers, int (*work)(void *data, long index), void *data);

/* Has the program before this one left workers that are to be replaced? */
bool pool_has_old_workers(void);

#endif

/* SPDX-License-Identifier: ISC */
/* pool.h: a fixed number of worker processes on one listening socket, watched over (php-cgi's
 * PHP_FCGI_CHILDREN is the precedent). */
#ifndef TODO_POOL_H
#define TODO_POOL_H

/* Forks `workers` processes that each call work(data, index), the index being from 0 on and
 * kept by whoever replaces one, and exit with its result. Replaces one that
 * ends; one that ended within a second of its start after a pause that doubles from 100 ms to 5 s.
 * TERM, INT and USR1 are handed on as TERM; gives EX_OK once the last worker has drained, and kills
 * those that have not after 10 s. A worker gets TERM when this process dies. server_signals must
 * have been called. */
int pool_run(long workers, int (*work)(void *data, long index), void *data);

#endif

/* SPDX-License-Identifier: ISC */
/* fetcher.h: the process of a pool that reads the key set from a URL, so that no request ever waits
 * for a network but one that has a key nobody knows. */
#ifndef TODO_FETCHER_H
#define TODO_FETCHER_H

#include "conf.h"
#include "key_board.h"

/* Reads the set when it is due and when the board's bell rings, until TERM, INT, USR1 or QUIT.
 * Gives an exit status. server_signals must have been called. */
int fetcher_run(const struct conf *conf, struct key_board *board);

#endif

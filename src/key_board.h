/* SPDX-License-Identifier: ISC */
/* key_board.h: where the processes of a pool share the key set that one of them has read, and agree
 * on when it is read again.
 *
 * It lies in memory that is mapped before the fork. A lone process has one to itself, so that the
 * limits below then hold for that process. What a killed process leaves behind does no harm: the
 * one lock is robust and held for a copy at most, and every other mark on the board wears off. */
#ifndef TODO_KEY_BOARD_H
#define TODO_KEY_BOARD_H

#include <stdbool.h>

#include "buf.h"
#include "err.h"
#include "text.h"

#define KEY_BOARD_ASK_MS 30000      /* at most one reading for unknown keys in this time */
#define KEY_BOARD_REFRESH_MS 600000 /* a reading in this time even if nobody asks */
#define KEY_BOARD_RETRY_MS 30000    /* ... after one that failed */
#define KEY_BOARD_FIRST_MS 5000     /* ... while there has never been one that did not */
#define KEY_BOARD_WAIT_MS 2500      /* a request waits no longer for a reading */

struct key_board;

/* For `workers` processes that judge tokens. Ends the program when there is no memory. */
struct key_board *key_board_new(long workers);
void key_board_free(struct key_board *board);

/* Somebody has a token of an unknown key. LEAD: nobody has asked for KEY_BOARD_ASK_MS, so the set
 * is to be read again, now, on the caller's behalf. FOLLOW: a reading is under way, and the caller
 * may wait for it. REFUSE: neither. When the last reading failed nobody waits, and never more than
 * half of the pool, so that tokens of known keys find a worker. */
enum key_board_turn { KEY_BOARD_LEAD, KEY_BOARD_FOLLOW, KEY_BOARD_REFUSE };
enum key_board_turn key_board_ask(struct key_board *board) CHECK_RESULT;
/* Waits for the end of the reading that was under way at key_board_ask. */
void key_board_wait(struct key_board *board);

/* Is it time to read the set even though nobody asks? Says so to one caller only. */
bool key_board_is_due(struct key_board *board) CHECK_RESULT;

/* Ends a reading: with a document that has keys, or without one, which leaves the last one up. */
void key_board_publish(struct key_board *board, struct text document);
void key_board_fail(struct key_board *board);

/* Puts up the document of an earlier board. The next reading is due as it was. */
void key_board_preset(struct key_board *board, struct text document);

/* Copies the document when it is another than the one of *generation, which begins with 0. */
bool key_board_take(struct key_board *board, unsigned *generation, struct buf *document);

/* The fetcher's bell: a leader rings it, key_board_bell becomes readable, key_board_hear silences
 * it. */
void key_board_ring(struct key_board *board);
int key_board_bell(const struct key_board *board);
void key_board_hear(struct key_board *board);

#endif

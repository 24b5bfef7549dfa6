/* SPDX-License-Identifier: ISC */
/* pseudonym.h: a name for a user in the log, by which the lines of one can be found together and
 * from which nobody learns who that is. */
#ifndef TODO_PSEUDONYM_H
#define TODO_PSEUDONYM_H

#include "conf.h"
#include "text.h"

#define PSEUDONYM_SIZE 17

/* Makes the key, once, before the processes that are to give the same names part. From the secret,
 * so that names stay as long as that does; without one it is random and stays as long as the pool,
 * for whatever else there is to make it from could be guessed, and then all names tried out. */
void pseudonym_start(const struct conf *conf);

/* 16 hexadecimal digits; "" for TEXT_NULL, and before pseudonym_start. */
void pseudonym_write(struct text user, char out[PSEUDONYM_SIZE]);

#endif

/* SPDX-License-Identifier: ISC */
/* reload.h: what HUP asks for: that the program becomes, in the same process and with the same
 * sockets and children, what its file holds by now, with the settings as they are by now. So one
 * signal takes over settings and new versions alike. */
#ifndef TODO_RELOAD_H
#define TODO_RELOAD_H

#include <stdbool.h>

#include "buf.h"
#include "text.h"

/* What server_run and pool_run give in place of an exit status when the program is to call
 * reload_run. */
#define RELOAD (-1)

/* Would that program start? It is asked with --check-config. When it would not, one line of the log
 * says why, and that all stays as it was. */
bool reload_is_sound(void);

/* Leaves something to that program, by the name of an environment variable of its own. */
void reload_leave(const char *name, struct text text);
/* Has the program before this one left something by that name? */
bool reload_has(const char *name);
/* Adds it to *text, once. */
void reload_take(const char *name, struct buf *text);

/* Becomes that program. Returns an exit status if it cannot. */
int reload_run(void);

#endif

/* SPDX-License-Identifier: ISC */
/* request_id.h: the id that a request carries through logs and answers. */
#ifndef TODO_REQUEST_ID_H
#define TODO_REQUEST_ID_H

#include "arena.h"

/* `sent` if it is sane (1 to 128 of A-Z a-z 0-9 - . _ : + = /), else 32 new hexadecimal digits. */
const char *request_id(struct arena *arena, const char *sent);

#endif

/* SPDX-License-Identifier: ISC */
/* prompt.h: a password from whoever sits at the terminal, or from standard input; never from the
 * command line, which other users see. */
#ifndef TODO_PROMPT_H
#define TODO_PROMPT_H

#include <stdbool.h>
#include <stddef.h>

/* Reads a line into `password`, without its end: from the terminal twice, without an echo, or else
 * once from standard input. False, with a line on stderr: none came, it was too long, or the two
 * were not the same. The caller wipes it. */
bool prompt_password(char *password, size_t size);

#endif

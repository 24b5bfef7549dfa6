/* SPDX-License-Identifier: ISC */
/* program.h: how both programs begin and end: the three standard descriptors, an option that is
 * refused, and what could not be written. */
#ifndef TODO_PROGRAM_H
#define TODO_PROGRAM_H

/* First of all in main. A standard descriptor that is closed would be given to the next file or
 * socket, and what is meant for stderr be written there: now each is taken, and using one that was
 * closed still fails. */
void program_begin(void);

/* The argument for which getopt_long has just answered '?'. */
const char *program_refused_option(char **argv);

/* `status`; but EX_IOERR, and a line on stderr, when stdout could not be written. */
int program_end(const char *program, int status);

#endif

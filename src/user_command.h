/* SPDX-License-Identifier: ISC */
/* user_command.h: `todoctl user …`. */
#ifndef TODO_USER_COMMAND_H
#define TODO_USER_COMMAND_H

#define USER_COMMAND_ARGUMENTS                                                                     \
    "add EMAIL [--name NAME] [--id ID] | list | show USER | password USER | disable USER | "       \
    "enable USER | delete USER | sessions USER [--end] | import FILE"

/* Does what argv[1] names, with the database at `url` and passwords hashed at `cost`. An exit
 * status; what went wrong is on stderr. */
int user_command(const char *url, long cost, int argc, char **argv);

/* Would user_command understand it? EX_OK, or a line on stderr and EX_USAGE. */
int user_command_check(int argc, char **argv);

#endif

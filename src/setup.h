/* SPDX-License-Identifier: ISC */
/* setup.h: `todoctl setup`: from an installed program to one that can serve, in one go. */
#ifndef TODO_SETUP_H
#define TODO_SETUP_H

#include "err.h"

#define SETUP_ARGUMENTS                                                                            \
    "[--admin-url URL] [--database NAME] [--config FILE] [--group GROUP] [--workers N] "           \
    "[--cors ORIGINS] [--reset-password] [--server NAME] [--prefix] [--schema DIR] [--yes]"

/* Makes roles, database, schema and settings file as far as they are missing, checks them, starts
 * the service where systemd has it, and prints what the web server needs. May be run again at any
 * time: it finishes what an earlier run began, and changes nothing that is as it should be. An exit
 * status; what went wrong is one line on stderr. */
int setup_command(int argc, char **argv, const char *schema_directory) CHECK_RESULT;

#endif

/* SPDX-License-Identifier: ISC */
/* setup_server.h: which web server this machine has, and what it needs to be told. */
#ifndef TODO_SETUP_SERVER_H
#define TODO_SETUP_SERVER_H

#include <stdbool.h>

#include "err.h"

/* The name of the first web server that is installed below `root` ("" for the real one); NULL: none
 * that we know. */
const char *setup_server_find(const char *root);

/* EX_OK, or a line on stderr that has the names that we know, and EX_USAGE. */
int setup_server_check(const char *name) CHECK_RESULT;

/* Prints the sample, as it is installed in `directory`, for / or for below a prefix; its first
 * lines say where it goes. `name` NULL: what setup_server_find found. */
void setup_server_print(const char *name, bool prefix, const char *directory);

#endif

/* SPDX-License-Identifier: ISC */
/* setup_service.h: the service of a machine whose systemd has our units. */
#ifndef TODO_SETUP_SERVICE_H
#define TODO_SETUP_SERVICE_H

#include <stdbool.h>

#include "err.h"

#define SETUP_SYSTEMD "/run/systemd/system" /* there where systemd runs, see sd_booted(3) */

/* Does systemd run, as `systemd` being there says, and has it our units, in `units`? */
bool setup_service_is_there(const char *systemd, const char *units);

/* Starts the pools, now and at every boot, and the purge's timer if its role is there. What runs
 * already is left alone; *changed is set when something was not. EX_OK, or a line on stderr and
 * EX_UNAVAILABLE. */
int setup_service_start(bool purge, bool *changed) CHECK_RESULT;

#endif

/* SPDX-License-Identifier: ISC */
/* zone.h: from the clock on a wall somewhere to the instant, by the system's time zone database. */
#ifndef TODO_ZONE_H
#define TODO_ZONE_H

#include <stdbool.h>
#include <stdint.h>

#include "text.h"

/* The instant (as in timestamp.h) at which clocks in the zone `name` ("Europe/Berlin") show what
 * UTC shows at `local`. Where a clock shows it twice it is one of the two; where never, as if it
 * had not been put forward. False: this system knows no such zone. */
bool zone_to_utc(struct text name, int64_t local, int64_t *instant);

#endif

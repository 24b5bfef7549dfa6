/* SPDX-License-Identifier: ISC */
/* store_replica.h: reads by a standby (DATABASE_READ_URL), none older than what the client has
 * done.
 *
 * Without that setting there are no positions, and the calls below do nothing. */
#ifndef TODO_STORE_REPLICA_H
#define TODO_STORE_REPLICA_H

#include "arena.h"
#include "store.h"

bool store_has_replica(const struct store *store);

/* Until the request's end the standby may answer reads, once it has carried out everything up to
 * `position`. Nothing is allowed by a text that is no position, or one that is older than a minute:
 * so no answer is older than that either. */
void store_replica_allow(struct store *store, struct text position);
/* Takes that back: the database itself answers the rest of the request. */
void store_replica_forbid(struct store *store);
/* Has the standby answered anything since it was allowed to? */
bool store_replica_answered(const struct store *store);

/* Until the request's end the database is asked for its position with all it does. */
void store_position_want(struct store *store);
/* How far it was when it last answered this request, as text from `arena`; NULL: not known.
 * Whatever was read or written until then lies before it. */
const char *store_position(const struct store *store, struct arena *arena);

#endif

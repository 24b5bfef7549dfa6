/* SPDX-License-Identifier: ISC */
/* read_your_writes.c: lets a standby answer, and asks the database where that does not help. A task
 * or a cursor that the standby does not know may be newer than the client's position, so each of
 * its refusals is judged again. */
#include <config.h>

#include "read_your_writes.h"
#include "store_replica.h"

#define NO_POSITION "none" /* no position: the next read is the database's own */

static bool reads(const struct call *call)
{
    return call->match.route->method == METHOD_GET;
}

void read_your_writes_begin(struct call *call)
{
    if (!reads(call) || request_header_sent(call->request, HEADER_TODO_POSITION))
        store_position_want(call->store);
}

enum err read_your_writes(struct call *call)
{
    const char *position = request_header(call->request, HEADER_TODO_POSITION);
    enum err err;

    if (position)
        store_replica_allow(call->store, text_of(position));
    err = call->match.route->run(call);
    if (err == ERR_NONE || !store_replica_answered(call->store))
        return err;
    store_replica_forbid(call->store);
    response_clear(call->response);
    problem_init(call->problem, call->arena);
    return call->match.route->run(call);
}

/* After a write of which nobody knows how it ended, a position that the client still has from
 * before must not serve. What a standby answered has none: the client's own goes on to be good. */
void read_your_writes_tell(struct call *call)
{
    const char *position = store_position(call->store, call->arena);
    bool lost = !reads(call) && call->response->status >= 500;

    if (!position && lost && store_has_replica(call->store))
        position = NO_POSITION;
    if (position)
        response_header(call->response, "Todo-Position", "%s", position);
}

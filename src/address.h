/* SPDX-License-Identifier: ISC */
/* address.h: IP addresses of clients, and the networks that settings name. */
#ifndef TODO_ADDRESS_H
#define TODO_ADDRESS_H

#include <stdbool.h>

#include "arena.h"
#include "text.h"

/* IPv4 as ::ffff:a.b.c.d, so that the two spellings of one address are one. */
struct address {
    unsigned char bytes[16];
};

/* An address as a server or a proxy writes it: "192.0.2.1", "2001:db8::1", either with a port
 * ("192.0.2.1:80", "[2001:db8::1]:80"). False for anything else. */
bool address_parse(struct text t, struct address *address);

/* Is `address` within `network`, "ADDRESS" or "ADDRESS/BITS"? */
bool address_is_in(const struct address *address, const char *network);
bool address_is_in_any(const struct address *address, char *const *networks);

/* This machine's own: 127.0.0.0/8, ::1. */
bool address_is_loopback(const struct address *address);

/* NULL when `network` may stand in a setting; else what it must be (static). */
const char *address_network_fault(const char *network);

/* Whom the address stands for when attempts are counted: IPv4 alone, IPv6 with all of its /64,
 * which one subscriber has. From `arena`. */
struct text address_subscriber(struct arena *arena, const struct address *address);

#endif

/* SPDX-License-Identifier: ISC */
/* address.c: addresses from text, and whether they lie in a network. */
#include <config.h>

#include "address.h"

#include <arpa/inet.h>
#include <string.h>

#define ADDRESS_BITS 128
#define V4_BITS 32
#define V4_OFFSET 12       /* bytes before the IPv4 address in its IPv6 form */
#define SUBSCRIBER_BYTES 8 /* of IPv6 */

static const unsigned char v4_prefix[V4_OFFSET] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

static bool is_v4(const struct address *address)
{
    return memcmp(address->bytes, v4_prefix, V4_OFFSET) == 0;
}

/* A bare address, without a port. */
static bool parse_bare(struct text t, struct address *address)
{
    char word[INET6_ADDRSTRLEN];

    if (t.length == 0 || t.length >= sizeof word || memchr(t.data, '\0', t.length))
        return false;
    memcpy(word, t.data, t.length);
    word[t.length] = '\0';
    if (inet_pton(AF_INET6, word, address->bytes) == 1)
        return true;
    memcpy(address->bytes, v4_prefix, V4_OFFSET);
    return inet_pton(AF_INET, word, address->bytes + V4_OFFSET) == 1;
}

bool address_parse(struct text t, struct address *address)
{
    const char *colon = t.data ? memchr(t.data, ':', t.length) : NULL;
    const char *bracket;

    if (t.length > 0 && t.data[0] == '[') {
        bracket = memchr(t.data, ']', t.length);
        return bracket &&
               parse_bare((struct text){t.data + 1, (size_t)(bracket - t.data - 1)}, address);
    }
    if (colon && !memchr(colon + 1, ':', t.length - (size_t)(colon + 1 - t.data)))
        t.length = (size_t)(colon - t.data);
    return parse_bare(t, address);
}

static bool parse_network(const char *network, struct address *address, int64_t *bits)
{
    const char *slash = strchr(network, '/');
    size_t length = slash ? (size_t)(slash - network) : strlen(network);
    int64_t offset;

    if (!parse_bare((struct text){network, length}, address))
        return false;
    offset = is_v4(address) ? ADDRESS_BITS - V4_BITS : 0;
    *bits = ADDRESS_BITS - offset;
    if (slash && !text_to_int(text_of(slash + 1), 0, ADDRESS_BITS - offset, bits))
        return false;
    *bits += offset;
    return true;
}

bool address_is_in(const struct address *address, const char *network)
{
    struct address base;
    int64_t bits;
    size_t whole;
    unsigned char mask;

    if (!parse_network(network, &base, &bits))
        return false;
    whole = (size_t)bits / 8;
    mask = (unsigned char)(0xff00 >> (bits % 8));
    return memcmp(address->bytes, base.bytes, whole) == 0 &&
           (whole == sizeof base.bytes ||
            ((address->bytes[whole] ^ base.bytes[whole]) & mask) == 0);
}

bool address_is_in_any(const struct address *address, char *const *networks)
{
    for (; networks && *networks; networks++)
        if (address_is_in(address, *networks))
            return true;
    return false;
}

bool address_is_loopback(const struct address *address)
{
    return address_is_in(address, "127.0.0.0/8") || address_is_in(address, "::1");
}

const char *address_network_fault(const char *network)
{
    struct address address;
    int64_t bits;

    return parse_network(network, &address, &bits)
               ? NULL
               : "must be addresses or networks such as 192.0.2.1 or 2001:db8::/32";
}

struct text address_subscriber(struct arena *arena, const struct address *address)
{
    struct address subscriber = *address;
    char word[INET6_ADDRSTRLEN] = "";

    if (is_v4(address))
        return text_of(arena_text(
            arena, text_of(inet_ntop(AF_INET, address->bytes + V4_OFFSET, word, sizeof word))));
    memset(subscriber.bytes + SUBSCRIBER_BYTES, 0, sizeof subscriber.bytes - SUBSCRIBER_BYTES);
    inet_ntop(AF_INET6, subscriber.bytes, word, sizeof word);
    return text_of(arena_printf(arena, "%s/64", word));
}

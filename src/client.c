/* SPDX-License-Identifier: ISC */
/* client.c: X-Forwarded-For is read from its end: each proxy adds whom it was asked by, so what
 * stands before the first address that is no proxy of ours is only what a client claims. */
#include <config.h>

#include <string.h>

#include "address.h"
#include "client.h"

/* Takes what stands behind the last comma off *list. */
static struct text take_last(struct text *list)
{
    const char *comma = memrchr(list->data, ',', list->length);
    size_t start = comma ? (size_t)(comma + 1 - list->data) : 0;
    struct text last = {list->data + start, list->length - start};

    list->length = comma ? start - 1 : 0;
    return text_trim(last);
}

bool client_is_in(const struct conf *conf, const struct request *request, char *const *networks)
{
    struct text forwarded = text_of(request_header(request, HEADER_FORWARDED_FOR));
    struct address peer, client;

    if (!address_parse(text_of(request_header(request, HEADER_REMOTE_ADDR)), &peer) ||
        (forwarded.length > 0 && !address_is_in_any(&peer, conf->trusted_proxies)))
        return false;
    client = peer;
    while (forwarded.length > 0 && address_is_in_any(&client, conf->trusted_proxies))
        if (!address_parse(take_last(&forwarded), &client))
            return false;
    return address_is_in_any(&client, networks) &&
           (address_is_loopback(&peer) || !address_is_loopback(&client));
}

struct text client_subscriber(const struct conf *conf, const struct request *request)
{
    struct text forwarded = text_of(request_header(request, HEADER_FORWARDED_FOR));
    struct address client, earlier;

    if (!address_parse(text_of(request_header(request, HEADER_REMOTE_ADDR)), &client))
        return TEXT_NULL;
    while (forwarded.length > 0 && address_is_in_any(&client, conf->trusted_proxies) &&
           address_parse(take_last(&forwarded), &earlier))
        client = earlier;
    return address_subscriber(request->arena, &client);
}

/* SPDX-License-Identifier: ISC */
/* An origin is scheme://host[:port] (RFC 6454) and nothing else: what has no "://", such as "null"
 * or "*", matches no entry, not even one spelled the same. */
#include <config.h>

#include "cors.h"

#include <string.h>
#include <strings.h>

#include "route.h"

static const char exposed_headers[] = "ETag, "
                                      "Link, "
                                      "Location, "
                                      "Retry-After, "
                                      "X-Total-Count, "
                                      "X-Request-Id, "
                                      "Idempotent-Replayed, "
                                      "WWW-Authenticate";

static const char allowed_headers[] = "Authorization, "
                                      "Content-Type, "
                                      "If-Match, "
                                      "If-None-Match, "
                                      "Idempotency-Key, "
                                      "Prefer, "
                                      "X-Request-Id";

/* Behind both, where there are positions. */
static const char *position_header(const struct conf *conf)
{
    return conf->database_read_url ? ", Todo-Position" : "";
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* How many bytes of letters, digits and hyphens it begins with: a label of a host (RFC 1123). */
static size_t label_length(const char *host)
{
    return strspn(host, "abcdefghijklmnopqrstuvwxyz"
                        "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                        "0123456789-");
}

/* Compares host and port. A '*' takes the whole label that stands in its place. */
static bool host_matches(const char *pattern, const char *host)
{
    while (*pattern != '\0') {
        if (*pattern == '*') {
            size_t length = label_length(host);

            if (length == 0)
                return false;
            pattern++;
            host += length;
        } else if (lower(*pattern++) != lower(*host++)) {
            return false;
        }
    }
    return *host == '\0';
}

static bool origin_matches(const char *entry, const char *origin)
{
    const char *separator = strstr(entry, "://");
    size_t length;

    if (separator == NULL)
        return false;
    length = (size_t)(separator - entry) + strlen("://");
    return strncasecmp(entry, origin, length) == 0 && host_matches(entry + length, origin + length);
}

bool cors_allowed(char *const *origins, const char *origin)
{
    for (; origins != NULL && *origins != NULL; origins++) {
        if (origin_matches(*origins, origin))
            return true;
    }
    return false;
}

bool cors_is_preflight(const struct request *request)
{
    return request->method == METHOD_OPTIONS && request_header(request, HEADER_ORIGIN) != NULL &&
           request_header(request, HEADER_ACCESS_CONTROL_REQUEST_METHOD) != NULL;
}

static void add_preflight_headers(const struct conf *conf, unsigned allow,
                                  struct response *response)
{
    char methods[64];

    route_allow_text(allow, methods, sizeof(methods));
    response_header(response, "Access-Control-Allow-Methods", "%s", methods);
    response_header(response, "Access-Control-Allow-Headers", "%s%s", allowed_headers,
                    position_header(conf));
    response_header(response, "Access-Control-Max-Age", "600");
}

void cors_headers(const struct conf *conf, const struct request *request, bool preflight,
                  unsigned allow, struct response *response)
{
    const char *origin = request_header(request, HEADER_ORIGIN);

    if (conf->cors_origins == NULL || conf->cors_origins[0] == NULL)
        return;
    response_header(response, "Vary", "Origin");
    if (origin == NULL || !cors_allowed(conf->cors_origins, origin))
        return;
    response_header(response, "Access-Control-Allow-Origin", "%s", origin);
    response_header(response, "Access-Control-Allow-Credentials", "true");
    response_header(response, "Access-Control-Expose-Headers", "%s%s", exposed_headers,
                    position_header(conf));
    if (preflight)
        add_preflight_headers(conf, allow, response);
}

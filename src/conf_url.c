/* SPDX-License-Identifier: ISC */
/* conf_url.c: looks at the form of URLs and no deeper: what a database's URL says, and whether one
 * answers there, is libpq's affair, whether an origin is allowed is cors.c's. */
#include <config.h>

#include "conf_url.h"

#include <libpq-fe.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "conf.h"
#include "log.h"
#include "text.h"

#define DIGITS "0123456789"
#define ALPHANUMERICS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ" DIGITS
#define SCHEME_BYTES ALPHANUMERICS "+.-"
#define LABEL_BYTES ALPHANUMERICS "-_"
#define IPV6_BYTES "0123456789abcdefABCDEF:."

/* What is behind "scheme://", and the scheme; NULL when `url` does not begin so. */
static const char *behind_scheme(const char *url, struct text *scheme)
{
    *scheme = (struct text){url, strspn(url, SCHEME_BYTES)};
    const char *end = url + scheme->length;
    return scheme->length > 0 && strncmp(end, "://", 3) == 0 ? end + 3 : NULL;
}

static char *copy(const char *data, size_t length)
{
    char *text = strndup(data, length);
    if (!text)
        log_out_of_memory();
    return text;
}

/* ---- the database */

/* Where the parameters begin behind `rest`, or its end. libpq's scan: there are a user and a
 * password if there is an @ before any /, and they may hold a question mark. */
static const char *query_of(const char *rest)
{
    const char *end = rest + strcspn(rest, "@/");
    const char *host = *end == '@' ? end + 1 : rest;
    return host + strcspn(host, "?");
}

/* The value of "ssl=" among the parameters behind `rest`, where asyncpg's meaning is not libpq's
 * own (which knows ssl=true); NULL if there is none. */
static const char *asyncpg_ssl_mode(const char *rest)
{
    const char *query = query_of(rest);
    for (const char *p = *query ? query : NULL; p; p = strchr(p + 1, '&'))
        if (strncmp(p + 1, "ssl=", 4) == 0 && strncmp(p + 5, "true", 4) != 0)
            return p + 5;
    return NULL;
}

char *conf_url_database(const char *url)
{
    struct text scheme;
    const char *rest = behind_scheme(url, &scheme);
    if (!rest)
        return strchr(url, '=') ? copy(url, strlen(url)) : NULL;
    const char *driver = memchr(scheme.data, '+', scheme.length);
    if (driver)
        scheme.length = (size_t)(driver - scheme.data);
    if (!text_equal(scheme, TEXT_LITERAL("postgresql")) &&
        !text_equal(scheme, TEXT_LITERAL("postgres")))
        return NULL;
    const char *mode = asyncpg_ssl_mode(rest);
    size_t before = mode ? (size_t)(mode - rest) - strlen("ssl=") : strlen(rest);
    char *result;
    if (asprintf(&result, "postgresql://%.*s%s%s", (int)before, rest, mode ? "sslmode=" : "",
                 mode ? mode : "") < 0)
        log_out_of_memory();
    return result;
}

/* The last @ before the parameters, where whoever wrote the URL will have meant the password to
 * end; NULL if there is none. */
static const char *last_at(const char *rest)
{
    return memrchr(rest, '@', (size_t)(query_of(rest) - rest));
}

/* Would libpq take the end of a password for a part of the server's name, and the log show it? It
 * ends the password at the first @, and sees none behind a slash. */
static bool ends_password_early(const char *url)
{
    struct text scheme;
    const char *rest = behind_scheme(url, &scheme);
    const char *at = rest ? last_at(rest) : NULL;
    return at && at != rest + strcspn(rest, "@/");
}

const char *conf_database_url_fault(const char *url)
{
    PQconninfoOption *parts = PQconninfoParse(url, NULL); /* its own message may hold a password */
    bool readable = parts && !ends_password_early(url);
    PQconninfoFree(parts);
    return readable ? NULL
                    : "is none that libpq can read; in a URL, % is written %25, @ %40, : %3A and / "
                      "%2F";
}

/* user:PASSWORD@host */
static char *password_of_authority(const char *rest)
{
    const char *end = last_at(rest);
    const char *colon = end ? memchr(rest, ':', (size_t)(end - rest)) : NULL;
    return colon ? copy(colon + 1, (size_t)(end - colon) - 1) : NULL;
}

char *conf_url_password(const char *url)
{
    struct text scheme;
    const char *rest = behind_scheme(url, &scheme);
    char *password = rest ? password_of_authority(rest) : NULL;
    if (password)
        return password;
    const char *word = strstr(rest ? rest : url, "password=");
    if (!word)
        return NULL;
    word += strlen("password=");
    bool quoted = !rest && *word == '\'';
    word += quoted;
    return copy(word, strcspn(word, rest ? "&" : quoted ? "'" : " "));
}

/* ---- origins */

/* Behind the digits of ":PORT", 1 to 65535; `p` itself when there is no port. */
static const char *skip_port(const char *p)
{
    int64_t port;
    size_t digits = *p == ':' ? strspn(p + 1, DIGITS) : 0;
    bool valid = digits > 0 && text_to_int((struct text){p + 1, digits}, 1, 65535, &port);
    return valid ? p + 1 + digits : p;
}

/* Behind [IPv6]; NULL when it is none. */
static const char *skip_ipv6(const char *p)
{
    size_t length = strspn(p + 1, IPV6_BYTES);
    return length > 0 && p[1 + length] == ']' ? p + length + 2 : NULL;
}

/* Behind label.label.…, where each is a name or '*', but the last one a name; else NULL. */
static const char *skip_labels(const char *p)
{
    for (;;) {
        bool wildcard = *p == '*';
        size_t length = wildcard ? 1 : strspn(p, LABEL_BYTES);
        p += length;
        if (length == 0 || (wildcard && *p != '.'))
            return NULL;
        if (*p != '.')
            return p;
        p++;
    }
}

static bool is_own_port(const char *origin, const char *port)
{
    return (strncasecmp(origin, "http:", 5) == 0 && strcmp(port, ":80") == 0) ||
           (strncasecmp(origin, "https:", 6) == 0 && strcmp(port, ":443") == 0);
}

const char *conf_url_origin_fault(const char *origin)
{
    if (strcmp(origin, "*") == 0)
        return "must list origins: answers carry credentials, so \"*\" would let every site in";
    struct text scheme;
    const char *p = behind_scheme(origin, &scheme);
    if (p)
        p = *p == '[' ? skip_ipv6(p) : skip_labels(p);
    if (p && is_own_port(origin, p))
        return "must not name the scheme's own port: browsers leave it out";
    if (p)
        p = skip_port(p);
    if (p && *p == '\0')
        return NULL;
    return "must be scheme://host[:port] with no path, and * only as a whole label before the last";
}

static bool is_loopback(struct text host)
{
    return text_equal(host, TEXT_LITERAL("localhost")) || text_equal(host, TEXT_LITERAL("[::1]")) ||
           text_equal(host, TEXT_LITERAL("127.0.0.1"));
}

const char *conf_url_jwks_fault(const char *place)
{
    static const char wrong[] = "must be the path of a file, \"database\", an https URL without "
                                "user or fragment, or an http URL of this machine";
    struct text scheme;
    const char *host = behind_scheme(place, &scheme);
    if (!host)
        return *place == '/' || strcmp(place, "database") == 0 ? NULL : wrong;
    const char *end = *host == '[' ? skip_ipv6(host) : skip_labels(host);
    if (!end || strchr(host, '@') || strchr(host, '#') || strchr(host, ' '))
        return wrong;
    const struct text name = {host, (size_t)(end - host)};
    end = skip_port(end);
    if ((*end != '\0' && *end != '/' && *end != '?') || memchr(name.data, '*', name.length))
        return wrong;
    if (text_equal(scheme, TEXT_LITERAL("https")))
        return NULL;
    return text_equal(scheme, TEXT_LITERAL("http")) && is_loopback(name) ? NULL : wrong;
}

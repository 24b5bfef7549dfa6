/* SPDX-License-Identifier: ISC */
/* setup_url.c: takes a URL apart as libpq does, and writes others with the same server. What a URL
 * does not say comes from libpq's environment (PGHOST and so on), as it does when connecting. */
#include <config.h>

#include "setup_url.h"

#include <ctype.h>
#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "log.h"

#define WORKERS_ROLE "todo_app"

/* What of the administrator's way to the server is the workers' way too. */
static const char *const shared[] = {"sslmode",         "sslrootcert", "channel_binding", "options",
                                     "connect_timeout", "hostaddr",    "gssencmode",      NULL};

static const char *find(const PQconninfoOption *parts, const char *keyword)
{
    for (; parts && parts->keyword; parts++)
        if (strcmp(parts->keyword, keyword) == 0)
            return parts->val && *parts->val ? parts->val : NULL;
    return NULL;
}

static char *copy(const char *value)
{
    char *text = value ? strdup(value) : NULL;

    if (value && !text)
        log_out_of_memory();
    return text;
}

char *setup_url_part(const char *url, const char *keyword)
{
    PQconninfoOption *parts = PQconninfoParse(url, NULL);
    char *value = copy(find(parts, keyword));

    PQconninfoFree(parts);
    return value;
}

/* The same, or libpq's default. */
static char *part_or_default(const char *url, const char *keyword)
{
    char *value = setup_url_part(url, keyword);
    PQconninfoOption *defaults;

    if (value)
        return value;
    defaults = PQconndefaults();
    value = copy(find(defaults, keyword));
    PQconninfoFree(defaults);
    return value;
}

/* ---- keyword strings */

static void add_keyword(struct buf *out, const char *keyword, const char *value)
{
    buf_printf(out, "%s='", keyword);
    for (; *value; value++) {
        if (*value == '\'' || *value == '\\')
            buf_add_char(out, '\\');
        buf_add_char(out, *value);
    }
    buf_add_string(out, "' ");
}

char *setup_url_in_database(const char *url, const char *database)
{
    PQconninfoOption *parts = PQconninfoParse(url, NULL);
    struct buf out;

    buf_init(&out);
    for (const PQconninfoOption *part = parts; part && part->keyword; part++)
        if (part->val && *part->val && strcmp(part->keyword, "dbname") != 0)
            add_keyword(&out, part->keyword, part->val);
    PQconninfoFree(parts);
    add_keyword(&out, "dbname", database);
    buf_add_char(&out, '\0');
    return out.data;
}

/* ---- where it leads */

bool setup_url_is_socket(const char *url)
{
    char *host = part_or_default(url, "host");
    char *address = part_or_default(url, "hostaddr");
    bool socket = !address && (!host || *host == '/');

    free(host);
    free(address);
    return socket;
}

bool setup_url_wants_peer(const char *url)
{
    char *password = part_or_default(url, "password");
    bool peer = !password && setup_url_is_socket(url);

    free(password);
    return peer;
}

/* ---- back from the workers' */

static bool is_loopback(const char *host)
{
    static const char *const names[] = {"127.0.0.1", "::1", "localhost"};

    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(host, names[i]) == 0)
            return true;
    return false;
}

/* Nothing else of theirs is taken over. Nobody but postgres may stand in for the server. */
static char *write_local_admin(const char *host, const char *port, const char *database)
{
    struct buf out;

    buf_init(&out);
    add_keyword(&out, "user", SETUP_URL_ADMIN);
    add_keyword(&out, "requirepeer", SETUP_URL_ADMIN);
    if (host && *host == '/')
        add_keyword(&out, "host", host);
    if (port)
        add_keyword(&out, "port", port);
    add_keyword(&out, "dbname", database);
    buf_add_char(&out, '\0');
    return out.data;
}

char *setup_url_of_local_admin(const char *url)
{
    char *role = setup_url_part(url, "user"), *database = setup_url_part(url, "dbname");
    char *host = part_or_default(url, "host"), *address = part_or_default(url, "hostaddr");
    char *port = part_or_default(url, "port"), *local = NULL;
    bool here = !address && (!host || is_loopback(host) || (*host == '/' && !strchr(host, ',')));

    if (here && database && role && strcmp(role, WORKERS_ROLE) == 0)
        local = write_local_admin(host, port, database);
    free(role);
    free(database);
    free(host);
    free(address);
    free(port);
    return local;
}

/* ---- the workers' */

static void add_escaped(struct buf *out, const char *value)
{
    for (; *value; value++)
        if (isalnum((unsigned char)*value) || strchr("-._~", *value))
            buf_add_char(out, *value);
        else
            buf_printf(out, "%%%02X", (unsigned char)*value);
}

static void add_parameter(struct buf *out, const char *keyword, const char *value)
{
    if (!value)
        return;
    buf_add_char(out, memchr(out->data, '?', out->length) ? '&' : '?');
    buf_printf(out, "%s=", keyword);
    add_escaped(out, value);
}

/* A host that stands between @ and /; a socket's directory, an IPv6 address or a list of hosts is a
 * parameter. */
static bool is_plain_host(const char *host)
{
    return host && !strpbrk(host, "/,:");
}

static void add_server(struct buf *out, const char *host, const char *port, const char *database)
{
    bool plain = is_plain_host(host) && !(port && strchr(port, ','));

    if (plain)
        add_escaped(out, host);
    if (plain && port)
        buf_printf(out, ":%s", port);
    buf_add_char(out, '/');
    add_escaped(out, database);
    if (!plain) {
        add_parameter(out, "host", host);
        add_parameter(out, "port", port);
    }
}

static void add_shared(struct buf *out, const char *url)
{
    for (const char *const *keyword = shared; *keyword; keyword++) {
        char *value = setup_url_part(url, *keyword);

        add_parameter(out, *keyword, value);
        free(value);
    }
}

char *setup_url_of_workers(const char *url, const char *password, const char *database,
                           bool loopback)
{
    bool moved = loopback && setup_url_is_socket(url);
    char *host = part_or_default(url, "host");
    char *port = part_or_default(url, "port");
    struct buf out;

    buf_init(&out);
    buf_printf(&out, "postgresql://%s:", WORKERS_ROLE);
    add_escaped(&out, password);
    buf_add_char(&out, '@');
    add_server(&out, moved ? "127.0.0.1" : host, port, database);
    if (moved)
        add_parameter(&out, "sslmode", "disable"); /* it stays on this machine */
    else
        add_shared(&out, url);
    buf_add_char(&out, '\0');
    free(host);
    free(port);
    return out.data;
}

/* SPDX-License-Identifier: ISC */
/* task_links.c: walks the raw query beside its decoded parameters, so that what is kept stays as it
 * was spelt. */
#include <config.h>

#include <string.h>

#include "task_links.h"
#include "task_query.h"

#define CURSOR_NAME "cursor="
#define FRAME_SIZE sizeof(", <?" CURSOR_NAME ">; rel=\"first\"")

/* Nearly all bytes are letters, or between '-' and '9', and need no search. */
static bool is_uri_byte(unsigned char c)
{
    if ((c >= '-' && c <= '9') || (c >= 'a' && c <= 'z'))
        return true;
    return c > ' ' && c < 0x7f && !strchr("\"#<>[\\]^`{|}", c);
}

/* A byte that is none of a URI's (RFC 3986) would end the <reference>, or the header. */
static void add_uri(struct buf *out, struct text raw)
{
    for (size_t i = 0; i < raw.length; i++) {
        unsigned char c = (unsigned char)raw.data[i];

        if (!is_uri_byte(c))
            buf_printf(out, "%%%02X", c);
        else
            buf_add_char(out, (char)c);
    }
}

/* The path and what remains of the query; gives the character that another parameter begins with.
 */
static char add_base(struct buf *out, const struct request *request)
{
    const char *at = request->query.data;
    char separator = '?';

    add_uri(out, request->path);
    for (size_t i = 0; i < request->param_count;) {
        struct text piece = {at, strcspn(at, "&")};

        at += piece.length + (at[piece.length] == '&');
        if (piece.length == 0) /* no parameter */
            continue;
        if (task_query_is_position(request->params[i++].name))
            continue;
        buf_add_char(out, separator);
        add_uri(out, piece);
        separator = '&';
    }
    return separator;
}

static void add_link(struct buf *out, struct text base, char separator,
                     const struct task_link *link)
{
    buf_add_string(out, out->length > 0 ? ", <" : "<");
    buf_add_text(out, base);
    if (link->cursor) {
        buf_add_char(out, separator);
        buf_add_string(out, CURSOR_NAME);
        buf_add_string(out, link->cursor);
    }
    buf_add_string(out, ">; rel=\"");
    buf_add_string(out, link->relation);
    buf_add_char(out, '"');
}

static size_t length_of(struct text base, const struct task_link *link)
{
    return base.length + (link->cursor ? strlen(link->cursor) : 0) + FRAME_SIZE;
}

void task_links_add(const struct request *request, const struct task_link *links, size_t count,
                    struct response *response)
{
    struct buf base, header;
    char separator;

    if (count == 0)
        return;
    buf_init(&base);
    buf_init(&header);
    separator = add_base(&base, request);
    for (size_t i = 0; i < count; i++)
        if (header.length + length_of(buf_text(&base), &links[i]) <= TASK_LINKS_MAX)
            add_link(&header, buf_text(&base), separator, &links[i]);
    if (header.length > 0)
        response_header_text(response, "Link", buf_text(&header));
    buf_fini(&header);
    buf_fini(&base);
}

void task_links_location(struct text base, int64_t id, struct response *response)
{
    struct buf uri;

    buf_init(&uri);
    add_uri(&uri, base);
    buf_add_char(&uri, '/');
    buf_add_int(&uri, id);
    response_header_text(response, "Location", buf_text(&uri));
    buf_fini(&uri);
}

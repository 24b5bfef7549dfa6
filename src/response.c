/* SPDX-License-Identifier: ISC */
/* response.c: keeps the header lines as the text they will be sent as. */
#include <config.h>

#include <stdarg.h>
#include <string.h>

#include "response.h"

/* RFC 9110 15, RFC 6585: every status that we send. Problem documents take their titles from here.
 */
static const struct {
    int status;
    const char *reason;
} reasons[] = {
    {200, "OK"},
    {201, "Created"},
    {204, "No Content"},
    {304, "Not Modified"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {409, "Conflict"},
    {410, "Gone"},
    {412, "Precondition Failed"},
    {413, "Content Too Large"},
    {415, "Unsupported Media Type"},
    {422, "Unprocessable Content"},
    {428, "Precondition Required"},
    {429, "Too Many Requests"},
    {500, "Internal Server Error"},
    {503, "Service Unavailable"},
};
#define REASON_COUNT (sizeof reasons / sizeof *reasons)

void response_init(struct response *response)
{
    response->status = 200;
    response->content_type = NULL;
    response->streams = false;
    response->source = (struct response_source){0};
    buf_init(&response->headers);
    buf_init(&response->body);
}

void response_fini(struct response *response)
{
    response_end_source(response);
    buf_fini(&response->headers);
    buf_fini(&response->body);
}

void response_stream(struct response *response, struct response_source source)
{
    response->streams = true;
    response->source = source;
}

void response_end_source(struct response *response)
{
    if (response->source.end)
        response->source.end(response->source.data);
    response->source = (struct response_source){0};
}

void response_clear(struct response *response)
{
    response_end_source(response);
    response->streams = false;
    response->status = 200;
    response->content_type = NULL;
    buf_clear(&response->headers);
    buf_clear(&response->body);
}

static void neutralise(char *value, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if ((unsigned char)value[i] < 0x20 || value[i] == 0x7f)
            value[i] = '?';
}

/* Nearly all values are fixed or one string: those need no printf. */
__attribute__((format(printf, 2, 0))) static void add_value(struct buf *lines, const char *format,
                                                            va_list arguments)
{
    if (!strchr(format, '%'))
        buf_add_string(lines, format);
    else if (strcmp(format, "%s") == 0)
        buf_add_string(lines, va_arg(arguments, const char *));
    else
        buf_vprintf(lines, format, arguments);
}

/* Gives where the value begins. */
static size_t begin_line(struct buf *lines, const char *name)
{
    buf_add_string(lines, name);
    buf_add(lines, ": ", 2);
    return lines->length;
}

static void end_line(struct buf *lines, size_t start)
{
    neutralise(lines->data + start, lines->length - start);
    buf_add(lines, "\r\n", 2);
}

void response_header(struct response *response, const char *name, const char *format, ...)
{
    struct buf *lines = &response->headers;
    size_t start = begin_line(lines, name);
    va_list arguments;

    va_start(arguments, format);
    add_value(lines, format, arguments);
    va_end(arguments);
    end_line(lines, start);
}

void response_header_text(struct response *response, const char *name, struct text value)
{
    struct buf *lines = &response->headers;
    size_t start = begin_line(lines, name);

    buf_add_text(lines, value);
    end_line(lines, start);
}

size_t response_status_place(int status)
{
    size_t place = 0;

    while (place < REASON_COUNT && reasons[place].status != status)
        place++;
    return place;
}

int response_status_at(size_t place)
{
    return place < REASON_COUNT ? reasons[place].status : 0;
}

const char *response_reason(int status)
{
    for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++)
        if (reasons[i].status == status)
            return reasons[i].reason;
    return "Unknown";
}

void response_head(const struct response *response, struct buf *out)
{
    buf_add_string(out, "Status: ");
    buf_add_int(out, response->status);
    buf_add_char(out, ' ');
    buf_add_string(out, response_reason(response->status));
    buf_add_string(out, "\r\n");
    buf_add_text(out, buf_text(&response->headers));
    if (response->content_type) {
        buf_add_string(out, "Content-Type: ");
        buf_add_string(out, response->content_type);
        buf_add_string(out, "\r\n");
    }
    if (response->status != 204 && response->status != 304 && !response->streams) {
        buf_add_string(out, "Content-Length: ");
        buf_add_int(out, (int64_t)response->body.length);
        buf_add_string(out, "\r\n");
    }
    buf_add_string(out, "\r\n");
}

/* SPDX-License-Identifier: ISC */
/* ical_line.c: reads and writes content lines. libical was tried for the reading: a body of 1 MiB
 * with bad values keeps it busy for minutes, it tells faults on standard error and without their
 * lines, and it brings ICU and a C++ run time. */
#include <config.h>

#include <string.h>
#include <strings.h>

#include "ical_line.h"

#define FOLD_SIZE 75 /* bytes of a physical line, without its end */

void ical_escape(struct buf *out, struct text value)
{
    for (size_t i = 0; i < value.length; i++) {
        char c = value.data[i];

        if (c == '\\' || c == ';' || c == ',' || c == '\n')
            buf_add_char(out, '\\');
        buf_add_char(out, c == '\n' ? 'n' : c);
    }
}

/* How many bytes of t fit into `room` without a character being cut. */
static size_t fitting(struct text t, size_t room)
{
    if (t.length <= room)
        return t.length;
    while (room > 0 && ((unsigned char)t.data[room] & 0xc0) == 0x80)
        room--;
    return room;
}

void ical_end_line(struct buf *out, size_t start)
{
    struct text rest = {out->data + start, out->length - start};
    struct buf folded;

    if (rest.length > FOLD_SIZE) {
        buf_init(&folded);
        for (size_t room = FOLD_SIZE; rest.length > 0; room = FOLD_SIZE - 1) {
            size_t length = fitting(rest, room);

            if (folded.length > 0)
                buf_add_text(&folded, TEXT_LITERAL("\r\n "));
            buf_add(&folded, rest.data, length);
            rest.data += length;
            rest.length -= length;
        }
        out->length = start;
        buf_add_text(out, buf_text(&folded));
        buf_fini(&folded);
    }
    buf_add_text(out, TEXT_LITERAL("\r\n"));
}

/* Appends what `escaped` stands for behind a backslash. */
static void add_unescaped(struct buf *out, char escaped)
{
    buf_add_char(out, escaped == 'n' || escaped == 'N' ? '\n' : escaped);
}

bool ical_take_value(struct text *rest, struct buf *out)
{
    size_t i = 0;
    bool more;

    for (; i < rest->length && rest->data[i] != ','; i++) {
        if (rest->data[i] == '\\' && i + 1 < rest->length)
            add_unescaped(out, rest->data[++i]);
        else
            buf_add_char(out, rest->data[i]);
    }
    more = i < rest->length;
    rest->data += i + more;
    rest->length -= i + more;
    return more;
}

void ical_unescape(struct buf *out, struct text value)
{
    while (ical_take_value(&value, out))
        buf_add_char(out, ',');
}

/* Takes a physical line without its end. */
static struct text take_physical(struct ical_reader *reader)
{
    struct text *rest = &reader->rest;
    const char *end = memchr(rest->data, '\n', rest->length);
    struct text line = {rest->data, end ? (size_t)(end - rest->data) : rest->length};

    rest->data += line.length + (end != NULL);
    rest->length -= line.length + (end != NULL);
    reader->number++;
    while (line.length > 0 && line.data[line.length - 1] == '\r')
        line.length--;
    return line;
}

static bool is_folded(const struct ical_reader *reader)
{
    return reader->rest.length > 0 && (reader->rest.data[0] == ' ' || reader->rest.data[0] == '\t');
}

/* Joins a line with those that continue it. A character may have been folded in the middle. */
static struct text unfold(struct ical_reader *reader, struct text line)
{
    if (!is_folded(reader))
        return line;
    buf_clear(&reader->unfolded);
    buf_add_text(&reader->unfolded, line);
    while (is_folded(reader)) {
        line = take_physical(reader);
        buf_add(&reader->unfolded, line.data + 1, line.length - 1);
    }
    return buf_text(&reader->unfolded);
}

/* Is the byte one that a name may have: a letter, a digit, '-'? Groups and other marks are none. */
static bool is_name(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
}

/* The byte behind the parameters, at the ':'; where they break off otherwise. */
static size_t parameters_end(struct text t, size_t i)
{
    bool quoted = false;

    for (; i < t.length && (quoted || t.data[i] != ':'); i++)
        quoted ^= t.data[i] == '"';
    return i;
}

static bool split(struct text t, struct ical_line *line)
{
    size_t name = 0, value;

    while (name < t.length && is_name(t.data[name]))
        name++;
    if (name == 0 || name == t.length || (t.data[name] != ';' && t.data[name] != ':'))
        return false;
    value = parameters_end(t, name);
    if (value == t.length || !text_is_utf8(t))
        return false;
    line->name = (struct text){t.data, name};
    line->parameters = (struct text){t.data + name, value - name};
    line->value = (struct text){t.data + value + 1, t.length - value - 1};
    return true;
}

int ical_next(struct ical_reader *reader, struct ical_line *line)
{
    while (reader->rest.length > 0) {
        struct text text = take_physical(reader);

        line->number = reader->number;
        text = unfold(reader, text);
        if (text.length > 0)
            return split(text, line) ? 1 : -1;
    }
    return 0;
}

bool ical_is(struct text word, const char *name)
{
    return word.length == strlen(name) && strncasecmp(word.data, name, word.length) == 0;
}

static struct text without_quotes(struct text t)
{
    if (t.length >= 2 && t.data[0] == '"' && t.data[t.length - 1] == '"')
        return (struct text){t.data + 1, t.length - 2};
    return t;
}

struct text ical_parameter(const struct ical_line *line, const char *name)
{
    struct text rest = line->parameters;

    while (rest.length > 0) {
        bool quoted = false;
        size_t equals, end;

        rest.data++; /* the ';' */
        rest.length--;
        for (equals = 0; equals < rest.length && is_name(rest.data[equals]); equals++)
            ;
        for (end = equals; end < rest.length && (quoted || rest.data[end] != ';'); end++)
            quoted ^= rest.data[end] == '"';
        if (end > equals && rest.data[equals] == '=' &&
            ical_is((struct text){rest.data, equals}, name))
            return without_quotes((struct text){rest.data + equals + 1, end - equals - 1});
        rest.data += end;
        rest.length -= end;
    }
    return TEXT_NULL;
}

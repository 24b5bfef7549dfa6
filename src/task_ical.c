/* SPDX-License-Identifier: ISC */
/* task_ical.c: the table of properties, each with its field and the kind of its value; and the
 * components around them. */
#include <config.h>

#include <stdio.h>
#include <string.h>

#include "ical_line.h"
#include "ical_value.h"
#include "task_ical.h"

#define EXACT "X-TODO-" /* before a property's name: the value as it was */
#define EXACT_LENGTH (sizeof(EXACT) - 1)
#define DEPTH_MAX 8      /* of components in each other */
#define COMPONENT_MAX 31 /* bytes of a component's name */

#define FIELD(name) #name, offsetof(struct task, name)

/* DTSTAMP, which must be there, is the last change where there is no METHOD (RFC 5545 3.8.7.2). */
static const struct property {
    const char *name;
    const char *field;
    size_t offset;
    const struct ical_kind *kind;
} properties[] = {
    {"DTSTAMP", FIELD(updated_at), &ical_time},
    {"CREATED", FIELD(created_at), &ical_time},
    {"LAST-MODIFIED", FIELD(updated_at), &ical_time},
    {"SUMMARY", FIELD(title), &ical_text},
    {"DESCRIPTION", FIELD(description), &ical_text},
    {"PRIORITY", FIELD(priority), &ical_priority},
    {"STATUS", FIELD(completed), &ical_status},
    {"COMPLETED", FIELD(completed_at), &ical_time},
    {"DUE", FIELD(due_date), &ical_time},
    {"CATEGORIES", FIELD(tags), &ical_texts},
};
#define PROPERTY_COUNT (sizeof properties / sizeof *properties)
#define FIRST_READ 1 /* DTSTAMP is no news */

/* ---- writing a task */

static void write_line(struct buf *out, const char *name, const char *value)
{
    size_t start = out->length;

    buf_add_string(out, name);
    buf_add_char(out, ':');
    buf_add_string(out, value);
    ical_end_line(out, start);
}

/* Appends JSON as a TEXT value; JSON need not escape DEL, iCalendar must not have it. */
static void add_exact_value(struct buf *out, struct text json)
{
    for (size_t i = 0; i < json.length; i++)
        if (json.data[i] == 0x7f)
            ical_escape(out, TEXT_LITERAL("\\u007f"));
        else
            ical_escape(out, (struct text){json.data + i, 1});
}

static void write_exact(struct buf *out, const struct property *property, const void *member)
{
    size_t start = out->length;
    struct buf json;

    buf_init(&json);
    property->kind->write_exact(&json, member);
    buf_add_string(out, EXACT);
    buf_add_string(out, property->name);
    buf_add_char(out, ':');
    add_exact_value(out, buf_text(&json));
    ical_end_line(out, start);
    buf_fini(&json);
}

static void write_property(struct buf *out, const struct property *property, const void *member)
{
    size_t start = out->length;
    bool whole;

    if (property->kind->is_absent(member))
        return;
    buf_add_string(out, property->name);
    buf_add_char(out, ':');
    whole = property->kind->write(out, member);
    ical_end_line(out, start);
    if (!whole && property >= properties + FIRST_READ)
        write_exact(out, property, member);
}

void task_ical_write_begin(struct buf *out)
{
    write_line(out, "BEGIN", "VCALENDAR");
    write_line(out, "VERSION", "2.0");
    write_line(out, "PRODID", "-//todo-fcgi//todo-fcgi " PACKAGE_VERSION "//EN");
}

void task_ical_write(struct buf *out, const struct task *task, int64_t epoch)
{
    write_line(out, "BEGIN", "VTODO");
    buf_printf(out, "UID:%lld-%llx@todo-fcgi\r\n", (long long)task->id, (long long)epoch);
    for (size_t i = 0; i < PROPERTY_COUNT; i++)
        write_property(out, &properties[i], (const char *)task + properties[i].offset);
    write_line(out, "END", "VTODO");
}

void task_ical_write_end(struct buf *out)
{
    write_line(out, "END", "VCALENDAR");
}

/* ---- reading */

/* What is known of the object that is read. */
struct reader {
    struct problem *problem;
    record_sink *sink;
    void *data;
    struct ical_reader lines;
    struct record record;
    size_t depth;
    char components[DEPTH_MAX][COMPONENT_MAX + 1];
    json_t *plain, *exact; /* the VTODO in hand, by field; NULL: none */
    bool seen;             /* a VCALENDAR was there */
    enum err err;
};

static const struct property *find_property(struct text name)
{
    for (size_t i = FIRST_READ; i < PROPERTY_COUNT; i++)
        if (ical_is(name, properties[i].name))
            return &properties[i];
    return NULL;
}

/* The name of the property that is made exact; TEXT_NULL when it is none of ours. */
static struct text exact_name(struct text name)
{
    if (name.length <= EXACT_LENGTH || !ical_is((struct text){name.data, EXACT_LENGTH}, EXACT))
        return TEXT_NULL;
    return (struct text){name.data + EXACT_LENGTH, name.length - EXACT_LENGTH};
}

static void take_exact(struct reader *reader, const struct property *property,
                       const struct ical_line *line)
{
    struct buf text;
    json_t *value;

    if (!property || !property->kind->fits)
        return;
    buf_init(&text);
    ical_unescape(&text, line->value);
    value = json_loadb(buf_text(&text).data, text.length, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES,
                       NULL);
    if (value)
        record_set(reader->exact, property->field, value);
    buf_fini(&text);
}

static void zone_fault(struct reader *reader, const char *field, unsigned line)
{
    char pointer[RECORD_POINTER_SIZE * 2];

    snprintf(pointer, sizeof pointer, "%s/%s", reader->record.pointer, field);
    reader->record.faulty = true;
    reader->err = problem_fault(reader->problem, "body", pointer, "timezone",
                                "line %u: has a TZID that is not known here", line);
}

static void take_property(struct reader *reader, const struct ical_line *line)
{
    const struct property *property = find_property(line->name);
    struct text exact = exact_name(line->name);
    json_t *value;

    if (exact.data)
        take_exact(reader, find_property(exact), line);
    if (!property)
        return;
    value = property->kind->read(line, json_object_get(reader->plain, property->field));
    if (value)
        record_set(reader->plain, property->field, value);
    else
        zone_fault(reader, property->field, line->number);
}

static void begin_task(struct reader *reader, unsigned line)
{
    reader->plain = record_object();
    reader->exact = record_object();
    reader->record.line = line;
    reader->record.faulty = false;
    snprintf(reader->record.pointer, sizeof reader->record.pointer, "/%zu", reader->record.index);
}

static void drop_task(struct reader *reader)
{
    json_decref(reader->plain);
    json_decref(reader->exact);
    reader->plain = reader->exact = NULL;
}

static enum err end_task(struct reader *reader)
{
    enum err err;

    for (size_t i = FIRST_READ; i < PROPERTY_COUNT; i++) {
        const struct property *property = &properties[i];
        json_t *exact = json_object_get(reader->exact, property->field);
        const json_t *plain = json_object_get(reader->plain, property->field);

        if (exact && plain && property->kind->fits(exact, plain))
            record_set(reader->plain, property->field, json_incref(exact));
    }
    reader->record.json = reader->plain;
    err = reader->sink(reader->data, &reader->record);
    reader->record.index++;
    drop_task(reader);
    return err;
}

static enum err begin_component(struct reader *reader, const struct ical_line *line)
{
    bool outer = ical_is(line->value, "VCALENDAR");

    if (reader->depth == DEPTH_MAX || line->value.length > COMPONENT_MAX ||
        outer != (reader->depth == 0))
        return ERR_BAD_REQUEST;
    snprintf(reader->components[reader->depth++], COMPONENT_MAX + 1, "%.*s",
             (int)line->value.length, line->value.data);
    reader->seen = true;
    if (reader->depth == 2 && ical_is(line->value, "VTODO"))
        begin_task(reader, line->number);
    return ERR_NONE;
}

static enum err end_component(struct reader *reader, const struct ical_line *line)
{
    if (reader->depth == 0 || !ical_is(line->value, reader->components[reader->depth - 1]))
        return ERR_BAD_REQUEST;
    reader->depth--;
    return reader->depth == 1 && reader->plain ? end_task(reader) : ERR_NONE;
}

static enum err take_line(struct reader *reader, const struct ical_line *line)
{
    if (ical_is(line->name, "BEGIN"))
        return begin_component(reader, line);
    if (ical_is(line->name, "END"))
        return end_component(reader, line);
    if (reader->depth == 0)
        return ERR_BAD_REQUEST;
    if (reader->depth == 2 && reader->plain)
        take_property(reader, line);
    return ERR_NONE;
}

static enum err read_lines(struct reader *reader)
{
    struct ical_line line;
    int more;

    while ((more = ical_next(&reader->lines, &line)) > 0) {
        enum err err = take_line(reader, &line);

        if (err == ERR_BAD_REQUEST)
            break;
        reader->err = record_worst(reader->err, err);
        if (record_is_fatal(err))
            return err;
    }
    if (more != 0)
        return problem_set(reader->problem, ERR_BAD_REQUEST, "the body is not iCalendar at line %u",
                           line.number);
    if (!reader->seen)
        return problem_set(reader->problem, ERR_BAD_REQUEST,
                           "the body is empty; BEGIN:VCALENDAR is expected");
    if (reader->depth > 0)
        return problem_set(reader->problem, ERR_BAD_REQUEST, "the body ends before END:%s",
                           reader->components[reader->depth - 1]);
    return reader->err;
}

enum err task_ical_read(struct text body, struct problem *problem, record_sink *sink, void *data)
{
    struct reader reader = {.problem = problem, .sink = sink, .data = data};
    enum err err;

    if (body.length > 0 && memchr(body.data, '\0', body.length))
        return problem_fault(problem, "body", "", "null_character", "must not hold U+0000");
    reader.lines.rest = text_without_bom(body);
    buf_init(&reader.lines.unfolded);
    err = read_lines(&reader);
    drop_task(&reader);
    buf_fini(&reader.lines.unfolded);
    return err;
}

/* SPDX-License-Identifier: ISC */
/* task_csv.c: one function each way for every kind of field; libcsv finds the cells. It is fed line
 * by line, so that a fault can be told with its line. */
#include <config.h>

#include <csv.h>
#include <string.h>
#include <strings.h>

#include "log.h"
#include "task_csv.h"

#define COLUMNS_MAX 256
#define BLOCK_SIZE 4096 /* by which libcsv's room for a cell grows */

/* ---- writing */

/* Would a spreadsheet take a text that begins so for a formula, or a reader for a mark of ours? */
static bool is_marked(struct text t)
{
    return t.length > 0 && t.data[0] != '\0' && strchr("=+-@'\t\r\n", t.data[0]);
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static bool needs_quotes(struct text t)
{
    if (t.length == 0 || is_blank(t.data[0]) || is_blank(t.data[t.length - 1]))
        return true;
    for (size_t i = 0; i < t.length; i++)
        if (t.data[i] == '"' || t.data[i] == ',' || t.data[i] == '\r' || t.data[i] == '\n')
            return true;
    return false;
}

static void write_TEXT(struct buf *out, struct text value)
{
    bool quoted = needs_quotes(value);

    if (!value.data)
        return;
    if (quoted)
        buf_add_char(out, '"');
    if (is_marked(value))
        buf_add_char(out, '\'');
    for (size_t i = 0; quoted && i < value.length; i++) {
        if (value.data[i] == '"')
            buf_add_char(out, '"');
        buf_add_char(out, value.data[i]);
    }
    if (quoted)
        buf_add_char(out, '"');
    else
        buf_add_text(out, value);
}

static void write_INTEGER(struct buf *out, int64_t value)
{
    buf_add_int(out, value);
}

static void write_BOOLEAN(struct buf *out, bool value)
{
    buf_add_text(out, value ? TEXT_LITERAL("true") : TEXT_LITERAL("false"));
}

static void write_TIME(struct buf *out, int64_t value)
{
    if (value == TIMESTAMP_NULL)
        return;
    timestamp_format(buf_reserve(out, TIMESTAMP_TEXT_SIZE), value);
    out->length += TIMESTAMP_TEXT_SIZE;
}

static void join_tag(struct buf *out, struct text tag)
{
    for (size_t i = 0; i < tag.length; i++) {
        bool at_end = i == 0 || i == tag.length - 1;

        if (tag.data[i] == ',' || tag.data[i] == '\\' || (at_end && is_blank(tag.data[i])))
            buf_add_char(out, '\\');
        buf_add_char(out, tag.data[i]);
    }
}

static void write_TEXTS(struct buf *out, struct texts value)
{
    struct buf joined;

    if (value.count == 0)
        return;
    buf_init(&joined);
    for (size_t i = 0; i < value.count; i++) {
        if (i > 0)
            buf_add_char(&joined, ',');
        join_tag(&joined, value.items[i]);
    }
    write_TEXT(out, buf_text(&joined));
    buf_fini(&joined);
}

/* Each field begins with a comma; the first one's is taken away, and the line ended. */
static void end_row(struct buf *out, size_t start)
{
    memmove(out->data + start, out->data + start + 1, out->length - start - 1);
    out->length--;
    buf_add_text(out, TEXT_LITERAL("\r\n"));
}

void task_csv_write_header(struct buf *out)
{
    size_t start = out->length;

#define F(name, kind, source) buf_add_text(out, TEXT_LITERAL("," #name));
    TASK_FIELDS(F)
#undef F
    end_row(out, start);
}

void task_csv_write(struct buf *out, const struct task *task)
{
    size_t start = out->length;

#define F(name, kind, source)                                                                      \
    buf_add_char(out, ',');                                                                        \
    write_##kind(out, task->name);
    TASK_FIELDS(F)
#undef F
    end_row(out, start);
}

/* ---- reading: every kind gives what a client would write in JSON; what it is not is left a string
 * for the rules of task_json.c to complain of */

static json_t *read_TEXT(struct text cell)
{
    return record_string(cell);
}

static json_t *read_INTEGER(struct text cell)
{
    return record_string(cell);
}

static json_t *read_TIME(struct text cell)
{
    return record_string(cell);
}

static bool is_word(struct text cell, const char *word)
{
    return cell.length == strlen(word) && strncasecmp(cell.data, word, cell.length) == 0;
}

static json_t *read_BOOLEAN(struct text cell)
{
    if (is_word(cell, "true"))
        return json_true();
    return is_word(cell, "false") ? json_false() : record_string(cell);
}

/* Takes the next tag, unescaped into `tag`; blanks that no backslash holds are dropped at its ends.
 * True when a comma promises another one. */
static bool split_tag(struct text *rest, struct buf *tag)
{
    size_t held = 0, i = 0; /* held: the length up to which nothing is dropped */
    bool more;

    buf_clear(tag);
    for (; i < rest->length && rest->data[i] != ','; i++) {
        bool escaped = rest->data[i] == '\\' && i + 1 < rest->length;

        i += escaped;
        if (!escaped && is_blank(rest->data[i]) && tag->length == 0)
            continue;
        buf_add_char(tag, rest->data[i]);
        if (escaped || !is_blank(rest->data[i]))
            held = tag->length;
    }
    tag->length = held;
    more = i < rest->length;
    rest->data += i + more;
    rest->length -= i + more;
    return more;
}

static json_t *read_TEXTS(struct text cell)
{
    json_t *tags = record_array();
    bool more = cell.length > 0;
    struct buf tag;

    buf_init(&tag);
    while (more) {
        more = split_tag(&cell, &tag);
        record_append(tags, record_string(buf_text(&tag)));
    }
    buf_fini(&tag);
    return tags;
}

struct column {
    const char *name;
    json_t *(*read)(struct text cell);
};

static const struct column columns[] = {
#define F(name, kind, source) {#name, read_##kind},
    TASK_FIELDS(F)
#undef F
};
#define COLUMN_COUNT (sizeof columns / sizeof *columns)

struct reader {
    struct problem *problem;
    record_sink *sink;
    void *data;
    const struct column *header[COLUMNS_MAX]; /* NULL: a column that is ignored */
    size_t width;                             /* 0: the header is still to come */
    size_t cell;                              /* index in the row */
    bool in_row;
    bool stopped;  /* what follows cannot be read, or is of no use */
    unsigned line; /* that is fed */
    struct record record;
    json_t *json;
    enum err err;
};

static const struct column *find_column(struct text name)
{
    for (size_t i = 0; i < COLUMN_COUNT; i++)
        if (is_word(text_trim(name), columns[i].name))
            return &columns[i];
    return NULL;
}

static void header_fault(struct reader *reader, const char *type, const char *what)
{
    reader->err =
        problem_fault(reader->problem, "body", "", type, "line %u: %s", reader->line, what);
    reader->stopped = true;
}

static void take_column(struct reader *reader, struct text name)
{
    const struct column *column = find_column(name);

    if (reader->cell == COLUMNS_MAX)
        header_fault(reader, "too_long", "must have at most 256 columns");
    if (reader->cell >= COLUMNS_MAX)
        return;
    for (size_t i = 0; column && i < reader->cell; i++)
        if (reader->header[i] == column)
            header_fault(reader, "value_error", "must not have a column twice");
    reader->header[reader->cell] = column;
}

static void take_cell(struct reader *reader, struct text cell)
{
    const struct column *column =
        reader->cell < reader->width ? reader->header[reader->cell] : NULL;

    if (is_marked(cell) && cell.data[0] == '\'' &&
        is_marked((struct text){cell.data + 1, cell.length - 1})) {
        cell.data++;
        cell.length--;
    }
    if (column && cell.data)
        record_set(reader->json, column->name, column->read(cell));
}

/* libcsv's call for each cell; an empty one without quotes is NULL. */
static void on_cell(void *cell, size_t length, void *data)
{
    struct reader *reader = data;
    struct text text = {cell, length};

    if (reader->width == 0)
        take_column(reader, text);
    else
        take_cell(reader, text);
    reader->cell++;
}

static void end_header(struct reader *reader)
{
    bool has_title = false;

    reader->width = reader->cell < COLUMNS_MAX ? reader->cell : COLUMNS_MAX;
    for (size_t i = 0; i < reader->width; i++)
        has_title |= reader->header[i] == find_column(TEXT_LITERAL("title"));
    if (!has_title)
        header_fault(reader, "missing", "must have a column \"title\"");
}

static enum err end_record(struct reader *reader)
{
    struct record *record = &reader->record;
    enum err err = ERR_NONE;

    snprintf(record->pointer, sizeof record->pointer, "/%zu", record->index);
    record->json = reader->json;
    record->faulty = reader->cell > reader->width;
    if (record->faulty)
        err = problem_fault(reader->problem, "body", record->pointer, "too_long",
                            "line %u: has more cells than the header", record->line);
    err = record_worst(err, reader->sink(reader->data, record));
    record->index++;
    json_object_clear(reader->json);
    return err;
}

/* libcsv's call at the end of each row that has cells. */
static void on_row(int terminator, void *data)
{
    struct reader *reader = data;

    (void)terminator;
    if (reader->width == 0)
        end_header(reader);
    else if (!reader->stopped)
        reader->err = record_worst(reader->err, end_record(reader));
    reader->stopped |= record_is_fatal(reader->err);
    reader->cell = 0;
    reader->in_row = false;
}

static enum err refuse(struct reader *reader, struct csv_parser *parser, const char *what,
                       unsigned line)
{
    if (csv_error(parser) != CSV_EPARSE)
        log_out_of_memory();
    return problem_set(reader->problem, ERR_BAD_REQUEST, "%s at line %u", what, line);
}

/* Feeds the body line by line, so that the parser's faults and the rows have theirs. */
static enum err feed(struct reader *reader, struct csv_parser *parser, struct text body)
{
    while (body.length > 0) {
        const char *end = memchr(body.data, '\n', body.length);
        size_t length = end ? (size_t)(end - body.data) + 1 : body.length;

        reader->line++;
        if (!reader->in_row)
            reader->record.line = reader->line;
        reader->in_row = reader->in_row || (body.data[0] != '\r' && body.data[0] != '\n');
        if (csv_parse(parser, body.data, length, on_cell, on_row, reader) != length)
            return refuse(reader, parser, "the body is not CSV: a quote in the wrong place",
                          reader->line);
        if (reader->stopped)
            return reader->err;
        body.data += length;
        body.length -= length;
    }
    if (csv_fini(parser, on_cell, on_row, reader) != 0)
        return refuse(reader, parser, "the body ends inside of the quotes opened",
                      reader->record.line);
    if (reader->width == 0)
        return problem_set(reader->problem, ERR_BAD_REQUEST,
                           "the body is empty; a header row is expected");
    return reader->err;
}

/* RFC 4180: blanks are part of a cell. */
static int no_blanks(unsigned char c)
{
    (void)c;
    return 0;
}

static enum err read_rows(struct text body, struct reader *reader)
{
    struct csv_parser parser;
    enum err err;

    if (csv_init(&parser, CSV_STRICT | CSV_STRICT_FINI | CSV_EMPTY_IS_NULL) != 0)
        return ERR_INTERNAL;
    csv_set_space_func(&parser, no_blanks);
    csv_set_blk_size(&parser, BLOCK_SIZE);
    err = feed(reader, &parser, body);
    csv_free(&parser);
    return err;
}

enum err task_csv_read(struct text body, struct problem *problem, record_sink *sink, void *data)
{
    struct reader reader = {.problem = problem, .sink = sink, .data = data};
    enum err err;

    body = text_without_bom(body);
    if (!text_is_utf8(body))
        return problem_set(problem, ERR_BAD_REQUEST, "the body is not UTF-8");
    if (body.length > 0 && memchr(body.data, '\0', body.length))
        return problem_fault(problem, "body", "", "null_character", "must not hold U+0000");
    reader.json = record_object();
    err = read_rows(body, &reader);
    json_decref(reader.json);
    return err;
}

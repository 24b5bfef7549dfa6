/* SPDX-License-Identifier: ISC */
/* users_csv.c: libcsv finds the cells; a row is handed on when it has ended. */
#include <config.h>

#include "users_csv.h"

#include <csv.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "log.h"
#include "text.h"

enum column { COLUMN_ID, COLUMN_EMAIL, COLUMN_NAME, COLUMN_HASH, COLUMN_COUNT };

static const char *const column_names[COLUMN_COUNT] = {"id", "email", "name", "password_hash"};

#define CELLS_MAX 64

struct reader {
    users_csv_sink *sink;
    void *data;
    size_t line;            /* rows so far */
    size_t cell;            /* of this row */
    int columns[CELLS_MAX]; /* which one a cell is; COLUMN_COUNT: none of ours */
    char *values[COLUMN_COUNT];
};

static void clear(struct reader *reader)
{
    for (int i = 0; i < COLUMN_COUNT; i++) {
        free(reader->values[i]);
        reader->values[i] = NULL;
    }
    reader->cell = 0;
}

static int column_of(struct text name)
{
    int column = 0;

    name = text_trim(name);
    while (column < COLUMN_COUNT &&
           (strlen(column_names[column]) != name.length ||
            strncasecmp(column_names[column], name.data, name.length) != 0))
        column++;
    return column;
}

/* A cell of the header, or of an account; an empty one is none. */
static void take_cell(void *text, size_t length, void *data)
{
    struct reader *reader = data;
    size_t cell = reader->cell++;

    if (cell >= CELLS_MAX)
        return;
    if (reader->line == 0)
        reader->columns[cell] = column_of((struct text){text, length});
    else if (reader->columns[cell] < COLUMN_COUNT && length > 0) {
        char **value = &reader->values[reader->columns[cell]];

        free(*value);
        *value = malloc(length + 1);
        if (!*value)
            log_out_of_memory();
        memcpy(*value, text, length); /* libcsv's cell is not terminated */
        (*value)[length] = '\0';
    }
}

static void take_row(int end, void *data)
{
    struct reader *reader = data;
    const struct users_new account = {reader->values[COLUMN_ID], reader->values[COLUMN_EMAIL],
                                      reader->values[COLUMN_NAME], reader->values[COLUMN_HASH]};

    (void)end;
    if (reader->line++ > 0)
        reader->sink(reader->data, reader->line, &account);
    clear(reader);
}

static const char *read_all(struct csv_parser *parser, FILE *file, struct reader *reader)
{
    char block[4096];
    size_t size = fread(block, 1, sizeof block, file); /* whole, also from a pipe */
    struct text part = text_without_bom((struct text){block, size});

    for (; size > 0; part = (struct text){block, size}) {
        if (csv_parse(parser, part.data, part.length, take_cell, take_row, reader) != part.length)
            return csv_strerror(csv_error(parser));
        size = fread(block, 1, sizeof block, file);
    }
    if (ferror(file))
        return "it cannot be read";
    if (csv_fini(parser, take_cell, take_row, reader) != 0)
        return "it ends inside of quotes";
    return reader->line > 0 ? NULL : "it is empty";
}

const char *users_csv_read(FILE *file, users_csv_sink *sink, void *data)
{
    struct reader reader = {.sink = sink, .data = data};
    struct csv_parser parser;
    const char *fault;

    for (size_t i = 0; i < CELLS_MAX; i++)
        reader.columns[i] = COLUMN_COUNT;
    if (csv_init(&parser, CSV_STRICT | CSV_STRICT_FINI) != 0)
        log_out_of_memory();
    fault = read_all(&parser, file, &reader);
    csv_free(&parser);
    clear(&reader);
    return fault;
}

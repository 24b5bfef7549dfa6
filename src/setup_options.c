/* SPDX-License-Identifier: ISC */
/* setup_options.c: the table of options of `todoctl setup`, and its questions. */
#include <config.h>

#include "setup_options.h"

#include <getopt.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "program.h"
#include "text.h"

#define DATABASE_NAME_MAX 63 /* bytes; PostgreSQL would cut off the rest */

static int refuse(const char *problem, const char *subject)
{
    fprintf(stderr, "todoctl: %s%s: see todoctl setup --help\n", problem, subject);
    return EX_USAGE;
}

/* ---- what a value must be: NULL, or the fault (static) */

static const char *any_fault(const char *value)
{
    return *value ? NULL : "must not be empty";
}

static const char *database_fault(const char *value)
{
    struct text name = text_of(value);

    if (name.length < 1 || name.length > DATABASE_NAME_MAX)
        return "must be 1 to 63 bytes";
    return text_is_utf8(name) && !text_has_control(name)
               ? NULL
               : "must be UTF-8 without control characters";
}

static const char *workers_fault(const char *value)
{
    int64_t number;

    return text_to_int(text_of(value), 1, 1024, &number) ? NULL : "must be 1 to 1024";
}

/* One line of a settings file, unquoted. */
static const char *line_fault(const char *value)
{
    return text_is_utf8(text_of(value)) && !text_has_control(text_of(value)) && !strchr(value, '\\')
               ? NULL
               : "must be UTF-8 without control characters and backslashes";
}

/* ---- options */

static const struct value {
    const char *name;
    size_t offset; /* of its member in struct setup_options */
    const char *(*fault)(const char *value);
} values[] = {
    {"admin-url", offsetof(struct setup_options, admin_url), any_fault},
    {"config", offsetof(struct setup_options, config), any_fault},
    {"cors", offsetof(struct setup_options, cors), line_fault},
    {"database", offsetof(struct setup_options, database), database_fault},
    {"group", offsetof(struct setup_options, group), any_fault},
    {"schema", offsetof(struct setup_options, schema), any_fault},
    {"server", offsetof(struct setup_options, server), any_fault},
    {"workers", offsetof(struct setup_options, workers), workers_fault},
};
#define VALUE_COUNT (sizeof values / sizeof *values)
#define FLAG_COUNT 3

static int set_value(struct setup_options *options, const struct value *value, const char *text)
{
    const char *fault = value->fault(text);

    if (fault) {
        fprintf(stderr, "todoctl: --%s %s\n", value->name, fault);
        return EX_USAGE;
    }
    *(const char **)((char *)options + value->offset) = text;
    return EX_OK;
}

/* getopt's table: an option with a value answers its place among `values`. */
static void fill_table(struct setup_options *options,
                       struct option table[VALUE_COUNT + FLAG_COUNT + 1])
{
    struct option *flags = table + VALUE_COUNT;

    for (size_t i = 0; i < VALUE_COUNT; i++)
        table[i] = (struct option){values[i].name, required_argument, NULL, (int)i};
    flags[0] = (struct option){"prefix", no_argument, &options->prefix, 1};
    flags[1] = (struct option){"reset-password", no_argument, &options->reset_password, 1};
    flags[2] = (struct option){"yes", no_argument, &options->yes, 1};
    flags[FLAG_COUNT] = (struct option){NULL, 0, NULL, 0};
}

int setup_options_read(struct setup_options *options, int argc, char **argv)
{
    struct option table[VALUE_COUNT + FLAG_COUNT + 1];
    int place, entry = -1;

    fill_table(options, table);
    while ((place = getopt_long(argc, argv, "", table, &entry)) != -1) {
        if (place == '?')
            return refuse("unknown option, or its value is missing: ",
                          program_refused_option(argv));
        if (entry >= 0 && (size_t)entry < VALUE_COUNT &&
            set_value(options, &values[entry], optarg) != EX_OK)
            return EX_USAGE;
    }
    return optind < argc ? refuse("unexpected argument ", argv[optind]) : EX_OK;
}

/* ---- questions */

/* The answer without its newline; NULL at the end of the input. */
static char *read_answer(void)
{
    char *line = NULL;
    size_t size = 0;
    ssize_t length = getline(&line, &size, stdin);

    if (length < 0) {
        free(line);
        return NULL;
    }
    line[strcspn(line, "\r\n")] = '\0';
    return line;
}

static const struct value *find_value(const char *name)
{
    for (size_t i = 0; i < VALUE_COUNT; i++)
        if (strcmp(values[i].name, name) == 0)
            return &values[i];
    return NULL;
}

/* Until the answer will do; an empty one leaves the option as it is. */
static int ask(struct setup_options *options, const char *name, const char *question,
               const char *preset)
{
    const struct value *value = find_value(name);

    for (;;) {
        char *answer;

        printf("%s [%s]: ", question, preset);
        fflush(stdout);
        answer = read_answer();
        if (!answer) {
            fputs("todoctl: no answer, and nothing was changed\n", stderr);
            return EX_NOINPUT;
        }
        if (*answer != '\0' && set_value(options, value, answer) == EX_OK) {
            options->answers[options->answer_count++] = answer;
            return EX_OK;
        }
        if (*answer == '\0') {
            free(answer);
            return EX_OK;
        }
        free(answer);
    }
}

static int confirm(const struct setup_options *options)
{
    char *answer;
    bool yes;

    printf("Settings go to %s. Go ahead? [yes]: ", options->config);
    fflush(stdout);
    answer = read_answer();
    yes = answer && (*answer == '\0' || *answer == 'y' || *answer == 'Y');
    free(answer);
    if (!yes)
        fputs("todoctl: nothing was changed\n", stderr);
    return yes ? EX_OK : EX_NOINPUT;
}

int setup_options_ask(struct setup_options *options)
{
    bool kept = access(options->config, F_OK) == 0;
    int status = EX_OK;

    if (options->yes || !isatty(STDIN_FILENO))
        return EX_OK;
    if (!options->admin_url)
        status = ask(options, "admin-url", "PostgreSQL, as its administrator (a URL)",
                     kept ? "that of the settings file, else the local socket, as postgres"
                          : "the local socket, as postgres");
    if (status == EX_OK && !options->database && !kept)
        status = ask(options, "database", "Name of the database", SETUP_DATABASE);
    if (status == EX_OK && !options->cors && !kept)
        status = ask(options, "cors", "Origins of browser clients, separated by commas", "none");
    return status == EX_OK ? confirm(options) : status;
}

void setup_options_fini(struct setup_options *options)
{
    for (size_t i = 0; i < options->answer_count; i++) {
        explicit_bzero(options->answers[i], strlen(options->answers[i])); /* a URL has a password */
        free(options->answers[i]);
    }
}

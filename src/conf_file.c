/* SPDX-License-Identifier: ISC */
/* conf_file.c: reads assignments in place. A value is never longer than its source text, so each is
 * written over itself: `out` follows `file->next` and never overtakes it. */
#include <config.h>

#include "conf_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "log.h"

#define BLANKS " \t"
#define NEWLINES "\r\n"
#define EXPORT "export"
#define KEPT_IN_QUOTES "\"\\`$" /* what a backslash protects between double quotes */

/* ---- whole files */

/* Bytes read up to the end or `size`, or -1 with errno. */
static ssize_t read_all(int fd, char *data, size_t size)
{
    size_t length = 0;
    while (length < size) {
        ssize_t got = read(fd, data + length, size - length);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return -1;
        if (got == 0)
            break;
        length += (size_t)got;
    }
    return (ssize_t)length;
}

/* 0 or an errno; EILSEQ stands for a NUL byte. */
static int read_text(int fd, char *data)
{
    ssize_t length = read_all(fd, data, CONF_FILE_MAX + 1);
    if (length < 0)
        return errno;
    if (length > CONF_FILE_MAX)
        return EFBIG;
    data[length] = '\0';
    return memchr(data, '\0', (size_t)length) ? EILSEQ : 0;
}

int conf_file_read(const char *path, char **text, const char **fault)
{
    *text = NULL;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    int error = fd < 0 ? errno : 0;
    if (fd >= 0) {
        char *data = calloc(1, CONF_FILE_MAX + 1);
        if (!data)
            log_out_of_memory();
        error = read_text(fd, data);
        close(fd);
        if (error)
            conf_file_wipe(data);
        else
            *text = data;
    }
    *fault = error == EFBIG    ? "it is larger than 64 KiB"
             : error == EILSEQ ? "it holds a NUL byte"
                               : strerror(error);
    return error;
}

void conf_file_wipe(char *text)
{
    if (!text)
        return;
    explicit_bzero(text, CONF_FILE_MAX + 1);
    free(text);
}

/* ---- assignments */

static bool is_one_of(char c, const char *set)
{
    return c != '\0' && strchr(set, c);
}

/* Takes one byte of the text. */
static char take(struct conf_file *file)
{
    if (*file->next == '\n')
        file->line++;
    return *file->next++;
}

/* Takes the end of a line: \n, \r\n or \r. */
static void take_newline(struct conf_file *file)
{
    if (take(file) == '\r' && *file->next == '\n')
        take(file);
}

/* Moves to the first byte of an assignment. */
static void skip_to_name(struct conf_file *file)
{
    for (;;) {
        while (is_one_of(*file->next, BLANKS NEWLINES))
            take(file);
        if (*file->next != '#' && *file->next != ';')
            return;
        file->next += strcspn(file->next, NEWLINES);
    }
}

static bool is_identifier(const char *name)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_";
    static const char others[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789";
    return is_one_of(*name, letters) && name[strspn(name, others)] == '\0';
}

/* Cuts the name out of the text and moves behind '='. NULL when there is none. */
static char *read_name(struct conf_file *file)
{
    char *name = file->next;
    size_t length = strcspn(name, "=" NEWLINES);
    if (name[length] != '=')
        return NULL;
    file->next += length + 1;
    while (length > 0 && is_one_of(name[length - 1], BLANKS))
        length--;
    name[length] = '\0';
    size_t prefix = sizeof(EXPORT) - 1;
    if (strncmp(name, EXPORT, prefix) == 0 && is_one_of(name[prefix], BLANKS))
        name += prefix + strspn(name + prefix, BLANKS);
    return name;
}

/* What follows a backslash between double quotes. */
static void read_quoted_escape(struct conf_file *file, char **out)
{
    if (is_one_of(*file->next, NEWLINES)) {
        take_newline(file);
        return;
    }
    if (!is_one_of(*file->next, KEPT_IN_QUOTES))
        *(*out)++ = '\\';
    else
        *(*out)++ = take(file);
}

/* From the opening quote to behind the closing one. False when that is missing. */
static bool read_quoted(struct conf_file *file, char **out)
{
    char quote = take(file);
    while (*file->next != quote) {
        if (*file->next == '\0')
            return false;
        char c = take(file);
        if (c == '\\' && quote == '"')
            read_quoted_escape(file, out);
        else
            *(*out)++ = c;
    }
    take(file);
    return true;
}

/* Unquoted text up to the end of its line, without the blanks there that no backslash protects. */
static void read_unquoted(struct conf_file *file, char **out)
{
    char *end = *out;
    while (*file->next && !is_one_of(*file->next, NEWLINES)) {
        char c = take(file);
        bool escaped = c == '\\';
        if (escaped && is_one_of(*file->next, NEWLINES))
            take_newline(file);
        else if (!escaped)
            *(*out)++ = c;
        else if (*file->next)
            *(*out)++ = take(file);
        if (!is_one_of(c, BLANKS))
            end = *out;
    }
    *out = end;
}

/* Cuts the value out of the text and moves behind its line. NULL when a quote stays open. */
static char *read_value(struct conf_file *file)
{
    char *value = file->next;
    char *out = value;
    for (;;) {
        file->next += strspn(file->next, BLANKS);
        if (*file->next != '\'' && *file->next != '"')
            break;
        if (!read_quoted(file, &out))
            return NULL;
    }
    read_unquoted(file, &out);
    if (*file->next)
        take_newline(file);
    *out = '\0';
    return value;
}

int conf_file_next(struct conf_file *file, struct conf_entry *entry, const char **fault)
{
    skip_to_name(file);
    entry->line = file->line;
    if (*file->next == '\0')
        return 0;
    *fault = "expected NAME=VALUE";
    entry->name = read_name(file);
    if (!entry->name)
        return -1;
    *fault = "a name is made of letters, digits and _";
    if (!is_identifier(entry->name))
        return -1;
    *fault = "a quote that is opened here is never closed";
    entry->value = read_value(file);
    return entry->value ? 1 : -1;
}

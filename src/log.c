/* SPDX-License-Identifier: ISC */
/* log.c: a line is formatted whole, then masked, then neutralised, then written at once.
 *
 * Secrets are masked before anything is cut or escaped, so that neither can hide one from the
 * comparison; a cut that falls inside a secret takes the rest of it away too. */
#include <config.h>

#include "log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "text.h"

#define LINE_MAX_BYTES 2048 /* with the newline */
#define RAW_MAX_BYTES 8192  /* before masking and neutralising */
#define REQUEST_ID_MAX_BYTES 256
#define MASK_MIN_BYTES 8
#define MASK_COUNT 16
#define ELLIPSIS "..."
#define MASKED "****"

struct raw {
    char data[RAW_MAX_BYTES];
    size_t length;
};

struct line {
    char data[LINE_MAX_BYTES];
    size_t length;
    bool cut;
};

static const char *const level_names[LOG_LEVEL_COUNT] = {
    [LOG_LEVEL_ERROR] = "error",
    [LOG_LEVEL_WARNING] = "warning",
    [LOG_LEVEL_INFO] = "info",
    [LOG_LEVEL_DEBUG] = "debug",
};

static enum log_level current_level = LOG_LEVEL_INFO;
static const char *current_request_id;
static struct text masks[MASK_COUNT];
static size_t mask_count;

int log_level_parse(const char *name)
{
    for (int level = 0; level < LOG_LEVEL_COUNT; level++)
        if (strcmp(name, level_names[level]) == 0)
            return level;
    return -1;
}

const char *log_level_name(enum log_level level)
{
    return level_names[level];
}

void log_set_level(enum log_level level)
{
    current_level = level;
}

bool log_enabled(enum log_level level)
{
    return level <= current_level;
}

void log_set_request_id(const char *id)
{
    current_request_id = id;
}

void log_mask(const char *secret)
{
    struct text mask = text_of(secret);
    if (mask.length < MASK_MIN_BYTES || mask_count == MASK_COUNT)
        return;
    for (size_t i = 0; i < mask_count; i++)
        if (text_equal(masks[i], mask))
            return;
    mask.data = strdup(secret);
    if (!mask.data)
        log_out_of_memory();
    masks[mask_count++] = mask;
}

/* How many bytes of `t` are a secret that starts there: the longest one; 0 when none does. */
static size_t secret_at(struct text t)
{
    size_t longest = 0;
    for (size_t i = 0; i < mask_count; i++) {
        size_t length = masks[i].length;
        if (length > longest && length <= t.length && memcmp(t.data, masks[i].data, length) == 0)
            longest = length;
    }
    return longest;
}

/* Is `t` a secret whose end is missing? */
static bool is_cut_secret(struct text t)
{
    for (size_t i = 0; i < mask_count; i++)
        if (t.length < masks[i].length && memcmp(masks[i].data, t.data, t.length) == 0)
            return true;
    return false;
}

/* Adds a unit that must not be torn apart; leaves room for what ends a line. */
static void line_add(struct line *line, const char *unit, size_t length)
{
    if (line->length + length + sizeof(ELLIPSIS "\n") - 1 > sizeof(line->data)) {
        line->cut = true;
        return;
    }
    memcpy(line->data + line->length, unit, length);
    line->length += length;
}

/* The first character of `t` if it is harmless UTF-8; else a slice of no bytes. */
static struct text harmless_character(struct text t)
{
    unsigned char lead = (unsigned char)t.data[0];
    struct text character = {t.data, lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4};
    if (character.length > t.length || !text_is_utf8(character) || text_has_control(character))
        character.length = 0;
    return character;
}

/* Adds the first unit of `t` in the form in which it may be seen. Gives the bytes it took. */
static size_t line_add_first(struct line *line, struct text t)
{
    size_t secret = secret_at(t);
    if (secret > 0) {
        line_add(line, MASKED, sizeof(MASKED) - 1);
        return secret;
    }
    struct text character = harmless_character(t);
    if (character.length > 0) {
        line_add(line, character.data, character.length);
        return character.length;
    }
    char escaped[sizeof("\\xff")];
    int length = snprintf(escaped, sizeof(escaped), "\\x%02x", (unsigned char)t.data[0]);
    line_add(line, escaped, (size_t)length);
    return 1;
}

static void line_write(struct line *line)
{
    const char *end = line->cut ? ELLIPSIS "\n" : "\n";
    size_t length = strlen(end);
    memcpy(line->data + line->length, end, length);
    line->length += length;
    ssize_t written;
    do
        written = write(STDERR_FILENO, line->data, line->length);
    while (written < 0 && errno == EINTR);
}

/* Appends to `raw` as far as there is room. False when something had to stay behind. */
__attribute__((format(printf, 2, 0))) static bool raw_add(struct raw *raw, const char *format,
                                                          va_list arguments)
{
    size_t room = sizeof(raw->data) - raw->length;
    int wanted = vsnprintf(raw->data + raw->length, room, format, arguments);
    if (wanted < 0)
        return true; /* a broken format: the line goes out without it */
    bool fits = (size_t)wanted < room;
    raw->length += fits ? (size_t)wanted : room - 1;
    return fits;
}

__attribute__((format(printf, 2, 3))) static void raw_start(struct raw *raw, const char *format,
                                                            ...)
{
    va_list arguments;
    va_start(arguments, format);
    raw_add(raw, format, arguments);
    va_end(arguments);
}

/* Writes the finished text; `cut`: its end is missing already, perhaps in the midst of a secret. */
static void write_text(struct text rest, bool cut)
{
    struct line line = {.length = 0, .cut = false};
    while (rest.length > 0 && !line.cut && !(cut && is_cut_secret(rest))) {
        size_t taken = line_add_first(&line, rest);
        rest = (struct text){rest.data + taken, rest.length - taken};
    }
    line.cut = line.cut || cut;
    line_write(&line);
}

void log_write(enum log_level level, const char *format, ...)
{
    if (!log_enabled(level))
        return;
    int saved_errno = errno;
    struct raw raw;
    raw.length = 0; /* the rest is written before it is read */
    raw_start(&raw, "todo.fcgi[%ld]: %s: ", (long)getpid(), level_names[level]);
    if (current_request_id)
        raw_start(&raw, "[%.*s] ", REQUEST_ID_MAX_BYTES, current_request_id);
    va_list arguments;
    va_start(arguments, format);
    bool fits = raw_add(&raw, format, arguments);
    va_end(arguments);
    write_text((struct text){raw.data, raw.length}, !fits);
    errno = saved_errno;
}

void log_out_of_memory(void)
{
    log_error("out of memory");
    _exit(EX_OSERR);
}

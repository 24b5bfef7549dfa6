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
#include <time.h>
#include <unistd.h>

#include "text.h"
#include "timestamp.h"

#define LINE_MAX_BYTES 2048 /* with the newline */
#define RAW_MAX_BYTES 8192  /* before masking and neutralising */
#define REQUEST_ID_MAX_BYTES 256
#define MASK_MIN_BYTES 8
#define MASK_COUNT 16
#define ELLIPSIS "..."
#define MASKED "****"
#define LONGEST_END ELLIPSIS "\"}\n"

struct raw {
    char data[RAW_MAX_BYTES];
    size_t length;
};

struct line {
    char data[LINE_MAX_BYTES];
    size_t length;
    bool cut;
    bool in_json; /* a string that the line ends with */
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
static bool is_first[256]; /* does a mask begin with that byte? */
static bool writes_json;

int log_level_parse(const char *name)
{
    for (int level = 0; level < LOG_LEVEL_COUNT; level++)
        if (strcmp(name, level_names[level]) == 0)
            return level;
    return -1;
}

void log_set_level(enum log_level level)
{
    current_level = level;
}

bool log_enabled(enum log_level level)
{
    return level <= current_level;
}

void log_set_json(bool json)
{
    writes_json = json;
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
    is_first[(unsigned char)*secret] = true;
}

/* How many bytes of `t` are a secret that starts there: the longest one; 0 when none does. */
static size_t secret_at(struct text t)
{
    size_t longest = 0;
    if (!is_first[(unsigned char)t.data[0]])
        return 0;
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
    if (line->length + length + sizeof(LONGEST_END) - 1 > sizeof(line->data)) {
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
    if (lead >= 0x20 && lead < 0x7f)
        return (struct text){t.data, 1};
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
    if (line->in_json && (*t.data == '"' || *t.data == '\\')) {
        line_add(line, *t.data == '"' ? "\\\"" : "\\\\", 2);
        return 1;
    }
    if (character.length > 0) {
        line_add(line, character.data, character.length);
        return character.length;
    }
    char escaped[sizeof("\\\\xff")];
    int length = snprintf(escaped, sizeof(escaped), "%s\\x%02x", line->in_json ? "\\" : "",
                          (unsigned char)t.data[0]);
    line_add(line, escaped, (size_t)length);
    return 1;
}

static void line_write(struct line *line)
{
    const char *ends[] = {line->cut ? ELLIPSIS : "", writes_json ? "\"}" : "", "\n"};
    for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
        size_t length = strlen(ends[i]);
        memcpy(line->data + line->length, ends[i], length);
        line->length += length;
    }
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

/* Adds the finished text; `cut`: its end is missing already, perhaps in the midst of a secret. */
static void line_add_text(struct line *line, struct text rest, bool cut)
{
    while (rest.length > 0 && !line->cut && !(cut && is_cut_secret(rest))) {
        size_t taken = line_add_first(line, rest);
        rest = (struct text){rest.data + taken, rest.length - taken};
    }
    line->cut = line->cut || cut;
}

/* ---- what a line begins with: nothing of it is a secret or needs to be neutralised */

static void line_add_word(struct line *line, const char *word)
{
    line_add(line, word, strlen(word));
}

static void line_add_number(struct line *line, int64_t number)
{
    char digits[20];
    size_t at = sizeof(digits);
    uint64_t rest = number > 0 ? (uint64_t)number : 0;
    do
        digits[--at] = (char)('0' + rest % 10);
    while ((rest /= 10) > 0);
    line_add(line, digits + at, sizeof(digits) - at);
}

static void line_add_time(struct line *line)
{
    struct timespec now;
    char text[TIMESTAMP_TEXT_SIZE];
    clock_gettime(CLOCK_REALTIME, &now);
    timestamp_format(text,
                     ((int64_t)now.tv_sec - TIMESTAMP_UNIX_EPOCH) * 1000000 + now.tv_nsec / 1000);
    line_add(line, text, sizeof(text));
}

static void line_start_json(struct line *line, enum log_level level)
{
    line_add_word(line, "{\"time\":\"");
    line_add_time(line);
    line_add_word(line, "\",\"level\":\"");
    line_add_word(line, level_names[level]);
    line_add_word(line, "\",\"pid\":");
    line_add_number(line, getpid());
}

static void line_start_text(struct line *line, enum log_level level)
{
    line_add_word(line, "todo.fcgi[");
    line_add_number(line, getpid());
    line_add_word(line, "]: ");
    line_add_word(line, level_names[level]);
    line_add_word(line, ": ");
}

/* Up to where the message begins. */
static void line_start(struct line *line, enum log_level level)
{
    size_t length = current_request_id ? strnlen(current_request_id, REQUEST_ID_MAX_BYTES) : 0;
    line->length = 0;
    line->cut = false;
    line->in_json = writes_json;
    if (writes_json)
        line_start_json(line, level);
    else
        line_start_text(line, level);
    if (current_request_id) {
        line_add_word(line, writes_json ? ",\"request_id\":\"" : "[");
        line_add_text(line, (struct text){current_request_id, length}, false);
        line_add_word(line, writes_json ? "\"" : "] ");
    }
}

/* ---- lines */

void log_write(enum log_level level, const char *format, ...)
{
    if (!log_enabled(level))
        return;
    int saved_errno = errno;
    struct line line;
    struct raw raw;
    raw.length = 0; /* the rest is written before it is read */
    va_list arguments;
    va_start(arguments, format);
    bool fits = raw_add(&raw, format, arguments);
    va_end(arguments);
    line_start(&line, level);
    if (writes_json)
        line_add_word(&line, ",\"message\":\"");
    line_add_text(&line, (struct text){raw.data, raw.length}, !fits);
    line_write(&line);
    errno = saved_errno;
}

/* A member, or a word of text. */
struct piece {
    const char *json, *text; /* what stands before it */
    const char *words[2];    /* NULL: it is the number; "" and "": there is none */
    int64_t number;
};

static void line_add_piece(struct line *line, const struct piece *piece)
{
    if (piece->words[0] && !*piece->words[0] && !*piece->words[1])
        return;
    line_add_word(line, writes_json ? piece->json : piece->text);
    if (!piece->words[0]) {
        line_add_number(line, piece->number);
        return;
    }
    line_add_word(line, piece->words[0]);
    line_add_word(line, piece->words[1]);
    if (writes_json)
        line_add_word(line, "\"");
}

void log_access(const struct log_access *access)
{
    const struct piece pieces[] = {
        {",\"method\":\"", "", {access->method, ""}, 0},
        {",\"route\":\"", " ", {access->base, access->route}, 0},
        {",\"status\":", " ", {NULL, NULL}, access->status},
        {",\"user\":\"", " user=", {access->user, ""}, 0},
        {",\"duration_us\":", " us=", {NULL, NULL}, access->duration_us},
        {",\"database_us\":", " database_us=", {NULL, NULL}, access->database_us},
    };
    struct line line;
    int saved_errno = errno;
    if (!log_enabled(LOG_LEVEL_INFO))
        return;
    line_start(&line, LOG_LEVEL_INFO);
    for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++)
        line_add_piece(&line, &pieces[i]);
    if (writes_json)
        line_add_word(&line, ",\"message\":\"answered");
    line_write(&line);
    errno = saved_errno;
}

void log_out_of_memory(void)
{
    log_error("out of memory");
    _exit(EX_OSERR);
}

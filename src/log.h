/* SPDX-License-Identifier: ISC */
/* log.h: one line per event on standard error, as text or as a JSON object. Control characters are
 * neutralised and registered secrets masked here and nowhere else; no line holds a token, a
 * password or a secret. */
#ifndef TODO_LOG_H
#define TODO_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum log_level {
    LOG_LEVEL_ERROR,
    LOG_LEVEL_WARNING,
    LOG_LEVEL_INFO,
    LOG_LEVEL_DEBUG,
    LOG_LEVEL_COUNT
};

/* "error", "warning", "info", "debug"; -1 for anything else. */
int log_level_parse(const char *name);

/* Lines above `level` are dropped. Before the first call: LOG_LEVEL_INFO. */
void log_set_level(enum log_level level);
bool log_enabled(enum log_level level);

/* Later lines are JSON objects, or text again. Before the first call: text. */
void log_set_json(bool json);

/* Every later line has this id; NULL for none. The string must live until the next call. */
void log_set_request_id(const char *id);

/* `secret` (copied, 8 bytes or more, else ignored) is written as **** from now on. Up to 16. */
void log_mask(const char *secret);

/* One line in a single write(2), at most 2 KiB: "todo.fcgi[PID]: LEVEL: [REQUEST-ID] text\n", or
 * {"time":…,"level":…,"pid":…,"request_id":…,"message":"text"}. */
void log_write(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* What is told of a request that was answered. All strings but `user` are the product's own; that
 * is a pseudonym (pseudonym.h), or "" for nobody. */
struct log_access {
    const char *method;
    const char *base, *route; /* together the pattern of the path */
    const char *user;
    int status;
    int64_t duration_us, database_us;
};

/* One line, at info level. */
void log_access(const struct log_access *access);

#define log_error(...) log_write(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warning(...) log_write(LOG_LEVEL_WARNING, __VA_ARGS__)
#define log_info(...) log_write(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...) log_write(LOG_LEVEL_DEBUG, __VA_ARGS__)

/* One line at error level, then the process ends with EX_OSERR. For arena and buf. */
void log_out_of_memory(void) __attribute__((noreturn));

#endif

/* SPDX-License-Identifier: ISC */
/* conf_type.h: the types of settings: how the text of a value becomes a member of struct conf. For
 * conf.c. */
#ifndef TODO_CONF_TYPE_H
#define TODO_CONF_TYPE_H

#include <stdbool.h>

/* What is wrong with a value, to stand behind the setting's name; never a secret. */
struct conf_fault {
    char text[256];
};

struct conf_limits {
    long minimum, maximum; /* of an integer */
    const char *(*check)(
        const char *item); /* of a string or a list's item: NULL, or what it must be (static) */
};

struct conf_type {
    const char *name;
    bool secret; /* never shown; NAME_FILE names a file that holds it */
    /* Reads `value` into the member at `target`, which is clear. */
    bool (*set)(void *target, const char *value, const struct conf_limits *limits,
                struct conf_fault *fault);
    void (*clear)(void *target); /* frees what set allocated; also right when it was never called */
};

extern const struct conf_type conf_boolean; /* bool */
extern const struct conf_type conf_compat;  /* unsigned, bits of enum compat */
extern const struct conf_type conf_integer; /* long */
extern const struct conf_type conf_level;   /* long, an enum log_level */
extern const struct conf_type conf_list;    /* char **, split at commas, trimmed, NULL-terminated */
extern const struct conf_type conf_secret;  /* char *, 32 bytes or more; registered with log_mask */
extern const struct conf_type conf_string;  /* char *, UTF-8 without control characters */
extern const struct conf_type conf_url;     /* char *, a database's; its password is masked too */

#endif

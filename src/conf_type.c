/* SPDX-License-Identifier: ISC */
/* conf_type.c: one pair of functions per type, and the table row that names them. Secrets and URLs
 * are registered for masking before anything is said about them. */
#include <config.h>

#include "conf_type.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "compat.h"
#include "conf.h"
#include "conf_url.h"
#include "log.h"
#include "text.h"

#define SECRET_MIN_BYTES 32
#define SHOWN_BYTES 64 /* of a value in a fault */

__attribute__((format(printf, 2, 3))) static bool refuse(struct conf_fault *fault,
                                                         const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(fault->text, sizeof(fault->text), format, arguments);
    va_end(arguments);
    return false;
}

static char *copy(struct text t)
{
    char *text = strndup(t.data, t.length);
    if (!text)
        log_out_of_memory();
    return text;
}

static void clear_nothing(void *target)
{
    (void)target;
}

static void clear_string(void *target)
{
    char **member = target;
    if (*member)
        explicit_bzero(*member, strlen(*member));
    free(*member);
    *member = NULL;
}

/* ---- boolean */

static const struct {
    const char *word;
    bool value;
} booleans[] = {
    {"0", false},  {"1", true},   {"false", false}, {"true", true},
    {"no", false}, {"yes", true}, {"off", false},   {"on", true},
};

static bool set_boolean(void *target, const char *value, const struct conf_limits *limits,
                        struct conf_fault *fault)
{
    (void)limits;
    for (size_t i = 0; i < sizeof(booleans) / sizeof(booleans[0]); i++) {
        if (strcasecmp(value, booleans[i].word) == 0) {
            *(bool *)target = booleans[i].value;
            return true;
        }
    }
    return refuse(fault, "must be 1 or 0, not \"%.*s\"", SHOWN_BYTES, value);
}

const struct conf_type conf_boolean = {"boolean", false, set_boolean, clear_nothing};

/* ---- integer */

static bool set_integer(void *target, const char *value, const struct conf_limits *limits,
                        struct conf_fault *fault)
{
    int64_t number;
    if (!text_to_int(text_of(value), limits->minimum, limits->maximum, &number))
        return refuse(fault, "must be a number from %ld to %ld, not \"%.*s\"", limits->minimum,
                      limits->maximum, SHOWN_BYTES, value);
    *(long *)target = (long)number;
    return true;
}

const struct conf_type conf_integer = {"integer", false, set_integer, clear_nothing};

/* ---- level */

static bool set_level(void *target, const char *value, const struct conf_limits *limits,
                      struct conf_fault *fault)
{
    (void)limits;
    int level = log_level_parse(value);
    if (level < 0)
        return refuse(fault, "must be error, warning, info or debug, not \"%.*s\"", SHOWN_BYTES,
                      value);
    *(long *)target = level;
    return true;
}

const struct conf_type conf_level = {"level", false, set_level, clear_nothing};

/* ---- list */

/* Takes the text up to the next comma off *rest. */
static struct text take_item(struct text *rest)
{
    const char *comma = memchr(rest->data, ',', rest->length);
    size_t length = comma ? (size_t)(comma - rest->data) : rest->length;
    size_t taken = comma ? length + 1 : length;
    struct text item = text_trim((struct text){rest->data, length});
    *rest = (struct text){rest->data + taken, rest->length - taken};
    return item;
}

static bool set_list(void *target, const char *value, const struct conf_limits *limits,
                     struct conf_fault *fault)
{
    char **items = calloc(strlen(value) / 2 + 2, sizeof(*items)); /* "a,b": the densest list */
    if (!items)
        log_out_of_memory();
    *(char ***)target = items;
    for (struct text rest = text_of(value); rest.length > 0;) {
        struct text item = take_item(&rest);
        if (item.length == 0)
            continue;
        *items = copy(item);
        const char *wrong = limits->check ? limits->check(*items) : NULL;
        if (wrong)
            return refuse(fault, "%s, not \"%.*s\"", wrong, SHOWN_BYTES, *items);
        items++;
    }
    return true;
}

static void clear_list(void *target)
{
    char ***member = target;
    for (char **item = *member; item && *item; item++)
        free(*item);
    free(*member);
    *member = NULL;
}

const struct conf_type conf_list = {"list", false, set_list, clear_list};

/* ---- compat */

static bool set_compat(void *target, const char *value, const struct conf_limits *limits,
                       struct conf_fault *fault)
{
    (void)limits;
    for (struct text rest = text_of(value); rest.length > 0;) {
        struct text item = take_item(&rest);
        unsigned bit = compat_bit(item);
        if (item.length > 0 && bit == 0)
            return refuse(fault, "must be words of %s, not \"%.*s\"", compat_words(),
                          item.length < SHOWN_BYTES ? (int)item.length : SHOWN_BYTES, item.data);
        *(unsigned *)target |= bit;
    }
    return true;
}

const struct conf_type conf_compat = {"words", false, set_compat, clear_nothing};

/* ---- secret */

/* Secrets that are long enough and that everybody knows. */
static const char *const public_secrets[] = {
    "better-auth-secret-12345678901234567890",
};

static bool set_secret(void *target, const char *value, const struct conf_limits *limits,
                       struct conf_fault *fault)
{
    (void)limits;
    log_mask(value);
    if (strlen(value) < SECRET_MIN_BYTES)
        return refuse(fault, "must have at least %d bytes: make one with todoctl secret",
                      SECRET_MIN_BYTES);
    for (size_t i = 0; i < sizeof(public_secrets) / sizeof(public_secrets[0]); i++)
        if (strcmp(value, public_secrets[i]) == 0)
            return refuse(fault, "is Better Auth's public default, which everybody knows: make one "
                                 "with todoctl secret");
    *(char **)target = copy(text_of(value));
    return true;
}

const struct conf_type conf_secret = {"secret", true, set_secret, clear_string};

/* ---- string */

static bool set_string(void *target, const char *value, const struct conf_limits *limits,
                       struct conf_fault *fault)
{
    const char *wrong = limits->check ? limits->check(value) : NULL;
    if (!text_is_utf8(text_of(value)) || text_has_control(text_of(value)))
        return refuse(fault, "must be UTF-8 without control characters");
    if (wrong && strchr(value, '@')) /* perhaps behind a password */
        return refuse(fault, "%s", wrong);
    if (wrong)
        return refuse(fault, "%s, not \"%.*s\"", wrong, SHOWN_BYTES, value);
    *(char **)target = copy(text_of(value));
    return true;
}

const struct conf_type conf_string = {"string", false, set_string, clear_string};

/* ---- url */

static void mask_url(const char *url)
{
    char *password = conf_url_password(url);
    log_mask(url);
    if (password)
        log_mask(password);
    clear_string(&password);
}

static bool set_url(void *target, const char *value, const struct conf_limits *limits,
                    struct conf_fault *fault)
{
    (void)limits;
    char *url = conf_url_database(value);
    mask_url(url ? url : value);
    if (!url)
        return refuse(fault, "must begin with postgresql:// or be a libpq string such as "
                             "\"host=/run/postgresql dbname=todo\"");
    *(char **)target = url;
    const char *wrong = conf_database_url_fault(url);
    return wrong ? refuse(fault, "%s", wrong) : true;
}

const struct conf_type conf_url = {"url", true, set_url, clear_string};

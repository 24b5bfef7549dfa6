/* SPDX-License-Identifier: ISC */
/* etag.c: reads lists of entity tags: #( [ "W/" ] DQUOTE *etagc DQUOTE ), or "*". */
#include <config.h>

#include <string.h>

#include "etag.h"

static const char *skip_blanks(const char *s)
{
    return s + strspn(s, " \t");
}

/* Cuts what a compressing web server adds behind the last '-' or ';' (only letters can follow: our
 * own tags have no letter there). */
static struct text without_suffix(struct text tag)
{
    size_t end = tag.length;

    while (end > 0 && ((tag.data[end - 1] | 0x20) >= 'a' && (tag.data[end - 1] | 0x20) <= 'z'))
        end--;
    if (end > 1 && end < tag.length && (tag.data[end - 1] == '-' || tag.data[end - 1] == ';'))
        tag.length = end - 1;
    return tag;
}

/* One tag at `s`; gives the byte behind it, NULL if there is none. */
static const char *read_tag(const char *s, struct text *tag)
{
    const char *end;

    if (strncmp(s, "W/", 2) == 0)
        s += 2;
    if (*s != '"' || !(end = strchr(s + 1, '"')))
        return NULL;
    for (const char *c = s + 1; c < end; c++)
        if ((unsigned char)*c <= 0x20 || *c == 0x7f)
            return NULL;
    *tag = without_suffix((struct text){s + 1, (size_t)(end - s - 1)});
    return end + 1;
}

static bool read_list(const char *s, struct etag_condition *condition)
{
    for (;;) {
        s = skip_blanks(s);
        if (*s == ',') { /* empty elements are legal: RFC 9110 5.6.1.2 */
            s++;
            continue;
        }
        if (*s == '\0')
            return condition->count > 0;
        if (condition->count == ETAG_LIST_MAX)
            return false;
        s = read_tag(s, &condition->tags[condition->count++]);
        if (!s)
            return false;
        s = skip_blanks(s);
        if (*s != ',' && *s != '\0')
            return false;
    }
}

enum err etag_read(const char *value, const char *header, struct problem *problem,
                   struct etag_condition *condition)
{
    condition->present = value != NULL;
    condition->any = false;
    condition->count = 0;
    if (!value)
        return ERR_NONE;
    if (strcmp(value, "*") == 0) {
        condition->any = true;
        return ERR_NONE;
    }
    if (read_list(value, condition))
        return ERR_NONE;
    problem_fault(problem, "header", header, "value_error",
                  "must be * or up to %d entity tags such as \"17\"", ETAG_LIST_MAX);
    return ERR_BAD_REQUEST;
}

bool etag_names(const struct etag_condition *condition, struct text tag)
{
    for (size_t i = 0; i < condition->count; i++)
        if (text_equal(condition->tags[i], tag))
            return true;
    return false;
}

void etag_versions(const struct etag_condition *condition, struct task_versions *versions)
{
    versions->any = !condition->present || condition->any;
    versions->count = 0;
    for (size_t i = 0; i < condition->count; i++)
        if (condition->tags[i].data[0] != '0' && /* "017" is not "17" */
            text_to_int(condition->tags[i], 1, INT64_MAX, &versions->items[versions->count]))
            versions->count++;
}

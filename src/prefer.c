/* SPDX-License-Identifier: ISC */
/* prefer.c: looks for one preference in the list: 1#( name [ BWS "=" BWS word ] *( ";" … ) ). The
 * first of a name is the one that counts (RFC 7240 2). */
#include <config.h>

#include <string.h>
#include <strings.h>

#include "prefer.h"
#include "text.h"

/* As strcspn, but what stands in a quoted string does not stop it. */
static size_t span(const char *s, const char *stops)
{
    bool quoted = false;
    size_t i = 0;

    for (; s[i] && (quoted || !strchr(stops, s[i])); i++)
        if (s[i] == '"')
            quoted = !quoted;
        else if (quoted && s[i] == '\\' && s[i + 1])
            i++;
    return i;
}

static struct text word(const char *s, const char *stops)
{
    return text_trim((struct text){s, span(s, stops)});
}

static struct text unquoted(struct text t)
{
    if (t.length >= 2 && t.data[0] == '"' && t.data[t.length - 1] == '"')
        return (struct text){t.data + 1, t.length - 2};
    return t;
}

static bool same(struct text a, struct text b)
{
    return a.length == b.length && strncasecmp(a.data, b.data, a.length) == 0;
}

bool prefer_has(const char *value, const char *preference)
{
    struct text name, wanted;

    if (!value)
        return false;
    name = word(preference, "=");
    wanted = text_of(preference + name.length + 1);
    while (*value) {
        const char *equals = value + span(value, "=;,");

        if (same(word(value, "=;,"), name))
            return *equals == '=' && same(unquoted(word(equals + 1, ";,")), wanted);
        value += span(value, ",");
        value += *value == ',';
    }
    return false;
}

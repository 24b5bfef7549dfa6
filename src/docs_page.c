/* SPDX-License-Identifier: ISC */
/* docs_page.c: reads the document as anybody would, so that the page can say nothing else. */
#include <config.h>

#include "docs_page.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "openapi.h"

#define REF_PREFIX "#/components/schemas/"

static const char style[] =
    ":root{color-scheme:light dark;--line:#8884;--soft:#8881;--link:#0b63c5}"
    "@media(prefers-color-scheme:dark){:root{--link:#7ab7ff}}"
    "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:0 auto;padding:1.5rem}"
    "h1{margin:0}h2{margin:2.5rem 0 .5rem;border-bottom:1px solid var(--line)}"
    "a{color:var(--link)}code{font:.9em ui-monospace,monospace}"
    "details{border:1px solid var(--line);border-radius:.5rem;margin:.5rem 0}"
    "summary{cursor:pointer;padding:.5rem .75rem;display:flex;flex-wrap:wrap;gap:.25rem .75rem;"
    "align-items:baseline}summary code{font-weight:600;overflow-wrap:anywhere}"
    "details>div{padding:0 .75rem .75rem;overflow-x:auto}"
    ".m{font:700 .75rem/1.6 "
    "ui-monospace,monospace;color:#fff;border-radius:.25rem;min-width:4.5rem;"
    "text-align:center}.get{background:#1769aa}.post{background:#22733a}.put{background:#8a5a00}"
    ".patch{background:#6b4fa0}.delete{background:#b3261e}.lock{margin-left:auto;opacity:.7}"
    "table{border-collapse:collapse;width:100%;margin:.25rem 0 .75rem}"
    "th,td{text-align:left;vertical-align:top;padding:.25rem .5rem;border-top:1px solid "
    "var(--line)}th{background:var(--soft);font-weight:600}h3{font-size:1rem;margin:.75rem 0 0}";

/* Text in an element or an attribute. */
static void add_text(struct buf *out, const char *text)
{
    static const struct {
        char character;
        const char *entity;
    } entities[] = {{'&', "&amp;"}, {'<', "&lt;"}, {'>', "&gt;"}, {'"', "&quot;"}, {'\'', "&#39;"}};

    for (; text && *text; text++) {
        const char *entity = NULL;

        for (size_t i = 0; i < sizeof entities / sizeof *entities; i++)
            if (entities[i].character == *text)
                entity = entities[i].entity;
        if (entity)
            buf_add_string(out, entity);
        else
            buf_add_char(out, *text);
    }
}

static const char *string_at(const json_t *object, const char *name)
{
    return json_string_value(json_object_get(object, name));
}

/* ---- schemas in a few words */

static void add_json(struct buf *out, const json_t *value)
{
    char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);

    add_text(out, text);
    free(text);
}

static void add_type(struct buf *out, const json_t *type)
{
    const json_t *word;
    size_t index;

    add_text(out, json_string_value(type));
    json_array_foreach (type, index, word) {
        buf_add_string(out, index > 0 ? " or " : "");
        add_text(out, json_string_value(word));
    }
}

static void add_schema(struct buf *out, const json_t *schema);

static void add_choices(struct buf *out, const json_t *schemas)
{
    const json_t *schema;
    size_t index;

    json_array_foreach (schemas, index, schema) {
        buf_add_string(out, index > 0 ? " or " : "");
        add_schema(out, schema);
    }
}

/* The keywords that limit a value, as they are called. */
static void add_limits(struct buf *out, const json_t *schema)
{
    static const char *const keywords[] = {"format",   "enum",     "const",      "default",
                                           "minimum",  "maximum",  "minLength",  "maxLength",
                                           "minItems", "maxItems", "uniqueItems"};

    for (size_t i = 0; i < sizeof keywords / sizeof *keywords; i++) {
        const json_t *value = json_object_get(schema, keywords[i]);

        if (!value)
            continue;
        buf_printf(out, " <code>%s ", keywords[i]);
        add_json(out, value);
        buf_add_string(out, "</code>");
    }
}

static void add_schema(struct buf *out, const json_t *schema)
{
    const char *ref = string_at(schema, "$ref"), *about = string_at(schema, "description");

    if (ref && strncmp(ref, REF_PREFIX, strlen(REF_PREFIX)) == 0) {
        ref += strlen(REF_PREFIX);
        buf_printf(out, "<a href=\"#%s\">%s</a>", ref, ref);
        return;
    }
    add_type(out, json_object_get(schema, "type"));
    if (json_object_get(schema, "items")) {
        buf_add_string(out, " of ");
        add_schema(out, json_object_get(schema, "items"));
    }
    add_choices(out, json_object_get(schema, "anyOf"));
    add_limits(out, schema);
    if (about) {
        buf_add_string(out, ": ");
        add_text(out, about);
    }
}

/* ---- operations */

static void add_row(struct buf *out, const char *name, const char *note, const json_t *schema)
{
    buf_add_string(out, "<tr><td><code>");
    add_text(out, name);
    buf_add_string(out, "</code><td>");
    add_text(out, note);
    buf_add_string(out, "<td>");
    add_schema(out, schema);
    buf_add_string(out, "</tr>");
}

static void add_parameters(struct buf *out, const json_t *parameters)
{
    const json_t *parameter;
    size_t index;

    if (json_array_size(parameters) == 0)
        return;
    buf_add_string(out, "<h3>Parameters</h3><table>");
    json_array_foreach (parameters, index, parameter)
        add_row(out, string_at(parameter, "name"), string_at(parameter, "in"),
                json_object_get(parameter, "schema"));
    buf_add_string(out, "</table>");
}

/* A row for each media type. */
static void add_content(struct buf *out, const char *name, const char *note, const json_t *content)
{
    const char *type;
    json_t *media;
    void *place;

    if (!content)
        add_row(out, name, note, NULL);
    for (place = json_object_iter((json_t *)(uintptr_t)content); place;
         place = json_object_iter_next((json_t *)(uintptr_t)content, place)) {
        type = json_object_iter_key(place);
        media = json_object_iter_value(place);
        buf_add_string(out, "<tr><td><code>");
        add_text(out, name);
        buf_add_string(out, "</code><td>");
        add_text(out, note);
        buf_add_string(out, " <code>");
        add_text(out, type);
        buf_add_string(out, "</code><td>");
        add_schema(out, json_object_get(media, "schema"));
        buf_add_string(out, "</tr>");
    }
}

static void add_answers(struct buf *out, json_t *answers)
{
    const char *status;
    json_t *answer;

    buf_add_string(out, "<h3>Answers</h3><table>");
    json_object_foreach (answers, status, answer)
        add_content(out, status, string_at(answer, "description"),
                    json_object_get(answer, "content"));
    buf_add_string(out, "</table>");
}

static void add_operation(struct buf *out, const char *path, const char *method,
                          const json_t *operation)
{
    const json_t *body = json_object_get(operation, "requestBody");

    buf_printf(out, "<details id=\"%s\"><summary><span class=\"m %s\">",
               string_at(operation, "operationId"), method);
    for (const char *letter = method; *letter; letter++)
        buf_add_char(out, (char)(*letter & ~0x20));
    buf_add_string(out, "</span><code>");
    add_text(out, path);
    buf_add_string(out, "</code><span>");
    add_text(out, string_at(operation, "summary"));
    buf_add_string(out, "</span>");
    if (json_array_size(json_object_get(operation, "security")) > 0)
        buf_add_string(out, "<span class=\"lock\">token</span>");
    buf_add_string(out, "</summary><div>");
    add_parameters(out, json_object_get(operation, "parameters"));
    if (body) {
        buf_add_string(out, "<h3>Body</h3><table>");
        add_content(out, json_is_true(json_object_get(body, "required")) ? "required" : "optional",
                    "", json_object_get(body, "content"));
        buf_add_string(out, "</table>");
    }
    add_answers(out, json_object_get(operation, "responses"));
    buf_add_string(out, "</div></details>");
}

static void add_tag(struct buf *out, json_t *paths, const char *tag)
{
    const char *path, *method;
    json_t *methods, *operation;

    buf_printf(out, "<h2>%s</h2>", tag);
    json_object_foreach (paths, path, methods)
        json_object_foreach (methods, method, operation) {
            const json_t *tags = json_object_get(operation, "tags");

            if (strcmp(json_string_value(json_array_get(tags, 0)), tag) == 0)
                add_operation(out, path, method, operation);
        }
}

static bool is_required(const json_t *schema, const char *name)
{
    const json_t *word;
    size_t index;

    json_array_foreach (json_object_get(schema, "required"), index, word)
        if (strcmp(json_string_value(word), name) == 0)
            return true;
    return false;
}

static void add_schemas(struct buf *out, json_t *schemas)
{
    const char *name, *member;
    json_t *schema, *property;

    buf_add_string(out, "<h2>Schemas</h2>");
    json_object_foreach (schemas, name, schema) {
        buf_printf(out, "<h3 id=\"%s\">%s</h3>", name, name);
        add_text(out, string_at(schema, "description"));
        buf_add_string(out, "<table>");
        json_object_foreach (json_object_get(schema, "properties"), member, property)
            add_row(out, member, is_required(schema, member) ? "always" : "", property);
        buf_add_string(out, "</table>");
    }
}

bool docs_page_write(const struct conf *conf, const char *nonce, struct buf *out)
{
    static const char *const tags[] = {"Tasks", "Accounts", "Service"};
    struct buf text;
    json_t *document;

    buf_init(&text);
    openapi_write(conf, &text);
    document = json_loadb(text.data, text.length, JSON_REJECT_DUPLICATES, NULL);
    buf_fini(&text);
    if (!document)
        return false;
    buf_printf(out,
               "<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>todo-fcgi"
               "</title><meta name=\"viewport\" content=\"width=device-width\"><style nonce=\"%s\">"
               "%s</style></head><body><h1>todo-fcgi</h1><p>Version " PACKAGE_VERSION
               ". For programs: <a href=\"openapi.json\">openapi.json</a> (OpenAPI 3.1).</p>",
               nonce, style);
    for (size_t i = 0; i < sizeof tags / sizeof *tags; i++)
        add_tag(out, json_object_get(document, "paths"), tags[i]);
    add_schemas(out, json_object_get(json_object_get(document, "components"), "schemas"));
    buf_add_string(out, "</body></html>\n");
    json_decref(document);
    return true;
}

/* SPDX-License-Identifier: ISC */
/* account_json.c: one row for each field of a body, with the rule that it has to keep. A form is
 * read as an object of strings. */
#include <config.h>

#include <jansson.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include "account_json.h"
#include "json_body.h"
#include "timestamp.h"

#define FORM "application/x-www-form-urlencoded"

/* A member that is being read. */
struct member {
    const char *pointer;
    struct text value; /* in the request's arena, terminated; TEXT_NULL: null */
    struct problem *problem;
    struct account_body *body;
};

static enum err read_login(const struct member *member)
{
    member->body->email = text_trim(member->value);
    return ERR_NONE;
}

static enum err judge(const struct member *member, const char *fault)
{
    if (!fault)
        return ERR_NONE;
    return problem_fault(member->problem, "body", member->pointer, "value_error", "%s", fault);
}

static enum err read_email(const struct member *member)
{
    member->body->email = text_trim(member->value);
    return judge(member, account_email_fault(member->body->email));
}

static enum err read_name(const struct member *member)
{
    struct text name = member->value.data ? text_trim(member->value) : TEXT_NULL;

    member->body->name = name.length > 0 ? name : TEXT_NULL;
    return judge(member, account_name_fault(name));
}

static enum err read_password(const struct member *member)
{
    member->body->password = member->value.data;
    return judge(member, account_password_fault(member->value));
}

static enum err read_new_password(const struct member *member)
{
    member->body->new_password = member->value.data;
    return judge(member, account_new_password_fault(member->value));
}

static enum err read_refresh_token(const struct member *member)
{
    member->body->refresh_token = member->value;
    return ERR_NONE;
}

static const struct rule {
    unsigned field;
    const char *name;
    const char *alias; /* NULL: none */
    bool clearable;    /* null is a value */
    enum err (*read)(const struct member *member);
} rules[] = {
    {ACCOUNT_LOGIN, "email", "username", false, read_login},
    {ACCOUNT_EMAIL, "email", NULL, false, read_email},
    {ACCOUNT_NAME, "name", NULL, true, read_name},
    {ACCOUNT_PASSWORD, "password", NULL, false, read_password},
    {ACCOUNT_FIRST_PASSWORD, "password", NULL, false, read_new_password},
    {ACCOUNT_CURRENT_PASSWORD, "current_password", NULL, false, read_password},
    {ACCOUNT_NEW_PASSWORD, "new_password", NULL, false, read_new_password},
    {ACCOUNT_REFRESH_TOKEN, "refresh_token", NULL, false, read_refresh_token},
};

static enum err read_member(struct call *call, const struct rule *rule, const json_t *value,
                            bool required, struct account_body *body)
{
    struct member member = {.pointer = arena_printf(call->arena, "/%s", rule->name),
                            .problem = call->problem,
                            .body = body};
    enum err err;

    if (!value || (json_is_null(value) && !rule->clearable)) {
        if (!required)
            return ERR_NONE;
        return problem_fault(call->problem, "body", member.pointer, "missing", "is required");
    }
    if (json_is_string(value)) {
        member.value = (struct text){json_string_value(value), json_string_length(value)};
        member.value.data = arena_text(call->arena, member.value);
    } else if (!json_is_null(value)) {
        return problem_fault(call->problem, "body", member.pointer, "string_type",
                             "must be a string");
    }
    err = rule->read(&member);
    if (err == ERR_NONE)
        body->set |= rule->field;
    return err;
}

static enum err read_members(struct call *call, const json_t *json, unsigned required,
                             unsigned optional, struct account_body *body)
{
    enum err err = ERR_NONE;

    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
        const struct rule *rule = &rules[i];
        const json_t *value = json_object_get(json, rule->name);
        enum err fault = ERR_NONE;

        if (!value && rule->alias)
            value = json_object_get(json, rule->alias);
        if (rule->field & (required | optional))
            fault = read_member(call, rule, value, rule->field & required, body);
        err = fault != ERR_NONE ? fault : err;
    }
    return err;
}

/* The form's parameters as an object; of two with one name the last counts. */
static enum err parse_form(struct call *call, struct text text, json_t **json)
{
    struct param *params = arena_zero(call->arena, REQUEST_PARAMS, sizeof *params);
    size_t count;
    enum err err = request_form(call->request, text, params, &count, call->problem);

    *json = NULL;
    if (err != ERR_NONE)
        return err;
    *json = json_object();
    for (size_t i = 0; i < count; i++)
        if (json_object_set_new(*json, params[i].name, json_string(params[i].value)) != 0)
            return ERR_INTERNAL;
    return ERR_NONE;
}

static enum err parse(struct call *call, enum account_media media, unsigned required, json_t **json)
{
    bool form = media == ACCOUNT_JSON_OR_FORM && request_has_type(call->request, FORM);
    struct text text;
    enum err err = ERR_NONE;

    *json = NULL;
    if (!form)
        err = call_expect_json(call, media == ACCOUNT_JSON_OR_FORM ? FORM : NULL);
    if (err == ERR_NONE)
        err = call_body(call, &text);
    if (err != ERR_NONE || (text.length == 0 && required == 0))
        return err;
    return form ? parse_form(call, text, json) : json_body_parse(text, call->problem, json);
}

static void wiping_free(void *memory)
{
    if (memory)
        explicit_bzero(memory, malloc_usable_size(memory));
    free(memory);
}

enum err account_json_read(struct call *call, enum account_media media, unsigned required,
                           unsigned optional, struct account_body *body)
{
    json_malloc_t usual_malloc;
    json_free_t usual_free;
    json_t *json;
    enum err err;

    *body = (struct account_body){0};
    json_get_alloc_funcs(&usual_malloc, &usual_free);
    json_set_alloc_funcs(usual_malloc, wiping_free);
    err = parse(call, media, required, &json);
    if (err == ERR_NONE)
        err = read_members(call, json, required, optional, body);
    json_decref(json);
    json_set_alloc_funcs(usual_malloc, usual_free);
    return err;
}

static void write_text(struct buf *out, const char *name, struct text value)
{
    buf_printf(out, "\"%s\":", name);
    buf_add_json(out, value);
}

static void write_time(struct buf *out, const char *name, int64_t value)
{
    char text[TIMESTAMP_TEXT_SIZE];

    timestamp_format(text, value);
    write_text(out, name, (struct text){text, sizeof text});
}

void account_json_write(struct buf *out, const struct account *account)
{
    buf_add_char(out, '{');
    write_text(out, "id", account->id);
    buf_add_char(out, ',');
    write_text(out, "email", account->email);
    buf_add_char(out, ',');
    write_text(out, "name", account->name);
    buf_add_char(out, ',');
    write_time(out, "created_at", account->created_at);
    buf_add_char(out, '}');
}

/* What some clients of the family look for at the top. */
static void write_aliases(struct buf *out, const struct account *account, const char *access)
{
    buf_add_char(out, ',');
    write_text(out, "token", text_of(access));
    buf_add_char(out, ',');
    write_text(out, "user_id", account->id);
    buf_add_char(out, ',');
    write_text(out, "email", account->email);
    buf_add_char(out, ',');
    write_text(out, "name", account->name);
}

void account_json_write_tokens(struct buf *out, const struct account *account, const char *access,
                               const char *refresh, unsigned compat)
{
    buf_add_char(out, '{');
    write_text(out, "access_token", text_of(access));
    buf_printf(out, ",\"token_type\":\"bearer\",\"expires_in\":%d,", ACCESS_SECONDS);
    write_text(out, "refresh_token", text_of(refresh));
    buf_printf(out, ",\"refresh_expires_in\":%d", REFRESH_SECONDS);
    if (compat & COMPAT_TOKEN_ALIAS)
        write_aliases(out, account, access);
    buf_add_string(out, ",\"user\":");
    account_json_write(out, account);
    buf_add_char(out, '}');
}

void account_json_write_session(struct buf *out, const struct session *session, bool current)
{
    buf_add_char(out, '{');
    write_text(out, "id", session->id);
    buf_add_char(out, ',');
    write_time(out, "created_at", session->created_at);
    buf_add_char(out, ',');
    write_time(out, "refreshed_at", session->refreshed_at);
    buf_add_char(out, ',');
    write_time(out, "expires_at", session->expires_at);
    buf_printf(out, ",\"current\":%s}", current ? "true" : "false");
}

/* SPDX-License-Identifier: ISC */
/* openapi_schemas.c: one row for each. A rule that a client's value must keep is task_json.c's or
 * account.c's; the numbers come from the same headers, and tests try the rest. */
#include <config.h>

#include "openapi_schemas.h"

#include "account.h"
#include "compat.h"
#include "password.h"
#include "task.h"

#define WORD(number) WORD_OF(number)
#define WORD_OF(number) #number

#define TEXT "{\"type\":\"string\"}"
#define FLAG "{\"type\":\"boolean\"}"
#define NUMBER "{\"type\":\"integer\",\"format\":\"int64\"}"
#define INSTANT "{\"type\":\"string\",\"format\":\"date-time\"}"
#define INSTANT_OR_NULL "{\"type\":[\"string\",\"null\"],\"format\":\"date-time\"}"
#define TEXT_OR_NULL "{\"type\":[\"string\",\"null\"]}"
#define PRIORITY "{\"type\":\"string\",\"enum\":[\"low\",\"medium\",\"high\",\"critical\"]}"
#define TITLE "{\"type\":\"string\",\"minLength\":1,\"maxLength\":" WORD(TASK_TITLE_MAX) "}"
#define DESCRIPTION "{\"type\":[\"string\",\"null\"],\"maxLength\":" WORD(TASK_DESCRIPTION_MAX) "}"
#define TAGS                                                                                       \
    "{\"type\":\"array\",\"maxItems\":" WORD(                                                      \
        TASK_TAGS_MAX) ",\"uniqueItems\":true,\"items\":{\"type\":\"string\",\"minLength\":1,"     \
                       "\"maxLength\":" WORD(TASK_TAG_MAX) "}}"
#define DUE                                                                                        \
    "{\"type\":[\"string\",\"null\"],\"description\":\"A date, or a date-time with or without a "  \
    "zone (then UTC).\"}"
#define EMAIL "{\"type\":\"string\",\"format\":\"email\",\"maxLength\":" WORD(ACCOUNT_EMAIL_MAX) "}"
#define PASSWORD                                                                                   \
    "{\"type\":\"string\",\"format\":\"password\",\"minLength\":" WORD(                            \
        PASSWORD_CHARACTERS_MIN) ",\"description\":\"At most " WORD(PASSWORD_BYTES_MAX) " bytes."  \
                                                                                        "\"}"
#define NAME "{\"type\":[\"string\",\"null\"],\"maxLength\":" WORD(ACCOUNT_NAME_MAX) "}"
#define REF(name) "{\"$ref\":\"#/components/schemas/" name "\"}"
#define LIST_OF(name) "{\"type\":\"array\",\"items\":" REF(name) "}"

enum { NEEDED = 1 };

struct member {
    const char *name, *schema;
    unsigned needed;
    unsigned compat; /* only under these words; 0: always */
};

#define MEMBERS_MAX 14

static const struct schema {
    const char *name, *about;
    struct member members[MEMBERS_MAX]; /* ends with a NULL name */
} schemas[] = {
    {"Task",
     "A task, as the server tells of it.",
     {{"id", NUMBER, NEEDED, 0},
      {"user_id", TEXT, NEEDED, 0},
      {"title", TITLE, NEEDED, 0},
      {"description", DESCRIPTION, NEEDED, 0},
      {"completed", FLAG, NEEDED, 0},
      {"completed_at", INSTANT_OR_NULL, NEEDED, 0},
      {"priority", PRIORITY, NEEDED, 0},
      {"due_date", INSTANT_OR_NULL, NEEDED, 0},
      {"tags", TAGS, NEEDED, 0},
      {"created_at", INSTANT, NEEDED, 0},
      {"updated_at", INSTANT, NEEDED, 0},
      {"version", NUMBER, NEEDED, 0},
      {"is_completed", FLAG, NEEDED, COMPAT_IS_COMPLETED}}},
    {"NewTask",
     "Members that are not named here are ignored.",
     {{"title", TITLE, NEEDED, 0},
      {"description", DESCRIPTION, 0, 0},
      {"completed", FLAG, 0, 0},
      {"priority", PRIORITY, 0, 0},
      {"due_date", DUE, 0, 0},
      {"tags", TAGS, 0, 0},
      {"is_completed", FLAG, 0, COMPAT_IS_COMPLETED}}},
    {"TaskChange",
     "What is absent stays. null clears description and due_date.",
     {{"title", TITLE, 0, 0},
      {"description", DESCRIPTION, 0, 0},
      {"completed", FLAG, 0, 0},
      {"priority", PRIORITY, 0, 0},
      {"due_date", DUE, 0, 0},
      {"tags", TAGS, 0, 0},
      {"is_completed", FLAG, 0, COMPAT_IS_COMPLETED}}},
    {"Completion",
     "Without a body the task is toggled.",
     {{"completed", FLAG, 0, 0}, {"is_completed", FLAG, 0, COMPAT_IS_COMPLETED}}},
    {"TaskPage",
     "A list in an object.",
     {{"tasks", LIST_OF("Task"), NEEDED, 0}, {"total", NUMBER, NEEDED, 0}}},
    {"Tag",
     "A tag and how many tasks have it.",
     {{"name", TEXT, NEEDED, 0}, {"count", NUMBER, NEEDED, 0}}},
    {"DeletedTask",
     "A task that is gone.",
     {{"id", NUMBER, NEEDED, 0},
      {"deleted", "{\"const\":true}", NEEDED, 0},
      {"version", NUMBER, NEEDED, 0}}},
    {"Changes",
     "What has changed, in the order of the versions.",
     {{"changes",
       "{\"type\":\"array\",\"items\":{\"anyOf\":[" REF("Task") "," REF("DeletedTask") "]}}",
       NEEDED, 0},
      {"next", TEXT, NEEDED, 0},
      {"more", FLAG, NEEDED, 0}}},
    {"Operation",
     "One of a batch, with the members of a task that it sets.",
     {{"op", "{\"enum\":[\"create\",\"update\",\"complete\",\"delete\",\"restore\"]}", NEEDED, 0},
      {"id", NUMBER, 0, 0},
      {"if_match", "{\"type\":[\"string\",\"integer\",\"null\"]}", 0, 0}}},
    {"Batch",
     "Operations that are carried out all or none.",
     {{"operations",
       "{\"type\":\"array\",\"minItems\":1,\"maxItems\":100,\"items\":" REF("Operation") "}",
       NEEDED, 0}}},
    {"BatchResult", "In the order of the operations.", {{"results", LIST_OF("Task"), NEEDED, 0}}},
    {"ImportReport",
     "What has been imported, or would be.",
     {{"dry_run", FLAG, NEEDED, 0},
      {"records", NUMBER, NEEDED, 0},
      {"imported", NUMBER, NEEDED, 0},
      {"results", "{\"type\":\"array\",\"items\":{\"type\":\"object\"}}", NEEDED, 0},
      {"errors", LIST_OF("Fault"), NEEDED, 0}}},
    {"Registration",
     "A new account.",
     {{"email", EMAIL, NEEDED, 0}, {"password", PASSWORD, NEEDED, 0}, {"name", NAME, 0, 0}}},
    {"Login",
     "As a form, username stands for email.",
     {{"email", TEXT, NEEDED, 0}, {"password", TEXT, NEEDED, 0}}},
    {"RefreshToken", "Good once.", {{"refresh_token", TEXT, NEEDED, 0}}},
    {"Logout", "The session to end; or the access token's.", {{"refresh_token", TEXT, 0, 0}}},
    {"User",
     "An account.",
     {{"id", TEXT, NEEDED, 0},
      {"email", TEXT, NEEDED, 0},
      {"name", TEXT_OR_NULL, NEEDED, 0},
      {"created_at", INSTANT, NEEDED, 0}}},
    {"UserChange", "What is absent stays.", {{"name", NAME, 0, 0}, {"email", EMAIL, 0, 0}}},
    {"PasswordChange",
     "Ends all other sessions.",
     {{"current_password", TEXT, NEEDED, 0}, {"new_password", PASSWORD, NEEDED, 0}}},
    {"PasswordProof",
     "What is asked before an account is deleted.",
     {{"password", TEXT, NEEDED, 0}}},
    {"Session",
     "An access token of 15 minutes, and what it is renewed with.",
     {{"access_token", TEXT, NEEDED, 0},
      {"token_type", "{\"const\":\"bearer\"}", NEEDED, 0},
      {"expires_in", NUMBER, NEEDED, 0},
      {"refresh_token", TEXT, NEEDED, 0},
      {"refresh_expires_in", NUMBER, NEEDED, 0},
      {"user", REF("User"), NEEDED, 0},
      {"token", TEXT, NEEDED, COMPAT_TOKEN_ALIAS},
      {"user_id", TEXT, NEEDED, COMPAT_TOKEN_ALIAS},
      {"email", TEXT, NEEDED, COMPAT_TOKEN_ALIAS},
      {"name", TEXT_OR_NULL, NEEDED, COMPAT_TOKEN_ALIAS}}},
    {"SessionInfo",
     "A session without its tokens.",
     {{"id", TEXT, NEEDED, 0},
      {"created_at", INSTANT, NEEDED, 0},
      {"refreshed_at", INSTANT, NEEDED, 0},
      {"expires_at", INSTANT, NEEDED, 0},
      {"current", FLAG, NEEDED, 0}}},
    {"Message", "A sentence.", {{"message", TEXT, NEEDED, 0}}},
    {"Service",
     "What this is.",
     {{"name", TEXT, NEEDED, 0}, {"version", TEXT, NEEDED, 0}, {"docs", TEXT, NEEDED, 0}}},
    {"Health", "healthy, or ready.", {{"status", TEXT, NEEDED, 0}}},
    {"Fault",
     "One of the rules that a request breaks.",
     {{"loc", "{\"type\":\"array\",\"items\":{\"type\":[\"string\",\"integer\"]}}", NEEDED, 0},
      {"pointer", "{\"type\":\"string\",\"format\":\"json-pointer\"}", 0, 0},
      {"msg", TEXT, NEEDED, 0},
      {"type", TEXT, NEEDED, 0}}},
    {"Problem",
     "RFC 9457; detail is a sentence for people.",
     {{"type", "{\"const\":\"about:blank\"}", NEEDED, 0},
      {"title", TEXT, NEEDED, 0},
      {"status", "{\"type\":\"integer\",\"minimum\":400,\"maximum\":599}", NEEDED, 0},
      {"detail", "{\"type\":[\"string\",\"array\"]}", NEEDED, 0},
      {"errors", LIST_OF("Fault"), 0, 0}}},
};

static bool is_there(const struct member *member, unsigned compat)
{
    return member->compat == 0 || member->compat & compat;
}

static void write_needed(struct buf *out, const struct schema *schema, unsigned compat)
{
    bool any = false;

    for (const struct member *member = schema->members; member->name; member++) {
        if (!member->needed || !is_there(member, compat))
            continue;
        buf_printf(out, "%s\"%s\"", any ? "," : ",\"required\":[", member->name);
        any = true;
    }
    if (any)
        buf_add_char(out, ']');
}

static void write_schema(struct buf *out, const struct schema *schema, unsigned compat)
{
    const char *before = "";

    buf_printf(out, "\"%s\":{\"type\":\"object\",\"description\":\"%s\"", schema->name,
               schema->about);
    write_needed(out, schema, compat);
    buf_add_string(out, ",\"properties\":{");
    for (const struct member *member = schema->members; member->name; member++) {
        if (!is_there(member, compat))
            continue;
        buf_printf(out, "%s\"%s\":%s", before, member->name, member->schema);
        before = ",";
    }
    buf_add_string(out, "}}");
}

void openapi_schemas_write(struct buf *out, unsigned compat)
{
    buf_add_char(out, '{');
    for (size_t i = 0; i < sizeof schemas / sizeof *schemas; i++) {
        if (i > 0)
            buf_add_char(out, ',');
        write_schema(out, &schemas[i], compat);
    }
    buf_add_char(out, '}');
}

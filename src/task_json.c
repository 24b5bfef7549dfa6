/* SPDX-License-Identifier: ISC */
/* task_json.c: the rules of a task's fields, one row each, and the one writer of tasks. */
#include <config.h>

#include <string.h>
#include <strings.h>

#include "task_json.h"

#define INSTANT "a date or a date-time such as 2026-01-16T06:44:39Z"

/* A member that is being read: where its faults belong, and what it may become. */
struct member {
    const json_t *value;
    const char *pointer;
    struct problem *problem;
    struct task_change *change;
};

static enum err wrong_type(const struct member *member, const char *type, const char *wanted)
{
    return problem_fault(member->problem, "body", member->pointer, type, "must be %s", wanted);
}

/* The member's string in the arena, so that it outlives the JSON. */
static struct text copy_string(const struct member *member, const json_t *value)
{
    struct text t = {json_string_value(value), json_string_length(value)};

    return (struct text){arena_text(member->problem->arena, t), t.length};
}

static enum err read_title(const struct member *member)
{
    struct text title;
    size_t length;

    if (!json_is_string(member->value))
        return wrong_type(member, "string_type", "a string");
    title = text_trim(copy_string(member, member->value));
    length = text_code_points(title);
    if (length < 1 || length > TASK_TITLE_MAX)
        return problem_fault(member->problem, "body", member->pointer,
                             length < 1 ? "string_too_short" : "string_too_long",
                             "must be 1 to %d characters", TASK_TITLE_MAX);
    member->change->title = title;
    return ERR_NONE;
}

static enum err read_description(const struct member *member)
{
    if (json_is_null(member->value)) {
        member->change->description = TEXT_NULL;
        return ERR_NONE;
    }
    if (!json_is_string(member->value))
        return wrong_type(member, "string_type", "a string or null");
    member->change->description = copy_string(member, member->value);
    if (text_code_points(member->change->description) > TASK_DESCRIPTION_MAX)
        return problem_fault(member->problem, "body", member->pointer, "string_too_long",
                             "must be at most %d characters", TASK_DESCRIPTION_MAX);
    return ERR_NONE;
}

static enum err read_completed(const struct member *member)
{
    if (!json_is_boolean(member->value))
        return wrong_type(member, "bool_type", "true or false");
    member->change->completed = json_is_true(member->value);
    return ERR_NONE;
}

struct text task_priority(struct text word)
{
    static const char *const priorities[] = {"low", "medium", "high", "critical"};

    for (size_t i = 0; i < sizeof priorities / sizeof *priorities; i++)
        if (strlen(priorities[i]) == word.length &&
            strncasecmp(priorities[i], word.data, word.length) == 0)
            return text_of(priorities[i]);
    return TEXT_NULL;
}

static enum err read_priority(const struct member *member)
{
    struct text word = {json_string_value(member->value), json_string_length(member->value)};

    if (!json_is_string(member->value))
        return wrong_type(member, "string_type", "a string");
    member->change->priority = task_priority(word);
    if (!member->change->priority.data)
        return problem_fault(member->problem, "body", member->pointer, "enum",
                             "must be low, medium, high or critical");
    return ERR_NONE;
}

static enum err read_due_date(const struct member *member)
{
    struct text text = {json_string_value(member->value), json_string_length(member->value)};

    if (json_is_null(member->value)) {
        member->change->due_date = TIMESTAMP_NULL;
        return ERR_NONE;
    }
    if (!json_is_string(member->value))
        return wrong_type(member, "datetime_type", "a string or null");
    if (!timestamp_parse(text, &member->change->due_date))
        return problem_fault(member->problem, "body", member->pointer, "datetime_parsing",
                             "must be " INSTANT);
    return ERR_NONE;
}

/* One tag; the pointer names its place in the array. */
static enum err read_tag(const struct member *member, size_t index, const json_t *value)
{
    struct texts *tags = &member->change->tags;
    const char *pointer = arena_printf(member->problem->arena, "%s/%zu", member->pointer, index);
    struct text tag;
    size_t length;

    if (!json_is_string(value))
        return problem_fault(member->problem, "body", pointer, "string_type", "must be a string");
    tag = copy_string(member, value);
    length = text_code_points(tag);
    if (length < 1 || length > TASK_TAG_MAX)
        return problem_fault(member->problem, "body", pointer,
                             length < 1 ? "string_too_short" : "string_too_long",
                             "must be 1 to %d characters", TASK_TAG_MAX);
    for (size_t i = 0; i < tags->count; i++)
        if (text_equal(tags->items[i], tag))
            return problem_fault(member->problem, "body", pointer, "value_error",
                                 "must not be there twice");
    tags->items[tags->count++] = tag;
    return ERR_NONE;
}

static enum err read_tags(const struct member *member)
{
    enum err err = ERR_NONE;
    const json_t *value;
    size_t index;

    if (!json_is_array(member->value))
        return wrong_type(member, "list_type", "an array of strings");
    if (json_array_size(member->value) > TASK_TAGS_MAX)
        return problem_fault(member->problem, "body", member->pointer, "too_long",
                             "must have at most %d items", TASK_TAGS_MAX);
    member->change->tags.count = 0;
    json_array_foreach (member->value, index, value) {
        enum err fault = read_tag(member, index, value);

        err = fault != ERR_NONE ? fault : err;
    }
    return err;
}

/* Every member that a client may write, and all that is to be said of it. */
static const struct rule {
    const char *name;
    unsigned set;
    bool clearable; /* null is a value */
    bool required;  /* to create a task */
    enum err (*read)(const struct member *member);
    const char *alias; /* under COMPAT_IS_COMPLETED, when the name is absent; NULL: none */
} rules[] = {
    {"title", TASK_SET_TITLE, false, true, read_title, NULL},
    {"description", TASK_SET_DESCRIPTION, true, false, read_description, NULL},
    {"completed", TASK_SET_COMPLETED, false, false, read_completed, "is_completed"},
    {"priority", TASK_SET_PRIORITY, false, false, read_priority, NULL},
    {"due_date", TASK_SET_DUE_DATE, true, false, read_due_date, NULL},
    {"tags", TASK_SET_TAGS, false, false, read_tags, NULL},
};

static bool is_absent(const json_t *value, const struct rule *rule, enum task_mode mode)
{
    return !value || (json_is_null(value) && !rule->clearable && mode != TASK_MODE_PATCH);
}

static enum err read_member(const struct rule *rule, enum task_mode mode, struct member *member)
{
    enum err err;

    if (is_absent(member->value, rule, mode)) {
        if (mode == TASK_MODE_CREATE && rule->required)
            return problem_fault(member->problem, "body", member->pointer, "missing",
                                 "is required");
        return ERR_NONE;
    }
    err = rule->read(member);
    if (err == ERR_NONE)
        member->change->set |= rule->set;
    return err;
}

/* The name under which the object has the rule's member. */
static const char *spelling(const json_t *json, const struct rule *rule, enum task_mode mode,
                            unsigned compat)
{
    bool aliased = rule->alias && compat & COMPAT_IS_COMPLETED &&
                   is_absent(json_object_get(json, rule->name), rule, mode) &&
                   json_object_get(json, rule->alias);

    return aliased ? rule->alias : rule->name;
}

enum err task_json_read(const json_t *json, enum task_mode mode, unsigned fields, unsigned compat,
                        const char *at, struct problem *problem, struct task_change *change)
{
    enum err err = ERR_NONE;

    *change = (struct task_change){0};
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
        const struct rule *rule = &rules[i];
        const char *name = spelling(json, rule, mode, compat);
        struct member member = {
            .value = json_object_get(json, name),
            .pointer = arena_printf(problem->arena, "%s/%s", at, name),
            .problem = problem,
            .change = change,
        };
        enum err fault = fields & rule->set ? read_member(rule, mode, &member) : ERR_NONE;

        err = fault != ERR_NONE ? fault : err;
    }
    return err;
}

/* One instant; absent or null leaves it TIMESTAMP_NULL. */
static enum err read_stamp(const json_t *value, const char *pointer, struct problem *problem,
                           int64_t *stamp)
{
    struct text text = {json_string_value(value), json_string_length(value)};

    *stamp = TIMESTAMP_NULL;
    if (!value || json_is_null(value) || (json_is_string(value) && timestamp_parse(text, stamp)))
        return ERR_NONE;
    return problem_fault(problem, "body", pointer, "datetime_parsing", "must be " INSTANT);
}

enum err task_json_read_stamps(const json_t *json, const char *at, struct problem *problem,
                               struct task_stamps *stamps)
{
    const struct {
        const char *name;
        int64_t *stamp;
    } members[] = {
        {"completed_at", &stamps->completed_at},
        {"created_at", &stamps->created_at},
        {"updated_at", &stamps->updated_at},
    };
    enum err err = ERR_NONE;

    for (size_t i = 0; i < sizeof members / sizeof *members; i++) {
        const char *pointer = arena_printf(problem->arena, "%s/%s", at, members[i].name);
        enum err fault =
            read_stamp(json_object_get(json, members[i].name), pointer, problem, members[i].stamp);

        err = fault != ERR_NONE ? fault : err;
    }
    return err;
}

void task_json_import(const struct task_change *change, const struct task_stamps *stamps,
                      struct task *task)
{
    bool completed = change->set & TASK_SET_COMPLETED ? change->completed
                                                      : stamps->completed_at != TIMESTAMP_NULL;

    *task = (struct task){
        .title = change->title,
        .description = change->description,
        .completed = completed,
        .completed_at = completed ? stamps->completed_at : TIMESTAMP_NULL,
        .priority = change->set & TASK_SET_PRIORITY ? change->priority : TEXT_LITERAL("medium"),
        .due_date = change->set & TASK_SET_DUE_DATE ? change->due_date : TIMESTAMP_NULL,
        .tags = change->tags,
        .created_at = stamps->created_at,
        .updated_at = stamps->updated_at,
    };
}

/* What a value of each kind needs at most, and how it is written there: all of a task is written
 * into room that is reserved once. */
static size_t room_INTEGER(int64_t value)
{
    (void)value;
    return BUF_INT_ROOM;
}

static char *put_INTEGER(char *out, int64_t value)
{
    return buf_put_int(out, value);
}

static size_t room_TEXT(struct text value)
{
    return BUF_JSON_ROOM(value.length);
}

static char *put_TEXT(char *out, struct text value)
{
    return buf_put_json(out, value);
}

#define PUT(out, literal) ((char *)memcpy(out, literal, sizeof(literal) - 1) + sizeof(literal) - 1)

static size_t room_BOOLEAN(bool value)
{
    (void)value;
    return sizeof("false") - 1;
}

static char *put_BOOLEAN(char *out, bool value)
{
    return value ? PUT(out, "true") : PUT(out, "false");
}

static size_t room_TIME(int64_t value)
{
    (void)value;
    return TIMESTAMP_TEXT_SIZE + 2;
}

static char *put_TIME(char *out, int64_t value)
{
    if (value == TIMESTAMP_NULL)
        return PUT(out, "null");
    *out = '"';
    out = timestamp_format(out + 1, value);
    *out = '"';
    return out + 1;
}

static size_t room_TEXTS(struct texts value)
{
    size_t room = sizeof("[]") - 1;

    for (size_t i = 0; i < value.count; i++)
        room += BUF_JSON_ROOM(value.items[i].length) + 1;
    return room;
}

static char *put_TEXTS(char *out, struct texts value)
{
    *out++ = '[';
    for (size_t i = 0; i < value.count; i++) {
        if (i > 0)
            *out++ = ',';
        out = buf_put_json(out, value.items[i]);
    }
    *out++ = ']';
    return out;
}

#define IS_COMPLETED ",\"is_completed\":"

static size_t room_for(const struct task *task)
{
    size_t room = sizeof(IS_COMPLETED) + room_BOOLEAN(task->completed) + sizeof("}");

#define F(name, kind, source) room += sizeof(",\"" #name "\":") + room_##kind(task->name);
    TASK_FIELDS(F)
#undef F
    return room;
}

void task_json_write(struct buf *buf, const struct task *task, unsigned compat)
{
    char *start = buf_reserve(buf, room_for(task)), *out = start;

#define F(name, kind, source)                                                                      \
    out = PUT(out, ",\"" #name "\":");                                                             \
    out = put_##kind(out, task->name);
    TASK_FIELDS(F)
#undef F
    if (compat & COMPAT_IS_COMPLETED) {
        out = PUT(out, IS_COMPLETED);
        out = put_BOOLEAN(out, task->completed);
    }
    *start = '{';
    *out++ = '}';
    buf->length += (size_t)(out - start);
}

/* SPDX-License-Identifier: ISC */
/* store_task.c: one task at a time: create, read, change, trash, restore. */
#include <config.h>

#include "store_internal.h"
#include "store_task.h"

/* The columns behind a task's own in the answer of a changing statement. */
#define COLUMN_SEEN_VERSION TASK_COLUMN_COUNT
#define COLUMN_SEEN_DELETED (TASK_COLUMN_COUNT + 1)

#define READ_INTEGER result_int
#define READ_TEXT result_text
#define READ_BOOLEAN result_bool
#define READ_TIME result_time
#define READ_TEXTS result_texts

void task_rows_get(const struct task_rows *rows, int index, struct task *task)
{
    int column = 0;

#define F(name, kind) task->name = READ_##kind(rows->result, index, column++);
    TASK_FIELDS(F)
#undef F
}

void task_rows_fini(struct task_rows *rows)
{
    PQclear(rows->result);
    *rows = (struct task_rows){0};
}

/* Hands the step's result over; the step keeps nothing. */
static void steal_rows(struct step *step, struct task_rows *rows)
{
    rows->result = step_result_steal(step);
    rows->count = PQntuples(rows->result);
}

static void step_optional_text(struct step *step, bool present, struct text value)
{
    step_text(step, present ? value : TEXT_NULL);
}

static void step_optional_bool(struct step *step, bool present, bool value)
{
    if (present)
        step_bool(step, value);
    else
        step_null(step);
}

static void step_tags(struct store *store, struct step *step, const struct task_change *change)
{
    if (change->set & TASK_SET_TAGS)
        step_texts(step, &store->arena, change->tags.items, change->tags.count);
    else
        step_null(step);
}

enum err store_task_create(struct store *store, const struct principal *principal,
                           const struct task_change *change, struct task_rows *rows)
{
    struct step step;
    enum err err;

    step_init(&step, store_statement(SQL_TASK_CREATE));
    step_text(&step, principal->user);
    step_text(&step, principal->email);
    step_text(&step, principal->name);
    step_text(&step, change->title);
    step_optional_text(&step, change->set & TASK_SET_DESCRIPTION, change->description);
    step_bool(&step, change->set & TASK_SET_COMPLETED && change->completed);
    step_optional_text(&step, change->set & TASK_SET_PRIORITY, change->priority);
    step_time(&step, change->set & TASK_SET_DUE_DATE ? change->due_date : TIMESTAMP_NULL);
    step_tags(store, &step, change);
    err = store_write(store, principal->user, false, &step);
    if (err == ERR_NONE)
        steal_rows(&step, rows);
    step_fini(&step);
    return err;
}

enum err store_task_get(struct store *store, struct text user, int64_t id, struct task_rows *rows)
{
    struct step step;
    enum err err;

    step_init(&step, store_statement(SQL_TASK_GET));
    step_text(&step, user);
    step_int(&step, id);
    err = store_read(store, user, &step);
    if (err == ERR_NONE) {
        steal_rows(&step, rows);
        if (rows->count == 0)
            err = ERR_NOT_FOUND;
    }
    step_fini(&step);
    return err;
}

/* What a changing statement found: its task changed, or why not. */
static enum err judge_change(const PGresult *result, bool wants_trash)
{
    if (!result_is_null(result, 0, 0))
        return ERR_NONE;
    if (result_is_null(result, 0, COLUMN_SEEN_VERSION))
        return ERR_NOT_FOUND;
    if (result_is_null(result, 0, COLUMN_SEEN_DELETED) == wants_trash)
        return wants_trash ? ERR_CONFLICT : ERR_NOT_FOUND;
    return ERR_PRECONDITION;
}

static void change_init(struct store *store, struct step *step, enum sql sql, struct text user,
                        int64_t id, const struct versions *from)
{
    step_init(step, store_statement(sql));
    step_text(step, user);
    step_int(step, id);
    if (from->any)
        step_null(step);
    else
        step_ints(step, &store->arena, from->items, from->count);
}

static enum err change_run(struct store *store, struct text user, struct step *step,
                           bool wants_trash, struct task_rows *rows)
{
    enum err err = store_write(store, user, true, step);

    if (err == ERR_NONE)
        err = judge_change(step->result, wants_trash);
    if (err == ERR_NONE)
        steal_rows(step, rows);
    step_fini(step);
    return err;
}

enum err store_task_update(struct store *store, struct text user, int64_t id,
                           const struct versions *from, const struct task_change *change,
                           struct task_rows *rows)
{
    unsigned set = change->set;
    struct step step;

    change_init(store, &step, SQL_TASK_UPDATE, user, id, from);
    step_optional_text(&step, set & TASK_SET_TITLE, change->title);
    step_bool(&step, set & TASK_SET_DESCRIPTION);
    step_optional_text(&step, set & TASK_SET_DESCRIPTION, change->description);
    step_optional_bool(&step, set & TASK_SET_COMPLETED, change->completed);
    step_bool(&step, set & TASK_TOGGLE_COMPLETED);
    step_optional_text(&step, set & TASK_SET_PRIORITY, change->priority);
    step_bool(&step, set & TASK_SET_DUE_DATE);
    step_time(&step, set & TASK_SET_DUE_DATE ? change->due_date : TIMESTAMP_NULL);
    step_tags(store, &step, change);
    return change_run(store, user, &step, false, rows);
}

enum err store_task_trash(struct store *store, struct text user, int64_t id,
                          const struct versions *from, struct task_rows *rows)
{
    struct step step;

    change_init(store, &step, SQL_TASK_TRASH, user, id, from);
    return change_run(store, user, &step, false, rows);
}

enum err store_task_restore(struct store *store, struct text user, int64_t id,
                            const struct versions *from, struct task_rows *rows)
{
    struct step step;

    change_init(store, &step, SQL_TASK_RESTORE, user, id, from);
    return change_run(store, user, &step, true, rows);
}

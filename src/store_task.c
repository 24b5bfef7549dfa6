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

#define READ_SELECTED(name, kind) task->name = READ_##kind(rows->result, index, column++);
#define READ_KNOWN(name, kind)
#define F(name, kind, source) READ_##source(name, kind)
    TASK_FIELDS(F)
#undef F
    task->user_id = rows->user;
    task->completed = task->completed_at != TIMESTAMP_NULL;
}

void task_rows_fini(struct task_rows *rows)
{
    PQclear(rows->result);
    *rows = (struct task_rows){0};
}

/* Hands the step's result over; the step keeps nothing. */
static void steal_rows(struct step *step, struct text user, struct task_rows *rows)
{
    rows->user = user;
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

enum err store_task_get(struct store *store, struct text user, int64_t id, struct task_rows *rows)
{
    struct step step;
    enum err err;

    step_init(&step, store_statement(SQL_TASK_GET));
    step_text(&step, user);
    step_int(&step, id);
    err = store_read(store, user, &step);
    if (err == ERR_NONE) {
        steal_rows(&step, user, rows);
        if (rows->count == 0)
            err = ERR_NOT_FOUND;
    }
    step_fini(&step);
    return err;
}

static void create_init(struct store *store, struct step *step, const struct principal *principal,
                        const struct task_change *change)
{
    step_init(step, store_statement(SQL_TASK_CREATE));
    step_text(step, principal->user);
    step_text(step, principal->email);
    step_text(step, principal->name);
    step_text(step, change->title);
    step_optional_text(step, change->set & TASK_SET_DESCRIPTION, change->description);
    step_bool(step, change->set & TASK_SET_COMPLETED && change->completed);
    step_optional_text(step, change->set & TASK_SET_PRIORITY, change->priority);
    step_time(step, change->set & TASK_SET_DUE_DATE ? change->due_date : TIMESTAMP_NULL);
    step_tags(store, step, change);
}

/* The parameters that every change to an existing task begins with. */
static void change_init(struct store *store, struct step *step, enum sql sql, struct text user,
                        const struct task_op *op)
{
    step_init(step, store_statement(sql));
    step_text(step, user);
    step_int(step, op->id);
    if (op->from.any)
        step_null(step);
    else
        step_ints(step, &store->arena, op->from.items, op->from.count);
}

static void update_init(struct store *store, struct step *step, struct text user,
                        const struct task_op *op)
{
    const struct task_change *change = &op->change;
    unsigned set = change->set;

    change_init(store, step, SQL_TASK_UPDATE, user, op);
    step_optional_text(step, set & TASK_SET_TITLE, change->title);
    step_bool(step, set & TASK_SET_DESCRIPTION);
    step_optional_text(step, set & TASK_SET_DESCRIPTION, change->description);
    step_optional_bool(step, set & TASK_SET_COMPLETED, change->completed);
    step_bool(step, set & TASK_TOGGLE_COMPLETED);
    step_optional_text(step, set & TASK_SET_PRIORITY, change->priority);
    step_bool(step, set & TASK_SET_DUE_DATE);
    step_time(step, set & TASK_SET_DUE_DATE ? change->due_date : TIMESTAMP_NULL);
    step_tags(store, step, change);
}

static void op_init(struct store *store, struct step *step, const struct principal *principal,
                    const struct task_op *op)
{
    switch (op->kind) {
    case TASK_OP_CREATE:
        create_init(store, step, principal, &op->change);
        break;
    case TASK_OP_UPDATE:
        update_init(store, step, principal->user, op);
        break;
    case TASK_OP_TRASH:
        change_init(store, step, SQL_TASK_TRASH, principal->user, op);
        break;
    case TASK_OP_RESTORE:
        change_init(store, step, SQL_TASK_RESTORE, principal->user, op);
        break;
    }
}

/* What a statement found: its task as it is now, or why there is none. */
static enum err op_judge(const PGresult *result, enum task_op_kind kind)
{
    bool wants_trash = kind == TASK_OP_RESTORE;

    if (!result_is_null(result, 0, 0))
        return ERR_NONE;
    if (result_is_null(result, 0, COLUMN_SEEN_VERSION))
        return ERR_NOT_FOUND;
    if (result_is_null(result, 0, COLUMN_SEEN_DELETED) == wants_trash)
        return wants_trash ? ERR_CONFLICT : ERR_NOT_FOUND;
    return ERR_PRECONDITION;
}

static enum err judge_all(struct step *const *steps, const struct task_op *ops, size_t count,
                          size_t *failed)
{
    for (size_t i = 0; i < count; i++) {
        enum err err = op_judge(steps[i]->result, ops[i].kind);

        *failed = i;
        if (err != ERR_NONE)
            return err;
    }
    return ERR_NONE;
}

enum err store_task_write(struct store *store, const struct principal *principal,
                          const struct task_op *ops, size_t count, struct task_rows *rows,
                          size_t *failed)
{
    struct step **steps = arena_alloc(&store->arena, count * sizeof *steps);
    bool lock = false;
    enum err err;

    *failed = 0;
    for (size_t i = 0; i < count; i++) {
        steps[i] = arena_alloc(&store->arena, sizeof **steps);
        op_init(store, steps[i], principal, &ops[i]);
        lock |= ops[i].kind != TASK_OP_CREATE;
    }
    err = store_write(store, principal->user, lock, steps, count);
    if (err == ERR_NONE)
        err = judge_all(steps, ops, count, failed);
    for (size_t i = 0; i < count; i++) {
        if (err == ERR_NONE)
            steal_rows(steps[i], principal->user, &rows[i]);
        step_fini(steps[i]);
    }
    return err;
}

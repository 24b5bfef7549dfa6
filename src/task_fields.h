/* SPDX-License-Identifier: ISC */
/* task_fields.h: the one list of a task's fields, in the order in which they are selected and
 * written.
 *
 * struct task, the SQL column lists, the decoding of rows and the JSON writer are made from it.
 * What a client may write into a field is task_json.c's table of rules.
 *
 * F(name, kind, source): the column and member name; kind is INTEGER (int64_t, bigint), TEXT
 * (struct text, text or an enum), BOOLEAN, TIME (int64_t as in timestamp.h, timestamptz) or TEXTS
 * (text[]); source is SELECTED, or KNOWN when a row need not bring it: whose it is was asked for,
 * and it is completed when it has the instant of that. A value costs the database and us 700
 * instructions. */
#ifndef TODO_TASK_FIELDS_H
#define TODO_TASK_FIELDS_H

#define TASK_FIELDS(F)                                                                             \
    F(id, INTEGER, SELECTED)                                                                       \
    F(user_id, TEXT, KNOWN)                                                                        \
    F(title, TEXT, SELECTED)                                                                       \
    F(description, TEXT, SELECTED)                                                                 \
    F(completed, BOOLEAN, KNOWN)                                                                   \
    F(completed_at, TIME, SELECTED)                                                                \
    F(priority, TEXT, SELECTED)                                                                    \
    F(due_date, TIME, SELECTED)                                                                    \
    F(tags, TEXTS, SELECTED)                                                                       \
    F(created_at, TIME, SELECTED)                                                                  \
    F(updated_at, TIME, SELECTED)                                                                  \
    F(version, INTEGER, SELECTED)

#endif

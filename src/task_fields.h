/* SPDX-License-Identifier: ISC */
/* task_fields.h: the one list of a task's fields, in the order in which they are selected and
 * written.
 *
 * struct task, the SQL column lists, the decoding of rows and the JSON writer are made from it.
 * What a client may write into a field is task_json.c's table of rules.
 *
 * F(name, kind): the column and member name; kind is INTEGER (int64_t, bigint), TEXT (struct text,
 * text or an enum), BOOLEAN, TIME (int64_t as in timestamp.h, timestamptz) or TEXTS (text[]). */
#ifndef TODO_TASK_FIELDS_H
#define TODO_TASK_FIELDS_H

#define TASK_FIELDS(F)                                                                             \
    F(id, INTEGER)                                                                                 \
    F(user_id, TEXT)                                                                               \
    F(title, TEXT)                                                                                 \
    F(description, TEXT)                                                                           \
    F(completed, BOOLEAN)                                                                          \
    F(completed_at, TIME)                                                                          \
    F(priority, TEXT)                                                                              \
    F(due_date, TIME)                                                                              \
    F(tags, TEXTS)                                                                                 \
    F(created_at, TIME)                                                                            \
    F(updated_at, TIME)                                                                            \
    F(version, INTEGER)

#endif

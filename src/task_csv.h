/* SPDX-License-Identifier: ISC */
/* task_csv.h: tasks as comma-separated values (RFC 4180), UTF-8: a header row with the names of
 * task_fields.h, then a row for each task.
 *
 * - null is an empty cell, an empty text is "" (Python's csv and spreadsheets read both as empty).
 * - tags stand in one cell with commas between them; a backslash stands before a comma, a
 * backslash, and a blank at either end of a tag. Unescaped blanks around a tag do not count.
 * - a cell that begins with = + - @ ' or a tab, CR or LF gets a ' in front, so that a spreadsheet
 *   takes it for text; a reader drops a ' that stands before one of these. So every text comes back
 *   as it was. */
#ifndef TODO_TASK_CSV_H
#define TODO_TASK_CSV_H

#include "buf.h"
#include "problem.h"
#include "record.h"
#include "task.h"

void task_csv_write_header(struct buf *out);
void task_csv_write(struct buf *out, const struct task *task);

/* Hands each row to `sink`. The header names the columns, in any case and order; unknown ones are
 * ignored, missing cells are null. ERR_BAD_REQUEST: not UTF-8, quotes in the wrong place, cut off
 * inside of quotes, no header; ERR_INVALID: no column "title", a column twice, U+0000, more cells
 * than columns; else as the sink says. */
enum err task_csv_read(struct text body, struct problem *problem, record_sink *sink,
                       void *data) CHECK_RESULT;

#endif

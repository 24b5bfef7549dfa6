/* SPDX-License-Identifier: ISC */
/* task_format.c: the table, and JSON's row of it: an array with a task a line. */
#include <config.h>

#include <stdio.h>

#include "accept.h"
#include "json_body.h"
#include "response.h"
#include "task_csv.h"
#include "task_format.h"
#include "task_ical.h"
#include "task_json.h"

#define MEMBER "tasks" /* of an object in place of the array: {"tasks": […], "total": 2} */

static void begin_json(struct buf *out)
{
    buf_add_char(out, '[');
}

static void write_json(struct buf *out, const struct task *task, const struct task_file *file)
{
    buf_add_string(out, file->begun ? ",\n" : "\n");
    task_json_write(out, task, file->compat);
}

static void end_json(struct buf *out)
{
    buf_add_text(out, TEXT_LITERAL("\n]\n"));
}

static enum err take_array(const json_t *array, const char *at, struct problem *problem,
                           record_sink *sink, void *data)
{
    struct record record = {0};
    enum err worst = ERR_NONE;

    json_array_foreach (array, record.index, record.json) {
        enum err err;

        snprintf(record.pointer, sizeof record.pointer, "%s/%zu", at, record.index);
        record.faulty = !json_is_object(record.json);
        if (record.faulty) {
            record.json = NULL;
            worst =
                problem_fault(problem, "body", record.pointer, "dict_type", "must be an object");
        }
        err = sink(data, &record);
        worst = record_worst(worst, err);
        if (record_is_fatal(err))
            break;
    }
    return worst;
}

static enum err read_json(struct text body, struct problem *problem, record_sink *sink, void *data)
{
    const json_t *array;
    json_t *json;
    enum err err = json_body_parse_any(body, problem, &json);

    if (err != ERR_NONE)
        return err;
    array = json_is_array(json) ? json : json_object_get(json, MEMBER);
    if (json_is_array(array))
        err = take_array(array, array == json ? "" : "/" MEMBER, problem, sink, data);
    else
        err = problem_fault(problem, "body", "", "list_type",
                            "must be an array, or an object with one named \"" MEMBER "\"");
    json_decref(json);
    return err;
}

static void write_csv(struct buf *out, const struct task *task, const struct task_file *file)
{
    (void)file;
    task_csv_write(out, task);
}

static void end_csv(struct buf *out)
{
    (void)out;
}

static void write_ical(struct buf *out, const struct task *task, const struct task_file *file)
{
    task_ical_write(out, task, file->epoch);
}

/* The first is the default. */
static const struct task_format formats[] = {
    {"application/json", RESPONSE_JSON, "tasks.json", begin_json, write_json, end_json, read_json},
    {"text/csv", "text/csv; charset=utf-8; header=present", "tasks.csv", task_csv_write_header,
     write_csv, end_csv, task_csv_read},
    {"text/calendar", "text/calendar; charset=utf-8", "tasks.ics", task_ical_write_begin,
     write_ical, task_ical_write_end, task_ical_read},
    {0},
};
#define FORMAT_COUNT (sizeof formats / sizeof *formats - 1)

const struct task_format *task_formats(void)
{
    return formats;
}

const struct task_format *task_format_accepted(const struct request *request)
{
    const char *types[FORMAT_COUNT];

    for (size_t i = 0; i < FORMAT_COUNT; i++)
        types[i] = formats[i].media_type;
    return &formats[accept_best(request_header(request, HEADER_ACCEPT), types, FORMAT_COUNT)];
}

const struct task_format *task_format_sent(const struct request *request)
{
    for (size_t i = 0; i < FORMAT_COUNT; i++)
        if (request_has_type(request, formats[i].media_type))
            return &formats[i];
    return NULL;
}

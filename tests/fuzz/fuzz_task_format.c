/* SPDX-License-Identifier: ISC */
/* fuzz_task_format.c: any bytes as a file to import; the first says in which format. The readers
 * must give an error with words, or records; and a record that makes a task, written in each of the
 * formats, must be read back as the same task. */
#include <config.h>

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "task_format.h"
#include "task_json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(bool condition)
{
    if (!condition)
        abort();
}

/* What one reading is about. */
struct reading {
    struct problem *problem;
    const struct task *expected; /* NULL: nothing is known of the records */
    size_t records;
};

static bool make_task(const struct record *record, struct problem *problem, struct task *task)
{
    struct task_change change;
    struct task_stamps stamps;
    enum err err = task_json_read(record->json, TASK_MODE_CREATE, TASK_SET_ALL, 0, record->pointer,
                                  problem, &change);
    enum err fault = task_json_read_stamps(record->json, record->pointer, problem, &stamps);

    if (err != ERR_NONE || fault != ERR_NONE)
        return false;
    task_json_import(&change, &stamps, task);
    return true;
}

static enum err take_record(void *data, const struct record *record);

static void write_and_read(const struct task *task, struct problem *problem)
{
    for (const struct task_format *format = task_formats(); format->media_type; format++) {
        struct reading reading = {problem, task, 0};
        struct buf file;

        buf_init(&file);
        format->begin(&file);
        format->write(&file, task, &(struct task_file){.epoch = 1});
        format->end(&file);
        demand(format->read(buf_text(&file), problem, take_record, &reading) == ERR_NONE);
        demand(reading.records == 1);
        buf_fini(&file);
    }
}

static void demand_same(const struct task *task, const struct task *expected)
{
    struct buf one, other;

    buf_init(&one);
    buf_init(&other);
    task_json_write(&one, task, 0);
    task_json_write(&other, expected, 0);
    demand(text_equal(buf_text(&one), buf_text(&other)));
    buf_fini(&one);
    buf_fini(&other);
}

/* Parts of a task that JSON cannot tell apart from absent ones are as a database would have them.
 */
static void complete(struct task *task)
{
    if (task->completed && task->completed_at == TIMESTAMP_NULL)
        task->completed_at = 0;
}

static enum err take_record(void *data, const struct record *record)
{
    struct reading *reading = data;
    struct task task;

    demand(record->index == reading->records++);
    if (!record->json || !make_task(record, reading->problem, &task))
        return ERR_INVALID;
    complete(&task);
    if (reading->expected)
        demand_same(&task, reading->expected);
    else
        write_and_read(&task, reading->problem);
    return ERR_NONE;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena;
    struct problem problem;
    struct reading reading = {&problem, NULL, 0};
    char *body;
    enum err err;

    if (size < 1)
        return 0;
    arena_init(&arena);
    problem_init(&problem, &arena);
    body = malloc(size); /* of just the size, so that a byte too far is seen */
    demand(body != NULL);
    memcpy(body, data + 1, size - 1);
    err = task_formats()[data[0] % 3].read((struct text){body, size - 1}, &problem, take_record,
                                           &reading);
    demand(err == ERR_NONE || problem.detail || problem.faults);
    free(body);
    arena_fini(&arena);
    return 0;
}

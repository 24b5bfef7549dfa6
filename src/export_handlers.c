/* SPDX-License-Identifier: ISC */
/* export_handlers.c: the first page is read before the status is sent, so that a database that is
 * away is a 503; the others while the answer goes out. */
#include <config.h>

#include "call.h"
#include "clock.h"
#include "export_handlers.h"
#include "log.h"
#include "store_export.h"
#include "task_format.h"

#define EXPORT_MAX_MS 600000 /* that a reader, however slow, may hold the snapshot for */

/* An export under way; in the request's arena. */
struct export
{
    struct store *store;
    const struct task_format *format;
    struct task_file file;
    struct task_page page;
    int64_t until;
};

static void write_page(struct export *export, struct buf *out)
{
    struct task task;

    export->file.epoch = export->page.epoch;
    for (int i = 0; i < export->page.rows.count; i++) {
        task_rows_get(&export->page.rows, i, &task);
        export->format->write(out, &task, &export->file);
        export->file.begun = true;
    }
    if (!export->page.more)
        export->format->end(out);
}

/* A response_source. */
static bool next_piece(void *data, struct buf *out)
{
    struct export *export = data;

    if (!export->page.more)
        return true;
    if (clock_now_ms() > export->until) {
        log_warning("an export was given up: its reader is too slow");
        return false;
    }
    if (store_export_next(export->store, &export->page) != ERR_NONE) {
        log_warning("an export was cut off: the database does not answer");
        return false;
    }
    write_page(export, out);
    return true;
}

static void end_export(void *data)
{
    struct export *export = data;

    task_rows_fini(&export->page.rows);
    store_export_end(export->store);
}

enum err task_export(struct call *call)
{
    struct export *export = arena_zero(call->arena, 1, sizeof *export);
    struct response *response = call->response;
    enum err err = store_export_begin(call->store, call->principal.user, &export->page);

    if (err != ERR_NONE)
        return err;
    export->store = call->store;
    export->format = task_format_accepted(call->request);
    export->file.compat = call->conf->compat;
    export->until = clock_now_ms() + EXPORT_MAX_MS;
    response->content_type = export->format->content_type;
    response_header(response, "Vary", "Accept");
    response_header(response, "Content-Disposition", "attachment; filename=\"%s\"",
                    export->format->file_name);
    export->format->begin(&response->body);
    write_page(export, &response->body);
    if (export->page.more)
        response_stream(response, (struct response_source){next_piece, end_export, export});
    else
        end_export(export);
    return ERR_NONE;
}

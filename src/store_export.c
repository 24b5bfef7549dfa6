/* SPDX-License-Identifier: ISC */
/* store_export.c: a read-only transaction stays open while pages are asked for by key. A cursor
 * would do as well, but each page is a prepared statement with a plan that we know. */
#include <config.h>

#include "clock.h"
#include "store_export.h"
#include "store_internal.h"

#define PAGE_ROWS 200

static void page_init(struct step *step, struct text user, int64_t after)
{
    step_init(step, store_statement(SQL_EXPORT_PAGE));
    step_text(step, user);
    step_int(step, after);
    step_int(step, PAGE_ROWS);
}

/* Hands the step's result over; the step keeps nothing. */
static void take_page(struct step *step, struct text user, struct task_page *page)
{
    PGresult *result = step_result_steal(step);
    int count = PQntuples(result);
    struct task task;

    page->rows = (struct task_rows){.result = result, .user = user, .count = count};
    page->more = count == PAGE_ROWS;
    if (count == 0)
        return;
    task_rows_get(&page->rows, count - 1, &task);
    page->last = task.version;
    page->epoch = result_int(result, 0, TASK_COLUMN_COUNT);
}

enum err store_export_begin(struct store *store, struct text user, struct task_page *page)
{
    struct step begin, enter, first;
    struct step *steps[] = {&begin, &enter, &first};
    enum err err;

    *page = (struct task_page){0};
    step_init(&begin, store_statement(SQL_BEGIN_SNAPSHOT));
    store_enter(store, &enter, user);
    page_init(&first, user, 0);
    err = store_run(store, steps, 3, true);
    if (err == ERR_NONE) {
        store->tx = TX_OPEN;
        store->user = user;
        take_page(&first, user, page);
    }
    step_fini(&begin);
    step_fini(&enter);
    step_fini(&first);
    return err;
}

enum err store_export_next(struct store *store, struct task_page *page)
{
    struct step next;
    struct step *steps[] = {&next};
    enum err err;
    bool lost;

    task_rows_fini(&page->rows);
    page_init(&next, store->user, page->last);
    store->deadline = clock_now_ms() + store->conf->db_deadline_ms;
    err = store_run_open(store, steps, 1, &lost);
    if (err == ERR_NONE)
        take_page(&next, store->user, page);
    else
        store->tx = TX_NONE;
    step_fini(&next);
    return err;
}

void store_export_end(struct store *store)
{
    if (store->tx != TX_OPEN)
        return;
    store->deadline = clock_now_ms() + store->conf->db_deadline_ms;
    store_rollback(store);
}

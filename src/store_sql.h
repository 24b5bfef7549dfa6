/* SPDX-License-Identifier: ISC */
/* store_sql.h: every statement that the workers send stands in store_sql.c's table (the list, whose
 * shape depends on the question, is put together from store_list.c's). */
#ifndef TODO_STORE_SQL_H
#define TODO_STORE_SQL_H

#include "task_fields.h"

struct arena;

/* A statement is prepared once a connection under a name made of its key. One whose shape depends
 * on a question is only put together when the connection does not have it yet. */
struct statement {
    unsigned key;
    const char *sql; /* NULL: what `compose` makes of the question */
    const char *(*compose)(struct arena *arena, const void *question);
    const void *question;
};

#define STATEMENT_KEYS 131072 /* keys lie below this */
#define STATEMENT_LIST 64     /* the first key of the lists' shapes */

enum sql {
    SQL_BEGIN,
    SQL_BEGIN_SNAPSHOT,
    SQL_COMMIT,
    SQL_ROLLBACK,
    SQL_SCHEMA_VERSION,
    SQL_POSITION,
    SQL_REPLAYED,
    SQL_ENTER,
    SQL_ENTER_SESSION,
    SQL_LOCK,
    SQL_LOCK_TIMEOUT,
    SQL_KEY_FIND,
    SQL_KEY_EXPIRE,
    SQL_KEY_KEEP,
    SQL_STATE,
    SQL_TASK_CREATE,
    SQL_TASK_GET,
    SQL_TASK_UPDATE,
    SQL_TASK_TRASH,
    SQL_TASK_RESTORE,
    SQL_TASK_CHANGES,
    SQL_EXPORT_PAGE,
    SQL_IMPORT_COUNT,
    SQL_IMPORT_TASKS,
    SQL_TASK_TAGS,
    SQL_ISSUER_KEYS,
    SQL_LOGIN_ATTEMPT,
    SQL_LOGIN_FAILED,
    SQL_LOGIN_SUCCEEDED,
    SQL_ACCOUNT_CREATE,
    SQL_ACCOUNT_GET,
    SQL_ACCOUNT_UPDATE,
    SQL_ACCOUNT_REHASH,
    SQL_ACCOUNT_PASSWORD,
    SQL_ACCOUNT_FORGET,
    SQL_ACCOUNT_DELETE,
    SQL_SESSION_EXPIRE,
    SQL_SESSION_OPEN,
    SQL_SESSION_REFRESH,
    SQL_SESSION_LIST,
    SQL_SESSION_END,
    SQL_SESSION_END_OTHERS,
    SQL_ISSUER_SESSION,
    SQL_ENTER_ISSUER_SESSION,
    SQL_COUNT
};

struct statement store_statement(enum sql sql);

/* The columns of a task selected from the alias k, in the order of task_fields.h; each is followed
 * by a comma, so one more column has to come behind them. */
#define TASK_COLUMN_SELECTED(name) "k." #name ", "
#define TASK_COLUMN_KNOWN(name)
#define TASK_COLUMN(name, kind, source) TASK_COLUMN_##source(name)
#define TASK_COLUMNS TASK_FIELDS(TASK_COLUMN)
#define TASK_COLUMN_ONE_SELECTED +1
#define TASK_COLUMN_ONE_KNOWN
#define TASK_COLUMN_ONE(name, kind, source) TASK_COLUMN_ONE_##source
#define TASK_COLUMN_COUNT (0 TASK_FIELDS(TASK_COLUMN_ONE))

#endif

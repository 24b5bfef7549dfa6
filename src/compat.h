/* SPDX-License-Identifier: ISC */
/* compat.h: the words of TODO_COMPAT, each one deviation from the contract that some client of the
 * FastAPI family expects. compat.c has them in one table. */
#ifndef TODO_COMPAT_H
#define TODO_COMPAT_H

#include "text.h"

enum compat {
    COMPAT_DELETE_MESSAGE = 1 << 0, /* DELETE answers 200 with a message */
    COMPAT_LIST_OBJECT = 1 << 1,    /* the list is {"tasks": [...], "total": n} */
    COMPAT_IS_COMPLETED = 1 << 2,   /* is_completed beside completed, and read */
    COMPAT_TOKEN_ALIAS = 1 << 3,    /* sessions carry token, user_id, email, name at the top */
    COMPAT_DETAIL_ARRAY = 1 << 4,   /* a 422's detail is FastAPI's array */
    COMPAT_SHORT_PATHS = 1 << 5     /* shorter and older paths work as aliases */
};

/* The bit of a word; 0: there is no such word. */
unsigned compat_bit(struct text word);

/* All the words, with commas between them. Static. */
const char *compat_words(void);

#endif

/* SPDX-License-Identifier: ISC */
/* compat.c: the table of words. */
#include <config.h>

#include "compat.h"

#define WORDS(W)                                                                                   \
    W(COMPAT_DELETE_MESSAGE, "delete-message")                                                     \
    W(COMPAT_LIST_OBJECT, "list-object")                                                           \
    W(COMPAT_IS_COMPLETED, "is-completed")                                                         \
    W(COMPAT_TOKEN_ALIAS, "token-alias")                                                           \
    W(COMPAT_DETAIL_ARRAY, "detail-array")                                                         \
    W(COMPAT_SHORT_PATHS, "short-paths")

static const struct {
    unsigned bit;
    const char *word;
} words[] = {
#define W(bit, word) {bit, word},
    WORDS(W)
#undef W
};

unsigned compat_bit(struct text word)
{
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (text_equal(word, text_of(words[i].word)))
            return words[i].bit;
    return 0;
}

const char *compat_words(void)
{
#define W(bit, word) ", " word
    return &WORDS(W)[2];
#undef W
}

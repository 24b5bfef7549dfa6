/* SPDX-License-Identifier: ISC */
/* docs_page.h: the OpenAPI document as a page for people, alone in one file. */
#ifndef TODO_DOCS_PAGE_H
#define TODO_DOCS_PAGE_H

#include <stdbool.h>

#include "buf.h"
#include "conf.h"

#define DOCS_PAGE_TYPE "text/html; charset=utf-8"

/* Appends the page. `nonce` is what its style sheet is known by to the Content-Security-Policy.
 * False when the document cannot be read, which is a defect. */
bool docs_page_write(const struct conf *conf, const char *nonce, struct buf *out);

#endif

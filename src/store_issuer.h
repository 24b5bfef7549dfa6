/* SPDX-License-Identifier: ISC */
/* store_issuer.h: what is read of a Better Auth that shares our database. */
#ifndef TODO_STORE_ISSUER_H
#define TODO_STORE_ISSUER_H

#include "buf.h"
#include "store.h"

/* Appends its public keys as a key set (RFC 7517). */
enum err store_issuer_keys(struct store *store, struct buf *document) CHECK_RESULT;

#endif

/* SPDX-License-Identifier: ISC */
/* store_tx.h: writes whose transaction stays open between two round trips, so that what was written
 * can be judged, and an answer stored with it, before it is committed or undone. */
#ifndef TODO_STORE_TX_H
#define TODO_STORE_TX_H

#include "store.h"

/* Under what an answer is kept, and which request it answers: two SHA-256 digests. */
#define STORE_DIGEST_SIZE 32
struct store_key {
    unsigned char scope[STORE_DIGEST_SIZE];
    unsigned char payload[STORE_DIGEST_SIZE];
};

/* An answer as it was given. */
struct store_record {
    bool same_payload; /* the request that it answered was this one */
    int status;
    struct text content_type; /* TEXT_NULL: none */
    struct text headers;
    struct text body;
};

/* The next write leaves its transaction open, and, with `key` (which must outlive it), first looks
 * for a record under that key, waiting for a running request that holds the user's row: ERR_REPLAY
 * with the record in store_found, ERR_IN_FLIGHT at the deadline. */
void store_hold(struct store *store, const struct store_key *key);
/* As store_hold without a key, unless a key was given before. */
void store_keep_open(struct store *store);
bool store_is_open(const struct store *store);
const struct store_record *store_found(const struct store *store);

/* Ends the open transaction, keeping `record` (NULL: none) under the key that it was held with.
 * *again says that it failed in a way that makes the whole worth another try: another request with
 * the key was faster, or the connection broke and a keyed write may be repeated. */
enum err store_commit(struct store *store, const struct store_record *record,
                      bool *again) CHECK_RESULT;
void store_rollback(struct store *store);

#endif

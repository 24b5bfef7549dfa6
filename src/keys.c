/* SPDX-License-Identifier: ISC */
/* keys.c: a table of sources; each reads a document in its own way, and knows what to do before a
 * token is judged and when its key is unknown. */
#include <config.h>

#include "keys.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clock.h"
#include "jwks_fetch.h"
#include "log.h"
#include "reload.h"
#include "store_issuer.h"

#define LEFT_KEYS "RELOAD_KEYS" /* the source's name, a newline, the document */
#define FRESH_MS 2000 /* for which a file can change and look as before: no clock ticks slower */
#define RETRY_MS 5000 /* between readings of a file that fail, while it looks the same */

struct source {
    const char *begins; /* what TODO_JWKS then begins with */
    bool fetched;       /* by a process of its own */
    /* NULL with the document, or what went wrong (static). */
    const char *(*read)(const struct conf *conf, struct store *store, struct buf *document);
    void (*before)(struct keys *keys); /* takes over what has changed by itself */
    void (*ask)(struct keys *keys);    /* a token's key is unknown */
};

struct keys {
    const struct conf *conf;
    struct store *store;
    struct key_board *board;
    const struct source *source;
    struct jwks *set;    /* NULL: none yet */
    unsigned generation; /* of the board's document that it was made of */
    struct stat seen;    /* the file as it looked when it had changed last */
    int64_t fresh_until; /* when that was long enough ago; monotonic milliseconds */
    int64_t again_at;    /* when the file is to be read again even if it looks the same */
    bool loaded;         /* by keys_load: not to be looked at again */
};

/* ---- a file */

/* A file that is no longer than a document may be, read up to the end. */
static const char *read_descriptor(int fd, struct buf *document)
{
    ssize_t count;

    do {
        char *room = buf_reserve(document, BUFSIZ);

        count = read(fd, room, BUFSIZ);
        if (count < 0)
            return "it cannot be read";
        document->length += (size_t)count;
        if (document->length > JWKS_DOCUMENT_MAX)
            return "it is larger than 1 MiB";
    } while (count > 0);
    return NULL;
}

static const char *read_file(const struct conf *conf, struct store *store, struct buf *document)
{
    int fd = open(conf->jwks, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    struct stat status;
    const char *fault;

    (void)store;
    if (fd < 0)
        return "the file cannot be opened";
    fault = fstat(fd, &status) == 0 && S_ISREG(status.st_mode) ? read_descriptor(fd, document)
                                                               : "it is no regular file";
    close(fd);
    return fault;
}

static bool is_same_file(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
           a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec &&
           a->st_ctim.tv_sec == b->st_ctim.tv_sec && a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

static void replace_set(struct keys *keys, struct jwks *set)
{
    jwks_drop(keys->set);
    keys->set = set;
}

/* Reads the source and takes its set over if there is one. */
static bool renew(struct keys *keys, struct buf *document)
{
    const char *fault;
    struct jwks *set = keys_read(keys->conf, keys->store, document, &fault);

    if (!set) {
        log_warning("the key set is left as it was: %s", fault);
        return false;
    }
    replace_set(keys, set);
    log_info("the key set has been read: %zu keys", jwks_count(set));
    return true;
}

/* What is read of a fresh file is not the last word, nor is a failure. */
static void renew_from_file(struct keys *keys, int64_t now)
{
    struct buf document;
    bool good;

    buf_init(&document);
    good = renew(keys, &document);
    buf_fini(&document);
    keys->again_at = now < keys->fresh_until ? keys->fresh_until
                     : good                  ? INT64_MAX
                                             : now + RETRY_MS;
}

static void watch_file(struct keys *keys)
{
    struct stat status;
    bool found = stat(keys->conf->jwks, &status) == 0; /* if not, perhaps for a moment */
    int64_t now = clock_now_ms();

    if (found && !is_same_file(&status, &keys->seen)) {
        keys->seen = status;
        keys->fresh_until = now + FRESH_MS;
    } else if (now < keys->again_at) {
        return;
    }
    renew_from_file(keys, now);
}

/* A file that has settled is not read for a token of an unknown key. */
static void ask_file(struct keys *keys)
{
    int64_t now = clock_now_ms();

    if (now < keys->fresh_until)
        renew_from_file(keys, now);
}

/* ---- what is read over a board */

/* Takes the board's document over when it is a newer one. Whoever put it there has found keys in
 * it. */
static void take_over(struct keys *keys)
{
    struct buf document;
    struct jwks *set = NULL;

    buf_init(&document);
    if (key_board_take(keys->board, &keys->generation, &document))
        set = jwks_parse(buf_text(&document));
    if (set)
        replace_set(keys, set);
    buf_fini(&document);
}

/* ---- a URL */

static const char *read_url(const struct conf *conf, struct store *store, struct buf *document)
{
    (void)store;
    return jwks_fetch(conf->jwks, document);
}

static void ask_fetcher(struct keys *keys)
{
    enum key_board_turn turn = key_board_ask(keys->board);

    if (turn == KEY_BOARD_LEAD)
        key_board_ring(keys->board);
    if (turn != KEY_BOARD_REFUSE)
        key_board_wait(keys->board);
    take_over(keys);
}

/* ---- the database */

static const char *read_database(const struct conf *conf, struct store *store, struct buf *document)
{
    (void)conf;
    return store_issuer_keys(store, document) == ERR_NONE
               ? NULL
               : "the database does not give them; has todoctl link better-auth been run?";
}

/* Reads for the whole pool. */
static void lead(struct keys *keys)
{
    struct buf document;

    buf_init(&document);
    if (renew(keys, &document))
        key_board_publish(keys->board, buf_text(&document));
    else
        key_board_fail(keys->board);
    buf_fini(&document);
}

static void watch_database(struct keys *keys)
{
    if (key_board_is_due(keys->board))
        lead(keys);
    take_over(keys);
}

static void ask_database(struct keys *keys)
{
    switch (key_board_ask(keys->board)) {
    case KEY_BOARD_LEAD:
        lead(keys);
        break;
    case KEY_BOARD_FOLLOW:
        key_board_wait(keys->board);
        break;
    case KEY_BOARD_REFUSE:
        break;
    }
    take_over(keys);
}

/* ---- the table */

static const struct source sources[] = {
    {"/", false, read_file, watch_file, ask_file},
    {"http", true, read_url, take_over, ask_fetcher},
    {"database", false, read_database, watch_database, ask_database},
};

static const struct source *find_source(const char *name)
{
    for (size_t i = 0; i < sizeof sources / sizeof *sources; i++)
        if (strncmp(name, sources[i].begins, strlen(sources[i].begins)) == 0)
            return &sources[i];
    return NULL;
}

struct jwks *keys_read(const struct conf *conf, struct store *store, struct buf *document,
                       const char **fault)
{
    struct jwks *set = NULL;

    buf_clear(document);
    *fault = find_source(conf->jwks)->read(conf, store, document);
    if (*fault)
        return NULL;
    set = jwks_parse(buf_text(document));
    if (set && jwks_count(set) > 0)
        return set;
    *fault = set ? "none of its keys fits" : "it is no key set";
    jwks_drop(set);
    return NULL;
}

bool keys_need_fetcher(const struct conf *conf)
{
    return conf->jwks && find_source(conf->jwks)->fetched;
}

/* ---- a reload */

void keys_leave(const struct conf *conf, struct key_board *board)
{
    struct buf document, left;
    unsigned generation = 0;

    buf_init(&document);
    buf_init(&left);
    if (conf->jwks && key_board_take(board, &generation, &document)) {
        buf_printf(&left, "%s\n", conf->jwks);
        buf_add_text(&left, buf_text(&document));
        reload_leave(LEFT_KEYS, buf_text(&left));
    }
    buf_fini(&document);
    buf_fini(&left);
}

void keys_take_over(const struct conf *conf, struct key_board *board)
{
    struct text name = text_of(conf->jwks);
    struct buf left;

    buf_init(&left);
    reload_take(LEFT_KEYS, &left);
    if (conf->jwks && left.length > name.length && left.data[name.length] == '\n' &&
        memcmp(left.data, name.data, name.length) == 0)
        key_board_preset(board,
                         (struct text){left.data + name.length + 1, left.length - name.length - 1});
    buf_fini(&left);
}

/* ---- one process's keys */

struct keys *keys_new(const struct conf *conf, struct store *store, struct key_board *board)
{
    const struct source *source = conf->jwks ? find_source(conf->jwks) : NULL;
    struct keys *keys;

    if (!source)
        return NULL;
    keys = calloc(1, sizeof *keys);
    if (!keys)
        log_out_of_memory();
    keys->conf = conf;
    keys->store = store;
    keys->board = board;
    keys->source = source;
    return keys;
}

void keys_free(struct keys *keys)
{
    if (!keys)
        return;
    jwks_drop(keys->set);
    free(keys);
}

const char *keys_load(struct keys *keys)
{
    struct buf document;
    const char *fault;

    buf_init(&document);
    keys->loaded = true;
    replace_set(keys, keys_read(keys->conf, keys->store, &document, &fault));
    buf_fini(&document);
    return keys->set ? NULL : fault;
}

bool keys_judge(struct keys *keys, const struct jwks_claim *claim, enum jwks_verdict *verdict)
{
    if (!keys->loaded)
        keys->source->before(keys);
    *verdict = keys->set ? jwks_judge(keys->set, claim) : JWKS_UNKNOWN;
    if (*verdict == JWKS_UNKNOWN && !keys->loaded) {
        keys->source->ask(keys);
        *verdict = keys->set ? jwks_judge(keys->set, claim) : JWKS_UNKNOWN;
    }
    return keys->set != NULL;
}

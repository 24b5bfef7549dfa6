/* SPDX-License-Identifier: ISC */
/* key_board.c: a document, a few instants and one robust lock in shared memory. Those who wait look
 * again every few milliseconds: a condition variable can be left unusable by one that was killed
 * while it waited. */
#include <config.h>

#include "key_board.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "jwks.h"
#include "log.h"

#define LOOK_MS 10
#define LONG_AGO (INT64_MIN / 2)

struct key_board {
    pthread_mutex_t lock;
    int bell;         /* an eventfd */
    long waiters_max; /* who may wait at once */
    long waiters;     /* for the reading under way; reset at its end, so that none is left behind */
    int64_t asked_at; /* the last reading for an unknown key; monotonic milliseconds */
    int64_t due_at;   /* of the next one that nobody asks for */
    int64_t begun_at; /* of the reading under way; LONG_AGO: none is */
    bool failing;     /* the last one failed */
    atomic_uint ended;      /* how many have */
    atomic_uint generation; /* of the document; 0: there has never been one */
    size_t length;
    char document[JWKS_DOCUMENT_MAX];
};

static void init_lock(pthread_mutex_t *lock)
{
    pthread_mutexattr_t attributes;

    pthread_mutexattr_init(&attributes);
    pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
    pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
    pthread_mutex_init(lock, &attributes);
    pthread_mutexattr_destroy(&attributes);
}

struct key_board *key_board_new(long workers)
{
    struct key_board *board =
        mmap(NULL, sizeof *board, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    if (board == MAP_FAILED)
        log_out_of_memory();
    init_lock(&board->lock);
    board->bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    board->waiters_max = workers > 1 ? workers / 2 : 1;
    board->asked_at = board->due_at = LONG_AGO;
    board->begun_at = clock_now_ms(); /* the first reading is on its way */
    return board;
}

void key_board_free(struct key_board *board)
{
    if (!board)
        return;
    close(board->bell);
    munmap(board, sizeof *board);
}

/* Whoever died with the lock may have left half a document: the next reading brings a whole one. */
static void lock(struct key_board *board)
{
    if (pthread_mutex_lock(&board->lock) != EOWNERDEAD)
        return;
    board->length = 0;
    board->due_at = LONG_AGO;
    pthread_mutex_consistent(&board->lock);
}

static void unlock(struct key_board *board)
{
    pthread_mutex_unlock(&board->lock);
}

/* May one more wait for the reading under way? Before the first has ended nobody has a key, so that
 * nobody would be held up. */
static bool may_follow(const struct key_board *board, int64_t now)
{
    return now - board->begun_at < KEY_BOARD_WAIT_MS && !board->failing &&
           (board->waiters < board->waiters_max || board->ended == 0);
}

enum key_board_turn key_board_ask(struct key_board *board)
{
    int64_t now = clock_now_ms();
    enum key_board_turn turn = KEY_BOARD_REFUSE;

    lock(board);
    if (may_follow(board, now)) {
        board->waiters++;
        turn = KEY_BOARD_FOLLOW;
    } else if (now - board->asked_at >= KEY_BOARD_ASK_MS) {
        board->asked_at = board->begun_at = now;
        board->waiters = 1;
        turn = KEY_BOARD_LEAD;
    }
    unlock(board);
    return turn;
}

void key_board_wait(struct key_board *board)
{
    const struct timespec pause = clock_span(LOOK_MS);
    int64_t limit = clock_now_ms() + KEY_BOARD_WAIT_MS;
    unsigned ended = board->ended;

    if (board->failing)
        return;
    while (board->begun_at != LONG_AGO && board->ended == ended && clock_now_ms() < limit)
        nanosleep(&pause, NULL);
}

bool key_board_is_due(struct key_board *board)
{
    int64_t now = clock_now_ms();
    bool due;

    lock(board);
    due = now >= board->due_at;
    if (due) {
        board->due_at = now + KEY_BOARD_RETRY_MS; /* if the caller dies */
        board->begun_at = now;
    }
    unlock(board);
    return due;
}

/* With the lock held. A failure uses up the allowance of those who ask. */
static void end_reading(struct key_board *board, bool failing)
{
    int64_t now = clock_now_ms();

    board->failing = failing;
    board->begun_at = LONG_AGO;
    board->waiters = 0;
    board->due_at = now + (!failing                 ? KEY_BOARD_REFRESH_MS
                           : board->generation == 0 ? KEY_BOARD_FIRST_MS
                                                    : KEY_BOARD_RETRY_MS);
    if (failing)
        board->asked_at = now;
    board->ended++;
}

/* With the lock held. False: it does not fit. */
static bool put_up(struct key_board *board, struct text document)
{
    if (document.length > JWKS_DOCUMENT_MAX)
        return false;
    if (document.length != board->length ||
        memcmp(document.data, board->document, document.length) != 0) {
        memcpy(board->document, document.data, document.length);
        board->length = document.length;
        board->generation++;
    }
    return true;
}

void key_board_publish(struct key_board *board, struct text document)
{
    lock(board);
    end_reading(board, !put_up(board, document));
    unlock(board);
}

void key_board_preset(struct key_board *board, struct text document)
{
    lock(board);
    (void)put_up(board, document);
    unlock(board);
}

void key_board_fail(struct key_board *board)
{
    lock(board);
    end_reading(board, true);
    unlock(board);
}

bool key_board_take(struct key_board *board, unsigned *generation, struct buf *document)
{
    bool newer;

    if (board->generation == *generation)
        return false;
    lock(board);
    newer = board->length > 0;
    if (newer) {
        *generation = board->generation;
        buf_clear(document);
        buf_add(document, board->document, board->length);
    }
    unlock(board);
    return newer;
}

void key_board_ring(struct key_board *board)
{
    if (eventfd_write(board->bell, 1) != 0)
        log_error("the fetcher cannot be woken: %s", strerror(errno));
}

int key_board_bell(const struct key_board *board)
{
    return board->bell;
}

void key_board_hear(struct key_board *board)
{
    eventfd_t rings;

    if (eventfd_read(board->bell, &rings) != 0 && errno != EAGAIN)
        log_error("the fetcher hears nothing: %s", strerror(errno));
}

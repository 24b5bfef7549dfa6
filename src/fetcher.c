/* SPDX-License-Identifier: ISC */
/* fetcher.c: waits for the bell, the clock or a signal; then reads and publishes. */
#include <config.h>

#include "fetcher.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sysexits.h>
#include <unistd.h>

#include "keys.h"
#include "log.h"
#include "server.h"

#define LOOK_MS 1000 /* between two looks at the clock */

static void read_set(const struct conf *conf, struct key_board *board)
{
    struct buf document;
    const char *fault;
    struct jwks *set;

    buf_init(&document);
    set = keys_read(conf, NULL, &document, &fault);
    if (set) {
        log_debug("the key set has been fetched: %zu keys", jwks_count(set));
        key_board_publish(board, buf_text(&document));
    } else {
        log_warning("the key set could not be fetched: %s", fault);
        key_board_fail(board);
    }
    jwks_drop(set);
    buf_fini(&document);
}

/* False: a signal asks for the end. */
static bool wait_for_work(struct key_board *board, int signals, bool *rung)
{
    struct pollfd events[] = {{.fd = signals, .events = POLLIN},
                              {.fd = key_board_bell(board), .events = POLLIN}};
    int ready = poll(events, 2, LOOK_MS);

    *rung = ready > 0 && events[1].revents != 0;
    if (*rung)
        key_board_hear(board);
    return !(ready > 0 && events[0].revents != 0);
}

int fetcher_run(const struct conf *conf, struct key_board *board)
{
    sigset_t drain;
    bool rung = false;
    int signals;

    server_drain_signals(&drain);
    signals = signalfd(-1, &drain, SFD_CLOEXEC | SFD_NONBLOCK);
    if (signals < 0) {
        log_error("the fetcher cannot wait for signals: %s", strerror(errno));
        return EX_OSERR;
    }
    do {
        if (key_board_is_due(board) || rung)
            read_set(conf, board);
    } while (wait_for_work(board, signals, &rung));
    close(signals);
    return EX_OK;
}

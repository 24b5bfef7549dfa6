/* SPDX-License-Identifier: ISC */
/* Connections that nobody takes, on unix and TCP sockets. */
#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "accept_queue.h"

#define BACKLOG 9
#define CLIENTS 3

/* An address that the kernel chooses. */
static int listen_on(sa_family_t family)
{
    struct sockaddr_storage address = {.ss_family = family};
    socklen_t size = family == AF_UNIX    ? sizeof(sa_family_t)
                     : family == AF_INET6 ? sizeof(struct sockaddr_in6)
                                          : sizeof(struct sockaddr_in);
    int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (const struct sockaddr *)&address, size), 0);
    assert_int_equal(listen(fd, BACKLOG), 0);
    return fd;
}

static int connect_to(int listener)
{
    struct sockaddr_storage address;
    socklen_t size = sizeof address;
    int fd;

    assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &size), 0);
    fd = socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (const struct sockaddr *)&address, size), 0);
    return fd;
}

static void check_queue(int listener, unsigned length)
{
    struct accept_queue queue;

    assert_true(accept_queue_read(listener, &queue));
    assert_int_equal(queue.length, length);
    assert_int_equal(queue.limit, BACKLOG);
}

static void check_family(sa_family_t family)
{
    int listener = listen_on(family), clients[CLIENTS];

    check_queue(listener, 0);
    for (unsigned i = 0; i < CLIENTS; i++) {
        clients[i] = connect_to(listener);
        check_queue(listener, i + 1);
    }
    close(accept(listener, NULL, NULL));
    check_queue(listener, CLIENTS - 1);
    for (unsigned i = 0; i < CLIENTS; i++)
        close(clients[i]);
    close(listener);
}

static void test_families(void **state)
{
    (void)state;
    check_family(AF_UNIX);
    check_family(AF_INET);
    check_family(AF_INET6);
}

static void test_no_listener(void **state)
{
    struct accept_queue queue;
    int ends[2];

    (void)state;
    assert_int_equal(pipe(ends), 0);
    assert_false(accept_queue_read(ends[0], &queue));
    assert_false(accept_queue_read(-1, &queue));
    close(ends[0]);
    close(ends[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_families),
        cmocka_unit_test(test_no_listener),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

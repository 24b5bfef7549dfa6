/* SPDX-License-Identifier: ISC */
/* test_server.c: a worker on a real unix socket, in a process of its own, and a FastCGI client that
 * writes its records by hand, well and badly.
 *
 * app_handle is ours here: it does what the path says, and counts what it was given. */
#include <config.h>

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "buf.h"
#include "clock.h"
#include "log.h"
#include "pool.h"
#include "reload.h"
#include "server.h"

#define LARGE_ANSWER 1000000
#define SLOW_MS 300
#define CLIENTS 20
#define PIECE 100000
#define UNSOUND "TEST_UNSOUND"

enum record { BEGIN = 1, END = 3, PARAMS = 4, STDIN = 5, STDOUT = 6 };
enum { RESPONDER = 1, KEEP_CONNECTION = 1, NO_FLAGS = 0 };

static atomic_int *handled; /* in shared memory: requests that app_handle was given */
static atomic_int *ended;   /* and those that app_end was */

/* ---- the application */

static const char *variable(char *const *environment, const char *name)
{
    size_t length = strlen(name);
    for (; *environment != NULL; environment++) {
        if (strncmp(*environment, name, length) == 0 && (*environment)[length] == '=')
            return *environment + length + 1;
    }
    return "";
}

static void answer_body(body_reader *read, void *source, struct buf *out)
{
    char piece[1000];
    ssize_t count;
    size_t total = 0;
    while ((count = read(source, piece, sizeof(piece))) > 0)
        total += (size_t)count;
    buf_printf(out, "%s %zu", count == 0 ? "read" : "failed after", total);
}

static void answer_environment(char *const *environment, struct buf *out)
{
    size_t count = 0;
    while (environment[count] != NULL)
        count++;
    buf_printf(out, "%zu variables, X_BIG has %zu", count, strlen(variable(environment, "X_BIG")));
}

static void answer_large(struct buf *out)
{
    memset(buf_reserve(out, LARGE_ANSWER), 'x', LARGE_ANSWER);
    out->length = LARGE_ANSWER;
}

/* Pieces of a stream: so many, and then its end or its failure; -1: without end. */
struct pieces {
    int left;
    bool fails;
};

static bool next_piece(void *data, struct buf *out)
{
    struct pieces *pieces = data;
    if (pieces->left == 0)
        return !pieces->fails;
    pieces->left -= pieces->left > 0;
    memset(buf_reserve(out, PIECE), 'p', PIECE);
    out->length = PIECE;
    return true;
}

static void answer_stream(struct response *response, const char *kind)
{
    static struct pieces pieces;
    pieces = (struct pieces){strcmp(kind, "/endless") == 0 ? -1 : 3, strcmp(kind, "/cut") == 0};
    buf_add_string(&response->body, "first,");
    response_stream(response, (struct response_source){next_piece, NULL, &pieces});
}

void app_end(struct app *app, struct response *response)
{
    (void)app;
    response_end_source(response);
    atomic_fetch_add(ended, 1);
}

enum method app_handle(struct app *app, char **environment, body_reader *read, void *source,
                       struct response *response)
{
    const char *path = variable(environment, "REQUEST_URI");
    (void)app;
    atomic_fetch_add(handled, 1);
    response->status = 200;
    response->content_type = RESPONSE_JSON;
    if (strcmp(path, "/body") == 0)
        answer_body(read, source, &response->body);
    else if (strcmp(path, "/environment") == 0)
        answer_environment(environment, &response->body);
    else if (strcmp(path, "/large") == 0)
        answer_large(&response->body);
    else if (strncmp(path, "/stream", 7) == 0)
        answer_stream(response, path + 7);
    else
        buf_add_string(&response->body, path);
    if (strcmp(path, "/slow") == 0)
        usleep(SLOW_MS * 1000);
    return strcmp(variable(environment, "REQUEST_METHOD"), "HEAD") == 0 ? METHOD_HEAD : METHOD_GET;
}

/* ---- the worker's process */

struct fixture {
    char directory[32];
    struct sockaddr_un address;
    int listen_fd;
    pid_t worker;
};

static int work(void *data)
{
    const struct fixture *fixture = data;
    return server_run(NULL, fixture->listen_fd);
}

static int work_as_one(void *data, long index)
{
    (void)index;
    return work(data);
}

static int work_in_pool(void *data)
{
    return pool_run(2, work_as_one, data);
}

/* With the drain signals blocked from the first, so that a test may send one at any time. */
static pid_t start(struct fixture *fixture, int (*run)(void *data))
{
    sigset_t drain, before;
    server_drain_signals(&drain);
    sigprocmask(SIG_BLOCK, &drain, &before);
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        log_set_level(LOG_LEVEL_ERROR);
        server_signals();
        exit(run(fixture));
    }
    sigprocmask(SIG_SETMASK, &before, NULL);
    assert_true(pid > 0);
    return pid;
}

static int set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    assert_non_null(fixture);
    snprintf(fixture->directory, sizeof(fixture->directory), "/tmp/test_server.XXXXXX");
    assert_non_null(mkdtemp(fixture->directory));
    fixture->address.sun_family = AF_UNIX;
    snprintf(fixture->address.sun_path, sizeof(fixture->address.sun_path), "%s/socket",
             fixture->directory);
    fixture->listen_fd = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(
        bind(fixture->listen_fd, (struct sockaddr *)&fixture->address, sizeof(fixture->address)),
        0);
    assert_int_equal(listen(fixture->listen_fd, 64), 0);
    handled =
        mmap(NULL, 2 * sizeof(*handled), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(handled != MAP_FAILED);
    ended = handled + 1;
    fixture->worker = start(fixture, work);
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    if (fixture->worker > 0 && kill(fixture->worker, SIGKILL) == 0)
        waitpid(fixture->worker, NULL, 0);
    close(fixture->listen_fd);
    unlink(fixture->address.sun_path);
    rmdir(fixture->directory);
    munmap(handled, 2 * sizeof(*handled));
    free(fixture);
    return 0;
}

/* Until the workers have so many requests in hand. */
static void wait_until_handled(int count)
{
    int64_t limit = clock_now_ms() + 10000;
    while (atomic_load(handled) < count && clock_now_ms() < limit)
        usleep(2000);
    assert_int_equal(atomic_load(handled), count);
}

/* The exit status of the worker, or minus the signal that killed it; -1000 when it lives on. */
static int end_of_worker(struct fixture *fixture, int64_t milliseconds)
{
    int64_t limit = clock_now_ms() + milliseconds;
    int status;
    while (waitpid(fixture->worker, &status, WNOHANG) == 0) {
        if (clock_now_ms() > limit)
            return -1000;
        usleep(2000);
    }
    fixture->worker = 0;
    return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

static void use_pool(struct fixture *fixture)
{
    kill(fixture->worker, SIGTERM);
    assert_int_equal(end_of_worker(fixture, 3000), 0);
    fixture->worker = start(fixture, work_in_pool);
}

/* ---- the client */

static void add_record(struct buf *out, enum record type, const void *data, size_t length)
{
    const unsigned char header[8] = {1, (unsigned char)type,          0,
                                     1, (unsigned char)(length >> 8), (unsigned char)length};
    buf_add(out, header, sizeof(header));
    buf_add(out, data, length);
}

static void add_begin(struct buf *out, unsigned char flags)
{
    const unsigned char body[8] = {0, RESPONDER, flags};
    add_record(out, BEGIN, body, sizeof(body));
}

static void add_length(struct buf *out, size_t length)
{
    if (length > 127) {
        buf_add_char(out, (char)(0x80 | length >> 24));
        buf_add_char(out, (char)(length >> 16));
        buf_add_char(out, (char)(length >> 8));
    }
    buf_add_char(out, (char)length);
}

static void add_pair(struct buf *out, const char *name, const char *value)
{
    add_length(out, strlen(name));
    add_length(out, strlen(value));
    buf_add_string(out, name);
    buf_add_string(out, value);
}

/* BEGIN and the parameters, in records of at most `piece` bytes. */
static void add_head(struct buf *out, const char *method, const char *path, unsigned char flags,
                     const char *big, size_t piece)
{
    struct buf pairs;
    buf_init(&pairs);
    add_pair(&pairs, "REQUEST_METHOD", method);
    add_pair(&pairs, "REQUEST_URI", path);
    add_pair(&pairs, "X_BIG", big);
    add_begin(out, flags);
    for (size_t at = 0; at < pairs.length; at += piece)
        add_record(out, PARAMS, pairs.data + at,
                   pairs.length - at < piece ? pairs.length - at : piece);
    add_record(out, PARAMS, "", 0);
    buf_fini(&pairs);
}

static void add_get(struct buf *out, const char *path)
{
    add_head(out, "GET", path, NO_FLAGS, "", 60000);
    add_record(out, STDIN, "", 0);
}

static int connect_to(const struct fixture *fixture)
{
    const struct timeval limit = {.tv_sec = 10};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(
        connect(fd, (const struct sockaddr *)&fixture->address, sizeof(fixture->address)), 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
    return fd;
}

/* Sends and empties the buffer. */
static void send_all(int fd, struct buf *out)
{
    assert_int_equal(send(fd, out->data, out->length, MSG_NOSIGNAL), (ssize_t)out->length);
    buf_clear(out);
}

struct answer {
    struct buf out; /* what came as STDOUT, and a zero byte */
    bool ended;     /* END came, the request is complete */
    bool broken;    /* a record came that is none */
    bool closed;    /* and then the worker closed the connection */
};

static ssize_t receive(int fd, void *data, size_t size)
{
    return recv(fd, data, size, MSG_WAITALL);
}

static void receive_answer(int fd, struct answer *answer)
{
    unsigned char header[8];
    unsigned char content[65535 + 255];
    ssize_t count;
    *answer = (struct answer){.ended = false};
    buf_init(&answer->out);
    while ((count = receive(fd, header, sizeof(header))) == (ssize_t)sizeof(header)) {
        size_t length = (size_t)header[4] << 8 | header[5];
        assert_int_equal(receive(fd, content, length + header[6]), length + header[6]);
        if (header[1] == STDOUT)
            buf_add(&answer->out, content, length);
        answer->broken = header[0] != 1;
        if (header[1] == END)
            answer->ended = content[4] == 0;
    }
    answer->closed = count == 0;
    buf_add_char(&answer->out, '\0');
    close(fd);
}

/* The answer is whole: HTTP head, body, END, and the end of the connection. */
static void assert_answer(int fd, const char *body)
{
    struct answer answer;
    char length[64];
    receive_answer(fd, &answer);
    snprintf(length, sizeof(length), "Content-Length: %zu\r\n", strlen(body));
    assert_non_null(strstr(answer.out.data, "Status: 200 OK\r\n"));
    assert_non_null(strstr(answer.out.data, length));
    assert_string_equal(strstr(answer.out.data, "\r\n\r\n") + 4, body);
    assert_true(answer.ended);
    assert_true(answer.closed);
    buf_fini(&answer.out);
}

/* Nothing was answered, but the connection was closed. */
static void assert_no_answer(int fd)
{
    struct answer answer;
    receive_answer(fd, &answer);
    assert_int_equal(answer.out.length, 1);
    assert_false(answer.ended);
    assert_true(answer.closed);
    buf_fini(&answer.out);
}

static int send_get(const struct fixture *fixture, const char *path)
{
    struct buf out;
    int fd = connect_to(fixture);
    buf_init(&out);
    add_get(&out, path);
    send_all(fd, &out);
    buf_fini(&out);
    return fd;
}

static void assert_serves(const struct fixture *fixture)
{
    assert_answer(send_get(fixture, "/still-there"), "/still-there");
}

/* ---- requests */

static void test_get(void **state)
{
    assert_answer(send_get(*state, "/"), "/");
    assert_answer(send_get(*state, "/again"), "/again");
}

static void test_head_has_no_body(void **state)
{
    struct answer answer;
    struct buf out;
    int fd = connect_to(*state);
    buf_init(&out);
    add_head(&out, "HEAD", "/12345", NO_FLAGS, "", 60000);
    add_record(&out, STDIN, "", 0);
    send_all(fd, &out);
    receive_answer(fd, &answer);
    assert_non_null(strstr(answer.out.data, "Content-Length: 6\r\n"));
    assert_string_equal(strstr(answer.out.data, "\r\n\r\n") + 4, "");
    assert_true(answer.ended);
    buf_fini(&answer.out);
    buf_fini(&out);
}

static void test_parameters_in_records_of_any_size(void **state)
{
    static const size_t pieces[] = {1, 7, 8, 8192, 65535};
    static char big[20001];
    memset(big, 'b', sizeof(big) - 1);
    for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
        struct buf out;
        int fd = connect_to(*state);
        buf_init(&out);
        add_head(&out, "GET", "/environment", NO_FLAGS, big, pieces[i]);
        add_record(&out, STDIN, "", 0);
        send_all(fd, &out);
        assert_answer(fd, "4 variables, X_BIG has 20000"); /* libfcgi adds FCGI_ROLE */
        buf_fini(&out);
    }
}

static void test_body_in_pieces(void **state)
{
    static const char piece[3000];
    struct buf out;
    int fd = connect_to(*state);
    buf_init(&out);
    add_head(&out, "POST", "/body", NO_FLAGS, "", 60000);
    for (int i = 0; i < 10; i++) {
        add_record(&out, STDIN, piece, sizeof(piece));
        send_all(fd, &out);
        usleep(5000);
    }
    add_record(&out, STDIN, "", 0);
    send_all(fd, &out);
    assert_answer(fd, "read 30000");
    buf_fini(&out);
}

static void test_body_that_is_cut_off(void **state)
{
    struct buf out;
    int fd = connect_to(*state);
    buf_init(&out);
    add_head(&out, "POST", "/body", NO_FLAGS, "", 60000);
    add_record(&out, STDIN, "12345", 5);
    out.length--;
    send_all(fd, &out);
    shutdown(fd, SHUT_WR);
    assert_answer(fd, "failed after 0");
    buf_fini(&out);
    assert_serves(*state);
}

/* A web server sends the body while the answer to it is already on its way (413). */
static void test_unread_body_does_not_cost_the_answer(void **state)
{
    static const char body[50000];
    struct buf out;
    int fd = connect_to(*state);
    buf_init(&out);
    add_head(&out, "POST", "/unread", NO_FLAGS, "", 60000);
    add_record(&out, STDIN, body, sizeof(body));
    send_all(fd, &out);
    usleep(50000);
    add_record(&out, STDIN, body, sizeof(body));
    add_record(&out, STDIN, "", 0);
    send_all(fd, &out);
    assert_answer(fd, "/unread");
    buf_fini(&out);
}

static void test_keep_connection_is_not_granted(void **state)
{
    struct buf out;
    int fd = connect_to(*state);
    buf_init(&out);
    add_head(&out, "GET", "/keep", KEEP_CONNECTION, "", 60000);
    add_record(&out, STDIN, "", 0);
    send_all(fd, &out);
    assert_answer(fd, "/keep");
    buf_fini(&out);
}

static void test_large_answer_to_a_slow_reader(void **state)
{
    struct answer answer;
    int fd = send_get(*state, "/large");
    usleep(200000);
    receive_answer(fd, &answer);
    assert_int_equal(strlen(strstr(answer.out.data, "\r\n\r\n") + 4), LARGE_ANSWER);
    assert_true(answer.ended);
    buf_fini(&answer.out);
}

static void assert_stream(const struct fixture *fixture, const char *path, bool whole)
{
    struct answer answer;
    const char *body;
    receive_answer(send_get(fixture, path), &answer);
    assert_non_null(strstr(answer.out.data, "Status: 200 OK\r\n"));
    assert_null(strstr(answer.out.data, "Content-Length"));
    body = strstr(answer.out.data, "\r\n\r\n") + 4;
    assert_memory_equal(body, "first,ppp", 9);
    assert_int_equal(strlen(body), 6 + 3 * PIECE);
    assert_int_equal(answer.ended, whole);
    assert_int_equal(answer.broken, !whole);
    assert_true(answer.closed);
    buf_fini(&answer.out);
}

static void test_stream(void **state)
{
    assert_stream(*state, "/stream", true);
    assert_serves(*state);
    assert_int_equal(atomic_load(ended), 2);
}

/* A stream that fails is not ended as a request is, so that nobody takes it for whole. */
static void test_stream_that_fails(void **state)
{
    assert_stream(*state, "/stream/cut", false);
    assert_serves(*state);
    assert_int_equal(atomic_load(ended), 2);
}

static void test_stream_is_for_who_reads_it(void **state)
{
    char byte;
    int fd = send_get(*state, "/stream/endless");
    assert_int_equal(receive(fd, &byte, 1), 1);
    close(fd);
    assert_serves(*state);
    assert_int_equal(atomic_load(ended), 2);
}

/* A peer that takes nothing for a time is left, so that it does not hold what the stream is of. */
static void test_stream_does_not_wait_for_ever(void **state)
{
    int fd = send_get(*state, "/stream/endless");
    assert_serves(*state);
    assert_int_equal(atomic_load(ended), 2);
    close(fd);
}

static void test_stream_is_not_for_head(void **state)
{
    struct answer answer;
    struct buf out;
    int fd = connect_to(*state);
    buf_init(&out);
    add_head(&out, "HEAD", "/stream", NO_FLAGS, "", 60000);
    add_record(&out, STDIN, "", 0);
    send_all(fd, &out);
    receive_answer(fd, &answer);
    assert_string_equal(strstr(answer.out.data, "\r\n\r\n") + 4, "");
    assert_true(answer.ended);
    buf_fini(&answer.out);
    buf_fini(&out);
}

/* ---- peers that go, stay away, or send rubbish */

static void test_peer_that_only_connects(void **state)
{
    close(connect_to(*state));
    assert_serves(*state);
    assert_int_equal(atomic_load(handled), 1);
}

/* It is closed while it waits behind a slow request: so it is not run. */
static void test_abandoned_request_is_not_run(void **state)
{
    int slow = send_get(*state, "/slow");
    close(send_get(*state, "/abandoned"));
    assert_answer(slow, "/slow");
    assert_serves(*state);
    assert_int_equal(atomic_load(handled), 2);
}

static void test_peer_that_closes_its_half_is_answered(void **state)
{
    int slow = send_get(*state, "/slow");
    int fd = send_get(*state, "/half");
    assert_int_equal(shutdown(fd, SHUT_WR), 0);
    assert_answer(slow, "/slow");
    assert_answer(fd, "/half");
}

static void test_peer_that_leaves_during_the_answer(void **state)
{
    int fd = send_get(*state, "/large");
    char byte;
    assert_int_equal(receive(fd, &byte, 1), 1);
    close(fd);
    assert_serves(*state);
}

static int send_rubbish(const struct fixture *fixture)
{
    int fd = connect_to(fixture);
    assert_int_equal(send(fd, "GET / HTTP/1.1\r\n\r\n", 18, MSG_NOSIGNAL), 18);
    return fd;
}

static int send_half_a_head(const struct fixture *fixture)
{
    struct buf out;
    int fd = connect_to(fixture);
    buf_init(&out);
    add_head(&out, "GET", "/", NO_FLAGS, "", 60000);
    out.length -= 12;
    send_all(fd, &out);
    buf_fini(&out);
    return fd;
}

/* Two workers, and behind them in the queue a peer that sends nothing, one that stops in the middle
 * of the parameters, and a good one. The rubbish before them must not let libfcgi take the next
 * connection by itself, which would have no time-out. */
static void test_silent_peers_are_left_after_a_time(void **state)
{
    struct fixture *fixture = *state;
    int slow[2], rubbish[2];
    use_pool(fixture);
    for (int i = 0; i < 2; i++)
        slow[i] = send_get(fixture, "/slow");
    usleep(SLOW_MS * 1000 / 2);
    for (int i = 0; i < 2; i++)
        rubbish[i] = send_rubbish(fixture);
    int silent = connect_to(fixture);
    int stopped = send_half_a_head(fixture);
    int64_t begun = clock_now_ms();
    assert_serves(fixture);
    assert_in_range(clock_now_ms() - begun, 4000, 7000);
    for (int i = 0; i < 2; i++) {
        assert_answer(slow[i], "/slow");
        assert_no_answer(rubbish[i]);
    }
    assert_no_answer(silent);
    assert_no_answer(stopped);
    assert_int_equal(atomic_load(handled), 3);
}

/* Cut off between two pairs, which libfcgi itself takes for the whole. */
static void test_request_without_all_parameters_is_not_run(void **state)
{
    struct buf out, pairs;
    int fd = connect_to(*state);
    buf_init(&out);
    buf_init(&pairs);
    add_pair(&pairs, "REQUEST_METHOD", "GET");
    add_begin(&out, NO_FLAGS);
    add_record(&out, PARAMS, pairs.data, pairs.length);
    send_all(fd, &out);
    shutdown(fd, SHUT_WR);
    assert_no_answer(fd);
    assert_int_equal(atomic_load(handled), 0);
    buf_fini(&pairs);
    buf_fini(&out);
    assert_serves(*state);
}

static void test_rubbish_ends_only_its_own_connection(void **state)
{
    static const char rubbish[][9] = {
        "GET / HT",
        "\1\1\0\1\0\0\0", /* BEGIN without a body */
        "\1\4\0\1\0\0\0", /* PARAMS before BEGIN */
        "\xff\xff\xff\xff\xff\xff\xff\xff",
    };
    for (size_t i = 0; i < sizeof(rubbish) / sizeof(rubbish[0]); i++) {
        int fd = connect_to(*state);
        assert_int_equal(send(fd, rubbish[i], 8, MSG_NOSIGNAL), 8);
        shutdown(fd, SHUT_WR);
        assert_no_answer(fd);
        assert_serves(*state);
    }
    assert_int_equal(atomic_load(handled), 4);
}

/* Parameters whose lengths together overflow an int make libfcgi abort: only a trusted peer may
 * reach the socket. The pool brings the worker back. Not under AddressSanitizer, which would report
 * the allocation at length (and not by skip(), which cmocka prints as "not ok"). */
static void test_absurd_lengths_cost_at_most_a_worker(void **state)
{
    static const char absurd[] = "\xff\xff\xff\xfe\xff\xff\xff\xfe";
    struct fixture *fixture = *state;
    struct buf out;
#ifdef __SANITIZE_ADDRESS__
    return;
#endif
    use_pool(fixture);
    buf_init(&out);
    for (int i = 0; i < 3; i++) {
        int fd = connect_to(fixture);
        add_begin(&out, NO_FLAGS);
        add_record(&out, PARAMS, absurd, 8);
        send_all(fd, &out);
        assert_no_answer(fd);
    }
    buf_fini(&out);
    assert_serves(fixture);
    kill(fixture->worker, SIGTERM);
    assert_int_equal(end_of_worker(fixture, 3000), 0);
}

/* ---- the end */

static int count_signals_in_order(void *unused)
{
    static const int blocked[] = {SIGTERM, SIGINT, SIGUSR1, SIGPIPE};
    struct sigaction action;
    sigset_t mask;
    int count = 0;
    (void)unused;
    sigemptyset(&mask);
    sigprocmask(SIG_SETMASK, &mask, NULL);
    server_signals();
    sigprocmask(SIG_BLOCK, NULL, &mask);
    for (size_t i = 0; i < sizeof(blocked) / sizeof(blocked[0]); i++) {
        sigaction(blocked[i], NULL, &action);
        bool handler = action.sa_handler != SIG_DFL && action.sa_handler != SIG_IGN;
        count += handler && sigismember(&mask, blocked[i]) == (blocked[i] != SIGPIPE);
    }
    return count;
}

static void test_signals_are_blocked_and_libfcgi_finds_a_handler(void **state)
{
    struct fixture *fixture = *state;
    kill(fixture->worker, SIGTERM);
    assert_int_equal(end_of_worker(fixture, 3000), EX_OK);
    fixture->worker = start(fixture, count_signals_in_order);
    assert_int_equal(end_of_worker(fixture, 3000), 4);
}

static void test_each_drain_signal_ends_an_idle_worker(void **state)
{
    static const int signals[] = {SIGTERM, SIGINT, SIGUSR1, SIGQUIT};
    struct fixture *fixture = *state;
    for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
        assert_serves(fixture);
        kill(fixture->worker, signals[i]);
        assert_int_equal(end_of_worker(fixture, 1000), EX_OK);
        fixture->worker = start(fixture, work);
    }
}

static void test_drain_waits_for_the_body_in_hand(void **state)
{
    struct fixture *fixture = *state;
    struct buf out;
    int fd = connect_to(fixture);
    buf_init(&out);
    add_head(&out, "POST", "/body", NO_FLAGS, "", 60000);
    add_record(&out, STDIN, "12345", 5);
    send_all(fd, &out);
    usleep(100000);
    kill(fixture->worker, SIGTERM);
    usleep(300000);
    add_record(&out, STDIN, "67890", 5);
    add_record(&out, STDIN, "", 0);
    send_all(fd, &out);
    assert_answer(fd, "read 10");
    assert_int_equal(end_of_worker(fixture, 1000), EX_OK);
    buf_fini(&out);
}

static void test_drain_answers_the_whole_queue(void **state)
{
    struct fixture *fixture = *state;
    int slow = send_get(fixture, "/slow");
    int fds[CLIENTS];
    for (int i = 0; i < CLIENTS; i++)
        fds[i] = send_get(fixture, "/large");
    wait_until_handled(1);
    kill(fixture->worker, SIGTERM);
    assert_answer(slow, "/slow");
    for (int i = 0; i < CLIENTS; i++) {
        struct answer answer;
        receive_answer(fds[i], &answer);
        assert_true(answer.ended && answer.out.length > LARGE_ANSWER);
        buf_fini(&answer.out);
    }
    assert_int_equal(end_of_worker(fixture, 1000), EX_OK);
    assert_int_equal(atomic_load(handled), CLIENTS + 1);
}

/* As when another has the socket: what is in hand is answered, and who comes next serves the rest.
 */
static void test_quit_leaves_the_queue(void **state)
{
    struct fixture *fixture = *state;
    int fds[CLIENTS];
    int slow = send_get(fixture, "/slow");
    wait_until_handled(1);
    for (int i = 0; i < CLIENTS; i++)
        fds[i] = send_get(fixture, "/queued");
    kill(fixture->worker, SIGQUIT);
    assert_answer(slow, "/slow");
    assert_int_equal(end_of_worker(fixture, 1000), EX_OK);
    assert_int_equal(atomic_load(handled), 1);
    fixture->worker = start(fixture, work);
    for (int i = 0; i < CLIENTS; i++)
        assert_answer(fds[i], "/queued");
}

static void test_hup_ends_a_worker_between_two_requests(void **state)
{
    struct fixture *fixture = *state;
    int slow = send_get(fixture, "/slow");
    int next = send_get(fixture, "/next");
    wait_until_handled(1);
    kill(fixture->worker, SIGHUP);
    assert_answer(slow, "/slow");
    assert_int_equal(end_of_worker(fixture, 10000), RELOAD & 0xff);
    assert_int_equal(atomic_load(handled), 1);
    fixture->worker = start(fixture, work);
    assert_answer(next, "/next");
}

static void test_hup_is_refused_when_the_program_would_not_start(void **state)
{
    struct fixture *fixture = *state;
    setenv(UNSOUND, "1", 1);
    kill(fixture->worker, SIGTERM);
    assert_int_equal(end_of_worker(fixture, 3000), EX_OK);
    fixture->worker = start(fixture, work);
    unsetenv(UNSOUND);
    assert_serves(fixture);
    kill(fixture->worker, SIGHUP);
    assert_serves(fixture);
    kill(fixture->worker, SIGTERM);
    assert_int_equal(end_of_worker(fixture, 10000), EX_OK);
}

/* A busy worker sees the signal too, although its queue is never empty, and gives up after 5 s. */
/* It is cut off so that its reader can tell, and does not go on until somebody kills the worker. */
static void test_drain_cuts_an_endless_stream(void **state)
{
    struct fixture *fixture = *state;
    char piece[65536];
    ssize_t count, before = 0;
    int fd = send_get(fixture, "/stream/endless");
    assert_int_equal(receive(fd, piece, 1), 1);
    kill(fixture->worker, SIGTERM);
    while ((count = recv(fd, piece, sizeof(piece), 0)) > 0)
        before = count;
    assert_int_equal(count, 0);
    assert_true(before >= 8);
    assert_memory_equal(piece + before - 8, "\xff\0\0\0\0\0\0\0", 8);
    close(fd);
    assert_int_equal(end_of_worker(fixture, 3000), 0);
    assert_int_equal(atomic_load(ended), 1);
}

static void test_drain_of_a_busy_worker_is_bounded(void **state)
{
    struct fixture *fixture = *state;
    int fds[40];
    for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++)
        fds[i] = send_get(fixture, "/slow");
    kill(fixture->worker, SIGTERM);
    int64_t asked = clock_now_ms();
    assert_int_equal(end_of_worker(fixture, 9000), EX_OK);
    assert_in_range(clock_now_ms() - asked, 4900, 7000);
    for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++)
        close(fds[i]);
}

static void test_several_workers_share_the_socket(void **state)
{
    struct fixture *fixture = *state;
    int fds[CLIENTS];
    use_pool(fixture);
    for (int i = 0; i < CLIENTS; i++)
        fds[i] = send_get(fixture, "/shared");
    for (int i = 0; i < CLIENTS; i++)
        assert_answer(fds[i], "/shared");
    assert_true(fcntl(fixture->listen_fd, F_GETFL) & O_NONBLOCK); /* another may be quicker */
    kill(fixture->worker, SIGTERM);
    assert_int_equal(end_of_worker(fixture, 3000), EX_OK);
}

/* ---- the listening socket */

static void test_refuses_what_is_no_listening_socket(void **state)
{
    int pair[2];
    (void)state;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    assert_int_equal(server_run(NULL, pair[0]), EX_USAGE);
    assert_int_equal(server_run(NULL, -1), EX_USAGE);
    close(pair[0]);
    close(pair[1]);
}

struct given {
    int input, third;      /* what descriptors 0 and 3 become; -1: /dev/null */
    const char *pid, *fds; /* LISTEN_PID, "" is ours, and LISTEN_FDS */
    int chosen;
};

static int listen_fd_when(const struct given *given)
{
    char own_pid[16];
    int null = open("/dev/null", O_RDWR);
    snprintf(own_pid, sizeof(own_pid), "%d", (int)getpid());
    dup2(given->input < 0 ? null : given->input, 60);
    dup2(given->third < 0 ? null : given->third, 61);
    dup2(60, 0);
    dup2(61, 3);
    if (given->pid != NULL)
        setenv("LISTEN_PID", *given->pid == '\0' ? own_pid : given->pid, 1);
    if (given->fds != NULL)
        setenv("LISTEN_FDS", given->fds, 1);
    return server_listen_fd();
}

static void test_listening_socket_is_found(void **state)
{
    struct fixture *fixture = *state;
    int fd = fixture->listen_fd;
    const struct given table[] = {
        {fd, -1, NULL, NULL, 0},  {fd, fd, "", "1", 0},   {-1, fd, "", "1", 3},
        {-1, fd, "", "2", 3},     {-1, fd, "1", "1", -1}, {-1, fd, "", "0", -1},
        {-1, fd, NULL, "1", -1},  {-1, fd, "", NULL, -1}, {-1, fd, "", "x", -1},
        {-1, fd, NULL, NULL, -1}, {-1, -1, "", "1", -1},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        int status;
        fflush(NULL);
        pid_t pid = fork();
        if (pid == 0)
            _exit(listen_fd_when(&table[i]) + 10);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status) - 10, table[i].chosen);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

/* We are the program that a reload asks whether it would start. */
static int check_config(void)
{
    if (!getenv(UNSOUND))
        return EX_OK;
    fputs("unsound\n", stderr);
    return EX_CONFIG;
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "--check-config") == 0)
        return check_config();
    const struct CMUnitTest tests[] = {
        TEST(test_get),
        TEST(test_head_has_no_body),
        TEST(test_parameters_in_records_of_any_size),
        TEST(test_body_in_pieces),
        TEST(test_body_that_is_cut_off),
        TEST(test_unread_body_does_not_cost_the_answer),
        TEST(test_keep_connection_is_not_granted),
        TEST(test_large_answer_to_a_slow_reader),
        TEST(test_stream),
        TEST(test_stream_that_fails),
        TEST(test_stream_is_for_who_reads_it),
        TEST(test_stream_does_not_wait_for_ever),
        TEST(test_stream_is_not_for_head),
        TEST(test_peer_that_only_connects),
        TEST(test_abandoned_request_is_not_run),
        TEST(test_peer_that_closes_its_half_is_answered),
        TEST(test_peer_that_leaves_during_the_answer),
        TEST(test_silent_peers_are_left_after_a_time),
        TEST(test_request_without_all_parameters_is_not_run),
        TEST(test_rubbish_ends_only_its_own_connection),
        TEST(test_absurd_lengths_cost_at_most_a_worker),
        TEST(test_signals_are_blocked_and_libfcgi_finds_a_handler),
        TEST(test_each_drain_signal_ends_an_idle_worker),
        TEST(test_drain_waits_for_the_body_in_hand),
        TEST(test_drain_answers_the_whole_queue),
        TEST(test_quit_leaves_the_queue),
        TEST(test_hup_ends_a_worker_between_two_requests),
        TEST(test_hup_is_refused_when_the_program_would_not_start),
        TEST(test_drain_cuts_an_endless_stream),
        TEST(test_drain_of_a_busy_worker_is_bounded),
        TEST(test_several_workers_share_the_socket),
        TEST(test_refuses_what_is_no_listening_socket),
        TEST(test_listening_socket_is_found),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: ISC */
/* server.c: FastCGI on one side, app_handle on the other.
 *
 * We accept connections ourselves and hand each to libfcgi, for three reasons: a connection gets
 * its time-outs before its first byte is read; a bad one ends only itself (libfcgi would go on to
 * accept another, without them); and the signals that we take stay blocked, and are waited for
 * where connections are. */
#include <config.h>

#include <errno.h>
#include <fcgiapp.h>
#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sysexits.h>
#include <unistd.h>

#include "buf.h"
#include "clock.h"
#include "log.h"
#include "metrics.h"
#include "notify.h"
#include "reload.h"
#include "server.h"
#include "text.h"

#define PEER_TIMEOUT_S 5
#define DRAIN_IDLE_MS 100
#define DRAIN_MAX_MS 5000
#define LOOK_MS 1000
#define ACCEPT_PAUSE_MS 1000
#define SYSTEMD_FIRST_FD 3

struct server {
    struct app *app;
    int listen_fd;
    int queue;          /* an epoll descriptor that watches listen_fd and signals */
    int signals;        /* readable when one of those below is pending */
    sigset_t open_mask; /* the process's signal mask without the signals below */
    FCGX_Request request;
    struct response response;
    struct buf head;
};

static volatile sig_atomic_t drain_asked;
static volatile sig_atomic_t queue_left; /* to the others who have the socket */
static volatile sig_atomic_t reload_asked;

static void ask_for_drain(int signal)
{
    queue_left |= signal == SIGQUIT;
    drain_asked = 1;
}

static void ask_for_reload(int signal)
{
    (void)signal;
    reload_asked = 1;
}

/* libfcgi replaces SIG_IGN, but leaves a handler alone. */
static void ignore(int signal)
{
    (void)signal;
}

static const struct {
    int number;
    void (*handler)(int);
} signal_table[] = {
    {SIGTERM, ask_for_drain}, {SIGINT, ask_for_drain},  {SIGUSR1, ask_for_drain},
    {SIGQUIT, ask_for_drain}, {SIGHUP, ask_for_reload}, {SIGPIPE, ignore},
};

#define SIGNAL_COUNT (sizeof(signal_table) / sizeof(signal_table[0]))

void server_drain_signals(sigset_t *signals)
{
    sigemptyset(signals);
    for (size_t i = 0; i < SIGNAL_COUNT; i++) {
        if (signal_table[i].handler == ask_for_drain)
            sigaddset(signals, signal_table[i].number);
    }
}

/* Those that are blocked but for moments. */
static void taken_signals(sigset_t *signals)
{
    server_drain_signals(signals);
    sigaddset(signals, SIGHUP);
}

void server_signals(void)
{
    sigset_t taken;
    taken_signals(&taken);
    sigprocmask(SIG_BLOCK, &taken, NULL);
    for (size_t i = 0; i < SIGNAL_COUNT; i++) {
        struct sigaction action = {.sa_handler = signal_table[i].handler, .sa_flags = SA_RESTART};
        sigemptyset(&action.sa_mask);
        sigaction(signal_table[i].number, &action, NULL);
    }
}

static bool is_listening(int fd)
{
    int listening = 0;
    socklen_t size = sizeof(listening);
    return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &size) == 0 && listening;
}

static bool systemd_passed_sockets(void)
{
    int64_t value;
    return text_to_int(text_of(getenv("LISTEN_PID")), getpid(), getpid(), &value) &&
           text_to_int(text_of(getenv("LISTEN_FDS")), 1, INT_MAX, &value);
}

int server_listen_fd(void)
{
    if (is_listening(STDIN_FILENO))
        return STDIN_FILENO;
    if (systemd_passed_sockets() && is_listening(SYSTEMD_FIRST_FD))
        return SYSTEMD_FIRST_FD;
    return -1;
}

/* A body_reader. */
static ssize_t read_body(void *source, char *data, size_t size)
{
    int count = FCGX_GetStr(data, size < INT_MAX ? (int)size : INT_MAX, source);
    return FCGX_GetError(source) == 0 ? count : -1;
}

/* False when the peer does not take it; close_request tells. */
static bool put(FCGX_Stream *out, struct text t)
{
    while (t.length > 0) {
        int size = t.length < INT_MAX ? (int)t.length : INT_MAX;
        if (FCGX_PutStr(t.data, size, out) != size)
            return false;
        t.data += size;
        t.length -= (size_t)size;
    }
    return true;
}

/* Reads the request's parameters. False, and the connection is closed, when the peer does not send
 * them whole and in time. */
static bool open_request(FCGX_Request *request, int connection)
{
    const struct timeval timeout = {.tv_sec = PEER_TIMEOUT_S};
    setsockopt(connection, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
    setsockopt(connection, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout));
    request->ipcFd = connection;
    request->keepConnection = 1; /* otherwise FCGX_Accept_r begins by closing it */
    FCGX_Detach(request);        /* close_request decides whether to linger */
    if (FCGX_Accept_r(request) != 0)
        return false;
    if (FCGX_GetError(request->in) == 0)
        return true;
    FCGX_Free(request, 1); /* parameters cut off between two pairs pass for complete in libfcgi */
    return false;
}

/* Has the peer closed its connection? A web server does that when its client has gone. One that has
 * only ended its side of it (shutdown) waits for the answer. */
static bool is_abandoned(const FCGX_Request *request)
{
    struct pollfd peer = {.fd = request->ipcFd};
    return poll(&peer, 1, 0) > 0 && (peer.revents & (POLLHUP | POLLERR)) != 0;
}

/* Lets the handlers of what is pending run. */
static void take_signals(const struct server *server)
{
    sigset_t closed;
    sigprocmask(SIG_SETMASK, &server->open_mask, &closed);
    sigprocmask(SIG_SETMASK, &closed, NULL);
}

static bool is_drain_asked(const struct server *server)
{
    take_signals(server);
    return drain_asked;
}

/* Sends what the response's source gives. False: the answer will never be whole. A peer that takes
 * no more of it has given up by itself. */
static bool send_rest(struct server *server)
{
    struct response *response = &server->response;
    const struct response_source source = response->source;
    bool more = source.next != NULL;
    int64_t deadline = 0; /* of a drain; 0: none is asked for */
    while (more) {
        buf_clear(&response->body);
        if (deadline == 0 && is_drain_asked(server))
            deadline = clock_now_ms() + DRAIN_MAX_MS;
        if ((deadline != 0 && clock_now_ms() > deadline) ||
            !source.next(source.data, &response->body))
            return false;
        more = response->body.length > 0 && put(server->request.out, buf_text(&response->body));
    }
    return true;
}

/* ---- a whole answer, in records of our own (FastCGI specification, 3.3 and 5.5): libfcgi would
 * copy it and send it in pieces of 8 KiB, each of which wakes the web server up. */

enum { RECORD_VERSION = 1, RECORD_END_REQUEST = 3, RECORD_STDOUT = 6, RECORD_HEAD_SIZE = 8 };
#define RECORD_CONTENT_MAX 65535

static void put_record_head(unsigned char *out, int type, int request_id, size_t length)
{
    const unsigned char head[RECORD_HEAD_SIZE] = {
        RECORD_VERSION,
        (unsigned char)type,
        (unsigned char)(request_id >> 8),
        (unsigned char)request_id,
        (unsigned char)(length >> 8),
        (unsigned char)length,
    };
    memcpy(out, head, sizeof(head));
}

/* What stands behind the last piece: the end of the stream, and of the request. The content of the
 * latter is zeros: status 0, complete. */
static void put_trailer(unsigned char out[3 * RECORD_HEAD_SIZE], int request_id)
{
    put_record_head(out, RECORD_STDOUT, request_id, 0);
    put_record_head(out + RECORD_HEAD_SIZE, RECORD_END_REQUEST, request_id, RECORD_HEAD_SIZE);
    memset(out + 2 * RECORD_HEAD_SIZE, 0, RECORD_HEAD_SIZE);
}

/* Sends all of `parts`, and changes them; false when the peer does not take it in time. */
static bool send_parts(int connection, struct iovec *parts, size_t count)
{
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = count};
    while (message.msg_iovlen > 0) {
        ssize_t sent = sendmsg(connection, &message, MSG_NOSIGNAL);
        if (sent < 0 && errno != EINTR)
            return false;
        size_t left = sent < 0 ? 0 : (size_t)sent;
        for (; message.msg_iovlen > 0 && left >= message.msg_iov->iov_len; message.msg_iovlen--)
            left -= message.msg_iov++->iov_len;
        if (message.msg_iovlen > 0) {
            message.msg_iov->iov_base = (char *)message.msg_iov->iov_base + left;
            message.msg_iov->iov_len -= left;
        }
    }
    return true;
}

static struct iovec take_part(struct text *text, size_t room)
{
    size_t length = text->length < room ? text->length : room;
    union {
        const char *read_only;
        void *any;
    } data = {text->data};
    if (length > 0) /* what has no bytes may have no place, which cannot be moved */
        text->data += length;
    text->length -= length;
    return (struct iovec){data.any, length};
}

static bool send_whole(const FCGX_Request *request, struct text head, struct text body)
{
    unsigned char record_head[RECORD_HEAD_SIZE], trailer[3 * RECORD_HEAD_SIZE];
    bool sent = true;
    put_trailer(trailer, request->requestId);
    while (sent && head.length + body.length > 0) {
        struct iovec parts[4] = {{record_head, sizeof(record_head)}};
        parts[1] = take_part(&head, RECORD_CONTENT_MAX);
        parts[2] = take_part(&body, RECORD_CONTENT_MAX - parts[1].iov_len);
        parts[3] = (struct iovec){trailer, head.length + body.length > 0 ? 0 : sizeof(trailer)};
        put_record_head(record_head, RECORD_STDOUT, request->requestId,
                        parts[1].iov_len + parts[2].iov_len);
        sent = send_parts(request->ipcFd, parts, 4);
    }
    return sent;
}

/* ---- the way of an answer */

enum sent { SENT_WHOLE, SENT_PIECES, SENT_NOT, SENT_TORN };

/* In pieces, what libfcgi still holds has to follow; torn, it was begun and cannot be completed. */
static enum sent answer(struct server *server)
{
    FCGX_Request *request = &server->request;
    struct response *response = &server->response;
    enum sent sent;
    response_clear(response);
    enum method method = app_handle(server->app, request->envp, read_body, request->in, response);
    struct text body = method == METHOD_HEAD ? TEXT_NULL : buf_text(&response->body);
    buf_clear(&server->head);
    response_head(response, &server->head);
    if (method == METHOD_HEAD || !response->source.next)
        sent = send_whole(request, buf_text(&server->head), body) ? SENT_WHOLE : SENT_NOT;
    else if (put(request->out, buf_text(&server->head)) && put(request->out, body))
        sent = send_rest(server) ? SENT_PIECES : SENT_TORN;
    else
        sent = SENT_NOT;
    app_end(server->app, response);
    return sent;
}

/* Sends what is left of a stream. False: the peer takes no more; to try would be to wait again. */
static bool finish_pieces(const FCGX_Request *request)
{
    return FCGX_GetError(request->out) == 0 && FCGX_FClose(request->err) == 0 &&
           FCGX_FClose(request->out) == 0;
}

/* Closes the connection, whatever the peer asked for: to keep it open would starve the others. When
 * the peer may still be sending, libfcgi reads on a while before it closes, because to close with
 * unread input would take the answer away from the peer. */
static void close_request(FCGX_Request *request, enum sent sent)
{
    if (sent == SENT_NOT || (sent == SENT_PIECES && !finish_pieces(request)))
        log_debug("the web server takes no more of the answer");
    else if (FCGX_GetChar(request->in) != EOF || FCGX_GetError(request->in) != 0)
        FCGX_Attach(request);
    FCGX_Free(request, 1);
}

/* Closes the connection so that the web server, and behind it the client, sees that the answer is
 * not whole. To close it without the record that ends a request would not do: nginx takes that for
 * the end of an answer whose length was not told. A record of a version that there is not makes all
 * of them give up. */
static void cut_request(FCGX_Request *request)
{
    static const char broken[8] = "\xff";
    FCGX_FFlush(request->out);
    if (send(request->ipcFd, broken, sizeof(broken), MSG_NOSIGNAL) < 0)
        log_debug("the web server has closed the connection");
    FCGX_Free(request, 1);
}

static void end_request(FCGX_Request *request, enum sent sent)
{
    if (sent == SENT_TORN) {
        cut_request(request);
        metrics_count(METRICS_CUT);
    } else {
        close_request(request, sent);
    }
}

/* Several workers share the queue: that there was a connection does not mean that it is ours. */
static bool is_accept_error_of_peer(int error)
{
    return error == EAGAIN || error == EWOULDBLOCK || error == EINTR || error == ECONNABORTED;
}

static void serve_one(struct server *server)
{
    int connection = accept4(server->listen_fd, NULL, NULL, SOCK_CLOEXEC);
    if (connection < 0) {
        if (is_accept_error_of_peer(errno))
            return;
        log_error("cannot accept a connection: %s", strerror(errno));
        const struct timespec pause = clock_span(ACCEPT_PAUSE_MS);
        ppoll(NULL, 0, &pause, &server->open_mask);
        return;
    }
    metrics_set_busy(true);
    if (!open_request(&server->request, connection)) {
        log_debug("a connection brought no request");
        metrics_count(METRICS_EMPTY);
    } else if (is_abandoned(&server->request)) {
        log_debug("a request was abandoned before it was begun");
        metrics_count(METRICS_ABANDONED);
        FCGX_Free(&server->request, 1);
    } else {
        end_request(&server->request, answer(server));
    }
    metrics_set_busy(false);
}

/* At most `limit` milliseconds. Signals end the wait, and their handlers run. */
static bool wait_for_connection(const struct server *server, int limit)
{
    struct epoll_event events[2];
    bool waiting = false;
    int count = epoll_wait(server->queue, events, 2, limit);
    for (int i = 0; i < count; i++) {
        if (events[i].data.fd == server->listen_fd)
            waiting = true;
        else
            take_signals(server);
    }
    return waiting;
}

/* False once the queue has been empty for a while, or is to be left to others. Another signal that
 * ends one of the waits does not end this. */
static bool wait_in_drain(const struct server *server)
{
    int64_t limit = clock_now_ms() + DRAIN_IDLE_MS;
    int64_t left = DRAIN_IDLE_MS;
    bool waiting = false;
    while (!waiting && !queue_left && left > 0) {
        waiting = wait_for_connection(server, (int)left);
        left = limit - clock_now_ms();
    }
    return waiting && !queue_left;
}

/* What already waits in the queue was promised an answer by whoever accepted it into it. */
static void drain(struct server *server)
{
    int64_t deadline = clock_now_ms() + DRAIN_MAX_MS;
    while (clock_now_ms() < deadline && wait_in_drain(server))
        serve_one(server);
}

static bool is_reload_due(void)
{
    bool asked = reload_asked;
    reload_asked = 0;
    return asked && reload_is_sound();
}

static void set_up_socket(int listen_fd)
{
    int flags = fcntl(listen_fd, F_GETFL);
    fcntl(listen_fd, F_SETFL, flags | O_NONBLOCK);
    const int on = 1; /* connections inherit it; it fails on a unix socket, which needs none */
    setsockopt(listen_fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

static bool watch(const struct server *server, int fd, uint32_t how)
{
    struct epoll_event event = {.events = EPOLLIN | how, .data = {.fd = fd}};
    return fd >= 0 && epoll_ctl(server->queue, EPOLL_CTL_ADD, fd, &event) == 0;
}

/* The wait is exclusive, so that a connection wakes one worker and not the whole pool. Each worker
 * needs a descriptor of its own for that. */
static bool watch_queue(struct server *server)
{
    sigset_t taken;
    taken_signals(&taken);
    server->queue = epoll_create1(EPOLL_CLOEXEC);
    server->signals = signalfd(-1, &taken, SFD_CLOEXEC | SFD_NONBLOCK);
    return server->queue >= 0 && watch(server, server->listen_fd, EPOLLEXCLUSIVE) &&
           watch(server, server->signals, 0);
}

static void server_init(struct server *server, struct app *app, int listen_fd)
{
    server->app = app;
    server->listen_fd = listen_fd;
    server->queue = server->signals = -1;
    sigprocmask(SIG_BLOCK, NULL, &server->open_mask);
    for (size_t i = 0; i < SIGNAL_COUNT; i++)
        sigdelset(&server->open_mask, signal_table[i].number);
    FCGX_InitRequest(&server->request, -1, 0); /* -1: so that libfcgi itself accepts nothing */
    response_init(&server->response);
    buf_init(&server->head);
}

static void server_fini(struct server *server)
{
    buf_fini(&server->head);
    response_fini(&server->response);
    close(server->signals);
    close(server->queue);
}

/* A worker that leaves may have been woken for a connection that it leaves in the queue, and nobody
 * else is woken for that: so each looks by itself now and then. */
static bool wait_for_next(const struct server *server)
{
    struct pollfd queue = {.fd = server->listen_fd, .events = POLLIN};
    return wait_for_connection(server, LOOK_MS) || poll(&queue, 1, 0) > 0;
}

static int serve(struct server *server)
{
    notify_ready();
    while (!drain_asked) {
        if (is_reload_due()) {
            notify_reloading();
            return RELOAD;
        }
        if (wait_for_next(server) && !drain_asked && !reload_asked)
            serve_one(server);
    }
    notify_stopping();
    drain(server);
    return EX_OK;
}

int server_run(struct app *app, int listen_fd)
{
    struct server server;
    if (!is_listening(listen_fd))
        return EX_USAGE;
    set_up_socket(listen_fd);
    server_init(&server, app, listen_fd);
    int status = EX_OSERR;
    if (FCGX_Init() == 0 && watch_queue(&server))
        status = serve(&server);
    else
        log_error("cannot serve: %s", strerror(errno));
    server_fini(&server);
    return status;
}

/* SPDX-License-Identifier: ISC */
/* load: the requests of bench/run, from one thread. Closed: each connection asks again as soon as
 * it has its answer. Open: requests fall due at random instants of a given rate, whether or not the
 * server keeps up, and wait from then. Every answer is looked at: its status, its length, and
 * whether it speaks of the user and the task that was asked for. No request is begun after the time
 * is up; those under way are waited for, so that their time counts and none of their work is left
 * behind.
 *
 *   load PORT WORKLOAD CONNECTIONS SECONDS RATE USERS PER_USER CHECK
 *
 * RATE 0: closed. USERS is a file, a line "ID TOKEN ETAG" each. CHECK 0: only the status is looked
 * at. One line of JSON tells the outcome. It talks to 127.0.0.1, and to nobody else. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include <arpa/inet.h>
#include <errno.h>
#include <math.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define ANSWER_MAX (256 * 1024)
#define REQUEST_MAX 4096
#define PATIENCE_S 30 /* for answers that are due when the time is up */
#define EVENTS 256

enum kind { LIST, GET, CREATE, TOGGLE, NOT_MODIFIED, KINDS };

#define NEW_TASK                                                                                   \
    "{\"title\":\"Buy oat milk and coffee beans\",\"description\":\"Two litres, and a pound of "   \
    "the \\\"house\\\" blend; ask when they open on Sunday, please.\",\"priority\":\"high\"}"
_Static_assert(sizeof NEW_TASK - 1 == 161, "its length is told with it");

/* What is asked: the line up to the version of HTTP has the user, and for GET and TOGGLE the task.
 */
static const struct {
    const char *line, *rest;
    int status;
    bool has_task;
} kinds[KINDS] = {
    [LIST] = {"GET /api/%s/tasks?status=pending&limit=20", "\r\n", 200, false},
    [GET] = {"GET /api/%s/tasks/%lld", "\r\n", 200, true},
    [CREATE] = {"POST /api/%s/tasks",
                "Content-Type: application/json\r\nContent-Length: 161\r\n\r\n" NEW_TASK, 201,
                false},
    [TOGGLE] = {"PATCH /api/%s/tasks/%lld/complete", "Content-Length: 0\r\n\r\n", 200, true},
    [NOT_MODIFIED] = {"GET /api/%s/tasks?status=pending&limit=20", "If-None-Match: ", 304, false},
};

/* Out of a hundred requests of a workload, by its letter. */
static const struct {
    char letter;
    int share[KINDS];
} workloads[] = {
    {'L', {[LIST] = 100}},         {'G', {[GET] = 100}},
    {'C', {[CREATE] = 100}},       {'T', {[TOGGLE] = 100}},
    {'N', {[NOT_MODIFIED] = 100}}, {'M', {[LIST] = 70, [GET] = 15, [CREATE] = 10, [TOGGLE] = 5}},
};

struct user {
    char *id, *token, *etag;
};

struct connection {
    int fd;
    bool busy;
    double due; /* since when the answer is waited for */
    enum kind kind;
    const struct user *user;
    long long task;
    char request[REQUEST_MAX];
    size_t request_length;
    char *answer;
    size_t received;
};

static struct sockaddr_in server = {.sin_family = AF_INET};
static struct user *users;
static size_t user_count;
static long long per_user;
static const int *shares;
static bool check;
static int queue;
static uint64_t seed = 88172645463325252u;

static struct {
    size_t begun, in_time, bad_status, bad_body, broken, samples;
    double *seconds;
    size_t room;
} tally;

/* Arrivals that no connection was free for. */
static struct {
    double *due;
    size_t first, last, room;
} waiting;

static void fail(const char *what)
{
    perror(what);
    exit(1);
}

static void *allocate(size_t size)
{
    void *memory = calloc(1, size);
    if (!memory)
        fail("load");
    return memory;
}

static char *copy(const char *text)
{
    char *own = strdup(text);
    if (!own)
        fail("load");
    return own;
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static uint64_t random_below(uint64_t limit)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed % limit;
}

static double random_gap(double rate)
{
    return -log(((double)random_below(1u << 30) + 1) / (double)((1u << 30) + 1)) / rate;
}

static void append(double **list, size_t *count, size_t *room, double value)
{
    if (*count == *room) {
        *room = *room ? 2 * *room : 65536;
        *list = realloc(*list, *room * sizeof **list);
        if (!*list)
            fail("load");
    }
    (*list)[(*count)++] = value;
}

static void read_users(const char *path)
{
    FILE *file = fopen(path, "r");
    size_t room = 0;
    char id[64], token[2048], etag[64];

    if (!file)
        fail(path);
    while (fscanf(file, "%63s %2047s %63s", id, token, etag) == 3) {
        if (user_count == room) {
            room = room ? 2 * room : 1024;
            users = realloc(users, room * sizeof *users);
            if (!users)
                fail("load");
        }
        users[user_count++] = (struct user){copy(id), copy(token), copy(etag)};
    }
    fclose(file);
}

static enum kind choose_kind(void)
{
    int share = (int)random_below(100);
    enum kind kind = LIST;
    while (share >= shares[kind])
        share -= shares[kind++];
    return kind;
}

/* Writes the request that a connection is to make next. Task number k of user u, both from 0, has
 * the id k * users + u + 1. */
static void compose(struct connection *c)
{
    size_t index = (size_t)random_below(user_count);
    char line[256];
    int length;

    c->kind = choose_kind();
    c->user = &users[index];
    c->task =
        (long long)random_below((uint64_t)per_user) * (long long)user_count + (long long)index + 1;
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    if (kinds[c->kind].has_task)
        snprintf(line, sizeof line, kinds[c->kind].line, c->user->id, c->task);
    else
        snprintf(line, sizeof line, kinds[c->kind].line, c->user->id);
#pragma GCC diagnostic pop
    length = snprintf(c->request, sizeof c->request,
                      "%s HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: application/json\r\n"
                      "Authorization: Bearer %s\r\n%s%s%s",
                      line, c->user->token, kinds[c->kind].rest,
                      c->kind == NOT_MODIFIED ? c->user->etag : "",
                      c->kind == NOT_MODIFIED ? "\r\n\r\n" : "");
    if (length < 0 || (size_t)length >= sizeof c->request)
        fail("load: a request is too long");
    c->request_length = (size_t)length;
}

static void dial(struct connection *c)
{
    const int on = 1;
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};

    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (c->fd < 0 || connect(c->fd, (const struct sockaddr *)&server, sizeof server) != 0)
        fail("load: connect");
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (epoll_ctl(queue, EPOLL_CTL_ADD, c->fd, &event) != 0)
        fail("load: epoll_ctl");
}

/* A request fits into the socket's buffer, so that it is sent at once or never. */
static void ask(struct connection *c, double due)
{
    compose(c);
    c->busy = true;
    c->due = due;
    c->received = 0;
    tally.begun++;
    if (send(c->fd, c->request, c->request_length, MSG_NOSIGNAL) != (ssize_t)c->request_length) {
        tally.broken++;
        c->busy = false;
        close(c->fd);
        dial(c);
    }
}

/* The length of the whole answer, 0 while its head is not there yet; sets where the body begins. A
 * chunked one, which fastcgi_pass makes of an answer without a length, ends with an empty chunk. */
static size_t answer_length(const struct connection *c, size_t *body)
{
    const char *end = memmem(c->answer, c->received, "\r\n\r\n", 4);
    const char *length;

    if (!end)
        return 0;
    *body = (size_t)(end + 4 - c->answer);
    length = strcasestr(c->answer, "\r\nContent-Length:");
    if (length && length < end)
        return *body + strtoul(length + 17, NULL, 10);
    if (strncmp(c->answer + 9, "304", 3) == 0 || strncmp(c->answer + 9, "204", 3) == 0)
        return *body;
    if (c->received >= *body + 5 && memcmp(c->answer + c->received - 5, "0\r\n\r\n", 5) == 0)
        return c->received;
    return SIZE_MAX;
}

/* A list names its user once a task, at most 20 times: the first time is always looked for, the
 * others in one of eight lists, so that we take little of the machine. */
static bool is_right_list(const struct connection *c, const char *body)
{
    const char *at = strstr(body, c->user->id);
    int count = 1;

    if (!at || tally.samples % 8 != 0)
        return c->answer[c->received - 1] == ']' && (at || strcmp(body, "[]") == 0);
    while ((at = strstr(at + 1, c->user->id)) != NULL)
        count++;
    return count <= 20;
}

/* Does the body speak of what was asked for? */
static bool is_right(const struct connection *c, const char *body)
{
    const char *first = strstr(body, c->user->id);
    char wanted[64];

    if (c->kind == NOT_MODIFIED)
        return *body == '\0';
    if (c->kind == LIST)
        return is_right_list(c, body);
    snprintf(wanted, sizeof wanted, "\"id\":%lld,", c->task);
    return first && (!kinds[c->kind].has_task || strstr(body, wanted) != NULL);
}

static void judge(struct connection *c, size_t body, double time, double end)
{
    if (strtol(c->answer + 9, NULL, 10) != kinds[c->kind].status && check)
        tally.bad_status++;
    else if (!check && c->answer[9] != '2')
        tally.bad_status++;
    else if (check && !is_right(c, c->answer + body))
        tally.bad_body++;
    else
        tally.in_time += time <= end;
    append(&tally.seconds, &tally.samples, &tally.room, time - c->due);
    c->busy = false;
}

/* Goes on with a new connection: what was asked on this one, if anything, is not answered. */
static void lose(struct connection *c)
{
    if (c->busy)
        tally.broken++;
    c->busy = false;
    close(c->fd);
    dial(c);
}

/* Does the web server close the connection behind this answer? nginx does so after 1,000 requests.
 * RFC 9112 9.6. */
static bool is_last(const struct connection *c, size_t body)
{
    static const char says[] = "\r\nConnection: close\r\n";

    return memmem(c->answer, body, says, sizeof says - 1) != NULL;
}

/* Takes what has come. True: the connection is free for the next request. */
static bool receive(struct connection *c, double end)
{
    ssize_t count =
        recv(c->fd, c->answer + c->received, ANSWER_MAX - 1 - c->received, MSG_DONTWAIT);
    size_t body = 0, length;

    if (count < 0 && (errno == EAGAIN || errno == EINTR))
        return false;
    if (count <= 0 || !c->busy) {
        lose(c);
        return true;
    }
    c->received += (size_t)count;
    c->answer[c->received] = '\0';
    length = answer_length(c, &body);
    if (length == 0 || c->received < length)
        return false;
    judge(c, body, now(), end);
    if (is_last(c, body))
        lose(c);
    return true;
}

static bool next_due(double *due)
{
    if (waiting.first == waiting.last)
        return false;
    *due = waiting.due[waiting.first++];
    return true;
}

static void give_out(struct connection *connections, size_t count, struct connection *freed)
{
    double due;

    if (freed) {
        if (!freed->busy && next_due(&due))
            ask(freed, due);
        return;
    }
    for (size_t i = 0; i < count && waiting.first < waiting.last; i++) /* the lowest that is free */
        if (!connections[i].busy && next_due(&due))
            ask(&connections[i], due);
}

static bool any_busy(const struct connection *connections, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (connections[i].busy)
            return true;
    return waiting.first < waiting.last;
}

/* The time until there may be something to do other than to receive. */
static struct timespec pause_for(double arrival, double time, double end)
{
    double until = arrival < end ? arrival : time < end ? end : time + 0.05;
    double left = until > time ? until - time : 0;
    return (struct timespec){(time_t)left, (long)((left - floor(left)) * 1e9)};
}

static void run(struct connection *connections, size_t count, double seconds, double rate)
{
    struct epoll_event events[EVENTS];
    double time = now(), end = time + seconds, arrival = rate > 0 ? time + random_gap(rate) : end;

    for (size_t i = 0; i < count && rate <= 0; i++)
        ask(&connections[i], now());
    for (; time < end + PATIENCE_S; time = now()) {
        for (; arrival <= time && arrival < end; arrival += random_gap(rate))
            append(&waiting.due, &waiting.last, &waiting.room, arrival);
        give_out(connections, count, NULL);
        if (time >= end && !any_busy(connections, count))
            return;
        const struct timespec pause = pause_for(arrival, time, end);
        int ready = epoll_pwait2(queue, events, EVENTS, &pause, NULL);
        for (int i = 0; i < ready; i++) {
            struct connection *c = events[i].data.ptr;
            if (!receive(c, end))
                continue;
            if (rate > 0)
                give_out(connections, count, c);
            else if (now() < end)
                ask(c, now());
        }
    }
}

static int compare_seconds(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double quantile_ms(double share)
{
    if (tally.samples == 0)
        return -1;
    return tally.seconds[(size_t)((double)(tally.samples - 1) * share)] * 1000;
}

static void report(double seconds)
{
    size_t arrived = tally.begun + (waiting.last - waiting.first);

    qsort(tally.seconds, tally.samples, sizeof *tally.seconds, compare_seconds);
    printf(
        "{\"asked\":%zu,\"answered\":%zu,\"rate\":%.2f,\"bad_status\":%zu,\"bad_body\":%zu,"
        "\"broken\":%zu,\"unanswered\":%zu,\"p50\":%.4f,\"p95\":%.4f,\"p99\":%.4f,\"max\":%.4f}\n",
        arrived, tally.samples, (double)tally.in_time / seconds, tally.bad_status, tally.bad_body,
        tally.broken, arrived - tally.samples - tally.broken, quantile_ms(0.5), quantile_ms(0.95),
        quantile_ms(0.99), quantile_ms(1));
}

static void choose_workload(char letter)
{
    for (size_t i = 0; i < sizeof workloads / sizeof *workloads; i++)
        if (workloads[i].letter == letter)
            shares = workloads[i].share;
}

static long number(const char *text)
{
    char *end;
    errno = 0;
    long value = strtol(text, &end, 10);
    if (errno != 0 || *end != '\0' || value < 0 || value > 100000000) {
        fprintf(stderr, "load: %s is no number\n", text);
        exit(2);
    }
    return value;
}

int main(int argc, char **argv)
{
    struct connection *connections;
    size_t count;

    if (argc != 9)
        return 2;
    choose_workload(argv[2][0]);
    count = (size_t)number(argv[3]);
    read_users(argv[6]);
    per_user = number(argv[7]);
    check = number(argv[8]) != 0;
    if (!shares || user_count == 0 || count == 0 || per_user == 0)
        return 2;
    server.sin_port = htons((uint16_t)number(argv[1]));
    server.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    seed ^= (uint64_t)getpid() * 2654435761u ^ (uint64_t)time(NULL) << 20;
    queue = epoll_create1(EPOLL_CLOEXEC);
    connections = allocate(count * sizeof *connections);
    for (size_t i = 0; i < count; i++) {
        connections[i].answer = allocate(ANSWER_MAX);
        dial(&connections[i]);
    }
    run(connections, count, (double)number(argv[4]), (double)number(argv[5]));
    report((double)number(argv[4]));
    return 0;
}

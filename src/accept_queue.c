/* SPDX-License-Identifier: ISC */
/* accept_queue.c: TCP tells by getsockopt, unix sockets only by sock_diag(7). */
#include <config.h>

#include "accept_queue.h"

#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

#define ANSWER_SIZE 4096
#define PATIENCE_US 100000 /* the kernel answers within the call that asks */

struct question {
    struct nlmsghdr head;
    struct unix_diag_req body;
};

static bool ask(int netlink, unsigned inode)
{
    struct question question = {
        .head = {.nlmsg_len = sizeof question,
                 .nlmsg_type = SOCK_DIAG_BY_FAMILY,
                 .nlmsg_flags = NLM_F_REQUEST},
        .body = {.sdiag_family = AF_UNIX,
                 .udiag_states = UINT32_MAX,
                 .udiag_ino = inode,
                 .udiag_show = UDIAG_SHOW_RQLEN,
                 .udiag_cookie = {UINT32_MAX, UINT32_MAX}}, /* whatever it is */
    };

    return send(netlink, &question, sizeof question, 0) == sizeof question;
}

/* For a listening socket the two lengths are those of its queue and of its backlog. */
static bool read_attributes(const struct nlmsghdr *head, struct accept_queue *queue)
{
    const char *at = (const char *)head + NLMSG_SPACE(sizeof(struct unix_diag_msg));
    const char *end = (const char *)head + head->nlmsg_len;
    struct rtattr attribute;
    struct unix_diag_rqlen lengths;

    while (at + sizeof attribute <= end) {
        memcpy(&attribute, at, sizeof attribute);
        if (attribute.rta_len < sizeof attribute || at + attribute.rta_len > end)
            return false;
        if (attribute.rta_type == UNIX_DIAG_RQLEN &&
            attribute.rta_len >= RTA_LENGTH(sizeof lengths)) {
            memcpy(&lengths, at + RTA_LENGTH(0), sizeof lengths);
            *queue = (struct accept_queue){lengths.udiag_rqueue, lengths.udiag_wqueue};
            return true;
        }
        at += RTA_ALIGN(attribute.rta_len);
    }
    return false;
}

static bool hear(int netlink, struct accept_queue *queue)
{
    union {
        struct nlmsghdr head;
        char bytes[ANSWER_SIZE];
    } answer;
    const struct timeval patience = {.tv_usec = PATIENCE_US};
    ssize_t length;

    setsockopt(netlink, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    length = recv(netlink, &answer, sizeof answer, 0);
    return length >= (ssize_t)NLMSG_LENGTH(sizeof(struct unix_diag_msg)) &&
           answer.head.nlmsg_len <= (size_t)length &&
           answer.head.nlmsg_type == SOCK_DIAG_BY_FAMILY && read_attributes(&answer.head, queue);
}

static bool read_unix(int fd, struct accept_queue *queue)
{
    struct stat socket_status;
    int netlink = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
    bool told;

    if (netlink < 0)
        return false;
    told = fstat(fd, &socket_status) == 0 && ask(netlink, (unsigned)socket_status.st_ino) &&
           hear(netlink, queue);
    close(netlink);
    return told;
}

static bool read_tcp(int fd, struct accept_queue *queue)
{
    struct tcp_info info;
    socklen_t size = sizeof info;

    if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) != 0)
        return false;
    *queue = (struct accept_queue){info.tcpi_unacked, info.tcpi_sacked};
    return true;
}

bool accept_queue_read(int fd, struct accept_queue *queue)
{
    int domain;
    socklen_t size = sizeof domain;

    if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &size) != 0)
        return false;
    return domain == AF_UNIX ? read_unix(fd, queue) : read_tcp(fd, queue);
}

/* SPDX-License-Identifier: ISC */
/* accept_queue.h: how many connections wait for a worker. */
#ifndef TODO_ACCEPT_QUEUE_H
#define TODO_ACCEPT_QUEUE_H

#include <stdbool.h>

struct accept_queue {
    unsigned length; /* connections that no worker has taken yet */
    unsigned limit;  /* how many may wait; beyond it they are refused or have to come again */
};

/* Asks the kernel about the listening socket `fd`, unix or TCP; needs no privilege. False when it
 * does not tell: for a unix socket in another network namespace, or where netlink is forbidden. */
bool accept_queue_read(int fd, struct accept_queue *queue);

#endif

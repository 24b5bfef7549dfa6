/* SPDX-License-Identifier: ISC */
/* notify.h: tells systemd how the service is, for units of Type=notify. Where the program was built
 * without libsystemd, or was not started by systemd, nothing happens. */
#ifndef TODO_NOTIFY_H
#define TODO_NOTIFY_H

/* Requests are answered from now on, and a reload, if one was announced, is done. */
void notify_ready(void);
/* The process takes over new settings; its program tells when that is done. */
void notify_reloading(void);
/* The process ends as soon as it can. */
void notify_stopping(void);

/* From now on this process says nothing: it is only a worker of the one that does. */
void notify_forget(void);

#endif

/* SPDX-License-Identifier: ISC */
/* notify.c: the states of sd_notify(3). */
#include <config.h>

#include "notify.h"

#include <stdlib.h>

#include "clock.h"

#ifdef HAVE_LIBSYSTEMD
#include <systemd/sd-daemon.h>
#else
#define sd_notify(unset, state) (void)(state)
#define sd_notifyf(unset, format, value) (void)(value)
#endif

void notify_ready(void)
{
    sd_notify(0, "READY=1");
}

void notify_reloading(void)
{
    sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%lld", (long long)clock_now_ms() * 1000);
}

void notify_stopping(void)
{
    sd_notify(0, "STOPPING=1");
}

void notify_forget(void)
{
    unsetenv("NOTIFY_SOCKET");
}

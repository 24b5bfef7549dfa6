/* SPDX-License-Identifier: ISC */
/* setup_service.c: asks systemctl, as an administrator would. */
#include <config.h>

#include "setup_service.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#define MARK "todo-fcgi.service"

/* The services bring their sockets along. */
static const char *const pools[] = {MARK, "todo-fcgi-auth.service"};
#define POOL_COUNT (sizeof pools / sizeof *pools)
#define PURGE "todo-fcgi-purge.timer"

bool setup_service_is_there(const char *systemd, const char *units)
{
    char path[PATH_MAX];

    if (snprintf(path, sizeof path, "%s/" MARK, units) >= (int)sizeof path)
        return false;
    return access(systemd, F_OK) == 0 && access(path, F_OK) == 0;
}

/* `verb` is one word, with "--now" behind it or not. Did it succeed? */
static bool systemctl(const char *verb, bool now, const char *unit)
{
    pid_t child = fork();
    int status;

    if (child == 0) {
        execlp("systemctl", "systemctl", "--quiet", verb, unit, now ? "--now" : (char *)NULL,
               (char *)NULL);
        fprintf(stderr, "todoctl: systemctl: %s\n", strerror(errno));
        _exit(EX_OSERR);
    }
    if (child < 0)
        return false;
    while (waitpid(child, &status, 0) < 0)
        if (errno != EINTR)
            return false;
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static int start(const char *unit, bool *changed)
{
    if (systemctl("is-enabled", false, unit) && systemctl("is-active", false, unit)) {
        printf("found    %s, which runs\n", unit);
        return EX_OK;
    }
    fflush(stdout);
    if (!systemctl("enable", true, unit)) {
        fprintf(stderr, "todoctl: %s does not start: see journalctl -u %s\n", unit, unit);
        return EX_UNAVAILABLE;
    }
    *changed = true;
    printf("started  %s\n", unit);
    return EX_OK;
}

int setup_service_start(bool purge, bool *changed)
{
    int status = EX_OK;

    for (size_t i = 0; i < POOL_COUNT && status == EX_OK; i++)
        status = start(pools[i], changed);
    if (status == EX_OK && purge)
        status = start(PURGE, changed);
    else if (status == EX_OK)
        puts("left     " PURGE
             ": give todo-fcgi-purge.service its DATABASE_ADMIN_URL, and enable it");
    return status;
}

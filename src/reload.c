/* SPDX-License-Identifier: ISC */
/* reload.c: the program's file is found by the path that this process was started with, not by
 * /proc/self/exe, which goes on naming a file that an upgrade has replaced. What is left to the
 * next program lies in memory files whose descriptors the environment names. */
#include <config.h>

#include "reload.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "clock.h"
#include "log.h"

#define CHECK_MAX_MS 10000
#define WORDS_MAX 512 /* bytes of what the check says */

static char *program_path(void)
{
    return (char *)getauxval(AT_EXECFN);
}

/* ---- the check */

/* An errno, or 0 with *pid: the check runs, and writes its complaints to `out`. */
static int start_check(pid_t *pid, int out)
{
    char option[] = "--check-config";
    char *const arguments[] = {program_path(), option, NULL};
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t none;
    sigemptyset(&none);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, out, STDERR_FILENO);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
    posix_spawnattr_setsigmask(&attributes, &none);
    int error = posix_spawn(pid, arguments[0], &actions, &attributes, arguments, environ);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    return error;
}

/* Reads up to the end of the pipe; what does not fit is dropped. False when time is up. */
static bool read_words(int in, char words[WORDS_MAX])
{
    int64_t limit = clock_now_ms() + CHECK_MAX_MS;
    char piece[WORDS_MAX];
    size_t length = 0;
    ssize_t count = 1;
    while (count > 0) {
        struct pollfd pipe_end = {.fd = in, .events = POLLIN};
        int64_t left = limit - clock_now_ms();
        if (left <= 0 || poll(&pipe_end, 1, (int)left) <= 0)
            return false;
        count = read(in, piece, sizeof(piece));
        for (ssize_t i = 0; i < count && length < WORDS_MAX - 1; i++)
            words[length++] = piece[i];
    }
    words[length] = '\0';
    words[strcspn(words, "\n")] = '\0';
    return true;
}

/* Waits for the check's end; false, with the reason in `words`, when it has found a fault. */
static bool hear_check(pid_t pid, int in, char words[WORDS_MAX])
{
    int status = 0;
    if (!read_words(in, words)) {
        snprintf(words, WORDS_MAX, "the check did not end in time");
        kill(pid, SIGKILL);
    }
    bool ended = waitpid(pid, &status, 0) == pid;
    if (ended && WIFEXITED(status) && WEXITSTATUS(status) == EX_OK)
        return true;
    if (words[0] == '\0')
        snprintf(words, WORDS_MAX, "the check ended with %s %d",
                 WIFSIGNALED(status) ? "signal" : "status",
                 WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
    return false;
}

static bool check(char words[WORDS_MAX])
{
    int ends[2];
    pid_t pid;
    signal(SIGCHLD, SIG_DFL); /* inherited as ignored, it would hide how the check ended */
    if (pipe2(ends, O_CLOEXEC) != 0) {
        snprintf(words, WORDS_MAX, "%s", strerror(errno));
        return false;
    }
    int error = start_check(&pid, ends[1]);
    close(ends[1]);
    if (error != 0)
        snprintf(words, WORDS_MAX, "%s: %s", program_path(), strerror(error));
    bool sound = error == 0 && hear_check(pid, ends[0], words);
    close(ends[0]);
    return sound;
}

bool reload_is_sound(void)
{
    char words[WORDS_MAX] = "";
    bool sound = check(words);
    if (!sound)
        log_error("not reloaded, all stays as it was: %s", words);
    return sound;
}

/* ---- what is left */

static bool write_all(int fd, struct text text)
{
    while (text.length > 0) {
        ssize_t count = write(fd, text.data, text.length);
        if (count < 0)
            return false;
        text.data += count;
        text.length -= (size_t)count;
    }
    return true;
}

void reload_leave(const char *name, struct text text)
{
    char number[16];
    int fd = memfd_create(name, 0);
    if (fd < 0 || !write_all(fd, text)) {
        log_warning("cannot leave %s to the next program: %s", name, strerror(errno));
        return;
    }
    snprintf(number, sizeof(number), "%d", fd);
    setenv(name, number, 1);
}

bool reload_has(const char *name)
{
    return getenv(name) != NULL;
}

void reload_take(const char *name, struct buf *text)
{
    int64_t fd = -1;
    off_t place = 0;
    ssize_t count;
    if (!text_to_int(text_of(getenv(name)), STDERR_FILENO + 1, INT_MAX, &fd))
        return;
    unsetenv(name);
    while ((count = pread((int)fd, buf_reserve(text, BUFSIZ), BUFSIZ, place)) > 0) {
        text->length += (size_t)count;
        place += count;
    }
    close((int)fd);
}

/* ---- the change */

int reload_run(void)
{
    char *const arguments[] = {program_path(), NULL};
    execv(arguments[0], arguments);
    log_error("cannot become %s: %s", arguments[0], strerror(errno));
    return EX_OSERR;
}

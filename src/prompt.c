/* SPDX-License-Identifier: ISC */
/* prompt.c: reads byte by byte, so that no buffer of the C library keeps a password. */
#include <config.h>

#include "prompt.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

static bool refuse(const char *why)
{
    fprintf(stderr, "todoctl: %s\n", why);
    return false;
}

/* Of a terminal that is silent: has the key been pressed that otherwise would have ended us? */
static bool is_interrupt(const struct termios *terminal, char c)
{
    return terminal && (cc_t)c != _POSIX_VDISABLE &&
           ((cc_t)c == terminal->c_cc[VEOL] || (cc_t)c == terminal->c_cc[VEOL2]);
}

/* `terminal`: NULL when it is none. */
static bool read_line(const struct termios *terminal, char *line, size_t size)
{
    size_t length = 0;
    ssize_t got;
    char c = '\0';

    while ((got = read(STDIN_FILENO, &c, 1)) == 1 && c != '\n') {
        if (is_interrupt(terminal, c))
            return refuse("interrupted");
        if (length < size)
            line[length++] = c;
    }
    if (got <= 0 && length == 0)
        return refuse("no password was given");
    if (length == size || memchr(line, '\0', length))
        return refuse("the password is too long, or no text");
    if (length > 0 && line[length - 1] == '\r')
        length--;
    line[length] = '\0';
    return true;
}

static bool ask(const struct termios *terminal, const char *question, char *line, size_t size)
{
    bool good;

    fputs(question, stderr);
    good = read_line(terminal, line, size);
    fputc('\n', stderr);
    return good;
}

static bool ask_twice(const struct termios *terminal, char *password, size_t size)
{
    char again[256] = "";
    bool good = ask(terminal, "Password: ", password, size) &&
                ask(terminal, "The same again: ", again, size < sizeof again ? size : sizeof again);

    if (good && strcmp(password, again) != 0)
        good = refuse("the two passwords are not the same");
    explicit_bzero(again, sizeof again);
    return good;
}

/* Without an echo; and the keys that would end us, and leave the terminal so, end a line. */
static struct termios silenced(const struct termios *usual)
{
    struct termios silent = *usual;

    silent.c_lflag &= ~(tcflag_t)(ECHO | ISIG);
    silent.c_cc[VEOL] = usual->c_cc[VINTR];
    silent.c_cc[VEOL2] = usual->c_cc[VQUIT];
    return silent;
}

bool prompt_password(char *password, size_t size)
{
    struct termios usual, silent;
    bool good;

    if (!isatty(STDIN_FILENO))
        return read_line(NULL, password, size);
    if (tcgetattr(STDIN_FILENO, &usual) != 0)
        return refuse(strerror(errno));
    silent = silenced(&usual);
    if (tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent) != 0)
        return refuse(strerror(errno));
    good = ask_twice(&silent, password, size);
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &usual);
    return good;
}

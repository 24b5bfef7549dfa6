/* SPDX-License-Identifier: ISC */
/* program.c: /dev/null stands in for a closed descriptor, opened the wrong way round, as glibc does
 * for setuid programs: reading from stdin and writing to the others fails with EBADF. */
#include <config.h>

#include "program.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

void program_begin(void)
{
    static const int wrong_way[] = {
        [STDIN_FILENO] = O_WRONLY, [STDOUT_FILENO] = O_RDONLY, [STDERR_FILENO] = O_RDONLY};

    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", wrong_way[fd]) != fd)
            exit(EX_OSFILE); /* no /dev/null: better than to go on so */
}

const char *program_refused_option(char **argv)
{
    const char *taken = argv[optind - 1], *next = argv[optind];
    bool is_short = taken[0] == '-' && taken[1] == optopt && taken[2] == '\0';

    /* getopt leaves the argument only behind the last of its short options: -x is behind it, -xyz
     * still ahead. Of a long option `optopt` is none of its letters. */
    if (!is_short && next && optopt != '\0' && next[0] == '-' && next[1] == optopt)
        return next;
    return taken;
}

int program_end(const char *program, int status)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return status;
    fprintf(stderr, "%s: cannot write: %s\n", program, strerror(errno));
    return EX_IOERR;
}

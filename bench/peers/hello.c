/* SPDX-License-Identifier: ISC */
/* hello: the least that a FastCGI program can do: HELLO_PROCESSES of them answer everything with
 * the body that HELLO_BODY names a file of. What the product takes beyond this is its own. */
#include <fcgiapp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static char body[256 * 1024];

static int serve(int size)
{
    FCGX_Request request;

    if (FCGX_Init() != 0 || FCGX_InitRequest(&request, 0, 0) != 0)
        return 1;
    while (FCGX_Accept_r(&request) == 0) {
        FCGX_FPrintF(request.out,
                     "Status: 200 OK\r\nContent-Type: application/json\r\n"
                     "Content-Length: %d\r\n\r\n",
                     size);
        FCGX_PutStr(body, size, request.out);
        FCGX_Finish_r(&request);
    }
    return 0;
}

int main(void)
{
    const char *path = getenv("HELLO_BODY"), *processes = getenv("HELLO_PROCESSES");
    FILE *file = path ? fopen(path, "rb") : NULL;
    size_t size = file ? fread(body, 1, sizeof body, file) : 0;

    if (size == 0 || !processes)
        return 1;
    for (long i = strtol(processes, NULL, 10); i > 0; i--) {
        if (fork() == 0) {
            prctl(PR_SET_PDEATHSIG, SIGTERM);
            return serve((int)size);
        }
    }
    while (wait(NULL) > 0)
        ;
    return 0;
}

/* SPDX-License-Identifier: ISC */
/* fuzz_conf.c: any bytes as the settings file. The reader must stay inside its text and end;
 * loading must give settings within their bounds, or one line that says what is wrong. */
#include <config.h>

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sysexits.h>
#include <unistd.h>

#include "conf.h"
#include "conf_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(bool condition)
{
    if (!condition)
        abort();
}

/* The reader alone, over a text that ends where its memory ends. */
static void read_entries(const uint8_t *data, size_t size)
{
    char *text = strndup((const char *)data, size);
    size_t length = strlen(text), used = 0;
    struct conf_file file = {text, 1};
    struct conf_entry entry;
    const char *fault = NULL;
    int found;
    while ((found = conf_file_next(&file, &entry, &fault)) > 0) {
        used += strlen(entry.name) + strlen(entry.value) + 1; /* never more than was there */
        demand(used <= length);
    }
    demand(found == 0 || (fault && entry.line >= 1));
    demand(file.next >= text && file.next <= text + length);
    free(text);
}

static void check_loaded(const struct conf *conf)
{
    demand(conf->workers >= 1 && conf->workers <= 1024);
    demand(conf->jwt_leeway >= 0 && conf->jwt_leeway <= 300);
    demand(conf->max_body >= 1024 && conf->max_body <= 1048576);
    demand(conf->cors_origins && conf->user_claim && *conf->user_claim);
    demand(!conf->secret || conf->secret_length >= 32);
}

static void load(const uint8_t *data, size_t size)
{
    int fd = memfd_create("todo.conf", MFD_CLOEXEC);
    demand(fd >= 0 && write(fd, data, size) == (ssize_t)size);
    char entry[64], error[512] = "";
    snprintf(entry, sizeof(entry), "TODO_CONFIG=/proc/self/fd/%d", fd);
    char *environment[] = {entry, NULL};
    struct conf conf;
    int status = conf_load(&conf, environment, false, error, sizeof(error));
    demand(status == 0 || status == EX_CONFIG);
    demand((status == 0) == (*error == '\0'));
    demand(!strpbrk(error, "\r\n\x1b\x7f"));
    if (status == 0)
        check_loaded(&conf);
    conf_fini(&conf);
    close(fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    read_entries(data, size);
    load(data, size);
    return 0;
}

/* SPDX-License-Identifier: ISC */
/* setup_server.c: the table of web servers. The samples are files, as they are tested. */
#include <config.h>

#include "setup_server.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

static const struct server {
    const char *name;
    const char *mark; /* a file that is there when it is installed; NULL: to be named only */
} servers[] = {
    {"nginx", "/usr/sbin/nginx"},
    {"lighttpd", "/usr/sbin/lighttpd"},
    {"apache-fcgid", "/etc/apache2/mods-enabled/fcgid.load"},
    {"apache", "/usr/sbin/apache2"},
    {"lighttpd-bin-path", NULL}, /* lighttpd again, when it is to start the workers itself */
};
#define SERVER_COUNT (sizeof servers / sizeof *servers)

const char *setup_server_find(const char *root)
{
    char path[PATH_MAX];

    for (size_t i = 0; i < SERVER_COUNT && servers[i].mark; i++) {
        int length = snprintf(path, sizeof path, "%s%s", root, servers[i].mark);

        if (length > 0 && (size_t)length < sizeof path && access(path, F_OK) == 0)
            return servers[i].name;
    }
    return NULL;
}

int setup_server_check(const char *name)
{
    for (size_t i = 0; i < SERVER_COUNT; i++)
        if (strcmp(servers[i].name, name) == 0)
            return EX_OK;
    fprintf(stderr, "todoctl: --server must be one of:");
    for (size_t i = 0; i < SERVER_COUNT; i++)
        fprintf(stderr, " %s", servers[i].name);
    fputc('\n', stderr);
    return EX_USAGE;
}

void setup_server_print(const char *name, bool prefix, const char *directory)
{
    const char *chosen = name ? name : setup_server_find("");
    char path[PATH_MAX], line[1024];
    FILE *file;

    if (!chosen) {
        printf("No web server is installed that we know; %s has samples.\n", directory);
        return;
    }
    snprintf(path, sizeof path, "%s/%s%s.conf", directory, chosen, prefix ? "-prefix" : "");
    file = fopen(path, "r");
    if (!file) {
        printf("For %s: %s is missing.\n", chosen, path);
        return;
    }
    printf("For %s, this is %s:\n\n", chosen, path);
    while (fgets(line, sizeof line, file))
        fputs(line, stdout);
    fclose(file);
}

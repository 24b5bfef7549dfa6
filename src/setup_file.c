/* SPDX-License-Identifier: ISC */
/* setup_file.c: a file is written under a third name, to the disk, and then given its own: what has
 * a name is whole. */
#include <config.h>

#include "setup_file.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <libgen.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "buf.h"

#define MODE 0600
#define MODE_OF_GROUP 0640
#define MODE_OF_DIRECTORY 0755 /* the group is to get at the file, whatever the umask */

static int refuse(const char *path, const char *why, int status)
{
    fprintf(stderr, "todoctl: %s: %s\n", path, why);
    return status;
}

static int refuse_errno(const char *path)
{
    return refuse(path, strerror(errno), EX_CANTCREAT);
}

/* ---- before anything is written */

static int open_directory(struct setup_file *file)
{
    char path[PATH_MAX], *name;
    bool made;

    snprintf(path, sizeof path, "%s", file->path);
    name = dirname(path);
    made = mkdir(name, MODE_OF_DIRECTORY) == 0;
    if (!made && errno != EEXIST)
        return refuse_errno(name);
    file->directory = open(name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (file->directory < 0 || (made && fchmod(file->directory, MODE_OF_DIRECTORY) != 0))
        return refuse_errno(name);
    if (flock(file->directory, LOCK_EX | LOCK_NB) != 0)
        return refuse(name, "another todoctl setup is at work here", EX_TEMPFAIL);
    return EX_OK;
}

static int find_group(struct setup_file *file, const char *group)
{
    const struct group *found = group ? getgrnam(group) : NULL;

    if (!group)
        return EX_OK;
    if (!found) {
        fprintf(stderr,
                "todoctl: there is no group %s: make it (groupadd --system %s), or choose another "
                "with --group\n",
                group, group);
        return EX_NOUSER;
    }
    file->has_group = true;
    file->group = found->gr_gid;
    return EX_OK;
}

/* False only when it is certainly not there. */
static bool exists(const char *path)
{
    struct stat state;

    return lstat(path, &state) == 0 || errno != ENOENT;
}

int setup_file_init(struct setup_file *file, const char *path, const char *group)
{
    int status;

    *file = (struct setup_file){.path = path, .directory = -1};
    if (strlen(path) + sizeof ".setup" > PATH_MAX)
        return refuse(path, strerror(ENAMETOOLONG), EX_CANTCREAT);
    snprintf(file->draft, sizeof file->draft, "%s.setup", path);
    snprintf(file->fresh, sizeof file->fresh, "%s.new", path);
    status = find_group(file, group);
    if (status == EX_OK)
        status = open_directory(file);
    file->kept = exists(path);
    file->begun = exists(file->draft);
    return status;
}

void setup_file_fini(struct setup_file *file)
{
    if (file->directory >= 0)
        close(file->directory);
    file->directory = -1;
}

int setup_file_load(const struct setup_file *file, const char *secret, struct conf *conf)
{
    char place[PATH_MAX + sizeof "TODO_CONFIG="];
    char *environment[] = {place, NULL, NULL};
    struct buf given;
    char error[512];
    int status;

    snprintf(place, sizeof place, "TODO_CONFIG=%s", file->kept ? file->path : file->draft);
    buf_init(&given);
    if (secret && !file->kept) {
        buf_printf(&given, "BETTER_AUTH_SECRET=%s%c", secret, '\0');
        environment[1] = given.data;
    }
    status = conf_load(conf, environment, true, error, sizeof error);
    if (given.data)
        explicit_bzero(given.data, given.length);
    buf_fini(&given);
    if (status != EX_OK)
        fprintf(stderr, "todoctl: %s\n", error);
    return status;
}

/* ---- writing */

/* As conf_file.h reads it: a backslash keeps what follows. */
static void add_setting(struct buf *out, const char *name, const char *value)
{
    buf_printf(out, "%s=", name);
    for (; *value; value++) {
        if (strchr("\\\"' \t", *value))
            buf_add_char(out, '\\');
        buf_add_char(out, *value);
    }
    buf_add_char(out, '\n');
}

static void compose(struct buf *out, const struct setup_settings *settings)
{
    buf_init(out);
    buf_add_string(out,
                   "# Settings of todo-fcgi, made by todoctl setup. todo.conf(5) has the others.\n"
                   "# They hold secrets: only root and the service's group may read them.\n");
    add_setting(out, "DATABASE_URL", settings->database_url);
    add_setting(out, "BETTER_AUTH_SECRET", settings->secret);
    if (settings->cors)
        add_setting(out, "TODO_CORS_ORIGINS", settings->cors);
    buf_printf(out, "TODO_WORKERS=%ld\n", settings->workers);
}

static bool write_all(int fd, struct text text)
{
    while (text.length > 0) {
        ssize_t written = write(fd, text.data, text.length);

        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return false;
        text.data += written;
        text.length -= (size_t)written;
    }
    return true;
}

static bool fill(const struct setup_file *file, int fd, struct text text)
{
    return (!file->has_group || fchown(fd, (uid_t)-1, file->group) == 0) &&
           fchmod(fd, file->has_group ? MODE_OF_GROUP : MODE) == 0 && write_all(fd, text) &&
           fsync(fd) == 0;
}

/* Under the name that nobody reads. One that an earlier run left is nobody's: we hold the lock. */
static int write_fresh(const struct setup_file *file, const struct setup_settings *settings)
{
    struct buf content;
    bool good = false;
    int fd, saved;

    unlink(file->fresh);
    fd = open(file->fresh, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return refuse_errno(file->fresh);
    compose(&content, settings);
    good = fill(file, fd, buf_text(&content));
    explicit_bzero(content.data, content.length);
    buf_fini(&content);
    saved = errno;
    if (close(fd) == 0 && good)
        return EX_OK;
    unlink(file->fresh);
    errno = good ? errno : saved;
    return refuse_errno(file->fresh);
}

int setup_file_draft(struct setup_file *file, const struct setup_settings *settings)
{
    int status = write_fresh(file, settings);

    if (status == EX_OK && rename(file->fresh, file->draft) != 0)
        status = refuse_errno(file->draft);
    if (status == EX_OK && fsync(file->directory) != 0)
        status = refuse_errno(file->draft);
    return status;
}

void setup_file_drop(const struct setup_file *file)
{
    unlink(file->draft);
    unlink(file->fresh);
}

/* link, unlike rename, never takes the place of another file. */
int setup_file_finish(struct setup_file *file, const struct setup_settings *settings)
{
    int status = write_fresh(file, settings);

    if (status != EX_OK)
        return status;
    if (link(file->fresh, file->path) != 0)
        status = refuse_errno(file->path);
    unlink(file->fresh);
    if (status == EX_OK && fsync(file->directory) != 0)
        status = refuse_errno(file->path);
    if (status == EX_OK)
        setup_file_drop(file);
    return status;
}

/* SPDX-License-Identifier: ISC */
/* setup_file.h: the settings file that `todoctl setup` writes, and never overwrites.
 *
 * The password is written down before the database hears of it: in a draft beside the file,
 * FILE.setup, which becomes FILE when all has been done. So a run that was cut off can be
 * continued. */
#ifndef TODO_SETUP_FILE_H
#define TODO_SETUP_FILE_H

#include <limits.h>
#include <stdbool.h>
#include <sys/types.h>

#include "conf.h"
#include "err.h"

struct setup_file {
    const char *path;
    char draft[PATH_MAX], fresh[PATH_MAX]; /* what is continued; what is being written */
    int directory;                         /* locked; -1 before it is open */
    bool has_group;
    gid_t group; /* of the file */
    bool kept;   /* the file was there */
    bool begun;  /* the draft was there */
};

/* Locks the directory of `path`, which it makes if only that is missing, and sees what is there.
 * `group` NULL: only the process' own user may read it. EX_OK, or a line on stderr and an exit
 * status; setup_file_fini is always due. */
int setup_file_init(struct setup_file *file, const char *path, const char *group) CHECK_RESULT;
void setup_file_fini(struct setup_file *file);

/* Loads the file, else its draft, and nothing of the environment; `secret`, unless NULL, comes
 * before a draft's. The same answers; conf_fini is always due. */
int setup_file_load(const struct setup_file *file, const char *secret,
                    struct conf *conf) CHECK_RESULT;

/* What is written. */
struct setup_settings {
    const char *database_url, *secret, *cors; /* cors may be NULL */
    long workers;
};

/* Writes the draft; drops it, and what else a run that was cut off may have left beside the file.
 */
int setup_file_draft(struct setup_file *file, const struct setup_settings *settings) CHECK_RESULT;
void setup_file_drop(const struct setup_file *file);

/* Writes the file, and drops the draft. */
int setup_file_finish(struct setup_file *file, const struct setup_settings *settings) CHECK_RESULT;

#endif

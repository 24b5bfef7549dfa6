/* SPDX-License-Identifier: ISC */
/* setup_options.h: what `todoctl setup` is told: by options, else by who sits at the terminal. */
#ifndef TODO_SETUP_OPTIONS_H
#define TODO_SETUP_OPTIONS_H

#include <stddef.h>

#include "err.h"
#include "setup_url.h"

#define SETUP_DATABASE "todo"
#define SETUP_QUESTIONS 3
#define SETUP_LOCAL_ADMIN "user=" SETUP_URL_ADMIN " dbname=postgres"

struct setup_options {
    const char *admin_url; /* of a role that may create roles and databases; NULL: not told */
    const char *database;  /* NULL: what the settings file has, else SETUP_DATABASE */
    const char *config;    /* the settings file */
    const char *group;     /* who may read it; NULL: the service's */
    const char *cors;      /* TODO_CORS_ORIGINS; NULL: none */
    const char *server;    /* the web server's name; NULL: the one that is found */
    const char *schema;    /* the directory of schema files */
    const char *workers;   /* TODO_WORKERS; NULL: by the number of processors */
    int prefix;            /* mounted below one, not at / */
    int reset_password, yes;
    char *answers[SETUP_QUESTIONS]; /* owned: what some of the above point to */
    size_t answer_count;
};

/* Fills the options, which point into `argv` and the environment. EX_OK, or a line on stderr and
 * EX_USAGE. */
int setup_options_read(struct setup_options *options, int argc, char **argv) CHECK_RESULT;

/* Asks for what was not told, when there is a terminal and no --yes. EX_OK, or EX_NOINPUT when
 * there was no answer or it was no. */
int setup_options_ask(struct setup_options *options) CHECK_RESULT;

/* Forgets the answers. */
void setup_options_fini(struct setup_options *options);

#endif

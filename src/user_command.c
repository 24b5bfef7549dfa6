/* SPDX-License-Identifier: ISC */
/* user_command.c: a table of what `todoctl user` can do, each a few lines over users.c. */
#include <config.h>

#include "user_command.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "account.h"
#include "password.h"
#include "program.h"
#include "prompt.h"
#include "users.h"
#include "users_csv.h"

struct options {
    const char *operand, *name, *id;
    int ends;
    long cost;
};

struct command {
    const char *name;
    bool has_operand;
    int (*run)(struct users *users, const struct command *command, const struct options *options);
    enum users_action action;
};

/* A new password's hash. */
static int read_hash(long cost, char hash[PASSWORD_HASH_SIZE])
{
    char password[PASSWORD_BYTES_MAX + 16];
    const char *fault = NULL;
    int status = EX_OK;

    if (!prompt_password(password, sizeof password))
        status = EX_DATAERR;
    else if ((fault = account_new_password_fault(text_of(password))))
        status = EX_DATAERR;
    else if (password_hash(password, cost, hash) != ERR_NONE)
        status = EX_SOFTWARE;
    if (fault)
        fprintf(stderr, "todoctl: the password %s\n", fault);
    explicit_bzero(password, sizeof password);
    return status;
}

static int run_add(struct users *users, const struct command *command,
                   const struct options *options)
{
    char hash[PASSWORD_HASH_SIZE], id[256];
    const struct users_new account = {options->id, options->operand, options->name, hash};
    const char *fault;
    int status = read_hash(options->cost, hash);

    (void)command;
    if (status != EX_OK)
        return status;
    fault = users_add(users, &account, id);
    if (!fault)
        puts(id);
    else
        fprintf(stderr, "todoctl: %s: %s\n", options->operand, fault);
    return fault ? EX_DATAERR : EX_OK;
}

static int run_list(struct users *users, const struct command *command,
                    const struct options *options)
{
    (void)command;
    (void)options;
    return users_list(users);
}

static int run_password(struct users *users, const struct command *command,
                        const struct options *options)
{
    char hash[PASSWORD_HASH_SIZE];
    int status = read_hash(options->cost, hash);

    return status != EX_OK ? status : users_act(users, command->action, options->operand, hash);
}

static int run_action(struct users *users, const struct command *command,
                      const struct options *options)
{
    return users_act(users, options->ends ? USERS_END_SESSIONS : command->action, options->operand,
                     NULL);
}

struct import {
    struct users *users;
    const char *file;
    size_t added, refused;
};

static void import_row(void *data, size_t line, const struct users_new *account)
{
    struct import *import = data;
    struct users_new whole = *account;
    const char *fault;
    char id[256];

    whole.email = account->email ? account->email : "";
    whole.hash = account->hash ? account->hash : "";
    fault = users_add(import->users, &whole, id);
    if (fault)
        fprintf(stderr, "todoctl: %s:%zu: %s\n", import->file, line, fault);
    import->refused += fault != NULL;
    import->added += fault == NULL;
}

static int run_import(struct users *users, const struct command *command,
                      const struct options *options)
{
    struct import import = {.users = users, .file = options->operand};
    FILE *file = fopen(options->operand, "rb");
    const char *fault;

    (void)command;
    if (!file) {
        fprintf(stderr, "todoctl: %s: %s\n", options->operand, strerror(errno));
        return EX_NOINPUT;
    }
    fault = users_csv_read(file, import_row, &import);
    fclose(file);
    if (fault)
        fprintf(stderr, "todoctl: %s: %s\n", options->operand, fault);
    printf("imported %zu users, refused %zu\n", import.added, import.refused);
    return fault || import.refused > 0 ? EX_DATAERR : EX_OK;
}

static const struct command commands[] = {
    {"add", true, run_add, USERS_SHOW},           {"list", false, run_list, USERS_SHOW},
    {"show", true, run_action, USERS_SHOW},       {"password", true, run_password, USERS_PASSWORD},
    {"disable", true, run_action, USERS_DISABLE}, {"enable", true, run_action, USERS_ENABLE},
    {"delete", true, run_action, USERS_DELETE},   {"sessions", true, run_action, USERS_SESSIONS},
    {"import", true, run_import, USERS_SHOW},
};

static const struct command *find_command(const char *name)
{
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
    return NULL;
}

static int refuse(const char *problem, const char *subject)
{
    fprintf(stderr, "todoctl: %s%s: see todoctl help\n", problem, subject);
    return EX_USAGE;
}

static bool takes(const struct command *command, int option)
{
    return strcmp(command->name, option == 'e' ? "sessions" : "add") == 0;
}

/* Operands and options behind the name of the command. */
static int read_options(const struct command *command, int argc, char **argv,
                        struct options *options)
{
    static const struct option known[] = {{"name", required_argument, NULL, 'n'},
                                          {"id", required_argument, NULL, 'i'},
                                          {"end", no_argument, NULL, 'e'},
                                          {NULL, 0, NULL, 0}};
    int option, entry = 0;

    optind = 0; /* glibc: from the beginning, for this argv */
    while ((option = getopt_long(argc, argv, "", known, &entry)) != -1) {
        if (option == '?')
            return refuse("unknown option, or its value is missing: ",
                          program_refused_option(argv));
        if (!takes(command, option))
            return refuse("unknown option of this command: --", known[entry].name);
        if (option == 'n')
            options->name = optarg;
        if (option == 'i')
            options->id = optarg;
        if (option == 'e')
            options->ends = 1;
    }
    if (argc - optind != (command->has_operand ? 1 : 0))
        return refuse(command->has_operand ? "one operand is needed by user "
                                           : "no operand is taken by user ",
                      command->name);
    options->operand = command->has_operand ? argv[optind] : NULL;
    return EX_OK;
}

static int read_command(int argc, char **argv, const struct command **command,
                        struct options *options)
{
    *command = argc > 1 ? find_command(argv[1]) : NULL;
    if (!*command)
        return refuse(argc > 1 ? "no such command: user " : "user needs a command",
                      argc > 1 ? argv[1] : "");
    return read_options(*command, argc - 1, argv + 1, options);
}

int user_command_check(int argc, char **argv)
{
    const struct command *command;
    struct options options = {0};

    return read_command(argc, argv, &command, &options);
}

int user_command(const char *url, long cost, int argc, char **argv)
{
    const struct command *command;
    struct options options = {.cost = cost};
    struct users *users;
    int status = read_command(argc, argv, &command, &options);

    if (status != EX_OK)
        return status;
    status = users_open(url, &users);
    if (status == EX_OK)
        status = command->run(users, command, &options);
    users_close(users);
    return status;
}

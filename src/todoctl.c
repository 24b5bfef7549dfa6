/* SPDX-License-Identifier: ISC */
/* todoctl.c: the administrator's program: a table of commands, each a few lines over the rooms that
 * do the work. */
#include <config.h>

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "admin.h"
#include "arena.h"
#include "check.h"
#include "clock.h"
#include "conf.h"
#include "inspect.h"
#include "issuer_link.h"
#include "migrate.h"
#include "program.h"
#include "purge.h"
#include "random.h"
#include "setup.h"
#include "text.h"
#include "token.h"
#include "user_command.h"

#ifndef TODO_SCHEMA_DIR
#define TODO_SCHEMA_DIR "/usr/share/todo-fcgi/schema"
#endif

#define PURGE_BATCH 1000
#define TOKEN_LIFETIME 3600          /* seconds */
#define TOKEN_LIFETIME_MAX 315360000 /* ten years */

struct command {
    const char *name;
    const char *arguments;
    const char *help;
    int (*run)(int argc, char **argv);
};

static int run_check(int argc, char **argv);
static int run_help(int argc, char **argv);
static int run_keys(int argc, char **argv);
static int run_link(int argc, char **argv);
static int run_migrate(int argc, char **argv);
static int run_purge(int argc, char **argv);
static int run_secret(int argc, char **argv);
static int run_setup(int argc, char **argv);
static int run_token(int argc, char **argv);
static int run_user(int argc, char **argv);
static int run_version(int argc, char **argv);

static const struct command commands[] = {
    {"check", "", "say whether the workers can serve: settings, secret, database; exit 0, 1 or 78",
     run_check},
    {"help", "[COMMAND]", "print this, or what COMMAND takes (also --help)", run_help},
    {"keys", "", "list the keys of TODO_JWKS, as the workers would have them", run_keys},
    {"link", "better-auth [--unlink]",
     "let the workers ask a Better Auth in the same database for sessions and keys", run_link},
    {"migrate", "[--schema DIR] [--dry-run]",
     "bring the database's schema up to date, as DATABASE_ADMIN_URL (else DATABASE_URL)",
     run_migrate},
    {"purge", "[--older-than AGE] [--keys] [--batch ROWS] [--dry-run]",
     "remove for good what has been in the trash for longer than AGE (30d), and expired sessions "
     "and idempotency keys; with --keys alone only these",
     run_purge},
    {"secret", "", "print a new random secret for BETTER_AUTH_SECRET", run_secret},
    {"setup", SETUP_ARGUMENTS,
     "make roles, database, secret and settings as far as they are missing, and check them",
     run_setup},
    {"token", "USER [--expires SECONDS] | --inspect",
     "print a token for USER, by default for an hour; or judge the one on standard input",
     run_token},
    {"user", USER_COMMAND_ARGUMENTS,
     "built-in accounts; a password comes from the terminal, or from standard input", run_user},
    {"version", "", "print the version (also --version)", run_version},
};
#define COMMAND_COUNT (sizeof commands / sizeof *commands)

static int refuse(const char *problem, const char *subject)
{
    fprintf(stderr, "todoctl: %s%s: see todoctl help\n", problem, subject);
    return EX_USAGE;
}

/* getopt has just answered '?'. */
static int refuse_option(char **argv)
{
    return refuse("unknown option, or its value is missing: ", program_refused_option(argv));
}

static int load(struct conf *conf)
{
    char error[512];
    int status = conf_load(conf, environ, false, error, sizeof error);

    if (status != EX_OK)
        fprintf(stderr, "todoctl: %s\n", error);
    return status;
}

/* What a command needs and the workers do not. */
static int refuse_missing(const char *settings)
{
    fprintf(stderr, "todoctl: %s is not set: give it in the environment or in the settings file\n",
            settings);
    return EX_CONFIG;
}

/* Also the URL of whoever may change the schema, or rows of all users: who is root needs none. */
static int load_admin(struct conf *conf, const char **url)
{
    int status = load(conf);

    if (status != EX_OK)
        return status;
    if (!conf->database_admin_url && conf->database_url)
        conf->database_admin_url = admin_local_url(conf->database_url);
    *url = conf->database_admin_url ? conf->database_admin_url : conf->database_url;
    return *url ? EX_OK : refuse_missing("DATABASE_ADMIN_URL (or DATABASE_URL)");
}

/* For the commands that take neither options nor operands. */
static int refuse_arguments(int argc, char **argv)
{
    return argc > 1 ? refuse("unexpected argument ", argv[1]) : EX_OK;
}

/* ---- check */

static int run_check(int argc, char **argv)
{
    struct conf conf;
    char error[512];
    int status = refuse_arguments(argc, argv);

    if (status != EX_OK)
        return status;
    status = conf_load(&conf, environ, true, error, sizeof error);
    if (status != EX_OK)
        printf("FAIL  settings: %s\n", error);
    else if (!check_run(&conf))
        status = EXIT_FAILURE;
    conf_fini(&conf);
    return status;
}

/* ---- migrate */

struct migrate_options {
    const char *directory;
    int dry_run;
};

static int read_migrate_options(int argc, char **argv, struct migrate_options *options)
{
    const struct option known[] = {
        {"schema", required_argument, NULL, 's'},
        {"dry-run", no_argument, &options->dry_run, 1},
        {NULL, 0, NULL, 0},
    };
    int option;

    while ((option = getopt_long(argc, argv, "", known, NULL)) != -1) {
        if (option == '?')
            return refuse_option(argv);
        if (option == 's')
            options->directory = optarg;
    }
    return optind < argc ? refuse("unexpected argument ", argv[optind]) : EX_OK;
}

static int run_migrate(int argc, char **argv)
{
    struct migrate_options options = {TODO_SCHEMA_DIR, 0};
    struct conf conf;
    const char *url;
    int status = read_migrate_options(argc, argv, &options);

    if (status != EX_OK)
        return status;
    status = load_admin(&conf, &url);
    if (status == EX_OK)
        status = migrate_run(url, options.directory, options.dry_run);
    conf_fini(&conf);
    return status;
}

/* ---- purge */

struct purge_options {
    struct purge purge;
    int keys, dry_run;
};

static int read_purge_options(int argc, char **argv, struct purge_options *options)
{
    const struct option known[] = {
        {"older-than", required_argument, NULL, 'o'},
        {"batch", required_argument, NULL, 'b'},
        {"keys", no_argument, &options->keys, 1},
        {"dry-run", no_argument, &options->dry_run, 1},
        {NULL, 0, NULL, 0},
    };
    int option;

    while ((option = getopt_long(argc, argv, "", known, NULL)) != -1) {
        if (option == '?')
            return refuse_option(argv);
        if (option == 'o' && !purge_read_age(optarg, &options->purge.age))
            return refuse("--older-than must be like 30d (s, m, h, d, w), up to 100 years, not ",
                          optarg);
        if (option == 'b' &&
            !text_to_int(text_of(optarg), 1, PURGE_BATCH_MAX, &options->purge.batch))
            return refuse("--batch must be 1 to 100000 rows, not ", optarg);
    }
    if (optind < argc)
        return refuse("unexpected argument ", argv[optind]);
    if (options->purge.age == 0 && !options->keys)
        return refuse("purge needs --older-than AGE, or --keys", "");
    options->purge.dry_run = options->dry_run;
    return EX_OK;
}

static int run_purge(int argc, char **argv)
{
    struct purge_options options = {.purge = {.batch = PURGE_BATCH}};
    struct conf conf;
    const char *url;
    int status = read_purge_options(argc, argv, &options);

    if (status != EX_OK)
        return status;
    status = load_admin(&conf, &url);
    if (status == EX_OK) {
        options.purge.key_age = (int64_t)conf.idempotency_hours * 3600;
        status = purge_run(url, &options.purge);
    }
    conf_fini(&conf);
    return status;
}

/* ---- keys */

static int run_keys(int argc, char **argv)
{
    struct conf conf;
    int status = refuse_arguments(argc, argv);

    if (status != EX_OK)
        return status;
    status = load(&conf);
    if (status == EX_OK)
        status = conf.jwks ? inspect_keys(&conf) : refuse_missing("TODO_JWKS");
    conf_fini(&conf);
    return status;
}

/* ---- link */

static int run_link(int argc, char **argv)
{
    int unlink = 0, status;
    const struct option known[] = {{"unlink", no_argument, &unlink, 1}, {NULL, 0, NULL, 0}};
    struct conf conf;
    const char *url;

    while ((status = getopt_long(argc, argv, "", known, NULL)) != -1)
        if (status == '?')
            return refuse_option(argv);
    if (optind != argc - 1 || strcmp(argv[optind], "better-auth") != 0)
        return refuse("link needs the word better-auth", "");
    status = load_admin(&conf, &url);
    if (status == EX_OK)
        status = unlink ? issuer_unlink(&conf, url) : issuer_link(&conf, url);
    conf_fini(&conf);
    return status;
}

/* ---- secret */

static int run_secret(int argc, char **argv)
{
    char secret[2 * RANDOM_SECRET_BYTES + 1];
    int status = refuse_arguments(argc, argv);

    if (status != EX_OK)
        return status;
    puts(random_hex(secret, RANDOM_SECRET_BYTES));
    return EX_OK;
}

/* ---- setup */

static int run_setup(int argc, char **argv)
{
    return setup_command(argc, argv, TODO_SCHEMA_DIR);
}

/* ---- token */

struct token_options {
    const char *user;
    int64_t lifetime;
    int inspect;
};

static int read_token_options(int argc, char **argv, struct token_options *options)
{
    const struct option known[] = {
        {"expires", required_argument, NULL, 'e'},
        {"inspect", no_argument, &options->inspect, 1},
        {NULL, 0, NULL, 0},
    };
    int option;

    while ((option = getopt_long(argc, argv, "", known, NULL)) != -1) {
        if (option == '?')
            return refuse_option(argv);
        if (option == 'e' &&
            !text_to_int(text_of(optarg), 1, TOKEN_LIFETIME_MAX, &options->lifetime))
            return refuse("--expires must be 1 to 315360000 seconds, not ", optarg);
    }
    if (options->inspect)
        return optind < argc ? refuse("unexpected argument ", argv[optind]) : EX_OK;
    if (optind != argc - 1)
        return refuse("token needs one USER", "");
    options->user = argv[optind];
    return EX_OK;
}

static bool is_user(struct text user)
{
    return user.length >= 1 && user.length <= TOKEN_USER_MAX && text_is_utf8(user) &&
           !text_has_control(user);
}

static int print_token(const struct conf *conf, const struct token_options *options)
{
    struct arena arena;
    char *token;

    if (!conf->secret)
        return refuse_missing("BETTER_AUTH_SECRET");
    arena_init(&arena);
    token = token_make(conf, &arena, options->user, NULL, clock_unix_seconds(),
                       (long)options->lifetime);
    if (token)
        puts(token);
    else
        fputs("todoctl: the token could not be made\n", stderr);
    arena_fini(&arena);
    return token ? EX_OK : EX_SOFTWARE;
}

static int run_token(int argc, char **argv)
{
    struct token_options options = {NULL, TOKEN_LIFETIME, 0};
    struct conf conf;
    int status = read_token_options(argc, argv, &options);

    if (status != EX_OK)
        return status;
    if (!options.inspect && !is_user(text_of(options.user)))
        return refuse("USER must be 1 to 255 bytes of UTF-8 without control characters", "");
    status = load(&conf);
    if (status == EX_OK)
        status = options.inspect ? inspect_token(&conf, stdin) : print_token(&conf, &options);
    conf_fini(&conf);
    return status;
}

/* ---- user */

static int run_user(int argc, char **argv)
{
    struct conf conf;
    const char *url;
    int status = user_command_check(argc, argv);

    if (status != EX_OK)
        return status;
    status = load_admin(&conf, &url);
    if (status == EX_OK)
        status = user_command(url, conf.bcrypt_cost, argc, argv);
    conf_fini(&conf);
    return status;
}

/* ---- help and version */

static const struct command *find_command(const char *name)
{
    if (strcmp(name, "--help") == 0 || strcmp(name, "--version") == 0)
        name += 2;
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
    return NULL;
}

static void print_command(const struct command *command, const char *before)
{
    printf("%s%s%s%s\n        %s\n", before, command->name, *command->arguments ? " " : "",
           command->arguments, command->help);
}

static int run_help(int argc, char **argv)
{
    const struct command *asked = argc > 1 ? find_command(argv[1]) : NULL;

    if (argc > 1 && !asked)
        return refuse("no such command: ", argv[1]);
    if (asked) {
        print_command(asked, "Usage: todoctl ");
        return EX_OK;
    }
    puts("Usage: todoctl COMMAND [ARGUMENT]…\n\nCommands:");
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        print_command(&commands[i], "  ");
    puts("\nSettings come from the environment, or the file that TODO_CONFIG names: todo.conf(5).");
    return EX_OK;
}

static int run_version(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    puts("todoctl (todo-fcgi) " PACKAGE_VERSION);
    return EX_OK;
}

int main(int argc, char **argv)
{
    const struct command *command = argc > 1 ? find_command(argv[1]) : NULL;

    program_begin();
    opterr = 0; /* one line of ours says it all */
    if (!command)
        return refuse(argc > 1 ? "no such command: " : "no command", argc > 1 ? argv[1] : "");
    if (argc > 2 && strcmp(argv[argc - 1], "--help") == 0)
        return program_end("todoctl", run_help(argc, argv));
    return program_end("todoctl", command->run(argc - 1, argv + 1));
}

/* SPDX-License-Identifier: ISC */
/* main.c: todo.fcgi, the FastCGI program: options, then settings, then one worker or a pool. */
#include <config.h>

#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "app.h"
#include "conf.h"
#include "fetcher.h"
#include "log.h"
#include "metrics.h"
#include "pool.h"
#include "program.h"
#include "pseudonym.h"
#include "reload.h"
#include "server.h"
#include "store.h"

struct program {
    struct conf conf;
    struct key_board *board; /* what the workers share of the key set; NULL: nothing */
    struct metrics *metrics;
    int listen_fd;
};

/* A pool runs this in each of its processes, so that none shares a database connection. */
static int work(void *data, long index)
{
    struct program *program = data;
    if (index == program->conf.workers)
        return fetcher_run(&program->conf, program->board);
    metrics_enter(program->metrics, index);
    struct app app;
    struct store *store = store_new(&program->conf);
    struct keys *keys = keys_new(&program->conf, store, program->board);
    app_init(&app, &program->conf, store, keys);
    app.listen_fd = program->listen_fd;
    int status = server_run(&app, program->listen_fd);
    app_fini(&app);
    keys_free(keys);
    store_free(store);
    return status;
}

static int load_settings(struct conf *conf)
{
    char error[512];
    int status = conf_load(conf, environ, true, error, sizeof(error));
    if (status == EX_OK) {
        log_set_level((enum log_level)conf->log_level);
        log_set_json(strcmp(conf->log_format, "json") == 0);
    } else {
        fprintf(stderr, "todo.fcgi: %s\n", error);
    }
    return status;
}

/* A fetcher is one process more, behind the workers. */
static int run(struct program *program)
{
    long processes = program->conf.workers + keys_need_fetcher(&program->conf);
    bool pooled = processes > 1 || pool_has_old_workers();
    program->metrics = metrics_new();
    metrics_enter(program->metrics, -1); /* a pool's own process counts nothing */
    pseudonym_start(&program->conf);
    program->board = key_board_new(program->conf.workers);
    keys_take_over(&program->conf, program->board);
    int status = pooled ? pool_run(processes, work, program) : work(program, 0);
    if (status == RELOAD) {
        keys_leave(&program->conf, program->board);
        metrics_leave();
    }
    key_board_free(program->board);
    metrics_free(program->metrics);
    return status;
}

static int serve(void)
{
    struct program program = {.listen_fd = server_listen_fd()};
    if (program.listen_fd < 0) {
        fputs(
            "todo.fcgi: descriptor 0 is not a listening socket; start it by a web server, systemd, "
            "or: spawn-fcgi -s /run/todo/fcgi.sock -M 0660 -b 1024 -n -- todo.fcgi\n",
            stderr);
        return EX_USAGE;
    }
    server_signals();
    int status = load_settings(&program.conf);
    if (status == EX_OK)
        status = run(&program);
    conf_fini(&program.conf);
    return status == RELOAD ? reload_run() : status;
}

static int check_config(void)
{
    struct conf conf;
    int status = load_settings(&conf);
    conf_fini(&conf);
    if (status != EX_OK)
        return status;
    puts("configuration ok");
    return program_end("todo.fcgi", EX_OK);
}

static int print_settings(void)
{
    conf_print_table(stdout);
    return program_end("todo.fcgi", EX_OK);
}

static int print_version(void)
{
    puts("todo.fcgi " PACKAGE_VERSION);
    return program_end("todo.fcgi", EX_OK);
}

static int print_help(void)
{
    fputs("Usage: todo.fcgi [OPTION]\n"
          "The todo backend as a FastCGI program: it serves the listening socket on descriptor 0,\n"
          "as spawn-fcgi, systemd, lighttpd and mod_fcgid pass it, or the first of LISTEN_FDS.\n"
          "\n"
          "  --check-config    say whether the settings are in order; exit 0 or 78\n"
          "  --print-settings  print the table of settings, separated by tabs\n"
          "  --help            print this\n"
          "  --version         print the version\n"
          "\n"
          "TERM, INT and USR1 end it once what waits has been answered, QUIT once what is begun "
          "has;\n"
          "HUP takes over new settings, and a new version of the program. See todo.fcgi(8).\n"
          "\n"
          "Settings, from the environment or the file named by TODO_CONFIG, see todo.conf(5):\n",
          stdout);
    conf_print_help(stdout);
    return program_end("todo.fcgi", EX_OK);
}

static int refuse(void)
{
    return EX_USAGE;
}

enum action { SERVE, CHECK_CONFIG, PRINT_SETTINGS, HELP, VERSION, REFUSE };

static enum action tell_unknown(const char *argument)
{
    fprintf(stderr, "todo.fcgi: unknown option or argument: %s: see todo.fcgi --help\n", argument);
    return REFUSE;
}

static enum action read_options(int argc, char **argv)
{
    static const struct option options[] = {
        {"check-config", no_argument, NULL, CHECK_CONFIG},
        {"print-settings", no_argument, NULL, PRINT_SETTINGS},
        {"help", no_argument, NULL, HELP},
        {"version", no_argument, NULL, VERSION},
        {NULL, 0, NULL, 0},
    };
    int action = SERVE;
    int option;
    opterr = 0; /* one line of ours says it all */
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (option == '?')
            return tell_unknown(program_refused_option(argv));
        action = option;
    }
    return optind == argc ? (enum action)action : tell_unknown(argv[optind]);
}

int main(int argc, char **argv)
{
    static int (*const actions[])(void) = {
        [SERVE] = serve,     [CHECK_CONFIG] = check_config, [PRINT_SETTINGS] = print_settings,
        [HELP] = print_help, [VERSION] = print_version,     [REFUSE] = refuse,
    };
    program_begin();
    return actions[read_options(argc, argv)]();
}

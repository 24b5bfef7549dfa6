/* SPDX-License-Identifier: ISC */
/* setup.c: the order of `todoctl setup`: settings file, database, settings file, check, web server.
 *
 * Debian's PostgreSQL lets its administrator in by the name of the process' user. So as root, what
 * is done in the database is done by a child that has become that user; files stay root's. */
#include <config.h>

#include "setup.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "admin.h"
#include "check.h"
#include "conf.h"
#include "log.h"
#include "random.h"
#include "setup_database.h"
#include "setup_file.h"
#include "setup_options.h"
#include "setup_server.h"
#include "setup_service.h"
#include "setup_url.h"
#include "text.h"

#ifndef TODO_DEFAULT_CONFIG
#define TODO_DEFAULT_CONFIG "/etc/todo-fcgi/todo.conf"
#endif
#ifndef TODO_WEB_DIR
#define TODO_WEB_DIR "/usr/share/todo-fcgi/web"
#endif

#ifndef TODO_UNIT_DIR
#define TODO_UNIT_DIR "/usr/lib/systemd/system"
#endif

#define SERVICE_GROUP "todo"
#define WORKERS_ROLE "todo_app"
#define WORKERS_PER_PROCESSOR 4
#define WORKERS_MAX 32 /* of PostgreSQL's hundred connections */
#define LOGIN_SECONDS 5
#define PASSWORD_BYTES 24

struct setup {
    struct setup_options options;
    struct setup_file file;
    struct conf conf; /* of the file or its draft */
    char *admin_url;  /* as libpq has it */
    char *schema;     /* the directory, from the root on: the child goes elsewhere */
    char *database;
    char *password;                /* of todo_app; NULL: the workers are another role */
    struct setup_outcome *outcome; /* shared with the child */
    bool purge_role;               /* of the timer: is it to be made? */
};

static int refuse(const char *problem, int status)
{
    fprintf(stderr, "todoctl: %s\n", problem);
    return status;
}

/* Of the environment; empty counts as not given. */
static const char *value_of(const char *variable)
{
    const char *value = getenv(variable);

    return value && *value ? value : NULL;
}

static void forget(char *secret)
{
    if (secret)
        explicit_bzero(secret, strlen(secret));
    free(secret);
}

/* The units know the default settings file, and may be started by root. */
static bool has_service(const struct setup *setup)
{
    return geteuid() == 0 && strcmp(setup->options.config, TODO_DEFAULT_CONFIG) == 0 &&
           setup_service_is_there(SETUP_SYSTEMD, TODO_UNIT_DIR);
}

/* As told, else the local administrator. */
static int take_admin_url(struct setup *setup)
{
    const char *given = setup->options.admin_url ? setup->options.admin_url : SETUP_LOCAL_ADMIN;
    char *url = conf_url_database(given);
    const char *fault = conf_database_url_fault(url ? url : given);

    forget(setup->admin_url);
    setup->admin_url = url;
    if (fault)
        fprintf(stderr, "todoctl: the administrator's URL %s\n", fault);
    return fault || !url ? EX_USAGE : EX_OK;
}

/* ---- the draft */

static long count_workers(const struct setup *setup)
{
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    int64_t number = (processors > 0 ? processors : 1) * WORKERS_PER_PROCESSOR;

    if (number > WORKERS_MAX)
        number = WORKERS_MAX;
    if (setup->options.workers && !text_to_int(text_of(setup->options.workers), 1, 1024, &number))
        log_out_of_memory(); /* never: the options were checked */
    return (long)number;
}

static struct setup_settings settings_with(const struct setup *setup, const char *url,
                                           const char *secret)
{
    return (struct setup_settings){url, secret, setup->options.cors, count_workers(setup)};
}

/* A secret of the environment is taken over: somebody else signs with it. */
static int make_draft(struct setup *setup)
{
    const char *given = value_of("BETTER_AUTH_SECRET");
    char secret[2 * RANDOM_SECRET_BYTES + 1], password[2 * PASSWORD_BYTES + 1];
    const char *database = setup->options.database ? setup->options.database : SETUP_DATABASE;
    char *url = setup_url_of_workers(setup->admin_url, random_hex(password, PASSWORD_BYTES),
                                     database, false);
    struct setup_settings settings =
        settings_with(setup, url, given ? given : random_hex(secret, RANDOM_SECRET_BYTES));
    int status = setup_file_draft(&setup->file, &settings);

    explicit_bzero(secret, sizeof secret);
    explicit_bzero(password, sizeof password);
    forget(url);
    return status;
}

/* It is of the server to which the DATABASE_URL beside it leads. */
static int take_admin_url_of_file(struct setup *setup)
{
    if (setup->options.admin_url || !setup->conf.database_admin_url)
        return EX_OK;
    setup->options.admin_url = setup->conf.database_admin_url;
    return take_admin_url(setup);
}

/* Whatever the settings say of the workers' role holds, be they new or years old. The environment's
 * secret also takes the place of one that an earlier run has drafted. */
static int read_settings(struct setup *setup)
{
    int status = setup_file_load(&setup->file, value_of("BETTER_AUTH_SECRET"), &setup->conf);
    char *role;

    if (status != EX_OK)
        return status;
    setup->database = setup_url_part(setup->conf.database_url, "dbname");
    role = setup_url_part(setup->conf.database_url, "user");
    if (role && strcmp(role, WORKERS_ROLE) == 0)
        setup->password = setup_url_part(setup->conf.database_url, "password");
    free(role);
    if (!setup->database)
        return refuse("DATABASE_URL names no database", EX_CONFIG);
    if (!setup->file.kept && !setup->password) {
        fprintf(stderr, "todoctl: %s has no password of todo_app any more: remove it\n",
                setup->file.draft);
        return EX_CONFIG;
    }
    if (setup->options.database && strcmp(setup->options.database, setup->database) != 0) {
        fprintf(stderr, "todoctl: %s has the database \"%s\": leave out --database\n",
                setup->file.kept ? setup->file.path : setup->file.draft, setup->database);
        return EX_USAGE;
    }
    return take_admin_url_of_file(setup);
}

static int begin(struct setup *setup)
{
    const char *group = setup->options.group;
    int status;

    if (!group && geteuid() == 0)
        group = SERVICE_GROUP;
    status = setup_file_init(&setup->file, setup->options.config, group);
    if (status != EX_OK)
        return status;
    if (setup->file.kept)
        printf("found    %s\n", setup->file.path);
    else if (setup->file.begun)
        printf("found    %s, of a run that did not end\n", setup->file.draft);
    else
        status = make_draft(setup);
    if (status == EX_OK)
        status = read_settings(setup);
    if (status != EX_OK && !setup->file.kept && !setup->file.begun)
        setup_file_drop(&setup->file);
    return status;
}

/* ---- the workers' way to the server */

static bool can_log_in(const char *url, char *why, size_t size)
{
    PGconn *connection = admin_connect(url, LOGIN_SECONDS);
    bool good = PQstatus(connection) == CONNECTION_OK;

    admin_error(connection, why, size);
    PQfinish(connection);
    return good;
}

/* A URL with which the workers' role gets into `database`: by the administrator's way or, where a
 * socket wants no passwords, over the loopback. New; NULL, and why, when there is none. */
static char *find_url(const char *url, const char *password, const char *database, char *why,
                      size_t size)
{
    for (int loopback = 0; loopback <= setup_url_is_socket(url); loopback++) {
        char *workers = setup_url_of_workers(url, password, database, loopback == 1);

        if (can_log_in(workers, why, size))
            return workers;
        forget(workers);
    }
    return NULL;
}

static bool login(const struct setup_database *wanted, const char *database)
{
    char why[512];
    char *url = find_url(wanted->admin_url, wanted->password, database, why, sizeof why);
    bool good = url != NULL;

    forget(url);
    return good;
}

/* ---- the database, as whom it lets in */

/* As todo-fcgi-purge.service has it: the database todo, over the socket. */
static bool may_purge(const struct setup *setup)
{
    return has_service(setup) && setup_url_wants_peer(setup->admin_url) &&
           strcmp(setup->database, SETUP_DATABASE) == 0;
}

static const char *advice(const struct setup *setup)
{
    if (setup->options.admin_url)
        return "correct --admin-url or DATABASE_ADMIN_URL, or start the server";
    return geteuid() == 0 ? "start PostgreSQL, or give the URL of another one with --admin-url"
                          : "run this as root or as postgres, or give a URL with --admin-url";
}

static int work_in_database(struct setup *setup)
{
    const struct setup_database wanted = {
        .admin_url = setup->admin_url,
        .name = setup->database,
        .password = setup->password,
        .schema = setup->schema ? setup->schema : setup->options.schema,
        .reset_password = setup->options.reset_password,
        .purge_role = setup->purge_role,
        .advice = advice(setup),
    };

    return setup_database(&wanted, login, setup->outcome);
}

static int become(const struct passwd *user)
{
    if (initgroups(user->pw_name, user->pw_gid) == 0 && setgid(user->pw_gid) == 0 &&
        setuid(user->pw_uid) == 0 && chdir("/") == 0)
        return EX_OK;
    fprintf(stderr, "todoctl: cannot become %s: %s\n", user->pw_name, strerror(errno));
    return EX_OSERR;
}

static int work_as(struct setup *setup, const struct passwd *user)
{
    int status;
    pid_t child;

    fflush(stdout);
    child = fork();
    if (child < 0)
        return refuse(strerror(errno), EX_OSERR);
    if (child == 0) {
        status = become(user);
        if (status == EX_OK)
            status = work_in_database(setup);
        fflush(stdout);
        _exit(status);
    }
    while (waitpid(child, &status, 0) < 0)
        if (errno != EINTR)
            return refuse(strerror(errno), EX_OSERR);
    return WIFEXITED(status) ? WEXITSTATUS(status) : EX_SOFTWARE;
}

/* As root over a socket without a password: the user that the server knows as the administrator. */
static int change_database(struct setup *setup)
{
    const struct passwd *user = admin_account(setup->admin_url, SETUP_URL_ADMIN);

    return user ? work_as(setup, user) : work_in_database(setup);
}

/* ---- the settings file */

static int finish_file(struct setup *setup)
{
    char why[512];
    char *url = find_url(setup->admin_url, setup->password, setup->database, why, sizeof why);
    struct setup_settings settings = settings_with(setup, url, setup->conf.secret);
    int status;

    if (!url) {
        fprintf(stderr,
                "todoctl: todo_app cannot log in: %s: let it in by a line of pg_hba.conf (host, "
                "127.0.0.1/32, scram-sha-256), and run this again\n",
                why);
        return EX_NOPERM;
    }
    status = setup_file_finish(&setup->file, &settings);
    forget(url);
    if (status != EX_OK)
        return status;
    setup->outcome->changed = true;
    printf("made     %s\n", setup->file.path);
    return EX_OK;
}

/* With the file as it is now, as the workers read it. */
static int check(struct setup *setup)
{
    struct conf conf;
    int status;

    setup->file.kept = true;
    status = setup_file_load(&setup->file, NULL, &conf);
    if (status == EX_OK && !check_run(&conf))
        status = EXIT_FAILURE;
    conf_fini(&conf);
    return status;
}

/* Of a run that was cut off when it had written the file. */
static void drop_draft(struct setup *setup)
{
    setup_file_drop(&setup->file);
    setup->outcome->changed = true;
    printf("removed  %s\n", setup->file.draft);
}

static int run(struct setup *setup)
{
    bool has_both = setup->file.kept && setup->file.begun;
    int status;

    setup->purge_role = may_purge(setup);
    status = change_database(setup);
    if (status != EX_OK && !setup->file.kept && !setup->file.begun && !setup->outcome->password_set)
        setup_file_drop(&setup->file);
    if (status == EX_OK && !setup->file.kept)
        status = finish_file(setup);
    if (status == EX_OK)
        status = check(setup);
    if (status == EX_OK && has_both)
        drop_draft(setup);
    if (status == EX_OK && has_service(setup))
        status = setup_service_start(setup->purge_role, &setup->outcome->changed);
    if (status != EX_OK)
        return status;
    puts(setup->outcome->changed ? "Ready to serve.\n" : "Nothing had to be changed.\n");
    setup_server_print(setup->options.server, setup->options.prefix, TODO_WEB_DIR);
    return EX_OK;
}

static int read_options(struct setup *setup, int argc, char **argv)
{
    struct setup_options *options = &setup->options;
    int status = setup_options_read(options, argc, argv);
    const char *secret = value_of("BETTER_AUTH_SECRET");

    if (status == EX_OK && options->server)
        status = setup_server_check(options->server);
    if (status == EX_OK)
        status = setup_options_ask(options);
    if (status == EX_OK)
        status = take_admin_url(setup);
    if (status == EX_OK && secret && text_has_control(text_of(secret)))
        status = refuse("BETTER_AUTH_SECRET must not have control characters", EX_CONFIG);
    return status;
}

int setup_command(int argc, char **argv, const char *schema_directory)
{
    const char *config = value_of("TODO_CONFIG");
    struct setup setup = {.options = {.admin_url = value_of("DATABASE_ADMIN_URL"),
                                      .config = config ? config : TODO_DEFAULT_CONFIG,
                                      .schema = schema_directory},
                          .file.directory = -1};
    int status = read_options(&setup, argc, argv);

    setup.outcome = mmap(NULL, sizeof *setup.outcome, PROT_READ | PROT_WRITE,
                         MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (setup.outcome == MAP_FAILED)
        log_out_of_memory();
    setup.schema = realpath(setup.options.schema, NULL);
    if (status == EX_OK)
        status = begin(&setup);
    if (status == EX_OK)
        status = run(&setup);
    conf_fini(&setup.conf);
    setup_file_fini(&setup.file);
    forget(setup.password);
    free(setup.database);
    forget(setup.admin_url);
    free(setup.schema);
    setup_options_fini(&setup.options);
    munmap(setup.outcome, sizeof *setup.outcome);
    return status;
}

/* SPDX-License-Identifier: ISC */
/* conf.c: the table of settings, where their values come from, and who wins.
 *
 * Each source is gathered into a grid: one cell for each way to spell a setting (its name and its
 * aliases, each with and without _FILE). Then each setting takes the one cell that is filled, of
 * the environment first, then of the file, else its default. A new setting is one row of the table
 * and one member of struct conf. */
#include <config.h>

#include "conf.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "address.h"
#include "conf_file.h"
#include "conf_type.h"
#include "conf_url.h"
#include "log.h"

#ifndef TODO_DEFAULT_CONFIG
#define TODO_DEFAULT_CONFIG "/etc/todo-fcgi/todo.conf"
#endif

#define BESIDE_NAME "todo.conf"    /* in the program's directory, where it gets no environment */
#define PREFIX "TODO_"             /* an unknown name that begins so is a mistake */
#define FILE_SETTING "TODO_CONFIG" /* names the file: not a row of the table */
#define FILE_SUFFIX "_FILE"
#define ALIASES_MAX 3
#define SPELLINGS (2 * (1 + ALIASES_MAX)) /* even: itself; odd: with FILE_SUFFIX */
#define NAME_SIZE 64                      /* of a name with its suffix */

struct setting {
    const char *name;
    const struct conf_type *type;
    size_t offset;      /* of its member in struct conf */
    const char *preset; /* the default as text; NULL or "": none */
    struct conf_limits limits;
    const char *aliases[ALIASES_MAX]; /* earlier ones win */
    const char *help;
};

#define AT(member) offsetof(struct conf, member)
#define RANGE(low, high)                                                                           \
    {                                                                                              \
        .minimum = low, .maximum = high                                                            \
    }

static const char *sessions_fault(const char *value)
{
    return strcmp(value, "better-auth") == 0 ? NULL : "must be better-auth";
}

static const char *log_format_fault(const char *value)
{
    return strcmp(value, "text") == 0 || strcmp(value, "json") == 0 ? NULL : "must be text or json";
}

/* "none" is no address, so that no client is in it. */
static const char *metrics_allow_fault(const char *value)
{
    return strcmp(value, "none") == 0 ? NULL : address_network_fault(value);
}

static const struct setting settings[] = {
    {"BETTER_AUTH_SECRET", &conf_secret, AT(secret),
     .aliases = {"JWT_SECRET", "JWT_SECRET_KEY", "SECRET_KEY"},
     .help = "the secret that signs HS256 tokens, 32 bytes or more"},
    {"BETTER_AUTH_SECRET_PREVIOUS", &conf_secret, AT(secret_previous),
     .help = "the secret before this one: its tokens are still taken, none is signed with it"},
    {"DATABASE_ADMIN_URL", &conf_url, AT(database_admin_url),
     .help = "the database as todoctl's role; without it todoctl uses DATABASE_URL"},
    {"DATABASE_READ_URL", &conf_url, AT(database_read_url),
     .help = "a streaming standby of the database, for reads that bring a Todo-Position"},
    {"DATABASE_URL", &conf_url, AT(database_url),
     .help = "the database as the workers' role: a postgresql:// URL or a libpq keyword string"},
    {"TODO_ACCOUNTS", &conf_boolean, AT(accounts), "1",
     .help = "built-in accounts below /api/auth; 0 when another server has them"},
    {"TODO_BCRYPT_COST", &conf_integer, AT(bcrypt_cost), "11", RANGE(10, 15),
     .help = "cost of a password's hash; each step doubles the time of a login"},
    {"TODO_BETTER_AUTH_JWKS", &conf_list, AT(better_auth_jwks), "jwks,id,publicKey,alg,expiresAt",
     .help = "Better Auth's table of keys, then its columns"},
    {"TODO_BETTER_AUTH_SCHEMA", &conf_string, AT(better_auth_schema), "public",
     .help = "the schema of Better Auth's tables, for todoctl link"},
    {"TODO_BETTER_AUTH_SESSION", &conf_list, AT(better_auth_session),
     "session,token,expiresAt,userId", .help = "Better Auth's table of sessions, then its columns"},
    {"TODO_BETTER_AUTH_USER", &conf_list, AT(better_auth_user), "user,id",
     .help = "Better Auth's table of users, then its column"},
    {"TODO_CHECK_SESSION", &conf_boolean, AT(check_session), "0",
     .help = "1 refuses the tokens of an ended session at once, not within 15 minutes"},
    {"TODO_COMPAT", &conf_compat, AT(compat), "",
     .help = "words for clients that expect something else, separated by commas"},
    {"TODO_CORS_ORIGINS", &conf_list, AT(cors_origins), "", .limits.check = conf_url_origin_fault,
     .aliases = {"CORS_ORIGINS"},
     .help = "browser origins, separated by commas; * stands for one label of the host"},
    {"TODO_DB_DEADLINE_MS", &conf_integer, AT(db_deadline_ms), "5000", RANGE(100, 60000),
     .help = "milliseconds within which the database answers, or the client gets a 503"},
    {"TODO_DB_PREPARE", &conf_boolean, AT(db_prepare), "1",
     .help = "named prepared statements; 0 behind PgBouncer before 1.21"},
    {"TODO_IDEMPOTENCY_HOURS", &conf_integer, AT(idempotency_hours), "24", RANGE(1, 720),
     .help = "hours for which the answer to an Idempotency-Key is kept"},
    {"TODO_JWKS", &conf_string, AT(jwks), .limits.check = conf_url_jwks_fault,
     .help = "the key set of an issuer: the path of a file, an https URL, or database"},
    {"TODO_JWT_AUDIENCE", &conf_string, AT(jwt_audience),
     .help = "what a token's aud must hold; without it any is taken"},
    {"TODO_JWT_ISSUER", &conf_string, AT(jwt_issuer),
     .help = "what a token's iss must be; without it any is taken"},
    {"TODO_JWT_LEEWAY", &conf_integer, AT(jwt_leeway), "30", RANGE(0, 300),
     .help = "seconds by which a token's clock may differ"},
    {"TODO_LOG_FORMAT", &conf_string, AT(log_format), "text", .limits.check = log_format_fault,
     .help = "the lines of the log: text or json"},
    {"TODO_LOG_LEVEL", &conf_level, AT(log_level), "info",
     .help = "the least of what is logged: error, warning, info or debug"},
    {"TODO_MAX_BODY", &conf_integer, AT(max_body), "65536", RANGE(1024, 1048576),
     .help = "largest body of a request in bytes"},
    {"TODO_METRICS_ALLOW", &conf_list, AT(metrics_allow), "127.0.0.1, ::1",
     .limits.check = metrics_allow_fault,
     .help = "addresses or networks that may read /metrics, separated by commas; or none"},
    {"TODO_REQUIRE_IF_MATCH", &conf_boolean, AT(require_if_match), "0",
     .help = "1 refuses a change without If-Match (428)"},
    {"TODO_SESSIONS", &conf_string, AT(sessions), .limits.check = sessions_fault,
     .help = "better-auth takes the tokens of its sessions, in the same database"},
    {"TODO_SESSIONS_SQL", &conf_string, AT(sessions_sql),
     .help = "a view (token, expires_at, user_id) in place of that table"},
    {"TODO_SESSION_COOKIE", &conf_boolean, AT(session_cookie), "0",
     .help = "1 takes Better Auth's session cookie too"},
    {"TODO_TRUSTED_PROXIES", &conf_list, AT(trusted_proxies), "",
     .limits.check = address_network_fault,
     .help = "addresses or networks of proxies whose X-Forwarded-For is believed"},
    {"TODO_USER_CLAIM", &conf_string, AT(user_claim), "sub",
     .help = "the claim of a token that names the user"},
    {"TODO_WORKERS", &conf_integer, AT(workers), "1", RANGE(1, 1024),
     .help = "worker processes; 1 when another program supervises them"},
};
#define SETTING_COUNT (sizeof(settings) / sizeof(settings[0]))

struct cell {
    const char *value; /* NULL or "": not given */
    unsigned line;     /* 0 in the environment */
};

struct source {
    const char *path; /* NULL: the environment */
    struct cell cells[SETTING_COUNT][SPELLINGS];
};

/* A filled cell, and where it stands. */
struct choice {
    const struct setting *setting;
    size_t spelling;
    const struct source *source;
    const struct cell *cell; /* NULL: nothing is chosen */
};

struct loader {
    struct conf *conf;
    struct source environment;
    struct source file;
    const char *path; /* of TODO_CONFIG; NULL: one of the default files, if there is one */
    char beside[PATH_MAX];
    char *text; /* the file's, which its cells point into */
    char *error;
    size_t error_size;
};

/* ---- faults */

/* Writes the one line that says what to do. */
__attribute__((format(printf, 4, 5))) static int
refuse(const struct loader *loader, const char *path, unsigned line, const char *format, ...)
{
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    if (path && line)
        snprintf(loader->error, loader->error_size, "%s:%u: %s", path, line, text);
    else
        snprintf(loader->error, loader->error_size, "%s%s%s", path ? path : "", path ? ": " : "",
                 text);
    for (char *p = loader->error; *p; p++)
        if ((unsigned char)*p < 0x20 || *p == 0x7f)
            *p = '?';
    return EX_CONFIG;
}

/* ---- names */

static bool is_file_spelling(size_t spelling)
{
    return spelling % 2 == 1;
}

/* The setting's name, or one of its aliases; NULL when it has not so many. */
static const char *base_name(const struct setting *setting, size_t spelling)
{
    size_t index = spelling / 2;
    return index == 0 ? setting->name : setting->aliases[index - 1];
}

/* Writes the name that a spelling stands for. False when the setting has no such spelling. */
static bool spell(const struct setting *setting, size_t spelling, char name[NAME_SIZE])
{
    const char *base = base_name(setting, spelling);
    if (!base || (is_file_spelling(spelling) && !setting->type->secret))
        return false;
    snprintf(name, NAME_SIZE, "%s%s", base, is_file_spelling(spelling) ? FILE_SUFFIX : "");
    return true;
}

static struct cell *find_cell(struct source *source, struct text name)
{
    char spelled[NAME_SIZE];
    for (size_t i = 0; i < SETTING_COUNT; i++)
        for (size_t spelling = 0; spelling < SPELLINGS; spelling++)
            if (spell(&settings[i], spelling, spelled) && text_equal(name, text_of(spelled)))
                return &source->cells[i][spelling];
    return NULL;
}

static unsigned least(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

/* How many bytes must be added, dropped or changed to make one name of the other (Levenshtein). */
static unsigned distance(struct text a, const char *b)
{
    unsigned row[NAME_SIZE];
    size_t width = strlen(b);
    for (size_t j = 0; j <= width; j++)
        row[j] = (unsigned)j;
    for (size_t i = 0; i < a.length; i++) {
        unsigned diagonal = row[0];
        row[0] = (unsigned)i + 1;
        for (size_t j = 0; j < width; j++) {
            unsigned changed = diagonal + (a.data[i] != b[j]);
            diagonal = row[j + 1];
            row[j + 1] = least(changed, least(row[j], row[j + 1]) + 1);
        }
    }
    return row[width];
}

/* The known name that is most like `name`. */
static const char *nearest(struct text name)
{
    const char *best = FILE_SETTING;
    for (size_t i = 0; i < SETTING_COUNT; i++)
        for (size_t spelling = 0; spelling < SPELLINGS; spelling += 2) {
            const char *known = base_name(&settings[i], spelling);
            if (known && distance(name, known) < distance(name, best))
                best = known;
        }
    return best;
}

/* ---- sources */

static int refuse_unknown(const struct loader *loader, const struct source *source, unsigned line,
                          struct text name)
{
    struct text shown = {name.data, least((unsigned)name.length, NAME_SIZE)};
    return refuse(loader, source->path, line, "%.*s is not a setting: did you mean %s?",
                  (int)shown.length, shown.data, nearest(shown));
}

/* Puts a value into its cell; a later one replaces an earlier one. */
static int gather(struct loader *loader, struct source *source, struct text name, const char *value,
                  unsigned line)
{
    struct cell *cell = find_cell(source, name);
    if (cell) {
        *cell = (struct cell){value, line};
        return 0;
    }
    if (text_equal(name, TEXT_LITERAL(FILE_SETTING))) {
        if (source->path)
            return refuse(loader, source->path, line, "%s is taken from the environment only",
                          FILE_SETTING);
        loader->path = *value ? value : NULL;
        return 0;
    }
    if (name.length >= sizeof(PREFIX) - 1 && memcmp(name.data, PREFIX, sizeof(PREFIX) - 1) == 0)
        return refuse_unknown(loader, source, line, name);
    return 0;
}

static int gather_environment(struct loader *loader, char **environment)
{
    int status = 0;
    for (char **entry = environment; *entry && !status; entry++) {
        const char *equals = strchr(*entry, '=');
        if (equals)
            status = gather(loader, &loader->environment,
                            (struct text){*entry, (size_t)(equals - *entry)}, equals + 1, 0);
    }
    return status;
}

/* Makes the path of the file in the program's own directory. False when there is none. */
static bool find_beside(char path[PATH_MAX])
{
    ssize_t length = readlink("/proc/self/exe", path, PATH_MAX);
    const char *slash = length > 0 ? memrchr(path, '/', (size_t)length) : NULL;
    size_t start = slash ? (size_t)(slash + 1 - path) : PATH_MAX;
    if (start > PATH_MAX - sizeof(BESIDE_NAME))
        return false;
    memcpy(path + start, BESIDE_NAME, sizeof(BESIDE_NAME));
    return access(path, F_OK) == 0;
}

static const char *file_path(struct loader *loader)
{
    if (loader->path)
        return loader->path;
    return find_beside(loader->beside) ? loader->beside : TODO_DEFAULT_CONFIG;
}

/* Reads the text of the file, if there is one. */
static int read_file(struct loader *loader)
{
    loader->file.path = file_path(loader);
    const char *fault;
    int error = conf_file_read(loader->file.path, &loader->text, &fault);
    if (!loader->path && (error == ENOENT || error == ENOTDIR))
        return 0;
    if (error == EACCES || error == EPERM)
        return refuse(loader, loader->file.path, 0,
                      "cannot be read: %s: let this user read it, or name another in %s", fault,
                      FILE_SETTING);
    if (error)
        return refuse(loader, loader->file.path, 0,
                      "cannot be read: %s: correct it, or name another in %s", fault, FILE_SETTING);
    if (!text_is_utf8(text_of(loader->text)))
        return refuse(loader, loader->file.path, 0, "must be UTF-8");
    return 0;
}

static int gather_file(struct loader *loader)
{
    int status = read_file(loader);
    if (status || !loader->text)
        return status;
    struct conf_file file = {loader->text, 1};
    struct conf_entry entry;
    const char *fault;
    int found;
    while ((found = conf_file_next(&file, &entry, &fault)) > 0) {
        status = gather(loader, &loader->file, text_of(entry.name), entry.value, entry.line);
        if (status)
            return status;
    }
    return found ? refuse(loader, loader->file.path, entry.line, "%s", fault) : 0;
}

/* ---- values */

/* Two spellings of one setting are fine only when they say the same. */
static int refuse_both(const struct loader *loader, const struct choice *first,
                       const struct choice *second)
{
    char kept[NAME_SIZE], other[NAME_SIZE];
    spell(first->setting, first->spelling, kept);
    spell(second->setting, second->spelling, other);
    bool direct = !is_file_spelling(first->spelling) && !is_file_spelling(second->spelling);
    return refuse(loader, second->source->path, second->cell->line,
                  "%s and %s are both set%s: keep one", kept, other, direct ? " and differ" : "");
}

static bool same(const struct choice *first, const struct choice *second)
{
    return !is_file_spelling(first->spelling) && !is_file_spelling(second->spelling) &&
           strcmp(first->cell->value, second->cell->value) == 0;
}

/* Finds the setting's one filled cell in the source; choice->cell stays NULL if there is none. */
static int choose(const struct loader *loader, const struct source *source, struct choice *choice)
{
    size_t row = (size_t)(choice->setting - settings);
    for (size_t spelling = 0; spelling < SPELLINGS; spelling++) {
        const struct cell *cell = &source->cells[row][spelling];
        if (!cell->value || !*cell->value)
            continue;
        struct choice other = {choice->setting, spelling, source, cell};
        if (!choice->cell)
            *choice = other;
        else if (!same(choice, &other))
            return refuse_both(loader, choice, &other);
    }
    return 0;
}

static int set_value(const struct loader *loader, const struct choice *choice, const char *value)
{
    const struct setting *setting = choice->setting;
    struct conf_fault fault;
    char name[NAME_SIZE];
    if (setting->type->set((char *)loader->conf + setting->offset, value, &setting->limits, &fault))
        return 0;
    spell(setting, choice->spelling, name);
    return refuse(loader, choice->source->path, choice->cell->line, "%s %s", name, fault.text);
}

/* The value is the content of the file that the cell names, without the newline at its end. What
 * the cell holds is not shown: it could be the secret itself, given to the wrong name. */
static int set_from_file(const struct loader *loader, const struct choice *choice)
{
    char *content, name[NAME_SIZE];
    const char *fault;
    spell(choice->setting, choice->spelling, name);
    if (conf_file_read(choice->cell->value, &content, &fault))
        return refuse(loader, choice->source->path, choice->cell->line,
                      "%s names a file that cannot be read: %s", name, fault);
    size_t length = strlen(content);
    if (length > 0 && content[length - 1] == '\n')
        content[--length] = '\0';
    if (length > 0 && content[length - 1] == '\r')
        content[--length] = '\0';
    int status = length > 0 ? set_value(loader, choice, content)
                            : refuse(loader, choice->source->path, choice->cell->line,
                                     "%s names a file that is empty", name);
    conf_file_wipe(content);
    return status;
}

static int load_setting(const struct loader *loader, const struct setting *setting)
{
    static const struct cell preset_cell = {"", 0};
    struct choice choice = {setting, 0, &loader->environment, NULL};
    int status = choose(loader, &loader->environment, &choice);
    if (!status && !choice.cell)
        status = choose(loader, &loader->file, &choice);
    if (status)
        return status;
    if (choice.cell && is_file_spelling(choice.spelling))
        return set_from_file(loader, &choice);
    if (choice.cell)
        return set_value(loader, &choice, choice.cell->value);
    choice.cell = &preset_cell;
    return setting->preset ? set_value(loader, &choice, setting->preset) : 0;
}

static int load_settings(const struct loader *loader)
{
    int status = 0;
    for (size_t i = 0; i < SETTING_COUNT && !status; i++)
        status = load_setting(loader, &settings[i]);
    if (loader->conf->secret)
        loader->conf->secret_length = strlen(loader->conf->secret);
    return status;
}

/* What a worker cannot do without. */
static int require(const struct loader *loader)
{
    if (!loader->conf->database_url)
        return refuse(loader, NULL, 0,
                      "DATABASE_URL is not set: give it in the environment or in %s",
                      loader->file.path);
    if (!loader->conf->secret && !loader->conf->jwks && !loader->conf->sessions)
        return refuse(loader, NULL, 0,
                      "none of BETTER_AUTH_SECRET, TODO_JWKS and TODO_SESSIONS is set, so no token "
                      "can be judged: give one in the environment or in %s",
                      loader->file.path);
    return 0;
}

int conf_load(struct conf *conf, char **environment, bool needs_worker, char *error,
              size_t error_size)
{
    struct loader loader = {.conf = conf, .error = error, .error_size = error_size};
    memset(conf, 0, sizeof(*conf));
    int status = gather_environment(&loader, environment);
    if (!status)
        status = gather_file(&loader);
    if (!status)
        status = load_settings(&loader);
    if (!status && needs_worker)
        status = require(&loader);
    conf_file_wipe(loader.text);
    return status;
}

void conf_fini(struct conf *conf)
{
    for (size_t i = 0; i < SETTING_COUNT; i++)
        settings[i].type->clear((char *)conf + settings[i].offset);
    conf->secret_length = 0;
}

/* ---- documents */

static const char *shown(const char *text)
{
    return text && *text ? text : "-";
}

void conf_print_help(FILE *out)
{
    int name_width = 0, preset_width = 0;
    for (size_t i = 0; i < SETTING_COUNT; i++) {
        int name_length = (int)strlen(settings[i].name);
        int preset_length = (int)strlen(shown(settings[i].preset));
        name_width = name_length > name_width ? name_length : name_width;
        preset_width = preset_length > preset_width ? preset_length : preset_width;
    }
    for (size_t i = 0; i < SETTING_COUNT; i++)
        fprintf(out, "  %-*s  %-*s  %s\n", name_width, settings[i].name, preset_width,
                shown(settings[i].preset), settings[i].help);
}

static void print_aliases(FILE *out, const struct setting *setting)
{
    if (!setting->aliases[0])
        fputs(shown(NULL), out);
    for (size_t i = 0; i < ALIASES_MAX && setting->aliases[i]; i++)
        fprintf(out, "%s%s", i > 0 ? "," : "", setting->aliases[i]);
}

void conf_print_table(FILE *out)
{
    for (size_t i = 0; i < SETTING_COUNT; i++) {
        const struct setting *setting = &settings[i];
        fprintf(out, "%s\t%s\t%s\t%d\t", setting->name, setting->type->name, shown(setting->preset),
                setting->type->secret);
        print_aliases(out, setting);
        fprintf(out, "\t%s\n", setting->help);
    }
}

/* SPDX-License-Identifier: ISC */
/* test_log.c: what reaches standard error, byte for byte. The lines are caught in a pipe, as a
 * datagram-like pipe (O_DIRECT) where the number of writes matters. */
#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <jansson.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "log.h"

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))
#define LINE_LIMIT 2048
#define SECRET "s3cret-s3cret"
#define LONGER_SECRET SECRET "-and-more-of-it"
#define OTHER_SECRET "\x01other\xff\x02secret"

/* ---- standard error, caught */

static int saved_stderr = -1;
static int pipe_end = -1;

static void catch_start(void)
{
    int ends[2];
    assert_int_equal(pipe2(ends, O_DIRECT | O_NONBLOCK), 0);
    saved_stderr = dup(STDERR_FILENO);
    assert_int_equal(dup2(ends[1], STDERR_FILENO), STDERR_FILENO);
    close(ends[1]);
    pipe_end = ends[0];
}

/* What the next write(2) wrote; "" when there was none. */
static const char *catch_next(void)
{
    static char caught[8192];
    ssize_t length = read(pipe_end, caught, sizeof(caught) - 1);
    caught[length > 0 ? length : 0] = '\0';
    return caught;
}

/* The same, copied into `line` of `size` bytes, cut to fit. */
static void catch_into(char *line, size_t size)
{
    snprintf(line, size, "%.*s", (int)size - 1, catch_next());
}

static void catch_stop(void)
{
    dup2(saved_stderr, STDERR_FILENO);
    close(saved_stderr);
    close(pipe_end);
}

/* The text behind the prefix of the line that `text` becomes, without its newline. */
static const char *logged(const char *text)
{
    static char line[LINE_LIMIT + 1];
    catch_start();
    log_error("%s", text);
    catch_into(line, sizeof(line));
    catch_stop();
    size_t length = strlen(line);
    assert_true(length > 0 && line[length - 1] == '\n');
    line[length - 1] = '\0';
    char *behind = strstr(line, "]: error: ");
    assert_non_null(behind);
    return behind + strlen("]: error: ");
}

static int reset(void **state)
{
    (void)state;
    log_set_level(LOG_LEVEL_INFO);
    log_set_json(false);
    log_set_request_id(NULL);
    return 0;
}

/* ---- levels */

static void test_level_names(void **state)
{
    (void)state;
    static const char *const names[] = {"error", "warning", "info", "debug"};
    for (int level = 0; level < LOG_LEVEL_COUNT; level++)
        assert_int_equal(log_level_parse(names[level]), level);
    static const char *const others[] = {"", "Error", "ERROR", "err", "errors", "notice", " info"};
    for (size_t i = 0; i < LENGTH(others); i++)
        assert_int_equal(log_level_parse(others[i]), -1);
}

static void test_level_decides(void **state)
{
    (void)state;
    catch_start();
    bool enabled[LOG_LEVEL_COUNT][LOG_LEVEL_COUNT];
    bool written[LOG_LEVEL_COUNT][LOG_LEVEL_COUNT];
    for (int set = 0; set < LOG_LEVEL_COUNT; set++) {
        log_set_level((enum log_level)set);
        for (int level = 0; level < LOG_LEVEL_COUNT; level++) {
            enabled[set][level] = log_enabled((enum log_level)level);
            log_write((enum log_level)level, "x");
            written[set][level] = *catch_next() != '\0';
        }
    }
    catch_stop();
    for (int set = 0; set < LOG_LEVEL_COUNT; set++)
        for (int level = 0; level < LOG_LEVEL_COUNT; level++) {
            assert_int_equal(enabled[set][level], level <= set);
            assert_int_equal(written[set][level], level <= set);
        }
}

/* ---- the form of a line */

static void test_prefix(void **state)
{
    (void)state;
    char expected[128];
    catch_start();
    log_info("listening on %d", 0);
    char plain[128], with_id[128];
    catch_into(plain, sizeof(plain));
    log_set_request_id("req-1");
    log_warning("late");
    catch_into(with_id, sizeof(with_id));
    bool more = *catch_next() != '\0';
    catch_stop();
    snprintf(expected, sizeof(expected), "todo.fcgi[%ld]: info: listening on 0\n", (long)getpid());
    assert_string_equal(plain, expected);
    snprintf(expected, sizeof(expected), "todo.fcgi[%ld]: warning: [req-1] late\n", (long)getpid());
    assert_string_equal(with_id, expected);
    assert_false(more);
}

static void test_request_id_is_bounded_and_neutralised(void **state)
{
    (void)state;
    char id[4000];
    memset(id, 'i', sizeof(id));
    id[0] = '\n';
    id[sizeof(id) - 1] = '\0';
    log_set_request_id(id);
    const char *text = logged("still here");
    assert_memory_equal(text, "[\\x0aiii", 8);
    assert_non_null(strstr(text, "iii] still here"));
}

static const struct {
    const char *text;
    const char *seen;
} neutralised[] = {
    {"plain", "plain"},
    {"", ""},
    {"two\nlines", "two\\x0alines"},
    {"\r\n", "\\x0d\\x0a"},
    {"\t", "\\x09"},
    {"\x1b[31mred", "\\x1b[31mred"},
    {"\x01\x1f\x7f", "\\x01\\x1f\\x7f"},
    {"gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f"},
    {"\xe2\x82\xac \xf0\x9f\x98\x80", "\xe2\x82\xac \xf0\x9f\x98\x80"},
    {"\xf4\x8f\xbf\xbf", "\xf4\x8f\xbf\xbf"},
    {"\xc2\x85", "\\xc2\\x85"},          /* a C1 control */
    {"\xc2\x9b", "\\xc2\\x9b"},          /* CSI in one character */
    {"\xc2\xa0", "\xc2\xa0"},            /* the first behind them */
    {"\xff", "\\xff"},                   /* never in UTF-8 */
    {"\x80", "\\x80"},                   /* a continuation alone */
    {"\xc3", "\\xc3"},                   /* cut off */
    {"\xc3(", "\\xc3("},                 /* interrupted */
    {"\xe2\x82", "\\xe2\\x82"},          /* cut off */
    {"\xe2\x82\n", "\\xe2\\x82\\x0a"},   /* interrupted by a newline */
    {"\xc0\xaf", "\\xc0\\xaf"},          /* overlong */
    {"\xed\xa0\x80", "\\xed\\xa0\\x80"}, /* a surrogate */
    {"\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80"},
    {"%s%n", "%s%n"},
    {"back\\slash \"quoted\"", "back\\slash \"quoted\""},
};

static void test_neutralised(void **state)
{
    (void)state;
    for (size_t i = 0; i < LENGTH(neutralised); i++)
        assert_string_equal(logged(neutralised[i].text), neutralised[i].seen);
}

/* ---- JSON */

/* The object that a line is, alone in one write; the caller's to json_decref. */
static json_t *caught_object(void)
{
    char line[LINE_LIMIT + 2];
    json_error_t error;
    catch_into(line, sizeof(line));
    size_t length = strlen(line);
    assert_true(length > 0 && length <= LINE_LIMIT && line[length - 1] == '\n');
    assert_null(memchr(line, '\n', length - 1));
    json_t *object = json_loads(line, JSON_REJECT_DUPLICATES, &error);
    if (!object)
        fail_msg("%s: %s", error.text, line);
    return object;
}

static const char *member(const json_t *object, const char *name)
{
    return json_string_value(json_object_get(object, name));
}

/* What a reader of the JSON gets is what a reader of the text sees, for the request's id as well.
 */
static void test_json_is_neutralised(void **state)
{
    (void)state;
    log_set_json(true);
    for (size_t i = 0; i < LENGTH(neutralised); i++) {
        catch_start();
        log_set_request_id(neutralised[i].text);
        log_warning("%s", neutralised[i].text);
        json_t *object = caught_object();
        catch_stop();
        assert_string_equal(member(object, "message"), neutralised[i].seen);
        assert_string_equal(member(object, "request_id"), neutralised[i].seen);
        assert_string_equal(member(object, "level"), "warning");
        assert_int_equal(json_integer_value(json_object_get(object, "pid")), getpid());
        assert_int_equal(strlen(member(object, "time")), 27);
        json_decref(object);
    }
}

static void test_long_json_is_whole(void **state)
{
    (void)state;
    static const char *const units[] = {"a", "\"", "\\", "\n", "\xc3\xbc"};
    static char text[9000];
    log_set_json(true);
    for (size_t i = 0; i < LENGTH(units); i++)
        for (size_t size = 300; size < sizeof(text); size += 1 + size / 50) {
            size_t length = strlen(units[i]), count = size / length;
            for (size_t k = 0; k < count; k++)
                memcpy(text + k * length, units[i], length);
            text[count * length] = '\0';
            catch_start();
            log_error("%s", text);
            json_t *object = caught_object();
            catch_stop();
            assert_non_null(member(object, "message"));
            json_decref(object);
        }
}

static const struct log_access answered = {"GET", "/api/tasks", "/{id}", "0123456789abcdef",
                                           404,   1234567,      89};

static void test_access_as_text(void **state)
{
    (void)state;
    char line[256], expected[256];
    struct log_access nobody = answered;
    nobody.user = nobody.base = "";
    nobody.database_us = 0;
    catch_start();
    log_set_request_id("req-1");
    log_access(&answered);
    catch_into(line, sizeof(line));
    snprintf(expected, sizeof(expected),
             "todo.fcgi[%ld]: info: [req-1] GET /api/tasks/{id} 404 user=0123456789abcdef "
             "us=1234567 database_us=89\n",
             (long)getpid());
    assert_string_equal(line, expected);
    log_access(&nobody);
    assert_non_null(strstr(catch_next(), "] GET /{id} 404 us=1234567 database_us=0\n"));
    log_set_level(LOG_LEVEL_WARNING);
    log_access(&answered);
    assert_string_equal(catch_next(), "");
    catch_stop();
}

static void test_access_as_json(void **state)
{
    (void)state;
    struct log_access nobody = answered;
    nobody.user = "";
    log_set_json(true);
    catch_start();
    log_set_request_id("req-1");
    log_access(&answered);
    json_t *object = caught_object();
    log_access(&nobody);
    json_t *other = caught_object();
    catch_stop();
    assert_string_equal(member(object, "request_id"), "req-1");
    assert_string_equal(member(object, "method"), "GET");
    assert_string_equal(member(object, "route"), "/api/tasks/{id}");
    assert_string_equal(member(object, "user"), "0123456789abcdef");
    assert_string_equal(member(object, "message"), "answered");
    assert_int_equal(json_integer_value(json_object_get(object, "status")), 404);
    assert_int_equal(json_integer_value(json_object_get(object, "duration_us")), 1234567);
    assert_int_equal(json_integer_value(json_object_get(object, "database_us")), 89);
    assert_int_equal(json_object_size(other), json_object_size(object) - 1);
    assert_null(json_object_get(other, "user"));
    json_decref(object);
    json_decref(other);
}

/* ---- length */

static void test_long_lines_are_cut(void **state)
{
    (void)state;
    static const char *const units[] = {"a", "\xc3\xbc", "\xe2\x82\xac", "\xf0\x9f\x98\x80", "\n"};
    static char text[70000];
    for (size_t i = 0; i < LENGTH(units); i++) {
        size_t length = strlen(units[i]);
        for (size_t size = 2000; size < sizeof(text); size += 1 + size / 7) {
            size_t count = size / length;
            for (size_t k = 0; k < count; k++)
                memcpy(text + k * length, units[i], length);
            text[count * length] = '\0';
            catch_start();
            log_error("%s", text);
            char line[LINE_LIMIT + 2];
            catch_into(line, sizeof(line));
            bool more = *catch_next() != '\0';
            catch_stop();
            size_t written = strlen(line);
            assert_true(written <= LINE_LIMIT);
            assert_false(more);
            assert_int_equal(line[written - 1], '\n');
            bool whole = strstr(line, text) != NULL;
            bool dots = written > 4 && memcmp(line + written - 4, "...\n", 4) == 0;
            assert_int_equal(whole, !dots);
            if (dots) /* nothing is torn: what is left of the dots is a whole unit */
                assert_memory_equal(line + written - 4 - (units[i][0] == '\n' ? 4 : length),
                                    units[i][0] == '\n' ? "\\x0a" : units[i],
                                    units[i][0] == '\n' ? 4 : length);
        }
    }
}

static void test_longest_line_is_whole(void **state)
{
    (void)state;
    static char text[LINE_LIMIT + 1];
    for (size_t length = 1900; length < LINE_LIMIT; length++) {
        memset(text, 'x', length);
        text[length] = '\0';
        const char *seen = logged(text);
        if (strcmp(seen, text) == 0)
            continue;
        size_t kept = strlen(seen);
        assert_string_equal(seen + kept - 3, "...");
        assert_true(length > 1990 && kept > 1990);
    }
}

/* ---- secrets */

static const struct {
    const char *text;
    const char *seen;
} masked[] = {
    {SECRET, "****"},
    {"key=" SECRET " ok", "key=**** ok"},
    {SECRET SECRET, "********"},
    {"s3cret-s3cre", "s3cret-s3cre"},
    {"s3cret_" SECRET, "s3cret_****"},
    {LONGER_SECRET, "****"}, /* the longer of two that begin alike */
    {SECRET "-and", "****-and"},
    {"(" OTHER_SECRET ")", "(****)"}, /* compared before it would be escaped */
    {"short", "short"},
    {"7 bytes", "7 bytes"},
    {"8 bytes.", "****"},
    {"8 bytes. and more", "****"},
};

static void test_masked(void **state)
{
    (void)state;
    log_mask(SECRET);
    log_mask(LONGER_SECRET);
    log_mask(OTHER_SECRET);
    log_mask("8 bytes. and more");
    log_mask("");
    log_mask("short");
    log_mask("7 bytes");
    log_mask("8 bytes.");
    for (size_t i = 0; i < LENGTH(masked); i++)
        assert_string_equal(logged(masked[i].text), masked[i].seen);
}

static void test_masked_in_request_id(void **state)
{
    (void)state;
    log_mask(SECRET);
    log_set_request_id(SECRET);
    assert_string_equal(logged("x"), "[****] x");
}

/* A secret that JSON would escape is compared as it is. */
static void test_masked_in_json(void **state)
{
    (void)state;
    static const char secret[] = "a \"secret\" with \\ in it";
    log_mask(secret);
    log_set_json(true);
    catch_start();
    log_error("it is \"%s\"", secret);
    json_t *object = caught_object();
    catch_stop();
    assert_string_equal(member(object, "message"), "it is \"****\"");
    json_decref(object);
}

/* Wherever a line is cut, no byte of a secret is left over. */
static void test_no_cut_secret_is_seen(void **state)
{
    (void)state;
    static const char secret[] = "QQQQZZZZQQQQWWWW";
    static char text[20000];
    log_mask(secret);
    for (size_t before = 0; before < 9000; before++) {
        bool near_a_limit = (before > 1950 && before < 2050) || before > 8100;
        if (!near_a_limit && before % 40)
            continue;
        memset(text, 'x', before);
        memcpy(text + before, secret, sizeof(secret));
        memset(text + before + sizeof(secret) - 1, 'y', 1000);
        text[before + sizeof(secret) + 999] = '\0';
        const char *seen = logged(text);
        assert_null(strpbrk(seen, "QZW"));
    }
}

/* So many secrets in a row that masking brings the end of the formatted text into view. */
static void test_no_cut_secret_is_seen_at_the_end(void **state)
{
    (void)state;
    static char secret[500], text[20000];
    memset(secret, 'Q', sizeof(secret) - 1);
    secret[0] = 'Z';
    log_mask(secret);
    for (size_t shift = 0; shift < sizeof(secret); shift += 7) {
        memset(text, 'x', shift);
        for (size_t i = shift; i + sizeof(secret) < sizeof(text); i += sizeof(secret) - 1)
            memcpy(text + i, secret, sizeof(secret));
        const char *seen = logged(text);
        assert_null(strpbrk(seen, "QZ"));
        assert_string_equal(seen + strlen(seen) - 3, "...");
    }
}

static void test_many_masks(void **state)
{
    (void)state;
    char secret[32];
    for (int i = 0; i < 40; i++) { /* past the limit: no harm, and the first ones hold */
        snprintf(secret, sizeof(secret), "filler-secret-%02d", i);
        log_mask(secret);
        log_mask(secret);
    }
    assert_string_equal(logged("filler-secret-00 filler-secret-05 " SECRET), "**** **** ****");
}

/* ---- writing */

static void test_errno_survives(void **state)
{
    (void)state;
    int kept = dup(STDERR_FILENO);
    close(STDERR_FILENO);
    errno = EXDEV;
    log_error("nobody hears this");
    int after = errno;
    dup2(kept, STDERR_FILENO);
    close(kept);
    assert_int_equal(after, EXDEV);
}

static void on_alarm(int signal_number)
{
    (void)signal_number;
}

/* A full pipe, a signal in the blocked write, then room: the line is there, once. */
static void test_interrupted_write(void **state)
{
    (void)state;
    struct sigaction action = {.sa_handler = on_alarm}; /* without SA_RESTART */
    sigaction(SIGALRM, &action, NULL);
    catch_start();
    fcntl(STDERR_FILENO, F_SETPIPE_SZ, 4096);
    while (write(STDERR_FILENO, "fill", 4) > 0)
        ;
    fcntl(STDERR_FILENO, F_SETFL, O_WRONLY | O_DIRECT);
    pid_t reader = fork();
    if (reader == 0) { /* makes room after some signals; ends well when it saw the line once */
        int seen = 0;
        usleep(100000);
        fcntl(pipe_end, F_SETFL, O_RDONLY);
        close(STDERR_FILENO);
        for (const char *text; *(text = catch_next());)
            seen += strstr(text, "at last") != NULL;
        _exit(seen == 1 ? 0 : 1);
    }
    struct itimerval often = {{0, 10000}, {0, 10000}}, never = {{0, 0}, {0, 0}};
    setitimer(ITIMER_REAL, &often, NULL);
    log_error("at last");
    setitimer(ITIMER_REAL, &never, NULL);
    catch_stop();
    int status;
    assert_int_equal(waitpid(reader, &status, 0), reader);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

static void test_out_of_memory(void **state)
{
    (void)state;
    catch_start();
    pid_t child = fork();
    if (child == 0)
        log_out_of_memory();
    int status;
    waitpid(child, &status, 0);
    char line[128];
    catch_into(line, sizeof(line));
    catch_stop();
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), EX_OSERR);
    assert_non_null(strstr(line, "]: error: out of memory\n"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_level_names, reset),
        cmocka_unit_test_setup(test_level_decides, reset),
        cmocka_unit_test_setup(test_prefix, reset),
        cmocka_unit_test_setup(test_request_id_is_bounded_and_neutralised, reset),
        cmocka_unit_test_setup(test_neutralised, reset),
        cmocka_unit_test_setup(test_json_is_neutralised, reset),
        cmocka_unit_test_setup(test_long_json_is_whole, reset),
        cmocka_unit_test_setup(test_access_as_text, reset),
        cmocka_unit_test_setup(test_access_as_json, reset),
        cmocka_unit_test_setup(test_masked_in_json, reset),
        cmocka_unit_test_setup(test_long_lines_are_cut, reset),
        cmocka_unit_test_setup(test_longest_line_is_whole, reset),
        cmocka_unit_test_setup(test_masked, reset),
        cmocka_unit_test_setup(test_masked_in_request_id, reset),
        cmocka_unit_test_setup(test_no_cut_secret_is_seen, reset),
        cmocka_unit_test_setup(test_no_cut_secret_is_seen_at_the_end, reset),
        cmocka_unit_test_setup(test_many_masks, reset),
        cmocka_unit_test_setup(test_errno_survives, reset),
        cmocka_unit_test_setup(test_interrupted_write, reset),
        cmocka_unit_test_setup(test_out_of_memory, reset),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: ISC */
/* When the file that TODO_JWKS names is read again: here its clock stands still, so that a change
 * that leaves the size as it was does not show. Readings are counted by the opens that inotify
 * tells of. */
#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "arena_fixture.h"
#include "clock.h"
#include "keys.h"
#include "signer.h"

#define SETTLED_MS 2100 /* more than keys.c's FRESH_MS */
#define SIGNED_PART "eyJhbGciOiJ4In0.eyJzdWIiOiJ1XzEifQ"

static char path[] = "/tmp/todo-test-keys-XXXXXX";
static struct conf conf = {.jwks = path};
static struct keys *keys;
static int openings;

/* Instead of the C library's: the time of a change is lost. */
int stat(const char *name, struct stat *status)
{
    int result = fstatat(AT_FDCWD, name, status, 0);

    status->st_mtim = status->st_ctim = (struct timespec){.tv_sec = 1};
    return result;
}

static void write_file(const char *text)
{
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

/* A set of one key, as long as its name makes it. */
static void publish(const char *kid)
{
    write_file(arena_printf(&arena, "{\"keys\":[{\"kid\":\"%s\",%s}]}", kid,
                            signer_members(&arena, &signers[ED25519])));
}

/* Of a token that the key of that name has signed. */
static enum jwks_verdict judge(const char *kid)
{
    const struct jwks_claim claim = {
        .kid = kid,
        .algorithm = "EdDSA",
        .signed_part = TEXT_LITERAL(SIGNED_PART),
        .signature = signer_sign(&arena, &signers[ED25519], TEXT_LITERAL(SIGNED_PART)),
    };
    enum jwks_verdict verdict;

    return keys_judge(keys, &claim, &verdict) ? verdict : JWKS_UNKNOWN;
}

/* How often the file was opened since this was asked last. */
static int count_openings(void)
{
    struct inotify_event event;
    int count = 0;

    while (read(openings, &event, sizeof event) == (ssize_t)sizeof event)
        count++;
    return count;
}

static void settle(void)
{
    const struct timespec span = clock_span(SETTLED_MS);

    assert_int_equal(nanosleep(&span, NULL), 0);
}

/* No descriptor is left for the next open; gives the limit that was. */
static rlim_t use_up_descriptors(void)
{
    struct rlimit limit;
    int next = dup(openings);
    rlim_t before;

    assert_true(next >= 0);
    close(next);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    before = limit.rlim_cur;
    limit.rlim_cur = (rlim_t)next;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    return before;
}

static void allow_descriptors(rlim_t count)
{
    struct rlimit limit;

    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    limit.rlim_cur = count;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

/* ---- */

static void test_change_that_does_not_show(void **state)
{
    (void)state;
    publish("a");
    assert_int_equal(judge("a"), JWKS_SIGNED);
    publish("b");
    assert_int_equal(judge("b"), JWKS_SIGNED);
    assert_int_equal(judge("a"), JWKS_UNKNOWN);
}

/* A key that was taken back is not believed for longer; and from then on no token, known or not,
 * costs a reading. */
static void test_settled_file(void **state)
{
    (void)state;
    publish("a");
    assert_int_equal(judge("a"), JWKS_SIGNED);
    publish("b");
    settle();
    assert_int_equal(judge("a"), JWKS_UNKNOWN);
    (void)count_openings();
    for (int i = 0; i < 100; i++) {
        assert_int_equal(judge("b"), JWKS_SIGNED);
        assert_int_equal(judge("x"), JWKS_UNKNOWN);
    }
    assert_int_equal(count_openings(), 0);
}

/* The change shows, by its size, but the file cannot be opened just then. */
static void test_failure_is_no_reading(void **state)
{
    rlim_t count;

    (void)state;
    publish("a");
    assert_int_equal(judge("a"), JWKS_SIGNED);
    publish("later");
    count = use_up_descriptors();
    assert_int_equal(judge("later"), JWKS_UNKNOWN);
    assert_int_equal(judge("a"), JWKS_SIGNED);
    allow_descriptors(count);
    assert_int_equal(judge("later"), JWKS_SIGNED);
}

/* A file that is no key set is read again, but not for each token. */
static void test_broken_file(void **state)
{
    (void)state;
    publish("a");
    assert_int_equal(judge("a"), JWKS_SIGNED);
    write_file("garbage");
    assert_int_equal(judge("a"), JWKS_SIGNED);
    settle();
    assert_int_equal(judge("a"), JWKS_SIGNED);
    (void)count_openings();
    for (int i = 0; i < 100; i++)
        assert_int_equal(judge("x"), JWKS_UNKNOWN);
    assert_int_equal(count_openings(), 0);
    publish("b");
    assert_int_equal(judge("b"), JWKS_SIGNED);
}

static int set_up_file(void **state)
{
    int fd;

    set_up(state);
    fd = mkstemp(path);
    openings = inotify_init1(IN_NONBLOCK);
    assert_true(fd >= 0 && openings >= 0);
    close(fd);
    assert_true(inotify_add_watch(openings, path, IN_OPEN) >= 0);
    keys = keys_new(&conf, NULL, NULL);
    assert_non_null(keys);
    return 0;
}

static int tear_down_file(void **state)
{
    keys_free(keys);
    close(openings);
    unlink(path);
    memcpy(path + sizeof path - sizeof "XXXXXX", "XXXXXX", sizeof "XXXXXX");
    return tear_down(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_change_that_does_not_show, set_up_file,
                                        tear_down_file),
        cmocka_unit_test_setup_teardown(test_settled_file, set_up_file, tear_down_file),
        cmocka_unit_test_setup_teardown(test_failure_is_no_reading, set_up_file, tear_down_file),
        cmocka_unit_test_setup_teardown(test_broken_file, set_up_file, tear_down_file),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, signers_set_up, signers_tear_down);
}

/* SPDX-License-Identifier: ISC */
/* test_setup_url.c: from an administrator's URL to those that setup connects with. */
#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "conf.h"
#include "setup_url.h"

static int clean_environment(void **state)
{
    (void)state;
    return unsetenv("PGHOST") || unsetenv("PGHOSTADDR") || unsetenv("PGPORT") ||
           unsetenv("PGPASSWORD");
}

struct way {
    const char *admin, *database;
    bool loopback;
    const char *workers; /* the role's password is p%w */
};

static const struct way ways[] = {
    {"user=postgres", "todo", false, "postgresql://todo_app:p%25w@/todo?port=5432"},
    {"user=postgres", "todo", true,
     "postgresql://todo_app:p%25w@127.0.0.1:5432/todo?sslmode=disable"},
    {"host=/run/x port=5433", "a b", false,
     "postgresql://todo_app:p%25w@/a%20b?host=%2Frun%2Fx&port=5433"},
    {"host=/run/x port=5433 sslmode=require", "t", true,
     "postgresql://todo_app:p%25w@127.0.0.1:5433/t?sslmode=disable"},
    {"postgresql://o:x@db.example/neondb?sslmode=require&channel_binding=require", "todo", false,
     "postgresql://todo_app:p%25w@db.example:5432/todo?sslmode=require&channel_binding=require"},
    {"postgresql://o:x@db.example/neondb?options=endpoint%3Dep-a", "todo", true,
     "postgresql://todo_app:p%25w@db.example:5432/todo?options=endpoint%3Dep-a"},
    {"postgresql://o@[::1]:6/x", "todo", false,
     "postgresql://todo_app:p%25w@/todo?host=%3A%3A1&port=6"},
    {"postgresql://o@a:1,b:2/x", "todo", false,
     "postgresql://todo_app:p%25w@/todo?host=a%2Cb&port=1%2C2"},
    {"postgresql://o@a/x", "\xc3\xbc\"'%?&/", false,
     "postgresql://todo_app:p%25w@a:5432/%C3%BC%22%27%25%3F%26%2F"},
};

static void test_workers(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        const struct way *way = &ways[i];
        char *url = setup_url_of_workers(way->admin, "p%w", way->database, way->loopback);
        char *database = setup_url_part(url, "dbname");
        char *password = setup_url_part(url, "password");

        assert_string_equal(url, way->workers);
        assert_null(conf_database_url_fault(url));
        assert_string_equal(database, way->database);
        assert_string_equal(password, "p%w");
        free(url);
        free(database);
        free(password);
    }
}

static void test_other_database(void **state)
{
    static const char admin[] = "postgresql://o'x:p%5C%27%20w@h/old?application_name=a";
    char *url = setup_url_in_database(admin, "it's \\ new");
    const char *const parts[][2] = {{"user", "o'x"},
                                    {"password", "p\\' w"},
                                    {"host", "h"},
                                    {"dbname", "it's \\ new"},
                                    {"application_name", "a"}};

    (void)state;
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        char *value = setup_url_part(url, parts[i][0]);

        assert_non_null(value);
        assert_string_equal(value, parts[i][1]);
        free(value);
    }
    free(url);
}

static void test_local_admin(void **state)
{
    static const struct {
        const char *workers, *admin;
    } rows[] = {
        {"postgresql://todo_app:x@127.0.0.1:5433/it%27s?sslmode=disable",
         "user='postgres' requirepeer='postgres' port='5433' dbname='it\\'s' "},
        {"host=/run/x user=todo_app dbname=todo password=x passfile=/x options=-cx",
         "user='postgres' requirepeer='postgres' host='/run/x' port='5432' dbname='todo' "},
        {"user=todo_app dbname=todo",
         "user='postgres' requirepeer='postgres' port='5432' dbname='todo' "},
        {"host=/run/x user=alice dbname=todo", NULL},
        {"host=/run/x dbname=todo", NULL},
        {"host=/run/x user=todo_app", NULL},
        {"host=/run/x,db.example user=todo_app dbname=todo", NULL},
        {"host=/run/x hostaddr=192.0.2.1 user=todo_app dbname=todo", NULL},
        {"postgresql://todo_app:x@db.example/todo", NULL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char *admin = setup_url_of_local_admin(rows[i].workers);

        if (rows[i].admin) {
            assert_non_null(admin);
            assert_string_equal(admin, rows[i].admin);
            assert_true(setup_url_wants_peer(admin));
        } else {
            assert_null(admin);
        }
        free(admin);
    }
}

static void test_where_it_leads(void **state)
{
    (void)state;
    assert_true(setup_url_wants_peer("user=postgres"));
    assert_true(setup_url_wants_peer("host=/run/postgresql"));
    assert_false(setup_url_wants_peer("host=/run/postgresql password=x"));
    assert_false(setup_url_wants_peer("host=localhost"));
    assert_false(setup_url_is_socket("hostaddr=127.0.0.1"));
    assert_true(setup_url_is_socket("host=/run/postgresql password=x"));
    assert_int_equal(setenv("PGHOST", "db.example", 1), 0);
    assert_false(setup_url_is_socket("user=postgres"));
    assert_true(setup_url_is_socket("host=/run"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_workers, clean_environment),
        cmocka_unit_test_setup(test_other_database, clean_environment),
        cmocka_unit_test_setup(test_local_admin, clean_environment),
        cmocka_unit_test_setup(test_where_it_leads, clean_environment),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

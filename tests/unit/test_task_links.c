/* SPDX-License-Identifier: ISC */
/* The Link header: the request's own URL, with nothing changed but the place of the page. */
#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "arena_fixture.h"
#include "task_links.h"

static ssize_t no_body(void *source, char *data, size_t size)
{
    (void)source, (void)data, (void)size;
    return 0;
}

static const char *links_of(const char *uri, const struct task_link *links, size_t count)
{
    char *environment[] = {arena_text(&arena, text_of("REQUEST_METHOD=GET")),
                           arena_printf(&arena, "REQUEST_URI=%s", uri), NULL};
    struct request request;
    struct response response;
    struct problem problem;
    const char *header;

    problem_init(&problem, &arena);
    response_init(&response);
    assert_int_equal(request_init(&request, &arena, environment, no_body, NULL, &problem),
                     ERR_NONE);
    task_links_add(&request, links, count, &response);
    header = arena_text(&arena, buf_text(&response.headers));
    response_fini(&response);
    return header;
}

static void urls(void **state)
{
    static const char *const rows[][2] = {
        {"/api/tasks", "/api/tasks?cursor=C"},
        {"/api/tasks?", "/api/tasks?cursor=C"},
        {"/api/tasks/?limit=5", "/api/tasks/?limit=5&cursor=C"},
        {"/todo/api/u%2F1/tasks?a=%20+b", "/todo/api/u%2F1/tasks?a=%20+b&cursor=C"},
        {"https://host.example/api/tasks?a", "/api/tasks?a&cursor=C"},
        {"/api/tasks?cursor=old", "/api/tasks?cursor=C"},
        {"/api/tasks?cursor=old&a=1", "/api/tasks?a=1&cursor=C"},
        {"/api/tasks?a=1&cursor=old&b=2", "/api/tasks?a=1&b=2&cursor=C"},
        {"/api/tasks?a=1&cursor", "/api/tasks?a=1&cursor=C"},
        {"/api/tasks?c%75rsor=old&a=1", "/api/tasks?a=1&cursor=C"},
        {"/api/tasks?offset=1&page=2&skip=3&limit=4", "/api/tasks?limit=4&cursor=C"},
        {"/api/tasks?&&a=1&&cursor=x&&=&b&", "/api/tasks?a=1&=&b&cursor=C"},
        {"/api/tasks?x=cursor=1&xcursor=2", "/api/tasks?x=cursor=1&xcursor=2&cursor=C"},
        {"/api/tasks?a=<>\"\\^`{|}[]#",
         "/api/tasks?a=%3C%3E%22%5C%5E%60%7B%7C%7D%5B%5D%23&cursor=C"},
        {"/api/tasks?a=\xc3\xa9 \t\r\n", "/api/tasks?a=%C3%A9%20%09%0D%0A&cursor=C"},
        {"/a>b/api/tasks", "/a%3Eb/api/tasks?cursor=C"},
    };
    static const struct task_link link = {"next", "C"};

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        assert_string_equal(links_of(rows[i][0], &link, 1),
                            arena_printf(&arena, "Link: <%s>; rel=\"next\"\r\n", rows[i][1]));
}

static const struct task_link three[] = {{"next", "N"}, {"prev", "P"}, {"first", NULL}};

static void several(void **state)
{
    (void)state;
    assert_string_equal(links_of("/api/tasks?page=2", three, 3),
                        "Link: </api/tasks?cursor=N>; rel=\"next\", "
                        "</api/tasks?cursor=P>; rel=\"prev\", </api/tasks>; rel=\"first\"\r\n");
    assert_string_equal(links_of("/api/tasks?page=2&a", three, 3),
                        "Link: </api/tasks?a&cursor=N>; rel=\"next\", "
                        "</api/tasks?a&cursor=P>; rel=\"prev\", </api/tasks?a>; rel=\"first\"\r\n");
    assert_string_equal(links_of("/api/tasks", three, 0), "");
}

/* However long the URL: the header stays within its bounds, and `next` is the last to go. */
static void long_urls(void **state)
{
    size_t fewest = 3;

    (void)state;
    for (size_t length = 0; length < 2 * TASK_LINKS_MAX; length += 97) {
        char *name = arena_zero(&arena, length + 1, 1);
        const char *header;
        size_t count;

        memset(name, 'x', length);
        header = links_of(arena_printf(&arena, "/api/tasks?%s", name), three, 3);
        assert_in_range(strlen(header), 0, TASK_LINKS_MAX + strlen("Link: \r\n"));
        count = (strstr(header, "\"next\"") != NULL) + (strstr(header, "\"prev\"") != NULL) +
                (strstr(header, "\"first\"") != NULL);
        assert_true(count <= fewest);
        assert_true(count == 0 || strstr(header, "\"next\"") != NULL);
        fewest = count;
    }
    assert_int_equal(fewest, 0);
}

/* Every byte of it is one that a URI may have. */
static void locations(void **state)
{
    static const char *const rows[][2] = {
        {"/api/tasks", "/api/tasks/7"},
        {"/todo/api/u%2F1/tasks", "/todo/api/u%2F1/tasks/7"},
        {"/api/\xc3\xa9<x>\"/tasks", "/api/%C3%A9%3Cx%3E%22/tasks/7"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct response response;

        response_init(&response);
        task_links_location(text_of(rows[i][0]), 7, &response);
        assert_string_equal(arena_text(&arena, buf_text(&response.headers)),
                            arena_printf(&arena, "Location: %s\r\n", rows[i][1]));
        response_fini(&response);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(urls),
        cmocka_unit_test(several),
        cmocka_unit_test(long_urls),
        cmocka_unit_test(locations),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, set_up, tear_down);
}

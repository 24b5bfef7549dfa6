/* SPDX-License-Identifier: ISC */
/* Addresses as servers and proxies spell them, networks as settings do, and the subscriber that an
 * address stands for. */
#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "address.h"
#include "arena_fixture.h"
#include "client.h"

static void test_subscribers(void **state)
{
    static const struct {
        const char *address, *subscriber; /* NULL: no address */
    } rows[] = {
        {"192.0.2.1", "192.0.2.1"},
        {"192.0.2.1:80", "192.0.2.1"},
        {"::ffff:192.0.2.1", "192.0.2.1"},
        {"[::ffff:192.0.2.1]:80", "192.0.2.1"},
        {"2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"},
        {"2001:DB8:1:2::", "2001:db8:1:2::/64"},
        {"[2001:db8::1]", "2001:db8::/64"},
        {"[2001:db8::1]:65535", "2001:db8::/64"},
        {"::1", "::/64"},
        {NULL, NULL},
        {"", NULL},
        {"unix:", NULL},
        {"unknown", NULL},
        {"192.0.2", NULL},
        {"192.0.2.256", NULL},
        {"192.0.2.1 ", NULL},
        {"192.0.2.1\r\nX: y", NULL},
        {"2001:db8::1%eth0", NULL},
        {"[2001:db8::1", NULL},
        {"[]", NULL},
        {":", NULL},
        {"1:2:3:4:5:6:7:8:9", NULL},
        {"0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000", NULL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct address address;
        bool good = address_parse(text_of(rows[i].address), &address);

        assert_int_equal(good, rows[i].subscriber != NULL);
        if (good)
            assert_string_equal(address_subscriber(&arena, &address).data, rows[i].subscriber);
    }
}

static void test_networks(void **state)
{
    static const struct {
        const char *address, *network;
        bool inside;
    } rows[] = {
        {"192.0.2.1", "192.0.2.1", true},
        {"192.0.2.1", "192.0.2.2", false},
        {"192.0.2.1", "192.0.2.0/24", true},
        {"192.0.3.1", "192.0.2.0/24", false},
        {"192.0.3.1", "192.0.2.0/23", true},
        {"10.255.0.1", "10.0.0.0/8", true},
        {"11.0.0.1", "10.0.0.0/8", false},
        {"8.8.8.8", "0.0.0.0/0", true},
        {"::1", "0.0.0.0/0", false},
        {"::ffff:10.1.2.3", "10.0.0.0/8", true},
        {"10.1.2.3", "::ffff:10.1.2.3", true},
        {"8.8.8.8", "::/0", true},
        {"2001:db8::1", "2001:db8::/32", true},
        {"2001:db9::1", "2001:db8::/32", false},
        {"2001:db8::1", "2001:db8::1", true},
        {"2001:db8::2", "2001:db8::1/127", false},
        {"192.0.2.1", "192.0.2.1/32", true},
        {"192.0.2.127", "192.0.2.0/25", true},
        {"192.0.2.128", "192.0.2.0/25", false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct address address;

        assert_true(address_parse(text_of(rows[i].address), &address));
        assert_null(address_network_fault(rows[i].network));
        assert_int_equal(address_is_in(&address, rows[i].network), rows[i].inside);
    }
}

static void test_no_networks(void **state)
{
    static const char *const words[] = {"",
                                        "localhost",
                                        "10.0.0.0/33",
                                        "10.0.0.0/-1",
                                        "10.0.0.0/",
                                        "::/129",
                                        "10.0.0.0/8x",
                                        "10.0.0.0/ 8",
                                        "10.0.0.0:80",
                                        "[::1]",
                                        "10/8",
                                        "*"};

    (void)state;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        assert_non_null(address_network_fault(words[i]));
}

/* Who is the client, behind the proxies 10.0.0.0/8 and 2001:db8::1? */
static void test_clients(void **state)
{
    static char ours[] = "10.0.0.0/8", other[] = "2001:db8::1";
    static char *proxies[] = {ours, other, NULL};
    static const struct {
        const char *remote, *forwarded, *client;
    } rows[] = {
        {"192.0.2.1", NULL, "192.0.2.1"},
        {"192.0.2.1", "192.0.2.2", "192.0.2.1"},
        {"10.0.0.1", NULL, "10.0.0.1"},
        {"10.0.0.1", "192.0.2.2", "192.0.2.2"},
        {"10.0.0.1", "192.0.2.3, 192.0.2.2", "192.0.2.2"},
        {"10.0.0.1", "192.0.2.2 , 10.0.0.2,2001:db8::1", "192.0.2.2"},
        {"2001:db8::1", "10.0.0.3, 10.0.0.2", "10.0.0.3"},
        {"10.0.0.1", "192.0.2.2, nonsense", "10.0.0.1"},
        {"10.0.0.1", "192.0.2.2,", "10.0.0.1"},
        {"10.0.0.1", "192.0.2.2, nonsense, 10.0.0.2", "10.0.0.2"},
        {"10.0.0.1", ",,,", "10.0.0.1"},
        {"10.0.0.1", "twice", "10.0.0.1"}, /* request.c's word */
        {"unix:", "192.0.2.2", NULL},
        {"", "192.0.2.2", NULL},
        {NULL, "192.0.2.2", NULL},
    };
    const struct conf conf = {.trusted_proxies = proxies};

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct request request = {.arena = &arena};
        struct text client;

        request.headers[HEADER_REMOTE_ADDR] = rows[i].remote;
        request.headers[HEADER_FORWARDED_FOR] = rows[i].forwarded;
        client = client_subscriber(&conf, &request);
        assert_true(text_equal(client, text_of(rows[i].client)));
    }
}

/* May the client read what is for `allowed` alone? The proxies are those above, and our own
 * machine.
 */
static void test_clients_beyond_doubt(void **state)
{
    static char ours[] = "10.0.0.0/8", own[] = "127.0.0.1";
    static char local[] = "127.0.0.1", local_6[] = "::1", monitor[] = "192.0.2.0/28";
    static char *proxies[] = {ours, own, NULL}, *no_proxies[] = {NULL};
    static char *allowed[] = {local, local_6, monitor, NULL};
    static const struct {
        bool has_proxies;
        const char *remote, *forwarded;
        bool is_in;
    } rows[] = {
        {false, "127.0.0.1", NULL, true},
        {false, "::1", NULL, true},
        {false, "::ffff:127.0.0.1", NULL, true},
        {false, "192.0.2.1", NULL, true},
        {false, "192.0.2.16", NULL, false},
        {false, "127.0.0.2", NULL, false},
        {false, "127.0.0.1", "203.0.113.9", false}, /* a proxy that nobody has told us of */
        {false, "127.0.0.1", "127.0.0.1", false},
        {false, "203.0.113.9", "127.0.0.1", false},
        {false, "", NULL, false},
        {false, NULL, NULL, false},
        {false, "unix:", "127.0.0.1", false},
        {true, "127.0.0.1", NULL, true},
        {true, "127.0.0.1", "127.0.0.1", true},
        {true, "127.0.0.1", "192.0.2.1", true},
        {true, "127.0.0.1", "203.0.113.9", false},
        {true, "127.0.0.1", "127.0.0.1, 203.0.113.9", false}, /* only what the client claims */
        {true, "127.0.0.1", "192.0.2.1, 203.0.113.9", false},
        {true, "127.0.0.1", "203.0.113.9, 192.0.2.1", true},
        {true, "127.0.0.1", "unknown", false},
        {true, "127.0.0.1", "twice", false},
        {true, "127.0.0.1", "203.0.113.9,", false},
        {true, "10.0.0.1", "127.0.0.1", false}, /* the proxy's own machine is not ours */
        {true, "10.0.0.1", "::1", false},
        {true, "10.0.0.1", NULL, false},
        {true, "203.0.113.9", "192.0.2.1", false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct conf conf = {.trusted_proxies = rows[i].has_proxies ? proxies : no_proxies};
        struct request request = {.arena = &arena};

        request.headers[HEADER_REMOTE_ADDR] = rows[i].remote;
        request.headers[HEADER_FORWARDED_FOR] = rows[i].forwarded;
        if (client_is_in(&conf, &request, allowed) != rows[i].is_in)
            fail_msg("row %zu", i);
        assert_false(client_is_in(&conf, &request, NULL));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_subscribers),          cmocka_unit_test(test_networks),
        cmocka_unit_test(test_no_networks),          cmocka_unit_test(test_clients),
        cmocka_unit_test(test_clients_beyond_doubt),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, set_up, tear_down);
}

// outgoing_test.c - the way out of plugins: whose host a URL names, and who may ask it.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "host/outgoing.h"

#include <shoal/fetch.h>

#include "host/test_kit.h"
#include "net/fetcher.h"

static struct kit kit;

static int do_nothing(struct shoal_plugin *self, struct shoal_err *err)
{
    (void)self;
    (void)err;
    return 0;
}

static int begin(void **state)
{
    (void)state;
    struct shoal_err err = {0};
    kit_open(&kit, "");
    kit_start(&kit, false);
    shoal_fetcher_stop(); // what is permitted ends at a closed door: SHOAL_EBUSY
    return kit_load("asker", do_nothing,
        "\"permissions\": [\"http:reef.example\", \"http:[2001:db8::1]\"]", NULL, &err);
}

static int end(void **state)
{
    (void)state;
    kit_close(&kit);
    return 0;
}

static int fetch(const char *url, struct shoal_err *err)
{
    struct shoal_fetch what = {.url = url};
    struct shoal_fetched fetched = {0};
    shoal_call_enter(&kit.call, shoal_plugin_find("asker"));
    int code = shoal_fetch(&kit.call, &what, &fetched, err);
    shoal_call_leave(&kit.call);
    return code;
}

static void the_host_is_what_stands_between_the_user_and_the_port(void **state)
{
    (void)state;
    static const char *const may[] = {"https://reef.example", "https://reef.example/",
        "https://REEF.example:8443/x", "https://user:pass@reef.example/", "https://reef.example?x",
        "https://reef.example#x", "https://a@b@reef.example/", "https://[2001:db8::1]/",
        "https://[2001:db8::1]:80/", "https://user@[2001:db8::1]/"};
    static const char *const others[] = {"https://evil.example/",
        "https://evil.example/@reef.example", "https://evil.example?@reef.example/",
        "https://evil.example#@reef.example/", "https://reef.example@evil.example/",
        "https://reef.example:80@evil.example/", "https://reef.example.evil.example/",
        "https://evilreef.example/", "https://[2001:db8::2]/", "https://[::1]/",
        "https://reef.example%2eevil.example/", "", "https://", "//", "https:///", "https://[",
        "https://[2001:db8::1", "file:///etc/passwd"};
    for (size_t i = 0; i < sizeof(may) / sizeof(may[0]); i++) {
        struct shoal_err err = {0};
        if (fetch(may[i], &err) != SHOAL_EBUSY) {
            fail_msg("%s: %s", may[i], err.text);
        }
    }
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        struct shoal_err err = {0};
        if (fetch(others[i], &err) != SHOAL_EFORBIDDEN) {
            fail_msg("%s: %s", others[i], err.text);
        }
    }
}

static void a_refusal_names_the_line_that_is_missing(void **state)
{
    (void)state;
    struct shoal_err err = {0};
    assert_int_equal(fetch("https://u@evil.example:80/x", &err), SHOAL_EFORBIDDEN);
    assert_string_equal(
        err.text, "plugin asker has no permission \"http:evil.example\" in its plugin.json");
}

static void the_core_may_ask_anybody(void **state)
{
    (void)state;
    struct shoal_fetch what = {.url = "https://evil.example/"};
    struct shoal_fetched fetched = {0};
    struct shoal_err err = {0};
    assert_int_equal(shoal_fetch(&kit.call, &what, &fetched, &err), SHOAL_EBUSY);
}

static void private_networks_are_networks(void **state)
{
    (void)state;
    struct shoal_err err = {0};
    json_t *bad = json_pack("[s, s]", "10.0.0.0/8", "everywhere");
    assert_int_equal(shoal_outgoing_start("test", bad, &err), SHOAL_EINVAL);
    assert_non_null(strstr(err.text, "everywhere"));
    json_decref(bad);
    bad = json_pack("[i]", 5);
    assert_int_equal(shoal_outgoing_start("test", bad, &err), SHOAL_EINVAL);
    json_decref(bad);
    json_t *good = json_pack("[s, s]", "10.0.0.0/8", "fd00::/8");
    assert_int_equal(shoal_outgoing_start("test", good, &err), 0);
    json_decref(good);
    shoal_fetcher_stop();
    assert_int_equal(shoal_outgoing_start("test", NULL, &err), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define CASE(name) cmocka_unit_test_setup_teardown(name, begin, end)
        CASE(the_host_is_what_stands_between_the_user_and_the_port),
        CASE(a_refusal_names_the_line_that_is_missing),
        CASE(the_core_may_ask_anybody),
        CASE(private_networks_are_networks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

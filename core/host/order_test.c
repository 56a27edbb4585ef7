// order_test.c - in which order plugins start, and which are left out.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "host/host_priv.h"
#include "host/test_kit.h"

#define MOST 8

static struct shoal_plugin *plugins[MOST];
static size_t count;

static int begin(void **state)
{
    (void)state;
    shoal_log_set_level(SHOAL_LOG_ERROR);
    count = 0;
    return 0;
}

static int end(void **state)
{
    (void)state;
    for (size_t i = 0; i < count; i++) {
        shoal_plugin_free(plugins[i]);
    }
    return 0;
}

static void add(const char *name, const char *more)
{
    struct shoal_err err = {0};
    struct shoal_plugin *plugin = shoal_plugin_new(name, "", true);
    char *text = kit_manifest(name, more);
    const struct shoal_manifest *manifest =
        shoal_manifest_parse(plugin->arena, text, strlen(text), name, &err);
    free(text);
    if (!manifest) {
        fail_msg("%s", err.text);
    }
    shoal_plugin_adopt(plugin, manifest);
    plugins[count++] = plugin;
}

/// Orders them and compares: "api web -chat", where - is what was left out.
static void assert_order(const char *wanted)
{
    char got[256] = "";
    shoal_plugins_order(plugins, count);
    for (size_t i = 0; i < count; i++) {
        bool is_out = atomic_load(&plugins[i]->state) == SHOAL_PLUGIN_QUARANTINED;
        size_t length = strlen(got);
        snprintf(got + length, sizeof(got) - length, "%s%s%s", i > 0 ? " " : "", is_out ? "-" : "",
            plugins[i]->id.name);
    }
    assert_string_equal(got, wanted);
}

static const char *sentence(const char *name)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(plugins[i]->id.name, name) == 0) {
            return plugins[i]->sentence;
        }
    }
    return "";
}

static void needs_and_after_come_first_else_the_order_of_the_file(void **state)
{
    (void)state;
    add("web", "\"needs\": [\"api\"], \"after\": [\"media\"]");
    add("blog", "");
    add("api", "");
    add("media", "\"after\": [\"absent\"]");
    assert_order("blog api media web");
}

static void a_service_is_needed_whoever_provides_it(void **state)
{
    (void)state;
    add("web", "\"needs\": [\"paper\"], \"after\": [\"ink\"]");
    add("pen", "\"provides\": [\"ink\"]");
    add("mill", "\"provides\": [\"paper\"], \"needs\": [\"absent\"]");
    add("shop", "\"provides\": [\"paper\"]");
    assert_order("pen -mill shop web");
}

static void all_that_are_missing_are_named_at_once(void **state)
{
    (void)state;
    add("web", "\"needs\": [\"paper\", \"here\", \"ink\"]");
    add("here", "");
    assert_order("here -web");
    assert_string_equal(
        sentence("web"), "plugin web needs the plugins paper, ink, which are not in shoal.lua");
}

static void a_long_chain_is_turned_round(void **state)
{
    (void)state;
    add("p_a", "\"needs\": [\"p_b\"]");
    add("p_b", "\"after\": [\"p_c\"]");
    add("p_c", "\"needs\": [\"p_d\"]");
    add("p_d", "");
    assert_order("p_d p_c p_b p_a");
}

static void who_misses_something_takes_those_that_need_it_along(void **state)
{
    (void)state;
    add("third", "\"needs\": [\"second\"]");
    add("second", "\"needs\": [\"first\"]");
    add("first", "\"needs\": [\"absent\"]");
    add("later", "\"after\": [\"first\"]"); // it would only have liked to come later
    assert_order("-first -second -third later");
    assert_non_null(strstr(sentence("first"), "absent, which is not in shoal.lua"));
    assert_non_null(strstr(sentence("second"), "first, which is quarantined"));
    assert_non_null(strstr(sentence("third"), "second, which is quarantined"));
}

static void of_two_that_conflict_the_first_stays(void **state)
{
    (void)state;
    add("old", "");
    add("new", "\"conflicts\": [\"old\"]");
    add("needy", "\"needs\": [\"new\"]");
    assert_order("old -new -needy");
    assert_non_null(strstr(sentence("new"), "does not go together with old"));
}

static void a_conflict_counts_whoever_says_it(void **state)
{
    (void)state;
    add("first", "\"conflicts\": [\"second\"]");
    add("second", "");
    add("third", "\"conflicts\": [\"second\"]"); // the second is out already
    assert_order("first -second third");
}

static void a_ring_loses_one_and_the_rest_is_ordered(void **state)
{
    (void)state;
    add("p_a", "\"after\": [\"p_b\"]");
    add("p_b", "\"after\": [\"p_c\"]");
    add("p_c", "\"after\": [\"p_a\"]");
    add("free", "");
    add("last", "\"after\": [\"p_a\"]");
    assert_order("free -p_a p_c p_b last");
    assert_non_null(strstr(sentence("p_a"), "in a ring"));
}

static void who_names_itself_waits_for_nobody(void **state)
{
    (void)state;
    add("self", "\"after\": [\"self\"]");
    assert_order("self");
}

static void what_is_broken_is_ordered_too(void **state)
{
    (void)state;
    add("needy", "\"needs\": [\"broken\"]");
    plugins[count] = shoal_plugin_new("broken", "", false); // no manifest could be read
    atomic_store(&plugins[count++]->state, SHOAL_PLUGIN_QUARANTINED);
    assert_order("-broken -needy");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define CASE(name) cmocka_unit_test_setup_teardown(name, begin, end)
        CASE(needs_and_after_come_first_else_the_order_of_the_file),
        CASE(a_service_is_needed_whoever_provides_it),
        CASE(all_that_are_missing_are_named_at_once),
        CASE(a_long_chain_is_turned_round),
        CASE(who_misses_something_takes_those_that_need_it_along),
        CASE(of_two_that_conflict_the_first_stays),
        CASE(a_conflict_counts_whoever_says_it),
        CASE(a_ring_loses_one_and_the_rest_is_ordered),
        CASE(who_names_itself_waits_for_nobody),
        CASE(what_is_broken_is_ordered_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

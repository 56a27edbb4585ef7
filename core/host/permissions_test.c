// permissions_test.c - what a manifest may ask for, and what each permission covers.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "host/permissions.h"
#include "host/test_kit.h"

/// Every permission once, as a manifest writes it and as an administrator reads it.
static const struct {
    const char *permission, *sentence;
} all[] = {
    {"routes:/hello", "answers requests below /hello"},
    {"pages", "adds pages and parts of pages to the site"},
    {"scripts", "adds scripts that run in the visitors' browsers"},
    {"cli", "adds commands to the command line"},
    {"http:example.org", "asks other servers: example.org"},
    {"http:any", "asks any other server"},
    {"listen:1935", "listens on port 1935"},
    {"process:ffmpeg", "starts the program ffmpeg"},
    {"database", "keeps tables of its own in the database"},
    {"read:videos", "reads from the catalog: videos"},
    {"write:videos", "changes in the catalog: videos"},
    {"media", "reads and writes media files"},
    {"secrets", "reads secret settings and keys"},
    {"topics", "sends and hears messages between pages, plugins and servers"},
    {"federation", "speaks with other instances in the name of this one"},
    {"moderation.override", "may accept what other plugins would hold or refuse"},
};
#define ALL (sizeof(all) / sizeof(all[0]))

static void each_has_its_sentence(void **state)
{
    (void)state;
    struct shoal_arena *arena = shoal_arena_new(0);
    for (size_t i = 0; i < ALL; i++) {
        struct shoal_err err = {0};
        if (shoal_permission_check(all[i].permission, &err) < 0) {
            fail_msg("%s", err.text);
        }
        assert_string_equal(shoal_permission_sentence(arena, all[i].permission), all[i].sentence);
    }
    assert_string_equal(shoal_permission_sentence(arena, "unheard:of"), "unheard:of");
    shoal_arena_free(arena);
}

static void a_manifest_may_not_ask_for_anything_else(void **state)
{
    (void)state;
    static const char *const bad[] = {"", "everything", "page", "pagess", "Pages",
        "pages:", "pages:x", "database:x", "routes", "routes:", "routes:hello", "routes:/a/../b",
        "listen", "listen:", "listen:rtmp", "listen:-1", "listen:123456", "listen:65536", "process",
        "process:", "process:/bin/sh", "process:sh -c", "read:", "read:a b", "write:a;b", "http",
        "http:", "http:*", "http:*.", "http:a b", "http:a/b", "http:*.a/b", "http:*.*.org",
        "http:a*", "http:[", "http:[::1", "http:[x]", "http:a:80"};
    static const char *const good[] = {"http:*.example.org", "http:localhost", "http:127.0.0.1",
        "http:[::1]", "listen:any", "listen:65535", "routes:/"};
    char text[300] = "routes:/";
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct shoal_err err = {0};
        if (shoal_permission_check(bad[i], &err) != SHOAL_EINVAL || !strstr(err.text, bad[i])) {
            fail_msg("\"%s\" was taken, or refused without its name: %s", bad[i], err.text);
        }
    }
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        struct shoal_err err = {0};
        if (shoal_permission_check(good[i], &err) < 0) {
            fail_msg("%s", err.text);
        }
    }
    memset(text + 8, 'a', 199);
    assert_int_equal(shoal_permission_check(text, NULL), 0);
    text[207] = 'a'; // one letter more than 200 behind the colon
    assert_int_equal(shoal_permission_check(text, NULL), SHOAL_EINVAL);
}

static void each_covers_what_it_names(void **state)
{
    (void)state;
    static const struct {
        const char *given, *permission, *value;
        bool may;
    } rows[] = {
        {"pages", "pages", NULL, true},
        {"pages", "scripts", NULL, false},
        {"routes:/hello", "routes", "/hello", true},
        {"routes:/hello", "routes", "/hello/{name}", true},
        {"routes:/hello", "routes", "/helloworld", false},
        {"routes:/hello", "routes", "/", false},
        {"routes:/hello/", "routes", "/hello", true},
        {"routes:/", "routes", "/anything", true},
        {"http:example.org", "http", "Example.ORG", true},
        {"http:example.org", "http", "a.example.org", false},
        {"http:example.org", "http", "example.org.evil.net", false},
        {"http:*.example.org", "http", "a.b.example.org", true},
        {"http:*.example.org", "http", "A.EXAMPLE.org", true},
        {"http:*.example.org", "http", "example.org", false},
        {"http:*.example.org", "http", ".example.org", false},
        {"http:*.example.org", "http", "evilexample.org", false},
        {"http:[::1]", "http", "[::1]", true},
        {"http:any", "http", "localhost", true},
        {"http:example.org", "http", NULL, false},
        {"listen:1935", "listen", "0.0.0.0:1935", true},
        {"listen:1935", "listen", "[::]:1935", true},
        {"listen:1935", "listen", "1935", true},
        {"listen:1935", "listen", "0.0.0.0:19350", false},
        {"listen:1935", "listen", "1935:80", false},
        {"listen:any", "listen", "[::1]:80", true},
        {"read:videos", "read", "videos", true},
        {"read:videos", "read", "video", false},
        {"read:videos", "write", "videos", false},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const char *const list[] = {"topics", rows[i].given, NULL};
        struct shoal_plugin_id id = {.name = "hello", .permissions = list};
        const struct shoal_plugin *plugin = (const struct shoal_plugin *)(const void *)&id;
        if (shoal_permitted(plugin, rows[i].permission, rows[i].value) != rows[i].may) {
            fail_msg("%s for %s:%s", rows[i].given, rows[i].permission,
                rows[i].value ? rows[i].value : "");
        }
    }
}

static void the_core_may_all_and_a_refusal_names_the_line(void **state)
{
    (void)state;
    struct shoal_plugin_id id = {.name = "hello"}; // no list at all
    const struct shoal_plugin *plugin = (const struct shoal_plugin *)(const void *)&id;
    struct shoal_err err = {0};
    struct shoal_call call;
    assert_true(shoal_permitted(NULL, "secrets", NULL));
    assert_int_equal(shoal_permission_need(plugin, "routes", "/x", &err), SHOAL_EFORBIDDEN);
    assert_string_equal(
        err.text, "plugin hello has no permission \"routes:/x\" in its plugin.json");
    assert_int_equal(shoal_permission_need(plugin, "cli", NULL, &err), SHOAL_EFORBIDDEN);
    assert_non_null(strstr(err.text, "\"cli\""));
    shoal_call_init(&call);
    assert_int_equal(shoal_permission_call(&call, "cli", NULL, &err), 0);
    shoal_call_enter(&call, (struct shoal_plugin *)(void *)&id);
    assert_int_equal(shoal_permission_call(&call, "cli", NULL, &err), SHOAL_EFORBIDDEN);
    shoal_call_leave(&call);
    shoal_call_fini(&call);
}

static void what_is_read_is_a_view(void **state)
{
    (void)state;
    static const char *const list[] = {
        "read:videos", "write:users", "read:news", "read:s", "database", NULL};
    struct shoal_arena *arena = shoal_arena_new(0);
    const char *const *views = shoal_permission_views(arena, list);
    assert_string_equal(views[0], "v1_video");
    assert_string_equal(views[1], "v1_new");
    assert_string_equal(views[2], "v1_s");
    assert_null(views[3]);
    assert_null(shoal_permission_views(arena, NULL)[0]);
    shoal_arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_has_its_sentence),
        cmocka_unit_test(a_manifest_may_not_ask_for_anything_else),
        cmocka_unit_test(each_covers_what_it_names),
        cmocka_unit_test(the_core_may_all_and_a_refusal_names_the_line),
        cmocka_unit_test(what_is_read_is_a_view),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

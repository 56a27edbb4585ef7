// slots_test.c - places of pages that plugins fill, and text made safe for HTML.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <shoal/pages.h>

#include "host/host_priv.h"
#include "host/test_kit.h"

static struct kit kit;
static char one[] = "one", two[] = "two", bad[] = "bad", x[] = "x";

static int begin(void **state)
{
    (void)state;
    kit_open(&kit, "");
    kit_start(&kit, false);
    return 0;
}

static int end(void **state)
{
    (void)state;
    kit_close(&kit);
    return 0;
}

static int fill(struct shoal_call *call, const char *slot, const json_t *data,
    struct shoal_buf *out, void *arg, struct shoal_err *err)
{
    const char *words = arg;
    shoal_call_enter(call, shoal_call_plugin(call)); // left open: the host tidies up
    shoal_buf_printf(out, "%s:%s:%s;", slot, words, shoal_text(data, "title", "-"));
    return strcmp(words, "bad") == 0 ? shoal_fail(err, SHOAL_EIO, "half way") : 0;
}

static int start_fillers(struct shoal_plugin *self, struct shoal_err *err)
{
    static const char *const slots[] = {"head", "nav.main", "nav.user", "footer", "home.top",
        "watch.before_player", "watch.below_player", "watch.actions", "watch.side", "video.form",
        "upload.top", "channel.header", "login.methods", "register.form", "my.menu", "admin.menu",
        "admin.home"};
    for (size_t i = 0; i < sizeof(slots) / sizeof(slots[0]); i++) {
        assert_int_equal(shoal_slot_add(self, slots[i], fill, one, err), 0);
    }
    assert_int_equal(shoal_slot_add(self, "footer", fill, bad, err), 0);
    assert_int_equal(shoal_slot_add(self, "footer", fill, two, err), 0);
    assert_int_equal(shoal_slot_add(self, "foter", fill, x, err), SHOAL_ENOTFOUND);
    assert_non_null(strstr(err->text, "did you mean \"footer\""));
    assert_int_equal(shoal_slot_add(self, "zzzzzzzzzzzz", fill, x, err), SHOAL_ENOTFOUND);
    assert_null(strstr(err->text, "did you mean"));
    *err = (struct shoal_err){0};
    return 0;
}

static const char *render(const char *slot, const json_t *data)
{
    static char text[512];
    struct shoal_buf out = {0};
    shoal_buf_puts(&out, "<");
    int depth = kit.call.depth;
    shoal_slot_render(&kit.call, slot, data, &out);
    assert_int_equal(kit.call.depth, depth);
    snprintf(text, sizeof(text), "%s", out.data);
    shoal_buf_fini(&out);
    return text;
}

static void fillers_come_in_order_and_one_that_fails_leaves_nothing(void **state)
{
    (void)state;
    struct shoal_err err = {0};
    assert_int_equal(
        kit_load("filler", start_fillers, "\"permissions\": [\"pages\"]", NULL, &err), 0);
    json_t *data = json_pack("{s:s}", "title", "Reef");
    assert_string_equal(render("footer", data), "<footer:one:Reef;footer:two:Reef;");
    assert_string_equal(render("head", NULL), "<head:one:-;");
    assert_string_equal(render("no.such", NULL), "<");
    json_decref(data);
    shoal_host_quarantine("filler", "it hung");
    assert_string_equal(render("footer", NULL), "<");
}

static int start_too_many(struct shoal_plugin *self, struct shoal_err *err)
{
    for (int i = 0; i < 256; i++) {
        assert_int_equal(shoal_slot_add(self, "head", fill, x, err), 0);
    }
    return shoal_slot_add(self, "head", fill, x, err);
}

static void there_is_an_end_to_fillers(void **state)
{
    (void)state;
    struct shoal_err err = {0};
    static const char may[] = "\"permissions\": [\"pages\"]";
    assert_int_equal(kit_load("greedy", start_too_many, may, NULL, &err), SHOAL_EBUSY);
    assert_string_equal(render("head", NULL), "<"); // all of them went with it
    assert_int_equal(kit_load("filler", start_fillers, may, NULL, &err), 0);
}

static void five_letters_are_escaped(void **state)
{
    (void)state;
    static const struct {
        const char *text, *html;
    } rows[] = {
        {"", ""},
        {"plain", "plain"},
        {"<a b=\"c\">d'e</a>&", "&lt;a b=&quot;c&quot;&gt;d&#39;e&lt;/a&gt;&amp;"},
        {"&amp;", "&amp;amp;"}, // what is escaped already is text as well
        {"\xC3\xA9 <", "\xC3\xA9 &lt;"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct shoal_buf out = {0};
        shoal_buf_puts(&out, "");
        assert_int_equal(shoal_html_escape(&out, rows[i].text), 0);
        assert_string_equal(out.data, rows[i].html);
        shoal_buf_fini(&out);
    }
    struct shoal_buf small = {.limit = 4};
    assert_int_equal(shoal_html_escape(&small, "<<<<"), SHOAL_ETOOLARGE);
    shoal_buf_fini(&small);
}

static void add_folder(const char *name, const char *more, bool has_pages)
{
    struct shoal_host *host = shoal_host_get();
    char path[160];
    struct shoal_err err = {0};
    snprintf(path, sizeof(path), "%s/%s%s", kit.folder, name, has_pages ? "/pages" : "");
    assert_int_equal(shoal_folder_make(path, 0700, NULL), 0);
    snprintf(path, sizeof(path), "%s/%s", kit.folder, name);
    struct shoal_plugin *plugin = shoal_plugin_new(name, path, true);
    char *text = kit_manifest(name, more);
    shoal_plugin_adopt(plugin, shoal_manifest_parse(plugin->arena, text, strlen(text), name, &err));
    free(text);
    host->plugins[host->count++] = plugin;
}

static void folders_of_pages_are_of_those_that_may(void **state)
{
    (void)state;
    struct shoal_pages_folder out[4];
    add_folder("plain", "\"permissions\": [\"pages\"]", true);
    add_folder("without", "\"permissions\": [\"pages\"]", false);
    add_folder("silent", "", true);
    add_folder("scripted", "\"permissions\": [\"pages\", \"scripts\"]", true);
    add_folder("broken", "\"permissions\": [\"pages\"]", true);
    atomic_store(&shoal_plugin_find("broken")->state, SHOAL_PLUGIN_QUARANTINED);
    assert_int_equal(shoal_pages_folders(out, 4), 2);
    assert_string_equal(out[0].plugin, "plain");
    assert_false(out[0].may_script);
    assert_string_equal(out[1].plugin, "scripted");
    assert_true(out[1].may_script);
    assert_string_equal(out[1].folder, shoal_plugin_find("scripted")->folder);
    assert_int_equal(shoal_pages_folders(out, 1), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define CASE(name) cmocka_unit_test_setup_teardown(name, begin, end)
        CASE(fillers_come_in_order_and_one_that_fails_leaves_nothing),
        CASE(there_is_an_end_to_fillers),
        cmocka_unit_test(five_letters_are_escaped),
        CASE(folders_of_pages_are_of_those_that_may),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

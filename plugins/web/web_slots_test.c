// web_slots_test.c - which slots there are, and whose style sheets and scripts a page gets.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "web_priv.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

static void slots_have_their_names(void **state)
{
    (void)state;
    assert_true(web_slot_is_known("watch.below_player"));
    assert_true(web_slot_is_known("head"));
    assert_false(web_slot_is_known("watch"));
    assert_false(web_slot_is_known(""));
}

static void expect_assets(const struct web_theme *theme, const char *page, const char *what,
    const char *expected)
{
    json_t *row = page != NULL ? json_pack("{s:s}", "name", page) : NULL;
    json_t *list = web_slots_assets(theme, row, what);
    char *text = json_dumps(list, JSON_COMPACT);
    assert_string_equal(text, expected);
    free(text);
    json_decref(list);
    json_decref(row);
}

static void parts_bring_their_files_to_their_page_alone(void **state)
{
    (void)state;
    struct web_theme theme = {
        .manifest = json_loads("{\"slots\":["
                               "{\"name\":\"a\",\"slot\":\"footer\",\"template\":\"a\",\"styles\":[\"style/a.css\"]},"
                               "{\"name\":\"b\",\"slot\":\"watch.side\",\"page\":\"watch\",\"template\":\"b\","
                               "\"styles\":[\"style/b.css\"],\"scripts\":[\"scripts/b.js\"]}]}",
            0, NULL)};
    assert_non_null(theme.manifest);
    expect_assets(&theme, "home", "styles", "[\"style/a.css\"]");
    expect_assets(&theme, "watch", "styles", "[\"style/a.css\",\"style/b.css\"]");
    expect_assets(&theme, "watch", "scripts", "[\"scripts/b.js\"]");
    expect_assets(&theme, "home", "scripts", "[]");
    expect_assets(&theme, NULL, "styles", "[\"style/a.css\"]"); // an error page
    json_decref(theme.manifest);
}

static void a_theme_without_parts_has_none(void **state)
{
    (void)state;
    struct web_theme theme = {.manifest = json_object()};
    expect_assets(&theme, "home", "styles", "[]");
    json_decref(theme.manifest);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(slots_have_their_names),
        cmocka_unit_test(parts_bring_their_files_to_their_page_alone),
        cmocka_unit_test(a_theme_without_parts_has_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

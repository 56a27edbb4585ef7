// web_theme_test.c - a theme with its parents: what the child replaces, adds and inherits.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "web_priv.h"

#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <cmocka.h>

#define THEMES SHOAL_SOURCE_DIR "/themes"

static char folder[] = "/tmp/shoal-themes-XXXXXX";

static void write_file(const char *name, const char *text)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    for (char *at = strchr(path + strlen(folder) + 1, '/'); at; at = strchr(at + 1, '/')) {
        *at = '\0';
        mkdir(path, 0755);
        *at = '/';
    }
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static int make_themes(void **state)
{
    (void)state;
    assert_non_null(mkdtemp(folder));
    write_file("base/theme.json",
        "{\"name\":\"base\",\"version\":\"1\",\"parent\":null,\"locales\":[\"en\",\"fr\"],"
        "\"styles\":[\"style/a.css\"],\"error\":\"pages/oops\","
        "\"pages\":[{\"name\":\"home\",\"path\":\"/\",\"template\":\"pages/home\"},"
        "{\"name\":\"about\",\"path\":\"/about\",\"template\":\"pages/about\"}]}");
    write_file("base/templates/pages/home.mustache", "base {{>partials/name}}");
    write_file("base/templates/partials/name.mustache", "base");
    write_file("base/style/a.css", "base");
    write_file("base/locales/en.json", "{\"language\":\"English\",\"a\":\"A\",\"b\":\"B\"}");
    write_file("base/locales/fr.json", "{\"language\":\"Fran\\u00e7ais\",\"a\":\"A fr\"}");
    write_file("child/theme.json",
        "{\"name\":\"child\",\"version\":\"2\",\"parent\":\"base\",\"locales\":[\"de\"],"
        "\"styles\":[\"style/a.css\",\"style/b.css\"],"
        "\"pages\":[{\"name\":\"about\",\"path\":\"/about\",\"template\":\"pages/mine\"},"
        "{\"name\":\"new\",\"path\":\"/new\",\"template\":\"pages/mine\"}]}");
    write_file("child/templates/partials/name.mustache", "child");
    write_file("child/style/a.css", "child");
    write_file("child/locales/en.json", "{\"b\":\"B of the child\"}");
    write_file("child/locales/de.json", "{\"language\":\"Deutsch\"}");
    write_file("ring/theme.json", "{\"name\":\"ring\",\"version\":\"1\",\"parent\":\"ring\"}");
    write_file("torn/theme.json", "{\"name\":\"torn\",\"version\":\"1\",\"locales\":[\"en\"]}");
    write_file("torn/templates/pages/home.mustache", "{{#open}}");
    return 0;
}

static int remove_one(const char *path, const struct stat *facts, int kind, struct FTW *where)
{
    (void)facts;
    (void)kind;
    (void)where;
    return remove(path);
}

static int remove_themes(void **state)
{
    (void)state;
    return nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static const struct mustache *partial_of(void *self, const char *name)
{
    return web_theme_template(self, name);
}

static void read_text(const struct web_theme *theme, const char *locale, const char *key,
    const char *expected)
{
    const char *chosen = NULL;
    const json_t *text = texts_find(web_theme_texts(theme, locale, &chosen), key);
    assert_string_equal(json_string_value(text), expected);
}

static void a_child_wins_file_by_file(void **state)
{
    (void)state;
    struct shoal_err err = {0};
    struct shoal_arena *arena = shoal_arena_new(0);
    struct web_theme *theme = web_theme_read(folder, "child", &err);
    assert_non_null(theme);
    struct mustache_options options = {.self = theme, .partial = partial_of};
    struct mustache_buffer out = {0};
    json_t *nothing = json_object();
    assert_int_equal(
        mustache_render(web_theme_template(theme, "pages/home"), nothing, &options, &out, NULL), 0);
    assert_string_equal(out.data, "base child");
    mustache_buffer_fini(&out);
    json_decref(nothing);
    assert_non_null(strstr(web_theme_file(theme, arena, "style/a.css"), "/child/style/a.css"));
    assert_null(web_theme_file(theme, arena, "style/none.css"));
    web_theme_free(theme);
    shoal_arena_free(arena);
}

static void rows_are_replaced_by_name_and_lists_grow(void **state)
{
    (void)state;
    struct shoal_err err = {0};
    struct web_theme *theme = web_theme_read(folder, "child", &err);
    assert_non_null(theme);
    assert_int_equal(json_array_size(json_object_get(theme->manifest, "pages")), 3);
    assert_string_equal(shoal_text(web_theme_page(theme, "about"), "template", ""), "pages/mine");
    assert_string_equal(shoal_text(web_theme_page(theme, "home"), "template", ""), "pages/home");
    assert_non_null(web_theme_page(theme, "new"));
    assert_null(web_theme_page(theme, "none"));
    json_t *styles = json_pack("[s, s]", "style/a.css", "style/b.css");
    assert_true(json_equal(json_object_get(theme->manifest, "styles"), styles));
    json_decref(styles);
    assert_string_equal(shoal_text(theme->manifest, "name", ""), "child");
    assert_string_equal(shoal_text(theme->manifest, "error", ""), "pages/oops");
    web_theme_free(theme);
}

static void texts_are_laid_over_each_other_and_over_english(void **state)
{
    (void)state;
    struct shoal_err err = {0};
    const char *chosen = NULL;
    struct web_theme *theme = web_theme_read(folder, "child", &err);
    assert_non_null(theme);
    assert_int_equal(theme->locale_count, 3);
    read_text(theme, "en", "a", "A");
    read_text(theme, "en", "b", "B of the child");
    read_text(theme, "fr", "a", "A fr");
    read_text(theme, "fr", "b", "B of the child");
    read_text(theme, "de", "a", "A");
    read_text(theme, "de", "language", "Deutsch");
    web_theme_texts(theme, "xx", &chosen);
    assert_string_equal(chosen, "en");
    web_theme_texts(theme, NULL, &chosen);
    assert_string_equal(chosen, "en");
    web_theme_free(theme);
}

static void only_folders_for_browsers_are_served(void **state)
{
    (void)state;
    static const char *const hidden[] = {"theme.json", "templates/pages/home.mustache",
        "locales/en.json", "style/../theme.json", "../base/theme.json", "style/../../base/theme.json",
        "/etc/passwd", ""};
    struct shoal_err err = {0};
    struct shoal_arena *arena = shoal_arena_new(0);
    struct web_theme *theme = web_theme_read(folder, "base", &err);
    assert_non_null(theme);
    for (size_t i = 0; i < sizeof hidden / sizeof hidden[0]; i++) {
        assert_null(web_theme_file(theme, arena, hidden[i]));
    }
    web_theme_free(theme);
    shoal_arena_free(arena);
}

static void the_version_follows_the_content(void **state)
{
    (void)state;
    struct shoal_err err = {0};
    struct web_theme *first = web_theme_read(folder, "base", &err);
    struct web_theme *same = web_theme_read(folder, "base", &err);
    write_file("base/style/a.css", "bass");
    struct web_theme *other = web_theme_read(folder, "base", &err);
    write_file("base/style/a.css", "base");
    struct web_theme *again = web_theme_read(folder, "base", &err);
    assert_true(first && same && other && again);
    assert_string_equal(first->version, same->version);
    assert_string_not_equal(first->version, other->version);
    assert_string_equal(first->version, again->version);
    web_theme_free(first);
    web_theme_free(same);
    web_theme_free(other);
    web_theme_free(again);
}

static void what_is_wrong_is_said(void **state)
{
    (void)state;
    static const struct {
        const char *name, *sentence;
    } bad[] = {{"none", "theme.json"}, {"../base", "not the name of a theme"}, {"", "not the name"},
        {"ring", "parents"}, {"torn", "pages/home"}};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct shoal_err err = {0};
        assert_null(web_theme_read(folder, bad[i].name, &err));
        assert_true(err.code < 0);
        if (!strstr(err.text, bad[i].sentence)) {
            fail_msg("%s: %s", bad[i].name, err.text);
        }
    }
}

static void reef_is_the_default_in_other_colours(void **state)
{
    (void)state;
    struct shoal_err err = {0};
    struct shoal_arena *arena = shoal_arena_new(0);
    struct web_theme *base = web_theme_read(THEMES, "default", &err);
    struct web_theme *reef = web_theme_read(THEMES, "reef", &err);
    assert_true(base && reef);
    assert_int_equal(reef->depth, 2);
    const json_t *styles = json_object_get(reef->manifest, "styles");
    size_t count = json_array_size(json_object_get(base->manifest, "styles"));
    assert_int_equal(json_array_size(styles), count + 1);
    assert_string_equal(json_string_value(json_array_get(styles, count)), "style/reef.css");
    assert_true(json_equal(json_object_get(base->manifest, "pages"),
        json_object_get(reef->manifest, "pages")));
    assert_non_null(strstr(web_theme_file(reef, arena, "images/school.svg"), "/reef/"));
    assert_non_null(strstr(web_theme_file(reef, arena, "scripts/player.js"), "/default/"));
    assert_string_not_equal(base->version, reef->version);
    web_theme_free(base);
    web_theme_free(reef);
    shoal_arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_child_wins_file_by_file),
        cmocka_unit_test(rows_are_replaced_by_name_and_lists_grow),
        cmocka_unit_test(texts_are_laid_over_each_other_and_over_english),
        cmocka_unit_test(only_folders_for_browsers_are_served),
        cmocka_unit_test(the_version_follows_the_content),
        cmocka_unit_test(what_is_wrong_is_said),
        cmocka_unit_test(reef_is_the_default_in_other_colours),
    };
    return cmocka_run_group_tests(tests, make_themes, remove_themes);
}

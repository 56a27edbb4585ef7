// theme_files_test.c - the shipped themes: templates that compile, partials and texts that exist.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "texts.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define THEMES     SHOAL_SOURCE_DIR "/themes"
#define PATH_BYTES 512
#define TEXT_BYTES (256 * 1024)

struct check {
    char theme[64];
    const struct texts *texts; // those of one locale
    size_t seen;
};

static char *read_text(const char *path, size_t *length)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        return NULL;
    }
    char *text = calloc(1, TEXT_BYTES);
    *length = fread(text, 1, TEXT_BYTES - 1, file);
    fclose(file);
    return text;
}

static bool has_template(const char *theme, const char *name)
{
    char path[PATH_BYTES];
    snprintf(path, sizeof path, THEMES "/%s/templates/%s.mustache", theme, name);
    FILE *file = fopen(path, "rb");
    if (file != NULL) {
        fclose(file);
    }
    return file != NULL;
}

static void check_partial(void *arg, const char *name, unsigned line)
{
    const struct check *check = arg;
    if (!has_template(check->theme, name) && !has_template("default", name)) {
        fail_msg("line %u asks for %s, which no theme has", line, name);
    }
}

// Every {{t:key…}} of a template whose key is complete must be a text, and so must {{texts:key}}.
static void check_keys(const struct check *check, const char *path, const char *text)
{
    static const char *const calls[] = {"{{t:", "{{texts:", "=t:"};
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
        for (const char *at = strstr(text, calls[i]); at != NULL; at = strstr(at, calls[i])) {
            at += strlen(calls[i]);
            char key[128] = "";
            size_t length = strcspn(at, " }");
            assert_true(length < sizeof key);
            memcpy(key, at, length);
            if (texts_find(check->texts, key) == NULL) {
                fail_msg("%s: there is no text \"%s\"", path, key);
            }
        }
    }
}

static void check_template(struct check *check, const char *path, const char *name)
{
    size_t length = 0;
    char *text = read_text(path, &length);
    assert_non_null(text);
    struct mustache_error error = {0};
    struct mustache *template = mustache_parse(name, text, length, &error);
    if (template == NULL) {
        fail_msg("%s", error.text);
    }
    mustache_each_partial(template, check_partial, check);
    check_keys(check, path, text);
    check->seen++;
    mustache_free(template);
    free(text);
}

static void check_folder(struct check *check, const char *folder)
{
    char path[PATH_BYTES];
    snprintf(path, sizeof path, THEMES "/%s/templates%s", check->theme, folder);
    DIR *directory = opendir(path);
    if (directory == NULL) {
        return;
    }
    const struct dirent *entry = NULL;
    while ((entry = readdir(directory)) != NULL) {
        if (strstr(entry->d_name, ".mustache") != NULL) {
            char file[PATH_BYTES * 2];
            snprintf(file, sizeof file, "%s/%s", path, entry->d_name);
            check_template(check, file, entry->d_name);
        }
    }
    closedir(directory);
}

static json_t *read_locale(const char *locale)
{
    char path[PATH_BYTES];
    snprintf(path, sizeof path, THEMES "/default/locales/%s.json", locale);
    json_error_t error;
    json_t *tree = json_load_file(path, JSON_REJECT_DUPLICATES, &error);
    if (tree == NULL) {
        fail_msg("%s:%d %s", path, error.line, error.text);
    }
    return tree;
}

static void check_theme(const char *theme, const char *locale)
{
    json_t *tree = read_locale(locale);
    struct texts *texts = texts_new(locale, tree);
    struct check check = {.texts = texts};
    snprintf(check.theme, sizeof check.theme, "%s", theme);
    static const char *const folders[] = {"", "/pages", "/partials"};
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
        check_folder(&check, folders[i]);
    }
    assert_true(check.seen > 0);
    texts_free(texts);
    json_decref(tree);
}

static void templates_compile_and_find_what_they_name(void **state)
{
    (void)state;
    check_theme("default", "en");
    check_theme("default", "fr");
    check_theme("reef", "en");
}

// The keys of one tree are those of the other; plural forms may differ.
static void compare_trees(const json_t *a, const json_t *b, const char *path)
{
    const char *key = NULL;
    json_t *value = NULL;
    json_object_foreach((json_t *)a, key, value)
    {
        char inner[PATH_BYTES];
        snprintf(inner, sizeof inner, "%s.%s", path, key);
        const json_t *other = json_object_get(b, key);
        bool is_form = json_object_get(a, "other") != NULL;
        if (other == NULL && !is_form) {
            fail_msg("%s stands in one locale alone", inner);
        }
        if (json_is_object(value) && json_object_get(value, "other") == NULL) {
            compare_trees(value, other, inner);
        }
    }
}

static void locales_have_the_same_texts(void **state)
{
    (void)state;
    json_t *english = read_locale("en");
    json_t *french = read_locale("fr");
    compare_trees(english, french, "en");
    compare_trees(french, english, "fr");
    json_decref(english);
    json_decref(french);
}

static void check_rows(const json_t *theme, const char *list, bool has_template_key)
{
    size_t index = 0;
    const json_t *row = NULL;
    json_array_foreach(json_object_get(theme, list), index, row)
    {
        const char *path = json_string_value(json_object_get(row, "path"));
        assert_non_null(path);
        assert_int_equal(path[0], '/');
        const char *template = json_string_value(json_object_get(row, "template"));
        if (has_template_key && (template == NULL || !has_template("default", template))) {
            fail_msg("%s has no template", path);
        }
    }
    assert_true(index > 0);
}

static bool names_a_page(const json_t *theme, const char *name)
{
    size_t index = 0;
    const json_t *row = NULL;
    json_array_foreach(json_object_get(theme, "pages"), index, row)
    {
        if (strcmp(json_string_value(json_object_get(row, "name")), name) == 0) {
            return true;
        }
    }
    return false;
}

static void theme_json_names_what_exists(void **state)
{
    (void)state;
    json_error_t error;
    json_t *theme = json_load_file(THEMES "/default/theme.json", JSON_REJECT_DUPLICATES, &error);
    if (theme == NULL) {
        fail_msg("theme.json:%d %s", error.line, error.text);
    }
    check_rows(theme, "pages", true);
    check_rows(theme, "actions", false);
    check_rows(theme, "redirects", false);
    size_t index = 0;
    const json_t *row = NULL;
    json_array_foreach(json_object_get(theme, "actions"), index, row)
    {
        const char *page = json_string_value(json_object_get(row, "failure"));
        assert_true(page != NULL && names_a_page(theme, page));
    }
    assert_true(has_template("default", json_string_value(json_object_get(theme, "error"))));
    json_decref(theme);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(templates_compile_and_find_what_they_name),
        cmocka_unit_test(locales_have_the_same_texts),
        cmocka_unit_test(theme_json_names_what_exists),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

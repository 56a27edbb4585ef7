// manifest_rows.c - the parts of plugin.json that are rows: hooks that it fires, settings, commands.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/manifest_priv.h"

static const char *const kind_names[] = {
    [SHOAL_HOOK_TELL] = "tell",
    [SHOAL_HOOK_DURABLE] = "durable",
    [SHOAL_HOOK_FILTER] = "filter",
    [SHOAL_HOOK_DECIDE] = "decide",
};
static const char *const failure_names[] = {
    [SHOAL_FAIL_NONE] = "none",
    [SHOAL_FAIL_OPEN] = "open",
    [SHOAL_FAIL_CLOSED] = "closed",
    [SHOAL_FAIL_HOLD] = "hold",
    [SHOAL_FAIL_SAME] = "same",
    [SHOAL_FAIL_AGAIN] = "again",
};

const char *shoal_hook_kind_name(enum shoal_hook_kind kind)
{
    return kind_names[kind];
}

static int word_index(const char *word, const char *const *words, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(words[i], word) == 0) {
            return (int)i;
        }
    }
    return -1;
}

static const char *normal_kind(const char *kind)
{
    return strcmp(kind, "tell+") == 0 ? "durable" : kind;
}

/// What a failing listener means, where the row does not say.
static enum shoal_hook_failure failure_of(enum shoal_hook_kind kind)
{
    switch (kind) {
    case SHOAL_HOOK_DURABLE:
        return SHOAL_FAIL_AGAIN;
    case SHOAL_HOOK_FILTER:
        return SHOAL_FAIL_SAME;
    case SHOAL_HOOK_DECIDE:
        return SHOAL_FAIL_HOLD;
    case SHOAL_HOOK_TELL:
        break;
    }
    return SHOAL_FAIL_NONE;
}

static bool failure_fits(enum shoal_hook_kind kind, enum shoal_hook_failure failure)
{
    if (kind == SHOAL_HOOK_DECIDE) {
        return failure == SHOAL_FAIL_OPEN || failure == SHOAL_FAIL_CLOSED ||
               failure == SHOAL_FAIL_HOLD || failure == SHOAL_FAIL_AGAIN;
    }
    return failure == failure_of(kind);
}

static int read_fire(struct shoal_arena *arena, const json_t *row, struct shoal_manifest_fire *fire,
    struct shoal_err *err)
{
    static const char *const known[] = {
        "name", "kind", "failure", "moment", "payload", "since", "cpu_ms", "wall_ms"};
    const char *kind = NULL;
    const char *failure = NULL;
    const char *since = NULL;
    if (!json_is_object(row)) {
        return shoal_manifest_fail(err, "\"fires\" must be a list of objects");
    }
    int code = shoal_manifest_keys(row, "fires", known, sizeof(known) / sizeof(known[0]), err);
    code = code < 0 ? code
                    : shoal_manifest_text(arena, row, "fires", "name", 80, true, &fire->name, err);
    code = code < 0 ? code : shoal_manifest_text(arena, row, "fires", "kind", 10, true, &kind, err);
    code = code < 0 ? code
                    : shoal_manifest_text(arena, row, "fires", "failure", 10, false, &failure, err);
    code =
        code < 0 ? code : shoal_manifest_text(arena, row, "fires", "since", 20, false, &since, err);
    code = code < 0
               ? code
               : shoal_manifest_text(arena, row, "fires", "moment", 300, true, &fire->moment, err);
    code = code < 0 ? code
                    : shoal_manifest_text(
                          arena, row, "fires", "payload", 500, false, &fire->payload, err);
    if (code < 0) {
        return code;
    }
    int number = word_index(normal_kind(kind), kind_names, 4);
    if (number < 0 || !strchr(fire->name, '.')) {
        return shoal_manifest_fail(err,
            "\"fires\": %s must be NOUN.VERB with the kind tell, durable, filter or decide",
            fire->name);
    }
    fire->kind = (enum shoal_hook_kind)number;
    int rule = failure ? word_index(failure, failure_names, 6) : (int)failure_of(fire->kind);
    if (rule < 0 || !failure_fits(fire->kind, (enum shoal_hook_failure)rule)) {
        return shoal_manifest_fail(
            err, "\"fires\": %s cannot have the failure \"%s\"", fire->name, failure);
    }
    fire->failure = (enum shoal_hook_failure)rule;
    fire->cpu_ms = (int)json_integer_value(json_object_get(row, "cpu_ms"));
    fire->wall_ms = (int)json_integer_value(json_object_get(row, "wall_ms"));
    if (fire->cpu_ms < 0 || fire->cpu_ms > 10000 || fire->wall_ms < 0 || fire->wall_ms > 600000) {
        return shoal_manifest_fail(err, "\"fires\": the budget of %s is out of bounds", fire->name);
    }
    return 0;
}

int shoal_manifest_fires(struct shoal_arena *arena, const json_t *root,
    struct shoal_manifest *manifest, struct shoal_err *err)
{
    const json_t *value = json_object_get(root, "fires");
    size_t count = json_array_size(value);
    if ((value && !json_is_array(value)) || count > SHOAL_MANIFEST_MOST) {
        return shoal_manifest_fail(err, "\"fires\" must be a list of objects");
    }
    struct shoal_manifest_fire *fires = shoal_arena_alloc(arena, (count + 1) * sizeof(*fires));
    for (size_t i = 0; i < count; i++) {
        int code = read_fire(arena, json_array_get(value, i), &fires[i], err);
        if (code < 0) {
            return code;
        }
    }
    manifest->fires = fires;
    manifest->fire_count = count;
    return 0;
}

static int read_choices(struct shoal_arena *arena, const json_t *row, struct shoal_setting_row *out,
    struct shoal_err *err)
{
    const json_t *list = json_object_get(row, "choices");
    const char *choices = NULL;
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *text = json_string_value(json_array_get(list, i));
        if (!text || !*text || strchr(text, ' ')) {
            return shoal_manifest_fail(err, "\"settings.%s.choices\" must be words", out->name);
        }
        choices = choices ? shoal_arena_printf(arena, "%s %s", choices, text)
                          : shoal_arena_strdup(arena, text);
    }
    bool takes = out->type == SHOAL_SETTING_TEXT || out->type == SHOAL_SETTING_LIST;
    if (list && (!choices || !takes)) {
        return shoal_manifest_fail(
            err, "\"settings.%s.choices\" must be words of a text or a list", out->name);
    }
    out->choices = choices;
    return 0;
}

static int read_default(struct shoal_arena *arena, const json_t *row, struct shoal_setting_row *out,
    struct shoal_err *err)
{
    const json_t *value = json_object_get(row, "default");
    out->otherwise = "null";
    if (!value || json_is_null(value)) {
        return 0;
    }
    struct shoal_err inner = {0};
    json_t *normal = shoal_setting_normal(out, value, &inner);
    if (!normal) {
        return shoal_manifest_fail(err, "\"settings.%s.default\": %s", out->name, inner.text);
    }
    char *text = json_dumps(normal, JSON_ENCODE_ANY | JSON_COMPACT);
    out->otherwise = shoal_arena_strdup(arena, text);
    free(text);
    json_decref(normal);
    return 0;
}

static double bound_of(const struct shoal_setting_row *row, const json_t *value, double otherwise)
{
    int64_t number = 0;
    const char *text = json_string_value(value);
    if (text && row->type == SHOAL_SETTING_SIZE && shoal_size_parse(text, &number) == 0) {
        return (double)number;
    }
    if (text && row->type == SHOAL_SETTING_TIME && shoal_duration_parse(text, &number) == 0) {
        return (double)number;
    }
    return json_is_number(value) ? json_number_value(value) : otherwise;
}

static int read_setting(struct shoal_arena *arena, const json_t *row, struct shoal_setting_row *out,
    struct shoal_err *err)
{
    static const char *const known[] = {
        "name", "type", "default", "min", "max", "unit", "help", "reloadable", "secret", "choices",
        "letters", "among"};
    const char *type = NULL;
    out->unit = "";
    if (!json_is_object(row)) {
        return shoal_manifest_fail(err, "\"settings\" must be a list of objects");
    }
    int code = shoal_manifest_keys(row, "settings", known, sizeof(known) / sizeof(known[0]), err);
    const struct {
        const char *key, **out;
        size_t most;
        bool needed;
    } texts[] = {{"name", &out->name, 60, true}, {"type", &type, 10, true}, {"help", &out->help, 400, true},
        {"unit", &out->unit, 40, false}, {"letters", &out->letters, 100, false},
        {"among", &out->among, 60, false}};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]) && code == 0; i++) {
        code = shoal_manifest_text(
            arena, row, "settings", texts[i].key, texts[i].most, texts[i].needed, texts[i].out, err);
    }
    if (code < 0) {
        return code;
    }
    if (strspn(out->name, "abcdefghijklmnopqrstuvwxyz0123456789_.") != strlen(out->name) ||
        out->name[0] < 'a' || out->name[0] > 'z') {
        return shoal_manifest_fail(
            err, "\"settings\": \"%s\" must be a-z, 0-9, _ and .", out->name);
    }
    static const char *const words[] = {"sha256", "signature", "key", "instances"};
    if (word_index(out->name, words, 4) >= 0) {
        return shoal_manifest_fail(
            err, "\"settings\": the name \"%s\" belongs to the host", out->name);
    }
    if (shoal_setting_type_parse(type, &out->type) < 0) {
        return shoal_manifest_fail(err,
            "\"settings.%s.type\" must be text, int, number, bool, size, time, list, json, rate or "
            "path",
            out->name);
    }
    const json_t *min = json_object_get(row, "min");
    const json_t *max = json_object_get(row, "max");
    if (min || max) {
        out->min = bound_of(out, min, -9e15);
        out->max = bound_of(out, max, 9e15);
    }
    out->is_reloadable = json_is_true(json_object_get(row, "reloadable"));
    out->is_secret = json_is_true(json_object_get(row, "secret"));
    code = read_choices(arena, row, out, err);
    return code < 0 ? code : read_default(arena, row, out, err);
}

int shoal_manifest_settings(struct shoal_arena *arena, const json_t *root,
    struct shoal_manifest *manifest, struct shoal_err *err)
{
    const json_t *value = json_object_get(root, "settings");
    size_t count = json_array_size(value);
    if ((value && !json_is_array(value)) || count > SHOAL_MANIFEST_MOST) {
        return shoal_manifest_fail(err, "\"settings\" must be a list of objects");
    }
    struct shoal_setting_row *rows = shoal_arena_alloc(arena, (count + 1) * sizeof(*rows));
    for (size_t i = 0; i < count; i++) {
        int code = read_setting(arena, json_array_get(value, i), &rows[i], err);
        for (size_t j = 0; code == 0 && j < i; j++) {
            if (strcmp(rows[i].name, rows[j].name) == 0) {
                code = shoal_manifest_fail(err, "setting \"%s\" is there twice", rows[i].name);
            }
        }
        if (code < 0) {
            return code;
        }
    }
    manifest->settings = rows;
    manifest->setting_count = count;
    return 0;
}

static bool has_setting(const struct shoal_manifest *manifest, const char *name)
{
    for (size_t i = 0; i < manifest->setting_count; i++) {
        if (strcmp(manifest->settings[i].name, name) == 0) {
            return true;
        }
    }
    return false;
}

static int read_command(struct shoal_arena *arena, const json_t *row,
    const struct shoal_manifest *manifest, struct shoal_manifest_command *out, struct shoal_err *err)
{
    static const char *const known[] = {"word", "words", "help", "verb", "serves"};
    struct {
        const char *key;
        const char **out;
    } texts[] = {{"word", &out->word}, {"words", &out->words}, {"help", &out->help},
        {"verb", &out->verb}};
    int code = json_is_object(row)
                   ? shoal_manifest_keys(row, "commands", known, 5, err)
                   : shoal_manifest_fail(err, "\"commands\" must be a list of objects");
    out->words = "";
    for (size_t i = 0; i < 4 && code == 0; i++) {
        code = shoal_manifest_text(
            arena, row, "commands", texts[i].key, 200, i != 1, texts[i].out, err);
    }
    if (code == 0 && (strlen(out->word) > 40 || out->word[0] < 'a' || out->word[0] > 'z' ||
                         strspn(out->word, "abcdefghijklmnopqrstuvwxyz0123456789-") !=
                             strlen(out->word))) {
        return shoal_manifest_fail(
            err, "\"commands.word\" must be 1 to 40 of a-z, 0-9 and -, a letter first");
    }
    if (code == 0 && json_object_get(row, "serves")) {
        code = shoal_manifest_list(arena, row, "serves", &out->serves, err);
    }
    for (const char *const *at = out->serves; code == 0 && at && *at; at++) {
        if (!has_setting(manifest, *at)) {
            return shoal_manifest_fail(
                err, "\"commands.serves\" names \"%s\", which is no setting", *at);
        }
    }
    return code;
}

int shoal_manifest_commands(struct shoal_arena *arena, const json_t *root,
    struct shoal_manifest *manifest, struct shoal_err *err)
{
    const json_t *value = json_object_get(root, "commands");
    size_t count = json_array_size(value);
    if ((value && !json_is_array(value)) || count > SHOAL_MANIFEST_MOST) {
        return shoal_manifest_fail(err, "\"commands\" must be a list of objects");
    }
    struct shoal_manifest_command *rows = shoal_arena_alloc(arena, (count + 1) * sizeof(*rows));
    int code = 0;
    for (size_t i = 0; i < count && code == 0; i++) {
        code = read_command(arena, json_array_get(value, i), manifest, &rows[i], err);
    }
    manifest->commands = rows;
    manifest->command_count = count;
    return code;
}

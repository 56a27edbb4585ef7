// doctor_inside.c - plugins, tables and jobs of the instance.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <shoal/json.h>

#include "base/file.h"
#include "catalog/catalog.h"
#include "cli/doctor.h"
#include "data/data.h"

static void check_manifests(struct shoal_doctor *doctor)
{
    struct shoal_host_options options = shoal_instance_host_options(doctor->config, NULL);
    json_t *plugins = shoal_host_check(&options);
    int broken = 0;
    for (size_t i = 0; i < json_array_size(plugins); i++) {
        const json_t *row = json_array_get(plugins, i);
        const char *problem = shoal_text(row, "problem", NULL);
        if (problem != NULL) {
            broken++;
            shoal_doctor_say(doctor, SHOAL_FINDING_BAD, "plugin",
                "mend it, or take it out of shoal.lua", "%s: %s", shoal_text(row, "name", "?"),
                problem);
        }
    }
    if (broken == 0) {
        shoal_doctor_say(doctor, SHOAL_FINDING_FINE, "plugins", NULL,
            "%zu are listed, and their manifests are right", json_array_size(plugins));
    }
    json_decref(plugins);
}

/// A file of run/ that the server wrote; a new reference, or NULL.
static json_t *read_state(const struct shoal_doctor *doctor, const char *name)
{
    char path[PATH_MAX];
    struct shoal_buf text = {0};
    int wrote = snprintf(path, sizeof path, "%s/run/%s", doctor->config->folder, name);
    if (wrote >= (int)sizeof path || shoal_file_read_whole(path, 1 << 20, &text, NULL) != 0) {
        return NULL;
    }
    json_t *state = shoal_json_parse(text.data, text.length, NULL);
    shoal_buf_fini(&text);
    return state;
}

/// Plugins in C that did not come with the server, but this one: " (a, b)". They share its memory.
static void name_others(const json_t *plugins, const char *name, struct shoal_buf *out)
{
    for (size_t i = 0; i < json_array_size(plugins); i++) {
        const json_t *row = json_array_get(plugins, i);
        const char *other = shoal_text(row, "name", "?");
        if (strcmp(shoal_text(row, "language", ""), "c") == 0 && strcmp(other, name) != 0 &&
            strcmp(shoal_text(row, "state", ""), "running") == 0 &&
            !shoal_flag(row, "shipped", true)) {
            shoal_buf_printf(out, "%s%s", out->length > 0 ? ", " : " (", other);
        }
    }
    if (out->length > 0) {
        shoal_buf_puts(out, ")");
    }
}

static void check_quarantine(struct shoal_doctor *doctor)
{
    json_t *list = shoal_host_quarantined();
    json_t *plugins = read_state(doctor, "plugins.json");
    const char *name;
    json_t *row;
    json_object_foreach(list, name, row) {
        char advice[512];
        struct shoal_buf others = {.limit = 200};
        const char *sentence = shoal_text(row, "sentence", "no reason is known");
        if (strstr(sentence, "crash") != NULL) {
            name_others(plugins, name, &others);
        }
        snprintf(advice, sizeof advice, "replace it, then: shoal plugin clear %s %s%s%s",
            doctor->config->folder, name,
            others.length > 0 ? "; if it crashes again: others may have written into its memory" : "",
            others.length > 0 ? others.data : "");
        shoal_doctor_say(doctor, SHOAL_FINDING_BAD, "plugin", advice, "%s is quarantined: %s", name,
            sentence);
        shoal_buf_fini(&others);
    }
    json_decref(plugins);
    json_decref(list);
}

static bool is_listed(const struct shoal_config *config, const char *name)
{
    for (size_t i = 0; i < config->plugin_count; i++) {
        if (strcmp(config->plugins[i].name, name) == 0) {
            return true;
        }
    }
    return false;
}

/// What did not start, as the server wrote it down when it did.
static void check_started(struct shoal_doctor *doctor)
{
    json_t *plugins = read_state(doctor, "plugins.json");
    json_t *stored = shoal_host_quarantined();
    for (size_t i = 0; i < json_array_size(plugins); i++) {
        const json_t *row = json_array_get(plugins, i);
        const char *name = shoal_text(row, "name", "?");
        if (strcmp(shoal_text(row, "state", ""), "quarantined") == 0 &&
            is_listed(doctor->config, name) && json_object_get(stored, name) == NULL) {
            shoal_doctor_say(doctor, SHOAL_FINDING_BAD, "plugin",
                "mend it, then shoal reload DIR, or take it out of shoal.lua",
                "%s was left out at the last start: %s", name,
                shoal_text(row, "sentence", "no reason is known"));
        }
    }
    json_decref(stored);
    json_decref(plugins);
}

/// "eater 2 (the server uses more memory …), the server itself 1": who was in hand, how often, and why.
static void name_crashed(const json_t *crashes, struct shoal_buf *out)
{
    json_t *counts = json_object(), *why = json_object();
    for (size_t i = 0; i < json_array_size(crashes); i++) {
        const json_t *row = json_array_get(crashes, i);
        const char *name = shoal_text(row, "plugin", "");
        json_object_set_new(counts, name, json_integer(json_integer_value(json_object_get(counts, name)) + 1));
        json_object_set(why, name, json_object_get(row, "sentence"));
    }
    const char *name;
    json_t *count;
    json_object_foreach(counts, name, count) {
        const char *sentence = json_string_value(json_object_get(why, name));
        bool is_said = sentence != NULL && sentence[0] != '\0';
        shoal_buf_printf(out, "%s%s %d%s%s%s", out->length > 0 ? ", " : "",
            name[0] != '\0' ? name : "the server itself", (int)json_integer_value(count),
            is_said ? " (" : "", is_said ? sentence : "", is_said ? ")" : "");
    }
    json_decref(why);
    json_decref(counts);
}

static void check_supervisor(struct shoal_doctor *doctor)
{
    json_t *state = doctor->is_running ? read_state(doctor, "serve.json") : NULL;
    const json_t *crashes = json_object_get(state, "crashes");
    struct shoal_buf who = {.limit = 2000};
    name_crashed(crashes, &who);
    if (shoal_flag(state, "safeMode", false)) {
        shoal_doctor_say(doctor, SHOAL_FINDING_BAD, "safe mode",
            "read the log for what crashed; shoal reload DIR leaves safe mode",
            "the server crashed three times and runs with the shipped plugins only");
    }
    if (json_array_size(crashes) > 0) {
        shoal_doctor_say(doctor, SHOAL_FINDING_NOTE, "crashes",
            "the log has the details; a plugin that does it three times in ten minutes is left out",
            "the server crashed %zu times since it was started: %s", json_array_size(crashes),
            who.data != NULL ? who.data : "");
    }
    shoal_buf_fini(&who);
    json_decref(state);
}

/// missing: what shoal_migrations_pending() answered. Whether there was something to tell.
static bool tell_pending(struct shoal_doctor *doctor, const char *name, int missing,
    const struct shoal_err *err)
{
    if (missing == 0) {
        return false;
    }
    shoal_doctor_say(doctor, missing < 0 ? SHOAL_FINDING_BAD : SHOAL_FINDING_NOTE, "tables",
        missing < 0 ? "an older program met newer tables, or a file is broken"
                    : "they are made at the next start; a copy is kept first",
        missing < 0 ? "%s: %s" : "%s waits for changes of its tables%s", name,
        missing < 0 ? err->text : "");
    return true;
}

static void check_migrations(struct shoal_doctor *doctor)
{
    char shipped[PATH_MAX], folder[PATH_MAX];
    bool has_shipped = shoal_path_shipped("plugins", shipped);
    size_t count;
    struct shoal_err core_err = {0};
    const struct shoal_migration *core = shoal_catalog_migrations(&count);
    int missing = shoal_migrations_pending_builtin("core.catalog", core, count, &core_err);
    int pending = tell_pending(doctor, "the catalog", missing, &core_err) ? 1 : 0;
    for (size_t i = 0; i < doctor->config->plugin_count; i++) {
        const char *name = doctor->config->plugins[i].name;
        const char *const roots[] = {doctor->config->folder, has_shipped ? shipped : NULL};
        for (size_t j = 0; j < 2 && roots[j] != NULL; j++) {
            struct stat info;
            struct shoal_err err = {0};
            int wrote = snprintf(folder, sizeof folder, "%s%s/%s/migrations", roots[j],
                j == 0 ? "/plugins" : "", name);
            if (wrote <= 0 || wrote >= (int)sizeof folder || stat(folder, &info) != 0) {
                continue;
            }
            missing = shoal_migrations_pending(name, folder, &err);
            pending += tell_pending(doctor, name, missing, &err) ? 1 : 0;
            break;
        }
    }
    if (pending == 0) {
        shoal_doctor_say(doctor, SHOAL_FINDING_FINE, "tables", NULL, "no migration is unfinished");
    }
}

static void check_jobs(struct shoal_doctor *doctor)
{
    struct shoal_err err = {0};
    json_t *parked = shoal_jobs_list(&doctor->instance->call, "parked", 0, 100, &err);
    size_t count = json_array_size(parked);
    if (parked == NULL) {
        shoal_doctor_say(doctor, SHOAL_FINDING_BAD, "jobs", NULL, "%s", err.text);
    } else if (count > 0) {
        const json_t *first = json_array_get(parked, 0);
        shoal_doctor_say(doctor, SHOAL_FINDING_BAD, "jobs",
            "shoal jobs list DIR --state parked; then jobs retry or jobs cancel",
            "%zu%s were given up, the first: %s (%s)", count, count == 100 ? " or more" : "",
            shoal_text(first, "kind", "?"), shoal_text(first, "error", "no reason is known"));
    } else {
        shoal_doctor_say(doctor, SHOAL_FINDING_FINE, "jobs", NULL, "none was given up");
    }
    json_decref(parked);
}

void shoal_doctor_inside(struct shoal_doctor *doctor)
{
    check_manifests(doctor);
    check_quarantine(doctor);
    check_started(doctor);
    check_supervisor(doctor);
    check_migrations(doctor);
    check_jobs(doctor);
}

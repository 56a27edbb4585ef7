// testkit.c - a whole host in a temporary folder, for the unit tests of a plugin.
// SPDX-License-Identifier: MIT
#include "testkit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/log.h"
#include "catalog/catalog.h"
#include "data/data.h"
#include "host/builtin.h"
#include "host/host.h"
#include "host/plugin_priv.h"
#include "super/super.h"

#define CALLS_MAX    32
#define MANIFEST_MAX (256u << 10)

struct shoal_kit {
    char folder[64];
    struct shoal_config *config;
    struct shoal_router *router;
    struct shoal_call *calls[CALLS_MAX];
    size_t call_count;
    struct shoal_call *system;
};

/// A test without its host is worth nothing: says why and ends the program.
static void need(int code, const struct shoal_err *err, const char *what)
{
    if (code < 0) {
        fprintf(
            stderr, "testkit: %s: %s\n", what, err->text[0] ? err->text : shoal_error_text(code));
        abort();
    }
}

static void write_config(struct shoal_kit *kit, const char *text)
{
    struct shoal_err err = {0};
    char path[128];
    const char *temp = getenv("TMPDIR");
    snprintf(kit->folder, sizeof(kit->folder), "%.40s/shoal_kit_XXXXXX", temp ? temp : "/tmp");
    if (!mkdtemp(kit->folder)) {
        need(SHOAL_EIO, &err, "no temporary folder");
    }
    snprintf(path, sizeof(path), "%s/shoal.lua", kit->folder);
    need(shoal_file_write_whole(path, text, strlen(text), 0600, &err), &err, path);
    kit->config = shoal_config_read(kit->folder, NULL, 0, &err);
    need(kit->config ? 0 : SHOAL_EINVAL, &err, "shoal.lua");
    for (int i = 0; i < 3; i++) {
        static const char *const names[] = {"media", "tmp", "data"};
        snprintf(path, sizeof(path), "%s/%s", kit->folder, names[i]);
        need(shoal_folder_make(path, 0700, &err), &err, path);
    }
}

static struct shoal_call *add_call(struct shoal_kit *kit)
{
    if (kit->call_count == CALLS_MAX) {
        fprintf(stderr, "testkit: more than %d calls\n", CALLS_MAX);
        abort();
    }
    struct shoal_call *call = shoal_alloc(1, sizeof(*call));
    shoal_call_init(call);
    kit->calls[kit->call_count++] = call;
    return call;
}

struct shoal_kit *shoal_kit_new(const char *config_lua)
{
    struct shoal_kit *kit = shoal_alloc(1, sizeof(*kit));
    struct shoal_err err = {0};
    char path[128];
    char copied[4096] = "";
    shoal_log_set_level(getenv("SHOAL_KIT_LOG") ? SHOAL_LOG_DEBUG : SHOAL_LOG_ERROR);
    write_config(kit, config_lua ? config_lua : "plugins = {}\n");
    snprintf(path, sizeof(path), "%s/shoal.sqlite3", kit->folder);
    need(shoal_data_open(path, &err), &err, "database");
    need(shoal_catalog_migrate(copied, &err), &err, "catalog");
    kit->router = shoal_router_new();
    kit->system = add_call(kit);
    struct shoal_host_options options = {.config = kit->config,
        .router = kit->router,
        .shipped_plugins = SHOAL_BUILD_DIR "/plugins",
        .themes = SHOAL_SOURCE_DIR "/themes"};
    shoal_host_settings_open(kit->config);
    need(shoal_catalog_start(kit->config, &err), &err, "catalog");
    need(shoal_catalog_found(kit->system, "root", "password of the kit", "root@example.org", &err),
        &err, "administrator");
    need(shoal_super_local(&err), &err, "processes");
    need(shoal_host_start(&options, &err), &err, "host");
    need(shoal_jobs_start(2, &err), &err, "jobs");
    json_t *plugins = shoal_host_plugins();
    for (size_t i = 0; i < json_array_size(plugins); i++) {
        const json_t *plugin = json_array_get(plugins, i);
        const char *sentence = shoal_text(plugin, "sentence", NULL);
        if (sentence) {
            shoal_fail(&err, SHOAL_EINVAL, "%s", sentence);
            need(SHOAL_EINVAL, &err, shoal_text(plugin, "name", "a plugin"));
        }
    }
    json_decref(plugins);
    return kit;
}

void shoal_kit_free(struct shoal_kit *kit)
{
    if (!kit) {
        return;
    }
    for (size_t i = kit->call_count; i > 0; i--) {
        shoal_call_fini(kit->calls[i - 1]);
        free(kit->calls[i - 1]);
    }
    shoal_jobs_stop();
    shoal_host_stop();
    shoal_catalog_stop();
    shoal_router_free(kit->router);
    shoal_data_close();
    shoal_config_free(kit->config);
    shoal_tree_remove(kit->folder, NULL);
    free(kit);
}

const char *shoal_kit_folder(const struct shoal_kit *kit)
{
    return kit->folder;
}

int shoal_kit_load_text(struct shoal_kit *kit, const struct shoal_plugin_descriptor *descriptor,
    const char *manifest, json_t *options, struct shoal_err *err)
{
    (void)kit;
    return shoal_host_builtin(descriptor, manifest, "", options, err);
}

int shoal_kit_load(struct shoal_kit *kit, const struct shoal_plugin_descriptor *descriptor,
    const char *folder, json_t *options, struct shoal_err *err)
{
    (void)kit;
    struct shoal_buf text = {.limit = MANIFEST_MAX + 1};
    char path[4096];
    snprintf(path, sizeof(path), "%s/plugin.json", folder);
    int code = shoal_file_read_whole(path, MANIFEST_MAX, &text, err);
    if (code == 0) {
        code = shoal_host_builtin(descriptor, text.data ? text.data : "", folder, options, err);
    } else {
        json_decref(options);
    }
    shoal_buf_fini(&text);
    return code;
}

struct shoal_plugin *shoal_kit_plugin(struct shoal_kit *kit, const char *name)
{
    (void)kit;
    return shoal_plugin_find(name);
}

struct shoal_call *shoal_kit_system(struct shoal_kit *kit)
{
    return kit->system;
}

struct shoal_call *shoal_kit_anonymous(struct shoal_kit *kit)
{
    struct shoal_call *call = add_call(kit);
    call->viewer = (struct shoal_viewer){.kind = SHOAL_VIEWER_ANONYMOUS, .role = SHOAL_ROLE_USER};
    return call;
}

/// Takes the viewer on as a user of the catalog's list, found by name.
static void become(struct shoal_kit *kit, struct shoal_call *call, const char *name)
{
    struct shoal_err err = {0};
    json_t *query = json_pack("{s:i, s:s}", "count", 100, "search", name);
    json_t *list = shoal_user_list(kit->system, query, &err);
    need(list ? 0 : SHOAL_EIO, &err, "users");
    json_decref(query);
    const json_t *data = json_object_get(list, "data");
    for (size_t i = 0; i < json_array_size(data); i++) {
        const json_t *user = json_array_get(data, i);
        if (strcmp(shoal_text(user, "username", ""), name) == 0) {
            call->viewer = (struct shoal_viewer){.kind = SHOAL_VIEWER_USER,
                .role = (enum shoal_role)shoal_integer(user, "role.id", SHOAL_ROLE_USER),
                .user_id = shoal_integer(user, "id", 0),
                .account_id = shoal_integer(user, "account.id", 0),
                .username = shoal_arena_strdup(call->arena, name)};
        }
    }
    json_decref(list);
    shoal_fail(&err, SHOAL_ENOTFOUND, "there is no user %s", name);
    need(call->viewer.kind == SHOAL_VIEWER_USER ? 0 : SHOAL_ENOTFOUND, &err, "users");
}

struct shoal_call *shoal_kit_admin(struct shoal_kit *kit)
{
    struct shoal_call *call = add_call(kit);
    become(kit, call, "root");
    return call;
}

struct shoal_call *shoal_kit_user(struct shoal_kit *kit, const char *name)
{
    struct shoal_err err = {0};
    struct shoal_call *admin = shoal_kit_admin(kit);
    char email[128];
    snprintf(email, sizeof(email), "%.60s@example.org", name);
    json_t *fields = json_pack("{s:s, s:s, s:s, s:i}", "username", name, "password",
        "password of the kit", "email", email, "role", SHOAL_ROLE_USER);
    json_t *made = shoal_user_create(admin, fields, "admin", &err);
    need(made ? 0 : SHOAL_EINVAL, &err, name);
    json_decref(made);
    json_decref(fields);
    struct shoal_call *call = add_call(kit);
    become(kit, call, name);
    return call;
}

int shoal_kit_request(struct shoal_call *call, const char *method, const char *path,
    const json_t *body, json_t **answer)
{
    struct shoal_err err = {0};
    json_t *unused = NULL;
    int status = 0;
    int code = shoal_inprocess(call, method, path, body, &status, answer ? answer : &unused, &err);
    need(code, &err, path);
    json_decref(unused);
    return status;
}

bool shoal_kit_idle(struct shoal_kit *kit, int timeout_ms)
{
    int64_t end = shoal_tick_ms() + timeout_ms;
    int quiet = 0;
    for (;;) {
        struct shoal_call call;
        shoal_host_tells_wait();
        shoal_call_init(&call);
        json_t *waiting = shoal_jobs_list(&call, "waiting", 0, 100, NULL);
        json_t *active = shoal_jobs_list(&call, "active", 0, 1, NULL);
        bool is_due = false;
        const json_t *jobs = json_is_array(waiting) ? waiting : json_object_get(waiting, "data");
        for (size_t i = 0; i < json_array_size(jobs); i++) {
            is_due |= shoal_integer(json_array_get(jobs, i), "run_at", 0) <= shoal_now_ms() + 30000;
        }
        const json_t *running = json_is_array(active) ? active : json_object_get(active, "data");
        is_due |= json_array_size(running) > 0;
        json_decref(waiting);
        json_decref(active);
        shoal_call_fini(&call);
        // Twice: a job that fails comes back between one look and the other.
        quiet = is_due ? 0 : quiet + 1;
        if (quiet == 2) {
            shoal_host_tells_wait();
            return true;
        }
        if (shoal_tick_ms() > end) {
            return false;
        }
        usleep(20000);
        (void)kit;
    }
}

// test_kit.h - a host with a database in a temporary folder, for the unit tests of this room.
// SPDX-License-Identifier: AGPL-3.0-or-later
#ifndef SHOAL_CORE_HOST_TEST_KIT_H
#define SHOAL_CORE_HOST_TEST_KIT_H
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <shoal/json.h>

#include "base/file.h"
#include "base/log.h"
#include "data/data.h"
#include "host/builtin.h"
#include "host/config.h"
#include "host/host.h"
#include "host/plugin_priv.h"

struct kit {
    char folder[64];
    struct shoal_config *config;
    struct shoal_router *router;
    struct shoal_call call;
};

static inline void kit_write(const struct kit *kit, const char *name, const char *text)
{
    char path[256];
    snprintf(path, sizeof(path), "%s/%s", kit->folder, name);
    assert_int_equal(shoal_file_write_whole(path, text, strlen(text), 0600, NULL), 0);
}

static inline void kit_folder(struct kit *kit)
{
    memset(kit, 0, sizeof(*kit));
    snprintf(kit->folder, sizeof(kit->folder), "/tmp/shoal_host_XXXXXX");
    assert_non_null(mkdtemp(kit->folder));
    shoal_log_set_level(getenv("SHOAL_KIT_LOG") ? SHOAL_LOG_DEBUG : SHOAL_LOG_ERROR);
}

/// Opens the database and reads shoal.lua; the host is started by kit_start().
static inline void kit_open(struct kit *kit, const char *lua)
{
    struct shoal_err err = {0};
    char path[128];
    kit_folder(kit);
    char *text = NULL;
    assert_true(asprintf(&text, "%s\nlog = { level = \"error\" }\n", lua) > 0);
    kit_write(kit, "shoal.lua", text);
    free(text);
    snprintf(path, sizeof(path), "%s/shoal.sqlite3", kit->folder);
    if (shoal_data_open(path, &err) < 0) {
        fail_msg("%s", err.text);
    }
    kit->config = shoal_config_read(kit->folder, NULL, 0, &err);
    if (!kit->config) {
        fail_msg("%s", err.text);
    }
    kit->router = shoal_router_new();
    shoal_call_init(&kit->call);
}

static inline void kit_start(struct kit *kit, bool is_safe_mode)
{
    struct shoal_err err = {0};
    struct shoal_host_options options = {
        .config = kit->config, .router = kit->router, .is_safe_mode = is_safe_mode};
    if (shoal_host_start(&options, &err) < 0) {
        fail_msg("%s", err.text);
    }
}

static inline void kit_close(struct kit *kit)
{
    shoal_jobs_stop();
    shoal_host_stop();
    shoal_call_fini(&kit->call);
    shoal_router_free(kit->router);
    shoal_data_close();
    shoal_config_free(kit->config);
    shoal_tree_remove(kit->folder, NULL);
}

/// A manifest with these further members ("\"hooks\": [...]").
static inline char *kit_manifest(const char *name, const char *more)
{
    char *text = NULL;
    int length = asprintf(&text,
        "{\"name\": \"%s\", \"version\": \"1.0.0\", \"summary\": \"for a test\", \"licence\": "
        "\"MIT\", \"sdk\": \"^1.0\", \"language\": \"c\"%s%s}",
        name, *more ? ", " : "", more);
    assert_true(length > 0);
    return text;
}

static inline int kit_load(const char *name,
    int (*start)(struct shoal_plugin *self, struct shoal_err *err), const char *more,
    json_t *options, struct shoal_err *err)
{
    static struct shoal_plugin_descriptor descriptors[32];
    static size_t used;
    struct shoal_plugin_descriptor *descriptor = &descriptors[used++ % 32];
    *descriptor = (struct shoal_plugin_descriptor){.size = sizeof(*descriptor),
        .abi_major = SHOAL_ABI_MAJOR,
        .abi_minor = SHOAL_ABI_MINOR,
        .name = name,
        .start = start};
    char *manifest = kit_manifest(name, more);
    int code = shoal_host_builtin(descriptor, manifest, "", options, err);
    free(manifest);
    return code;
}

#endif

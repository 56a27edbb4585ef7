// instance.c - opens an instance for a verb, as far as the verb needs it.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <shoal/base.h>

#include "base/log.h"
#include "catalog/catalog.h"
#include "cli/cli.h"
#include "data/data.h"
#include "super/drop.h"
#include "super/super.h"

const char *shoal_instance_database(const struct shoal_config *config, char path[PATH_MAX])
{
    const char *set = json_string_value(shoal_config_get(config, "database.path"));
    if (set == NULL) {
        snprintf(path, PATH_MAX, "%s/shoal.sqlite3", config->folder);
    } else {
        snprintf(path, PATH_MAX, "%s%s%s", set[0] == '/' ? "" : config->folder,
            set[0] == '/' ? "" : "/", set);
    }
    return path;
}

struct shoal_host_options shoal_instance_host_options(const struct shoal_config *config,
    struct shoal_router *router)
{
    static char plugins[PATH_MAX], themes[PATH_MAX];
    bool has_plugins = shoal_path_shipped("plugins", plugins);
    bool has_themes = shoal_path_shipped("themes", themes);
    return (struct shoal_host_options){
        .config = config,
        .shipped_plugins = has_plugins ? plugins : NULL,
        .themes = has_themes ? themes : NULL,
        .router = router,
    };
}

static int open_parts(struct shoal_instance *instance, const char *folder, enum shoal_open level,
    const char *const *sets, size_t count, struct shoal_err *err)
{
    instance->config = shoal_config_read(folder, sets, count, err);
    if (instance->config == NULL) {
        return SHOAL_EINVAL;
    }
    if (level == SHOAL_OPEN_CONFIG) {
        return 0;
    }
    char path[PATH_MAX];
    struct stat info;
    if (stat(shoal_instance_database(instance->config, path), &info) != 0) {
        return shoal_fail(err, SHOAL_ENOTFOUND,
            "there is no database at %s; `shoal init %s` makes an instance", path, folder);
    }
    int code = shoal_data_open(path, err);
    if (code != 0) {
        return code;
    }
    instance->level = SHOAL_OPEN_DATA;
    shoal_call_init(&instance->call);
    instance->has_call = true;
    if (level == SHOAL_OPEN_DATA) {
        return 0;
    }
    code = shoal_catalog_migrate(NULL, err);
    code = code != 0 ? code : shoal_catalog_start(instance->config, err);
    if (code != 0) {
        return code;
    }
    instance->level = SHOAL_OPEN_CATALOG;
    if (level == SHOAL_OPEN_CATALOG) {
        shoal_host_settings_open(instance->config);
        return 0;
    }
    instance->router = shoal_router_new();
    struct shoal_host_options options =
        shoal_instance_host_options(instance->config, instance->router);
    options.is_cli = true;
    code = shoal_host_start(&options, err);
    if (code == 0) {
        instance->level = SHOAL_OPEN_HOST;
    }
    return code;
}

int shoal_instance_open_as_is(struct shoal_instance *instance, const char *folder,
    enum shoal_open level, struct shoal_err *err)
{
    return shoal_instance_open_with(instance, folder, level, NULL, 0, err);
}

int shoal_instance_open_with(struct shoal_instance *instance, const char *folder,
    enum shoal_open level, const char *const *sets, size_t count, struct shoal_err *err)
{
    *instance = (struct shoal_instance){0};
    // A command speaks by its output; only what went wrong is worth a log line.
    shoal_log_set_level(SHOAL_LOG_WARN);
    int code = open_parts(instance, folder, level, sets, count, err);
    if (code != 0) {
        shoal_instance_close(instance);
    }
    return code;
}

int shoal_instance_open(struct shoal_instance *instance, const char *folder,
    enum shoal_open level, struct shoal_err *err)
{
    *instance = (struct shoal_instance){0};
    int code = shoal_config_there(folder, err);
    code = code != 0 ? code : shoal_drop_to_owner(folder, err);
    return code == 0 ? shoal_instance_open_as_is(instance, folder, level, err) : code;
}

void shoal_instance_close(struct shoal_instance *instance)
{
    if (instance->has_call) {
        shoal_call_fini(&instance->call);
    }
    if (instance->level >= SHOAL_OPEN_HOST) {
        shoal_host_stop();
    }
    if (instance->router != NULL) {
        shoal_router_free(instance->router);
    }
    if (instance->level >= SHOAL_OPEN_CATALOG) {
        shoal_catalog_stop();
    }
    if (instance->level >= SHOAL_OPEN_DATA) {
        shoal_data_close();
    }
    if (instance->config != NULL) {
        shoal_config_free(instance->config);
    }
    *instance = (struct shoal_instance){0};
}

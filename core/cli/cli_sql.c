// cli_sql.c - shoal sql: all SQL of the core and of plugins, for the tests that try it on databases.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <shoal/plugin.h>

#include "catalog/catalog.h"
#include "cli/cli.h"
#include "data/data.h"
#include "host/manifest.h"

/// What is gathered: migrations in order, then the statements that need their tables.
struct sheet {
    json_t *migrations; ///< [{owner, number, name, sql}]
    json_t *statements; ///< [{owner, name, sql}]
    const char *dialect;
    const char *owner;
};

static int migrations_add(struct sheet *sheet, const char *owner,
    const struct shoal_migration *list, size_t count, struct shoal_err *err)
{
    for (size_t i = 0; i < count; i++) {
        char *sql = shoal_migration_translate(list[i].sql, sheet->dialect, err);
        if (sql == NULL) {
            return err->code;
        }
        json_array_append_new(sheet->migrations,
            json_pack("{s:s, s:i, s:s, s:s}", "owner", owner, "number", list[i].number, "name",
                list[i].name, "sql", sql));
        free(sql);
    }
    return 0;
}

static int statement_add(const struct shoal_sql *sql, void *user)
{
    struct sheet *sheet = user;
    json_array_append_new(sheet->statements,
        json_pack("{s:s, s:s, s:s}", "owner", sheet->owner, "name", sql->name, "sql", sql->text));
    return 0;
}

static int core_add(struct sheet *sheet, struct shoal_err *err)
{
    size_t count = 0;
    const struct shoal_migration *list = shoal_data_migrations(&count);
    int code = migrations_add(sheet, "core.data", list, count, err);
    if (code == 0) {
        list = shoal_host_migrations(&count);
        code = migrations_add(sheet, "core.host", list, count, err);
    }
    if (code == 0) {
        list = shoal_catalog_migrations(&count);
        code = migrations_add(sheet, "core.catalog", list, count, err);
    }
    sheet->owner = "core";
    shoal_sql_each(__start_shoal_sql, __stop_shoal_sql, statement_add, sheet);
    return code;
}

/// The statements of a plugin in C: it is loaded, and nothing of it is called.
static int module_add(struct sheet *sheet, const char *folder, const char *name,
    struct shoal_err *err)
{
    char path[PATH_MAX];
    int wrote = snprintf(path, sizeof path, "%s/%s.so", folder, name);
    void *module = wrote < (int)sizeof path ? dlopen(path, RTLD_NOW | RTLD_LOCAL) : NULL;
    if (module == NULL) {
        return shoal_fail(err, SHOAL_EUNREADABLE, "%s", dlerror());
    }
    const struct shoal_plugin_descriptor *plugin = dlsym(module, "shoal_plugin_descriptor");
    if (plugin == NULL) {
        return shoal_fail(err, SHOAL_EUNREADABLE, "%s is not a plugin", path);
    }
    shoal_sql_each(plugin->sql_start, plugin->sql_stop, statement_add, sheet);
    return 0;
}

static int plugin_add(struct sheet *sheet, const char *folder, struct shoal_err *err)
{
    char path[PATH_MAX];
    const struct shoal_migration *list = NULL;
    size_t count = 0;
    struct shoal_arena *arena = shoal_arena_new(0);
    const struct shoal_manifest *manifest = shoal_manifest_read(arena, folder, NULL, err);
    int code = manifest == NULL ? SHOAL_EINVAL : 0;
    if (code == 0 && snprintf(path, sizeof path, "%s/migrations", folder) >= (int)sizeof path) {
        code = shoal_fail(err, SHOAL_EINVAL, "the path of %s is too long", manifest->name);
    }
    code = code != 0 ? code : shoal_migrations_read(arena, path, &list, &count, err);
    code = code != 0 ? code : migrations_add(sheet, manifest->name, list, count, err);
    if (code == 0 && manifest->language != NULL && strcmp(manifest->language, "c") == 0) {
        sheet->owner = manifest->name;
        code = module_add(sheet, folder, manifest->name, err);
    }
    shoal_arena_free(arena);
    return code;
}

static int run_sql(const struct shoal_args *args)
{
    struct shoal_err err = {0};
    const char *dialect = shoal_args_get(args, "dialect");
    struct sheet sheet = {.migrations = json_array(), .statements = json_array(),
        .dialect = dialect != NULL ? dialect : "sqlite"};
    int code = core_add(&sheet, &err);
    for (int i = 0; i < args->word_count && code == 0; i++) {
        code = plugin_add(&sheet, args->words[i], &err);
    }
    if (code == 0) {
        shoal_cli_print_json(json_pack("{s:O, s:O}", "migrations", sheet.migrations, "statements",
            sheet.statements));
    }
    json_decref(sheet.migrations);
    json_decref(sheet.statements);
    return code == 0 ? SHOAL_EXIT_FINE : shoal_cli_fail(&err);
}

static const struct shoal_option sql_options[] = {
    {"dialect", "NAME", "sqlite or postgresql"},
    {NULL, NULL, NULL},
};

const struct shoal_command shoal_cli_hidden[] = {
    {"sql", "…", "prints the migrations and statements of the core and of plugins' folders",
        sql_options, run_sql},
    {NULL, NULL, NULL, NULL, NULL},
};

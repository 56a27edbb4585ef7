// plugin_new.c - shoal plugin new: a folder from the templates of the SDK.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <shoal/buf.h>

#include "base/file.h"
#include "cli/cli.h"
#include "cli/plugins.h"
#include "host/manifest.h"

#define MARK      "@NAME@"
#define FILE_MOST (256u * 1024)
#define DEPTH_MAX 8

char *shoal_template_fill(const char *text, size_t length, const char *name, size_t *out_length)
{
    struct shoal_buf out = {0};
    const char *end = text + length;
    while (text < end) {
        const char *mark = memmem(text, (size_t)(end - text), MARK, strlen(MARK));
        const char *until = mark != NULL ? mark : end;
        shoal_buf_add(&out, text, (size_t)(until - text));
        if (mark != NULL) {
            shoal_buf_puts(&out, name);
            until += strlen(MARK);
        }
        text = until;
    }
    shoal_buf_add(&out, "", 0);
    size_t ignored;
    return shoal_buf_take(&out, out_length != NULL ? out_length : &ignored);
}

static int copy_file(const char *from, const char *to, const char *name, struct shoal_err *err)
{
    struct shoal_buf text = {0};
    int code = shoal_file_read_whole(from, FILE_MOST, &text, err);
    if (code == 0) {
        size_t length = 0;
        char *filled =
            shoal_template_fill(text.data != NULL ? text.data : "", text.length, name, &length);
        code = shoal_file_write_whole(to, filled != NULL ? filled : "", length, 0644, err);
        free(filled);
    }
    shoal_buf_fini(&text);
    return code;
}

static int copy_folder(
    const char *from, const char *to, const char *name, int depth, struct shoal_err *err)
{
    DIR *folder = opendir(from);
    if (folder == NULL || depth > DEPTH_MAX) {
        if (folder != NULL) {
            closedir(folder);
        }
        return shoal_file_fail(err, folder == NULL ? errno : ELOOP, "read the templates in", from);
    }
    int code = shoal_folder_make(to, 0755, err);
    const struct dirent *entry;
    while (code == 0 && (entry = readdir(folder)) != NULL) {
        if (entry->d_name[0] == '.') {
            continue;
        }
        char source[PATH_MAX], target[PATH_MAX];
        char *called = shoal_template_fill(entry->d_name, strlen(entry->d_name), name, NULL);
        int a = snprintf(source, sizeof source, "%s/%s", from, entry->d_name);
        int b = snprintf(target, sizeof target, "%s/%s", to, called);
        free(called);
        struct stat info;
        if (a >= (int)sizeof source || b >= (int)sizeof target || stat(source, &info) != 0) {
            code = shoal_fail(err, SHOAL_EINVAL, "a path of the templates is too long");
        } else if (S_ISDIR(info.st_mode)) {
            code = copy_folder(source, target, name, depth + 1, err);
        } else {
            code = copy_file(source, target, name, err);
        }
    }
    closedir(folder);
    return code;
}

int shoal_cli_plugin_new(const struct shoal_args *args)
{
    const char *name = args->words[0];
    bool is_c = shoal_args_has(args, "c"), is_lua = shoal_args_has(args, "lua");
    if (is_c && is_lua) {
        return shoal_cli_usage("--c or --lua, not both");
    }
    if (!shoal_manifest_name_valid(name)) {
        return shoal_cli_usage("%s is no name for a plugin: a to z, digits and _, a letter first, "
                               "2 to 40 characters",
            name);
    }
    char templates[PATH_MAX], from[PATH_MAX + 8], to[PATH_MAX]; // from holds a whole path later on
    struct stat info;
    if (!shoal_path_shipped("templates", templates)) {
        return shoal_cli_say_fail("the templates of the SDK are not installed beside this program");
    }
    snprintf(from, sizeof from, "%s/%s", templates, is_c ? "c" : "lua");
    const char *parent = shoal_args_get(args, "in");
    snprintf(to, sizeof to, "%s/%s", parent != NULL ? parent : ".", name);
    if (stat(to, &info) == 0) {
        return shoal_cli_say_fail("%s is there already", to);
    }
    struct shoal_err err = {0};
    int code = copy_folder(from, to, name, 0, &err);
    if (code != 0) {
        struct shoal_err ignored = {0};
        shoal_tree_remove(to, &ignored);
        return shoal_cli_fail(&err);
    }
    printf("A new plugin is in %s; its README.md says how to build, test and run it.\n", to);
    char include[PATH_MAX];
    if (is_c && shoal_path_shipped("include", include)) {
        printf("Build it with: cd %s && cmake -B .build -DSHOAL_SDK=%s && cmake --build .build\n",
            to, realpath(include, from) != NULL ? from : include);
    }
    return SHOAL_EXIT_FINE;
}

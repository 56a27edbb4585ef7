// init.c - shoal init: makes the folder of an instance, its configuration, its first administrator.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <jansson.h>
#include <sodium.h>

#include <shoal/base.h>
#include <shoal/catalog.h>

#include "base/file.h"
#include "catalog/catalog.h"
#include "cli/cli.h"
#include "cli/serve.h"
#include "super/drop.h"

#define PASSWORD_CHARS 20
#define PLUGINS_MOST   32

struct plan {
    const char *folder, *listen, *url;
    char admin[64];
    char password[512];
    bool is_generated;
    char owner[64];
    char made[PATH_MAX]; ///< the topmost folder that was not there before, or ""
};

static void password_new(char out[PASSWORD_CHARS + 1])
{
    // Without the characters that are read for one another.
    static const char letters[] = "abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789";
    for (int i = 0; i < PASSWORD_CHARS; i++) {
        out[i] = letters[randombytes_uniform(sizeof letters - 1)];
    }
    out[PASSWORD_CHARS] = '\0';
}

static int ask_rest(struct plan *plan, const struct shoal_args *args, struct shoal_err *err)
{
    const char *admin = shoal_args_get(args, "admin");
    const char *password = shoal_args_get(args, "password");
    bool can = shoal_ask_can();
    if (admin == NULL && can) {
        char answer[64] = "";
        shoal_ask("Name of the administrator [root]:", false, answer, sizeof answer);
        snprintf(plan->admin, sizeof plan->admin, "%s", answer[0] != '\0' ? answer : "root");
    } else {
        snprintf(plan->admin, sizeof plan->admin, "%s", admin != NULL ? admin : "root");
    }
    if (password == NULL && can && admin == NULL) {
        shoal_ask("Password (empty: one is made):", true, plan->password, sizeof plan->password);
    } else if (password != NULL) {
        snprintf(plan->password, sizeof plan->password, "%s", password);
    }
    if (plan->password[0] == '\0') {
        password_new(plan->password);
        plan->is_generated = true;
    }
    if (strlen(plan->password) < 6 || strlen(plan->password) > 255) {
        return shoal_fail(
            err, SHOAL_EINVAL, "the password needs at least 6 characters, and at most 255");
    }
    return 0;
}

bool shoal_init_expects(const char *name)
{
    static const char *const names[] = {
        "plugins", "run", "tmp", "media", "themes", "tls", "lost+found"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strcmp(names[i], name) == 0) {
            return true;
        }
    }
    return name[0] == '.';
}

int shoal_init_refuse(const char *folder, const char *name, struct shoal_err *err)
{
    return shoal_fail(err, SHOAL_ECONFLICT,
        "%s is not empty (%s is in it): an instance wants a folder of its own", folder, name);
}

static int folder_check(const char *folder, struct shoal_err *err)
{
    char path[PATH_MAX];
    struct stat info;
    snprintf(path, sizeof path, "%s/shoal.lua", folder);
    if (stat(path, &info) == 0) {
        return shoal_fail(err, SHOAL_ECONFLICT, "%s is an instance already", folder);
    }
    if (folder[0] == '\0') {
        return shoal_fail(err, SHOAL_EINVAL, "a folder's path is empty");
    }
    DIR *dir = opendir(folder);
    if (dir == NULL) {
        return errno == ENOENT ? 0 : shoal_file_fail(err, errno, "use", folder);
    }
    int code = 0;
    for (const struct dirent *entry; code == 0 && (entry = readdir(dir)) != NULL;) {
        if (!shoal_init_expects(entry->d_name)) {
            code = shoal_init_refuse(folder, entry->d_name, err);
        }
    }
    closedir(dir);
    return code;
}

/// Makes the folder and what lies above it, and remembers the topmost one that was made.
static int folder_make(struct plan *plan, struct shoal_err *err)
{
    char above[PATH_MAX];
    struct stat info;
    snprintf(above, sizeof above, "%s", plan->folder);
    size_t length = strlen(above);
    while (length > 0 && (stat(above, &info) != 0 && errno == ENOENT)) {
        snprintf(plan->made, sizeof plan->made, "%s", above);
        while (length > 0 && above[length - 1] != '/') {
            length--;
        }
        while (length > 1 && above[length - 1] == '/') {
            length--;
        }
        above[length] = '\0';
    }
    snprintf(above, sizeof above, "%s", plan->folder);
    char *slash = strrchr(above, '/');
    int code = 0;
    if (slash != NULL && slash != above) {
        *slash = '\0';
        code = shoal_folder_make(above, 0755, err); // whoever will own the instance goes through it
    }
    return code == 0 ? shoal_folder_make(plan->folder, 0750, err) : code;
}

/// Given away when root makes it: to a user who can reach it.
static int folder_give(struct plan *plan, struct shoal_err *err)
{
    struct stat info;
    if (stat(plan->folder, &info) != 0) {
        return shoal_file_fail(err, errno, "use", plan->folder);
    }
    if (geteuid() != 0 || info.st_uid != 0) {
        return 0; // it belongs to somebody already
    }
    uid_t uid = 0;
    gid_t gid = 0;
    int code = shoal_drop_choose(&uid, &gid, plan->owner, err);
    if (code == 0 && lchown(plan->folder, uid, gid) != 0) {
        code = shoal_fail(err, SHOAL_EFORBIDDEN, "%s cannot be given to %s: %s", plan->folder,
            plan->owner, strerror(errno));
    }
    code = code == 0 ? shoal_drop_reaches(plan->folder, uid, plan->owner, err) : code;
    if (code != 0 && lchown(plan->folder, info.st_uid, info.st_gid) != 0) {
        shoal_warn("%s belongs to %s now", plan->folder, plan->owner);
    }
    return code;
}

/// The plugins that a plain site is made of, in order: starter.json beside the shipped plugins.
static json_t *plugins_found(void)
{
    char folder[PATH_MAX], path[PATH_MAX + 64];
    json_t *found = json_array();
    if (!shoal_path_shipped("plugins", folder)) {
        return found;
    }
    snprintf(path, sizeof path, "%s/starter.json", folder);
    json_t *wanted = json_load_file(path, 0, NULL);
    size_t index;
    json_t *name;
    json_array_foreach(wanted, index, name)
    {
        struct stat info;
        const char *text = json_string_value(name);
        snprintf(path, sizeof path, "%s/%s/plugin.json", folder, text != NULL ? text : "");
        if (text != NULL && stat(path, &info) == 0 && json_array_size(found) < PLUGINS_MOST) {
            json_array_append(found, name);
        }
    }
    json_decref(wanted);
    return found;
}

static int folders_make(const char *folder, struct shoal_err *err)
{
    static const char *const folders[] = {"plugins", "run", "tmp"};
    int code = 0;
    for (size_t i = 0; i < 3 && code == 0; i++) {
        char path[PATH_MAX];
        snprintf(path, sizeof path, "%s/%s", folder, folders[i]);
        code = shoal_folder_make(path, 0750, err);
    }
    return code;
}

static int config_write(const struct plan *plan, struct shoal_err *err)
{
    json_t *found = plugins_found();
    const char *plugins[PLUGINS_MOST + 1] = {NULL};
    for (size_t i = 0; i < json_array_size(found); i++) {
        plugins[i] = json_string_value(json_array_get(found, i));
    }
    char *text = shoal_init_config(plan->listen, plan->url, plugins);
    json_decref(found);
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/shoal.lua", plan->folder);
    int code = shoal_file_write_whole(path, text, strlen(text), 0640, err);
    free(text);
    return code == 0 ? folders_make(plan->folder, err) : code;
}

int shoal_init_folder(const char *folder, struct shoal_err *err)
{
    struct plan plan = {.folder = folder};
    int code = folder_check(folder, err);
    code = code != 0 ? code : folder_make(&plan, err);
    code = code != 0 ? code : folder_give(&plan, err);
    code = code != 0 ? code : shoal_drop_to_owner(folder, err);
    return code != 0 ? code : folders_make(folder, err);
}

/// Opens the new database and puts the first administrator in.
static int found(const struct plan *plan, struct shoal_err *err)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/shoal.sqlite3", plan->folder);
    int code = shoal_file_write_whole(path, "", 0, 0640, err);
    if (code != 0) {
        return code;
    }
    struct shoal_instance instance;
    // With its plugins, so that all tables stand before the first serve.
    code = shoal_instance_open(&instance, plan->folder, SHOAL_OPEN_HOST, err);
    if (code != 0) {
        return code;
    }
    code = shoal_catalog_found(&instance.call, plan->admin, plan->password, NULL, err);
    shoal_instance_close(&instance);
    return code;
}

/// Takes back what was made, and nothing else: folders that are not empty stay.
static void undo(const struct plan *plan)
{
    const char *folder = plan->folder;
    static const char *const files[] = {
        "shoal.lua", "shoal.sqlite3", "shoal.sqlite3-wal", "shoal.sqlite3-shm"};
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        char path[PATH_MAX];
        snprintf(path, sizeof path, "%s/%s", folder, files[i]);
        unlink(path);
    }
    if (plan->made[0] == '\0') {
        return; // what is empty in there may have been prepared
    }
    static const char *const folders[] = {"media/.tmp", "media", "plugins", "run", "tmp"};
    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++) {
        char path[PATH_MAX];
        snprintf(path, sizeof path, "%s/%s", folder, folders[i]);
        rmdir(path);
    }
    char path[PATH_MAX];
    size_t least = strlen(plan->made);
    snprintf(path, sizeof path, "%s", folder);
    while (least > 0 && strlen(path) >= least && rmdir(path) == 0) {
        char *slash = strrchr(path, '/');
        if (slash == NULL) {
            break;
        }
        *slash = '\0';
    }
}

static void address_of(const struct plan *plan, char out[256])
{
    snprintf(out, 256, "http://%s", plan->listen);
    if (strncmp(plan->listen, "127.0.0.1:", 10) == 0 || strncmp(plan->listen, "0.0.0.0:", 8) == 0) {
        snprintf(out, 256, "http://localhost%s", strchr(plan->listen, ':'));
    }
    if (plan->url != NULL) {
        snprintf(out, 256, "%s", plan->url);
    }
}

static void tell(const struct plan *plan, bool is_json)
{
    char address[256];
    address_of(plan, address);
    if (is_json) {
        shoal_cli_print_json(
            json_pack("{s:s, s:s, s:s, s:s?, s:s?}", "folder", plan->folder, "address", address,
                "name", plan->admin, "password", plan->is_generated ? plan->password : NULL,
                "owner", plan->owner[0] != '\0' ? plan->owner : NULL));
        return;
    }
    printf("A new instance is in %s.\n", plan->folder);
    if (plan->owner[0] != '\0') {
        printf("It belongs to the user %s, as whom it will be served.\n", plan->owner);
    }
    printf("\n  address    %s\n  name       %s\n  password   %s\n\n", address, plan->admin,
        plan->is_generated ? plan->password : "(as given)");
    if (plan->is_generated) {
        puts("The password is shown this once; `shoal user password` sets another.");
    }
    printf("Serve it with: shoal serve %s\n", plan->folder);
}

int shoal_cli_init(const struct shoal_args *args)
{
    struct shoal_err err = {0};
    static char folder[PATH_MAX];
    snprintf(folder, sizeof folder, "%s", args->words[0]);
    for (size_t end = strlen(folder); end > 1 && folder[end - 1] == '/'; end--) {
        folder[end - 1] = '\0';
    }
    struct plan plan = {.folder = folder,
        .listen = shoal_args_get(args, "listen"),
        .url = shoal_args_get(args, "url")};
    plan.listen = plan.listen != NULL ? plan.listen : "127.0.0.1:9000";
    if (!shoal_init_listen_valid(plan.listen)) {
        return shoal_cli_usage(
            "\"%s\" is no address to listen on, like 127.0.0.1:9000", plan.listen);
    }
    if (plan.url != NULL && shoal_config_url_check(plan.url, &err) != 0) {
        return shoal_cli_usage("--url %s: %s", plan.url, err.text);
    }
    int code = ask_rest(&plan, args, &err);
    code = code != 0 ? code : shoal_catalog_admin_check(plan.admin, &err);
    if (code != 0) {
        sodium_memzero(plan.password, sizeof plan.password);
        return shoal_cli_usage("%s", err.text);
    }
    code = folder_check(plan.folder, &err);
    if (code == 0) {
        code = folder_make(&plan, &err);
        code = code != 0 ? code : folder_give(&plan, &err);
        code = code != 0 ? code : shoal_drop_to_owner(plan.folder, &err);
        code = code != 0 ? code : config_write(&plan, &err);
        code = code != 0 ? code : found(&plan, &err);
        if (code != 0) {
            undo(&plan);
        } else {
            tell(&plan, shoal_args_has(args, "json"));
        }
    }
    sodium_memzero(plan.password, sizeof plan.password);
    return code == 0 ? SHOAL_EXIT_FINE : shoal_cli_fail(&err);
}

// cli_backups.c - shoal backup and restore: database, configuration, keys, plugins, media.
//
// The order makes a copy of a serving instance whole: database first, then the files. A file that
// the database of the copy knows is there for an hour after it was deleted.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <shoal/base.h>
#include <shoal/json.h>

#include "base/file.h"
#include "cli/cli.h"
#include "cli/copy_tree.h"
#include "cli/serve.h"
#include "data/data.h"
#include "super/drop.h"

#define MANIFEST "backup.json"

// What of an instance is not copied with its files: the database goes by itself, the rest is of the
// moment.
static const char *const left_out[] = {
    "run", "tmp", "shoal.sqlite3", "shoal.sqlite3-wal", "shoal.sqlite3-shm", "backups", NULL};

static bool is_left_out(const char *name, bool no_media, const char *database)
{
    for (size_t i = 0; left_out[i] != NULL; i++) {
        if (strcmp(left_out[i], name) == 0) {
            return true;
        }
    }
    size_t length = database != NULL ? strlen(database) : 0;
    return (no_media && strcmp(name, "media") == 0) ||
           (length > 0 && strncmp(name, database, length) == 0);
}

/// Whether a path is the folder or lies in it.
static bool is_inside(const char *path, const char *folder)
{
    char absolute[PATH_MAX];
    size_t length = strlen(folder);
    return realpath(path, absolute) != NULL && strncmp(absolute, folder, length) == 0 &&
           (absolute[length] == '\0' || absolute[length] == '/');
}

/// Copies every file and folder of the instance but those; in both directions. follows: a link at
/// the top, like media -> /srv/media, is what it leads to. A copy has none, and restore trusts
/// none.
static int files_copy(const char *from, const char *to, bool no_media, const char *database,
    bool follows, struct shoal_copied *copied, struct shoal_err *err)
{
    DIR *folder = opendir(from);
    if (folder == NULL) {
        return shoal_file_fail(err, errno, "read", from);
    }
    int code = 0;
    for (const struct dirent *entry; code == 0 && (entry = shoal_copy_next(folder, from, &code, err));) {
        char source[PATH_MAX], target[PATH_MAX], real[PATH_MAX];
        struct stat info;
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0 ||
            strcmp(entry->d_name, MANIFEST) == 0 ||
            is_left_out(entry->d_name, no_media, database)) {
            continue;
        }
        if (snprintf(source, sizeof source, "%s/%s", from, entry->d_name) >= (int)sizeof source ||
            snprintf(target, sizeof target, "%s/%s", to, entry->d_name) >= (int)sizeof target) {
            code = shoal_fail(err, SHOAL_EINVAL, "a path below %s is too long", from);
            continue;
        }
        const char *at = follows ? real : source;
        if ((follows && realpath(source, real) == NULL) || lstat(at, &info) != 0) {
            // Gone meanwhile is fine. A link that leads nowhere is not: a disk may be missing.
            int number = errno;
            bool is_gone = lstat(source, &info) != 0 && errno == ENOENT;
            code = is_gone ? 0 : shoal_file_fail(err, number, "read", source);
        } else if (follows && S_ISDIR(info.st_mode) && is_inside(to, at)) {
            copied->links++; // where the copies are kept: a copy within itself has no end
        } else if (S_ISDIR(info.st_mode)) {
            code = shoal_copy_tree(at, target, true, copied, err);
        } else if (S_ISREG(info.st_mode)) {
            code = shoal_copy_file(at, target, copied, err);
        }
    }
    closedir(folder);
    return code;
}

static int manifest_write(
    const char *folder, const char *state, bool has_media, struct shoal_err *err)
{
    char now[32], path[PATH_MAX];
    json_t *body = json_pack("{s:s, s:s, s:s, s:b}", "shoal", SHOAL_VERSION, "time",
        shoal_time_format(shoal_now_ms(), now), "state", state, "media", has_media);
    char *text = json_dumps(body, JSON_INDENT(2));
    json_decref(body);
    snprintf(path, sizeof path, "%s/%s", folder, MANIFEST);
    int code = shoal_file_write_whole(path, text, strlen(text), 0640, err);
    free(text);
    return code;
}

/// The database into the copy, replaced whole.
static int database_copy(const char *target, struct shoal_err *err)
{
    char fresh[PATH_MAX + 32], path[PATH_MAX + 32];
    snprintf(fresh, sizeof fresh, "%s/shoal.sqlite3.new", target);
    snprintf(path, sizeof path, "%s/shoal.sqlite3", target);
    unlink(fresh);
    int code = shoal_data_backup(fresh, err);
    if (code == 0 && rename(fresh, path) != 0) {
        code = shoal_file_fail(err, errno, "write", path);
    }
    return code;
}

/// What lies above is for everybody: whoever will own the folder goes through it.
static int folder_make(const char *folder, struct shoal_err *err)
{
    char above[PATH_MAX];
    snprintf(above, sizeof above, "%s", folder);
    char *slash = strrchr(above, '/');
    int code = 0;
    if (slash != NULL && slash != above && slash[1] != '\0') {
        *slash = '\0';
        code = shoal_folder_make(above, 0755, err);
    }
    return code == 0 ? shoal_folder_make(folder, 0750, err) : code;
}

/// The target, made by root for the owner of the instance as long as root's rights are there.
static int target_give(const char *folder, const char *target, struct shoal_err *err)
{
    struct stat instance, info;
    if (geteuid() != 0 || stat(target, &info) == 0 || stat(folder, &instance) != 0) {
        return 0;
    }
    int code = folder_make(target, err);
    if (code == 0 && lchown(target, instance.st_uid, instance.st_gid) != 0) {
        code = shoal_file_fail(err, errno, "give away", target);
    }
    if (code != 0) {
        rmdir(target); // or it would stay root's, and no later copy could go there
    }
    return code;
}

static int target_make(const char *target, const struct shoal_config *config, struct shoal_err *err)
{
    int code = shoal_folder_make(target, 0750, err);
    if (code == 0 && is_inside(target, config->folder)) {
        code = shoal_fail(err, SHOAL_EINVAL,
            "%s lies in the instance itself: a copy belongs elsewhere, best on another disk",
            target);
    }
    return code;
}

static const char *database_name(const struct shoal_config *config, char path[PATH_MAX])
{
    const char *slash = strrchr(shoal_instance_database(config, path), '/');
    return slash != NULL && is_inside(path, config->folder) ? slash + 1 : NULL;
}

static void outside_add(
    json_t *rows, const struct shoal_config *config, const char *what, const json_t *value)
{
    struct stat info;
    const char *path = json_string_value(value);
    if (path != NULL && path[0] == '/' && stat(path, &info) == 0 &&
        !is_inside(path, config->folder)) {
        json_array_append_new(rows, json_pack("{s:s, s:s}", "setting", what, "path", path));
    }
}

/// What the configuration names that lies elsewhere, and so is not in the copy.
static json_t *outside(const struct shoal_config *config)
{
    static const char *const keys[] = {"tls.certificate", "tls.key"};
    json_t *rows = json_array();
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        outside_add(rows, config, keys[i], shoal_config_get(config, keys[i]));
    }
    for (size_t i = 0; i < config->plugin_count; i++) {
        const char *key;
        json_t *value;
        json_object_foreach(config->plugins[i].options, key, value)
        {
            char what[200];
            snprintf(what, sizeof what, "%s.%s", config->plugins[i].name, key);
            outside_add(rows, config, what, value);
        }
    }
    return rows;
}

static void tell(
    const char *target, const struct shoal_copied *copied, json_t *elsewhere, bool is_json)
{
    if (is_json) {
        shoal_cli_print_json(json_pack("{s:I, s:I, s:I, s:I, s:I, s:o}", "copied",
            (json_int_t)copied->files, "bytes", (json_int_t)copied->bytes, "same",
            (json_int_t)copied->same, "removed", (json_int_t)copied->removed, "links",
            (json_int_t)copied->links, "outside", elsewhere));
        return;
    }
    printf("The copy in %s is complete: %llu files copied (%llu bytes), %llu were there, %llu "
           "went.\nIt holds passwords and keys: keep it as safe as the instance.\n",
        target, (unsigned long long)copied->files, (unsigned long long)copied->bytes,
        (unsigned long long)copied->same, (unsigned long long)copied->removed);
    if (copied->links > 0) {
        fprintf(stderr, "shoal: %llu symbolic links were left out of the copy\n",
            (unsigned long long)copied->links);
    }
    for (size_t i = 0; i < json_array_size(elsewhere); i++) {
        const json_t *row = json_array_get(elsewhere, i);
        fprintf(stderr, "shoal: not in the copy, for it lies outside of the instance: %s (%s)\n",
            shoal_text(row, "path", ""), shoal_text(row, "setting", ""));
    }
    json_decref(elsewhere);
}

static int run_backup(const struct shoal_args *args)
{
    struct shoal_err err = {0};
    struct shoal_instance instance;
    bool no_media = shoal_args_has(args, "no-media");
    const char *target = args->words[1];
    if (shoal_config_there(args->words[0], &err) != 0 ||
        target_give(args->words[0], target, &err) != 0 ||
        shoal_instance_open(&instance, args->words[0], SHOAL_OPEN_DATA, &err) != 0) {
        return shoal_cli_fail(&err);
    }
    char path[PATH_MAX];
    struct shoal_copied copied = {0};
    int code = target_make(target, instance.config, &err);
    // A copy that was broken off says so.
    code = code != 0 ? code : manifest_write(target, "unfinished", !no_media, &err);
    code = code != 0 ? code : database_copy(target, &err);
    code = code != 0 ? code
                     : files_copy(instance.config->folder, target, no_media,
                           database_name(instance.config, path), true, &copied, &err);
    code = code != 0 ? code : manifest_write(target, "complete", !no_media, &err);
    json_t *elsewhere = code == 0 ? outside(instance.config) : NULL;
    shoal_instance_close(&instance);
    if (code != 0) {
        return shoal_cli_fail(&err);
    }
    tell(target, &copied, elsewhere, shoal_args_has(args, "json"));
    return SHOAL_EXIT_FINE;
}

/// That the folder holds a whole copy, and what it is of.
static int manifest_check(const char *folder, struct shoal_err *err)
{
    char path[PATH_MAX];
    struct shoal_buf text = {0};
    snprintf(path, sizeof path, "%s/%s", folder, MANIFEST);
    int code = shoal_file_read_whole(path, 65536, &text, err);
    if (code == SHOAL_ENOTFOUND) {
        return shoal_fail(err, code, "%s holds no copy of an instance; `shoal backup DIR %s` makes one",
            folder, folder);
    }
    if (code != 0) {
        return code;
    }
    json_t *body = shoal_json_parse(text.data, text.length, err);
    shoal_buf_fini(&text);
    bool is_complete = strcmp(shoal_text(body, "state", ""), "complete") == 0;
    json_decref(body);
    return is_complete ? 0
                       : shoal_fail(err, SHOAL_ECORRUPT,
                             "the copy in %s was broken off: make it again", folder);
}

static int give(const char *path, uid_t uid, gid_t gid, struct shoal_err *err)
{
    return lchown(path, uid, gid) != 0 ? shoal_file_fail(err, errno, "give away", path) : 0;
}

/// Gives a folder and all in it to somebody; links themselves, not what they lead to. What is
/// inside goes first: while root works in a folder, its new owner cannot put a link in the way.
static int tree_give(const char *path, uid_t uid, gid_t gid, struct shoal_err *err)
{
    struct stat info;
    if (lstat(path, &info) != 0) {
        return shoal_file_fail(err, errno, "give away", path);
    }
    DIR *folder = S_ISDIR(info.st_mode) ? opendir(path) : NULL;
    int code = 0;
    for (const struct dirent *entry; folder != NULL && code == 0 && (entry = readdir(folder));) {
        char below[PATH_MAX];
        bool is_dots = strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0;
        if (!is_dots &&
            snprintf(below, sizeof below, "%s/%s", path, entry->d_name) < (int)sizeof below) {
            code = tree_give(below, uid, gid, err);
        }
    }
    if (folder != NULL) {
        closedir(folder);
    }
    return code != 0 ? code : give(path, uid, gid, err);
}

/// Who gets what root restores: nobody is chosen where the folder belongs to somebody already. Root
/// itself reads the copy, which may have come from another machine with other owners.
struct heir {
    bool is_chosen;
    uid_t uid;
    gid_t gid;
    char name[64];
};

static int heir_choose(const char *folder, struct heir *heir, struct shoal_err *err)
{
    struct stat info;
    if (geteuid() != 0 || (stat(folder, &info) == 0 && info.st_uid != 0)) {
        return shoal_drop_to_owner(folder, err);
    }
    int code = shoal_drop_choose(&heir->uid, &heir->gid, heir->name, err);
    code = code != 0 ? code : give(folder, heir->uid, heir->gid, err);
    code = code != 0 ? code : shoal_drop_reaches(folder, heir->uid, heir->name, err);
    heir->is_chosen = code == 0;
    return code != 0 ? code : give(folder, 0, 0, err);
}

/// Everything in the folder will belong to the instance: so there may be nothing but what an
/// earlier attempt left, or what was prepared.
static int folder_check(const char *copy, const char *folder, struct shoal_err *err)
{
    DIR *dir = opendir(folder);
    if (dir == NULL) {
        return errno == ENOENT ? 0 : shoal_file_fail(err, errno, "use", folder);
    }
    int code = 0;
    for (const struct dirent *entry; code == 0 && (entry = readdir(dir)) != NULL;) {
        char path[PATH_MAX];
        struct stat info;
        bool is_copied =
            snprintf(path, sizeof path, "%s/%s", copy, entry->d_name) < (int)sizeof path &&
            lstat(path, &info) == 0;
        if (!is_copied && !shoal_init_expects(entry->d_name)) {
            code = shoal_init_refuse(folder, entry->d_name, err);
        }
    }
    closedir(dir);
    return code;
}

/// Where the configuration of the copy wants its database, when it is that of the new folder.
static int database_place(
    const char *copy, const char *folder, char path[PATH_MAX + 16], struct shoal_err *err)
{
    struct shoal_err unread = {0};
    struct shoal_config *config = shoal_config_read(copy, NULL, 0, &unread);
    snprintf(path, PATH_MAX + 16, "%s/shoal.sqlite3", folder);
    if (config == NULL) {
        return 0; // it may want an env() that this shell lacks: `check` will say so
    }
    char old[PATH_MAX];
    size_t length = strlen(config->folder);
    shoal_instance_database(config, old);
    bool is_own = strncmp(old, config->folder, length) == 0 && old[length] == '/';
    snprintf(path, PATH_MAX + 16, "%s%s", folder, is_own ? old + length : "");
    char *slash = is_own ? strrchr(path, '/') : NULL;
    shoal_config_free(config);
    if (slash == NULL) {
        return shoal_fail(err, SHOAL_ECONFLICT,
            "its database is kept at %s, outside of the instance, where the old one may still be: "
            "change database.path in %s/shoal.lua first",
            old, copy);
    }
    *slash = '\0';
    int code = shoal_folder_make(path, 0750, err);
    *slash = '/';
    return code;
}

static int run_restore(const struct shoal_args *args)
{
    struct shoal_err err = {0};
    const char *copy = args->words[0], *folder = args->words[1];
    char path[PATH_MAX + 16], from[PATH_MAX + 16];
    struct stat info;
    struct shoal_copied copied = {0};
    struct heir heir = {0};
    snprintf(path, sizeof path, "%s/shoal.lua", folder);
    int code = manifest_check(copy, &err);
    if (code == 0 && stat(path, &info) == 0) {
        code = shoal_fail(
            &err, SHOAL_ECONFLICT, "%s is an instance already: restore into a new folder", folder);
    }
    code = code != 0 ? code : folder_check(copy, folder, &err);
    code = code != 0 ? code : folder_make(folder, &err);
    code = code != 0 ? code : heir_choose(folder, &heir, &err);
    // The configuration comes last: until then the folder is no instance.
    snprintf(from, sizeof from, "%s/shoal.sqlite3", copy);
    code = code != 0 ? code : database_place(copy, folder, path, &err);
    if (code == 0 && stat(from, &info) != 0) {
        code = shoal_fail(&err, SHOAL_ENOTFOUND, "the copy in %s has no database", copy);
    }
    code = code != 0 ? code : shoal_copy_file(from, path, &copied, &err);
    code = code != 0 ? code : files_copy(copy, folder, false, "shoal.lua", false, &copied, &err);
    snprintf(from, sizeof from, "%s/shoal.lua", copy);
    snprintf(path, sizeof path, "%s/shoal.lua", folder);
    code = code != 0 ? code : shoal_copy_file(from, path, &copied, &err);
    code = code != 0 || !heir.is_chosen ? code : tree_give(folder, heir.uid, heir.gid, &err);
    if (code != 0) {
        return shoal_cli_fail(&err);
    }
    if (shoal_args_has(args, "json")) {
        shoal_cli_print_json(json_pack("{s:s, s:I, s:I}", "folder", folder, "copied",
            (json_int_t)copied.files, "bytes", (json_int_t)copied.bytes));
        return SHOAL_EXIT_FINE;
    }
    printf("%s is restored: %llu files (%llu bytes). Serve it with: shoal serve %s\n", folder,
        (unsigned long long)copied.files, (unsigned long long)copied.bytes, folder);
    return SHOAL_EXIT_FINE;
}

static const struct shoal_option backup_options[] = {
    {"no-media", NULL, "without the videos' files"},
    {"json", NULL, "for scripts"},
    {NULL, NULL, NULL},
};

const struct shoal_command shoal_cli_backups[] = {
    {"backup", "DIR TARGET",
        "copies all of it into a folder, also while it serves; again: what changed", backup_options,
        run_backup},
    {"restore", "TARGET DIR", "makes an instance from such a copy", shoal_cli_json, run_restore},
    {NULL, NULL, NULL, NULL, NULL},
};

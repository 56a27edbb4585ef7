// migrate_files.c - reads the numbered migrations of a folder.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <shoal/arena.h>

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "data/migrate_priv.h"

#define MIGRATIONS_MAX 999
#define BYTES_MAX      (1 << 20)

static bool is_sql(const char *name)
{
    size_t length = strlen(name);
    return length > 4 && strcmp(name + length - 4, ".sql") == 0;
}

/// "003_add_tags.sql" is 3; 0 for a name of another form.
static int number_of(const char *name)
{
    int number = 0;
    for (int i = 0; i < 3; i++) {
        if (name[i] < '0' || name[i] > '9') {
            return 0;
        }
        number = number * 10 + (name[i] - '0');
    }
    size_t length = strspn(name + 3, "abcdefghijklmnopqrstuvwxyz0123456789_");
    bool is_good = name[3] == '_' && length > 1 && strcmp(name + 3 + length, ".sql") == 0;
    return is_good ? number : 0;
}

static int read_one(struct shoal_arena *arena, const char *folder, const char *file,
    struct shoal_migration *migration, struct shoal_err *err)
{
    char path[PATH_MAX];
    int length = snprintf(path, sizeof(path), "%s/%s", folder, file);
    if (length < 0 || (size_t)length >= sizeof(path)) {
        return shoal_fail(err, SHOAL_EINVAL, "the path of %s is too long", file);
    }
    struct shoal_buf text = {0};
    int code = shoal_file_read_whole(path, BYTES_MAX, &text, err);
    if (code == 0 && strlen(text.data) != text.length) {
        code = shoal_fail(err, SHOAL_EINVAL, "%s holds a zero byte", path);
    }
    if (code == 0) {
        migration->number = number_of(file);
        migration->name = shoal_arena_strndup(arena, file + 4, strlen(file) - 8);
        migration->sql = shoal_arena_strndup(arena, text.data, text.length);
    }
    shoal_buf_fini(&text);
    return code;
}

/// Puts each file at the place of its number.
static int read_entries(struct shoal_arena *arena, DIR *dir, const char *folder,
    struct shoal_migration *list, size_t *count, struct shoal_err *err)
{
    const struct dirent *entry;
    while ((entry = readdir(dir))) {
        if (!is_sql(entry->d_name) || entry->d_name[0] == '.') {
            continue;
        }
        int number = number_of(entry->d_name);
        if (number == 0) {
            return shoal_fail(
                err, SHOAL_EINVAL, "%s/%s is not named like 001_start.sql", folder, entry->d_name);
        }
        if (list[number - 1].number != 0) {
            return shoal_fail(
                err, SHOAL_EINVAL, "%s has two migrations with the number %03d", folder, number);
        }
        int code = read_one(arena, folder, entry->d_name, &list[number - 1], err);
        if (code < 0) {
            return code;
        }
        *count = (size_t)number > *count ? (size_t)number : *count;
    }
    for (size_t i = 0; i < *count; i++) {
        if (list[i].number == 0) {
            return shoal_fail(err, SHOAL_EINVAL, "%s lacks the migration %03zu", folder, i + 1);
        }
    }
    return 0;
}

int migrate_read_folder(struct shoal_arena *arena, const char *folder,
    const struct shoal_migration **list, size_t *count, struct shoal_err *err)
{
    *count = 0;
    *list = NULL;
    DIR *dir = opendir(folder);
    if (!dir) {
        return errno == ENOENT ? 0 : shoal_file_fail(err, errno, "read the folder", folder);
    }
    struct shoal_migration *all =
        shoal_arena_alloc(arena, MIGRATIONS_MAX * sizeof(struct shoal_migration));
    int code = read_entries(arena, dir, folder, all, count, err);
    closedir(dir);
    *list = all;
    return code;
}

int shoal_migrations_read(struct shoal_arena *arena, const char *folder,
    const struct shoal_migration **list, size_t *count, struct shoal_err *err)
{
    return migrate_read_folder(arena, folder, list, count, err);
}

// media_find.c - where a public URL of a media file leads.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/sized.h"
#include "catalog/captions_priv.h"
#include "catalog/remote_priv.h"
#include "host/permissions.h"

#define NAME_LENGTH_MAX 200

#define MEDIA_SQL                                                                                  \
    "SELECT f.id, f.video_id, v.uuid, f.kind, f.name, f.mime, f.storage, f.storage_key, "          \
    "f.size_bytes, f.resolution, v.privacy, f.is_ready, v.name, v.is_open, v.is_blocked "          \
    "FROM catalog_file f JOIN catalog_video v ON v.id = f.video_id "
SHOAL_SQL(media_by_name, MEDIA_SQL "WHERE f.kind = $1 AND f.name = $2 AND f.kind <> 'source' "
                                   "AND (CAST($3 AS TEXT) IS NULL OR v.uuid = CAST($3 AS TEXT))");
SHOAL_SQL(media_by_resolution, MEDIA_SQL "WHERE f.kind = $1 AND v.uuid = $2 AND f.resolution = $3 "
                                         "ORDER BY f.version DESC LIMIT 1");

SHOAL_SQL(media_actor_image,
    "SELECT id, name, mime, storage, storage_key, size_bytes FROM catalog_actor_image "
    "WHERE kind = $1 AND name = $2");

// A title as a file name: what shells and file systems dislike becomes "_".
static const char *download_name(
    struct shoal_arena *arena, const char *title, int resolution, const char *name)
{
    size_t length = strnlen(title, 150);
    while (length > 0 && ((unsigned char)title[length] & 0xc0) == 0x80) {
        length--; // no half character at the end
    }
    char *safe = shoal_arena_strndup(arena, title, length);
    for (char *at = safe; *at != '\0'; at++) {
        if ((unsigned char)*at < ' ' || *at == 0x7f || strchr("/\\:*?\"<>|", *at) != NULL) {
            *at = '_';
        }
    }
    const char *end = strrchr(name, '.');
    end = end == NULL ? "" : end;
    return resolution > 0 ? shoal_arena_printf(arena, "%s-%dp%s", safe, resolution, end)
                          : shoal_arena_printf(arena, "%s%s", safe, end);
}

static void media_read(
    struct shoal_call *call, const struct shoal_rows *rows, struct shoal_media_file *file)
{
    struct shoal_arena *arena = call->arena;
    enum shoal_privacy privacy = (enum shoal_privacy)shoal_col_i64(rows, 10);
    // Who may see a video that is not out is asked like for a private one.
    bool is_shut = !shoal_col_bool(rows, 13) || shoal_col_bool(rows, 14);
    *file = (struct shoal_media_file){
        .id = shoal_col_i64(rows, 0),
        .video_id = shoal_col_i64(rows, 1),
        .video_uuid = shoal_arena_strdup(arena, shoal_col_text(rows, 2)),
        .kind = shoal_arena_strdup(arena, shoal_col_text(rows, 3)),
        .name = shoal_arena_strdup(arena, shoal_col_text(rows, 4)),
        .mime = shoal_arena_strdup(arena, shoal_col_text(rows, 5)),
        .storage = shoal_arena_strdup(arena, shoal_col_text(rows, 6)),
        .key = shoal_arena_strdup(arena, shoal_col_text(rows, 7)),
        .size_bytes = shoal_col_i64(rows, 8),
        .resolution = (int)shoal_col_i64(rows, 9),
        .is_private = is_shut || catalog_privacy_is_closed(privacy),
        .is_ready = shoal_col_bool(rows, 11),
    };
    file->download_name =
        download_name(arena, shoal_col_text(rows, 12), file->resolution, file->name);
}

static int media_query(struct shoal_call *call, const struct shoal_sql *sql,
    const struct shoal_value *args, size_t count, struct shoal_media_file *file,
    struct shoal_err *err)
{
    struct shoal_rows *rows = shoal_db_query(shoal_call_db(call), sql, args, count, err);
    if (rows == NULL) {
        return SHOAL_EIO;
    }
    bool found = shoal_rows_next(rows);
    if (found) {
        media_read(call, rows, file);
    }
    int code = shoal_rows_close(rows, err);
    return code != 0 ? code : found ? 0 : shoal_fail(err, SHOAL_ENOTFOUND, "File not found");
}

// Downloads go by video and resolution: UUID-720.mp4, UUID-720-fragmented.mp4.
static int media_by_video(struct shoal_call *call, const char *kind, const char *name,
    struct shoal_media_file *file, struct shoal_err *err)
{
    char *end = NULL;
    const char *uuid = shoal_arena_strndup(call->arena, name, 36);
    if (!shoal_uuid_valid(uuid) || name[36] != '-' || !isdigit((unsigned char)name[37])) {
        return shoal_fail(err, SHOAL_ENOTFOUND, "File not found");
    }
    long resolution = strtol(name + 37, &end, 10);
    bool is_hls = strcmp(kind, "hls_media") == 0;
    if (resolution > 100000 || strcmp(end, is_hls ? "-fragmented.mp4" : ".mp4") != 0) {
        return shoal_fail(err, SHOAL_ENOTFOUND, "File not found");
    }
    return media_query(call, &media_by_resolution,
        SHOAL_ARGS(SHOAL_TEXT(kind), SHOAL_TEXT(uuid), SHOAL_I64(resolution)), file, err);
}

// Pictures of accounts and channels are for everybody.
static int media_by_actor(struct shoal_call *call, enum catalog_actor_image kind, const char *name,
    struct shoal_media_file *file, struct shoal_err *err)
{
    struct shoal_arena *arena = call->arena;
    struct shoal_rows *rows = shoal_db_query(shoal_call_db(call), &media_actor_image,
        SHOAL_ARGS(SHOAL_I64(kind), SHOAL_TEXT(name)), err);
    if (rows == NULL) {
        return SHOAL_EIO;
    }
    bool found = shoal_rows_next(rows);
    if (found) {
        *file = (struct shoal_media_file){
            .id = shoal_col_i64(rows, 0),
            .video_uuid = "",
            .kind = kind == CATALOG_AVATAR ? "avatar" : "banner",
            .name = shoal_arena_strdup(arena, shoal_col_text(rows, 1)),
            .mime = shoal_arena_strdup(arena, shoal_col_text(rows, 2)),
            .storage = shoal_arena_strdup(arena, shoal_col_text(rows, 3)),
            .key = shoal_arena_strdup(arena, shoal_col_text(rows, 4)),
            .size_bytes = shoal_col_i64(rows, 5),
            .is_ready = true,
        };
        file->download_name = file->name;
    }
    int code = shoal_rows_close(rows, err);
    return code != 0 ? code : found ? 0 : shoal_fail(err, SHOAL_ENOTFOUND, "File not found");
}

static int on_its_way(
    struct shoal_call *call, const char *kind, const char *name, struct shoal_media_file *file)
{
    *file = (struct shoal_media_file){.video_uuid = "",
        .kind = shoal_arena_strdup(call->arena, kind),
        .name = shoal_arena_strdup(call->arena, name),
        .mime = "",
        .storage = "",
        .key = "",
        .download_name = "",
        .awaited = catalog_far_word(call->arena, kind, name)};
    return 0;
}

static int find(struct shoal_call *call, const char *kind, const char *video, const char *name,
    struct shoal_media_file *file, struct shoal_err *err)
{
    if (shoal_permission_call(call, "media", NULL, err) != 0) {
        return SHOAL_EFORBIDDEN;
    }
    if (kind == NULL || name == NULL || name[0] == '\0' ||
        strnlen(name, NAME_LENGTH_MAX + 1) > NAME_LENGTH_MAX) {
        return shoal_fail(err, SHOAL_ENOTFOUND, "File not found");
    }
    if (strcmp(kind, "avatar") == 0 || strcmp(kind, "banner") == 0) {
        return media_by_actor(
            call, kind[0] == 'a' ? CATALOG_AVATAR : CATALOG_BANNER, name, file, err);
    }
    int code = media_query(call, &media_by_name,
        SHOAL_ARGS(SHOAL_TEXT(kind), SHOAL_TEXT(name), SHOAL_TEXT(video)), file, err);
    bool is_file = strcmp(kind, "web_video") == 0 || strcmp(kind, "hls_media") == 0;
    if (code == SHOAL_ENOTFOUND && is_file && strlen(name) > 37) {
        code = media_by_video(call, kind, name, file, err);
    }
    bool is_beside = strcmp(kind, "caption") == 0 || strcmp(kind, "storyboard") == 0;
    if (code == SHOAL_ENOTFOUND && is_beside) {
        // Of a remote video it may be known, and not here yet.
        *err = (struct shoal_err){0};
        code = catalog_beside_fetch(call, kind, name, err);
        if (code == 0 || code == SHOAL_ENOTFOUND) { // it may have come just now
            code = media_query(call, &media_by_name,
                SHOAL_ARGS(SHOAL_TEXT(kind), SHOAL_TEXT(name), SHOAL_TEXT(video)), file, err);
        } else if (code == SHOAL_LATER) {
            code = on_its_way(call, kind, name, file);
        }
    }
    return code;
}

// A file of another server is not here; a picture of it is fetched once.
static int fetched(struct shoal_call *call, const char *kind, const char *video, const char *name,
    struct shoal_media_file *file, struct shoal_err *err)
{
    int code = catalog_remote_fetch(call, kind, name, err);
    if (code == SHOAL_LATER) {
        return on_its_way(call, kind, name, file);
    }
    if (code == 0 || code == SHOAL_ENOTFOUND) { // it may have come just now
        code = find(call, kind, video, name, file, err);
    }
    return code == 0 && file->key[0] == '\0' ? shoal_fail(err, SHOAL_ENOTFOUND, "File not found")
                                             : code;
}

int shoal_media_find_sized(struct shoal_call *call, const char *kind, const char *video,
    const char *name, struct shoal_media_file *file, size_t file_bytes, struct shoal_err *err)
{
    struct shoal_media_file mine = {0};
    struct shoal_err own = {0};
    err = err != NULL ? err : &own;
    int code = find(call, kind, video, name, &mine, err);
    if (code == 0 && mine.key[0] == '\0' && mine.awaited == NULL) {
        code = fetched(call, kind, video, name, &mine, err);
    }
    if (code == 0) {
        shoal_sized_copy(file, file_bytes, &mine, sizeof mine);
    }
    return code;
}

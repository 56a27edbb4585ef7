// captions.c - the captions of a video: listed, added, replaced, removed.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <string.h>
#include <strings.h>

#include "catalog/captions_priv.h"

#include "base/drill.h"
#include "base/file.h"
#include "host/permissions.h"

#define CAPTION_MIME "text/vtt"
#define ROWS_MAX     200 // of captions_of

SHOAL_SQL(captions_of,
    "SELECT id, language, label, is_automatic, name, url, updated FROM catalog_caption "
    "WHERE video_id = $1 ORDER BY language LIMIT 200");
SHOAL_SQL(caption_add,
    "INSERT INTO catalog_caption (video_id, language, label, is_automatic, name, url, updated) "
    "VALUES ($1, $2, $3, $4, $5, $6, $7)");
SHOAL_SQL(caption_remove, "DELETE FROM catalog_caption WHERE id = $1");
// One object a language: the variant keeps them apart.
SHOAL_SQL(caption_file_add,
    "INSERT INTO catalog_file (video_id, kind, variant, name, mime, storage, storage_key, "
    "size_bytes, has_video, has_audio, created) "
    "VALUES ($1, 'caption', $2, $3, $4, $5, $6, $7, FALSE, FALSE, $8)");

int catalog_captions_get(struct shoal_call *call, int64_t video_id, struct catalog_caption **out,
    size_t *count, struct shoal_err *err)
{
    *count = 0;
    *out = shoal_arena_alloc(call->arena, ROWS_MAX * sizeof(**out));
    struct shoal_rows *rows =
        shoal_db_query(shoal_call_db(call), &captions_of, SHOAL_ARGS(SHOAL_I64(video_id)), err);
    if (rows == NULL) {
        return SHOAL_EIO;
    }
    while (*count < ROWS_MAX && shoal_rows_next(rows)) {
        (*out)[(*count)++] = (struct catalog_caption){.id = shoal_col_i64(rows, 0),
            .language = catalog_col_text(call, rows, 1),
            .label = catalog_col_text(call, rows, 2),
            .is_automatic = shoal_col_bool(rows, 3),
            .name = catalog_col_text(call, rows, 4),
            .url = catalog_col_text(call, rows, 5),
            .updated_ms = shoal_col_i64(rows, 6)};
    }
    return shoal_rows_close(rows, err);
}

int catalog_caption_add(struct shoal_db *tx, int64_t video_id,
    const struct catalog_caption *caption, struct shoal_err *err)
{
    return shoal_db_exec(tx, &caption_add,
        SHOAL_ARGS(SHOAL_I64(video_id), SHOAL_TEXT(caption->language), SHOAL_TEXT(caption->label),
            SHOAL_BOOL(caption->is_automatic), SHOAL_TEXT(caption->name), SHOAL_TEXT(caption->url),
            SHOAL_I64(shoal_now_ms())),
        NULL, err);
}

int catalog_caption_file_add(struct shoal_db *tx, const struct catalog_file *file,
    const char *language, struct shoal_err *err)
{
    return shoal_db_exec(tx, &caption_file_add,
        SHOAL_ARGS(SHOAL_I64(file->video_id), SHOAL_TEXT(language), SHOAL_TEXT(file->name),
            SHOAL_TEXT(file->mime), SHOAL_TEXT(file->storage), SHOAL_TEXT(file->key),
            SHOAL_I64(file->size_bytes), SHOAL_I64(shoal_now_ms())),
        NULL, err);
}

int catalog_caption_remove(struct shoal_call *call, struct shoal_db *tx, int64_t video_id,
    const struct catalog_caption *caption, struct shoal_err *err)
{
    int code = shoal_db_exec(tx, &caption_remove, SHOAL_ARGS(SHOAL_I64(caption->id)), NULL, err);
    return code == 0 ? catalog_named_remove(call, tx, video_id, "caption", caption->name, err)
                     : code;
}

const char *catalog_caption_name(struct shoal_call *call, const char *language)
{
    char uuid[37];
    shoal_uuid_new(uuid);
    return shoal_arena_printf(call->arena, "%s-%s.vtt", uuid, language);
}

// --- shown ---

const char *catalog_caption_label(const struct catalog_caption *caption)
{
    const char *known = catalog_language_label(caption->language);
    return caption->label != NULL ? caption->label : known != NULL ? known : caption->language;
}

static json_t *caption_json(struct shoal_call *call, const struct catalog_caption *caption)
{
    const char *path = shoal_arena_printf(call->arena, "/lazy-static/video-captions/%s", caption->name);
    return json_pack("{s:{s:s, s:s}, s:b, s:s, s:s, s:n, s:o}", "language", "id",
        caption->language, "label", catalog_caption_label(caption), "automaticallyGenerated", (int)caption->is_automatic,
        "captionPath", path, "fileUrl", shoal_url(call, path), "m3u8Url", "updatedAt",
        catalog_time(caption->updated_ms));
}

json_t *catalog_captions_json(
    struct shoal_call *call, const struct catalog_caption *captions, size_t count)
{
    json_t *data = json_array();
    for (size_t i = 0; i < count; i++) {
        json_array_append_new(data, caption_json(call, &captions[i]));
    }
    return data;
}

json_t *shoal_caption_list(struct shoal_call *call, const char *id, const char *password,
    struct shoal_err *err)
{
    struct catalog_video video;
    struct catalog_caption *captions = NULL;
    size_t count = 0;
    if (shoal_permission_call(call, "read", "videos", err) != 0 ||
        catalog_video_may(call, SHOAL_MAY_SEE, id, password, &video, err) != 0 ||
        catalog_captions_get(call, video.id, &captions, &count, err) != 0) {
        return NULL;
    }
    return json_pack("{s:I, s:o}", "total", (json_int_t)count, "data",
        catalog_captions_json(call, captions, count));
}

// --- changed ---

struct change {
    int64_t video_id;
    const char *language;
    struct catalog_file *file; // NULL: the caption goes
};

static int change_tx(struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    const struct change *change = arg;
    struct catalog_caption *captions = NULL;
    struct catalog_video now;
    size_t count = 0;
    int code = catalog_video_by_number(call, change->video_id, &now, err);
    if (code == SHOAL_ENOTFOUND && change->file != NULL) {
        // It went while the caption was stored, which goes as well.
        struct shoal_err why = {0};
        int gone = catalog_objects_remove(tx, change->file, 1, &why);
        return gone == 0 ? code : gone;
    }
    code = code == 0 ? catalog_captions_get(call, now.id, &captions, &count, err) : code;
    json_t *was = catalog_captions_json(call, captions, count);
    json_t *added = json_array();
    json_t *removed = json_array();
    for (size_t i = 0; i < count && code == 0; i++) {
        if (strcmp(captions[i].language, change->language) == 0) {
            json_array_append_new(removed, json_string(captions[i].name));
            code = catalog_caption_remove(call, tx, now.id, &captions[i], err);
            count--;
            captions[i] = captions[count];
            i--;
        }
    }
    if (code == 0 && change->file == NULL && json_array_size(removed) == 0) {
        code = shoal_fail(err, SHOAL_ENOTFOUND, "Video caption not found");
    }
    if (code == 0 && change->file != NULL && count >= CATALOG_CAPTIONS_MAX) {
        code = shoal_fail_field(err, "captionfile", "A video has at most %d captions",
            CATALOG_CAPTIONS_MAX);
    }
    if (code == 0 && change->file != NULL) {
        struct catalog_caption caption = {.language = change->language, .name = change->file->name};
        json_array_append_new(added, json_string(caption.name));
        code = catalog_caption_add(tx, now.id, &caption, err);
        code = code == 0 ? catalog_caption_file_add(tx, change->file, change->language, err) : code;
    }
    if (code != 0) {
        json_decref(was);
        json_decref(added);
        json_decref(removed);
        return code;
    }
    return catalog_beside_tell(call, tx, now.id, "captions", was, added, removed, err);
}

static int caption_may(struct shoal_call *call, const char *id, const char *language,
    struct catalog_video *video, struct shoal_err *err)
{
    int code = shoal_permission_call(call, "write", "videos", err);
    code = code == 0 ? catalog_video_may(call, SHOAL_MAY_UPDATE, id, NULL, video, err) : code;
    if (code == 0 && (language == NULL || catalog_language_label(language) == NULL)) {
        code = shoal_fail_field(err, "captionLanguage", "Should have a language that this site knows");
    }
    return code;
}

// Whether a name ends like SubRip; SHOAL_EINVAL where it ends like neither of both.
static int kind_read(const char *filename, bool *is_srt, struct shoal_err *err)
{
    const char *end = filename == NULL ? NULL : strrchr(filename, '.');
    *is_srt = end != NULL && strcasecmp(end, ".srt") == 0;
    return *is_srt || (end != NULL && strcasecmp(end, ".vtt") == 0)
               ? 0
               : shoal_fail_field(err, "captionfile", "Should be a WebVTT (.vtt) or SubRip (.srt) file");
}

static int caption_store(struct shoal_call *call, const struct catalog_video *video,
    const char *language, const char *path, struct catalog_file *file, struct shoal_err *err)
{
    const char *name = catalog_caption_name(call, language);
    *file = (struct catalog_file){.video_id = video->id,
        .kind = "caption",
        .name = name,
        .mime = CAPTION_MIME,
        .key = shoal_arena_printf(
            call->arena, "video-captions/%s", catalog_fold(call->arena, name)),
        .size_bytes = catalog_size_of(path),
        .is_ready = true};
    int code = catalog_store_file(call, video, file, path, err);
    shoal_drill_point("caption.stored");
    return code;
}

int shoal_caption_put(struct shoal_call *call, const char *id, const char *language,
    const char *filename, const char *path, struct shoal_err *err)
{
    struct catalog_video video;
    struct catalog_file file;
    bool is_srt = false;
    int code = caption_may(call, id, language, &video, err);
    code = code == 0 ? kind_read(filename, &is_srt, err) : code;
    if (code == 0 && catalog_size_of(path) > CATALOG_CAPTION_BYTES_MAX) {
        code = shoal_fail(err, SHOAL_ETOOLARGE, "A caption file has at most 20 MiB");
    }
    const char *work = code == 0 ? catalog_picture_work(call, NULL, err) : NULL;
    if (work == NULL) {
        return code == 0 ? SHOAL_EIO : code;
    }
    const char *made = shoal_arena_printf(call->arena, "%s/caption.vtt", work);
    code = catalog_caption_convert(path, is_srt, made, err);
    code = code == 0 ? caption_store(call, &video, language, made, &file, err) : code;
    struct change change = {.video_id = video.id, .language = language, .file = &file};
    code = code == 0 ? catalog_stored_tx(call, &file, 1, change_tx, &change, err) : code;
    shoal_tree_remove(work, NULL);
    return code;
}

int shoal_caption_delete(struct shoal_call *call, const char *id, const char *language,
    struct shoal_err *err)
{
    struct catalog_video video;
    int code = caption_may(call, id, language, &video, err);
    struct change change = {.video_id = video.id, .language = language};
    return code == 0 ? shoal_tx(call, change_tx, &change, err) : code;
}

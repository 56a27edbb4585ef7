// beside_remote.c - what stands beside a remote video, as its server tells it; and beside ours, for others.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <string.h>

#include "catalog/captions_priv.h"
#include "catalog/remote_priv.h"
#include "host/permissions.h"

#define LANGUAGE_BYTES_MAX 20
#define LABEL_MAX          100
#define SIDE_MAX           16384

static int remote_find(struct shoal_call *call, int64_t video_id, struct shoal_err *err)
{
    struct catalog_video video;
    int code = shoal_permission_call(call, "write", "videos", err);
    code = code == 0 ? catalog_video_by_number(call, video_id, &video, err) : code;
    return code == 0 && video.origin_host[0] == '\0'
               ? shoal_fail(err, SHOAL_EINVAL, "video %lld is no remote one", (long long)video_id)
               : code;
}

static bool is_language(const char *language)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-";
    size_t length = language == NULL ? 0 : strnlen(language, LANGUAGE_BYTES_MAX + 1);
    return length > 0 && length <= LANGUAGE_BYTES_MAX && strspn(language, letters) == length;
}

static bool same_text(const char *one, const char *other)
{
    return one == NULL || other == NULL ? one == other : strcmp(one, other) == 0;
}

// --- captions ---

static bool caption_read(
    struct shoal_call *call, const json_t *item, struct catalog_caption *out)
{
    const char *label =
        catalog_remote_text(call->arena, shoal_text(item, "label", NULL), LABEL_MAX, true);
    *out = (struct catalog_caption){.language = shoal_text(item, "language", NULL),
        .url = shoal_text(item, "url", NULL),
        .is_automatic = shoal_flag(item, "automaticallyGenerated", false)};
    out->label = label != NULL && is_language(out->language) &&
                         !same_text(label, catalog_language_label(out->language))
                     ? label
                     : NULL; // ours does
    return is_language(out->language) && catalog_url_host(call->arena, out->url) != NULL;
}

static size_t captions_read(
    struct shoal_call *call, const json_t *captions, struct catalog_caption **out)
{
    size_t count = 0;
    *out = shoal_arena_alloc(call->arena, CATALOG_CAPTIONS_MAX * sizeof(**out));
    for (size_t i = 0; i < json_array_size(captions) && count < CATALOG_CAPTIONS_MAX; i++) {
        struct catalog_caption caption;
        bool is_new = caption_read(call, json_array_get(captions, i), &caption);
        for (size_t k = 0; k < count && is_new; k++) {
            is_new = strcmp((*out)[k].language, caption.language) != 0;
        }
        if (is_new) {
            (*out)[count++] = caption;
        }
    }
    return count;
}

static bool caption_same(const struct catalog_caption *one, const struct catalog_caption *other)
{
    return strcmp(one->language, other->language) == 0 && same_text(one->url, other->url) &&
           same_text(one->label, other->label) && one->is_automatic == other->is_automatic;
}

static bool caption_in(
    const struct catalog_caption *list, size_t count, const struct catalog_caption *caption)
{
    bool found = false;
    for (size_t i = 0; i < count && !found; i++) {
        found = caption_same(&list[i], caption);
    }
    return found;
}

int shoal_captions_remote_set(struct shoal_call *call, struct shoal_db *tx, int64_t video_id,
    const json_t *captions, struct shoal_err *err)
{
    struct catalog_caption *now = NULL;
    struct catalog_caption *wanted = NULL;
    size_t count = 0;
    int code = remote_find(call, video_id, err);
    code = code == 0 ? catalog_captions_get(call, video_id, &now, &count, err) : code;
    json_t *was = catalog_captions_json(call, now, count);
    size_t all = code == 0 ? captions_read(call, captions, &wanted) : 0;
    json_t *added = json_array();
    json_t *removed = json_array();
    for (size_t i = 0; i < count && code == 0; i++) {
        if (!caption_in(wanted, all, &now[i])) {
            json_array_append_new(removed, json_string(now[i].name));
            code = catalog_caption_remove(call, tx, video_id, &now[i], err);
        }
    }
    for (size_t i = 0; i < all && code == 0; i++) {
        if (!caption_in(now, count, &wanted[i])) {
            wanted[i].name = catalog_caption_name(call, wanted[i].language);
            json_array_append_new(added, json_string(wanted[i].name));
            code = catalog_caption_add(tx, video_id, &wanted[i], err);
        }
    }
    if (code != 0 || json_array_size(added) + json_array_size(removed) == 0) {
        json_decref(was);
        json_decref(added);
        json_decref(removed);
        return code;
    }
    return catalog_beside_tell(call, tx, video_id, "captions", was, added, removed, err);
}

// --- chapters ---

static size_t chapters_read(
    struct shoal_call *call, const json_t *chapters, struct catalog_chapter **out)
{
    size_t count = 0;
    size_t all = json_array_size(chapters);
    all = all < CATALOG_CHAPTERS_MAX ? all : CATALOG_CHAPTERS_MAX;
    *out = shoal_arena_alloc(call->arena, (all + 1) * sizeof(**out));
    for (size_t i = 0; i < all; i++) {
        const json_t *item = json_array_get(chapters, i);
        const char *title = catalog_remote_text(
            call->arena, shoal_text(item, "title", NULL), CATALOG_CHAPTER_TITLE_MAX, true);
        double timecode_s = shoal_number(item, "timecode", -1);
        if (title != NULL && timecode_s >= 0 && timecode_s <= (double)CATALOG_TIMECODE_MAX) {
            struct catalog_chapter chapter = {
                .timecode_s = (int64_t)timecode_s, .title = title};
            catalog_chapters_insert(*out, &count, chapter);
        }
    }
    return count;
}

int shoal_chapters_remote_set(struct shoal_call *call, struct shoal_db *tx, int64_t video_id,
    const json_t *chapters, struct shoal_err *err)
{
    struct catalog_chapter *now = NULL;
    struct catalog_chapter *wanted = NULL;
    size_t count = 0;
    int code = remote_find(call, video_id, err);
    code = code == 0 ? catalog_chapters_get(call, video_id, &now, &count, err) : code;
    size_t all = code == 0 ? chapters_read(call, chapters, &wanted) : 0;
    if (code != 0 || catalog_chapters_same(now, count, wanted, all)) {
        return code;
    }
    code = catalog_chapters_write(tx, video_id, wanted, all, err);
    return code == 0 ? catalog_beside_tell(call, tx, video_id, "chapters",
                           catalog_chapters_json(now, count), NULL, NULL, err)
                     : code;
}

// --- storyboard ---

static bool side_read(const json_t *item, const char *key, int *out)
{
    int64_t side = shoal_integer(item, key, 0);
    *out = side > 0 && side <= SIDE_MAX ? (int)side : 0;
    return *out > 0;
}

static bool storyboard_read(
    struct shoal_call *call, const json_t *item, struct catalog_storyboard *out)
{
    double tile_s = shoal_number(item, "spriteDuration", 0);
    *out = (struct catalog_storyboard){.url = shoal_text(item, "url", NULL)};
    bool has_sides = side_read(item, "totalWidth", &out->width) &&
                     side_read(item, "totalHeight", &out->height) &&
                     side_read(item, "spriteWidth", &out->tile_width) &&
                     side_read(item, "spriteHeight", &out->tile_height) &&
                     out->tile_width <= out->width && out->tile_height <= out->height;
    bool has_span = tile_s >= 1 && tile_s <= (double)CATALOG_TIMECODE_MAX;
    out->tile_duration_s = has_span ? (int64_t)tile_s : 0;
    return catalog_url_host(call->arena, out->url) != NULL && has_sides && has_span;
}

static bool storyboard_same(
    const struct catalog_storyboard *one, const struct catalog_storyboard *other)
{
    return same_text(one->url, other->url) && one->width == other->width &&
           one->height == other->height && one->tile_width == other->tile_width &&
           one->tile_height == other->tile_height &&
           one->tile_duration_s == other->tile_duration_s;
}

int shoal_storyboard_remote_set(struct shoal_call *call, struct shoal_db *tx, int64_t video_id,
    const json_t *storyboard, struct shoal_err *err)
{
    struct catalog_storyboard now = {0};
    struct catalog_storyboard wanted;
    bool has_one = false;
    bool wants_one = storyboard_read(call, storyboard, &wanted);
    int code = remote_find(call, video_id, err);
    code = code == 0 ? catalog_storyboard_get(call, video_id, &now, &has_one, err) : code;
    bool is_same = has_one == wants_one && (!has_one || storyboard_same(&now, &wanted));
    if (code != 0 || is_same) {
        return code;
    }
    json_t *added = json_array();
    json_t *removed = json_array();
    if (has_one) {
        json_array_append_new(removed, json_string(now.name));
        code = catalog_storyboard_remove(call, tx, video_id, err);
    }
    if (code == 0 && wants_one) {
        wanted.name = catalog_storyboard_name(call);
        json_array_append_new(added, json_string(wanted.name));
        code = catalog_storyboard_write(tx, video_id, &wanted, err);
    }
    if (code != 0) {
        json_decref(added);
        json_decref(removed);
        return code;
    }
    json_t *was = has_one ? catalog_storyboard_json(call, &now) : json_null();
    return catalog_beside_tell(call, tx, video_id, "storyboard", was, added, removed, err);
}

// --- ours, for others ---

static json_t *captions_told(
    struct shoal_call *call, const struct catalog_caption *captions, size_t count)
{
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++) {
        const struct catalog_caption *one = &captions[i];
        json_array_append_new(list,
            json_pack("{s:s, s:s, s:b, s:s, s:o}", "language", one->language, "label",
                catalog_caption_label(one), "automaticallyGenerated", (int)one->is_automatic, "url",
                shoal_url(call, shoal_arena_printf(call->arena, "/lazy-static/video-captions/%s",
                                    one->name)),
                "updatedAt", catalog_time(one->updated_ms)));
    }
    return list;
}

static json_t *storyboard_told(struct shoal_call *call, const struct catalog_storyboard *board)
{
    json_t *told = catalog_storyboard_json(call, board);
    json_object_set(told, "url", json_object_get(told, "fileUrl"));
    json_object_del(told, "fileUrl");
    json_object_del(told, "storyboardPath");
    return told;
}

json_t *shoal_annotations_get(struct shoal_call *call, int64_t video_id, struct shoal_err *err)
{
    struct catalog_caption *captions = NULL;
    struct catalog_chapter *chapters = NULL;
    struct catalog_storyboard board;
    size_t caption_count = 0;
    size_t chapter_count = 0;
    bool has_board = false;
    if (shoal_permission_call(call, "read", "videos", err) != 0 ||
        catalog_captions_get(call, video_id, &captions, &caption_count, err) != 0 ||
        catalog_chapters_get(call, video_id, &chapters, &chapter_count, err) != 0 ||
        catalog_storyboard_get(call, video_id, &board, &has_board, err) != 0) {
        return NULL;
    }
    return json_pack("{s:o, s:o, s:o}", "captions", captions_told(call, captions, caption_count),
        "chapters", catalog_chapters_json(chapters, chapter_count), "storyboard",
        has_board ? storyboard_told(call, &board) : json_null());
}

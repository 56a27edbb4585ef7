// videos_json.c - videos as the API shows them: in lists, in detail, to their owner.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <stdlib.h>
#include <string.h>

#include "catalog/follows_priv.h"
#include "catalog/remote_priv.h"

#define EXCERPT_LENGTH 250

SHOAL_SQL(tags_get, "SELECT name FROM catalog_video_tag WHERE video_id = $1 ORDER BY position, id");

json_t *catalog_video_tags(struct shoal_call *call, int64_t video_id, struct shoal_err *err)
{
    struct shoal_rows *rows =
        shoal_db_query(shoal_call_db(call), &tags_get, SHOAL_ARGS(SHOAL_I64(video_id)), err);
    if (rows == NULL) {
        return NULL;
    }
    json_t *out = json_array();
    while (shoal_rows_next(rows)) {
        json_array_append_new(out, json_string(shoal_col_text(rows, 0)));
    }
    if (shoal_rows_close(rows, err) != 0) {
        json_decref(out);
        return NULL;
    }
    return out;
}

// The first 250 characters, cut between code points.
static json_t *excerpt(struct shoal_arena *arena, const char *text)
{
    if (text == NULL) {
        return json_null();
    }
    size_t count = 0;
    size_t at = 0;
    while (text[at] != '\0' && count <= EXCERPT_LENGTH) {
        at++;
        while (((unsigned char)text[at] & 0xc0) == 0x80) {
            at++;
        }
        count++;
    }
    if (text[at] == '\0' && count <= EXCERPT_LENGTH) {
        return json_string(text);
    }
    size_t keep = 0;
    for (count = 0; count < EXCERPT_LENGTH - 3; count++) {
        keep++;
        while (((unsigned char)text[keep] & 0xc0) == 0x80) {
            keep++;
        }
    }
    return json_string(shoal_arena_printf(arena, "%.*s...", (int)keep, text));
}

// Aspect ratios that have a name.
static json_t *ratio_name(int width, int height)
{
    static const struct {
        int width, height;
        const char *name;
    } names[] = {{16, 9, "16:9"}, {9, 16, "9:16"}, {4, 3, "4:3"}, {3, 4, "3:4"}, {1, 1, "1:1"}};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        int off = width * names[i].height - height * names[i].width;
        // Two pixels of rounding are still the same shape.
        if (abs(off) <= 2 * names[i].width) {
            return json_string(names[i].name);
        }
    }
    return json_null();
}

static int images_add(
    struct shoal_call *call, json_t *out, const struct catalog_video *video, struct shoal_err *err)
{
    static const struct {
        const char *kind, *key;
    } kinds[] = {{"thumbnail", "thumbnailPath"}, {"preview", "previewPath"}};
    json_t *all = json_array();
    for (int k = 0; k < 2; k++) {
        struct catalog_file *files = NULL;
        size_t count = 0;
        int code = catalog_files_get(call, video->id, kinds[k].kind, &files, &count, err);
        if (code != 0) {
            json_decref(all);
            return code;
        }
        json_t *path = json_null();
        for (size_t i = 0; i < count; i++) {
            const char *at = catalog_file_path(call, video, &files[i]);
            if (i == 0) {
                path = json_string(at);
            }
            json_array_append_new(
                all, json_pack("{s:s, s:i, s:i, s:o}", "fileUrl",
                         files[i].url != NULL ? files[i].url : shoal_url(call, at), "width",
                         files[i].width, "height", files[i].height, "aspectRatio",
                         ratio_name(files[i].width, files[i].height)));
        }
        json_object_set_new(out, kinds[k].key, path);
    }
    json_object_set_new(out, "thumbnails", all);
    return 0;
}

static void numbers_add(json_t *out, const struct catalog_video *video)
{
    json_object_set_new(out, "duration", json_integer(video->duration_s));
    json_object_set_new(out, "aspectRatio",
        video->aspect_e4 > 0 ? json_real((double)video->aspect_e4 / 10000) : json_null());
    json_object_set_new(out, "views", json_integer(video->views));
    json_object_set_new(out, "viewers", json_integer(0));
    json_object_set_new(out, "downloads", json_integer(video->downloads));
    json_object_set_new(out, "likes", json_integer(video->likes));
    json_object_set_new(out, "dislikes", json_integer(video->dislikes));
    json_object_set_new(out, "comments", json_integer(video->comments));
    json_object_set_new(out, "createdAt", catalog_time(video->created_ms));
    json_object_set_new(out, "updatedAt", catalog_time(video->updated_ms));
    json_object_set_new(out, "publishedAt", catalog_time(video->published_ms));
    json_object_set_new(out, "originallyPublishedAt", catalog_time(video->originally_published_ms));
}

static json_t *base_make(struct shoal_call *call, const struct catalog_video *video)
{
    char brief[23] = "";
    shoal_uuid_to_short(video->uuid, brief);
    bool is_local = video->origin_host[0] == '\0';
    const char *url =
        is_local ? shoal_url(call, shoal_arena_printf(call->arena, "/videos/watch/%s", video->uuid))
                 : video->url;
    json_t *out = json_pack("{s:I, s:s, s:s, s:s?, s:s}", "id", (json_int_t)video->id, "uuid",
        video->uuid, "shortUUID", brief, "url", url, "name", video->name);
    json_object_set_new(out, "category",
        catalog_labelled(video->category, catalog_category_label(video->category)));
    json_object_set_new(
        out, "licence", catalog_labelled(video->licence, catalog_licence_label(video->licence)));
    const char *language = video->language == NULL ? NULL : catalog_language_label(video->language);
    json_object_set_new(out, "language",
        json_pack("{s:s?, s:s}", "id", video->language, "label",
            language != NULL          ? language
            : video->language != NULL ? video->language
                                      : "Unknown"));
    json_object_set_new(
        out, "privacy", catalog_labelled(video->privacy, catalog_privacy_label(video->privacy)));
    json_object_set_new(out, "nsfw", json_boolean(video->is_nsfw));
    json_object_set_new(out, "nsfwFlags", json_integer(video->nsfw_flags));
    json_object_set_new(out, "nsfwSummary", catalog_text_or_null(video->nsfw_summary));
    json_object_set_new(out, "truncatedDescription", excerpt(call->arena, video->description));
    json_object_set_new(out, "description", excerpt(call->arena, video->description));
    json_object_set_new(out, "isLocal", json_boolean(is_local));
    json_object_set_new(out, "isLive", json_boolean(video->is_live));
    json_object_set_new(out, "liveSchedules", json_array());
    json_object_set_new(
        out, "embedPath", json_string(shoal_arena_printf(call->arena, "/videos/embed/%s", brief)));
    numbers_add(out, video);
    return out;
}

static void owner_add(json_t *out, const struct catalog_video *video)
{
    json_object_set_new(out, "waitTranscoding", json_boolean(video->waits));
    json_object_set_new(
        out, "state", catalog_labelled(video->state, catalog_state_label(video->state)));
    json_object_set_new(out, "scheduledUpdate",
        video->schedule_at_ms == 0
            ? json_null()
            : json_pack("{s:o, s:I}", "updateAt", catalog_time(video->schedule_at_ms), "privacy",
                  (json_int_t)video->schedule_privacy));
    // What waits for a moderator is in PeerTube's words blocked.
    bool is_held = video->verdict == CATALOG_HELD || video->verdict == CATALOG_REFUSED;
    json_object_set_new(out, "blacklisted", json_boolean(video->is_blocked || is_held));
    json_object_set_new(out, "blacklistedReason",
        video->is_blocked || is_held ? catalog_text_or_null(video->blocked_reason) : json_null());
    json_object_set_new(out, "blockedOwner", json_false());
    json_object_set_new(out, "blockedServer", json_boolean(video->followed == CATALOG_HIDDEN));
}

static int files_add(
    struct shoal_call *call, json_t *out, const struct catalog_video *video, struct shoal_err *err)
{
    struct catalog_file *files = NULL;
    size_t count = 0;
    int code = catalog_files_get(call, video->id, "web_video", &files, &count, err);
    if (code != 0) {
        return code;
    }
    json_t *web = json_array();
    for (size_t i = 0; i < count; i++) {
        json_array_append_new(web, catalog_file_json(call, video, &files[i]));
    }
    json_object_set_new(out, "files", web);
    json_t *playlists = catalog_playlists_json(call, video, err);
    json_object_set_new(out, "streamingPlaylists", playlists == NULL ? json_array() : playlists);
    return playlists == NULL ? SHOAL_EIO : 0;
}

static int detail_add(
    struct shoal_call *call, json_t *out, const struct catalog_video *video, struct shoal_err *err)
{
    static const char *const policies[] = {"Enabled", "Disabled", "Requires approval"};
    int64_t policy =
        video->comments_policy >= 1 && video->comments_policy <= 3 ? video->comments_policy : 1;
    json_object_set_new(out, "description", catalog_text_or_null(video->description));
    json_object_set_new(out, "support", catalog_text_or_null(video->support));
    json_object_set_new(out, "commentsPolicy", catalog_labelled(policy, policies[policy - 1]));
    json_object_set_new(out, "commentsEnabled", json_boolean(policy != 2));
    json_object_set_new(out, "downloadEnabled", json_boolean(video->is_downloadable));
    json_object_set_new(out, "waitTranscoding", json_boolean(video->waits));
    json_object_set_new(
        out, "state", catalog_labelled(video->state, catalog_state_label(video->state)));
    json_object_set_new(out, "trackerUrls", json_array());
    json_object_set_new(out, "inputFileUpdatedAt", catalog_time(video->input_updated_ms));
    json_object_set_new(out, "descriptionPath",
        json_string(shoal_arena_printf(call->arena, "/api/v1/videos/%s/description", video->uuid)));
    json_object_set_new(
        out, "embedPrivacyPolicy", json_pack("{s:i, s:s}", "id", 1, "label", "All allowed"));
    if (video->plugin_data != NULL) {
        json_t *data = shoal_json_parse(video->plugin_data, strlen(video->plugin_data), NULL);
        json_object_set_new(out, "pluginData", data == NULL ? json_object() : data);
    }
    int code = files_add(call, out, video, err);
    return code == 0 && video->origin_host[0] != '\0' ? catalog_remote_add(call, out, video, err) : code;
}

static int people_add(struct shoal_call *call, json_t *out, const struct catalog_video *video,
    bool summary, struct shoal_err *err)
{
    json_t *account = catalog_account_json(call, video->account_id, summary, err);
    json_t *channel = catalog_channel_json(call, video->channel_id, summary, err);
    json_object_set_new(out, "account", account == NULL ? json_null() : account);
    json_object_set_new(out, "channel", channel == NULL ? json_null() : channel);
    return account == NULL || channel == NULL ? SHOAL_EIO : 0;
}

json_t *catalog_video_json(
    struct shoal_call *call, const struct catalog_video *video, int shape, struct shoal_err *err)
{
    bool is_detail = (shape & CATALOG_DETAIL) != 0;
    json_t *out = base_make(call, video);
    int code = (shape & CATALOG_NOBODY) != 0 ? 0 : people_add(call, out, video, !is_detail, err);
    code = code == 0 ? images_add(call, out, video, err) : code;
    if (code == 0 && is_detail) {
        code = detail_add(call, out, video, err);
    } else if (code == 0 && (shape & CATALOG_FILES) != 0) {
        code = files_add(call, out, video, err);
    }
    if (code == 0 && (shape & (CATALOG_DETAIL | CATALOG_TAGS)) != 0) {
        json_t *tags = catalog_video_tags(call, video->id, err);
        json_object_set_new(out, "tags", tags == NULL ? json_array() : tags);
        code = tags == NULL ? SHOAL_EIO : 0;
    }
    if (code == 0 && (shape & CATALOG_OWNER) != 0) {
        owner_add(out, video);
    }
    if (code == 0 && (shape & CATALOG_SHARING) != 0 && video->origin_host[0] == '\0') {
        catalog_sharing_add(call, out);
    }
    if (code != 0) {
        json_decref(out);
        return NULL;
    }
    return out;
}

// videos_fields.c - reads what a client says of a video, for drafts and for changes.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <stdlib.h>
#include <string.h>

#include "catalog/catalog_priv.h"

#define PLUGIN_DATA_MAX 20000

SHOAL_SQL(tags_clear, "DELETE FROM catalog_video_tag WHERE video_id = $1");
SHOAL_SQL(tag_add,
    "INSERT INTO catalog_video_tag (video_id, position, name, folded) VALUES ($1, $2, $3, $4) "
    "ON CONFLICT (video_id, folded) DO NOTHING");
SHOAL_SQL(passwords_clear, "DELETE FROM catalog_video_password WHERE video_id = $1");
SHOAL_SQL(password_add,
    "INSERT INTO catalog_video_password (video_id, password, created) VALUES ($1, $2, $3)");

// Text that may be cleared: null and "" both mean none.
static int text_read(const json_t *json, const char *key, size_t min, size_t max, bool *has,
    const char **out, struct shoal_err *err)
{
    *has = json_object_get(json, key) != NULL;
    *out = NULL;
    const char *text = json_string_value(json_object_get(json, key));
    if (!catalog_field_has(json, key) || (text != NULL && text[0] == '\0')) {
        return 0;
    }
    return catalog_field_text(json, key, min, max, out, err);
}

// A number out of a table; -1 where it is cleared.
static int choice_read(const json_t *json, const char *key, bool *has, int64_t *out,
    const char *(*label)(int64_t), struct shoal_err *err)
{
    *has = json_object_get(json, key) != NULL;
    *out = -1;
    const char *text = json_string_value(json_object_get(json, key));
    if (!catalog_field_has(json, key) || (text != NULL && text[0] == '\0')) {
        return 0;
    }
    int code = catalog_field_i64(json, key, out, err);
    return code == 0 && label(*out) == NULL
               ? shoal_fail_field(err, key, "Should have a valid %s", key)
               : code;
}

static int flag_read(
    const json_t *json, const char *key, bool *has, bool *out, struct shoal_err *err)
{
    *has = catalog_field_has(json, key);
    return *has ? catalog_field_bool(json, key, out, err) : 0;
}

static int texts_read(
    const json_t *json, bool is_new, struct catalog_fields *out, struct shoal_err *err)
{
    out->has_name = is_new || catalog_field_has(json, "name");
    if (out->has_name && catalog_field_text(json, "name", 3, 120, &out->name, NULL) != 0) {
        return shoal_fail_field(
            err, "name", "Should have a video name between 3 and 120 characters long");
    }
    int code =
        text_read(json, "description", 1, 10000, &out->has_description, &out->description, err);
    if (code == 0) {
        code = text_read(json, "support", 3, 1000, &out->has_support, &out->support, err);
    }
    if (code == 0) {
        code =
            text_read(json, "nsfwSummary", 3, 250, &out->has_nsfw_summary, &out->nsfw_summary, err);
    }
    if (code == 0) {
        code = text_read(json, "language", 1, 12, &out->has_language, &out->language, err);
    }
    if (code == 0 && out->language != NULL && catalog_language_label(out->language) == NULL) {
        code = shoal_fail_field(err, "language", "Should have a valid language");
    }
    return code;
}

static int choices_read(const json_t *json, struct catalog_fields *out, struct shoal_err *err)
{
    int code = choice_read(
        json, "category", &out->has_category, &out->category, catalog_category_label, err);
    if (code == 0) {
        code = choice_read(
            json, "licence", &out->has_licence, &out->licence, catalog_licence_label, err);
    }
    out->has_privacy = catalog_field_has(json, "privacy");
    if (code == 0 && out->has_privacy) {
        code = catalog_field_i64(json, "privacy", &out->privacy, err);
        if (code == 0 && catalog_privacy_label(out->privacy) == NULL) {
            code = shoal_fail_field(err, "privacy", "Should have correct video privacy");
        }
    }
    bool enabled = true;
    bool has_enabled = false;
    out->has_comments = catalog_field_has(json, "commentsPolicy");
    if (code == 0 && out->has_comments) {
        code = catalog_field_i64(json, "commentsPolicy", &out->comments_policy, err);
        if (code == 0 && (out->comments_policy < 1 || out->comments_policy > 3)) {
            code = shoal_fail_field(err, "commentsPolicy", "Should have a valid comments policy");
        }
    } else if (code == 0) {
        code = flag_read(json, "commentsEnabled", &has_enabled, &enabled, err);
        out->has_comments = has_enabled;
        out->comments_policy = enabled ? 1 : 2;
    }
    return code;
}

static int flags_read(const json_t *json, struct catalog_fields *out, struct shoal_err *err)
{
    int code = flag_read(json, "downloadEnabled", &out->has_download, &out->is_downloadable, err);
    if (code == 0) {
        code = flag_read(json, "nsfw", &out->has_nsfw, &out->is_nsfw, err);
    }
    if (code == 0) {
        code = flag_read(json, "waitTranscoding", &out->has_waits, &out->waits, err);
    }
    out->has_nsfw_flags = catalog_field_has(json, "nsfwFlags");
    if (code == 0 && out->has_nsfw_flags) {
        code = catalog_field_i64(json, "nsfwFlags", &out->nsfw_flags, err);
        if (code == 0 && (out->nsfw_flags < 0 || out->nsfw_flags > 3)) {
            code = shoal_fail_field(err, "nsfwFlags", "Should have valid NSFW flags");
        }
    }
    out->has_channel = catalog_field_has(json, "channelId");
    if (code == 0 && out->has_channel) {
        code = catalog_field_i64(json, "channelId", &out->channel_id, err);
    }
    return code;
}

// An array of text, each of so many characters; a lone text is an array of one.
static int list_read(const json_t *json, const char *key, size_t most, size_t min, size_t max,
    const char **out, size_t *count, struct shoal_err *err)
{
    json_t *value = json_object_get(json, key);
    *count = 0;
    if (json_is_null(value)) {
        return 0;
    }
    size_t size = json_is_array(value) ? json_array_size(value) : 1;
    if (size > most) {
        return shoal_fail_field(err, key, "Should have at most %zu %s", most, key);
    }
    for (size_t i = 0; i < size; i++) {
        json_t *item = json_is_array(value) ? json_array_get(value, i) : value;
        const char *text = json_string_value(item);
        size_t length = text == NULL || strnlen(text, max * 4 + 1) > max * 4
                            ? SIZE_MAX
                            : catalog_utf8_length(text);
        if (length < min || length > max) {
            return shoal_fail_field(err, key,
                "Should have %s that are between %zu and %zu characters long each", key, min, max);
        }
        out[(*count)++] = text;
    }
    return 0;
}

static int schedule_read(const json_t *json, struct catalog_fields *out, struct shoal_err *err)
{
    json_t *schedule = json_object_get(json, "scheduleUpdate");
    out->has_schedule = schedule != NULL;
    if (schedule == NULL || json_is_null(schedule)) {
        return 0;
    }
    const char *at = shoal_text(schedule, "updateAt", "");
    out->schedule_privacy = SHOAL_PRIVACY_PUBLIC;
    if (shoal_time_parse(at, &out->schedule_at_ms) != 0 || out->schedule_at_ms <= 0) {
        return shoal_fail_field(err, "scheduleUpdate.updateAt",
            "Should have a schedule update date that conforms to ISO 8601");
    }
    if (catalog_field_has(schedule, "privacy") &&
        (catalog_field_i64(schedule, "privacy", &out->schedule_privacy, NULL) != 0 ||
            catalog_privacy_label(out->schedule_privacy) == NULL ||
            out->schedule_privacy == SHOAL_PRIVACY_PASSWORD)) {
        return shoal_fail_field(
            err, "scheduleUpdate.privacy", "Should have correct schedule update privacy");
    }
    return 0;
}

static int rest_read(
    struct shoal_call *call, const json_t *json, struct catalog_fields *out, struct shoal_err *err)
{
    int code = 0;
    out->has_tags = json_object_get(json, "tags") != NULL;
    if (out->has_tags) {
        code = list_read(json, "tags", 5, 2, 30, out->tags, &out->tag_count, err);
    }
    out->has_passwords = json_object_get(json, "videoPasswords") != NULL;
    if (code == 0 && out->has_passwords) {
        code = list_read(
            json, "videoPasswords", 10, 2, 100, out->passwords, &out->password_count, err);
    }
    out->has_originally = json_object_get(json, "originallyPublishedAt") != NULL;
    const char *originally = shoal_text(json, "originallyPublishedAt", "");
    if (code == 0 && originally[0] != '\0' &&
        shoal_time_parse(originally, &out->originally_ms) != 0) {
        code = shoal_fail_field(
            err, "originallyPublishedAt", "Should have a valid original publication date");
    }
    json_t *data = json_object_get(json, "pluginData");
    out->has_plugin_data = data != NULL;
    if (code == 0 && json_is_object(data)) {
        char *text = json_dumps(data, JSON_COMPACT);
        if (text == NULL || strlen(text) > PLUGIN_DATA_MAX) {
            code = shoal_fail_field(err, "pluginData", "pluginData is too long");
        } else {
            out->plugin_data = shoal_arena_strdup(call->arena, text);
        }
        free(text);
    }
    return code;
}

int catalog_fields_read(struct shoal_call *call, const json_t *json, bool is_new,
    struct catalog_fields *out, struct shoal_err *err)
{
    *out = (struct catalog_fields){.privacy = SHOAL_PRIVACY_PRIVATE,
        .comments_policy = 1,
        .is_downloadable = true,
        .category = -1,
        .licence = -1};
    int code = texts_read(json, is_new, out, err);
    if (code == 0) {
        code = choices_read(json, out, err);
    }
    if (code == 0) {
        code = flags_read(json, out, err);
    }
    if (code == 0) {
        code = schedule_read(json, out, err);
    }
    if (code == 0) {
        code = rest_read(call, json, out, err);
    }
    if (code == 0 && is_new && !out->has_channel) {
        code = shoal_fail_field(err, "channelId", "Should have correct video channel id");
    }
    if (code == 0 && is_new && out->privacy == SHOAL_PRIVACY_PASSWORD && out->password_count == 0) {
        code = shoal_fail_field(err, "videoPasswords",
            "Should have at least one password for a password protected video");
    }
    return code;
}

static void value_free(void *value)
{
    json_decref(value);
}

int catalog_fields_fill(struct shoal_call *call, const json_t *draft, const char *source,
    bool is_new, struct catalog_fields *fields, struct shoal_err *err)
{
    int code = catalog_fields_read(call, draft, is_new, fields, err);
    if (code != 0 || !shoal_hook_heard("video.fill")) {
        return code;
    }
    json_t *value = json_pack("{s:o, s:O?, s:o?, s:s}", "video", json_deep_copy(draft),
        "pluginData", json_object_get(draft, "pluginData"), "user",
        catalog_user_brief(call, call->viewer.user_id), "source", source);
    shoal_fire_filter(call, "video.fill", &value);
    struct catalog_fields filled;
    struct shoal_err broken = {0};
    json_t *video = json_object_get(value, "video");
    if (json_is_object(video) && catalog_fields_read(call, video, is_new, &filled, &broken) == 0) {
        // Its text is borrowed from a value that must live as long as the call.
        shoal_arena_defer(call->arena, value_free, json_incref(video));
        // Filters may not move a video into the channel of somebody else.
        filled.channel_id = fields->channel_id;
        filled.has_channel = fields->has_channel;
        *fields = filled;
    } else {
        shoal_warn("video.fill made a draft that is not valid and is left out: %s", broken.text);
    }
    json_decref(value);
    return 0;
}

int catalog_fields_tags_write(struct shoal_call *call, struct shoal_db *tx, int64_t video_id,
    const struct catalog_fields *fields, struct shoal_err *err)
{
    int code = shoal_db_exec(tx, &tags_clear, SHOAL_ARGS(SHOAL_I64(video_id)), NULL, err);
    for (size_t i = 0; i < fields->tag_count && code == 0; i++) {
        code = shoal_db_exec(tx, &tag_add,
            SHOAL_ARGS(SHOAL_I64(video_id), SHOAL_I64(i), SHOAL_TEXT(fields->tags[i]),
                SHOAL_TEXT(catalog_fold(call->arena, fields->tags[i]))),
            NULL, err);
    }
    return code;
}

int catalog_fields_passwords_write(struct shoal_db *tx, int64_t video_id,
    const struct catalog_fields *fields, struct shoal_err *err)
{
    int code = shoal_db_exec(tx, &passwords_clear, SHOAL_ARGS(SHOAL_I64(video_id)), NULL, err);
    for (size_t i = 0; i < fields->password_count && code == 0; i++) {
        code = shoal_db_exec(tx, &password_add,
            SHOAL_ARGS(
                SHOAL_I64(video_id), SHOAL_TEXT(fields->passwords[i]), SHOAL_I64(shoal_now_ms())),
            NULL, err);
    }
    return code;
}

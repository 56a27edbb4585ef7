// federation_videos_write.c - a video of ours as the document that other servers read.
//
// The form is the one that PeerTube 6.3 and 8.2 both read: lists where one of them wants lists,
// JPEG pictures with sizes, commentsEnabled beside commentsPolicy, captions with plain addresses.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <string.h>

#include <shoal/annotations.h>
#include <shoal/svc/tracker.h>

#include <ask.h>

#include "federation_videos.h"

#define NSFW_VIOLENT 1
#define NSFW_SEX     2

static json_t *copy_or_null(const json_t *from, const char *key)
{
    json_t *value = json_object_get(from, key);
    return value == NULL ? json_null() : json_incref(value);
}

// {id, label} to {identifier, name}; left out where it is not known.
static void labelled_add(
    struct shoal_arena *arena, const json_t *video, const char *key, json_t *out)
{
    const json_t *from = json_object_get(video, key);
    const json_t *id = json_object_get(from, "id");
    const char *name = shoal_text(from, "label", "");
    const char *text = json_is_integer(id)
                           ? shoal_arena_printf(arena, "%lld", (long long)json_integer_value(id))
                           : json_string_value(id);
    if (text != NULL) {
        json_object_set_new(out, key, json_pack("{s:s, s:s}", "identifier", text, "name", name));
    }
}

static json_t *tags_of(const json_t *video)
{
    json_t *out = json_array();
    const json_t *tags = json_object_get(video, "tags");
    for (size_t i = 0; i < json_array_size(tags); i++) {
        json_array_append_new(
            out, json_pack("{s:s, s:O}", "type", "Hashtag", "name", json_array_get(tags, i)));
    }
    int64_t flags = shoal_flag(video, "nsfw", false) ? shoal_integer(video, "nsfwFlags", 0) : 0;
    if ((flags & NSFW_VIOLENT) != 0) {
        json_array_append_new(
            out, json_pack("{s:s, s:s}", "type", "SensitiveTag", "name", "violent"));
    }
    if ((flags & NSFW_SEX) != 0) {
        json_array_append_new(
            out, json_pack("{s:s, s:s}", "type", "SensitiveTag", "name", "explicitSex"));
    }
    return out;
}

static json_t *icons_of(const json_t *video)
{
    json_t *out = json_array();
    const json_t *pictures = json_object_get(video, "thumbnails");
    for (size_t i = 0; i < json_array_size(pictures); i++) {
        const json_t *picture = json_array_get(pictures, i);
        int64_t width = shoal_integer(picture, "width", 0);
        int64_t height = shoal_integer(picture, "height", 0);
        if (width > 0 && height > 0) {
            json_array_append_new(
                out, json_pack("{s:s, s:s, s:s, s:I, s:I}", "type", "Image", "url",
                         shoal_text(picture, "fileUrl", ""), "mediaType", "image/jpeg", "width",
                         (json_int_t)width, "height", (json_int_t)height));
        }
    }
    return out;
}

static json_t *captions_of(const struct fv_source *source)
{
    json_t *out = json_array();
    const json_t *captions = json_object_get(source->annotations, "captions");
    for (size_t i = 0; i < json_array_size(captions); i++) {
        const json_t *caption = json_array_get(captions, i);
        const char *language = shoal_text(caption, "language", "");
        json_array_append_new(
            out, json_pack("{s:s, s:s, s:b, s:s}", "identifier", language, "name",
                     shoal_text(caption, "label", language), "automaticallyGenerated",
                     shoal_flag(caption, "automaticallyGenerated", false), "url",
                     shoal_text(caption, "url", "")));
    }
    return out;
}

static void storyboard_add(struct shoal_arena *arena, const struct fv_source *source, json_t *out)
{
    const json_t *board = json_object_get(source->annotations, "storyboard");
    if (!json_is_object(board)) {
        return;
    }
    const char *duration =
        shoal_arena_printf(arena, "PT%lldS", (long long)shoal_integer(board, "spriteDuration", 1));
    json_object_set_new(out, "preview",
        json_pack("[{s:s, s:[s], s:[{s:s, s:s, s:I, s:I, s:I, s:I, s:s}]}]", "type", "Image", "rel",
            "storyboard", "url", "mediaType", "image/jpeg", "href", shoal_text(board, "url", ""),
            "width", (json_int_t)shoal_integer(board, "totalWidth", 0), "height",
            (json_int_t)shoal_integer(board, "totalHeight", 0), "tileWidth",
            (json_int_t)shoal_integer(board, "spriteWidth", 0), "tileHeight",
            (json_int_t)shoal_integer(board, "spriteHeight", 0), "tileDuration", duration));
}

static void comments_add(const json_t *video, json_t *out)
{
    int64_t policy = shoal_integer(video, "commentsPolicy.id", 2);
    json_object_set_new(out, "commentsPolicy", json_integer(policy));
    json_object_set_new(out, "commentsEnabled", json_boolean(policy != 2)); // for 6.x
    // Others than PeerTube are told so that an answer will wait for somebody.
    json_object_set_new(out, "canReply", policy == 1 ? json_null() : json_string(ACTIVITY_PUBLIC));
}

static void words_add(struct shoal_arena *arena, const json_t *video, json_t *out)
{
    labelled_add(arena, video, "category", out);
    labelled_add(arena, video, "licence", out);
    labelled_add(arena, video, "language", out);
    json_object_set_new(out, "mediaType", json_string("text/markdown"));
    json_object_set_new(out, "content", copy_or_null(video, "description"));
    json_object_set_new(out, "support", copy_or_null(video, "support"));
    json_object_set_new(out, "sensitive", json_boolean(shoal_flag(video, "nsfw", false)));
    if (shoal_flag(video, "nsfw", false) && shoal_text(video, "nsfwSummary", NULL) != NULL) {
        json_object_set(out, "summary", json_object_get(video, "nsfwSummary"));
    }
    json_object_set_new(out, "tag", tags_of(video));
}

static void facts_add(struct shoal_arena *arena, const json_t *video, json_t *out)
{
    bool is_live = shoal_flag(video, "isLive", false);
    json_object_set_new(out, "duration",
        json_string(shoal_arena_printf(
            arena, "PT%lldS", is_live ? 0LL : (long long)shoal_integer(video, "duration", 0))));
    json_object_set_new(out, "uuid", copy_or_null(video, "uuid"));
    json_object_set_new(out, "views", json_integer(shoal_integer(video, "views", 0)));
    json_object_set_new(out, "downloads", json_integer(shoal_integer(video, "downloads", 0)));
    json_object_set_new(
        out, "waitTranscoding", json_boolean(shoal_flag(video, "waitTranscoding", false)));
    json_object_set_new(
        out, "downloadEnabled", json_boolean(shoal_flag(video, "downloadEnabled", true)));
    json_object_set_new(out, "state", json_integer(shoal_integer(video, "state.id", 1)));
    json_object_set_new(out, "published", copy_or_null(video, "publishedAt"));
    json_object_set_new(out, "updated", copy_or_null(video, "updatedAt"));
    json_object_set_new(out, "originallyPublishedAt", copy_or_null(video, "originallyPublishedAt"));
    if (shoal_text(video, "inputFileUpdatedAt", NULL) != NULL) {
        json_object_set(out, "uploadDate", json_object_get(video, "inputFileUpdatedAt"));
    }
    if (json_is_number(json_object_get(video, "aspectRatio"))) {
        json_object_set(out, "aspectRatio", json_object_get(video, "aspectRatio"));
    }
    json_object_set_new(out, "isLiveBroadcast", json_boolean(is_live));
    json_object_set_new(out, "liveSaveReplay",
        is_live ? json_boolean(shoal_flag(video, "saveReplay", false)) : json_null());
    json_object_set_new(out, "permanentLive",
        is_live ? json_boolean(shoal_flag(video, "permanentLive", false)) : json_null());
    json_object_set_new(out, "latencyMode",
        is_live ? json_integer(shoal_integer(video, "latencyMode", 1)) : json_null());
}

static void places_add(struct shoal_arena *arena, const struct fv_source *source, json_t *out)
{
    static const char *const collections[][2] = {{"likes", "likes"}, {"dislikes", "dislikes"},
        {"shares", "announces"}, {"comments", "comments"}, {"hasParts", "chapters"}};
    const char *url = source->url;
    size_t base = strcspn(strstr(url, "://") + 3, "/") + (size_t)(strstr(url, "://") + 3 - url);
    const char *page = shoal_arena_printf(
        arena, "%.*s/w/%s", (int)base, url, shoal_text(source->video, "shortUUID", ""));
    json_t *links = json_pack("[{s:s, s:s, s:s}, {s:s, s:s, s:s}]", "type", "Link", "mediaType",
        "text/html", "href", page, "type", "Link", "mediaType", "text/html", "href", url);
    fv_links_add(source, links);
    json_object_set_new(out, "url", links);
    for (size_t i = 0; i < sizeof collections / sizeof *collections; i++) {
        json_object_set_new(out, collections[i][0],
            json_string(shoal_arena_printf(arena, "%s/%s", url, collections[i][1])));
    }
    json_object_set_new(out, "embedUrl",
        json_string(shoal_arena_printf(
            arena, "%.*s%s", (int)base, url, shoal_text(source->video, "embedPath", ""))));
}

void fv_audience_add(json_t *out, int privacy, const char *followers_url, const char *channel_url)
{
    // Of an unlisted one `to` is empty: that is how PeerTube says it. Others look for Public in cc.
    bool is_public = privacy == SHOAL_PRIVACY_PUBLIC;
    json_object_set_new(out, "to",
        is_public && channel_url != NULL ? json_pack("[s, s]", ACTIVITY_PUBLIC, channel_url)
        : is_public                      ? json_pack("[s]", ACTIVITY_PUBLIC)
                                         : json_array());
    json_object_set_new(out, "cc", json_pack("[s]", is_public ? followers_url : ACTIVITY_PUBLIC));
}

json_t *fv_document(
    struct shoal_arena *arena, const struct fv_source *source, struct shoal_err *err)
{
    json_t *icons = icons_of(source->video);
    if (json_array_size(icons) == 0) {
        json_decref(icons);
        shoal_fail(err, SHOAL_ENOTFOUND, "the video has no picture yet");
        return NULL;
    }
    json_t *out = json_pack("{s:s, s:s, s:O, s:o}", "type", "Video", "id", source->url, "name",
        json_object_get(source->video, "name"), "icon", icons);
    facts_add(arena, source->video, out);
    words_add(arena, source->video, out);
    comments_add(source->video, out);
    json_object_set_new(out, "subtitleLanguage", captions_of(source));
    storyboard_add(arena, source, out);
    places_add(arena, source, out);
    // The account first: whoever shows one author shows that one.
    json_object_set_new(out, "attributedTo",
        json_pack("[{s:s, s:s}, {s:s, s:s}]", "type", "Person", "id", source->account_url, "type",
            "Group", "id", source->channel_url));
    json_object_set_new(out, "audience", json_string(source->channel_url));
    fv_audience_add(out, (int)shoal_integer(source->video, "privacy.id", 0), source->followers_url,
        source->channel_url);
    return out;
}

json_t *fv_chapters(struct shoal_arena *arena, const struct fv_source *source)
{
    json_t *parts = json_array();
    const json_t *chapters = json_object_get(source->annotations, "chapters");
    int64_t end = shoal_integer(source->video, "duration", 0);
    for (size_t i = 0; i < json_array_size(chapters); i++) {
        const json_t *chapter = json_array_get(chapters, i);
        const json_t *next = json_array_get(chapters, i + 1);
        json_array_append_new(
            parts, json_pack("{s:s, s:I, s:I}", "name", shoal_text(chapter, "title", ""),
                       "startOffset", (json_int_t)shoal_integer(chapter, "timecode", 0),
                       "endOffset", (json_int_t)shoal_integer(next, "timecode", end)));
    }
    return json_pack("{s:s, s:o}", "id", shoal_arena_printf(arena, "%s/chapters", source->url),
        "hasPart", parts);
}

json_t *fv_document_of(struct shoal_call *call, const struct shoal_video_ref *ref, json_t **noun,
    struct shoal_err *err)
{
    struct shoal_actor account, channel;
    if (shoal_actor_get(call, ref->account_actor_id, &account, err) != 0 ||
        shoal_actor_get(call, ref->channel_actor_id, &channel, err) != 0) {
        return NULL;
    }
    json_t *video = shoal_video_get(call, ref->uuid, NULL, err);
    json_t *annotations = video == NULL ? NULL : shoal_annotations_get(call, ref->id, err);
    json_t *hashes = video == NULL ? NULL : ASK(call, tracker, NULL, NULL, hashes, ref->uuid, ask.err);
    const struct fv_source source = {.video = video,
        .annotations = annotations,
        .hashes = hashes,
        .url = ref->url,
        .account_url = account.url,
        .channel_url = channel.url,
        .followers_url = account.followers_url};
    json_t *out = annotations == NULL ? NULL : fv_document(shoal_call_arena(call), &source, err);
    json_decref(annotations);
    json_decref(hashes);
    if (noun != NULL && out != NULL) {
        *noun = video;
    } else {
        json_decref(video);
    }
    return out;
}

// federation_videos_read.c - another server's Video document as a draft for the catalog.
//
// What PeerTube refuses is refused, with the field; what it leaves out is left out.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "federation_videos.h"

#define NAME_MIN     3
#define NAME_MAX_    120
#define ITEMS_MAX    100
#define NSFW_VIOLENT 1
#define NSFW_SEX     2

int64_t fv_time(const json_t *json, const char *key)
{
    int64_t time_ms = -1;
    const char *text = shoal_text(json, key, NULL);
    return text != NULL && shoal_time_parse(text, &time_ms) == 0 ? time_ms : -1;
}

int64_t fv_duration(const char *text)
{
    size_t length = text == NULL ? 0 : strnlen(text, 32);
    if (length < 4 || length > 20 || strncmp(text, "PT", 2) != 0 || text[length - 1] != 'S' ||
        strspn(text + 2, "0123456789") != length - 3) {
        return -1;
    }
    return strtoll(text + 2, NULL, 10);
}

static size_t characters(const char *text)
{
    size_t count = 0;
    for (; *text != '\0'; text++) {
        count += ((unsigned char)*text & 0xc0) != 0x80;
    }
    return count;
}

static bool is_empty(const json_t *list)
{
    return list == NULL || json_is_null(list) || (json_is_array(list) && json_array_size(list) == 0);
}

// Unlisted is to nobody in PeerTube's words, and in those of others with everybody in cc. What is
// addressed to some people is not for whoever has a link. Returns: -1 for that.
static int privacy_of(const json_t *document, const json_t *activity)
{
    const json_t *from = json_object_get(document, "to") == NULL ? activity : document;
    const json_t *to = json_object_get(from, "to");
    return activity_is_public(to) ? (int)SHOAL_PRIVACY_PUBLIC
           : is_empty(to) || activity_is_public(json_object_get(from, "cc"))
               ? (int)SHOAL_PRIVACY_UNLISTED
               : -1;
}

static int must_read(const json_t *document, json_t *draft, struct shoal_err *err)
{
    const char *id = shoal_text(document, "id", NULL);
    const char *uuid = shoal_text(document, "uuid", "");
    const char *name = shoal_text(document, "name", "");
    int64_t duration_s = fv_duration(shoal_text(document, "duration", NULL));
    int64_t published_ms = fv_time(document, "published");
    int64_t updated_ms = fv_time(document, "updated");
    if (id == NULL) {
        return shoal_fail_field(err, "id", "a video needs an id");
    }
    if (!shoal_uuid_valid(uuid)) {
        return shoal_fail_field(err, "uuid", "a video needs a UUID");
    }
    if (characters(name) < NAME_MIN || characters(name) > NAME_MAX_) {
        return shoal_fail_field(err, "name", "a video's name has 3 to 120 characters");
    }
    if (!json_is_integer(json_object_get(document, "views"))) {
        return shoal_fail_field(err, "views", "a video needs a number of views");
    }
    if (duration_s < 0) {
        return shoal_fail_field(err, "duration", "a duration is written like PT62S");
    }
    if (published_ms < 0 || updated_ms < 0) {
        return shoal_fail_field(err, published_ms < 0 ? "published" : "updated",
            "a video says when it was published and updated");
    }
    json_object_set_new(draft, "url", json_string(id));
    json_object_set_new(draft, "uuid", json_string(uuid));
    json_object_set_new(draft, "name", json_string(name));
    json_object_set_new(draft, "views", json_integer(shoal_integer(document, "views", 0)));
    json_object_set_new(draft, "duration", json_integer(duration_s));
    json_object_set_new(draft, "publishedAt", json_integer(published_ms));
    json_object_set_new(draft, "updatedAt", json_integer(updated_ms));
    return 0;
}

// Beside the wide pictures 8.x has a square one for players of podcasts, larger than most of them.
static void squares_drop(json_t *pictures)
{
    bool has_wide = false;
    for (size_t i = 0; i < json_array_size(pictures); i++) {
        const json_t *at = json_array_get(pictures, i);
        has_wide = has_wide || shoal_integer(at, "width", 0) > shoal_integer(at, "height", 0);
    }
    for (size_t i = json_array_size(pictures); has_wide && i-- > 0;) {
        const json_t *at = json_array_get(pictures, i);
        if (shoal_integer(at, "width", 0) == shoal_integer(at, "height", 0)) {
            json_array_remove(pictures, i);
        }
    }
}

// Pictures need their sizes: which one is shown where is decided by them.
static int icons_read(const json_t *document, json_t *draft, struct shoal_err *err)
{
    const json_t *icons = json_object_get(document, "icon");
    json_t *out = json_array();
    size_t count = json_is_array(icons) ? json_array_size(icons) : json_is_object(icons) ? 1 : 0;
    for (size_t i = 0; i < count && i < ITEMS_MAX; i++) {
        const json_t *icon = json_is_array(icons) ? json_array_get(icons, i) : icons;
        const char *mime = shoal_text(icon, "mediaType", "");
        const char *url = shoal_text(icon, "url", NULL);
        if (url != NULL && strncmp(mime, "image/", 6) == 0 &&
            json_is_integer(json_object_get(icon, "width")) &&
            json_is_integer(json_object_get(icon, "height"))) {
            json_array_append_new(out,
                json_pack("{s:s, s:s, s:O, s:O}", "url", url, "mime", mime, "width",
                    json_object_get(icon, "width"), "height", json_object_get(icon, "height")));
        }
    }
    squares_drop(out);
    bool has_some = json_array_size(out) > 0;
    json_object_set_new(draft, "thumbnails", out);
    return has_some ? 0 : shoal_fail_field(err, "icon", "a video needs a picture with its size");
}

static void identifier_read(const json_t *document, const char *key, bool is_number, json_t *draft)
{
    const char *text = shoal_text(json_object_get(document, key), "identifier", NULL);
    if (text == NULL) {
        return;
    }
    if (!is_number) {
        json_object_set_new(draft, key, json_string(text));
    } else if (strnlen(text, 10) < 10 && text[0] != '\0' &&
               strspn(text, "0123456789") == strlen(text)) {
        json_object_set_new(draft, key, json_integer(strtoll(text, NULL, 10)));
    }
}

// Besides PeerTube's numbers the names that SPDX has for the same licences, in their order.
static void licence_read(const json_t *document, json_t *draft)
{
    static const char *const names[] = {
        "CC-BY-4", "CC-BY-SA-", "CC-BY-ND-", "CC-BY-NC-4", "CC-BY-NC-SA-", "CC-BY-NC-ND-", "CC0-"};
    const char *text = shoal_text(json_object_get(document, "licence"), "identifier", "");
    identifier_read(document, "licence", true, draft);
    for (int i = 0; i < 7; i++) {
        if (strncmp(text, names[i], strlen(names[i])) == 0) {
            json_object_set_new(draft, "licence", json_integer(i + 1));
        }
    }
}

static void tags_read(const json_t *document, json_t *draft)
{
    json_t *tags = json_array();
    int64_t flags = 0;
    const json_t *list = json_object_get(document, "tag");
    for (size_t i = 0; i < json_array_size(list) && i < ITEMS_MAX; i++) {
        const json_t *tag = json_array_get(list, i);
        const char *type = shoal_text(tag, "type", "");
        const char *name = shoal_text(tag, "name", "");
        if (strcmp(type, "Hashtag") == 0) {
            json_array_append_new(tags, json_string(name + (name[0] == '#')));
        } else if (strcmp(type, "SensitiveTag") == 0) {
            flags |= strcmp(name, "violent") == 0       ? NSFW_VIOLENT
                     : strcmp(name, "explicitSex") == 0 ? NSFW_SEX
                                                        : 0;
        }
    }
    json_object_set_new(draft, "tags", tags);
    json_object_set_new(draft, "nsfwFlags", json_integer(flags));
}

// HTML of a server that does not write Markdown: its words alone.
static const char *plain_of(struct shoal_arena *arena, const char *html)
{
    char *out = shoal_arena_alloc(arena, strlen(html) + 1);
    size_t used = 0;
    for (const char *at = html; *at != '\0';) {
        if (*at != '<') {
            out[used++] = *at++;
            continue;
        }
        if (strncmp(at, "<br", 3) == 0 || strncmp(at, "</p", 3) == 0) {
            out[used++] = '\n';
        }
        at += strcspn(at, ">");
        at += *at == '>';
    }
    out[used] = '\0';
    return out;
}

static void words_read(struct shoal_arena *arena, const json_t *document, json_t *draft)
{
    const char *content = shoal_text(document, "content", NULL);
    const char *mime = shoal_text(document, "mediaType", "text/markdown");
    const char *summary = shoal_text(document, "summary", NULL);
    if (content != NULL) {
        bool is_html = strcmp(mime, "text/html") == 0;
        json_object_set_new(
            draft, "description", json_string(is_html ? plain_of(arena, content) : content));
    }
    if (shoal_text(document, "support", NULL) != NULL) {
        json_object_set(draft, "support", json_object_get(document, "support"));
    }
    if (summary != NULL) {
        json_object_set_new(draft, "nsfwSummary", json_string(summary));
    }
    identifier_read(document, "category", true, draft);
    licence_read(document, draft);
    identifier_read(document, "language", false, draft);
    tags_read(document, draft);
}

static void flags_read(const json_t *document, json_t *draft)
{
    static const struct {
        const char *from, *to;
        bool otherwise;
    } rows[] = {{"sensitive", "nsfw", false}, {"waitTranscoding", "waitTranscoding", false},
        {"downloadEnabled", "downloadEnabled", true}, {"isLiveBroadcast", "isLive", false},
        {"liveSaveReplay", "saveReplay", false}, {"permanentLive", "permanentLive", false}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        json_object_set_new(
            draft, rows[i].to, json_boolean(shoal_flag(document, rows[i].from, rows[i].otherwise)));
    }
    int64_t state = shoal_integer(document, "state", SHOAL_STATE_PUBLISHED);
    bool is_live_state = state == SHOAL_STATE_WAITING_FOR_LIVE || state == SHOAL_STATE_LIVE_ENDED;
    json_object_set_new(
        draft, "state", json_integer(is_live_state ? state : SHOAL_STATE_PUBLISHED));
    int64_t policy = shoal_integer(document, "commentsPolicy", 0);
    if (policy < 1 || policy > 3) {
        policy = shoal_flag(document, "commentsEnabled", false) ? 1 : 2;
    }
    json_object_set_new(draft, "commentsPolicy", json_integer(policy));
    json_object_set_new(
        draft, "latencyMode", json_integer(shoal_integer(document, "latencyMode", 1)));
    double aspect = shoal_number(document, "aspectRatio", 0);
    if (isfinite(aspect) && aspect > 0) {
        json_object_set_new(draft, "aspectRatio", json_real(aspect));
    }
    static const char *const times[][2] = {
        {"originallyPublishedAt", "originallyPublishedAt"}, {"uploadDate", "inputFileUpdatedAt"}};
    for (int i = 0; i < 2; i++) {
        int64_t time_ms = fv_time(document, times[i][0]);
        if (time_ms != -1) {
            json_object_set_new(draft, times[i][1], json_integer(time_ms));
        }
    }
}

// What 8.x says of lives, and who may show a video in a page of his: without an address nobody but its server.
static void eight_read(const json_t *document, json_t *draft)
{
    json_t *starts = json_array();
    const json_t *list = json_object_get(document, "schedules");
    for (size_t i = 0; i < json_array_size(list) && i < ITEMS_MAX; i++) {
        int64_t start_ms = fv_time(json_array_get(list, i), "startDate");
        if (start_ms > 0) {
            json_array_append_new(starts, json_integer(start_ms));
        }
    }
    int64_t window_s = fv_duration(shoal_text(document, "dvrWindow", NULL));
    json_object_set_new(draft, "starts", starts);
    json_object_set_new(draft, "dvrWindow", json_integer(window_s < 0 ? 0 : window_s));
    json_object_set_new(
        draft, "isEmbeddable", json_boolean(!json_is_null(json_object_get(document, "embedUrl"))));
}

static bool ends_with(const char *text, const char *end)
{
    size_t length = strlen(text);
    return length >= strlen(end) && strcmp(text + length - strlen(end), end) == 0;
}

// 6.x writes an address, 8.x a link, or a list of links of which one is WebVTT.
static const char *caption_url(const json_t *url)
{
    const char *text = json_string_value(url);
    size_t count = json_is_object(url) ? 1 : json_array_size(url);
    for (size_t i = 0; i < count && i < 8 && text == NULL; i++) {
        const json_t *link = json_is_object(url) ? url : json_array_get(url, i);
        const char *href = shoal_text(link, "href", NULL);
        const char *mime = shoal_text(link, "mediaType", "");
        bool is_vtt = strcmp(mime, "text/vtt") == 0 ||
                      (mime[0] == '\0' && href != NULL && ends_with(href, ".vtt"));
        text = is_vtt ? href : NULL;
    }
    return text;
}

static void captions_read(const json_t *document, json_t *draft)
{
    json_t *out = json_array();
    const json_t *list = json_object_get(document, "subtitleLanguage");
    for (size_t i = 0; i < json_array_size(list) && i < ITEMS_MAX; i++) {
        const json_t *caption = json_array_get(list, i);
        const char *language = shoal_text(caption, "identifier", NULL);
        const char *url = caption_url(json_object_get(caption, "url"));
        if (language != NULL && url != NULL) {
            json_array_append_new(
                out, json_pack("{s:s, s:s?, s:s, s:b}", "language", language, "label",
                         shoal_text(caption, "name", NULL), "url", url, "automaticallyGenerated",
                         shoal_flag(caption, "automaticallyGenerated", false)));
        }
    }
    json_object_set_new(draft, "captions", out);
}

// The preview that is a storyboard; others show something else.
static const json_t *storyboard_find(const json_t *document)
{
    const json_t *previews = json_object_get(document, "preview");
    for (size_t i = 0; i < json_array_size(previews) && i < 8; i++) {
        const json_t *preview = json_array_get(previews, i);
        const json_t *rel = json_object_get(preview, "rel");
        const char *kind = json_string_value(json_is_array(rel) ? json_array_get(rel, 0) : rel);
        if (kind != NULL && strcmp(kind, "storyboard") == 0) {
            return preview;
        }
    }
    return NULL;
}

static void storyboard_read(const json_t *document, json_t *draft)
{
    const json_t *link = shoal_get(storyboard_find(document), "url.0");
    int64_t tile_s = fv_duration(shoal_text(link, "tileDuration", NULL));
    if (tile_s < 1 || shoal_text(link, "href", NULL) == NULL ||
        strncmp(shoal_text(link, "mediaType", ""), "image/", 6) != 0) {
        return;
    }
    json_t *board = json_pack("{s:s, s:s, s:I}", "url", shoal_text(link, "href", ""), "mime",
        shoal_text(link, "mediaType", ""), "tileDuration", (json_int_t)tile_s);
    static const char *const sides[] = {"width", "height", "tileWidth", "tileHeight"};
    for (int i = 0; i < 4; i++) {
        json_object_set_new(board, sides[i], json_integer(shoal_integer(link, sides[i], 0)));
    }
    json_object_set_new(draft, "storyboard", board);
}

json_t *fv_draft(struct shoal_arena *arena, const json_t *document, const json_t *activity,
    struct shoal_err *err)
{
    json_t *draft = json_object();
    int code = strcmp(shoal_text(document, "type", ""), "Video") == 0
                   ? must_read(document, draft, err)
                   : shoal_fail_field(err, "type", "this is no video");
    code = code == 0 ? icons_read(document, draft, err) : code;
    int privacy = privacy_of(document, activity);
    if (code == 0 && privacy < 0) {
        code = shoal_fail_field(err, "to", "this video is for some people alone");
    }
    if (code == 0 && !fv_links_read(arena, document, draft)) {
        code = shoal_fail_field(err, "url", "nothing of this video can be played");
    }
    if (code != 0) {
        json_decref(draft);
        return NULL;
    }
    words_read(arena, document, draft);
    flags_read(document, draft);
    eight_read(document, draft);
    captions_read(document, draft);
    storyboard_read(document, draft);
    json_object_set_new(draft, "privacy", json_integer(privacy));
    return draft;
}

// federation_videos_write_test.c - the document of a video of ours has what PeerTube reads, and
// reads back.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "federation_videos.h"

#define UUID "7b0c3c5e-1f2a-4a39-9d53-8f0f1c2d3e04"
#define URL  "https://ours.example/videos/watch/" UUID

static struct shoal_arena *arena;
static json_t *video, *annotations, *hashes;

static json_t *file(int id, int resolution, bool is_hls)
{
    const char *end = is_hls ? "-fragmented.mp4" : ".mp4";
    return json_pack("{s:i, s:{s:i, s:s}, s:i, s:i, s:i, s:i, s:s, s:s, s:s, s:s, s:b, s:b}", "id",
        id, "resolution", "id", resolution, "label", "x", "width", 1280, "height", 720, "size",
        1000, "fps", 30, "fileUrl",
        shoal_arena_printf(arena, "https://ours.example/f/%d%s", resolution, end), "metadataUrl",
        shoal_arena_printf(arena, "https://ours.example/api/v1/videos/x/metadata/%d", id),
        "magnetUri",
        "magnet:?xs=https%3A%2F%2Fours.example%2Ft.torrent&xt=urn:btih:"
        "0123456789abcdef0123456789abcdef01234567",
        "torrentUrl", "https://ours.example/t.torrent", "hasAudio", 1, "hasVideo", resolution != 0);
}

static int setup(void **state)
{
    (void)state;
    arena = shoal_arena_new(0);
    video = json_pack(
        "{s:i, s:s, s:s, s:s, s:s, s:{s:i, s:s}, s:{s:n, s:s}, s:{s:s, s:s}, s:{s:i}, s:b, s:i}",
        "id", 7, "uuid", UUID, "shortUUID", "gKBBYKa4cBYXpPCRCxh4yK", "name", "Ours", "description",
        "About **it**", "category", "id", 11, "label", "News", "licence", "id", "label", "Unknown",
        "language", "id", "de", "label", "German", "privacy", "id", 1, "nsfw", 1, "nsfwFlags", 3);
    json_object_update_new(video,
        json_pack(
            "{s:i, s:f, s:i, s:s, s:s, s:n, s:{s:i}, s:{s:i}, s:b, s:b, s:s, s:s, s:b, s:n, s:s}",
            "duration", 62, "aspectRatio", 1.7778, "views", 5, "publishedAt",
            "2026-01-02T03:04:05.678Z", "updatedAt", "2026-01-03T03:04:05.678Z",
            "originallyPublishedAt", "commentsPolicy", "id", 3, "state", "id", 1, "downloadEnabled",
            1, "waitTranscoding", 0, "embedPath", "/videos/embed/gK", "inputFileUpdatedAt",
            "2026-01-02T03:00:00.000Z", "isLive", 0, "support", "nsfwSummary", "why"));
    json_object_set_new(video, "tags", json_pack("[s, s]", "one", "two"));
    json_object_set_new(video, "thumbnails",
        json_pack("[{s:s, s:i, s:i}]", "fileUrl",
            "https://ours.example/lazy-static/thumbnails/t.jpg", "width", 280, "height", 157));
    json_object_set_new(video, "trackerUrls",
        json_pack("[s, s]", "https://ours.example/tracker/announce",
            "wss://ours.example:443/tracker/socket"));
    json_object_set_new(video, "files", json_pack("[o]", file(1, 720, false)));
    json_object_set_new(video, "streamingPlaylists",
        json_pack("[{s:s, s:s, s:[o, o]}]", "playlistUrl", "https://ours.example/h/m-master.m3u8",
            "segmentsSha256Url", "https://ours.example/h/s.json", "files", file(2, 720, true),
            file(3, 0, true)));
    annotations = json_pack(
        "{s:[{s:s, s:s, s:s, s:b}], s:[{s:i, s:s}, {s:i, s:s}], s:{s:s, s:i, s:i, s:i, s:i, s:i}}",
        "captions", "language", "en", "label", "English", "url", "https://ours.example/c.vtt",
        "automaticallyGenerated", 0, "chapters", "timecode", 0, "title", "Intro", "timecode", 31,
        "title", "End", "storyboard", "url", "https://ours.example/s.jpg", "totalWidth", 1920,
        "totalHeight", 1080, "spriteWidth", 192, "spriteHeight", 108, "spriteDuration", 2);
    hashes = json_pack(
        "[{s:i, s:s}]", "generation", 2, "name", "62507073425047336d386b7457506c736545634a");
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    json_decref(video);
    json_decref(annotations);
    json_decref(hashes);
    shoal_arena_free(arena);
    return 0;
}

static struct fv_source source_of(void)
{
    return (struct fv_source){.video = video,
        .annotations = annotations,
        .hashes = hashes,
        .url = URL,
        .account_url = "https://ours.example/accounts/alice",
        .channel_url = "https://ours.example/video-channels/cooking",
        .followers_url = "https://ours.example/accounts/alice/followers"};
}

static json_t *document_of(void)
{
    struct shoal_err err = {0};
    struct fv_source source = source_of();
    json_t *document = fv_document(arena, &source, &err);
    if (document == NULL) {
        fail_msg("%s", err.text);
    }
    return document;
}

static void has_what_peertube_reads(void **state)
{
    (void)state;
    json_t *document = document_of();
    static const char *const texts[][2] = {{"type", "Video"}, {"id", URL}, {"uuid", UUID},
        {"duration", "PT62S"}, {"category.identifier", "11"}, {"language.identifier", "de"},
        {"mediaType", "text/markdown"}, {"content", "About **it**"}, {"summary", "why"},
        {"published", "2026-01-02T03:04:05.678Z"}, {"uploadDate", "2026-01-02T03:00:00.000Z"},
        {"likes", URL "/likes"}, {"shares", URL "/announces"}, {"comments", URL "/comments"},
        {"hasParts", URL "/chapters"}, {"attributedTo.0.type", "Person"},
        {"attributedTo.1.id", "https://ours.example/video-channels/cooking"},
        {"icon.0.mediaType", "image/jpeg"},
        {"subtitleLanguage.0.url", "https://ours.example/c.vtt"}, {"preview.0.rel.0", "storyboard"},
        {"preview.0.url.0.tileDuration", "PT2S"}, {"to.0", ACTIVITY_PUBLIC},
        {"cc.0", "https://ours.example/accounts/alice/followers"}, {"tag.0.type", "Hashtag"},
        {"tag.2.name", "violent"}, {"tag.3.name", "explicitSex"}, {"canReply", ACTIVITY_PUBLIC},
        {"embedUrl", "https://ours.example/videos/embed/gK"}};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        assert_string_equal(shoal_text(document, texts[i][0], "-"), texts[i][1]);
    }
    assert_int_equal(shoal_integer(document, "icon.0.width", 0), 280);
    assert_int_equal(shoal_integer(document, "commentsPolicy", 0), 3);
    assert_true(shoal_flag(document, "commentsEnabled", false));
    assert_true(shoal_flag(document, "sensitive", false));
    assert_int_equal(shoal_integer(document, "views", 0), 5);
    assert_null(json_object_get(document, "licence"));
    assert_true(json_is_null(json_object_get(document, "support")));
    assert_true(json_is_null(json_object_get(document, "permanentLive")));
    json_decref(document);
}

static void links_come_in_peertubes_order(void **state)
{
    (void)state;
    json_t *document = document_of();
    static const char *const mimes[] = {"text/html", "text/html", "video/mp4", "application/json",
        "application/x-bittorrent", "application/x-bittorrent;x-scheme-handler/magnet",
        "application/x-mpegURL", "-", "-"};
    const json_t *links = json_object_get(document, "url");
    assert_int_equal(json_array_size(links), sizeof mimes / sizeof *mimes);
    for (size_t i = 0; i < sizeof mimes / sizeof *mimes; i++) {
        assert_string_equal(shoal_text(json_array_get(links, i), "mediaType", "-"), mimes[i]);
    }
    assert_string_equal(
        shoal_text(links, "0.href", ""), "https://ours.example/w/gKBBYKa4cBYXpPCRCxh4yK");
    assert_string_equal(shoal_text(links, "1.href", ""), URL);
    assert_string_equal(shoal_text(links, "3.rel.0", ""), "metadata");
    assert_string_equal(shoal_text(links, "8.name", ""), "tracker-websocket");
    const json_t *tags = shoal_get(links, "6.tag");
    assert_int_equal(json_array_size(tags), 2 + 4 + 4);
    assert_string_equal(shoal_text(tags, "0.type", ""), "Infohash");
    assert_string_equal(shoal_text(tags, "1.name", ""), "sha256");
    assert_string_equal(shoal_text(tags, "2.attachment.2.value", ""), "fragmented");
    assert_string_equal(shoal_text(tags, "6.mediaType", ""), "audio/mp4");
    assert_int_equal(shoal_integer(tags, "6.height", -1), 0);
    json_decref(document);
}

static void reads_back_as_it_was_written(void **state)
{
    (void)state;
    struct shoal_err err = {0};
    json_t *document = document_of();
    json_t *draft = fv_draft(arena, document, NULL, &err);
    assert_non_null(draft);
    assert_string_equal(shoal_text(draft, "url", ""), URL);
    assert_int_equal(shoal_integer(draft, "privacy", 0), 1);
    assert_int_equal(shoal_integer(draft, "nsfwFlags", 0), 3);
    assert_int_equal(json_array_size(json_object_get(draft, "files")), 3);
    assert_string_equal(
        shoal_text(draft, "files.0.torrentUrl", ""), "https://ours.example/t.torrent");
    assert_int_equal(json_array_size(json_object_get(draft, "trackers")), 2);
    assert_int_equal(shoal_integer(draft, "storyboard.tileWidth", 0), 192);
    assert_int_equal(json_array_size(json_object_get(draft, "captions")), 1);
    assert_int_equal(json_array_size(json_object_get(draft, "tags")), 2);
    json_decref(draft);
    json_decref(document);
}

static void an_unlisted_one_is_to_nobody(void **state)
{
    (void)state;
    json_object_set_new(json_object_get(video, "privacy"), "id", json_integer(2));
    json_t *document = document_of();
    assert_int_equal(json_array_size(json_object_get(document, "to")), 0);
    assert_string_equal(shoal_text(document, "cc.0", ""), ACTIVITY_PUBLIC);
    json_t *draft = fv_draft(arena, document, NULL, NULL);
    assert_int_equal(shoal_integer(draft, "privacy", 0), 2);
    json_decref(draft);
    json_decref(document);
    json_object_set_new(json_object_get(video, "privacy"), "id", json_integer(1));
}

static void without_a_picture_there_is_no_document(void **state)
{
    (void)state;
    struct shoal_err err = {0};
    json_t *pictures = json_incref(json_object_get(video, "thumbnails"));
    json_object_set_new(video, "thumbnails", json_array());
    struct fv_source source = source_of();
    assert_null(fv_document(arena, &source, &err));
    assert_int_equal(err.code, SHOAL_ENOTFOUND);
    json_object_set_new(video, "thumbnails", pictures);
}

static void chapters_end_where_the_next_begins(void **state)
{
    (void)state;
    struct fv_source source = source_of();
    json_t *chapters = fv_chapters(arena, &source);
    assert_string_equal(shoal_text(chapters, "id", ""), URL "/chapters");
    assert_int_equal(shoal_integer(chapters, "hasPart.0.endOffset", 0), 31);
    assert_int_equal(shoal_integer(chapters, "hasPart.1.endOffset", 0), 62);
    json_decref(chapters);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(has_what_peertube_reads),
        cmocka_unit_test(links_come_in_peertubes_order),
        cmocka_unit_test(reads_back_as_it_was_written),
        cmocka_unit_test(an_unlisted_one_is_to_nobody),
        cmocka_unit_test(without_a_picture_there_is_no_document),
        cmocka_unit_test(chapters_end_where_the_next_begins),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}

// seed_remote.c - speaks with the origin: asks its API, and judges what it says it has.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "seed_mirror.h"

#define ANSWER_MAX ((uint64_t)4 << 20)
#define PAGES_MAX  20

/// The sentence of an error: of the field that is wrong, where one is named.
static const char *sentence_of(const json_t *body)
{
    const char *field = NULL;
    json_t *row = NULL;
    json_object_foreach(json_object_get(body, "invalid-params"), field, row)
    {
        return shoal_text(row, "msg", field);
    }
    return shoal_text(body, "detail", shoal_text(body, "error", ""));
}

/// A stranger's sentence for our terminal: control characters would speak to the terminal itself.
static const char *sentence_clean(struct shoal_arena *arena, const char *sentence)
{
    char *text = shoal_arena_strndup(arena, sentence, strnlen(sentence, 400));
    for (unsigned char *at = (unsigned char *)text; *at != '\0'; at++) {
        bool is_c1 = at[0] == 0xc2 && at[1] >= 0x80 && at[1] < 0xa0;
        if (*at < ' ' || *at == 0x7f || is_c1) {
            *at = '?';
        }
    }
    return text;
}

/// What an answer is an error of. Where the plugin is off, or a proxy speaks, the status is the
/// same and means nothing: only with the word of our API it does.
static int answer_code(int status, const char *word)
{
    bool is_ours = (status == 401 && strcmp(word, SEED_SAYS_NO_TOKEN) == 0) ||
                   (status == 404 && strcmp(word, SEED_SAYS_NOTHING) == 0) ||
                   (status == 409 && (strcmp(word, SEED_SAYS_ENOUGH) == 0 ||
                                         strcmp(word, SEED_SAYS_NOT_REGISTERED) == 0));
    return status == 400   ? SHOAL_EINVAL
           : !is_ours      ? SHOAL_EUPSTREAM
           : status == 401 ? SHOAL_EAUTH
           : status == 404 ? SHOAL_ENOTFOUND
                           : SHOAL_ECONFLICT;
}

static int answer_judge(struct shoal_call *call, const struct seed_mirror *mirror,
    const struct shoal_fetched *fetched, json_t **answer, struct shoal_err *err)
{
    struct shoal_err bad = {0};
    bool has_body = fetched->body != NULL && fetched->body_bytes > 0;
    json_t *body = has_body ? shoal_json_parse(fetched->body, fetched->body_bytes, &bad) : NULL;
    const char *detail = sentence_clean(shoal_call_arena(call), sentence_of(body));
    int status = fetched->status;
    if (status / 100 == 2) {
        *answer = body;
        return !has_body || body != NULL
                   ? 0
                   : shoal_fail(err, SHOAL_EUPSTREAM, "%s answers no JSON", mirror->page.origin);
    }
    int code = answer_code(status, shoal_text(body, "code", ""));
    if (status / 100 == 3) {
        shoal_fail(err, code,
            "%s sends us elsewhere; the token goes nowhere else: name the address "
            "that it has itself",
            mirror->page.origin);
    } else {
        shoal_fail(err, code, "%s: %s (status %d)", mirror->page.origin,
            *detail != '\0' ? detail : "it takes no mirrors: is the plugin seed enabled there?",
            status);
    }
    json_decref(body);
    return code;
}

int seed_ask(struct shoal_call *call, const struct seed_mirror *mirror, const char *path,
    const json_t *body, uint32_t timeout_ms, json_t **answer, struct shoal_err *err)
{
    struct shoal_arena *arena = shoal_call_arena(call);
    struct shoal_fetched fetched = {0};
    char *text = body != NULL ? json_dumps(body, JSON_COMPACT) : NULL;
    const char *token = shoal_setting_text(mirror->self, call, "token");
    const char *headers[] = {shoal_arena_printf(arena, "Authorization: Bearer %s", token),
        "Accept: application/json", text != NULL ? "Content-Type: application/json" : NULL, NULL};
    const struct shoal_fetch what = {
        .method = text != NULL ? "POST" : "GET",
        .url = shoal_arena_printf(arena, "%s/api/v1/mirrors%s", mirror->page.origin, path),
        .headers = headers,
        .body = text,
        .body_bytes = text != NULL ? strlen(text) : 0,
        .max_bytes = ANSWER_MAX,
        .timeout_ms = timeout_ms,
        .redirects = -1, // the token is for the origin alone
    };
    *answer = NULL;
    int code = shoal_fetch(call, &what, &fetched, err);
    free(text);
    return code != 0 ? code : answer_judge(call, mirror, &fetched, answer, err);
}

struct seed_file *seed_file_find(struct seed_video *video, const char *name)
{
    for (size_t i = 0; i < video->file_count; i++) {
        if (strcmp(video->files[i].name, name) == 0) {
            return &video->files[i];
        }
    }
    return NULL;
}

static int file_read(const json_t *row, struct seed_video *video, struct shoal_err *err)
{
    const char *name = shoal_text(row, "name", "");
    enum seed_kind kind = seed_name_kind(name);
    int64_t size = shoal_integer(row, "size", -1);
    if (kind == SEED_KIND_NONE || seed_file_find(video, name) != NULL) {
        return shoal_fail(err, SHOAL_EUNREADABLE, "\"%.120s\" is no name of a file of it", name);
    }
    if (kind == SEED_KIND_MEDIA && (size <= 0 || size > SEED_MEDIA_BYTES)) {
        return shoal_fail(err, SHOAL_EUNREADABLE, "the size of %.120s cannot be", name);
    }
    struct seed_file *file = &video->files[video->file_count++];
    *file = (struct seed_file){.kind = kind, .size_bytes = kind == SEED_KIND_MEDIA ? size : -1};
    snprintf(file->name, sizeof file->name, "%s", name);
    video->size_bytes += kind == SEED_KIND_MEDIA ? size : 0;
    return 0;
}

int seed_video_read(const json_t *row, struct seed_video *video, struct shoal_err *err)
{
    const json_t *files = json_object_get(row, "files");
    const char *uuid = shoal_text(row, "uuid", "");
    size_t counts[SEED_KIND_LIST + 1] = {0};
    *video = (struct seed_video){.views = shoal_integer(row, "views", 0)};
    if (!shoal_uuid_valid(uuid)) {
        return shoal_fail(err, SHOAL_EUNREADABLE, "\"%.60s\" is no id of a video", uuid);
    }
    snprintf(video->uuid, sizeof video->uuid, "%s", uuid);
    snprintf(video->title, sizeof video->title, "%.120s", shoal_text(row, "name", ""));
    shoal_time_parse(shoal_text(row, "publishedAt", ""), &video->published_ms);
    if (json_array_size(files) == 0 || json_array_size(files) > SEED_FILES_MAX) {
        return shoal_fail(err, SHOAL_EUNREADABLE, "%s has no files, or too many", uuid);
    }
    for (size_t i = 0; i < json_array_size(files); i++) {
        int code = file_read(json_array_get(files, i), video, err);
        if (code != 0) {
            return code;
        }
        counts[video->files[i].kind]++;
    }
    if (counts[SEED_KIND_LIST] != 1 || counts[SEED_KIND_MASTER] != 1 ||
        counts[SEED_KIND_MEDIA] == 0 || counts[SEED_KIND_PLAYLIST] != counts[SEED_KIND_MEDIA]) {
        return shoal_fail(err, SHOAL_EUNREADABLE, "the playlists of %s are not whole", uuid);
    }
    return 0;
}

static const char *list_path(
    struct shoal_call *call, const struct seed_mirror *mirror, int64_t start)
{
    struct shoal_arena *arena = shoal_call_arena(call);
    const char *id = shoal_url_encode(arena, mirror->page.id);
    if (!mirror->page.is_channel) {
        return shoal_arena_printf(arena, "/videos?video=%s", id);
    }
    bool by_views = strcmp(shoal_setting_text(mirror->self, call, "first"), "views") == 0;
    return shoal_arena_printf(arena, "/videos?channel=%s&start=%lld&sort=%s", id, (long long)start,
        by_views ? "-views" : "-publishedAt");
}

static bool has_video(const struct seed_video *videos, size_t count, const char *uuid)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(videos[i].uuid, uuid) == 0) {
            return true;
        }
    }
    return false;
}

/// Asks for a page of the list. Any JSON is no list: then the origin cannot be asked now.
static int list_ask(struct shoal_call *call, const struct seed_mirror *mirror, int64_t start,
    json_t **answer, struct shoal_err *err)
{
    int code = seed_ask(call, mirror, list_path(call, mirror, start), NULL, 20000, answer, err);
    if (code == 0 && (!json_is_integer(json_object_get(*answer, "total")) ||
                         !json_is_array(json_object_get(*answer, "data")))) {
        json_decref(*answer);
        *answer = NULL;
        code = shoal_fail(
            err, SHOAL_EUPSTREAM, "%s answers something else than a list", mirror->page.origin);
    }
    return code;
}

int seed_list_fetch(struct shoal_call *call, const struct seed_mirror *mirror,
    struct seed_video **videos, size_t *count, struct shoal_err *err)
{
    struct seed_video *list = calloc(SEED_VIDEOS_MAX, sizeof *list);
    if (list == NULL) {
        return shoal_fail(err, SHOAL_EBUSY, "there is no memory for a list of videos");
    }
    int64_t start = 0;
    int64_t total = 1;
    *count = 0;
    for (int page = 0; page < PAGES_MAX && start < total; page++) {
        json_t *answer = NULL;
        int code = list_ask(call, mirror, start, &answer, err);
        if (code != 0) {
            free(list);
            return code;
        }
        const json_t *data = json_object_get(answer, "data");
        for (size_t i = 0; i < json_array_size(data) && *count < SEED_VIDEOS_MAX; i++) {
            struct shoal_err why = {0};
            if (seed_video_read(json_array_get(data, i), &list[*count], &why) != 0) {
                shoal_warn("a video of %s is refused: %s", mirror->page.origin, why.text);
            } else if (!has_video(list, *count, list[*count].uuid)) {
                (*count)++;
            }
        }
        total = shoal_integer(answer, "total", 0);
        int64_t next = shoal_integer(answer, "next", total);
        json_decref(answer);
        start = next > start ? next : total;
    }
    *videos = list;
    return 0;
}

static int by_time(const void *a, const void *b)
{
    const struct seed_video *one = a;
    const struct seed_video *two = b;
    return one->published_ms > two->published_ms ? -1 : one->published_ms < two->published_ms;
}

static int by_view_count(const void *a, const void *b)
{
    const struct seed_video *one = a;
    const struct seed_video *two = b;
    return one->views > two->views ? -1 : one->views < two->views ? 1 : by_time(a, b);
}

int64_t seed_texts_most(const struct seed_video *video)
{
    return ((int64_t)1 << 20) + video->size_bytes / 16;
}

void seed_videos_choose(struct seed_video *videos, size_t count, int64_t max_bytes, bool by_views)
{
    int64_t left = max_bytes;
    if (count > 0) {
        qsort(videos, count, sizeof *videos, by_views ? by_view_count : by_time);
    }
    for (size_t i = 0; i < count; i++) {
        int64_t whole = videos[i].size_bytes + seed_texts_most(&videos[i]);
        videos[i].is_chosen = whole <= left;
        left -= videos[i].is_chosen ? whole : 0;
    }
}

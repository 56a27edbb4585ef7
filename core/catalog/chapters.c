// chapters.c - the chapters of a video: listed, replaced, taken from its description.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <string.h>

#include "catalog/captions_priv.h"
#include "host/permissions.h"

SHOAL_SQL(chapters_of,
    "SELECT timecode_s, title FROM catalog_chapter WHERE video_id = $1 ORDER BY timecode_s LIMIT 1000");
SHOAL_SQL(chapters_remove, "DELETE FROM catalog_chapter WHERE video_id = $1");
SHOAL_SQL(
    chapter_add, "INSERT INTO catalog_chapter (video_id, timecode_s, title) VALUES ($1, $2, $3)");

int catalog_chapters_get(struct shoal_call *call, int64_t video_id, struct catalog_chapter **out,
    size_t *count, struct shoal_err *err)
{
    *count = 0;
    *out = shoal_arena_alloc(call->arena, CATALOG_CHAPTERS_MAX * sizeof(**out));
    struct shoal_rows *rows =
        shoal_db_query(shoal_call_db(call), &chapters_of, SHOAL_ARGS(SHOAL_I64(video_id)), err);
    if (rows == NULL) {
        return SHOAL_EIO;
    }
    while (*count < CATALOG_CHAPTERS_MAX && shoal_rows_next(rows)) {
        (*out)[(*count)++] = (struct catalog_chapter){.timecode_s = shoal_col_i64(rows, 0),
            .title = catalog_col_text(call, rows, 1)};
    }
    return shoal_rows_close(rows, err);
}

int catalog_chapters_write(struct shoal_db *tx, int64_t video_id,
    const struct catalog_chapter *chapters, size_t count, struct shoal_err *err)
{
    int code = shoal_db_exec(tx, &chapters_remove, SHOAL_ARGS(SHOAL_I64(video_id)), NULL, err);
    for (size_t i = 0; i < count && code == 0; i++) {
        code = shoal_db_exec(tx, &chapter_add,
            SHOAL_ARGS(SHOAL_I64(video_id), SHOAL_I64(chapters[i].timecode_s),
                SHOAL_TEXT(chapters[i].title)),
            NULL, err);
    }
    return code;
}

json_t *catalog_chapters_json(const struct catalog_chapter *chapters, size_t count)
{
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++) {
        json_array_append_new(list, json_pack("{s:I, s:s}", "timecode",
                                        (json_int_t)chapters[i].timecode_s, "title",
                                        chapters[i].title));
    }
    return list;
}

json_t *shoal_chapter_list(struct shoal_call *call, const char *id, const char *password,
    struct shoal_err *err)
{
    struct catalog_video video;
    struct catalog_chapter *chapters = NULL;
    size_t count = 0;
    if (shoal_permission_call(call, "read", "videos", err) != 0 ||
        catalog_video_may(call, SHOAL_MAY_SEE, id, password, &video, err) != 0 ||
        catalog_chapters_get(call, video.id, &chapters, &count, err) != 0) {
        return NULL;
    }
    return json_pack("{s:o}", "chapters", catalog_chapters_json(chapters, count));
}

// --- what a client says ---

bool catalog_chapters_same(const struct catalog_chapter *some, size_t some_count,
    const struct catalog_chapter *others, size_t others_count)
{
    bool same = some_count == others_count;
    for (size_t i = 0; i < some_count && same; i++) {
        same = some[i].timecode_s == others[i].timecode_s &&
               strcmp(some[i].title, others[i].title) == 0;
    }
    return same;
}

bool catalog_chapters_insert(
    struct catalog_chapter *list, size_t *count, struct catalog_chapter chapter)
{
    size_t at = *count;
    while (at > 0 && list[at - 1].timecode_s > chapter.timecode_s) {
        at--;
    }
    if (at > 0 && list[at - 1].timecode_s == chapter.timecode_s) {
        return false;
    }
    memmove(list + at + 1, list + at, (*count - at) * sizeof(*list));
    list[at] = chapter;
    (*count)++;
    return true;
}

static int chapter_read(const json_t *item, struct catalog_chapter *out, struct shoal_err *err)
{
    struct shoal_err why = {0};
    int64_t timecode_s = -1;
    if (!json_is_object(item) || catalog_field_i64(item, "timecode", &timecode_s, &why) != 0 ||
        timecode_s < 0 || timecode_s > CATALOG_TIMECODE_MAX) {
        return shoal_fail_field(
            err, "chapters", "Should have chapters whose timecode is a number of seconds");
    }
    const char *title = json_string_value(json_object_get(item, "title"));
    size_t length = title == NULL ? 0 : catalog_utf8_length(title);
    if (length < 1 || length > CATALOG_CHAPTER_TITLE_MAX) {
        return shoal_fail_field(err, "chapters", "Should have chapters with titles of 1 to %d characters",
            CATALOG_CHAPTER_TITLE_MAX);
    }
    *out = (struct catalog_chapter){.timecode_s = timecode_s, .title = title};
    return 0;
}

static int array_read(struct shoal_arena *arena, const json_t *chapters,
    struct catalog_chapter **out, size_t *count, struct shoal_err *err)
{
    size_t all = json_array_size(chapters);
    *count = 0;
    if (!json_is_array(chapters) || all > CATALOG_CHAPTERS_MAX) {
        return shoal_fail_field(
            err, "chapters", "Should have a list of at most %d chapters", CATALOG_CHAPTERS_MAX);
    }
    *out = shoal_arena_alloc(arena, (all + 1) * sizeof(**out));
    for (size_t i = 0; i < all; i++) {
        struct catalog_chapter chapter;
        int code = chapter_read(json_array_get(chapters, i), &chapter, err);
        if (code == 0 && !catalog_chapters_insert(*out, count, chapter)) {
            code = shoal_fail_field(err, "chapters", "Should have no two chapters at second %lld",
                (long long)chapter.timecode_s);
        }
        if (code != 0) {
            return code;
        }
    }
    return 0;
}

struct replacement {
    int64_t video_id;
    const struct catalog_chapter *chapters;
    size_t count;
};

static int replace_tx(
    struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    const struct replacement *what = arg;
    struct catalog_chapter *was = NULL;
    size_t count = 0;
    int code = catalog_chapters_get(call, what->video_id, &was, &count, err);
    if (code != 0 || catalog_chapters_same(was, count, what->chapters, what->count)) {
        return code;
    }
    code = catalog_chapters_write(tx, what->video_id, what->chapters, what->count, err);
    return code == 0 ? catalog_beside_tell(call, tx, what->video_id, "chapters",
                           catalog_chapters_json(was, count), NULL, NULL, err)
                     : code;
}

int shoal_chapter_put(
    struct shoal_call *call, const char *id, const json_t *chapters, struct shoal_err *err)
{
    struct catalog_video video;
    struct catalog_chapter *list = NULL;
    size_t count = 0;
    int code = shoal_permission_call(call, "write", "videos", err);
    code = code == 0 ? catalog_video_may(call, SHOAL_MAY_UPDATE, id, NULL, &video, err) : code;
    if (code == 0 && video.is_live) {
        code = shoal_fail(err, SHOAL_EINVAL, "You cannot add chapters to a live video");
    }
    if (code == 0) {
        code = json_is_string(chapters)
                   ? catalog_chapters_read_list(
                         call->arena, json_string_value(chapters), &list, &count, err)
                   : array_read(call->arena, chapters, &list, &count, err);
    }
    struct replacement what = {.video_id = video.id, .chapters = list, .count = count};
    return code == 0 ? shoal_tx(call, replace_tx, &what, err) : code;
}

int catalog_chapters_describe(struct shoal_call *call, struct shoal_db *tx, int64_t video_id,
    const char *was, const char *description, struct shoal_err *err)
{
    struct catalog_chapter *now = NULL;
    struct catalog_chapter *before = NULL;
    struct catalog_chapter *after = NULL;
    size_t count = 0;
    int code = catalog_chapters_get(call, video_id, &now, &count, err);
    if (code != 0) {
        return code;
    }
    size_t before_count = catalog_chapters_parse(call->arena, was, &before);
    size_t after_count = catalog_chapters_parse(call->arena, description, &after);
    bool is_theirs = count > 0 && !catalog_chapters_same(now, count, before, before_count);
    if (is_theirs || catalog_chapters_same(now, count, after, after_count)) {
        return 0;
    }
    return catalog_chapters_write(tx, video_id, after, after_count, err);
}

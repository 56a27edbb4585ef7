// captions_priv.h - what stands beside a video: its captions, chapters and storyboard, and their files.
// SPDX-License-Identifier: AGPL-3.0-or-later
#ifndef SHOAL_CORE_CATALOG_CAPTIONS_PRIV_H
#define SHOAL_CORE_CATALOG_CAPTIONS_PRIV_H
#include <shoal/annotations.h>

#include "catalog/pipeline_priv.h"

#define CATALOG_CAPTION_BYTES_MAX    (20 * 1024 * 1024) // as /config says: videoCaption.file.size.max
#define CATALOG_STORYBOARD_BYTES_MAX (10 * 1024 * 1024)
#define CATALOG_CAPTIONS_MAX         100
#define CATALOG_CHAPTERS_MAX         1000
#define CATALOG_CHAPTER_TITLE_MAX    100 // characters
#define CATALOG_TIMECODE_MAX         INT64_C(100000000)

// --- text by lines (captions_lines.c) ---

#define CATALOG_LINE_MAX 16384
/// A file read line by line, whatever ends them: each is UTF-8 without control characters.
struct catalog_lines {
    const char *path;
    int fd;
    size_t start, end;
    int64_t number; ///< of the line that was read last, from 1
    bool is_over, skips_lf;
    char room[4 * CATALOG_LINE_MAX];
};
/// Opens the file; a byte order mark is passed over. catalog_lines_close() also after a failure.
int catalog_lines_open(struct catalog_lines *lines, const char *path, struct shoal_err *err);
/// The next line, borrowed until the next call. Returns: 1, 0 at the end, or a negative error: SHOAL_EINVAL
/// with the field "captionfile" and the number of the line.
int catalog_lines_next(
    struct catalog_lines *lines, const char **text, size_t *length, struct shoal_err *err);
void catalog_lines_close(struct catalog_lines *lines);

// --- captions (captions_convert.c, captions_srt.c, captions.c) ---

/// Writes the WebVTT of a WebVTT or SubRip file to a new file, line by line. SHOAL_EINVAL with the field
/// "captionfile" for what is neither.
int catalog_caption_convert(
    const char *from, bool is_srt, const char *to, struct shoal_err *err);
/// Reads a SubRip file and appends WebVTT to out, which flush() empties now and then.
int catalog_srt_read(struct catalog_lines *lines, struct shoal_buf *out,
    int (*flush)(void *user, struct shoal_err *err), void *user, struct shoal_err *err);

struct catalog_caption {
    int64_t id, updated_ms;
    const char *language, *label, *name, *url;
    bool is_automatic;
};
/// The captions of a video by language; in the arena.
int catalog_captions_get(struct shoal_call *call, int64_t video_id, struct catalog_caption **out,
    size_t *count, struct shoal_err *err);
/// The row and the object of one caption; both within the transaction.
int catalog_caption_add(struct shoal_db *tx, int64_t video_id,
    const struct catalog_caption *caption, struct shoal_err *err);
int catalog_caption_file_add(struct shoal_db *tx, const struct catalog_file *file,
    const char *language, struct shoal_err *err);
int catalog_caption_remove(struct shoal_call *call, struct shoal_db *tx, int64_t video_id,
    const struct catalog_caption *caption, struct shoal_err *err);
/// What people read: its own label, or the name of its language; borrowed.
const char *catalog_caption_label(const struct catalog_caption *caption);
/// A name that nobody guesses: "UUID-en.vtt".
const char *catalog_caption_name(struct shoal_call *call, const char *language);
/// Removes the object of this kind and name of a video, if there is one.
int catalog_named_remove(struct shoal_call *call, struct shoal_db *tx, int64_t video_id,
    const char *kind, const char *name, struct shoal_err *err);
/// [{language, …}] as the API shows them.
json_t *catalog_captions_json(
    struct shoal_call *call, const struct catalog_caption *captions, size_t count);
/// Tells that `what` ("captions", "chapters", "storyboard") of a video changed and which files came and went,
/// and moves the epoch. All three are taken; added and removed: arrays of
/// names, or both NULL.
int catalog_beside_tell(struct shoal_call *call, struct shoal_db *tx, int64_t video_id,
    const char *what, json_t *was, json_t *added, json_t *removed, struct shoal_err *err);
/// Fewer may see the video: what knew the files' names shall not find them any more.
int catalog_beside_rename(
    struct shoal_call *call, struct shoal_db *tx, int64_t video_id, struct shoal_err *err);

// --- chapters (chapters.c, chapters_text.c) ---

struct catalog_chapter {
    int64_t timecode_s;
    const char *title;
};
/// The chapters of a video by time; in the arena.
int catalog_chapters_get(struct shoal_call *call, int64_t video_id, struct catalog_chapter **out,
    size_t *count, struct shoal_err *err);
/// Replaces all; no two have one time.
int catalog_chapters_write(struct shoal_db *tx, int64_t video_id,
    const struct catalog_chapter *chapters, size_t count, struct shoal_err *err);
json_t *catalog_chapters_json(const struct catalog_chapter *chapters, size_t count);
bool catalog_chapters_same(const struct catalog_chapter *some, size_t some_count,
    const struct catalog_chapter *others, size_t others_count);
/// Puts a chapter where it belongs by its time into a list with room for it. Returns: false where there is
/// one of this time.
bool catalog_chapters_insert(
    struct catalog_chapter *list, size_t *count, struct catalog_chapter chapter);
/// Chapters that lines like "1:02 The middle" tell of: the first run of them, if it is two lines or more;
/// sorted, of one time the first. Returns: how many; in the arena.
size_t catalog_chapters_parse(
    struct shoal_arena *arena, const char *text, struct catalog_chapter **out);
/// The same of a list that its writer means as one: each line with text must be a chapter. Negative with
/// the field "chapters" and the line for what is none.
int catalog_chapters_read_list(struct shoal_arena *arena, const char *text,
    struct catalog_chapter **out, size_t *count, struct shoal_err *err);
/// A description came or changed: its chapters become the video's unless somebody wrote other ones.
/// was: NULL where there was none.
int catalog_chapters_describe(struct shoal_call *call, struct shoal_db *tx, int64_t video_id,
    const char *was, const char *description, struct shoal_err *err);

// --- storyboards (storyboards.c, storyboards_make.c) ---

struct catalog_storyboard {
    const char *name, *url;
    int width, height, tile_width, tile_height;
    int64_t tile_duration_s;
};
int catalog_storyboard_get(struct shoal_call *call, int64_t video_id,
    struct catalog_storyboard *out, bool *found, struct shoal_err *err);
const char *catalog_storyboard_name(struct shoal_call *call); ///< one that nobody guesses
int catalog_storyboard_write(struct shoal_db *tx, int64_t video_id,
    const struct catalog_storyboard *board, struct shoal_err *err);
json_t *catalog_storyboard_json(struct shoal_call *call, const struct catalog_storyboard *board);
/// The row and the object of a video's storyboard, if there are any.
int catalog_storyboard_remove(
    struct shoal_call *call, struct shoal_db *tx, int64_t video_id, struct shoal_err *err);

/// [job] Makes the storyboard of the video's file out of its smallest rendition, unless it is there.
int catalog_storyboard_run(
    struct shoal_call *call, const struct shoal_job *job, void *arg, struct shoal_err *err);
/// Tiles of a video this long and of this shape: at most a hundred, the longer side 192 pixels.
struct catalog_board_plan {
    int count, columns, rows, tile_width, tile_height;
    int64_t tile_s;
};
/// Returns: false where it is too short or has no shape.
bool catalog_storyboard_plan(
    int64_t duration_s, int width, int height, struct catalog_board_plan *plan);

// --- files of remote videos (beside_fetch.c) ---

/// Has the caption or storyboard of this name brought from where it lies, if there is one that is not here
/// yet, as catalog_far_bring().
int catalog_beside_fetch(
    struct shoal_call *call, const char *kind, const char *name, struct shoal_err *err);

#endif

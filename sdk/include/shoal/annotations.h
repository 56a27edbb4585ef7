// annotations.h - what stands beside a video: captions, chapters and its storyboard.
//
// JSON has the names and shapes of PeerTube's API. The files are found under the names in their paths by
// shoal_media_find(): kinds "caption" and "storyboard".
// SPDX-License-Identifier: MIT
#ifndef SHOAL_ANNOTATIONS_H
#define SHOAL_ANNOTATIONS_H
#include <jansson.h>

#include <shoal/version.h>

// Results are new references (JSON) that the caller releases, NULL or negative on an error. id: number, UUID
// or short UUID. password: of a password video, or NULL.
// Errors: SHOAL_ENOTFOUND, SHOAL_EAUTH, SHOAL_EFORBIDDEN, SHOAL_EINVAL with the field, SHOAL_EIO.
// Thread: [worker]. Blocks: yes. Since: 1.0.

/// {total, data: [{language: {id, label}, automaticallyGenerated, captionPath, fileUrl, m3u8Url (null),
/// updatedAt}]}, by language.
SHOAL_API json_t *shoal_caption_list(struct shoal_call *call, const char *id, const char *password,
    struct shoal_err *err);
/// Adds the caption of one language, or replaces it. path: a WebVTT or SubRip file in UTF-8, copied; its kind
/// is told by the ending of filename (.vtt, .srt). Errors: besides SHOAL_ETOOLARGE (20 MiB). The tells
/// video.files and video.changed are written with it.
SHOAL_API int shoal_caption_put(struct shoal_call *call, const char *id, const char *language,
    const char *filename, const char *path, struct shoal_err *err);
/// SHOAL_ENOTFOUND also where the video has no caption in this language.
SHOAL_API int shoal_caption_delete(struct shoal_call *call, const char *id, const char *language,
    struct shoal_err *err);

/// {chapters: [{timecode (seconds), title}]}, by time.
SHOAL_API json_t *shoal_chapter_list(struct shoal_call *call, const char *id, const char *password,
    struct shoal_err *err);
/// Replaces all chapters. chapters: an array as above, at most 1,000, or text with a line for each
/// ("1:02 The middle"). Two of one time, a live video and titles that are not 1 to 100 characters are refused.
SHOAL_API int shoal_chapter_put(struct shoal_call *call, const char *id, const json_t *chapters,
    struct shoal_err *err);

/// {storyboards: []} of none or one: {storyboardPath, fileUrl, totalHeight, totalWidth, spriteHeight,
/// spriteWidth, spriteDuration (seconds)}.
SHOAL_API json_t *shoal_storyboard_list(struct shoal_call *call, const char *id,
    const char *password, struct shoal_err *err);

// For federation. All three set what a remote video has, within a transaction and with the tells; what is
// the same as before stays, its fetched file too. What is out of bounds is left out, never refused: the
// video is worth more. Nothing is fetched: a file comes when it is asked for first, through the guard.
// video_id: of a remote video; SHOAL_EINVAL for one of ours. Returns: 0 or a negative error.

/// captions: [{language, label (or absent), url, automaticallyGenerated}], at most 100; NULL: none.
SHOAL_API int shoal_captions_remote_set(struct shoal_call *call, struct shoal_db *tx,
    int64_t video_id, const json_t *captions, struct shoal_err *err);
/// chapters: [{timecode, title}]; longer titles are cut. NULL: none.
SHOAL_API int shoal_chapters_remote_set(struct shoal_call *call, struct shoal_db *tx,
    int64_t video_id, const json_t *chapters, struct shoal_err *err);
/// storyboard: {url, totalWidth, totalHeight, spriteWidth, spriteHeight, spriteDuration (seconds)}, a JPEG;
/// NULL or JSON null: none.
SHOAL_API int shoal_storyboard_remote_set(struct shoal_call *call, struct shoal_db *tx,
    int64_t video_id, const json_t *storyboard, struct shoal_err *err);

/// Everything beside one of our videos, to build its federated document from; nobody is asked whether it may
/// be seen. {captions: [{language, label, automaticallyGenerated, url, updatedAt}], chapters: [{timecode,
/// title}], storyboard: null or {url, totalWidth, totalHeight, spriteWidth, spriteHeight, spriteDuration}};
/// every url is absolute and ours. Also within a transaction.
SHOAL_API json_t *shoal_annotations_get(struct shoal_call *call, int64_t video_id,
    struct shoal_err *err);

#endif

// pipeline_priv.h - the way of a file from the upload to its renditions, as steps.
// SPDX-License-Identifier: AGPL-3.0-or-later
#ifndef SHOAL_CORE_CATALOG_PIPELINE_PRIV_H
#define SHOAL_CORE_CATALOG_PIPELINE_PRIV_H
#include <shoal/svc/storage.h>
#include <shoal/svc/transcoder.h>

#include "catalog/catalog_priv.h"

/// Where sources wait; never served. Their rows have storage "" and this key prefix.
#define CATALOG_UPLOADS "uploads"

// Jobs.
int catalog_schedule_run(
    struct shoal_call *call, const struct shoal_job *job, void *arg, struct shoal_err *err);
int catalog_remux_run(
    struct shoal_call *call, const struct shoal_job *job, void *arg, struct shoal_err *err);
void catalog_remux_gave_up(
    struct shoal_call *call, const struct shoal_job *job, void *arg, const char *why);
int catalog_images_run(
    struct shoal_call *call, const struct shoal_job *job, void *arg, struct shoal_err *err);
int catalog_transcode_run(
    struct shoal_call *call, const struct shoal_job *job, void *arg, struct shoal_err *err);
void catalog_transcode_gave_up(
    struct shoal_call *call, const struct shoal_job *job, void *arg, const char *why);
int catalog_remove_run(
    struct shoal_call *call, const struct shoal_job *job, void *arg, struct shoal_err *err);
/// Removes files in uploads/, work in tmp/ and stored objects that no row knows for a day.
int catalog_sweep(struct shoal_call *call, void *arg, struct shoal_err *err);
int64_t catalog_sweep_period_ms(void);
/// Whether a row names an object of a storage ("": a file in uploads/).
int catalog_object_known(struct shoal_call *call, const char *storage, const char *key, bool *known,
    struct shoal_err *err);
/// Removes an object that no row names; one that is not there is fine.
int catalog_object_remove(
    struct shoal_call *call, const char *storage, const char *key, struct shoal_err *err);

/// The video that a job is about. SHOAL_ENOTFOUND: it is gone or has a newer file; nothing to do.
int catalog_job_video(struct shoal_call *call, const struct shoal_job *job,
    struct catalog_video *video, struct shoal_err *err);
/// Whether the video went, or got a newer file, while the job failed: its files went with it, which is no
/// error. Empties err then.
bool catalog_job_is_over(struct shoal_call *call, const struct shoal_job *job, struct shoal_err *err);
/// Queues a step: {uuid, version} and what else the payload holds (taken, or NULL).
int catalog_step_add(struct shoal_call *call, struct shoal_db *tx, const char *kind,
    const struct catalog_video *video, json_t *more, struct shoal_err *err);
/// Goes on after the gate upload.finish.
int catalog_submit_resume(struct shoal_call *call, const char *hook, const char *subject,
    bool released, const char *sentence, void *arg, struct shoal_err *err);
/// Plans the ladder and queues it, or publishes at once where there is none to make.
int catalog_ladder_start(struct shoal_call *call, const struct catalog_video *video,
    bool has_web_video, struct shoal_err *err);

/// The transcoder that is asked first; SHOAL_EUNSUPPORTED without one.
int catalog_transcoder_find(struct shoal_service *out, struct shoal_err *err);
/// The default storage; SHOAL_EUNSUPPORTED without one.
int catalog_storage_find(struct shoal_service *out, struct shoal_err *err);
/// SHOAL_JOB_EAWAY for an error that passes by itself, else the error. Storages and the database may say
/// anything of that kind; of a transcoder (is_transcoder) SHOAL_EIO and SHOAL_ETIMEOUT are likely the
/// input's doing.
int catalog_away(int code, bool is_transcoder);
/// The storage that a new file of a video goes to: the default one, or what the filter media.place
/// says. last_read_ms 0: never read.
int catalog_place(struct shoal_call *call, const struct catalog_video *video,
    const struct catalog_file *file, int64_t last_read_ms, struct shoal_service *out,
    struct shoal_err *err);
/// Gives a local file to its storage, by its key and type; the file at path is gone afterwards.
/// video NULL: it belongs to none. file->storage: out, who holds it.
int catalog_store_file(struct shoal_call *call, const struct catalog_video *video,
    struct catalog_file *file, const char *path, struct shoal_err *err);
int catalog_store_bytes(struct shoal_call *call, const struct catalog_video *video,
    struct catalog_file *file, const void *data, size_t length, struct shoal_err *err);
/// The transaction that writes the rows of what was just stored: when it fails, what no row knows goes
/// again at once (the sweep would find it a day later).
int catalog_stored_tx(struct shoal_call *call, const struct catalog_file *files, size_t count,
    shoal_tx_fn *fn, void *arg, struct shoal_err *err);

/// Looks at a picture of a stranger: the transcoder does, in its sandbox, as with any file of theirs.
/// Makes a picture of a video from an image file and stores it; the row is written by
/// catalog_picture_write(), in whose transaction the picture before goes.
int catalog_picture_prepare(struct shoal_call *call, const struct catalog_video *video,
    const char *kind, const char *path, struct catalog_file *file, struct shoal_err *err);
int catalog_picture_write(
    struct shoal_call *call, struct shoal_db *tx, struct catalog_file *file, struct shoal_err *err);
int catalog_picture_probe(
    struct shoal_call *call, const char *path, json_t **probe, struct shoal_err *err);
/// Makes pictures in the folder `work` and says where in images[].path.
int catalog_pictures_make(struct shoal_call *call, const char *path, const json_t *probe,
    const char *work, struct shoal_image *images, size_t count, struct shoal_err *err);
/// A folder to work in. A job names its own, so that a second try clears what a killed one left.
const char *catalog_picture_work(
    struct shoal_call *call, const struct shoal_job *job, struct shoal_err *err);

/// What ffprobe said, as it may be kept: without tags (where, when, whose) and file names; free() it.
/// NULL for NULL.
char *catalog_probe_dump(const json_t *probe);

/// Of the files of a video with a picture that are ready, the smallest that is at least `width` pixels wide,
/// or the widest.
int catalog_input_find(struct shoal_call *call, const struct catalog_video *video, int width,
    struct catalog_file *out, bool *found, struct shoal_err *err);
/// The file on this disk: where its storage has it, or a copy in the folder `work`.
int catalog_input_path(struct shoal_call *call, const struct catalog_file *file, const char *work,
    const char **path, struct shoal_err *err);

/// The file of the uploader on this disk, or NULL.
const char *catalog_source_path(
    struct shoal_call *call, const struct catalog_video *video, struct shoal_err *err);
/// Gives a file a second name (on another file system: a copy) and makes that durable. The first one
/// is the caller's to remove when the second is promised: until then a crash takes nothing away.
/// One that cannot be synced is removed.
int catalog_keep(const char *from, const char *to, struct shoal_err *err);
int64_t catalog_size_of(const char *path);

/// Which renditions to make of a source: [{resolution, fps, video_codec, audio_codec,
/// bitrate_bps}].
json_t *catalog_plan_make(const json_t *probe);
json_t *catalog_plan_filter(struct shoal_call *call, const struct catalog_video *video,
    const json_t *probe, const char *origin, json_t *plan);
int catalog_resolution_of(const json_t *probe); ///< the short side; 0: audio alone

/// Gives the lines of a media playlist their public file name; free() it.
char *catalog_hls_rename(
    const char *playlist, const char *from, const char *to, struct shoal_err *err);
/// {"OFFSET-LAST": "sha256", …} of the segments that a playlist names; a new reference.
json_t *catalog_hls_segments(const char *playlist, const char *media_path, struct shoal_err *err);
/// The master playlist over renditions, lowest first; free() it.
char *catalog_hls_master(struct shoal_arena *arena, const struct catalog_file *files, size_t count);
/// {"NAME": {segments}} over renditions, as text; free() it.
char *catalog_hls_hashes(const struct catalog_file *files, size_t count);

/// Adds one rendition and makes it visible. Adding it twice is fine.
int catalog_rendition_add(struct shoal_call *call, const struct catalog_video *video,
    const struct shoal_rendition *rendition, struct shoal_err *err);
/// All renditions are there: the video is published, its source goes.
int catalog_ladder_finish(
    struct shoal_call *call, const struct catalog_video *video, struct shoal_err *err);

#endif

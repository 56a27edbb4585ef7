// images.c - thumbnail and preview of a video: from its file, or from a picture of its owner.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <math.h>
#include <string.h>
#include <sys/stat.h>

#include "catalog/pipeline_priv.h"

#include "base/drill.h"
#include "base/file.h"
#include "host/permissions.h"

#define PICTURE_BYTES_MAX (16 * 1024 * 1024)

// Boxes: a height that is not in the way of 16:9 at the full width (280x157, 850x478).
static const struct {
    const char *kind, *folder;
    int width, height;
} kinds[] = {{"thumbnail", "thumbnails", 280, 158}, {"preview", "previews", 850, 480}};
#define KINDS 2

int catalog_picture_write(
    struct shoal_call *call, struct shoal_db *tx, struct catalog_file *file, struct shoal_err *err)
{
    struct catalog_file *old = NULL;
    struct catalog_video now;
    size_t count = 0;
    int code = catalog_video_by_number(call, file->video_id, &now, err);
    if (code == SHOAL_ENOTFOUND) {
        return catalog_objects_remove(tx, file, 1, err);
    }
    if (code == 0) {
        code = catalog_files_get(call, now.id, file->kind, &old, &count, err);
    }
    json_t *removed = json_array();
    for (size_t i = 0; i < count && code == 0; i++) {
        json_array_append_new(removed, json_string(old[i].name));
        code = catalog_file_remove(tx, old[i].id, err);
    }
    if (code == 0) {
        code = catalog_objects_remove(tx, old, count, err);
    }
    if (code == 0) {
        code = catalog_file_add(tx, file, NULL, err);
    }
    if (code == 0) {
        code = catalog_video_tell(call, tx, "video.files", now.id,
            json_pack("{s:[s], s:O}", "added", file->name, "removed", removed), err);
    }
    json_decref(removed);
    return code == 0 ? shoal_touch(call, tx, "catalog", err) : code;
}

// Puts the bytes where they belong; their row is written by catalog_picture_write().
static int picture_store(struct shoal_call *call, const struct catalog_video *video, int kind,
    const struct shoal_image *image, struct catalog_file *file, struct shoal_err *err)
{
    char uuid[37];
    shoal_uuid_new(uuid);
    const char *name = shoal_arena_printf(call->arena, "%s.jpg", uuid);
    *file = (struct catalog_file){.video_id = video->id,
        .kind = kinds[kind].kind,
        .version = 1,
        .name = name,
        .mime = "image/jpeg",
        .key = shoal_arena_printf(call->arena, "%s/%s", kinds[kind].folder, name),
        .size_bytes = catalog_size_of(image->path),
        .width = image->out_width,
        .height = image->out_height,
        .is_ready = true};
    int code = catalog_store_file(call, video, file, image->path, err);
    shoal_drill_point("images.stored");
    return code;
}

static int picture_tx(
    struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    return catalog_picture_write(call, tx, arg, err);
}

static int picture_keep(struct shoal_call *call, const struct catalog_video *video, int kind,
    const struct shoal_image *image, struct shoal_err *err)
{
    struct catalog_file file;
    int code = picture_store(call, video, kind, image, &file, err);
    return code == 0 ? catalog_stored_tx(call, &file, 1, picture_tx, &file, err) : code;
}

int catalog_pictures_make(struct shoal_call *call, const char *path, const json_t *probe,
    const char *work, struct shoal_image *images, size_t count, struct shoal_err *err)
{
    struct shoal_service service;
    int code = catalog_transcoder_find(&service, err);
    if (code != 0) {
        return code;
    }
    for (size_t i = 0; i < count; i++) {
        images[i].path = shoal_arena_printf(call->arena, "%s/%zu.jpg", work, i);
    }
    const struct shoal_svc_transcoder *table = service.table;
    double duration = shoal_number(probe, "duration", 0);
    double at_s = isfinite(duration) && duration > 0 ? duration / 4 : 0;
    shoal_enter(call, &service);
    code = table->images(call, service.arg, path, probe, at_s, images, count, err);
    shoal_leave(call);
    return code;
}

int catalog_picture_probe(
    struct shoal_call *call, const char *path, json_t **probe, struct shoal_err *err)
{
    struct shoal_service service;
    struct stat info;
    *probe = NULL;
    if (lstat(path, &info) != 0 || !S_ISREG(info.st_mode) || info.st_size == 0 ||
        info.st_size > PICTURE_BYTES_MAX) {
        return shoal_fail(err, SHOAL_ETOOLARGE, "this picture is empty or larger than 16 MiB");
    }
    int code = catalog_transcoder_find(&service, err);
    if (code != 0) {
        return code;
    }
    const struct shoal_svc_transcoder *table = service.table;
    if (!SHOAL_HAS(table, probe_image)) {
        return shoal_fail(err, SHOAL_EUNREADABLE, "this server reads no pictures");
    }
    shoal_enter(call, &service);
    code = table->probe_image(call, service.arg, path, probe, err);
    shoal_leave(call);
    return code;
}

// The field that the picture of a kind came in.
static int picture_fail(int code, int kind, struct shoal_err *err)
{
    bool is_theirs = code == SHOAL_EUNREADABLE || code == SHOAL_ETOOLARGE || code == SHOAL_ETYPE;
    return is_theirs ? shoal_fail_field(err, kind == 0 ? "thumbnailfile" : "previewfile",
                           "This picture cannot be read: please choose a JPEG, PNG or WebP file")
                     : code;
}

int shoal_video_image_check(
    struct shoal_call *call, const char *kind, const char *path, struct shoal_err *err)
{
    json_t *probe = NULL;
    int code = catalog_picture_probe(call, path, &probe, err);
    json_decref(probe);
    return picture_fail(code, strcmp(kind, kinds[0].kind) == 0 ? 0 : 1, err);
}

const char *catalog_picture_work(
    struct shoal_call *call, const struct shoal_job *job, struct shoal_err *err)
{
    char uuid[37];
    if (job == NULL) {
        shoal_uuid_new(uuid);
    } else {
        snprintf(uuid, sizeof uuid, "job-%lld", (long long)job->id);
    }
    const char *tmp = catalog_folder(call, "tmp", err);
    const char *work =
        tmp == NULL ? NULL : shoal_arena_printf(call->arena, "%s/images-%s", tmp, uuid);
    return work != NULL && shoal_folder_make(work, 0700, err) == 0 ? work : NULL;
}

static int user_picture(struct shoal_call *call, const struct catalog_video *video, int kind,
    const char *path, struct catalog_file *file, struct shoal_err *err)
{
    json_t *probe = NULL;
    const char *work = catalog_picture_work(call, NULL, err);
    int code = work == NULL ? err->code : catalog_picture_probe(call, path, &probe, err);
    struct shoal_image image = {.width = kinds[kind].width, .height = kinds[kind].height};
    if (code == 0) {
        code = catalog_pictures_make(call, path, probe, work, &image, 1, err);
    }
    if (code == 0) {
        code = picture_store(call, video, kind, &image, file, err);
    }
    json_decref(probe);
    if (work != NULL) {
        shoal_tree_remove(work, NULL);
    }
    return code;
}

int catalog_picture_prepare(struct shoal_call *call, const struct catalog_video *video,
    const char *kind, const char *path, struct catalog_file *file, struct shoal_err *err)
{
    for (int i = 0; i < KINDS; i++) {
        if (strcmp(kinds[i].kind, kind) == 0) {
            return picture_fail(user_picture(call, video, i, path, file, err), i, err);
        }
    }
    return shoal_fail(err, SHOAL_EINVAL, "a video has no picture \"%s\"", kind);
}

int shoal_video_image(struct shoal_call *call, const char *id, const char *kind, const char *path,
    struct shoal_err *err)
{
    if (shoal_permission_call(call, "write", "videos", err) != 0) {
        return SHOAL_EFORBIDDEN;
    }
    struct catalog_video video;
    struct catalog_file file;
    int code = catalog_video_may(call, SHOAL_MAY_UPDATE, id, NULL, &video, err);
    if (code == 0) {
        code = catalog_picture_prepare(call, &video, kind, path, &file, err);
    }
    return code == 0 ? shoal_tx(call, picture_tx, &file, err) : code;
}

// Whether a kind is still missing: a repeated job makes none twice.
static int missing_find(struct shoal_call *call, const struct catalog_video *video,
    bool missing[KINDS], struct shoal_err *err)
{
    for (int i = 0; i < KINDS; i++) {
        struct catalog_file *files = NULL;
        size_t count = 0;
        int code = catalog_files_get(call, video->id, kinds[i].kind, &files, &count, err);
        if (code != 0) {
            return code;
        }
        missing[i] = count == 0;
    }
    return 0;
}

static int users_first(struct shoal_call *call, const struct shoal_job *job,
    const struct catalog_video *video, const char *source, bool missing[KINDS],
    struct shoal_err *err)
{
    for (int i = 0; i < KINDS; i++) {
        const char *path = shoal_arena_printf(call->arena, "%s.%s", source, kinds[i].kind);
        if (!shoal_flag(job->payload, kinds[i].kind, false) || catalog_size_of(path) < 0) {
            continue;
        }
        struct catalog_file file;
        int code = user_picture(call, video, i, path, &file, err);
        code = code == 0 ? shoal_tx(call, picture_tx, &file, err) : code;
        if (code == 0) {
            missing[i] = false;
        } else if (code != SHOAL_EUNREADABLE && code != SHOAL_ETOOLARGE && code != SHOAL_EINVAL) {
            return catalog_away(code, false);
        }
        shoal_file()->unlink(path);
    }
    return 0;
}

// Makes pictures of a rendition: the source went when the last of them was made.
static int stored_pictures(struct shoal_call *call, const struct catalog_video *video,
    const char *work, struct shoal_image *images, size_t count, bool *made, struct shoal_err *err)
{
    struct catalog_file file;
    struct shoal_service service;
    const char *path = NULL;
    json_t *probe = NULL;
    int code = catalog_input_find(call, video, images[count - 1].width, &file, made, err);
    if (code != 0 || !*made) {
        return code;
    }
    code = catalog_away(catalog_input_path(call, &file, work, &path, err), false);
    code = code == 0 ? catalog_away(catalog_transcoder_find(&service, err), false) : code;
    if (code == 0) {
        const struct shoal_svc_transcoder *table = service.table;
        shoal_enter(call, &service);
        code = catalog_away(table->probe(call, service.arg, path, &probe, err), true);
        shoal_leave(call);
    }
    code = code == 0 ? catalog_away(
                           catalog_pictures_make(call, path, probe, work, images, count, err), true)
                     : code;
    json_decref(probe);
    return code;
}

// made: out, false when there is nothing left to make them of.
static int pictures(struct shoal_call *call, const struct catalog_video *video, const char *source,
    const char *work, struct shoal_image *images, size_t count, bool *made, struct shoal_err *err)
{
    if (catalog_size_of(source) >= 0) {
        json_t *probe = video->probe == NULL
                            ? json_object()
                            : shoal_json_parse(video->probe, strlen(video->probe), NULL);
        int code = catalog_away(
            catalog_pictures_make(call, source, probe, work, images, count, err), true);
        json_decref(probe);
        *made = code == 0;
        if (code != SHOAL_EUNREADABLE || catalog_size_of(source) >= 0) {
            return code;
        }
        *err = (struct shoal_err){0}; // it went meanwhile
    }
    return stored_pictures(call, video, work, images, count, made, err);
}

static int missing_make(struct shoal_call *call, const struct shoal_job *job,
    const struct catalog_video *video, const char *source, const bool missing[KINDS],
    struct shoal_err *err)
{
    struct shoal_image images[KINDS];
    int at[KINDS];
    size_t count = 0;
    bool made = false;
    for (int i = 0; i < KINDS; i++) {
        if (missing[i]) {
            images[count] =
                (struct shoal_image){.width = kinds[i].width, .height = kinds[i].height};
            at[count++] = i;
        }
    }
    if (count == 0) {
        return 0;
    }
    const char *work = catalog_picture_work(call, job, err);
    int code = work == NULL
                   ? catalog_away(err->code, false)
                   : pictures(call, video, source, work, images, count, &made, err);
    for (size_t i = 0; i < count && code == 0 && made; i++) {
        code = catalog_away(picture_keep(call, video, at[i], &images[i], err), false);
    }
    if (work != NULL) {
        shoal_tree_remove(work, NULL);
    }
    return code;
}

int catalog_images_run(
    struct shoal_call *call, const struct shoal_job *job, void *arg, struct shoal_err *err)
{
    (void)arg;
    struct catalog_video video;
    bool missing[KINDS] = {false};
    int code = catalog_job_video(call, job, &video, err);
    if (code != 0) {
        return code == SHOAL_ENOTFOUND ? 0 : code;
    }
    const char *source = catalog_source_path(call, &video, err);
    code = source == NULL ? SHOAL_EIO : missing_find(call, &video, missing, err);
    code = code == 0 ? users_first(call, job, &video, source, missing, err) : code;
    code = code == 0 ? missing_make(call, job, &video, source, missing, err) : code;
    return code < 0 && catalog_job_is_over(call, job, err) ? 0 : code;
}

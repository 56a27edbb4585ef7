// api_upload.c - POST /videos/upload: fields and file in one multipart body.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <string.h>

#include "api.h"
#include "api_fields.h"
#include "api_upload.h"

#define FILE_MAX ((uint64_t)32 << 30) // where the instance says nothing

static uint64_t file_max(void)
{
    json_t *setting = shoal_instance_setting("video.file_max");
    int64_t max = json_is_integer(setting) ? json_integer_value(setting) : 0;
    json_decref(setting);
    return max > 0 ? (uint64_t)max : FILE_MAX;
}

static uint64_t least(uint64_t left, int64_t quota, uint64_t used)
{
    if (quota < 0) {
        return left;
    }
    uint64_t rest = (uint64_t)quota > used ? (uint64_t)quota - used : 0;
    return rest < left ? rest : left;
}

// *left: bytes that the viewer may still send, as the quotas stand. A quota that is used up leaves
// none.
static int quota_left(struct shoal_call *call, uint64_t reserved_bytes, uint64_t *left,
    struct shoal_err *err)
{
    json_t *user = shoal_user_me(call, err);
    json_t *used = user != NULL
                       ? shoal_user_quota(call, shoal_call_viewer(call)->user_id, err)
                       : NULL;
    if (used == NULL) {
        json_decref(user);
        return err->code;
    }
    int64_t quota = shoal_integer(user, "videoQuota", -1);
    int64_t daily = shoal_integer(user, "videoQuotaDaily", -1);
    uint64_t all = (uint64_t)shoal_integer(used, "videoQuotaUsed", 0) + reserved_bytes;
    uint64_t today = (uint64_t)shoal_integer(used, "videoQuotaUsedDaily", 0) + reserved_bytes;
    json_decref(user);
    json_decref(used);
    *left = least(least(UINT64_MAX, quota, all), daily, today);
    return 0;
}

int api_upload_room(struct shoal_call *call, uint64_t size_bytes, uint64_t reserved_bytes,
    struct shoal_err *err)
{
    uint64_t max = file_max();
    uint64_t left = 0;
    if (size_bytes > max) {
        return shoal_fail_api(err, SHOAL_ETOOLARGE, "max_file_size_reached",
            "The file is larger than this instance accepts (%llu bytes)", (unsigned long long)max);
    }
    int code = quota_left(call, reserved_bytes, &left, err);
    if (code != 0) {
        return code;
    }
    if (size_bytes > left) {
        return shoal_fail_api(err, SHOAL_ETOOLARGE, "quota_reached",
            "The user video quota is exceeded with this video");
    }
    return 0;
}

// Before the first byte is kept. The fields stand in the body and are not known yet; what is known,
// the length, must fit. The form around the file may take a little more than the file.
int api_upload_head(struct shoal_call *call, struct shoal_request *request, void *arg,
    struct shoal_err *err)
{
    (void)arg;
    uint64_t max = file_max();
    int64_t length = shoal_request_content_length(request);
    uint64_t form_bytes = API_IMAGES_MAX;
    uint64_t at_least = length > (int64_t)form_bytes ? (uint64_t)length - form_bytes : 0;
    uint64_t left = 0;
    int code = api_upload_room(call, at_least, 0, err);
    if (code == 0) {
        code = quota_left(call, 0, &left, err);
    }
    // A body without a length ends where the quota does.
    shoal_request_limit(request, (left < max ? left : max) + form_bytes);
    return code;
}

int api_upload_begin(struct shoal_call *call, const json_t *draft, const char *filename,
    uint64_t size_bytes, const char *mime, struct shoal_err *err)
{
    json_t *about = json_pack("{s:s, s:I, s:s}", "name", filename, "size_bytes",
        (json_int_t)size_bytes, "mime", mime != NULL ? mime : "");
    if (about == NULL) {
        return shoal_fail_field(err, "videofile", "Its name or mimetype is not valid text");
    }
    int code = shoal_upload_begin(call, draft, about, "upload", err);
    json_decref(about);
    return code;
}

int api_upload(struct shoal_call *call, struct shoal_request *request, void *arg,
    struct shoal_err *err)
{
    (void)arg;
    const struct shoal_upload *file = shoal_request_upload(request, "videofile");
    if (file == NULL || file->filename == NULL || *file->filename == '\0') {
        return shoal_fail_field(err, "videofile", "Should have a video file");
    }
    json_t *body = shoal_request_body(request, err);
    json_t *draft = body != NULL ? api_fields_video(body, true, err) : NULL;
    if (draft == NULL) {
        return err->code;
    }
    const struct shoal_upload *thumbnail = shoal_request_upload(request, "thumbnailfile");
    const struct shoal_upload *preview = shoal_request_upload(request, "previewfile");
    json_t *video = NULL;
    int code = api_upload_room(call, file->size_bytes, 0, err);
    if (code == 0) {
        code = api_upload_begin(call, draft, file->filename, file->size_bytes, file->mime, err);
    }
    if (code == 0) {
        const struct shoal_submission what = {
            .draft = draft,
            .path = file->path,
            .filename = file->filename,
            .sha256 = file->sha256,
            .size_bytes = file->size_bytes,
            .source = "upload",
            .thumbnail = thumbnail != NULL ? thumbnail->path : NULL,
            .preview = preview != NULL ? preview->path : NULL,
        };
        code = shoal_media_submit(call, &what, &video, err);
    }
    json_decref(draft);
    return code != 0 ? code : shoal_answer_json(request, 200, json_pack("{s:o}", "video", video));
}

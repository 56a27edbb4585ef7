// pipeline_begin.c - may this upload begin? Asked before the first byte is kept.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <string.h>
#include <strings.h>

#include "catalog/pipeline_priv.h"

#include "base/room.h"
#include "host/disks.h"
#include "host/permissions.h"

// What may come in, by the end of its name; what it really is, the probe says.
static const char *const extensions[] = {".mp4", ".m4v", ".mov", ".qt", ".webm", ".mkv", ".mk3d",
    ".avi", ".wmv", ".flv", ".f4v", ".ogv", ".ogg", ".ts", ".mts", ".m2ts", ".m2v", ".mpg", ".mpeg",
    ".mpe", ".vob", ".mxf", ".3gp", ".3gpp", ".3g2", ".3gpp2", ".asf", ".nut", ".mp3", ".m4a",
    ".aac", ".flac", ".wav", ".oga", ".opus", ".wma", ".ac3", ".mka", ".weba", NULL};

static bool name_known(const char *name)
{
    const char *end = strrchr(name, '.');
    for (size_t i = 0; end != NULL && extensions[i] != NULL; i++) {
        if (strcasecmp(end, extensions[i]) == 0) {
            return true;
        }
    }
    return false;
}

static bool mime_known(const char *mime)
{
    static const char *const others[] = {"application/octet-stream", "application/mxf",
        "application/ogg", "application/x-matroska", ""};
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        if (strcasecmp(mime, others[i]) == 0) {
            return true;
        }
    }
    return strncasecmp(mime, "video/", 6) == 0 || strncasecmp(mime, "audio/", 6) == 0;
}

static int file_check(
    struct shoal_call *call, const json_t *file, int64_t *size_bytes, struct shoal_err *err)
{
    const char *name = shoal_text(file, "name", "");
    const char *mime = shoal_text(file, "mime", "");
    *size_bytes = shoal_integer(file, "size_bytes", -1);
    if (!name_known(name) || !mime_known(mime)) {
        return shoal_fail(err, SHOAL_ETYPE,
            "This file is not supported. Please, make sure it is a video or an audio file.");
    }
    int64_t most = catalog_setting_i64("video.file_max", INT64_C(32) << 30);
    if (*size_bytes > most) {
        return shoal_fail_api(err, SHOAL_ETOOLARGE, "max_file_size_reached",
            "This file is too large: at most %lld bytes are taken", (long long)most);
    }
    const char *folder = catalog_folder(call, CATALOG_UPLOADS, err);
    if (folder == NULL) {
        return SHOAL_EIO;
    }
    int64_t left = shoal_room_bytes(folder);
    if (shoal_disks_full() ||
        (*size_bytes > 0 && left >= 0 && left - SHOAL_ROOM_SPARE_BYTES < *size_bytes)) {
        return shoal_fail(err, SHOAL_EFULL, "there is no space left for this file");
    }
    return 0;
}

static int begin_decide(struct shoal_call *call, const json_t *draft, const json_t *file,
    const char *source, int64_t channel_id, struct shoal_err *err)
{
    if (!shoal_hook_heard("upload.begin")) {
        return 0;
    }
    struct shoal_decision decision = {0};
    json_t *payload = json_pack("{s:o?, s:o?, s:O, s:O, s:s}", "user",
        catalog_user_brief(call, call->viewer.user_id), "channel",
        catalog_channel_json(call, channel_id, false, NULL), "video", draft, "file", file, "source",
        source);
    enum shoal_verdict verdict = shoal_fire_decide(call, "upload.begin", payload, &decision);
    json_decref(payload);
    if (verdict == SHOAL_PASS || verdict == SHOAL_ACCEPT) {
        return 0;
    }
    return shoal_fail(err, decision.failed ? SHOAL_EBUSY : SHOAL_EFORBIDDEN, "%s",
        decision.sentence[0] != '\0' ? decision.sentence : "this upload was refused");
}

int shoal_upload_begin(struct shoal_call *call, const json_t *draft, const json_t *file,
    const char *source, struct shoal_err *err)
{
    if (shoal_permission_call(call, "media", NULL, err) != 0) {
        return SHOAL_EFORBIDDEN;
    }
    struct catalog_fields fields;
    struct shoal_service service;
    int64_t account_id = 0;
    int64_t size_bytes = -1;
    int code = call->viewer.kind == SHOAL_VIEWER_SYSTEM ? 0 : catalog_need_user(&call->viewer, err);
    if (code == 0) {
        code = catalog_fields_read(call, draft, true, &fields, err);
    }
    if (code == 0) {
        code = catalog_channel_owned(call, fields.channel_id, &account_id, err);
    }
    if (code == 0) {
        code = file_check(call, file, &size_bytes, err);
    }
    if (code == 0) {
        code = catalog_quota_check(call, account_id, size_bytes > 0 ? size_bytes : 0, err);
    }
    if (code == 0) {
        code = catalog_transcoder_find(&service, err);
    }
    if (code == 0) {
        code = catalog_storage_find(&service, err);
    }
    return code == 0 ? begin_decide(call, draft, file, source, fields.channel_id, err) : code;
}

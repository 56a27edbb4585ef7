// annotations_captions.c - captions: listed for those who may see the video, changed by who owns it.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "annotations.h"

#define FORM_BYTES 65536 // what stands around the file

int annotations_captions_get(
    struct shoal_call *call, struct shoal_request *request, void *arg, struct shoal_err *err)
{
    (void)arg;
    return annotations_answer(call, request, shoal_caption_list, err);
}

// Who may not is told so before 20 MiB have come in.
int annotations_captions_head(
    struct shoal_call *call, struct shoal_request *request, void *arg, struct shoal_err *err)
{
    (void)arg;
    shoal_request_limit(request, ANNOTATIONS_FILE_MAX + FORM_BYTES);
    return shoal_may_video(call, SHOAL_MAY_UPDATE, shoal_request_param(request, "id"), NULL, err);
}

int annotations_captions_put(
    struct shoal_call *call, struct shoal_request *request, void *arg, struct shoal_err *err)
{
    (void)arg;
    const struct shoal_upload *file = shoal_request_upload(request, "captionfile");
    if (file == NULL || file->size_bytes == 0) {
        return shoal_fail_field(err, "captionfile", "Should have a caption file (.vtt or .srt)");
    }
    int code = shoal_caption_put(call, shoal_request_param(request, "id"),
        shoal_request_param(request, "captionLanguage"), file->filename, file->path, err);
    return annotations_done(request, code);
}

int annotations_captions_delete(
    struct shoal_call *call, struct shoal_request *request, void *arg, struct shoal_err *err)
{
    (void)arg;
    return annotations_done(request,
        shoal_caption_delete(call, shoal_request_param(request, "id"),
            shoal_request_param(request, "captionLanguage"), err));
}

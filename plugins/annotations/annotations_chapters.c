// annotations_chapters.c - chapters: read by those who may see the video, replaced whole by who owns it.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "annotations.h"

int annotations_chapters_get(
    struct shoal_call *call, struct shoal_request *request, void *arg, struct shoal_err *err)
{
    (void)arg;
    return annotations_answer(call, request, shoal_chapter_list, err);
}

int annotations_chapters_put(
    struct shoal_call *call, struct shoal_request *request, void *arg, struct shoal_err *err)
{
    (void)arg;
    const json_t *body = shoal_request_body(request, err);
    if (body == NULL) {
        return err->code;
    }
    return annotations_done(request,
        shoal_chapter_put(call, shoal_request_param(request, "id"),
            json_object_get(body, "chapters"), err));
}

int annotations_storyboards_get(
    struct shoal_call *call, struct shoal_request *request, void *arg, struct shoal_err *err)
{
    (void)arg;
    return annotations_answer(call, request, shoal_storyboard_list, err);
}

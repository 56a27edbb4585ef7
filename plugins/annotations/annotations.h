// annotations.h - what the files of this plugin share.
// SPDX-License-Identifier: AGPL-3.0-or-later
#ifndef ANNOTATIONS_H
#define ANNOTATIONS_H
#include <shoal/plugin.h>

#include <named.h>

#define ANNOTATIONS_FILE_MAX ((uint64_t)20 << 20) ///< of a caption, as /config says
#define ANNOTATIONS_CACHE_S  60

/// Answers with a list of the catalog about the video that the address names.
int annotations_answer(struct shoal_call *call, struct shoal_request *request,
    named_read_fn *list, struct shoal_err *err);
/// Answers 204 when code is 0, and passes code on otherwise.
int annotations_done(struct shoal_request *request, int code);

shoal_handler_fn annotations_captions_get, annotations_captions_head, annotations_captions_put,
    annotations_captions_delete;
shoal_handler_fn annotations_chapters_get, annotations_chapters_put;
shoal_handler_fn annotations_storyboards_get;

#endif

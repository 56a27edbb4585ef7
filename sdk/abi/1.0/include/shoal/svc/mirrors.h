// svc/mirrors.h - the contract of `mirrors`: other places that hold the HLS files of a video. Many.
// SPDX-License-Identifier: MIT
#ifndef SHOAL_SVC_MIRRORS_H
#define SHOAL_SVC_MIRRORS_H
#include <jansson.h>

#include <shoal/version.h>

/// All calls run on a worker and may read the database.
struct shoal_svc_mirrors {
    size_t size; ///< sizeof(struct shoal_svc_mirrors)
    /// Base URLs, without a slash at the end, below which the files of the video's playlist lie under
    /// their own names: ["https://mirror.example/hls/UUID"]. Players take each piece from one of them
    /// or from here. A new reference; NULL with one sentence on failure.
    json_t *(*base_urls)(struct shoal_call *call, void *arg, const char *video,
        struct shoal_err *err);
};

#endif

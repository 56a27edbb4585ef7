// federation_videos_viewers.h - who watches now on other servers, for as long as they say.
// SPDX-License-Identifier: AGPL-3.0-or-later
#ifndef FEDERATION_VIDEOS_VIEWERS_H
#define FEDERATION_VIDEOS_VIEWERS_H
#include "federation_videos.h"

struct fv_viewers *fv_viewers_new(void);
void fv_viewers_free(struct fv_viewers *viewers);
/// [any] So many watch a video until expires_ms, says the View of this id; again replaces.
void fv_viewers_set(struct fv_viewers *viewers, int64_t video_id, const char *uuid, const char *id,
    int64_t count, int64_t expires_ms);
/// [any] Whether the View of this id was counted lately; from now on it was.
bool fv_viewers_seen(struct fv_viewers *viewers, const char *id);
/// [any] How many watch a video elsewhere now.
int64_t fv_viewers_count(struct fv_viewers *viewers, int64_t video_id);

#endif

// playback_viewers.c - asks the tracker who is connected; there may be none, or an older one.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <shoal/svc/tracker.h>

#include <ask.h>

#include "playback.h"

int64_t playback_viewers(struct shoal_call *call, int64_t video_id)
{
    int64_t count = ASK(call, tracker, NULL, 0, viewers, video_id);
    return count > 0 ? count : 0;
}

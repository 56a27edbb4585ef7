// playback_viewers.c - asks the tracker who is connected; there may be none, or an older one.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <shoal/svc/tracker.h>

#include "playback.h"

int64_t playback_viewers(struct shoal_call *call, int64_t video_id)
{
    struct shoal_service service;
    if (!shoal_service_find("tracker", NULL, &service)) {
        return 0;
    }
    const struct shoal_svc_tracker *tracker = service.table;
    if (!SHOAL_HAS(tracker, viewers)) {
        return 0;
    }
    shoal_enter(call, &service);
    int64_t count = tracker->viewers(call, service.arg, video_id);
    shoal_leave(call);
    return count > 0 ? count : 0;
}

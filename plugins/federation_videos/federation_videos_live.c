// federation_videos_live.c - what a live of another server says of itself, where PeerTube's clients ask.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "federation_videos.h"

#define CACHE_S 30

// Where it is sent to and with which key is between its server and who sends.
static int live_get(
    struct shoal_call *call, struct shoal_request *request, void *arg, struct shoal_err *err)
{
    (void)arg;
    json_t *video = shoal_video_get(call, shoal_request_param(request, "id"), NULL, err);
    if (video == NULL) {
        return err->code;
    }
    json_t *out = shoal_flag(video, "isLive", false)
                      ? json_pack("{s:b, s:b, s:I, s:I, s:O}", "saveReplay",
                            shoal_flag(video, "saveReplay", false), "permanentLive",
                            shoal_flag(video, "permanentLive", false), "latencyMode",
                            (json_int_t)shoal_integer(video, "latencyMode", 1), "dvrWindow",
                            (json_int_t)shoal_integer(video, "dvrWindow", 0), "schedules",
                            json_object_get(video, "liveSchedules"))
                      : NULL;
    json_decref(video);
    return out == NULL ? shoal_fail(err, SHOAL_ENOTFOUND, "Live video not found")
                       : shoal_answer_json(request, 200, out);
}

int fv_live_start(struct fv *fv, struct shoal_err *err)
{
    const struct shoal_route route = {.method = "GET",
        .path = "/api/v1/videos/live/{id}",
        .handler = live_get,
        .arg = fv,
        .cache_s = CACHE_S,
        .cors = true};
    return shoal_route_add(fv->self, &route, err);
}

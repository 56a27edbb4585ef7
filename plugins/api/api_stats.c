// api_stats.c - GET /server/stats: the numbers of the instance, under every name that clients read.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "api.h"

// Nothing of these happened here until a plugin that counts them says otherwise (instance.view).
static const char *const names[] = {
    "totalUsers", "totalDailyActiveUsers", "totalWeeklyActiveUsers", "totalMonthlyActiveUsers",
    "totalModerators", "totalAdmins", "totalLocalVideos", "totalLocalVideoViews",
    "totalLocalVideoDownloads", "totalLocalVideoComments", "totalLocalVideoFilesSize",
    "totalVideos", "totalVideoComments", "totalLocalVideoChannels",
    "totalLocalDailyActiveVideoChannels", "totalLocalWeeklyActiveVideoChannels",
    "totalLocalMonthlyActiveVideoChannels", "totalLocalPlaylists", "totalInstanceFollowers",
    "totalInstanceFollowing", "totalActivityPubMessagesProcessed",
    "totalActivityPubMessagesSuccesses", "totalActivityPubMessagesErrors",
    "activityPubMessagesProcessedPerSecond", "totalActivityPubMessagesWaiting",
    "averageRegistrationRequestResponseTimeMs", "totalRegistrationRequests",
    "totalRegistrationRequestsProcessed", "averageAbuseResponseTimeMs", "totalAbuses",
    "totalAbusesProcessed",
};
static const char *const activities[] = {"Create", "Update", "Delete", "Follow", "Accept", "Reject",
    "Announce", "Undo", "Like", "Dislike", "Flag", "View", "ApproveReply", "RejectReply"};

int api_stats(struct shoal_call *call, struct shoal_request *request, void *arg,
    struct shoal_err *err)
{
    (void)arg;
    json_t *known = shoal_catalog_stats(call, err);
    if (known == NULL) {
        return err->code;
    }
    json_t *stats = json_object();
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        json_object_set_new(stats, names[i], json_integer(0));
    }
    for (size_t i = 0; i < sizeof activities / sizeof *activities; i++) {
        struct shoal_arena *arena = shoal_call_arena(call);
        json_object_set_new(stats,
            shoal_arena_printf(arena, "totalActivityPub%sMessagesSuccesses", activities[i]),
            json_integer(0));
        json_object_set_new(stats,
            shoal_arena_printf(arena, "totalActivityPub%sMessagesErrors", activities[i]),
            json_integer(0));
    }
    json_object_set_new(stats, "videosRedundancy", json_array());
    json_object_update(stats, known);
    json_decref(known);
    stats =
        api_filter(call, "instance.view", "value", stats, json_pack("{s:s}", "document", "stats"));
    return api_answer(request, stats, err);
}

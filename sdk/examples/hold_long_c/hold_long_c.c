// hold_long_c.c - holds videos longer than an hour for a moderator.
// SPDX-License-Identifier: MIT
#include <shoal/plugin.h>

static enum shoal_verdict check(struct shoal_call *call, json_t *event, void *arg)
{
    struct shoal_plugin *self = arg;
    double duration_s = shoal_number(event, "video.duration", 0);
    if (duration_s * 1000 <= (double)shoal_setting_i64(self, "max")) {
        return SHOAL_PASS;
    }
    return shoal_hold(call, "longer than %d minutes: a moderator will look at it",
        (int)(shoal_setting_i64(self, "max") / 60000));
}

static int start(struct shoal_plugin *self, struct shoal_err *err)
{
    (void)err;
    return shoal_decide(self, "video.publish", check, self);
}

SHOAL_PLUGIN(.name = "hold_long_c", .start = start);

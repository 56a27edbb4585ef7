// seed.c - starts one of the two sides: the origin, or, with the setting url, a mirror.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "seed.h"

static int start(struct shoal_plugin *self, struct shoal_err *err)
{
    if (shoal_setting_text(self, NULL, "url")[0] != '\0') {
        int code = shoal_cli_add(
            self, "try", "asks the origin whether it takes this mirror", seed_try_verb, self);
        return code != 0 ? code : seed_mirror_start(self, err);
    }
    int code = shoal_cli_add(self, "token",
        "makes a token for a mirror: [NAME]; or: list, revoke NAME", seed_token_verb, self);
    return code != 0 ? code : seed_origin_start(self, err);
}

static void stop(struct shoal_plugin *self)
{
    seed_mirror_stop(self);
}

SHOAL_PLUGIN(.name = "seed", .start = start, .stop = stop);

// torrents_tracker.c - what the service `tracker` says of a video, where there is one.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <shoal/svc/tracker.h>

#include <ask.h>

#include "torrents.h"

json_t *torrents_trackers_of(struct shoal_call *call, const char *uuid)
{
    struct shoal_err why = {0};
    json_t *urls = ASK(call, tracker, &why, NULL, torrent_urls, uuid, ask.err);
    if (json_is_array(urls)) {
        return urls;
    }
    if (why.code != SHOAL_EBUSY) { // there may be none, or an older one
        shoal_warn("the trackers of %s are not known: %s", uuid, why.text);
    }
    json_decref(urls);
    return json_array();
}

int torrents_may_share(struct shoal_call *call, const char *uuid, int64_t privacy, bool *shares,
    struct shoal_err *err)
{
    struct shoal_err why = {0};
    int is_open = privacy == SHOAL_PRIVACY_PUBLIC || privacy == SHOAL_PRIVACY_UNLISTED;
    int said = ASK(call, tracker, &why, is_open, shares, uuid, ask.err);
    *shares = said > 0;
    return said < 0 ? shoal_fail(err, said, "%s", why.text) : 0;
}

void torrents_swarms_end(struct shoal_call *call, const char *uuid)
{
    struct shoal_err why = {0};
    int code = ASK(call, tracker, &why, 0, forget, uuid, ask.err);
    if (code != 0) {
        shoal_warn("the swarms of %s go on for a while: %s", uuid, why.text); // a minute at most
    }
}

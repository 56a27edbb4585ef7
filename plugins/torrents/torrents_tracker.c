// torrents_tracker.c - what the service `tracker` says of a video, where there is one.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <shoal/services.h>
#include <shoal/svc/tracker.h>

#include "torrents.h"

json_t *torrents_trackers_of(struct shoal_call *call, const char *uuid)
{
    struct shoal_service service;
    const struct shoal_svc_tracker *table =
        shoal_service_find("tracker", NULL, &service) ? service.table : NULL;
    if (table == NULL || !SHOAL_HAS(table, torrent_urls)) {
        return json_array();
    }
    struct shoal_err why = {0};
    shoal_enter(call, &service);
    json_t *urls = table->torrent_urls(call, service.arg, uuid, &why);
    shoal_leave(call);
    if (!json_is_array(urls)) {
        shoal_warn("the trackers of %s are not known: %s", uuid, why.text);
        json_decref(urls);
        urls = json_array();
    }
    return urls;
}

int torrents_may_share(struct shoal_call *call, const char *uuid, int64_t privacy, bool *shares,
    struct shoal_err *err)
{
    struct shoal_service service;
    const struct shoal_svc_tracker *table =
        shoal_service_find("tracker", NULL, &service) ? service.table : NULL;
    if (table == NULL || !SHOAL_HAS(table, shares)) {
        *shares = privacy == SHOAL_PRIVACY_PUBLIC || privacy == SHOAL_PRIVACY_UNLISTED;
        return 0;
    }
    shoal_enter(call, &service);
    int said = table->shares(call, service.arg, uuid, err);
    shoal_leave(call);
    *shares = said > 0;
    return said < 0 ? said : 0;
}

void torrents_swarms_end(struct shoal_call *call, const char *uuid)
{
    struct shoal_service service;
    const struct shoal_svc_tracker *table =
        shoal_service_find("tracker", NULL, &service) ? service.table : NULL;
    if (table == NULL || !SHOAL_HAS(table, forget)) {
        return;
    }
    struct shoal_err why = {0};
    shoal_enter(call, &service);
    int code = table->forget(call, service.arg, uuid, &why);
    shoal_leave(call);
    if (code != 0) {
        shoal_warn("the swarms of %s go on for a while: %s", uuid, why.text); // a minute at most
    }
}

// identity_nodeinfo.c - what NodeInfo and the configuration say of federation, and NodeInfo 2.1.
//
// Plugin `api` answers NodeInfo 2.0 and its links; what is PeerTube's own in them is added here.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <stdlib.h>
#include <string.h>

#include "identity.h"

#define SCHEMA  "http://nodeinfo.diaspora.software/ns/schema/2."
#define TYPE    "application/json; profile=\"" SCHEMA "1#\"; charset=utf-8"
#define CACHE_S 60

// What PeerTube repeats of GET /config, by the same names.
static const char *const parts[] = {
    "search.remoteUri", "plugin.registered", "theme.registered", "theme.default", "email.enabled",
    "contactForm.enabled", "transcoding.hls.enabled", "transcoding.web_videos.enabled",
    "transcoding.enabledResolutions", "live.enabled", "live.transcoding.enabled",
    "live.transcoding.enabledResolutions", "import.videos.http.enabled", "import.videos.torrent.enabled",
    "autoBlacklist.videos.ofUsers.enabled", "avatar.file.size.max", "avatar.file.extensions",
    "video.image.extensions", "video.image.size.max", "video.file.extensions", "videoCaption.file.size.max",
    "videoCaption.file.extensions", "user.videoQuota", "user.videoQuotaDaily", "trending.videos.intervalDays",
    "tracker.enabled"};

static void config_add(struct shoal_call *call, json_t *info)
{
    int status = 0;
    json_t *config = NULL;
    json_t *node = json_object();
    if (shoal_inprocess(call, "GET", "/api/v1/config", NULL, &status, &config, NULL) == 0 && status == 200) {
        for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
            json_t *value = shoal_get(config, parts[i]);
            if (value != NULL) {
                shoal_json_set(node, parts[i], json_incref(value));
            }
        }
    }
    json_decref(config);
    shoal_json_set(info, "metadata.nodeConfig", node);
}

static void links_add(struct shoal_call *call, json_t *value)
{
    json_t *links = json_object_get(value, "links");
    json_array_append_new(links, json_pack("{s:s, s:s}", "rel", "https://www.w3.org/ns/activitystreams#Application",
        "href", shoal_url(call, "/accounts/peertube")));
    json_array_append_new(links, json_pack("{s:s, s:s}", "rel", SCHEMA "1", "href",
        shoal_url(call, "/nodeinfo/2.1.json")));
}

static int viewed(struct shoal_call *call, json_t **payload, void *arg, struct shoal_err *err)
{
    (void)arg;
    (void)err;
    const char *document = shoal_text(*payload, "document", "");
    json_t *value = json_object_get(*payload, "value");
    bool is_on = who_enabled(call);
    if (strcmp(document, "config") == 0) {
        shoal_json_set(value, "federation.enabled", json_boolean(is_on));
    } else if (strcmp(document, "nodeinfo") == 0) {
        json_object_set_new(value, "protocols", is_on ? json_pack("[s]", "activitypub") : json_array());
        json_object_set_new(value, "services", json_pack("{s:[], s:[s, s]}", "inbound", "outbound", "atom1.0", "rss2.0"));
        config_add(call, value);
    } else if (strcmp(document, "nodeinfo.links") == 0 && is_on) {
        links_add(call, value);
    }
    return 0;
}

static int nodeinfo_get(struct shoal_call *call, struct shoal_request *request, void *arg, struct shoal_err *err)
{
    (void)arg;
    int status = 0;
    json_t *info = NULL;
    int code = shoal_inprocess(call, "GET", "/nodeinfo/2.0.json", NULL, &status, &info, err);
    if (code == 0 && (status != 200 || !json_is_object(info))) {
        code = shoal_fail(err, SHOAL_ENOTFOUND, "there is no NodeInfo here");
    }
    char *text = NULL;
    if (code == 0) {
        json_object_set_new(info, "version", json_string("2.1"));
        text = json_dumps(info, JSON_COMPACT);
        code = text == NULL ? SHOAL_EINTERNAL : shoal_answer_bytes(request, 200, TYPE, text, strlen(text));
    }
    free(text);
    json_decref(info);
    return code;
}

int who_nodeinfo_start(struct shoal_plugin *self, struct shoal_err *err)
{
    const struct shoal_route route = {.method = "GET",
        .path = "/nodeinfo/2.1.json",
        .handler = nodeinfo_get,
        .auth = SHOAL_AUTH_NONE,
        .cache_s = CACHE_S,
        .cors = true};
    int code = shoal_filter(self, "instance.view", viewed, NULL);
    return code == 0 ? shoal_route_add(self, &route, err)
                     : shoal_fail(err, code, "the view of the instance cannot be added to");
}

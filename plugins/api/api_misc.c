// api_misc.c - ping, and NodeInfo, by which other software learns what runs here.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <stdlib.h>
#include <string.h>

#include "api.h"
#include "api_software.h"

#define NODEINFO_TYPE                                                                              \
    "application/json; profile=\"http://nodeinfo.diaspora.software/ns/schema/2.0#\"; charset=utf-8"

int api_ping(struct shoal_call *call, struct shoal_request *request, void *arg,
    struct shoal_err *err)
{
    (void)call;
    (void)arg;
    (void)err;
    return shoal_answer_text(request, 200, "pong");
}

int api_nodeinfo_links(struct shoal_call *call, struct shoal_request *request, void *arg,
    struct shoal_err *err)
{
    (void)arg;
    json_t *links = json_pack("{s:[{s:s, s:s}]}", "links", "rel",
        "http://nodeinfo.diaspora.software/ns/schema/2.0", "href",
        shoal_url(call, "/nodeinfo/2.0.json"));
    links = api_filter(call, "instance.view", "value", links,
        json_pack("{s:s}", "document", "nodeinfo.links"));
    return api_answer(request, links, err);
}

static json_t *text_setting(const char *key)
{
    json_t *value = shoal_instance_setting(key);
    if (json_is_string(value)) {
        return value;
    }
    json_decref(value);
    return json_string("");
}

static bool flag_setting(const char *key)
{
    json_t *value = shoal_instance_setting(key);
    bool is_on = json_is_true(value);
    json_decref(value);
    return is_on;
}

int api_nodeinfo(struct shoal_call *call, struct shoal_request *request, void *arg,
    struct shoal_err *err)
{
    (void)arg;
    json_t *stats = shoal_catalog_stats(call, err);
    if (stats == NULL) {
        return err->code;
    }
    struct shoal_service federation;
    bool federates = shoal_service_find("federation", NULL, &federation);
    json_t *info = json_pack(
        "{s:s, s:{s:s, s:s}, s:o, s:{s:[], s:[]}, s:b, s:{s:{s:I, s:I, s:I}, s:I, s:I},"
        " s:{s:{s:s}, s:o, s:o}}",
        "version", "2.0", "software", "name", API_SOFTWARE, "version", API_SERVER_VERSION,
        "protocols", federates ? json_pack("[s]", "activitypub") : json_array(), "services",
        "inbound", "outbound", "openRegistrations", flag_setting("signup.enabled"), "usage", "users",
        "total", (json_int_t)shoal_integer(stats, "totalUsers", 0), "activeMonth",
        (json_int_t)shoal_integer(stats, "totalMonthlyActiveUsers", 0), "activeHalfyear",
        (json_int_t)shoal_integer(stats, "totalHalfYearActiveUsers", 0), "localPosts",
        (json_int_t)shoal_integer(stats, "totalLocalVideos", 0), "localComments",
        (json_int_t)shoal_integer(stats, "totalLocalVideoComments", 0), "metadata", "taxonomy",
        "postsName", "Videos", "nodeName", text_setting("instance.name"), "nodeDescription",
        text_setting("instance.short_description"));
    json_decref(stats);
    info = api_filter(call, "instance.view", "value", info,
        json_pack("{s:s}", "document", "nodeinfo"));
    char *text = json_dumps(info, JSON_COMPACT);
    json_decref(info);
    int code = shoal_answer_bytes(request, 200, NODEINFO_TYPE, text, strlen(text));
    free(text);
    return code;
}

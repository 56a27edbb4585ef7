// api_config.c - GET /config and /config/about: what the instance is and what it can do.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <string.h>

#include "api.h"
#include "api_config_tree.h"
#include "api_software.h"

// A setting of the instance and where it stands in the tree.
struct place {
    const char *path;
    const char *setting;
};

static void fill(json_t *tree, const struct place *places, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        json_t *value = shoal_instance_setting(places[i].setting);
        if (value != NULL && !json_is_null(value)) {
            shoal_json_set(tree, places[i].path, value);
        } else {
            json_decref(value);
        }
    }
}

// Whether somebody provides a service.
static bool has(const char *service)
{
    struct shoal_service found;
    return shoal_service_find(service, NULL, &found);
}

static void set_flag(json_t *tree, const char *path, bool is_on)
{
    shoal_json_set(tree, path, json_boolean(is_on));
}

static void fill_features(struct api *api, json_t *tree)
{
    bool has_transcoder = has("transcoder");
    bool has_tracker = has("tracker");
    set_flag(tree, "transcoding.hls.enabled", has_transcoder);
    set_flag(tree, "tracker.enabled", has_tracker);
    set_flag(tree, "defaults.p2p.webapp.enabled", has_tracker);
    set_flag(tree, "defaults.p2p.embed.enabled", has_tracker);
    set_flag(tree, "federation.enabled", has("federation"));
    set_flag(tree, "email.enabled", has("mailer"));
    set_flag(tree, "videoTranscription.enabled", has("captioner"));
    shoal_json_set(tree, "client.videos.resumableUpload.maxChunkSize",
        json_integer(shoal_setting_i64(api->plugin, "chunk_max")));
    int64_t interval_ms = shoal_setting_i64(api->plugin, "watching_interval");
    shoal_json_set(tree, "views.videos.watchingInterval.anonymous", json_integer(interval_ms));
    shoal_json_set(tree, "views.videos.watchingInterval.users", json_integer(interval_ms));
}

// Signing up needs the route that takes it; the plugin that brings it turns this on by instance.view.
static void fill_instance(json_t *tree)
{
    static const struct place places[] = {
        {"instance.name", "instance.name"},
        {"instance.shortDescription", "instance.short_description"},
        {"instance.isNSFW", "instance.is_nsfw"},
        {"instance.defaultNSFWPolicy", "instance.nsfw_policy"},
        {"instance.defaultClientRoute", "instance.default_route"},
        {"instance.defaultLanguage", "instance.language"},
        {"instance.serverCountry", "instance.server_country"},
        {"instance.support.text", "instance.support"},
        {"instance.social.externalLink", "instance.website"},
        {"instance.social.mastodonLink", "instance.mastodon"},
        {"instance.social.blueskyLink", "instance.bluesky"},
        {"instance.social.xLink", "instance.x"},
        {"signup.requiresApproval", "signup.requires_approval"},
        {"signup.requiresEmailVerification", "signup.requires_email_verification"},
        {"signup.minimumAge", "signup.minimum_age"},
        {"user.videoQuota", "user.video_quota"},
        {"user.videoQuotaDaily", "user.video_quota_daily"},
        {"videoChannels.maxPerUser", "user.channels_max"},
        {"defaults.publish.downloadEnabled", "video.downloads"},
        {"storyboards.enabled", "transcoding.storyboards"},
    };
    fill(tree, places, sizeof places / sizeof *places);
}

static json_int_t default_privacy(void)
{
    static const char *const names[] = {"public", "unlisted", "private", "internal"};
    json_t *setting = shoal_instance_setting("video.default_privacy");
    const char *name = json_is_string(setting) ? json_string_value(setting) : names[0];
    json_int_t privacy = SHOAL_PRIVACY_PUBLIC;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        privacy = strcmp(names[i], name) == 0 ? (json_int_t)i + 1 : privacy;
    }
    json_decref(setting);
    return privacy;
}

int api_config(struct shoal_call *call, struct shoal_request *request, void *arg,
    struct shoal_err *err)
{
    struct api *api = arg;
    json_t *tree = shoal_json_parse(api_config_tree, strlen(api_config_tree), err);
    if (tree == NULL) {
        return err->code;
    }
    shoal_json_set(tree, "serverVersion", json_string(API_SERVER_VERSION));
    fill_instance(tree);
    fill_features(api, tree);
    shoal_json_set(tree, "defaults.publish.privacy", json_integer(default_privacy()));
    tree = api_filter(call, "instance.view", "value", tree, json_pack("{s:s}", "document", "config"));
    return api_answer(request, tree, err);
}

int api_config_about(struct shoal_call *call, struct shoal_request *request, void *arg,
    struct shoal_err *err)
{
    static const struct place places[] = {
        {"instance.name", "instance.name"},
        {"instance.shortDescription", "instance.short_description"},
        {"instance.description", "instance.description"},
        {"instance.terms", "instance.terms"},
        {"instance.codeOfConduct", "instance.code_of_conduct"},
        {"instance.hardwareInformation", "instance.hardware_information"},
        {"instance.creationReason", "instance.creation_reason"},
        {"instance.moderationInformation", "instance.moderation_information"},
        {"instance.administrator", "instance.administrator"},
        {"instance.maintenanceLifetime", "instance.maintenance_lifetime"},
        {"instance.businessModel", "instance.business_model"},
        {"instance.languages", "instance.languages"},
    };
    (void)arg;
    json_t *tree = json_pack("{s:{s:[], s:[], s:[], s:[]}}", "instance", "languages", "categories",
        "banners", "avatars");
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        if (shoal_get(tree, places[i].path) == NULL) {
            shoal_json_set(tree, places[i].path, json_string(""));
        }
    }
    fill(tree, places, sizeof places / sizeof *places);
    json_t *categories = shoal_instance_setting("instance.categories");
    for (size_t i = 0; i < json_array_size(categories); i++) {
        const char *text = json_string_value(json_array_get(categories, i));
        int64_t number = 0;
        for (; text != NULL && *text >= '0' && *text <= '9' && number < 1000000; text++) {
            number = number * 10 + (*text - '0');
        }
        if (text != NULL && *text == '\0' && number > 0) {
            json_array_append_new(shoal_get(tree, "instance.categories"), json_integer(number));
        }
    }
    json_decref(categories);
    tree = api_filter(call, "instance.view", "value", tree, json_pack("{s:s}", "document", "about"));
    return api_answer(request, tree, err);
}

// config_keys.c - every setting of the instance: name, type, default, bounds, help.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "host/config_keys.h"

#include <string.h>

#define ROW(name_, type_, default_, min_, max_, help_)                                             \
    {                                                                                              \
        .name = (name_), .type = SHOAL_SETTING_##type_, .otherwise = (default_), .min = (min_),    \
        .max = (max_), .unit = "", .help = (help_)                                                 \
    }
/// One that the web pages may change while the server runs.
#define LIVE(name_, type_, default_, min_, max_, help_)                                            \
    {                                                                                              \
        .name = (name_), .type = SHOAL_SETTING_##type_, .otherwise = (default_), .min = (min_),    \
        .max = (max_), .unit = "", .help = (help_), .is_reloadable = true                          \
    }
#define ONE_OF(name_, default_, choices_, help_)                                                   \
    {                                                                                              \
        .name = (name_), .type = SHOAL_SETTING_TEXT, .otherwise = (default_),                      \
        .choices = (choices_), .unit = "", .help = (help_), .is_reloadable = true                  \
    }
#define SOME_OF(name_, default_, choices_, help_)                                                  \
    {                                                                                              \
        .name = (name_), .type = SHOAL_SETTING_LIST, .otherwise = (default_), .min = 1, .max = 16, \
        .choices = (choices_), .unit = "", .help = (help_), .is_reloadable = true                  \
    }

const struct shoal_setting_row shoal_config_keys[] = {
    ROW("url", TEXT, "null", 0, 0,
        "public address of the site, without a path: https://example.org"),
    ROW("storage", TEXT, "\"storage_fs\"", 1, 64, "plugin that keeps new media files"),
    ROW("loops", INT, "0", 0, 256, "threads that serve connections; 0: one for each core"),
    ROW("workers", INT, "0", 0, 1024, "threads that run handlers; 0: two, and two for each core"),

    ROW("memory.max", SIZE, "0", 0, 1e15,
        "memory that the server may use before it is started anew; 0: half of what the machine has"),
    LIVE("instance.name", TEXT, "\"Shoal\"", 1, 120, "name of the site"),
    LIVE("instance.short_description", TEXT, "\"\"", 0, 250, "one sentence about the site"),
    LIVE("instance.description", TEXT, "\"\"", 0, 20000, "what the site is, in Markdown"),
    LIVE("instance.terms", TEXT, "\"\"", 0, 60000, "terms of use, in Markdown"),
    LIVE("instance.code_of_conduct", TEXT, "\"\"", 0, 60000, "code of conduct, in Markdown"),
    LIVE("instance.moderation_information", TEXT, "\"\"", 0, 60000, "who moderates, and how"),
    LIVE("instance.creation_reason", TEXT, "\"\"", 0, 20000, "why the site was made"),
    LIVE("instance.administrator", TEXT, "\"\"", 0, 20000, "who runs the site"),
    LIVE("instance.maintenance_lifetime", TEXT, "\"\"", 0, 20000, "how long it will be kept up"),
    LIVE("instance.business_model", TEXT, "\"\"", 0, 20000, "how it is paid for"),
    LIVE("instance.hardware_information", TEXT, "\"\"", 0, 20000, "what it runs on"),
    LIVE("instance.languages", LIST, "[]", 0, 100, "main languages (\"en\")"),
    LIVE("instance.categories", LIST, "[]", 0, 100, "main categories, by their numbers"),
    LIVE("instance.server_country", TEXT, "\"\"", 0, 120, "country in which the server stands"),
    LIVE("instance.support", TEXT, "\"\"", 0, 20000, "how to support the site, in Markdown"),
    LIVE("instance.website", TEXT, "\"\"", 0, 500, "another site of the same people"),
    LIVE("instance.mastodon", TEXT, "\"\"", 0, 500, "link to a Mastodon account"),
    LIVE("instance.bluesky", TEXT, "\"\"", 0, 500, "link to a Bluesky account"),
    LIVE("instance.x", TEXT, "\"\"", 0, 500, "link to an X account"),
    LIVE("instance.email", TEXT, "\"\"", 0, 320,
        "address at which the administrator can be reached"),
    LIVE("instance.is_nsfw", BOOL, "false", 0, 0, "whether the site is about sensitive content"),
    ONE_OF("instance.nsfw_policy", "\"do_not_list\"", "do_not_list warn blur display",
        "what visitors see of sensitive videos"),
    LIVE(
        "instance.language", TEXT, "\"en\"", 2, 16, "language of pages for those who ask for none"),
    LIVE("instance.default_route", TEXT, "\"/\"", 1, 200, "page that the site opens with"),

    LIVE("signup.enabled", BOOL, "false", 0, 0, "whether visitors may make an account"),
    LIVE("signup.requires_approval", BOOL, "true", 0, 0,
        "whether a moderator looks at each request"),
    LIVE(
        "signup.requires_email_verification", BOOL, "false", 0, 0, "whether the address is proven"),
    LIVE("signup.limit", INT, "-1", -1, 1e9, "accounts after which it closes; -1: never"),
    LIVE("signup.minimum_age", INT, "16", 0, 120, "age that visitors confirm"),
    LIVE("user.video_quota", SIZE, "-1", -1, 9e15, "bytes of video for each user; -1: no limit"),
    LIVE("user.video_quota_daily", SIZE, "-1", -1, 9e15,
        "bytes of video a day for each user; -1: no limit"),
    LIVE("user.channels_max", INT, "20", 1, 10000, "channels that a user may make"),
    LIVE("user.history", BOOL, "true", 0, 0, "whether new users have their history kept"),
    LIVE("user.token_time", TIME, "\"1d\"", 60000, 3.2e12, "how long an access token works"),
    LIVE("user.refresh_time", TIME, "\"28d\"", 60000, 3.2e12, "how long a refresh token works"),

    LIVE("video.file_max", SIZE, "\"32G\"", 1, 9e15, "largest file that may be uploaded"),
    LIVE("video.duration_max", TIME, "0", 0, 9e15, "longest video; 0: no limit"),
    LIVE("video.keep_original", BOOL, "false", 0, 0, "whether uploaded files are kept as they are"),
    LIVE("video.delete_after", TIME, "\"1h\"", 0, 3.2e12,
        "wait before the media of what was deleted go, so that backups are whole"),
    ONE_OF("video.default_privacy", "\"public\"", "public unlisted private internal",
        "privacy that the upload page proposes"),
    LIVE("video.wait_transcoding", BOOL, "true", 0, 0, "whether the upload page proposes to wait"),
    LIVE("video.list_subscribed", BOOL, "true", 0, 0,
        "whether everybody's lists show videos of other servers that a user subscribes to; without: "
        "those alone that the instance itself follows"),
    LIVE("video.downloads", BOOL, "true", 0, 0, "whether the upload page proposes downloads"),
    LIVE("transcoding.hls", BOOL, "true", 0, 0,
        "whether videos get renditions for adaptive play; without: the uploaded streams alone"),
    SOME_OF("transcoding.resolutions", "[\"360\", \"720\", \"1080\"]",
        "144 240 360 480 720 1080 1440 2160 4320",
        "short sides of the renditions that are made, where the source is large enough"),
    LIVE("transcoding.original_resolution", BOOL, "true", 0, 0,
        "whether a source between two of these sizes keeps its own as well"),
    LIVE("transcoding.storyboards", BOOL, "true", 0, 0,
        "whether videos get small pictures of their moments, for the seek bar"),
    LIVE("transcoding.fps_max", INT, "60", 1, 240, "frames a second that renditions have at most"),

    LIVE("http.rate.api", RATE, "\"500/10s\"", 0, 0, "uncached API calls of one token or address"),
    LIVE("http.rate.login", RATE, "\"15/5m\"", 0, 0, "attempts to log in"),
    LIVE("http.rate.register", RATE, "\"2/5m\"", 0, 0, "new accounts"),
    LIVE("http.rate.write", RATE, "\"200/10s\"", 0, 0, "calls that change something"),
    LIVE("http.rate.search", RATE, "\"50/10s\"", 0, 0, "searches"),
    LIVE("http.rate.ffmpeg", RATE, "\"100/10m\"", 0, 0, "uploads and pictures, which ffmpeg works on"),
    LIVE("http.rate.page", RATE, "\"500/10s\"", 0, 0, "pages that are not in the cache"),
    LIVE("http.rate.peer", RATE, "\"12000/1m\"", 0, 0, "what another server sends, such as activities"),
    ROW("http.cache", SIZE, "\"32M\"", 0, 1e12, "memory for answers that are shared; 0: each is made anew"),
    ROW("http.queue", INT, "1024", 1, 1e6, "requests that may wait for a worker"),
    ROW("http.stop_grace", TIME, "\"30s\"", 0, 3.6e6,
        "time for requests to end when the server stops"),
    ROW("streams.stay", TIME, "\"12h\"", 10000, 7 * 8.64e7,
        "how long a live ingest may go on in the old server after a reload"),
    ROW("http.scripts", BOOL, "false", 0, 0, "whether administrators may add scripts to pages"),
    ROW("trusted_proxies", LIST, "[\"127.0.0.1\", \"::1\", \"unix\"]", 0, 64,
        "proxies whose X-Forwarded headers are believed: addresses, networks, or \"unix\" for "
        "who comes through a Unix socket"),
    ROW("proxies_forwarded", BOOL, "false", 0, 0,
        "those proxies write Forwarded (RFC 7239): it is believed, and X-Forwarded headers are not"),
    ROW("tls.certificate", PATH, "null", 0, 0, "certificate chain, PEM"),
    ROW("tls.key", PATH, "null", 0, 0, "its private key, PEM"),
    ROW("tls.acme", PATH, "null", 0, 0, "webroot of the ACME client, for its challenges on redirect ports"),
    ONE_OF("log.level", "\"info\"", "debug info warn error", "lines below it are not written"),
    ONE_OF("log.format", "\"human\"", "human json", "how log lines look"),
    ROW("fetch.private", LIST, "[]", 0, 64, "private networks that the server may ask"),
    ROW("metrics.allow", LIST, "[\"127.0.0.0/8\", \"::1\"]", 0, 64,
        "addresses or networks that may read /metrics; \"unix\": who comes through a Unix socket"),
    ROW("jobs.workers", INT, "4", 1, 256, "jobs that run at once"),
    ROW("database.path", PATH, "null", 0, 0, "file of the database; shoal.sqlite3 in the folder"),
};
const size_t shoal_config_key_count = sizeof(shoal_config_keys) / sizeof(shoal_config_keys[0]);

const struct shoal_setting_row *shoal_config_key_find(const char *name)
{
    for (size_t i = 0; i < shoal_config_key_count; i++) {
        if (strcmp(shoal_config_keys[i].name, name) == 0) {
            return &shoal_config_keys[i];
        }
    }
    return NULL;
}

bool shoal_config_key_is_folder(const char *path)
{
    size_t length = strlen(path);
    for (size_t i = 0; i < shoal_config_key_count; i++) {
        const char *name = shoal_config_keys[i].name;
        if (strncmp(name, path, length) == 0 && name[length] == '.') {
            return true;
        }
    }
    return false;
}

const char *shoal_config_key_nearest(const char *path)
{
    static const char *const others[] = {"listen", "plugins", "instance", "signup", "user", "video",
        "http", "tls", "log", "fetch", "metrics", "jobs", "database", "memory", "http.rate"};
    enum {
        OTHERS = sizeof(others) / sizeof(others[0]),
        MOST = 160
    };
    _Static_assert(sizeof(shoal_config_keys) / sizeof(shoal_config_keys[0]) + OTHERS < MOST,
        "the list of names is too short");
    const char *names[MOST];
    size_t count = 0;
    for (size_t i = 0; i < OTHERS; i++) {
        names[count++] = others[i];
    }
    for (size_t i = 0; i < shoal_config_key_count; i++) {
        names[count++] = shoal_config_keys[i].name;
    }
    return shoal_nearest(path, names, count);
}

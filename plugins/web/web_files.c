// web_files.c - the theme's files below /assets/VERSION/, the player's library, icons, robots.txt.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "web_priv.h"

#define YEAR_S 31536000

static const char *type_of(const char *name)
{
    static const struct {
        const char *end, *type;
    } types[] = {{".css", "text/css; charset=utf-8"}, {".js", "text/javascript; charset=utf-8"},
        {".mjs", "text/javascript; charset=utf-8"}, {".svg", "image/svg+xml"},
        {".png", "image/png"}, {".jpg", "image/jpeg"}, {".webp", "image/webp"},
        {".woff2", "font/woff2"}, {".json", "application/json"}, {".ico", "image/x-icon"}};
    size_t length = strlen(name);
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        size_t end = strlen(types[i].end);
        if (length > end && strcmp(name + length - end, types[i].end) == 0) {
            return types[i].type;
        }
    }
    return NULL;
}

/// From memory, so that it is compressed and shared.
static int answer_text_file(struct shoal_request *request, const char *path, const char *type,
    uint32_t max_age_s, struct shoal_err *err)
{
    size_t length = 0;
    char *text = web_read_file(path, &length, err);
    if (!text) {
        return err->code;
    }
    char age[64];
    snprintf(age, sizeof age, "public, max-age=%u%s", max_age_s,
        max_age_s >= YEAR_S ? ", immutable" : "");
    shoal_answer_header(request, "Cache-Control", age);
    int code = shoal_answer_bytes(request, 200, type, text, length);
    free(text);
    return code;
}

/// "vendor/hls.mjs" as a file, or NULL for what is no library of ours.
static const char *vendor_file(struct shoal_call *call, const struct web *web, const char *name)
{
    for (int i = 0; web_vendor_names[i]; i++) {
        if (strcmp(name, web_vendor_names[i]) == 0) {
            return shoal_arena_printf(
                shoal_call_arena(call), "%s/%s", web->vendor_path, name + strlen("vendor/"));
        }
    }
    return NULL;
}

/// /assets/VERSION/style/base.css. Another version's address still gives today's file, for pages that
/// were open during an update, but not for a year.
static int serve_asset(struct shoal_call *call, struct shoal_request *request, void *arg,
    struct shoal_err *err)
{
    struct web *web = arg;
    const char *name = shoal_request_param(request, "name");
    const char *version = shoal_request_param(request, "version");
    const char *type = type_of(name);
    const char *path = vendor_file(call, web, name);
    if (!path && type) {
        path = web_theme_file(web->theme, shoal_call_arena(call), name);
    }
    if (!path || !type) {
        return shoal_fail(err, SHOAL_ENOTFOUND, "the theme has no file \"%s\"", name);
    }
    bool is_current = !web->is_dev && strcmp(version, web->theme->version) == 0;
    uint32_t max_age_s = is_current ? YEAR_S : 1;
    bool is_text = strncmp(type, "text/", 5) == 0 || strcmp(type, "image/svg+xml") == 0;
    return is_text ? answer_text_file(request, path, type, max_age_s, err)
                   : shoal_answer_file(request, path, type, NULL, max_age_s, err);
}

static int serve_robots(struct shoal_call *call, struct shoal_request *request, void *arg,
    struct shoal_err *err)
{
    (void)call;
    (void)arg;
    (void)err;
    return shoal_answer_text(request, 200,
        "User-agent: *\nDisallow: /api/\nDisallow: /my/\nDisallow: /login\nDisallow: /upload\n");
}

static int serve_icon(struct shoal_call *call, struct shoal_request *request, void *arg,
    struct shoal_err *err)
{
    (void)err;
    struct web *web = arg;
    return shoal_answer_redirect(request, 302, shoal_arena_printf(shoal_call_arena(call),
        "/assets/%s/images/logo.svg", web->theme->version));
}

int web_files_add(struct web *web, struct shoal_err *err)
{
    const char *vendor = shoal_instance_path("vendor");
    web->vendor_path = shoal_arena_strdup(shoal_plugin_arena(web->self), vendor ? vendor : "");
    const struct shoal_route routes[] = {
        {.method = "GET", .path = "/assets/{version}/{name...}", .handler = serve_asset, .arg = web,
            .auth = SHOAL_AUTH_NONE, .rate = SHOAL_RATE_NONE, .cache_s = web->is_dev ? 0 : 60},
        {.method = "GET", .path = "/robots.txt", .handler = serve_robots, .arg = web,
            .auth = SHOAL_AUTH_NONE, .rate = SHOAL_RATE_PAGE, .cache_s = 60},
        {.method = "GET", .path = "/favicon.ico", .handler = serve_icon, .arg = web,
            .auth = SHOAL_AUTH_NONE, .rate = SHOAL_RATE_NONE},
    };
    for (size_t i = 0; i < sizeof routes / sizeof routes[0]; i++) {
        int code = shoal_route_add(web->self, &routes[i], err);
        if (code != 0) {
            return code;
        }
    }
    return 0;
}

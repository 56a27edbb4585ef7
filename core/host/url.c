// url.c - absolute URLs of this site, and percent-encoding.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <strings.h>

#include "base/context.h"
#include "host/host_priv.h"
#include "net/request.h"

static bool is_private_ipv4(const unsigned char at[4])
{
    return at[0] == 127 || at[0] == 10 || (at[0] == 172 && (at[1] & 0xf0) == 16) ||
           (at[0] == 192 && at[1] == 168) || (at[0] == 169 && at[1] == 254);
}

/// Whether text is the rest of a host behind its name: nothing, or a port.
static bool is_port_or_end(const char *text)
{
    return !*text ||
           (text[0] == ':' && text[1] && strspn(text + 1, "0123456789") == strlen(text + 1));
}

/// Whether a Host header may be believed while no public URL is set: it names a machine nearby, and
/// nothing hangs behind it ("[::1].example.org").
static bool is_nearby(const char *host)
{
    char name[256];
    unsigned char address[16];
    bool is_bracketed = host[0] == '[';
    const char *start = is_bracketed ? host + 1 : host;
    size_t length = strcspn(start, is_bracketed ? "]" : ":");
    if (length == 0 || length >= sizeof(name) || (is_bracketed && !start[length]) ||
        !is_port_or_end(start + length + (is_bracketed ? 1 : 0))) {
        return false;
    }
    memcpy(name, start, length);
    name[length] = 0;
    if (inet_pton(AF_INET, name, address) == 1) {
        return is_private_ipv4(address);
    }
    if (inet_pton(AF_INET6, name, address) == 1) {
        static const unsigned char loopback[16] = {[15] = 1};
        return memcmp(address, loopback, 16) == 0 || (address[0] & 0xfe) == 0xfc ||
               (address[0] == 0xfe && (address[1] & 0xc0) == 0x80);
    }
    return strcasecmp(name, "localhost") == 0 ||
           (length > 6 && strcasecmp(name + length - 6, ".local") == 0) ||
           (length > 10 && strcasecmp(name + length - 10, ".localhost") == 0);
}

/// The first address that the server listens on, as a URL.
static const char *own_address(struct shoal_arena *arena)
{
    const struct shoal_config *config = shoal_host_get()->options.config;
    for (size_t i = 0; config && i < config->listen_count; i++) {
        const struct shoal_config_listen *listen = &config->listens[i];
        if (listen->is_unix || listen->is_redirect) {
            continue;
        }
        bool is_any = strcmp(listen->host, "0.0.0.0") == 0 || strcmp(listen->host, "::") == 0;
        bool is_ipv6 = !is_any && strchr(listen->host, ':');
        return shoal_arena_printf(arena, "%s://%s%s%s:%d", listen->is_tls ? "https" : "http",
            is_ipv6 ? "[" : "", is_any ? "localhost" : listen->host, is_ipv6 ? "]" : "",
            listen->port);
    }
    return "http://localhost";
}

const char *shoal_url(struct shoal_call *call, const char *path)
{
    json_t *url = shoal_instance_setting("url");
    const char *out = NULL;
    if (json_is_string(url) && *json_string_value(url)) {
        out = shoal_arena_printf(call->arena, "%s%s", json_string_value(url), path);
    }
    json_decref(url);
    if (out) {
        return out;
    }
    const char *host = call->request ? shoal_request_host(call->request) : NULL;
    if (host && is_nearby(host)) {
        return shoal_arena_printf(
            call->arena, "%s://%s%s", shoal_request_scheme(call->request), host, path);
    }
    return shoal_arena_printf(call->arena, "%s%s", own_address(call->arena), path);
}

/// What npm gives the pages: beside the plugins in a build folder, beside the themes once
/// installed.
static const char *vendor_path(const struct shoal_host_options *options)
{
    static char path[4096];
    const char *const places[] = {options->shipped_plugins, options->themes};
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        snprintf(path, sizeof(path), "%.4000s/../vendor", places[i] ? places[i] : "/nowhere");
        if (access(path, R_OK) == 0) {
            return path;
        }
    }
    return NULL;
}

const char *shoal_instance_path(const char *what)
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    static char tmp[4096];
    static char media[4096];
    const struct shoal_host_options *options = &shoal_host_get()->options;
    const char *folder = options->config ? options->config->folder : NULL;
    if (!folder) {
        return NULL;
    }
    if (strcmp(what, "data") == 0) {
        return folder;
    }
    if (strcmp(what, "themes") == 0) {
        return options->themes;
    }
    if (strcmp(what, "vendor") == 0) {
        return vendor_path(options);
    }
    bool is_tmp = strcmp(what, "tmp") == 0;
    if (!is_tmp && strcmp(what, "media") != 0) {
        return NULL;
    }
    char *out = is_tmp ? tmp : media;
    pthread_mutex_lock(&lock);
    char path[sizeof(tmp)];
    snprintf(path, sizeof(path), "%.4000s/%s", folder, what);
    if (strcmp(path, out) != 0) {
        memcpy(out, path, sizeof(path));
    }
    pthread_mutex_unlock(&lock);
    return out;
}

// remote_text.c - URLs and texts of strangers: read strictly, kept clean.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <string.h>
#include <strings.h>

#include "catalog/remote_priv.h"

// A URL is printable ASCII without what ends it in HTML, headers or shells.
static bool is_plain(const char *url)
{
    size_t length = strnlen(url, CATALOG_URL_MAX + 1);
    if (length > CATALOG_URL_MAX) {
        return false;
    }
    for (size_t i = 0; i < length; i++) {
        if (url[i] <= ' ' || url[i] > '~' || strchr("\"'<>\\^`{|}", url[i]) != NULL) {
            return false;
        }
    }
    return true;
}

static bool port_is_good(const char *port, size_t length)
{
    return length >= 1 && length <= 5 && strspn(port, "0123456789") >= length;
}

const char *catalog_url_host(struct shoal_arena *arena, const char *url)
{
    bool is_tls = url != NULL && strncasecmp(url, "https://", 8) == 0;
    bool is_http = url != NULL && strncasecmp(url, "http://", 7) == 0;
    if ((!is_tls && !is_http) || !is_plain(url)) {
        return NULL;
    }
    const char *from = url + (is_tls ? 8 : 7);
    size_t length = strcspn(from, "/?#");
    char *host = shoal_arena_strndup(arena, from, length);
    for (char *at = host; *at != '\0'; at++) {
        *at = *at >= 'A' && *at <= 'Z' ? (char)(*at + 32) : *at;
    }
    const char *closed = strchr(host, ']');
    size_t name = host[0] != '['   ? strcspn(host, ":")
                  : closed == NULL ? 0
                                   : (size_t)(closed - host) + 1;
    const char *letters =
        host[0] == '[' ? "[]0123456789abcdef:." : "0123456789abcdefghijklmnopqrstuvwxyz.-_";
    if (name == 0 || name > 253 || host[0] == '.' || strspn(host, letters) < name) {
        return NULL;
    }
    if (host[name] == '\0') {
        return host;
    }
    if (host[name] != ':' || !port_is_good(host + name + 1, length - name - 1)) {
        return NULL;
    }
    if (strcmp(host + name, is_tls ? ":443" : ":80") == 0) {
        host[name] = '\0';
    }
    return host;
}

bool catalog_url_on(struct shoal_arena *arena, const char *url, const char *host)
{
    const char *found = catalog_url_host(arena, url);
    return found != NULL && strcmp(found, host) == 0;
}

bool catalog_host_ours(struct shoal_call *call, const char *host)
{
    const char *ours = catalog_url_host(call->arena, shoal_url(call, "/"));
    return host[0] == '\0' || strcasecmp(host, ours == NULL ? catalog_host(call) : ours) == 0;
}

// Embeddings, overrides and isolates (U+202A to U+202E, U+2066 to U+2069), and C1 controls.
static bool turns_or_controls(const unsigned char *at)
{
    if (at[0] == 0xe2 && at[1] == 0x80) {
        return at[2] >= 0xaa && at[2] <= 0xae;
    }
    if (at[0] == 0xe2 && at[1] == 0x81) {
        return at[2] >= 0xa6 && at[2] <= 0xa9;
    }
    return at[0] == 0xc2 && at[1] < 0xa0;
}

const char *catalog_remote_text(
    struct shoal_arena *arena, const char *text, size_t most, bool is_line)
{
    if (text == NULL || catalog_utf8_length(text) == SIZE_MAX) {
        return NULL;
    }
    char *out = shoal_arena_alloc(arena, strlen(text) + 1);
    size_t used = 0;
    size_t count = 0;
    const unsigned char *at = (const unsigned char *)text;
    while (*at != '\0' && count < most) {
        size_t size = *at < 0x80 ? 1 : *at < 0xe0 ? 2 : *at < 0xf0 ? 3 : 4;
        bool is_break = *at == '\n' || *at == '\r' || *at == '\t';
        if (is_break && is_line) {
            out[used++] = ' ';
            count++;
        } else if ((*at >= ' ' && *at != 0x7f && !turns_or_controls(at)) || is_break) {
            memcpy(out + used, at, size);
            used += size;
            count++;
        }
        at += size;
    }
    while (is_line && used > 0 && out[used - 1] == ' ') {
        used--;
    }
    out[used] = '\0';
    char *from = out + (is_line ? strspn(out, " ") : 0);
    return *from == '\0' ? NULL : from;
}

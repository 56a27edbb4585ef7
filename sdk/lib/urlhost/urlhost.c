// urlhost.c - which host a URL is on, written the way handles have it, and what else is taken from a URL.
// SPDX-License-Identifier: MIT
#include <string.h>
#include <strings.h>

#include "urlhost.h"

static bool is_name(const char *at, size_t length, bool is_private)
{
    bool has_dot = false;
    for (size_t i = 0; i < length; i++) {
        char c = at[i];
        bool is_edge = i == 0 || i + 1 == length || at[i - 1] == '.' || at[i + 1] == '.';
        bool is_word = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!is_word && (is_edge || (c != '-' && c != '.' && c != '_'))) {
            return false;
        }
        has_dot |= c == '.';
    }
    return length > 0 && length <= 253 && (has_dot || is_private);
}

static bool is_port(const char *at, size_t length)
{
    int port = 0;
    for (size_t i = 0; i < length; i++) {
        if (at[i] < '0' || at[i] > '9' || i >= 5) {
            return false;
        }
        port = port * 10 + (at[i] - '0');
    }
    return port > 0 && port < 65536;
}

// "[::1]" is a host in private networks alone: no public server is named so.
static bool is_bracketed(const char *at, size_t length, bool is_private)
{
    return is_private && length > 3 && at[0] == '[' && at[length - 1] == ']' &&
           strspn(at + 1, "0123456789abcdefABCDEF:.") >= length - 2;
}

const char *urlhost_read(
    struct shoal_arena *arena, const char *text, const char *usual_port, bool is_private)
{
    size_t length = strcspn(text, "/?#");
    size_t name = *text == '[' ? strcspn(text, "]") + 1 : strcspn(text, ":/?#");
    if (length > 259 || name > length) {
        return NULL;
    }
    bool has_port = name < length;
    if (!(is_name(text, name, is_private) || is_bracketed(text, name, is_private)) ||
        (has_port && (text[name] != ':' || !is_port(text + name + 1, length - name - 1)))) {
        return NULL;
    }
    size_t usual = strlen(usual_port);
    if (has_port && length - name - 1 == usual && memcmp(text + name + 1, usual_port, usual) == 0) {
        length = name;
    }
    char *host = shoal_arena_strndup(arena, text, length);
    for (char *c = host; *c != '\0'; c++) {
        *c = *c >= 'A' && *c <= 'Z' ? (char)(*c + 32) : *c;
    }
    return host;
}

const char *urlhost_of(struct shoal_arena *arena, const char *url, bool is_private)
{
    if (url == NULL || strnlen(url, URLHOST_MAX + 1) > URLHOST_MAX) {
        return NULL;
    }
    for (const unsigned char *c = (const unsigned char *)url; *c != '\0'; c++) {
        if (*c <= 0x20 || *c >= 0x7f || strchr("\\\"<>^`{|}", *c) != NULL) {
            return NULL;
        }
    }
    if (strncasecmp(url, "https://", 8) == 0) {
        return urlhost_read(arena, url + 8, "443", is_private);
    }
    return strncasecmp(url, "http://", 7) == 0 && is_private ? urlhost_read(arena, url + 7, "80", true)
                                                             : NULL;
}

const char *urlhost_scheme(const char *own, bool is_private)
{
    return is_private && strncasecmp(own, "http://", 7) == 0 ? "http" : "https";
}

bool urlhost_same(struct shoal_arena *arena, const char *url, const char *other)
{
    const char *host = urlhost_of(arena, url, true);
    const char *other_host = urlhost_of(arena, other, true);
    return host != NULL && other_host != NULL && strcmp(host, other_host) == 0 &&
           strncasecmp(url, other, strlen("https")) == 0;
}

const char *urlhost_bare(struct shoal_arena *arena, const char *url)
{
    return shoal_arena_strndup(arena, url, strcspn(url, "#"));
}

const char *urlhost_target(const char *url)
{
    const char *from = strstr(url, "://");
    from = from == NULL ? url : from + 3;
    return from + strcspn(from, "/?#");
}

const char *urlhost_join(struct shoal_arena *arena, const char *base, const char *location)
{
    if (strncasecmp(location, "https://", 8) == 0 || strncasecmp(location, "http://", 7) == 0) {
        return shoal_arena_strndup(arena, location, strcspn(location, "#"));
    }
    const char *target = urlhost_target(base);
    if (location[0] == '/' && location[1] != '/') {
        return shoal_arena_printf(arena, "%.*s%.*s", (int)(target - base), base,
            (int)strcspn(location, "#"), location);
    }
    return NULL;
}

// discovery_text.c - whether somebody typed words, an address or a handle.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <string.h>
#include <strings.h>

#include "discovery.h"

enum discovery_kind discovery_kind(const char *text)
{
    if (text == NULL || strpbrk(text, " \t\r\n") != NULL) {
        return DISCOVERY_WORDS;
    }
    size_t scheme = strncasecmp(text, "https://", 8) == 0  ? 8
                    : strncasecmp(text, "http://", 7) == 0 ? 7
                                                           : 0;
    if (scheme != 0) {
        return text[scheme] != '\0' && text[scheme] != '/' ? DISCOVERY_URL : DISCOVERY_WORDS;
    }
    const char *name = text + (text[0] == '@');
    const char *at = strchr(name, '@');
    bool is_handle = at != NULL && at != name && at[1] != '\0' && strchr(at + 1, '@') == NULL &&
                     strpbrk(name, "/?#\\\"<>") == NULL;
    return is_handle ? DISCOVERY_HANDLE : DISCOVERY_WORDS;
}

bool discovery_own_path(struct shoal_arena *arena, const char *site, const char *url,
    struct discovery_path *out)
{
    static const struct {
        const char *prefix;
        bool is_video;
    } rows[] = {{"/w/", true}, {"/videos/watch/", true}, {"/videos/embed/", true}, {"/c/", false},
        {"/video-channels/", false}, {"/a/", false}, {"/accounts/", false}, {"/@", false}};
    size_t length = strlen(site);
    *out = (struct discovery_path){0};
    if (strncmp(url, site, length) != 0) {
        return false;
    }
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        size_t prefix = strlen(rows[i].prefix);
        if (strncmp(url + length, rows[i].prefix, prefix) == 0) {
            const char *from = url + length + prefix;
            const char *name = shoal_arena_strndup(arena, from, strcspn(from, "/?#"));
            *(rows[i].is_video ? &out->video : &out->handle) = name;
            return name[0] != '\0';
        }
    }
    return false;
}

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

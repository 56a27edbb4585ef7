// names.c - names of people and channels, handles, and text as clients send it.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <string.h>
#include <strings.h>

#include "catalog/catalog_priv.h"

#define LIKE_MAX 200 ///< bytes of what is searched for

#define NAME_MAX_LENGTH 50

static bool is_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
}

bool catalog_name_valid(const char *name)
{
    size_t length = name == NULL ? 0 : strnlen(name, NAME_MAX_LENGTH + 1);
    if (length == 0 || length > NAME_MAX_LENGTH) {
        return false;
    }
    for (size_t i = 0; i < length; i++) {
        bool is_inside = i > 0 && i + 1 < length;
        if (!is_word(name[i]) && !(is_inside && (name[i] == '.' || name[i] == '-'))) {
            return false;
        }
    }
    return true;
}

// Bytes that follow a UTF-8 lead byte, or -1.
static int utf8_more(unsigned char lead)
{
    if (lead < 0x80) {
        return 0;
    }
    if (lead >= 0xc2 && lead < 0xe0) {
        return 1;
    }
    if ((lead & 0xf0) == 0xe0) {
        return 2;
    }
    return lead >= 0xf0 && lead < 0xf5 ? 3 : -1;
}

size_t catalog_utf8_length(const char *text)
{
    size_t count = 0;
    const unsigned char *at = (const unsigned char *)text;
    while (*at != '\0') {
        int more = utf8_more(*at);
        if (more < 0) {
            return SIZE_MAX;
        }
        at++;
        for (; more > 0; more--, at++) {
            if ((*at & 0xc0) != 0x80) {
                return SIZE_MAX;
            }
        }
        count++;
    }
    return count;
}

const char *catalog_fold(struct shoal_arena *arena, const char *text)
{
    char *out = shoal_arena_strdup(arena, text);
    for (unsigned char *at = (unsigned char *)out; *at != '\0'; at++) {
        if (*at >= 'A' && *at <= 'Z') {
            *at = (unsigned char)(*at + 32);
        } else if (*at == 0xc3 && at[1] >= 0x80 && at[1] <= 0x9e && at[1] != 0x97) {
            at[1] = (unsigned char)(at[1] + 32);
            at++;
        }
    }
    return out;
}

const char *catalog_like(struct shoal_arena *arena, const char *search)
{
    size_t length = strnlen(search, LIKE_MAX);
    while (length > 0 && ((unsigned char)search[length] & 0xc0) == 0x80) {
        length--; // no half character at the end
    }
    char *out = shoal_arena_alloc(arena, length * 2 + 3);
    size_t at = 0;
    out[at++] = '%';
    for (size_t i = 0; i < length; i++) {
        char c = search[i];
        if (c == '%' || c == '_' || c == '\\') {
            out[at++] = '\\';
        }
        out[at++] = c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
    }
    out[at++] = '%';
    out[at] = '\0';
    return out;
}

const char *catalog_host(struct shoal_call *call)
{
    const char *url = shoal_url(call, "/");
    const char *from = strstr(url, "://");
    from = from == NULL ? url : from + 3;
    return shoal_arena_strndup(call->arena, from, strcspn(from, "/"));
}

int catalog_handle_split(struct shoal_call *call, const char *handle, const char **name,
    const char **host, struct shoal_err *err)
{
    if (handle == NULL || strnlen(handle, 321) > 320) {
        return shoal_fail(err, SHOAL_ENOTFOUND, "nobody has a handle like that");
    }
    const char *from = handle[0] == '@' ? handle + 1 : handle;
    size_t length = strcspn(from, "@");
    *name = shoal_arena_strndup(call->arena, from, length);
    *host = "";
    if (from[length] == '@') {
        *host = catalog_fold(call->arena, from + length + 1);
        if (strcasecmp(*host, catalog_host(call)) == 0) {
            *host = "";
        }
    }
    if ((*host)[0] == '\0') {
        *name = catalog_fold(call->arena, *name);
    }
    return 0;
}

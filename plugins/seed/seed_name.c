// seed_name.c - names of files, addresses of pages and of mirrors: what may be one and what not.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <stdio.h>
#include <string.h>

#include <sodium.h>

#include "seed.h"

#define UUID_LENGTH 36

enum seed_kind seed_name_kind(const char *name)
{
    char uuid[UUID_LENGTH + 1] = "";
    if (name == NULL || strnlen(name, SEED_NAME_MAX + 1) > SEED_NAME_MAX ||
        strlen(name) <= UUID_LENGTH) {
        return SEED_KIND_NONE;
    }
    memcpy(uuid, name, UUID_LENGTH);
    const char *rest = name + UUID_LENGTH;
    if (!shoal_uuid_valid(uuid)) {
        return SEED_KIND_NONE;
    }
    if (strcmp(rest, "-master.m3u8") == 0) {
        return SEED_KIND_MASTER;
    }
    if (strcmp(rest, "-segments-sha256.json") == 0) {
        return SEED_KIND_LIST;
    }
    size_t digits = rest[0] == '-' ? strspn(rest + 1, "0123456789") : 0;
    if (digits == 0 || digits > 6) {
        return SEED_KIND_NONE;
    }
    rest += 1 + digits;
    return strcmp(rest, ".m3u8") == 0             ? SEED_KIND_PLAYLIST
           : strcmp(rest, "-fragmented.mp4") == 0 ? SEED_KIND_MEDIA
                                                  : SEED_KIND_NONE;
}

const char *seed_name_of_url(const char *url)
{
    const char *slash = url != NULL ? strrchr(url, '/') : NULL;
    return slash != NULL ? slash + 1 : "";
}

static const char host_letters[] =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-:[]";
static const char id_letters[] =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_@";

/// The length of "http(s)://HOST[:PORT]", or 0.
static size_t origin_length(const char *url)
{
    size_t scheme = strncmp(url, "https://", 8) == 0 ? 8 : strncmp(url, "http://", 7) == 0 ? 7 : 0;
    size_t host = scheme > 0 ? strspn(url + scheme, host_letters) : 0;
    return host > 0 && host < 260 ? scheme + host : 0;
}

bool seed_base_valid(const char *url)
{
    size_t length = url != NULL ? strnlen(url, 301) : 0;
    size_t origin = length > 0 && length <= 300 ? origin_length(url) : 0;
    const char *path = origin > 0 ? url + origin : "x";
    if (path[0] != '\0' && path[0] != '/') {
        return false;
    }
    size_t plain =
        strspn(path, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-~");
    return path[plain] == '\0' && strstr(path, "..") == NULL && strstr(path, "//") == NULL &&
           url[length - 1] != '/';
}

static int id_take(const char *text, bool is_channel, struct seed_page *page, struct shoal_err *err)
{
    size_t length = strspn(text, id_letters);
    const char *rest = text + length;
    // Pages of a channel have parts below ("/c/name/videos"), pages of a video a query.
    if (length == 0 || length >= sizeof page->id || strstr(text, "..") != NULL ||
        (*rest != '\0' && strchr("/?#", *rest) == NULL)) {
        return shoal_fail_field(
            err, "url", "%.200s names no %s", text, is_channel ? "channel" : "video");
    }
    memcpy(page->id, text, length);
    page->id[length] = '\0';
    page->is_channel = is_channel;
    return 0;
}

/// "@name@host": over https, as everywhere in the fediverse.
static int handle_take(const char *text, struct seed_page *page, struct shoal_err *err)
{
    const char *at = strchr(text + 1, '@');
    if (at == NULL || strspn(at + 1, host_letters) != strlen(at + 1) || at[1] == '\0' ||
        strlen(at + 1) > 259) {
        return shoal_fail_field(
            err, "url", "%.200s has no server: write @channel@videos.example.org", text);
    }
    char name[200];
    snprintf(name, sizeof name, "%.*s", (int)(at - text - 1), text + 1);
    snprintf(page->origin, sizeof page->origin, "https://%s", at + 1);
    return id_take(name, true, page, err);
}

int seed_page_parse(const char *url, struct seed_page *page, struct shoal_err *err)
{
    static const struct {
        const char *path;
        bool is_channel;
    } pages[] = {{"/w/", false}, {"/videos/watch/", false}, {"/c/", true},
        {"/video-channels/", true}, {"/@", true}};
    *page = (struct seed_page){0};
    if (url[0] == '@') {
        return handle_take(url, page, err);
    }
    size_t origin = origin_length(url);
    if (origin == 0) {
        return shoal_fail_field(err, "url",
            "\"%.200s\" is no address of a video or a channel, like "
            "https://videos.example.org/w/ID",
            url);
    }
    memcpy(page->origin, url, origin);
    page->origin[origin] = '\0';
    for (size_t i = 0; i < sizeof pages / sizeof pages[0]; i++) {
        size_t length = strlen(pages[i].path);
        if (strncmp(url + origin, pages[i].path, length) == 0) {
            return id_take(url + origin + length, pages[i].is_channel, page, err);
        }
    }
    return shoal_fail_field(
        err, "url", "%.200s is no page of a video or a channel: those are /w/ID and /c/NAME", url);
}

void seed_sha256(const void *data, size_t length, char out[65])
{
    struct shoal_sha256 *sum = shoal_sha256_new();
    shoal_sha256_add(sum, data, length);
    shoal_sha256_end(sum, out);
    shoal_sha256_free(sum);
}

bool seed_nonce_valid(const char *nonce)
{
    return nonce != NULL && strnlen(nonce, 2 * SEED_NONCE_BYTES + 1) == 2 * SEED_NONCE_BYTES &&
           strspn(nonce, "0123456789abcdef") == 2 * SEED_NONCE_BYTES;
}

bool seed_proof(const char *token_sha256, const char *nonce, const char *base, char out[65])
{
    unsigned char key[crypto_auth_hmacsha256_KEYBYTES];
    unsigned char sum[crypto_auth_hmacsha256_BYTES];
    crypto_auth_hmacsha256_state state;
    size_t length = 0;
    if (sodium_hex2bin(key, sizeof key, token_sha256, strlen(token_sha256), NULL, &length, NULL) !=
            0 ||
        length != sizeof key) {
        return false;
    }
    crypto_auth_hmacsha256_init(&state, key, sizeof key);
    crypto_auth_hmacsha256_update(&state, (const unsigned char *)nonce, strlen(nonce));
    crypto_auth_hmacsha256_update(&state, (const unsigned char *)base, strlen(base));
    crypto_auth_hmacsha256_final(&state, sum);
    sodium_bin2hex(out, 65, sum, sizeof sum);
    sodium_memzero(key, sizeof key);
    return true;
}

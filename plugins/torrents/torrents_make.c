// torrents_make.c - composes torrents and magnet links; no database, no files.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "torrents.h"
#include "torrents_bencode.h"

#define PIECE_MIN_BYTES (INT64_C(64) * 1024)
#define PIECE_MAX_BYTES (INT64_C(16) * 1024 * 1024)
#define PIECES_WANTED   2000
#define TITLE_MAX       200

int64_t torrents_piece_bytes(int64_t size_bytes)
{
    int64_t piece = PIECE_MIN_BYTES;
    while (piece < PIECE_MAX_BYTES && size_bytes > piece * PIECES_WANTED) {
        piece *= 2;
    }
    return piece;
}

const char *torrents_title(struct shoal_arena *arena, const char *video, int resolution)
{
    size_t length = strnlen(video, TITLE_MAX);
    while (length > 0 && ((unsigned char)video[length] & 0xc0) == 0x80) {
        length--; // no half character at the end
    }
    char *safe = shoal_arena_strndup(arena, video, length);
    for (char *at = safe; *at != '\0'; at++) {
        // Clients make a file of this name: it has no folders in it.
        if ((unsigned char)*at < ' ' || *at == 0x7f || *at == '/' || *at == '\\') {
            *at = '_';
        }
    }
    return shoal_arena_printf(arena, "%s %dp.mp4", safe, resolution);
}

static void info_write(struct torrents_bencode *to, const struct torrent *torrent)
{
    torrents_bencode_dictionary(to);
    torrents_bencode_text(to, "length");
    torrents_bencode_number(to, torrent->size_bytes);
    torrents_bencode_text(to, "name");
    torrents_bencode_text(to, torrent->title);
    torrents_bencode_text(to, "piece length");
    torrents_bencode_number(to, torrent->piece_bytes);
    torrents_bencode_text(to, "pieces");
    torrents_bencode_bytes(to, torrent->pieces, torrent->pieces_length);
    torrents_bencode_end(to);
}

void torrents_hex(const unsigned char infohash[TORRENTS_HASH_BYTES],
    char out[2 * TORRENTS_HASH_BYTES + 1])
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < TORRENTS_HASH_BYTES; i++) {
        out[2 * i] = digits[infohash[i] >> 4];
        out[2 * i + 1] = digits[infohash[i] & 15];
    }
    out[2 * (size_t)TORRENTS_HASH_BYTES] = '\0';
}

int torrents_infohash_make(struct torrent *torrent)
{
    struct torrents_bencode info = {0};
    info_write(&info, torrent);
    unsigned char sum[EVP_MAX_MD_SIZE];
    unsigned int length = 0;
    int code = info.code;
    if (code == 0 &&
        EVP_Digest(info.out.data, info.out.length, sum, &length, EVP_sha1(), NULL) != 1) {
        code = SHOAL_EINTERNAL;
    }
    if (code == 0) {
        memcpy(torrent->infohash, sum, TORRENTS_HASH_BYTES);
    }
    shoal_buf_fini(&info.out);
    return code;
}

// Each tracker is a tier of its own. Clients ask the first that they can speak to: those of the web
// the socket, the others the announce URL.
static void trackers_write(struct torrents_bencode *to, const json_t *trackers)
{
    torrents_bencode_text(to, "announce-list");
    torrents_bencode_list(to);
    for (size_t i = json_array_size(trackers); i > 0; i--) {
        torrents_bencode_list(to);
        torrents_bencode_text(to, json_string_value(json_array_get(trackers, i - 1)));
        torrents_bencode_end(to);
    }
    torrents_bencode_end(to);
}

int torrents_write(const struct torrent *torrent, const json_t *trackers,
    const json_t *seeds, struct shoal_buf *out)
{
    struct torrents_bencode to = {0};
    torrents_bencode_dictionary(&to);
    if (json_array_size(trackers) > 0) {
        torrents_bencode_text(&to, "announce");
        torrents_bencode_text(&to, json_string_value(json_array_get(trackers, 0)));
        trackers_write(&to, trackers);
    }
    torrents_bencode_text(&to, "created by");
    torrents_bencode_text(&to, "Shoal");
    torrents_bencode_text(&to, "encoding");
    torrents_bencode_text(&to, "UTF-8");
    torrents_bencode_text(&to, "info");
    info_write(&to, torrent);
    torrents_bencode_text(&to, "url-list");
    torrents_bencode_list(&to);
    for (size_t i = 0; i < json_array_size(seeds); i++) {
        torrents_bencode_text(&to, json_string_value(json_array_get(seeds, i)));
    }
    torrents_bencode_end(&to);
    torrents_bencode_end(&to);
    if (to.code != 0) {
        shoal_buf_fini(&to.out);
        return to.code;
    }
    *out = to.out;
    return 0;
}

static void magnet_list(
    struct shoal_arena *arena, struct shoal_buf *to, const char *key, const json_t *urls)
{
    for (size_t i = 0; i < json_array_size(urls); i++) {
        const char *url = json_string_value(json_array_get(urls, i));
        shoal_buf_printf(to, "&%s=%s", key, shoal_url_encode(arena, url));
    }
}

const char *torrents_magnet(struct shoal_arena *arena, const struct torrent *torrent,
    const char *torrent_url, const json_t *trackers, const json_t *seeds)
{
    char hex[2 * TORRENTS_HASH_BYTES + 1];
    struct shoal_buf to = {0};
    torrents_hex(torrent->infohash, hex);
    shoal_buf_printf(&to, "magnet:?xs=%s&xt=urn:btih:%s&dn=%s",
        shoal_url_encode(arena, torrent_url), hex, shoal_url_encode(arena, torrent->title));
    magnet_list(arena, &to, "tr", trackers);
    magnet_list(arena, &to, "ws", seeds);
    const char *magnet = shoal_arena_strdup(arena, to.data != NULL ? to.data : "");
    shoal_buf_fini(&to);
    return magnet;
}

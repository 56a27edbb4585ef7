// p2p_torrents_make.c - composes torrents and magnet links; no database, no files.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "p2p_bencode.h"
#include "p2p_torrents.h"

#define PIECE_MIN_BYTES (INT64_C(64) * 1024)
#define PIECE_MAX_BYTES (INT64_C(16) * 1024 * 1024)
#define PIECES_WANTED   2000
#define TITLE_MAX       200

int64_t p2p_piece_bytes(int64_t size_bytes)
{
    int64_t piece = PIECE_MIN_BYTES;
    while (piece < PIECE_MAX_BYTES && size_bytes > piece * PIECES_WANTED) {
        piece *= 2;
    }
    return piece;
}

const char *p2p_title(struct shoal_arena *arena, const char *video, int resolution)
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

static void info_write(struct p2p_bencode *to, const struct p2p_torrent *torrent)
{
    p2p_bencode_dictionary(to);
    p2p_bencode_text(to, "length");
    p2p_bencode_number(to, torrent->size_bytes);
    p2p_bencode_text(to, "name");
    p2p_bencode_text(to, torrent->title);
    p2p_bencode_text(to, "piece length");
    p2p_bencode_number(to, torrent->piece_bytes);
    p2p_bencode_text(to, "pieces");
    p2p_bencode_bytes(to, torrent->pieces, torrent->pieces_length);
    p2p_bencode_end(to);
}

int p2p_infohash_make(struct p2p_torrent *torrent)
{
    struct p2p_bencode info = {0};
    info_write(&info, torrent);
    unsigned char sum[EVP_MAX_MD_SIZE];
    unsigned int length = 0;
    int code = info.code;
    if (code == 0 &&
        EVP_Digest(info.out.data, info.out.length, sum, &length, EVP_sha1(), NULL) != 1) {
        code = SHOAL_EINTERNAL;
    }
    if (code == 0) {
        memcpy(torrent->infohash, sum, P2P_HASH_BYTES);
    }
    shoal_buf_fini(&info.out);
    return code;
}

// Each tracker is a tier of its own. Clients ask the first that they can speak to: those of the web
// the socket, the others the announce URL.
static void trackers_write(struct p2p_bencode *to, const json_t *trackers)
{
    p2p_bencode_text(to, "announce-list");
    p2p_bencode_list(to);
    for (size_t i = json_array_size(trackers); i > 0; i--) {
        p2p_bencode_list(to);
        p2p_bencode_text(to, json_string_value(json_array_get(trackers, i - 1)));
        p2p_bencode_end(to);
    }
    p2p_bencode_end(to);
}

int p2p_torrent_write(const struct p2p_torrent *torrent, const json_t *trackers,
    const json_t *seeds, struct shoal_buf *out)
{
    struct p2p_bencode to = {0};
    p2p_bencode_dictionary(&to);
    if (json_array_size(trackers) > 0) {
        p2p_bencode_text(&to, "announce");
        p2p_bencode_text(&to, json_string_value(json_array_get(trackers, 0)));
        trackers_write(&to, trackers);
    }
    p2p_bencode_text(&to, "created by");
    p2p_bencode_text(&to, "Shoal");
    p2p_bencode_text(&to, "encoding");
    p2p_bencode_text(&to, "UTF-8");
    p2p_bencode_text(&to, "info");
    info_write(&to, torrent);
    p2p_bencode_text(&to, "url-list");
    p2p_bencode_list(&to);
    for (size_t i = 0; i < json_array_size(seeds); i++) {
        p2p_bencode_text(&to, json_string_value(json_array_get(seeds, i)));
    }
    p2p_bencode_end(&to);
    p2p_bencode_end(&to);
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

const char *p2p_magnet(struct shoal_arena *arena, const struct p2p_torrent *torrent,
    const char *torrent_url, const json_t *trackers, const json_t *seeds)
{
    char hex[2 * P2P_HASH_BYTES + 1];
    struct shoal_buf to = {0};
    p2p_hex(torrent->infohash, P2P_HASH_BYTES, hex);
    shoal_buf_printf(&to, "magnet:?xs=%s&xt=urn:btih:%s&dn=%s",
        shoal_url_encode(arena, torrent_url), hex, shoal_url_encode(arena, torrent->title));
    magnet_list(arena, &to, "tr", trackers);
    magnet_list(arena, &to, "ws", seeds);
    const char *magnet = shoal_arena_strdup(arena, to.data != NULL ? to.data : "");
    shoal_buf_fini(&to);
    return magnet;
}

const char *p2p_socket_url(struct shoal_arena *arena, const char *url)
{
    bool is_safe = strncmp(url, "https://", 8) == 0;
    const char *host = strstr(url, "://");
    host = host != NULL ? host + 3 : url;
    size_t length = strcspn(host, "/?#");
    size_t name = length;
    while (name > 0 && host[name - 1] >= '0' && host[name - 1] <= '9') {
        name--;
    }
    // The digits at the end of an address are no port, and one in brackets ends with the bracket.
    bool has_port = name > 0 && name < length && host[name - 1] == ':';
    const char *port = has_port ? "" : is_safe ? ":443" : ":80";
    return shoal_arena_printf(arena, "%s://%.*s%s%s", is_safe ? "wss" : "ws", (int)length, host, port,
        host + length);
}

json_t *p2p_announce_urls(struct shoal_call *call)
{
    const char *socket =
        p2p_socket_url(shoal_call_arena(call), shoal_url(call, "/tracker/socket"));
    return json_pack("[s, s]", shoal_url(call, "/tracker/announce"), socket);
}

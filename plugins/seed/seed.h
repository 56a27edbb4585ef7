// seed.h - what the parts of the plugin share: names, lists of hashes, and the two sides.
// SPDX-License-Identifier: AGPL-3.0-or-later
#ifndef SEED_H
#define SEED_H
#include <shoal/plugin.h>

#define SEED_NAME_MAX    120
#define SEED_FILES_MAX   64                   ///< of one video
#define SEED_VIDEOS_MAX  500                  ///< of one mirror
#define SEED_LIST_BYTES  ((uint64_t)16 << 20) ///< of a list of hashes
#define SEED_TEXT_BYTES  ((uint64_t)8 << 20)  ///< of a playlist
#define SEED_PIECE_BYTES ((uint64_t)64 << 20) ///< of one segment
#define SEED_MEDIA_BYTES ((int64_t)1 << 40)   ///< of one file
#define SEED_TOKEN_BYTES 32                   ///< before they are written as hex

// What the origin's API says about a request beside the status: any server answers 404.
#define SEED_SAYS_NOTHING        "nothing_to_mirror"
#define SEED_SAYS_ENOUGH         "enough_mirrors"
#define SEED_SAYS_NOT_REGISTERED "mirror_not_registered"
#define SEED_SAYS_NO_TOKEN       "mirror_token_unknown"

/// What a file of a streaming playlist is, by its name.
enum seed_kind {
    SEED_KIND_NONE = 0, ///< not a name that we write
    SEED_KIND_MASTER,
    SEED_KIND_PLAYLIST,
    SEED_KIND_MEDIA,
    SEED_KIND_LIST,
};
/// Nothing but UUID-master.m3u8, UUID-N.m3u8, UUID-N-fragmented.mp4 and UUID-segments-sha256.json
/// has a kind: such a name is a plain file wherever it is put.
enum seed_kind seed_name_kind(const char *name);
/// The last part of a URL, without query; borrowed.
const char *seed_name_of_url(const char *url);

/// What a page shows, as `shoal seed` is given it.
struct seed_page {
    char origin[300]; ///< "https://videos.example.org", without a slash
    char id[300];     ///< a video's id or a channel's handle
    bool is_channel;
};
/// Reads the address of a video or channel page, or "@channel@host". SHOAL_EINVAL names what is
/// wrong.
int seed_page_parse(const char *url, struct seed_page *page, struct shoal_err *err);
/// Whether a text is "http(s)://HOST[:PORT][/PATH]" without user, query, fragment and last slash.
bool seed_base_valid(const char *url);

/// One run of bytes of a media file.
struct seed_piece {
    uint64_t offset, length;
    bool has_hash; ///< false: the list does not cover it (the head of the file)
    char sha256[65];
};
/// The pieces of a media file, one behind the other, from 0 to its size.
struct seed_pieces {
    struct seed_piece *items;
    size_t count;
};
/// Reads what a list of hashes says about one file. The pieces are the arena's.
/// Errors: SHOAL_EUNREADABLE (overlaps, ranges outside of the file, no hash), SHOAL_ETOOLARGE.
int seed_pieces_read(struct shoal_arena *arena, const json_t *list, const char *name, uint64_t size,
    struct seed_pieces *pieces, struct shoal_err *err);
/// Reads a playlist of a stranger and checks that each address in it is the bare name of a file
/// that known() has. SHOAL_EUNREADABLE names the line.
int seed_playlist_check(const char *text, size_t length,
    bool (*known)(const char *name, void *user), void *user, struct shoal_err *err);

/// SHA-256 of bytes as lower-case hex.
void seed_sha256(const void *data, size_t length, char out[65]);

#define SEED_NONCE_BYTES 16 ///< before they are written as hex
/// Whether a text is a nonce of an origin: 32 lower-case hex digits.
bool seed_nonce_valid(const char *nonce);
/// How a mirror shows that an address leads to it: HMAC-SHA256 of nonce and address, in hex. The key
/// is the SHA-256 of its token, given as hex. False where that is none.
bool seed_proof(const char *token_sha256, const char *nonce, const char *base, char out[65]);

// The origin: the machine that has the videos.

struct seed_origin {
    struct shoal_plugin *self;
};
int seed_origin_start(struct shoal_plugin *self, struct shoal_err *err);
/// The verb of `shoal seed-token`.
int seed_token_verb(struct shoal_call *call, int argc, const char *const *argv, void *arg);
/// The mirror of the bearer token of a request; SHOAL_EAUTH with a sentence.
int seed_mirror_find(
    struct shoal_call *call, struct shoal_request *request, int64_t *id, struct shoal_err *err);
/// [{name, state, why, baseUrl, heardAt, checkedAt, videos}]; NULL on an error.
json_t *seed_mirrors_json(
    struct shoal_call *call, struct shoal_plugin *self, struct shoal_err *err);
/// {uuid, name, views, publishedAt, list, files: [{name, size}]} of a video that anybody may watch;
/// NULL with SHOAL_ENOTFOUND where there is nothing to mirror.
json_t *seed_video_json(struct shoal_call *call, const char *id, struct shoal_err *err);
/// Stores which videos a mirror has: [{uuid, list}]. Others of it are forgotten.
int seed_copies_set(struct shoal_call *call, struct shoal_plugin *self, int64_t mirror,
    const json_t *videos, struct shoal_err *err);
/// Whether another mirror may take the video in.
int seed_copies_room(struct shoal_call *call, struct shoal_plugin *self, int64_t mirror,
    const char *video, bool *has_room, struct shoal_err *err);
int seed_offer_start(struct shoal_plugin *self, struct shoal_err *err);
int seed_check_start(struct shoal_plugin *self, struct shoal_err *err);

// The mirror: the machine that `shoal seed` runs on.

int seed_mirror_start(struct shoal_plugin *self, struct shoal_err *err);
void seed_mirror_stop(struct shoal_plugin *self);
/// The verb that `shoal seed` runs before it serves: does the origin take this token?
int seed_try_verb(struct shoal_call *call, int argc, const char *const *argv, void *arg);

#endif

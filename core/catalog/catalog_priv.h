// catalog_priv.h - what the files of the catalog share: its nouns in C and the calls between them.
// SPDX-License-Identifier: AGPL-3.0-or-later
#ifndef SHOAL_CORE_CATALOG_CATALOG_PRIV_H
#define SHOAL_CORE_CATALOG_CATALOG_PRIV_H
#include <jansson.h>

#include <shoal/moderation.h>
#include <shoal/plugin.h>

#include "base/context.h"

#define CATALOG_DAY_MS (INT64_C(24) * 3600 * 1000)
/// Resolutions that PeerTube names, ascending; 0 is audio alone.
#define CATALOG_RESOLUTIONS                                                                        \
    {                                                                                              \
        144, 240, 360, 480, 720, 1080, 1440, 2160                                                  \
    }

/// What video.publish said about a video.
enum catalog_verdict {
    CATALOG_UNASKED = 0,
    CATALOG_PASSED = 1,
    CATALOG_HELD = 2,
    CATALOG_REFUSED = 3,
};

// --- instance (catalog.c, keys.c) ---

/// Reads (makes, when missing) a secret of the instance: `bytes` random bytes as hex under this
/// name.
int catalog_key_ensure(
    struct shoal_call *call, const char *name, size_t bytes, struct shoal_err *err);
/// The value of a key in the arena, or NULL.
const char *catalog_key_get(struct shoal_call *call, const char *name, struct shoal_err *err);
/// A setting of the instance, or the fallback where the instance does not have it.
int64_t catalog_setting_i64(const char *key, int64_t otherwise);
bool catalog_setting_bool(const char *key, bool otherwise);
/// DIR/what (made when missing) in the arena.
const char *catalog_folder(struct shoal_call *call, const char *what, struct shoal_err *err);
/// What shoal_secret() gives, of the instance in `folder` (secrets.c).
int catalog_secret(const char *folder, const char *plugin, const char *name, void *out,
    size_t bytes, struct shoal_err *err);

// --- viewers (viewer.c, may.c) ---

bool catalog_is_staff(const struct shoal_viewer *viewer); ///< administrator, moderator or system
bool catalog_is_admin(const struct shoal_viewer *viewer); ///< administrator or system
/// SHOAL_EAUTH where the viewer is no user.
int catalog_need_user(const struct shoal_viewer *viewer, struct shoal_err *err);
/// Lets the rest of this call act as another viewer; give the old one back afterwards.
struct shoal_viewer catalog_viewer_swap(struct shoal_call *call, struct shoal_viewer viewer);
struct shoal_viewer catalog_viewer_system(void);

/// What shoal_may() needs to know of a video.
struct catalog_subject {
    enum shoal_privacy privacy;
    enum shoal_video_state state;
    bool is_open, is_blocked, is_local, is_downloadable;
    bool is_followed;        ///< of a video of another server: lists show it
    bool is_hidden;          ///< its server is hidden here
    bool by_number;          ///< asked for by number: does not open unlisted videos
    bool has_password_right; ///< the caller has checked the password
    bool has_password;       ///< one was given
    int64_t owner_account_id;
};
/// The one place that knows who may do what with a video.
int shoal_may(const struct shoal_viewer *viewer, enum shoal_verb verb,
    const struct catalog_subject *subject, struct shoal_err *err);

// --- passwords and tokens ---

/// Argon2id; at most two run at once. out: crypto_pwhash_STRBYTES.
int catalog_password_hash(const char *password, char out[128], struct shoal_err *err);
/// hash NULL (no such user) takes the same time and is false.
bool catalog_password_check(const char *hash, const char *password);
void catalog_token_hash(const char *token, char out[65]);
/// Who has this credential; what the host asks.
int catalog_token_viewer(struct shoal_call *call, const char *token, bool by_cookie,
    struct shoal_viewer *viewer, struct shoal_err *err);
/// Drops every token of a user (but one) and those for media, in a transaction;
/// catalog_token_cache_forget() and a revocation after it.
int catalog_token_drop(struct shoal_db *tx, int64_t user_id, int64_t but, struct shoal_err *err);
struct catalog_cached {
    int64_t token_id, user_id, account_id, access_expires_ms;
    enum shoal_role role;
    bool is_session;
    char username[64];
};
bool catalog_token_cache_get(const char *hash, struct catalog_cached *out);
/// since: the epoch from before the token was read; nothing is kept when one was forgotten
/// meanwhile.
void catalog_token_cache_put(const char *hash, const struct catalog_cached *what, uint64_t since);
uint64_t catalog_token_cache_epoch(void);
void catalog_token_cache_forget(int64_t user_id, int64_t token_id); ///< 0: any
/// The same without an end of the user's streams: the user changed, the tokens did not.
void catalog_token_cache_refresh(int64_t user_id);
void catalog_token_cache_clear(void);
/// [timer] After another process wrote: what is remembered of tokens is forgotten, and streams end
/// whose token or user is no more.
int catalog_token_look(struct shoal_call *call, void *arg, struct shoal_err *err);

// --- names (names.c) ---

bool catalog_name_valid(const char *name);
size_t catalog_utf8_length(const char *text); ///< code points; SIZE_MAX for bad UTF-8
/// "name", "name@host" (own host counts as local) into its parts, in the arena.
int catalog_handle_split(struct shoal_call *call, const char *handle, const char **name,
    const char **host, struct shoal_err *err);
const char *catalog_host(struct shoal_call *call); ///< of this instance, with port if unusual
/// Lower case for ASCII and Latin-1 letters; in the arena.
const char *catalog_fold(struct shoal_arena *arena, const char *text);
/// LIKE's pattern (ESCAPE '\') for text somewhere in a column in lower case; its own wildcards are
/// plain characters, and of a long text the beginning counts.
const char *catalog_like(struct shoal_arena *arena, const char *search);

// --- rows (rows.c) ---

/// The text of a row in the call's arena; NULL for NULL.
const char *catalog_col_text(struct shoal_call *call, const struct shoal_rows *rows, int column);
/// The numbers in the first column of at most `room` rows.
int catalog_ids_read(struct shoal_db *db, const struct shoal_sql *sql,
    const struct shoal_value *args, size_t arg_count, int64_t *ids, size_t room, size_t *count,
    struct shoal_err *err);

// --- JSON fields that come from clients: numbers and flags may be text ---

bool catalog_field_has(const json_t *fields, const char *key); ///< there and not null
int catalog_field_i64(const json_t *fields, const char *key, int64_t *out, struct shoal_err *err);
int catalog_field_bool(const json_t *fields, const char *key, bool *out, struct shoal_err *err);
int catalog_field_text(const json_t *fields, const char *key, size_t min, size_t max,
    const char **out, struct shoal_err *err);
json_t *catalog_text_or_null(const char *text);
json_t *catalog_time(int64_t time_ms);                   ///< null for 0
json_t *catalog_labelled(int64_t id, const char *label); ///< {id, label}; id -1: null, Unknown

/// {start, count, sort} of a list, checked.
struct catalog_page {
    int64_t start, count;
    int sort;     ///< index into the list of fields given
    bool is_down; ///< "-field"
};
int catalog_page_read(const json_t *query, const char *const *sorts, const char *otherwise,
    struct catalog_page *page, struct shoal_err *err);

// --- users, accounts, channels ---

struct catalog_user {
    int64_t id, account_id;
    const char *username, *email, *password, *blocked_reason, *settings;
    enum shoal_role role;
    int64_t video_quota, video_quota_daily, last_login_ms, created_ms;
    bool is_blocked, is_waiting, is_email_verified;
};
/// SHOAL_ENOTFOUND where there is none. by name: username or e-mail.
int catalog_user_by_id(
    struct shoal_call *call, int64_t id, struct catalog_user *out, struct shoal_err *err);
int catalog_user_by_name(
    struct shoal_call *call, const char *name, struct catalog_user *out, struct shoal_err *err);
/// Whether lists leave NSFW videos out for who asks: the user's policy, else the instance's.
bool catalog_hides_nsfw(struct shoal_call *call);
/// `me`: with channels and settings. by: may be NULL.
json_t *catalog_user_json(
    struct shoal_call *call, const struct catalog_user *user, bool me, struct shoal_err *err);
json_t *catalog_user_brief(
    struct shoal_call *call, int64_t user_id); ///< {id, username, …} for hooks
/// Tells user.changed, within the transaction.
int catalog_user_tell(struct shoal_call *call, struct shoal_db *tx, int64_t user_id,
    const char *what, struct shoal_err *err);
/// The number of the actor of an account, or (channel_id) of a channel; 0: there is none.
int64_t catalog_actor_id(struct shoal_call *call, int64_t account_id, int64_t channel_id);
/// What a query of an account or channel (`of`) selects first, for catalog_actor_pack().
#define CATALOG_ACTOR_COLUMNS(of)                                                                  \
    of ".id, x.id, x.name, x.host, x.url, " of ".display_name, " of ".description, x.followers, "  \
       "x.following, x.created, x.updated"
#define CATALOG_ACTOR_WIDTH 11
/// What accounts and channels have in common, but for their pictures. folder: of the public URL.
json_t *catalog_actor_pack(struct shoal_call *call, const struct shoal_rows *rows,
    const char *folder, bool summary, int64_t *actor_id);
/// Whether the viewer may see an account or channel by its handle: of a server that is hidden the
/// staff alone. SHOAL_ENOTFOUND with the sentence; 0 also for who is not known.
int catalog_actor_may(
    struct shoal_call *call, const char *handle, const char *sentence, struct shoal_err *err);
enum catalog_actor_image { CATALOG_AVATAR = 1, CATALOG_BANNER = 2 };
/// Sets "avatars" or "banners", the smallest first.
int catalog_actor_images_add(struct shoal_call *call, json_t *out, int64_t actor_id,
    enum catalog_actor_image kind, struct shoal_err *err);
/// Has the pictures of an account and its channels (account_id) or of one channel (channel_id)
/// removed from their storages; their rows go with the actors.
int catalog_actor_images_remove(struct shoal_db *tx, int64_t account_id, int64_t channel_id,
    struct shoal_err *err);
/// The actor of the instance itself has the name that other servers expect; nobody else may take it.
#define CATALOG_SELF "peertube"
int catalog_actor_self(struct shoal_db *tx, struct shoal_err *err); ///< makes it, where it is missing
int catalog_actor_add(
    struct shoal_db *tx, const char *kind, const char *name, int64_t *id, struct shoal_err *err);
/// Makes user, account and channel rows. channel NULL: NAME_channel.
struct catalog_new_user {
    const char *username, *email, *password_hash, *display_name, *channel;
    enum shoal_role role;
    int64_t quota, quota_daily;
    bool is_waiting;
    int64_t user_id, account_id; ///< out
};
int catalog_user_insert(struct shoal_call *call, struct shoal_db *tx, struct catalog_new_user *user,
    struct shoal_err *err);
/// The resumer of user.register.
int catalog_user_resume(struct shoal_call *call, const char *hook, const char *subject,
    bool released, const char *sentence, void *arg, struct shoal_err *err);

/// What the catalog itself does, whatever the plugin whose call it works in may do.
json_t *catalog_account_get(struct shoal_call *call, const char *handle, struct shoal_err *err);
int catalog_video_delete(struct shoal_call *call, const char *id, struct shoal_err *err);
json_t *catalog_account_json(
    struct shoal_call *call, int64_t id, bool summary, struct shoal_err *err);
json_t *catalog_channel_json(
    struct shoal_call *call, int64_t id, bool summary, struct shoal_err *err);
int catalog_channel_insert(struct shoal_db *tx, int64_t account_id, const char *name,
    const char *display_name, const char *description, const char *support, int64_t *id,
    struct shoal_err *err);
/// May the viewer put videos into this channel? account_id: out, its owner.
int catalog_channel_owned(
    struct shoal_call *call, int64_t channel_id, int64_t *account_id, struct shoal_err *err);
json_t *catalog_channels_of(struct shoal_call *call, int64_t account_id, struct shoal_err *err);

/// Bytes that count against quotas: all time and since a moment.
int catalog_quota_used(struct shoal_call *call, int64_t account_id, int64_t since_ms, int64_t *out,
    struct shoal_err *err);
int catalog_quota_check(
    struct shoal_call *call, int64_t account_id, int64_t more_bytes, struct shoal_err *err);

// --- videos ---

struct catalog_video {
    int64_t id, channel_id, account_id, user_id;
    const char *uuid, *origin_host, *url, *name, *description, *support, *language;
    const char *nsfw_summary, *blocked_reason, *plugin_data, *probe, *source_name, *source_kind;
    int64_t category, licence; ///< -1: none
    enum shoal_privacy privacy;
    enum shoal_video_state state;
    enum catalog_verdict verdict;
    bool is_live, is_nsfw, is_downloadable, waits, is_open, is_announced, is_blocked;
    int64_t nsfw_flags, duration_s, aspect_e4, comments_policy, followed;
    int64_t views, likes, dislikes, comments, downloads, source_bytes, version, ladder_job;
    int64_t ladder_fence, schedule_at_ms, schedule_privacy, held_privacy, created_ms, updated_ms,
        published_ms;
    int64_t originally_published_ms, input_updated_ms;
};
/// By number, UUID or short UUID; nobody is asked whether it may be seen. by_number: out or NULL.
int catalog_video_find(struct shoal_call *call, const char *id, struct catalog_video *out,
    bool *by_number, struct shoal_err *err);
int catalog_video_by_number(
    struct shoal_call *call, int64_t id, struct catalog_video *out, struct shoal_err *err);
/// Finds the video and asks shoal_may().
int catalog_video_may(struct shoal_call *call, enum shoal_verb verb, const char *id,
    const char *password, struct catalog_video *out, struct shoal_err *err);
bool catalog_privacy_is_closed(enum shoal_privacy privacy); ///< media need a token

enum catalog_shape {
    CATALOG_LIST = 0,
    CATALOG_DETAIL = 1,
    CATALOG_OWNER = 2, ///< list, with what its owner sees
    CATALOG_FILES = 4, ///< list, with files
    CATALOG_TAGS = 8,
    CATALOG_SHARING = 16, ///< detail, with swarms, torrents and mirrors; not in a transaction
};
/// The video as the API shows it; shape: bits of enum catalog_shape.
json_t *catalog_video_json(
    struct shoal_call *call, const struct catalog_video *video, int shape, struct shoal_err *err);
/// Puts into the details of a video what the services `tracker` and `mirrors` say of it. One that
/// fails leaves its part empty.
void catalog_sharing_add(struct shoal_call *call, json_t *video);
json_t *catalog_video_tags(struct shoal_call *call, int64_t video_id, struct shoal_err *err);
const char *catalog_resolution_label(
    struct shoal_arena *arena, int resolution, int width, int height);

/// What a client may say of a video; has_* bits say what it said.
struct catalog_fields {
    bool has_name, has_description, has_support, has_category, has_licence, has_language;
    bool has_privacy, has_tags, has_comments, has_download, has_nsfw, has_nsfw_summary;
    bool has_nsfw_flags, has_waits, has_channel, has_schedule, has_originally, has_passwords;
    bool has_plugin_data;
    const char *name, *description, *support, *language, *nsfw_summary, *plugin_data;
    int64_t category, licence, privacy, comments_policy, nsfw_flags, channel_id;
    int64_t schedule_at_ms, schedule_privacy, originally_ms;
    bool is_downloadable, is_nsfw, waits;
    size_t tag_count, password_count;
    const char *tags[5];
    const char *passwords[10];
};
int catalog_fields_read(struct shoal_call *call, const json_t *json, bool is_new,
    struct catalog_fields *out, struct shoal_err *err);
/// Passes a draft through video.fill and reads it again; what filters break is left as it was.
int catalog_fields_fill(struct shoal_call *call, const json_t *draft, const char *source,
    bool is_new, struct catalog_fields *fields, struct shoal_err *err);
int catalog_fields_tags_write(struct shoal_call *call, struct shoal_db *tx, int64_t video_id,
    const struct catalog_fields *fields, struct shoal_err *err);
int catalog_fields_passwords_write(struct shoal_db *tx, int64_t video_id,
    const struct catalog_fields *fields, struct shoal_err *err);
/// Queues the job that widens privacy at a moment.
int catalog_schedule_add(
    struct shoal_db *tx, const char *uuid, int64_t at_ms, struct shoal_err *err);

// --- states, publishing (states.c, publish.c) ---

bool catalog_state_allowed(enum shoal_video_state from, enum shoal_video_state to);
bool catalog_state_listed(enum shoal_video_state state);
/// May others than the owner see a video like this?
bool catalog_state_open(
    enum shoal_video_state state, bool waits, enum catalog_verdict verdict, bool was_announced);
const char *catalog_state_label(enum shoal_video_state state);
/// Moves a video to a state within a transaction and writes the durable tells that follow from it.
/// state 0: as it is (the verdict or the privacy has changed). from: out or NULL.
int catalog_state_move(struct shoal_call *call, struct shoal_db *tx, int64_t video_id,
    enum shoal_video_state state, enum shoal_video_state *from, struct shoal_err *err);
/// The same in a transaction of its own, and tells video.state afterwards.
int catalog_state_set(
    struct shoal_call *call, int64_t video_id, enum shoal_video_state state, struct shoal_err *err);
/// Tells that are not durable; after the commit.
void catalog_state_tell(struct shoal_call *call, int64_t video_id, enum shoal_video_state from,
    enum shoal_video_state to);
/// Fires a durable tell about a video: {video, …}; extra is taken and may be NULL.
int catalog_video_tell(struct shoal_call *call, struct shoal_db *tx, const char *hook,
    int64_t video_id, json_t *extra, struct shoal_err *err);
/// Asks video.publish (once, unless again) and opens the video when it passes. private ones are
/// not asked: nobody but the owner sees them.
int catalog_publish_ask(
    struct shoal_call *call, int64_t video_id, bool again, struct shoal_err *err);
int catalog_publish_resume(struct shoal_call *call, const char *hook, const char *subject,
    bool released, const char *sentence, void *arg, struct shoal_err *err);
/// Whether video.publish would let this through as it would become; for a wider privacy.
enum shoal_verdict catalog_publish_judge(struct shoal_call *call, const struct catalog_video *video,
    int64_t privacy, bool is_new, struct shoal_decision *decision);
/// Remembers what video.publish held; privacy: the wider one that waits for the release, 0: the
/// video itself waits.
int catalog_publish_hold(struct shoal_call *call, struct shoal_db *tx,
    const struct catalog_video *video, int64_t privacy, const struct shoal_decision *decision,
    struct shoal_err *err);

// --- files ---

struct catalog_file {
    int64_t id, video_id, version, size_bytes, bitrate_bps, created_ms;
    const char *kind, *name, *mime, *storage, *key, *url, *codecs, *segments, *metadata;
    // Of other servers; origin_url: where a picture is fetched from, once.
    const char *origin_url, *playlist_url, *metadata_url, *torrent_url, *magnet;
    int resolution, width, height, fps;
    bool has_video, has_audio, is_ready;
};
/// Files of a video, by kind (NULL: all), highest resolution first; in the arena.
int catalog_files_get(struct shoal_call *call, int64_t video_id, const char *kind,
    struct catalog_file **out, size_t *count, struct shoal_err *err);
int catalog_file_add(
    struct shoal_db *tx, const struct catalog_file *file, int64_t *id, struct shoal_err *err);
int catalog_file_remove(struct shoal_db *tx, int64_t id, struct shoal_err *err);
/// Queues the removal of objects an hour from now. Each: {storage, key}.
int catalog_objects_remove(
    struct shoal_db *tx, const struct catalog_file *files, size_t count, struct shoal_err *err);
json_t *catalog_file_json(
    struct shoal_call *call, const struct catalog_video *video, const struct catalog_file *file);
json_t *catalog_playlists_json(
    struct shoal_call *call, const struct catalog_video *video, struct shoal_err *err);
const char *catalog_file_path(struct shoal_call *call, const struct catalog_video *video,
    const struct catalog_file *file); ///< path of its public URL

/// Anybody whose access to this ends now: "v:UUID" or "u:7". Tokens made before stop working.
void catalog_media_revoke(const char *subject, int64_t now_ms);
int catalog_media_load(struct shoal_call *call, struct shoal_err *err);
/// Ends the media tokens of a user for every process and after a restart, in a transaction; a revocation
/// after it ends them here at once.
int catalog_media_end(struct shoal_db *tx, int64_t user_id, struct shoal_err *err);
void catalog_media_secret_set(const char *hex);
void catalog_media_stop(void);

// --- constants ---

const char *catalog_category_label(int64_t id); ///< NULL: unknown
const char *catalog_licence_label(int64_t id);
const char *catalog_privacy_label(int64_t id);
const char *catalog_language_label(const char *id);

#endif

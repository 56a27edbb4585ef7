// migrations.c - the catalog's tables and the views that it publishes to plugins.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "catalog/catalog.h"
#include "catalog/catalog_priv.h"

#include "data/data.h"

static const char people_sql[] =
    "CREATE TABLE catalog_key (name TEXT PRIMARY KEY, value TEXT NOT NULL);\n"
    // Local and remote actors share the table; host is '' for ours. Accounts and channels share one
    // namespace because they share this one.
    "CREATE TABLE catalog_actor (\n"
    "  id ID,\n"
    "  kind TEXT NOT NULL,\n"
    "  name TEXT NOT NULL,\n"
    "  host TEXT NOT NULL DEFAULT '',\n"
    "  url TEXT,\n"
    "  inbox_url TEXT,\n"
    "  shared_inbox_url TEXT,\n"
    "  outbox_url TEXT,\n"
    "  followers_url TEXT,\n"
    "  following_url TEXT,\n"
    "  public_key TEXT,\n"
    "  private_key TEXT,\n"
    "  followers I64 NOT NULL DEFAULT 0,\n"
    "  following I64 NOT NULL DEFAULT 0,\n"
    "  created TIME NOT NULL,\n"
    "  updated TIME NOT NULL\n"
    ");\n"
    "CREATE UNIQUE INDEX catalog_actor_handle ON catalog_actor (name, host);\n"
    "CREATE UNIQUE INDEX catalog_actor_url ON catalog_actor (url);\n"
    "CREATE TABLE catalog_user (\n"
    "  id ID,\n"
    "  username TEXT NOT NULL,\n"
    "  email TEXT NOT NULL,\n"
    "  is_email_verified BOOL NOT NULL DEFAULT FALSE,\n"
    "  password TEXT NOT NULL,\n"
    "  role I64 NOT NULL,\n"
    "  video_quota I64 NOT NULL DEFAULT -1,\n"
    "  video_quota_daily I64 NOT NULL DEFAULT -1,\n"
    "  is_blocked BOOL NOT NULL DEFAULT FALSE,\n"
    "  blocked_reason TEXT,\n"
    "  is_waiting BOOL NOT NULL DEFAULT FALSE,\n"
    "  settings TEXT NOT NULL DEFAULT '{}',\n"
    "  last_login TIME,\n"
    "  created TIME NOT NULL,\n"
    "  updated TIME NOT NULL\n"
    ");\n"
    "CREATE UNIQUE INDEX catalog_user_username ON catalog_user (username);\n"
    "CREATE UNIQUE INDEX catalog_user_email ON catalog_user (email);\n"
    "CREATE TABLE catalog_token (\n"
    "  id ID,\n"
    "  user_id I64 NOT NULL REFERENCES catalog_user (id) ON DELETE CASCADE,\n"
    "  access_hash TEXT NOT NULL,\n"
    "  refresh_hash TEXT,\n"
    "  is_session BOOL NOT NULL DEFAULT FALSE,\n"
    "  access_expires TIME NOT NULL,\n"
    "  refresh_expires TIME,\n"
    "  device TEXT,\n"
    "  address TEXT,\n"
    "  created TIME NOT NULL\n"
    ");\n"
    "CREATE UNIQUE INDEX catalog_token_access ON catalog_token (access_hash);\n"
    "CREATE UNIQUE INDEX catalog_token_refresh ON catalog_token (refresh_hash);\n"
    "CREATE INDEX catalog_token_user ON catalog_token (user_id);\n"
    "CREATE TABLE catalog_account (\n"
    "  id ID,\n"
    "  actor_id I64 NOT NULL REFERENCES catalog_actor (id) ON DELETE CASCADE,\n"
    "  user_id I64 REFERENCES catalog_user (id) ON DELETE CASCADE,\n"
    "  display_name TEXT NOT NULL,\n"
    "  description TEXT\n"
    ");\n"
    "CREATE UNIQUE INDEX catalog_account_actor ON catalog_account (actor_id);\n"
    "CREATE UNIQUE INDEX catalog_account_user ON catalog_account (user_id);\n"
    "CREATE TABLE catalog_channel (\n"
    "  id ID,\n"
    "  actor_id I64 NOT NULL REFERENCES catalog_actor (id) ON DELETE CASCADE,\n"
    "  account_id I64 NOT NULL REFERENCES catalog_account (id) ON DELETE CASCADE,\n"
    "  display_name TEXT NOT NULL,\n"
    "  description TEXT,\n"
    "  support TEXT\n"
    ");\n"
    "CREATE UNIQUE INDEX catalog_channel_actor ON catalog_channel (actor_id);\n"
    "CREATE INDEX catalog_channel_account ON catalog_channel (account_id);\n";

static const char videos_sql[] =
    // origin_host '' is ours; verdict is enum catalog_verdict; is_open says that the gate
    // video.publish was passed and the state may be seen by others than the owner.
    "CREATE TABLE catalog_video (\n"
    "  id ID,\n"
    "  uuid TEXT NOT NULL,\n"
    "  channel_id I64 NOT NULL REFERENCES catalog_channel (id) ON DELETE CASCADE,\n"
    "  origin_host TEXT NOT NULL DEFAULT '',\n"
    "  url TEXT,\n"
    "  name TEXT NOT NULL,\n"
    "  description TEXT,\n"
    "  support TEXT,\n"
    "  category I64,\n"
    "  licence I64,\n"
    "  language TEXT,\n"
    "  privacy I64 NOT NULL,\n"
    "  state I64 NOT NULL,\n"
    "  is_live BOOL NOT NULL DEFAULT FALSE,\n"
    "  is_nsfw BOOL NOT NULL DEFAULT FALSE,\n"
    "  nsfw_flags I64 NOT NULL DEFAULT 0,\n"
    "  nsfw_summary TEXT,\n"
    "  duration_s I64 NOT NULL DEFAULT 0,\n"
    "  aspect_e4 I64,\n"
    "  comments_policy I64 NOT NULL DEFAULT 1,\n"
    "  is_downloadable BOOL NOT NULL DEFAULT TRUE,\n"
    "  waits BOOL NOT NULL DEFAULT FALSE,\n"
    "  verdict I64 NOT NULL DEFAULT 0,\n"
    "  is_open BOOL NOT NULL DEFAULT FALSE,\n"
    "  is_announced BOOL NOT NULL DEFAULT FALSE,\n"
    "  is_blocked BOOL NOT NULL DEFAULT FALSE,\n"
    "  blocked_reason TEXT,\n"
    "  views I64 NOT NULL DEFAULT 0,\n"
    "  likes I64 NOT NULL DEFAULT 0,\n"
    "  dislikes I64 NOT NULL DEFAULT 0,\n"
    "  comments I64 NOT NULL DEFAULT 0,\n"
    "  downloads I64 NOT NULL DEFAULT 0,\n"
    "  plugin_data TEXT,\n"
    "  probe TEXT,\n"
    "  source_name TEXT,\n"
    "  source_bytes I64 NOT NULL DEFAULT 0,\n"
    "  source_kind TEXT NOT NULL DEFAULT 'upload',\n"
    "  held_privacy I64,\n"
    "  version I64 NOT NULL DEFAULT 1,\n"
    "  ladder_job I64,\n"
    "  ladder_fence I64,\n"
    "  schedule_at TIME,\n"
    "  schedule_privacy I64,\n"
    "  access_changed TIME NOT NULL DEFAULT 0,\n"
    "  created TIME NOT NULL,\n"
    "  updated TIME NOT NULL,\n"
    "  published TIME NOT NULL,\n"
    "  originally_published TIME,\n"
    "  input_updated TIME\n"
    ");\n"
    "CREATE UNIQUE INDEX catalog_video_uuid ON catalog_video (uuid);\n"
    "CREATE UNIQUE INDEX catalog_video_url ON catalog_video (url);\n"
    "CREATE INDEX catalog_video_channel ON catalog_video (channel_id);\n"
    "CREATE INDEX catalog_video_published ON catalog_video (published);\n"
    "CREATE INDEX catalog_video_views ON catalog_video (views);\n"
    "CREATE INDEX catalog_video_schedule ON catalog_video (schedule_at);\n"
    "CREATE INDEX catalog_video_access ON catalog_video (access_changed);\n"
    "CREATE TABLE catalog_video_tag (\n"
    "  id ID,\n"
    "  video_id I64 NOT NULL REFERENCES catalog_video (id) ON DELETE CASCADE,\n"
    "  position I64 NOT NULL,\n"
    "  name TEXT NOT NULL,\n"
    "  folded TEXT NOT NULL\n"
    ");\n"
    "CREATE UNIQUE INDEX catalog_video_tag_once ON catalog_video_tag (video_id, folded);\n"
    "CREATE INDEX catalog_video_tag_folded ON catalog_video_tag (folded);\n"
    "CREATE TABLE catalog_video_password (\n"
    "  id ID,\n"
    "  video_id I64 NOT NULL REFERENCES catalog_video (id) ON DELETE CASCADE,\n"
    "  password TEXT NOT NULL,\n"
    "  created TIME NOT NULL\n"
    ");\n"
    "CREATE INDEX catalog_video_password_video ON catalog_video_password (video_id);\n"
    "CREATE TABLE catalog_view_hour (\n"
    "  video_id I64 NOT NULL REFERENCES catalog_video (id) ON DELETE CASCADE,\n"
    "  hour TIME NOT NULL,\n"
    "  views I64 NOT NULL,\n"
    "  PRIMARY KEY (video_id, hour)\n"
    ");\n"
    "CREATE INDEX catalog_view_hour_hour ON catalog_view_hour (hour);\n";

static const char files_sql[] =
    "CREATE TABLE catalog_playlist (\n"
    "  id ID,\n"
    "  video_id I64 NOT NULL REFERENCES catalog_video (id) ON DELETE CASCADE,\n"
    "  kind I64 NOT NULL,\n"
    "  url TEXT,\n"
    "  sha256_url TEXT,\n"
    "  created TIME NOT NULL,\n"
    "  updated TIME NOT NULL\n"
    ");\n"
    "CREATE UNIQUE INDEX catalog_playlist_video ON catalog_playlist (video_id, kind);\n"
    // Every object that a public URL leads to, and the sources that none leads to (kind 'source').
    "CREATE TABLE catalog_file (\n"
    "  id ID,\n"
    "  video_id I64 NOT NULL REFERENCES catalog_video (id) ON DELETE CASCADE,\n"
    "  kind TEXT NOT NULL,\n"
    "  variant TEXT NOT NULL DEFAULT '',\n"
    "  version I64 NOT NULL DEFAULT 1,\n"
    "  name TEXT NOT NULL,\n"
    "  mime TEXT NOT NULL,\n"
    "  storage TEXT NOT NULL,\n"
    "  storage_key TEXT NOT NULL,\n"
    "  url TEXT,\n"
    "  size_bytes I64 NOT NULL DEFAULT 0,\n"
    "  resolution I64 NOT NULL DEFAULT 0,\n"
    "  width I64 NOT NULL DEFAULT 0,\n"
    "  height I64 NOT NULL DEFAULT 0,\n"
    "  fps I64 NOT NULL DEFAULT 0,\n"
    "  bitrate_bps I64 NOT NULL DEFAULT 0,\n"
    "  codecs TEXT,\n"
    "  has_video BOOL NOT NULL DEFAULT TRUE,\n"
    "  has_audio BOOL NOT NULL DEFAULT TRUE,\n"
    "  is_ready BOOL NOT NULL DEFAULT TRUE,\n"
    "  segments TEXT,\n"
    "  metadata TEXT,\n"
    "  created TIME NOT NULL\n"
    ");\n"
    "CREATE UNIQUE INDEX catalog_file_name ON catalog_file (kind, name);\n"
    "CREATE INDEX catalog_file_key ON catalog_file (storage_key);\n"
    "CREATE INDEX catalog_file_video ON catalog_file (video_id, kind);\n"
    "CREATE UNIQUE INDEX catalog_file_rendition ON catalog_file (video_id, kind, version, "
    "variant, resolution, width);\n";

// Columns of published views are only ever appended: plugins read them.
static const char views_sql[] =
    "CREATE VIEW v1_user AS SELECT u.id AS id, u.username AS username, u.role AS role,\n"
    "  u.is_blocked AS is_blocked, u.created AS created, a.id AS account_id\n"
    "  FROM catalog_user u JOIN catalog_account a ON a.user_id = u.id;\n"
    "CREATE VIEW v1_account AS SELECT a.id AS id, a.user_id AS user_id, x.name AS name,\n"
    "  x.host AS host, x.url AS url, a.display_name AS display_name,\n"
    "  a.description AS description, x.followers AS followers, x.created AS created,\n"
    "  x.updated AS updated FROM catalog_account a JOIN catalog_actor x ON x.id = a.actor_id;\n"
    "CREATE VIEW v1_channel AS SELECT c.id AS id, c.account_id AS account_id, x.name AS name,\n"
    "  x.host AS host, x.url AS url, c.display_name AS display_name,\n"
    "  c.description AS description, c.support AS support, x.followers AS followers,\n"
    "  x.created AS created, x.updated AS updated\n"
    "  FROM catalog_channel c JOIN catalog_actor x ON x.id = c.actor_id;\n"
    "CREATE VIEW v1_video AS SELECT v.id AS id, v.uuid AS uuid, v.channel_id AS channel_id,\n"
    "  c.account_id AS account_id, v.origin_host AS origin_host, v.url AS url, v.name AS name,\n"
    "  v.description AS description, v.category AS category, v.licence AS licence,\n"
    "  v.language AS language, v.privacy AS privacy, v.state AS state, v.is_live AS is_live,\n"
    "  v.is_nsfw AS is_nsfw, v.duration_s AS duration_s, v.is_open AS is_open,\n"
    "  v.is_blocked AS is_blocked, v.comments_policy AS comments_policy, v.views AS views,\n"
    "  v.likes AS likes, v.dislikes AS dislikes, v.comments AS comments, v.created AS created,\n"
    "  v.updated AS updated, v.published AS published\n"
    "  FROM catalog_video v JOIN catalog_channel c ON c.id = v.channel_id;\n";

// Pictures of accounts and channels; kind is 1 for an avatar, 2 for a banner.
static const char actor_images_sql[] =
    "CREATE TABLE catalog_actor_image (\n"
    "  id ID,\n"
    "  actor_id I64 NOT NULL REFERENCES catalog_actor (id) ON DELETE CASCADE,\n"
    "  kind I64 NOT NULL,\n"
    "  name TEXT NOT NULL,\n"
    "  mime TEXT NOT NULL,\n"
    "  storage TEXT NOT NULL,\n"
    "  storage_key TEXT NOT NULL,\n"
    "  size_bytes I64 NOT NULL,\n"
    "  width I64 NOT NULL,\n"
    "  height I64 NOT NULL,\n"
    "  created TIME NOT NULL\n"
    ");\n"
    "CREATE UNIQUE INDEX catalog_actor_image_name ON catalog_actor_image (kind, name);\n"
    "CREATE INDEX catalog_actor_image_key ON catalog_actor_image (storage_key);\n"
    "CREATE INDEX catalog_actor_image_actor ON catalog_actor_image (actor_id, kind);\n";

// Stored objects that no row knew when the sweep looked.
static const char strays_sql[] = "CREATE TABLE catalog_stray (\n"
                                 "  storage TEXT NOT NULL,\n"
                                 "  storage_key TEXT NOT NULL,\n"
                                 "  seen TIME NOT NULL,\n"
                                 "  PRIMARY KEY (storage, storage_key)\n"
                                 ");\n"
                                 "CREATE INDEX catalog_stray_seen ON catalog_stray (seen);\n";

// What is in everybody's list and in a channel's, with every column that counting it reads.
static const char listed_sql[] =
    "CREATE INDEX catalog_video_listed ON catalog_video\n"
    "  (privacy, state, is_nsfw, is_live, origin_host, is_open, is_blocked)\n"
    "  WHERE is_open = TRUE AND is_blocked = FALSE;\n"
    "CREATE INDEX catalog_video_channel_listed ON catalog_video\n"
    "  (channel_id, privacy, is_open, is_blocked) WHERE is_open = TRUE AND is_blocked = FALSE;\n";

// Since when no older token for media of a user works; the user may be gone.
static const char media_ends_sql[] = "CREATE TABLE catalog_media_end (\n"
                                     "  user_id I64 NOT NULL PRIMARY KEY,\n"
                                     "  ended TIME NOT NULL\n"
                                     ");\n";

// It is being removed, its videos first: it is no channel that its user keeps.
static const char leaving_sql[] =
    "ALTER TABLE catalog_channel ADD COLUMN is_leaving BOOL NOT NULL DEFAULT FALSE;\n";

// The version that was given to a file last, whether it came to be the video's or not.
static const char taken_sql[] =
    "ALTER TABLE catalog_video ADD COLUMN taken_version I64 NOT NULL DEFAULT 0;\n";

// Who hears of whom. state: enum shoal_follow_state. A share is an actor's announcement of a video.
static const char follows_sql[] =
    "CREATE TABLE catalog_follow (\n"
    "  id ID,\n"
    "  follower_id I64 NOT NULL REFERENCES catalog_actor (id) ON DELETE CASCADE,\n"
    "  target_id I64 NOT NULL REFERENCES catalog_actor (id) ON DELETE CASCADE,\n"
    "  state I64 NOT NULL,\n"
    "  url TEXT,\n"
    "  score I64 NOT NULL DEFAULT 10000,\n"
    "  last_error TEXT,\n"
    "  created TIME NOT NULL,\n"
    "  updated TIME NOT NULL\n"
    ");\n"
    "CREATE UNIQUE INDEX catalog_follow_pair ON catalog_follow (follower_id, target_id);\n"
    "CREATE INDEX catalog_follow_target ON catalog_follow (target_id, state, follower_id);\n"
    "CREATE TABLE catalog_share (\n"
    "  id ID,\n"
    "  video_id I64 NOT NULL REFERENCES catalog_video (id) ON DELETE CASCADE,\n"
    "  actor_id I64 NOT NULL REFERENCES catalog_actor (id) ON DELETE CASCADE,\n"
    "  url TEXT NOT NULL,\n"
    "  created TIME NOT NULL\n"
    ");\n"
    "CREATE UNIQUE INDEX catalog_share_pair ON catalog_share (video_id, actor_id);\n"
    "CREATE UNIQUE INDEX catalog_share_url ON catalog_share (url);\n"
    "CREATE INDEX catalog_share_actor ON catalog_share (actor_id, video_id);\n"
    "CREATE INDEX catalog_actor_server ON catalog_actor (host) WHERE kind = 'Application';\n"
    "CREATE VIEW v1_follow AS SELECT id, follower_id, target_id, state, created, updated\n"
    "  FROM catalog_follow;\n"
    // Of a video of another server, who here follows where it comes from: enum catalog_followed.
    "ALTER TABLE catalog_video ADD COLUMN followed I64 NOT NULL DEFAULT 0;\n"
    "CREATE INDEX catalog_video_from ON catalog_video (origin_host) WHERE origin_host <> '';\n"
    "DROP INDEX catalog_video_listed;\n"
    "CREATE INDEX catalog_video_listed ON catalog_video\n"
    "  (privacy, state, is_nsfw, is_live, origin_host, followed, is_open, is_blocked)\n"
    "  WHERE is_open = TRUE AND is_blocked = FALSE;\n";

// What other servers say of their things. A picture of theirs has an origin_url and no storage until it
// was fetched; tried is when that was tried last, tries how often in vain.
static const char remote_sql[] =
    "ALTER TABLE catalog_actor_image ADD COLUMN origin_url TEXT;\n"
    "ALTER TABLE catalog_actor_image ADD COLUMN tries I64 NOT NULL DEFAULT 0;\n"
    "ALTER TABLE catalog_actor_image ADD COLUMN tried TIME NOT NULL DEFAULT 0;\n"
    "ALTER TABLE catalog_file ADD COLUMN origin_url TEXT;\n"
    "ALTER TABLE catalog_file ADD COLUMN tries I64 NOT NULL DEFAULT 0;\n"
    "ALTER TABLE catalog_file ADD COLUMN tried TIME NOT NULL DEFAULT 0;\n"
    "ALTER TABLE catalog_file ADD COLUMN playlist_url TEXT;\n"
    "ALTER TABLE catalog_file ADD COLUMN metadata_url TEXT;\n"
    "ALTER TABLE catalog_file ADD COLUMN torrent_url TEXT;\n"
    "ALTER TABLE catalog_file ADD COLUMN magnet TEXT;\n"
    // trackers and infohashes are arrays of text; read is when its origin was asked last.
    "CREATE TABLE catalog_video_origin (\n"
    "  video_id I64 NOT NULL PRIMARY KEY REFERENCES catalog_video (id) ON DELETE CASCADE,\n"
    "  trackers TEXT NOT NULL DEFAULT '[]',\n"
    "  infohashes TEXT NOT NULL DEFAULT '[]',\n"
    "  is_permanent BOOL NOT NULL DEFAULT FALSE,\n"
    "  saves_replay BOOL NOT NULL DEFAULT FALSE,\n"
    "  latency I64 NOT NULL DEFAULT 1,\n"
    "  read TIME NOT NULL\n"
    ");\n"
    "CREATE INDEX catalog_actor_host ON catalog_actor (host);\n";

// What stands beside a video. A file of a remote one (url) is fetched when it is asked for first; until
// then there is no row of catalog_file with its name. failed: when that last could not be done.
static const char beside_sql[] =
    "CREATE TABLE catalog_caption (\n"
    "  id ID,\n"
    "  video_id I64 NOT NULL REFERENCES catalog_video (id) ON DELETE CASCADE,\n"
    "  language TEXT NOT NULL,\n"
    "  label TEXT,\n"
    "  is_automatic BOOL NOT NULL DEFAULT FALSE,\n"
    "  name TEXT NOT NULL,\n"
    "  url TEXT,\n"
    "  failed TIME,\n"
    "  updated TIME NOT NULL\n"
    ");\n"
    "CREATE UNIQUE INDEX catalog_caption_language ON catalog_caption (video_id, language);\n"
    "CREATE UNIQUE INDEX catalog_caption_name ON catalog_caption (name);\n"
    "CREATE TABLE catalog_chapter (\n"
    "  video_id I64 NOT NULL REFERENCES catalog_video (id) ON DELETE CASCADE,\n"
    "  timecode_s I64 NOT NULL,\n"
    "  title TEXT NOT NULL,\n"
    "  PRIMARY KEY (video_id, timecode_s)\n"
    ");\n"
    "CREATE TABLE catalog_storyboard (\n"
    "  video_id I64 NOT NULL PRIMARY KEY REFERENCES catalog_video (id) ON DELETE CASCADE,\n"
    "  name TEXT NOT NULL,\n"
    "  url TEXT,\n"
    "  failed TIME,\n"
    "  width I64 NOT NULL,\n"
    "  height I64 NOT NULL,\n"
    "  tile_width I64 NOT NULL,\n"
    "  tile_height I64 NOT NULL,\n"
    "  tile_duration_s I64 NOT NULL,\n"
    "  updated TIME NOT NULL\n"
    ");\n"
    "CREATE UNIQUE INDEX catalog_storyboard_name ON catalog_storyboard (name);\n";

// Servers of which nothing is shown here, and whose actors those are; a video of theirs has followed -1.
// missing: how often in a row the origin said that there is no such thing (404), missing_since: the first
// of these times.
static const char hidden_sql[] =
    "CREATE TABLE catalog_hidden_host (\n"
    "  host TEXT NOT NULL PRIMARY KEY,\n"
    "  created TIME NOT NULL\n"
    ");\n"
    "ALTER TABLE catalog_actor ADD COLUMN is_hidden BOOL NOT NULL DEFAULT FALSE;\n"
    "ALTER TABLE catalog_actor ADD COLUMN missing I64 NOT NULL DEFAULT 0;\n"
    "ALTER TABLE catalog_actor ADD COLUMN missing_since TIME NOT NULL DEFAULT 0;\n"
    "ALTER TABLE catalog_actor ADD COLUMN missing_last TIME NOT NULL DEFAULT 0;\n"
    "ALTER TABLE catalog_video_origin ADD COLUMN missing I64 NOT NULL DEFAULT 0;\n"
    "ALTER TABLE catalog_video_origin ADD COLUMN missing_since TIME NOT NULL DEFAULT 0;\n"
    "ALTER TABLE catalog_video_origin ADD COLUMN missing_last TIME NOT NULL DEFAULT 0;\n"
    "DROP VIEW v1_account;\n"
    "CREATE VIEW v1_account AS SELECT a.id AS id, a.user_id AS user_id, x.name AS name,\n"
    "  x.host AS host, x.url AS url, a.display_name AS display_name,\n"
    "  a.description AS description, x.followers AS followers, x.created AS created,\n"
    "  x.updated AS updated, x.is_hidden AS is_hidden\n"
    "  FROM catalog_account a JOIN catalog_actor x ON x.id = a.actor_id;\n";

// needed: when it was last known that somebody needs an actor of another server, or asked for it.
static const char needed_sql[] =
    "ALTER TABLE catalog_actor ADD COLUMN needed TIME NOT NULL DEFAULT 0;\n"
    "UPDATE catalog_actor SET needed = updated;\n"
    "CREATE INDEX catalog_actor_needed ON catalog_actor (needed) WHERE host <> '';\n";

// tries: how often a caption or storyboard of another server did not come; failed is when that was last.
static const char tries_sql[] =
    "ALTER TABLE catalog_caption ADD COLUMN tries I64 NOT NULL DEFAULT 0;\n"
    "ALTER TABLE catalog_storyboard ADD COLUMN tries I64 NOT NULL DEFAULT 0;\n";

// starts: when a live is to begin. dvr_s: how far back it can be wound. is_embeddable: FALSE where its server
// lets only some sites show it in their pages.
static const char starts_sql[] =
    "ALTER TABLE catalog_video_origin ADD COLUMN starts TEXT NOT NULL DEFAULT '[]';\n"
    "ALTER TABLE catalog_video_origin ADD COLUMN dvr_s I64 NOT NULL DEFAULT 0;\n"
    "ALTER TABLE catalog_video_origin ADD COLUMN is_embeddable BOOL NOT NULL DEFAULT TRUE;\n";

static const struct shoal_migration migrations[] = {
    {1, "people", people_sql},
    {2, "videos", videos_sql},
    {3, "files", files_sql},
    {4, "published views", views_sql},
    {5, "pictures of actors", actor_images_sql},
    {6, "strays", strays_sql},
    {7, "index of lists", listed_sql},
    {8, "ends of media tokens", media_ends_sql},
    {9, "channels that leave", leaving_sql},
    {10, "versions on their way", taken_sql},
    {11, "follows and shares", follows_sql},
    {12, "things of other servers", remote_sql},
    {13, "captions, chapters, storyboards", beside_sql},
    {14, "what is hidden or missing", hidden_sql},
    {15, "actors that are needed", needed_sql},
    {16, "tries of what stands beside", tries_sql},
    {17, "starts of lives, and embedding", starts_sql},
};

const struct shoal_migration *shoal_catalog_migrations(size_t *count)
{
    *count = sizeof(migrations) / sizeof(migrations[0]);
    return migrations;
}

int shoal_catalog_migrate(char *copied, struct shoal_err *err)
{
    return shoal_migrate_builtin(
        "core.catalog", migrations, sizeof(migrations) / sizeof(migrations[0]), copied, err);
}

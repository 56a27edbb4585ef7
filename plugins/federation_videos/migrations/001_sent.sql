-- Videos of ours that other servers were told of, and under which channel.
CREATE TABLE federation_videos_sent (
  video_id I64 PRIMARY KEY,
  uuid TEXT NOT NULL,
  account_actor_id I64 NOT NULL,
  channel_actor_id I64 NOT NULL,
  sent TIME NOT NULL
);
CREATE UNIQUE INDEX federation_videos_sent_uuid ON federation_videos_sent (uuid);
CREATE INDEX federation_videos_sent_account ON federation_videos_sent (account_actor_id);
CREATE INDEX federation_videos_sent_channel ON federation_videos_sent (channel_actor_id);
-- Actors of ours that other servers have heard of: whose removal is told when their rows are gone.
CREATE TABLE federation_videos_actor (
  url TEXT PRIMARY KEY,
  actor_id I64 NOT NULL
);

-- Torrents: what never changes with trackers and URLs. The rest is added when one is fetched.
CREATE TABLE torrents_file (
    file_id I64 NOT NULL PRIMARY KEY,
    video_id I64 NOT NULL,
    name TEXT NOT NULL,
    title TEXT NOT NULL,
    path TEXT NOT NULL,
    size_bytes I64 NOT NULL,
    piece_bytes I64 NOT NULL,
    pieces BYTES NOT NULL,
    infohash BYTES NOT NULL
);
CREATE UNIQUE INDEX torrents_file_name ON torrents_file (name);
CREATE INDEX torrents_file_video ON torrents_file (video_id);
CREATE INDEX torrents_file_infohash ON torrents_file (infohash);
-- What a video was like when its torrents were looked at, and with which URL of the site.
CREATE TABLE torrents_video (
    video_id I64 NOT NULL PRIMARY KEY,
    uuid TEXT NOT NULL,
    base TEXT NOT NULL,
    privacy I64 NOT NULL,
    is_blocked BOOL NOT NULL,
    updated TIME NOT NULL
);
-- When all videos were looked through last, and with which URL of the site. One row.
CREATE TABLE torrents_walk (
    id I64 NOT NULL PRIMARY KEY,
    base TEXT NOT NULL,
    walked TIME NOT NULL
);

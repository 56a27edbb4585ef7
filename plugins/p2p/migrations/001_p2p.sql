-- The swarms of the instance's videos: generations 1 to 3 by playlist, 0 the torrent of a file.
-- The same file under the same name is the same torrent: a hash may belong to several videos.
CREATE TABLE p2p_hash (
    hash BYTES NOT NULL,
    video_id I64 NOT NULL,
    generation I64 NOT NULL,
    PRIMARY KEY (hash, video_id)
);
CREATE INDEX p2p_hash_video ON p2p_hash (video_id);
-- What a video was like when its hashes were made, and with which URL of the site.
CREATE TABLE p2p_video (
    video_id I64 NOT NULL PRIMARY KEY,
    uuid TEXT NOT NULL,
    base TEXT NOT NULL,
    privacy I64 NOT NULL,
    is_open BOOL NOT NULL,
    is_blocked BOOL NOT NULL,
    updated TIME NOT NULL
);
-- When all videos were looked through last, and with which URL of the site. One row.
CREATE TABLE p2p_walk (
    id I64 NOT NULL PRIMARY KEY,
    base TEXT NOT NULL,
    walked TIME NOT NULL
);
-- Torrents: what never changes with trackers and URLs. The rest is added when one is fetched.
CREATE TABLE p2p_torrent (
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
CREATE UNIQUE INDEX p2p_torrent_name ON p2p_torrent (name);
CREATE INDEX p2p_torrent_video ON p2p_torrent (video_id);
-- Bytes that players of a video got from each other and from here, by day (days since 1970).
CREATE TABLE p2p_day (
    video_id I64 NOT NULL,
    day I64 NOT NULL,
    peer_bytes I64 NOT NULL,
    server_bytes I64 NOT NULL,
    PRIMARY KEY (day, video_id)
);
CREATE INDEX p2p_day_video ON p2p_day (video_id);

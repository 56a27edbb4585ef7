-- The swarms of the instance's videos: generations 1 to 3 by playlist, 0 the torrent of a file.
CREATE TABLE p2p_hash (
    hash BYTES NOT NULL PRIMARY KEY,
    video_id I64 NOT NULL,
    generation I64 NOT NULL
);
CREATE INDEX p2p_hash_video ON p2p_hash (video_id);
-- Torrents: what never changes with trackers and URLs. The rest is added when one is fetched.
CREATE TABLE p2p_torrent (
    file_id I64 NOT NULL PRIMARY KEY,
    video_id I64 NOT NULL,
    name TEXT NOT NULL,
    title TEXT NOT NULL,
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

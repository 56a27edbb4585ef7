-- Bytes that players of a video got from each other and from here, by day (days since 1970).
CREATE TABLE playback_day (
    video_id I64 NOT NULL,
    day I64 NOT NULL,
    peer_bytes I64 NOT NULL,
    server_bytes I64 NOT NULL,
    PRIMARY KEY (day, video_id)
);
CREATE INDEX playback_day_video ON playback_day (video_id);

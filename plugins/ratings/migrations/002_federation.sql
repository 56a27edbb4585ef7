-- url: the id of the activity by which somebody on another server said it.
ALTER TABLE ratings_rate ADD COLUMN url TEXT;
CREATE INDEX ratings_rate_url ON ratings_rate (url);
-- What the origin of a video was told last of somebody here; no row: nothing, or that it was taken back.
CREATE TABLE ratings_told (
    account_id I64 NOT NULL,
    video_id I64 NOT NULL,
    is_like BOOL NOT NULL,
    PRIMARY KEY (account_id, video_id)
);
CREATE INDEX ratings_told_video ON ratings_told (video_id);

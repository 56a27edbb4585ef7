-- What an account thinks of a video: one of the two, or no row.
CREATE TABLE ratings_rate (
    account_id I64 NOT NULL,
    video_id I64 NOT NULL,
    is_like BOOL NOT NULL,
    created TIME NOT NULL,
    PRIMARY KEY (account_id, video_id)
);
CREATE INDEX ratings_rate_video ON ratings_rate (video_id, is_like, created);
CREATE INDEX ratings_rate_account ON ratings_rate (account_id, created);

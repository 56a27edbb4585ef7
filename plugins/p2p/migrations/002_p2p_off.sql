-- What its owner does not want to be shared between viewers: kind 1 is a video, 2 a channel with all its videos.
CREATE TABLE p2p_off (
    kind I64 NOT NULL,
    id I64 NOT NULL,
    PRIMARY KEY (kind, id)
);

-- What a node of the site is told by the others: the swarms of a video (0: of all) have ended.
CREATE TABLE p2p_told (
    id ID,
    node TEXT NOT NULL,
    video_id I64 NOT NULL,
    is_dismissed BOOL NOT NULL,
    made TIME NOT NULL
);

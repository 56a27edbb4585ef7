-- A token is a mirror: who has it speaks for one machine. Times are ms since 1970, 0 for never.
CREATE TABLE seed_mirror (
    id ID,
    name TEXT NOT NULL,
    token_sha256 TEXT NOT NULL,
    created I64 NOT NULL,
    base_url TEXT NOT NULL,
    state TEXT NOT NULL,
    why TEXT NOT NULL,
    heard I64 NOT NULL,
    checked I64 NOT NULL,
    next_check I64 NOT NULL,
    failures I64 NOT NULL
);
CREATE UNIQUE INDEX seed_mirror_name ON seed_mirror (name);
CREATE UNIQUE INDEX seed_mirror_token ON seed_mirror (token_sha256);
-- The videos that a mirror says it has, with the list of hashes that it went by; checked: when we
-- found it right, 0 while we have not.
CREATE TABLE seed_copy (
    mirror_id I64 NOT NULL,
    video TEXT NOT NULL,
    list TEXT NOT NULL,
    checked I64 NOT NULL,
    PRIMARY KEY (mirror_id, video)
);
CREATE INDEX seed_copy_video ON seed_copy (video);

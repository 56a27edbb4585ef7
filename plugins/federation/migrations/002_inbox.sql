-- What came in and could not be applied at once. activity_id is what its sender calls it.
CREATE TABLE federation_inbox (
    id ID,
    host TEXT NOT NULL,
    activity_id TEXT NOT NULL,
    signer_id I64 NOT NULL,
    body TEXT NOT NULL,
    attempts I64 NOT NULL DEFAULT 0,
    next TIME NOT NULL,
    why TEXT NOT NULL DEFAULT '',
    received TIME NOT NULL
);
CREATE UNIQUE INDEX federation_inbox_once ON federation_inbox (signer_id, activity_id);
CREATE INDEX federation_inbox_host ON federation_inbox (host, next);

-- Servers that we have nothing to do with, and those below them.
CREATE TABLE federation_block (
    host TEXT NOT NULL PRIMARY KEY,
    by_user I64 NOT NULL,
    created TIME NOT NULL
);

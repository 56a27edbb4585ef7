-- What was said by those whose key is not here: it waits until the key was read. Everything but the key was
-- checked when it came. sum: of key, signature and text, so that each is kept once. Times are ms since 1970.
CREATE TABLE identity_unproved (
    id ID,
    host TEXT NOT NULL,
    sender TEXT NOT NULL,
    key_id TEXT NOT NULL,
    signature TEXT NOT NULL,
    covered TEXT NOT NULL,
    covered_other TEXT,
    is_modern BOOL NOT NULL,
    body TEXT NOT NULL,
    sum TEXT NOT NULL,
    size I64 NOT NULL,
    attempts I64 NOT NULL DEFAULT 0,
    next I64 NOT NULL,
    received I64 NOT NULL
);
CREATE UNIQUE INDEX identity_unproved_once ON identity_unproved (sum);
CREATE INDEX identity_unproved_next ON identity_unproved (host, next, id);
CREATE INDEX identity_unproved_sender ON identity_unproved (sender, size);
CREATE INDEX identity_unproved_key ON identity_unproved (key_id);
-- The hosts that these keys lie on. place: those first whose senders had little waiting when they came.
CREATE TABLE identity_unproved_host (
    host TEXT NOT NULL PRIMARY KEY,
    waiting I64 NOT NULL,
    size I64 NOT NULL,
    place I64 NOT NULL,
    attempts I64 NOT NULL DEFAULT 0,
    next I64 NOT NULL
);
CREATE INDEX identity_unproved_host_next ON identity_unproved_host (place, next);

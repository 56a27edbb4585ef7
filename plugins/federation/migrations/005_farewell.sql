-- Local actors that are gone: their addresses say so.
CREATE TABLE federation_farewell (
    actor_id I64 NOT NULL PRIMARY KEY,
    actor_url TEXT NOT NULL,
    kind TEXT NOT NULL,
    gone TIME NOT NULL
);
CREATE INDEX federation_farewell_url ON federation_farewell (actor_url);

-- Bytes of the body: what waits is bounded by them too. What waited before this has 0, and soon waits no more.
ALTER TABLE federation_inbox ADD COLUMN size I64 NOT NULL DEFAULT 0;
CREATE INDEX federation_inbox_size ON federation_inbox (host, size);

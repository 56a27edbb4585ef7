-- subject: a number for the thing that it is about; what one actor says of one thing is applied in its order. Those
-- that waited before this have 0 together. The indexes have what is asked of rows, which are long.
ALTER TABLE federation_inbox ADD COLUMN subject I64 NOT NULL DEFAULT 0;
DROP INDEX federation_inbox_host;
CREATE INDEX federation_inbox_host ON federation_inbox (host, next, id, signer_id, subject);
CREATE INDEX federation_inbox_subject ON federation_inbox (signer_id, subject, id, next);

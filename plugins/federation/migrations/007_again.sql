-- PeerTube says the same Like again under the id that it had: what waits more than once with one id is told apart by what
-- came between.
DROP INDEX federation_inbox_once;
CREATE INDEX federation_inbox_activity ON federation_inbox (signer_id, activity_id, id, subject);

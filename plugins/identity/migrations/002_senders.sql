-- One sender may not fill the places of a host: what it has there is counted. And what somebody said before is looked
-- for among what came from the same sender first, of which others can make up nothing.
DROP INDEX identity_unproved_sender;
CREATE INDEX identity_unproved_sender ON identity_unproved (sender, host, size);
CREATE INDEX identity_unproved_of_sender ON identity_unproved (key_id, sender, id);

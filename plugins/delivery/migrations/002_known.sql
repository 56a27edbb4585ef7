-- Who knows a local actor, kept for its removal, when the rows of its followers are gone: inboxes to which it
-- spoke, shared ones where there are any; and actors whose followers heard of it.
CREATE TABLE delivery_known (
    actor_id I64 NOT NULL,
    inbox TEXT NOT NULL,
    PRIMARY KEY (actor_id, inbox)
);
CREATE TABLE delivery_known_by (
    actor_id I64 NOT NULL,
    audience_id I64 NOT NULL,
    PRIMARY KEY (actor_id, audience_id)
);
CREATE INDEX delivery_known_by_audience ON delivery_known_by (audience_id);

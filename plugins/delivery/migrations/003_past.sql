-- Follows that are older than delivery_known are walked once: the last one that was looked at. No row: all were.
CREATE TABLE delivery_past (
    follow_id I64 NOT NULL PRIMARY KEY
);
INSERT INTO delivery_past (follow_id) VALUES (0);

-- Keys are the plugin signatures' now, and what is said is the plugin delivery's: federation_key,
-- federation_modern, federation_out, federation_host, federation_queue and federation_gone are handed over
-- to them. A key stays here as well, sealed: a server of before that still ends its work signs with it.
ALTER TABLE federation_key ADD COLUMN given BOOL NOT NULL DEFAULT FALSE;
-- The number of an activity in the other plugin's table while what waits of it is handed over; 0: not yet.
ALTER TABLE federation_out ADD COLUMN given I64 NOT NULL DEFAULT 0;

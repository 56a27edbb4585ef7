-- What is too old, and what nobody waits for, is found without reading all that waits.
CREATE INDEX delivery_queue_created ON delivery_queue (created, host_id);
CREATE INDEX delivery_out_spread ON delivery_out (is_spread, id);

-- Times are ms since 1970, 0 for never.
-- What is to be said. body: what is sent, empty until it is finished; passed: the last inbox that was
-- queued; is_spread: all are. A row goes when nobody waits for it any more.
CREATE TABLE federation_out (
    id ID,
    actor_id I64 NOT NULL,
    activity TEXT NOT NULL,
    body TEXT NOT NULL DEFAULT '',
    plan TEXT NOT NULL,
    priority I64 NOT NULL,
    replaces TEXT NOT NULL DEFAULT '',
    subject I64 NOT NULL DEFAULT 0,
    passed TEXT NOT NULL DEFAULT '',
    is_spread BOOL NOT NULL DEFAULT FALSE,
    created I64 NOT NULL
);
CREATE INDEX federation_out_replaces ON federation_out (replaces, id) WHERE replaces <> '';
CREATE INDEX federation_out_subject ON federation_out (subject, id) WHERE is_spread = FALSE;

-- Other servers as deliveries find them. next: not asked before; due: when something of its queue may
-- be sent, 0 when nothing waits; holder: who sends to it now, until held_until.
CREATE TABLE federation_host (
    id ID,
    host TEXT NOT NULL,
    failures I64 NOT NULL DEFAULT 0,
    silent_since I64 NOT NULL DEFAULT 0,
    last_ok I64 NOT NULL DEFAULT 0,
    last_error TEXT NOT NULL DEFAULT '',
    next I64 NOT NULL DEFAULT 0,
    due I64 NOT NULL DEFAULT 0,
    urgency I64 NOT NULL DEFAULT 0,
    holder TEXT NOT NULL DEFAULT '',
    held_until I64 NOT NULL DEFAULT 0
);
CREATE UNIQUE INDEX federation_host_name ON federation_host (host);
CREATE INDEX federation_host_due ON federation_host (due) WHERE due > 0;

-- subject: a number for the object that it is about; what is said of one object arrives in its order.
CREATE TABLE federation_queue (
    id ID,
    host_id I64 NOT NULL,
    out_id I64 NOT NULL,
    inbox TEXT NOT NULL,
    priority I64 NOT NULL,
    replaces TEXT,
    subject I64 NOT NULL DEFAULT 0,
    attempts I64 NOT NULL DEFAULT 0,
    next I64 NOT NULL DEFAULT 0,
    created I64 NOT NULL
);
CREATE INDEX federation_queue_order ON federation_queue (host_id, priority, id);
CREATE INDEX federation_queue_next ON federation_queue (host_id, next);
CREATE INDEX federation_queue_subject ON federation_queue (host_id, subject, out_id);
CREATE INDEX federation_queue_out ON federation_queue (out_id);
CREATE UNIQUE INDEX federation_queue_replaces ON federation_queue (inbox, replaces)
    WHERE replaces IS NOT NULL;

-- Inboxes that said 410: their actors are gone.
CREATE TABLE federation_gone (
    inbox TEXT NOT NULL PRIMARY KEY,
    since I64 NOT NULL
);

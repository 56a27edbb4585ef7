-- Resumable uploads on their way, and for a while those that came in. The bytes lie in a file beside.
CREATE TABLE api_upload (
    id TEXT NOT NULL PRIMARY KEY,
    user_id I64 NOT NULL,
    size_bytes I64 NOT NULL,
    filename TEXT NOT NULL,
    mime TEXT NOT NULL,
    draft TEXT NOT NULL,
    state I64 NOT NULL,
    answer TEXT,
    created_at TIME NOT NULL,
    changed_at TIME NOT NULL
);
CREATE INDEX api_upload_user ON api_upload (user_id, state);
CREATE INDEX api_upload_changed ON api_upload (changed_at);

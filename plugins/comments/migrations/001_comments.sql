-- thread_id and parent_id are NULL for the first of a thread. account_id is NULL once it is deleted; the
-- row stays, so that the thread is whole. hold: 0 everybody sees it, 1 it waits for the owner of the video,
-- 2 a plugin held it. url: of a comment of another server; approval_url: where an approval is found.
CREATE TABLE comments_comment (
    id ID,
    video_id I64 NOT NULL,
    account_id I64,
    thread_id I64,
    parent_id I64,
    depth I64 NOT NULL,
    url TEXT,
    text TEXT NOT NULL,
    hold I64 NOT NULL DEFAULT 0,
    approval_url TEXT,
    created TIME NOT NULL,
    updated TIME NOT NULL,
    deleted TIME
);
CREATE UNIQUE INDEX comments_comment_url ON comments_comment (url);
CREATE INDEX comments_comment_roots ON comments_comment (video_id, created) WHERE thread_id IS NULL;
CREATE INDEX comments_comment_video ON comments_comment (video_id, created);
CREATE INDEX comments_comment_thread ON comments_comment (thread_id, created);
CREATE INDEX comments_comment_account ON comments_comment (account_id, created);
CREATE INDEX comments_comment_held ON comments_comment (video_id, created) WHERE hold > 0;

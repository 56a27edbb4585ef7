-- received: when a comment of another server came in, or was changed last; its other dates are what that server
-- says. news: what became of it and is not passed on to other servers yet (0 nothing, 1 made, 2 edited, 3 deleted).
ALTER TABLE comments_comment ADD COLUMN received TIME;
ALTER TABLE comments_comment ADD COLUMN news I64 NOT NULL DEFAULT 0;
CREATE INDEX comments_comment_received ON comments_comment (received) WHERE received IS NOT NULL;

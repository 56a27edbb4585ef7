-- received: when a comment of another server came in, or was changed last; its other dates are what that server
-- says. is_news: what became of it is not passed on to other servers yet.
ALTER TABLE comments_comment ADD COLUMN received TIME;
ALTER TABLE comments_comment ADD COLUMN is_news BOOL NOT NULL DEFAULT FALSE;
CREATE INDEX comments_comment_received ON comments_comment (received) WHERE received IS NOT NULL;

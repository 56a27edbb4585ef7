-- news: what became of a comment and is not passed on to other servers yet (0 nothing, 1 made, 2 edited, 3 deleted).
-- is_news, which could not tell them apart, is read by nobody any more.
ALTER TABLE comments_comment ADD COLUMN news I64 NOT NULL DEFAULT 0;
UPDATE comments_comment SET news = CASE WHEN deleted IS NULL THEN 2 ELSE 3 END WHERE is_news;

-- is_counted: it is in the sum of its video. That counts what everybody sees: neither what is held or deleted nor
-- what people of hidden servers wrote. Comments of such that were counted before are looked at by the sweep.
ALTER TABLE comments_comment ADD COLUMN is_counted BOOL NOT NULL DEFAULT FALSE;
UPDATE comments_comment SET is_counted = TRUE WHERE hold = 0 AND deleted IS NULL;
CREATE INDEX comments_comment_uncounted ON comments_comment (id)
    WHERE is_counted = FALSE AND hold = 0 AND deleted IS NULL;

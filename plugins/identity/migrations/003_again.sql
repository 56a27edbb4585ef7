-- What somebody says, takes back and says again within a second is the same request twice, and both count: it is told from
-- one that only comes again by what came between.
DROP INDEX identity_unproved_once;

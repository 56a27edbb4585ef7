-- Blocked hosts as hosts are written: a name that ended with a dot blocked nobody, and could not be taken back.
INSERT INTO federation_block (host, by_user, created)
    SELECT RTRIM(host, '.'), by_user, created FROM federation_block WHERE host LIKE '%.' AND RTRIM(host, '.') <> ''
    ON CONFLICT (host) DO NOTHING;
DELETE FROM federation_block WHERE host LIKE '%.';

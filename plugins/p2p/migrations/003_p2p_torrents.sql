-- Torrents are another plugin's, which knows whose an infohash is. What p2p_torrent has is handed over to it.
DELETE FROM p2p_hash WHERE generation = 0;

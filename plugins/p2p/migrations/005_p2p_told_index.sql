-- Each node looks once a second for what is its own, however much waits for one that is down.
CREATE INDEX p2p_told_node ON p2p_told (node, id);
CREATE INDEX p2p_told_made ON p2p_told (made);

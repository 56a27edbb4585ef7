-- Lines, the newest shown first.
CREATE TABLE guestbook_lua_line (
  id ID,
  who TEXT NOT NULL,
  line TEXT NOT NULL,
  at TIME NOT NULL
);

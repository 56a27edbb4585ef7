CREATE TABLE word_count_lua_word (
    word TEXT PRIMARY KEY,
    seen I64 NOT NULL
);

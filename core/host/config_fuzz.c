// config_fuzz.c - any bytes as shoal.lua: the lexer that finds lines, and the lines of listen.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "host/config_priv.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    int most = 1;
    for (size_t i = 0; i < length; i++) {
        most += bytes[i] == '\n' ? 1 : 0;
    }
    json_t *lines = shoal_config_lex((const char *)bytes, length), *line;
    const char *key;
    json_object_foreach(lines, key, line)
    {
        if (json_integer_value(line) < 1 || json_integer_value(line) > most) {
            abort();
        }
    }
    json_decref(lines);

    struct shoal_arena *arena = shoal_arena_new(0);
    struct shoal_config config = {0};
    struct shoal_config_state state = {.arena = arena, .lines = json_object()};
    config.state = &state;
    json_t *text = json_stringn((const char *)bytes, length);
    json_t *listen = json_array();
    json_array_append_new(listen, text ? text : json_null());
    struct shoal_err err = {0};
    if (shoal_config_listens(&config, arena, listen, &err) < 0 && err.text[0] == '\0') {
        abort();
    }
    json_decref(listen);
    json_decref(state.lines);
    shoal_arena_free(arena);
    return 0;
}

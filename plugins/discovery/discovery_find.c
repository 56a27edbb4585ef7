// discovery_find.c - from an address or a handle to what it names: known here, or asked for elsewhere.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <string.h>

#include <federate.h>
#include <named.h>

#include "discovery.h"

#define FAILED_MS 20000 ///< a page asks for videos and channels: another server is asked once for both

SHOAL_SQL(discovery_channel_of, "SELECT name, host FROM v1_channel WHERE url = $1");
SHOAL_SQL(discovery_account_of, "SELECT name, host FROM v1_account WHERE url = $1");
SHOAL_SQL(discovery_video_of, "SELECT uuid FROM v1_video WHERE url = $1");

json_t *discovery_resolve(struct shoal_call *call, const char *what, struct shoal_err *err)
{
    return federate_is_there() ? federate_resolve(call, what, err)
                               : (federate_need(call, err), NULL);
}

// A row by its address: "name@host", or with one column that; NULL where there is none.
static const char *row_text(
    struct shoal_call *call, const struct shoal_sql *sql, const char *url, bool is_handle)
{
    struct shoal_arena *arena = shoal_call_arena(call);
    struct shoal_rows *rows =
        shoal_db_query(shoal_call_db(call), sql, SHOAL_ARGS(SHOAL_TEXT(url)), NULL);
    const char *out = NULL;
    if (rows != NULL && shoal_rows_next(rows)) {
        const char *text = shoal_arena_strdup(arena, shoal_col_text(rows, 0));
        out = is_handle ? shoal_arena_printf(arena, "%s@%s", text, shoal_col_text(rows, 1)) : text;
    }
    shoal_rows_close(rows, NULL);
    return out;
}

static bool is_known_handle(struct shoal_call *call, const char *handle)
{
    struct shoal_err none = {0};
    json_t *noun = shoal_channel_get(call, handle, &none);
    noun = noun != NULL ? noun : shoal_account_get(call, handle, &none);
    bool is_known = noun != NULL;
    json_decref(noun);
    return is_known;
}

// What nobody else has to be asked for.
static bool find_here(struct shoal_call *call, const char *text, struct discovery_found *found)
{
    if (discovery_kind(text) == DISCOVERY_HANDLE) {
        const char *handle = text + (text[0] == '@');
        found->handle = is_known_handle(call, handle) ? handle : NULL;
        return found->handle != NULL;
    }
    struct named_place own;
    if (named_place(shoal_call_arena(call), shoal_url(call, ""), text, &own)) {
        found->video = own.video;
        found->handle = own.handle != NULL && is_known_handle(call, own.handle) ? own.handle : NULL;
        return true;
    }
    found->video = row_text(call, &discovery_video_of, text, false);
    if (found->video == NULL) {
        found->handle = row_text(call, &discovery_channel_of, text, true);
    }
    if (found->video == NULL && found->handle == NULL) {
        found->handle = row_text(call, &discovery_account_of, text, true);
    }
    return found->video != NULL || found->handle != NULL;
}

static void find_there(struct shoal_call *call, struct discovery *discovery, const char *text,
    struct discovery_found *found)
{
    struct shoal_arena *arena = shoal_call_arena(call);
    struct shoal_err why = {0};
    if (discovery_memory_has(discovery->failed, text, shoal_now_ms())) {
        return;
    }
    bool is_bare = discovery_kind(text) == DISCOVERY_HANDLE && text[0] != '@';
    json_t *answer =
        discovery_resolve(call, is_bare ? shoal_arena_printf(arena, "@%s", text) : text, &why);
    const char *video = shoal_text(answer, "video", NULL);
    const char *name = shoal_text(answer, "name", NULL);
    if (video != NULL) {
        found->video = shoal_arena_strdup(arena, video);
    } else if (name != NULL) {
        const char *host = shoal_text(answer, "host", "");
        found->handle = host[0] == '\0' ? shoal_arena_strdup(arena, name)
                                        : shoal_arena_printf(arena, "%s@%s", name, host);
        found->actor_id = host[0] == '\0' ? 0 : shoal_integer(answer, "actor", 0);
    } else {
        discovery_memory_add(discovery->failed, text, shoal_now_ms() + FAILED_MS);
        shoal_debug("a search for %.200s found nothing: %s", text, why.text);
    }
    json_decref(answer);
}

struct discovery_found discovery_find(
    struct shoal_call *call, struct discovery *discovery, const char *text)
{
    struct discovery_found found = {0};
    bool is_user = shoal_call_viewer(call)->kind == SHOAL_VIEWER_USER;
    if (!find_here(call, text, &found) && is_user) {
        find_there(call, discovery, text, &found);
        if (found.actor_id != 0) {
            discovery_outbox_queue(call, discovery, found.actor_id);
        }
    }
    return found;
}

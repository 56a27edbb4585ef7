// held_show.c - what a held thing is: nouns of the catalog here, others by whoever keeps them.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <stdlib.h>
#include <string.h>

#include <shoal/remote.h>

#include "held.h"

#define PROVIDERS_MAX 16

SHOAL_SQL(held_show_follow, "SELECT follower_id, target_id FROM v1_follow WHERE id = $1");

// Sets out[name] = from[path], where it is there.
static void copy(json_t *out, const char *name, const json_t *from, const char *path)
{
    json_t *value = shoal_get(from, path);
    if (value != NULL && !json_is_null(value)) {
        json_object_set(out, name, value);
    }
}

static json_t *account_json(const json_t *account)
{
    static const char *const names[] = {"name", "host", "displayName", "isLocal", "avatars"};
    json_t *out = json_object();
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        copy(out, names[i], account, names[i]);
    }
    return out;
}

static json_t *video_show(struct shoal_call *call, const char *uuid)
{
    json_t *video = shoal_video_get(call, uuid, NULL, NULL);
    if (video == NULL) {
        return NULL;
    }
    bool is_local = shoal_flag(video, "isLocal", true);
    json_t *out = json_pack("{s:s, s:s, s:o}", "kind", "video", "path",
        shoal_arena_printf(shoal_call_arena(call), "/w/%s", shoal_text(video, "shortUUID", uuid)),
        "account", account_json(json_object_get(video, "account")));
    copy(out, "title", video, "name");
    copy(out, "text", video, "description");
    copy(out, "duration", video, "duration");
    copy(out, "privacy", video, "privacy");
    copy(out, "thumbnailPath", video, "thumbnailPath");
    if (!is_local) {
        copy(out, "url", video, "url");
    }
    json_decref(video);
    return out;
}

static json_t *user_show(struct shoal_call *call, int64_t id)
{
    json_t *user = shoal_user_get(call, id, NULL);
    if (user == NULL) {
        return NULL;
    }
    json_t *out = json_pack("{s:s, s:o}", "kind", "user", "account",
        account_json(json_object_get(user, "account")));
    copy(out, "title", user, "username");
    copy(out, "email", user, "email");
    json_decref(user);
    return out;
}

static json_t *actor_json(struct shoal_call *call, const struct shoal_actor *actor)
{
    bool is_local = *actor->host == '\0';
    const char *host = strstr(shoal_url(call, ""), "://");
    const char *shown = actor->display_name != NULL && *actor->display_name != '\0' ? actor->display_name
                                                                                    : actor->name;
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:b}", "type", actor->kind, "name", actor->name, "host",
        !is_local ? actor->host : host != NULL ? host + 3 : "", "displayName", shown, "url", actor->url,
        "isLocal", is_local);
}

static json_t *follow_show(struct shoal_call *call, int64_t id)
{
    struct shoal_actor follower, target;
    struct shoal_rows *rows =
        shoal_db_query(shoal_call_db(call), &held_show_follow, SHOAL_ARGS(SHOAL_I64(id)), NULL);
    bool is_there = rows != NULL && shoal_rows_next(rows);
    int64_t follower_id = is_there ? shoal_col_i64(rows, 0) : 0;
    int64_t target_id = is_there ? shoal_col_i64(rows, 1) : 0;
    if (rows == NULL || shoal_rows_close(rows, NULL) != 0 || !is_there ||
        shoal_actor_get(call, follower_id, &follower, NULL) != 0 ||
        shoal_actor_get(call, target_id, &target, NULL) != 0) {
        return NULL;
    }
    json_t *out = json_pack("{s:s, s:o, s:o}", "kind", "follow", "account", actor_json(call, &follower),
        "target", actor_json(call, &target));
    if (*follower.host != '\0') {
        json_object_set_new(out, "url", json_string(follower.url));
    }
    return out;
}

static json_t *others_show(struct shoal_call *call, const char *hook, const char *subject)
{
    struct shoal_service all[PROVIDERS_MAX];
    size_t count = shoal_service_all("held", all, PROVIDERS_MAX);
    json_t *out = NULL;
    for (size_t i = 0; i < count && i < PROVIDERS_MAX && out == NULL; i++) {
        const struct shoal_svc_held *table = all[i].table;
        if (SHOAL_HAS(table, show)) {
            shoal_enter(call, &all[i]);
            out = table->show(call, all[i].arg, hook, subject);
            shoal_leave(call);
        }
    }
    return out;
}

/// What stands behind "noun:" of a subject; NULL where it is another noun's.
static const char *id_of(const char *subject, const char *noun)
{
    size_t length = strlen(noun);
    return strncmp(subject, noun, length) == 0 && subject[length] == ':' ? subject + length + 1 : NULL;
}

void held_show(struct shoal_call *call, json_t *held)
{
    const char *subject = shoal_text(held, "subject", "");
    const char *id = NULL;
    json_t *what = others_show(call, shoal_text(held, "hook", ""), subject);
    if (what == NULL && (id = id_of(subject, "video")) != NULL) {
        what = video_show(call, id);
    } else if (what == NULL && (id = id_of(subject, "user")) != NULL) {
        what = user_show(call, strtoll(id, NULL, 10));
    } else if (what == NULL && (id = id_of(subject, "follow")) != NULL) {
        what = follow_show(call, strtoll(id, NULL, 10));
    }
    json_object_set_new(held, "what", what != NULL ? what : json_null());
}

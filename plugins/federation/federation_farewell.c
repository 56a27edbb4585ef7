// federation_farewell.c - accounts and channels of ours that changed or are gone: those who know them hear of it.
//
// A Delete goes out some seconds after what its author took back before (comments), since nobody believes that
// of an actor who is gone. Its key signs on: the row outlives the actor.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <stdlib.h>
#include <string.h>

#include <activity.h>
#include <sign.h>

#include "federation.h"

#define FAREWELL_MS       5000
#define FAREWELL_PRIORITY 20 // in the queue of a host: behind all that was said before
#define UPDATE_PRIORITY   1
#define KEYS_LOT          100

SHOAL_SQL(farewell_add, "INSERT INTO federation_farewell (actor_id, actor_url, kind, gone) "
                        "VALUES ($1, $2, $3, $4) ON CONFLICT (actor_id) DO NOTHING");
SHOAL_SQL(farewell_said, "SELECT actor_id FROM federation_farewell WHERE actor_id = $1");
SHOAL_SQL(farewell_find, "SELECT kind, gone FROM federation_farewell WHERE actor_url = $1 "
                         "ORDER BY actor_id DESC LIMIT 1");

struct farewell {
    int64_t actor_id;
    const char *url, *kind;
    json_t *document; // of one that changed
};

static int gone_tx(struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    (void)call;
    const struct farewell *farewell = arg;
    int64_t changed = 0;
    int code = shoal_db_exec(tx, &farewell_add,
        SHOAL_ARGS(SHOAL_I64(farewell->actor_id), SHOAL_TEXT(farewell->url),
            SHOAL_TEXT(farewell->kind), SHOAL_TIME(shoal_now_ms())),
        &changed, err);
    if (code != 0 || changed == 0) {
        return code; // it was said
    }
    const struct shoal_job_options options = {
        .subject = farewell->url, .run_at_ms = shoal_now_ms() + FAREWELL_MS};
    json_t *payload = json_pack(
        "{s:I, s:s}", "actor", (json_int_t)farewell->actor_id, "url", farewell->url);
    code = shoal_job_add(fed_plugin, tx, "farewell", payload, &options, NULL, err);
    json_decref(payload);
    return code;
}

static json_t *activity_of(const char *type, const char *id, const char *url, json_t *object)
{
    struct shoal_arena *arena = shoal_arena_new(0);
    json_t *out = json_pack("{s:s, s:s, s:s, s:o, s:[s], s:[s]}", "type", type, "id", id, "actor", url,
        "object", object, "to", ACTIVITY_PUBLIC, "cc", shoal_arena_printf(arena, "%s/followers", url));
    shoal_arena_free(arena);
    return out;
}

static int farewell_tx(struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    const struct farewell *farewell = arg;
    const char *id = shoal_arena_printf(shoal_call_arena(call), "%s/delete", farewell->url);
    json_t *activity = activity_of("Delete", id, farewell->url, json_string(farewell->url));
    const struct shoal_delivery what = {.size = sizeof what,
        .activity = activity,
        .actor_id = farewell->actor_id,
        .known_of = farewell->actor_id,
        .priority = FAREWELL_PRIORITY};
    int code = fed_deliver(call, tx, &what, err);
    json_decref(activity);
    return code;
}

static int farewell_job(
    struct shoal_call *call, const struct shoal_job *job, void *arg, struct shoal_err *err)
{
    (void)arg;
    struct farewell farewell = {.actor_id = shoal_integer(job->payload, "actor", 0),
        .url = shoal_text(job->payload, "url", "")};
    return fed_enabled(call) ? shoal_tx(call, farewell_tx, &farewell, err)
                             : shoal_fail(err, SHOAL_EBUSY, "federation is switched off");
}

static int update_tx(struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    const struct farewell *changed = arg;
    struct shoal_arena *arena = shoal_call_arena(call);
    struct shoal_actor actor = {0}, self = {0};
    char now[32];
    int code = shoal_actor_get(call, changed->actor_id, &actor, err);
    code = code == 0 ? fed_self(call, &self, err) : code;
    if (code != 0) {
        return code;
    }
    json_t *activity = activity_of("Update",
        shoal_arena_printf(arena, "%s/updates/%s", actor.url, shoal_time_format(shoal_now_ms(), now)),
        actor.url, json_incref(changed->document));
    const struct shoal_delivery what = {.size = sizeof what,
        .activity = activity,
        .actor_id = actor.id,
        .context = "Actor",
        .followers_of = {actor.id, self.id, actor.owner_id},
        .priority = UPDATE_PRIORITY,
        .replaces = shoal_arena_printf(arena, "actor:%s", actor.url)};
    code = fed_deliver(call, tx, &what, err);
    json_decref(activity);
    return code;
}

// Whose document nobody has ever read, nobody knows.
static int actor_changed(
    struct shoal_call *call, int64_t actor_id, const char *kind, bool is_gone, struct shoal_err *err)
{
    struct farewell farewell = {.actor_id = actor_id, .kind = kind};
    struct shoal_actor actor;
    struct shoal_err why = {0};
    if (actor_id == 0 || !fed_enabled(call)) {
        return 0;
    }
    int code = sign_known(call, actor_id, &farewell.url, &why);
    if (code != 0) {
        bool is_nothing = code == SHOAL_ENOTFOUND || code == SHOAL_EINVAL; // of another server
        return is_nothing ? 0 : shoal_fail(err, code, "%s", why.text);
    }
    if (is_gone) {
        return shoal_tx(call, gone_tx, &farewell, err);
    }
    if (shoal_actor_get(call, actor_id, &actor, NULL) != 0) {
        return 0; // gone since: its farewell follows
    }
    farewell.document = fed_actor_document(call, &actor, err);
    if (farewell.document != NULL) {
        fed_written(call, actor.kind, NULL, &farewell.document);
    }
    code = farewell.document == NULL ? err->code : shoal_tx(call, update_tx, &farewell, err);
    json_decref(farewell.document);
    return code;
}

static int user_changed(
    struct shoal_call *call, const json_t *event, void *arg, struct shoal_err *err)
{
    (void)arg;
    const char *what = shoal_text(event, "what", "");
    bool is_gone = strcmp(what, "deleted") == 0;
    return is_gone || strcmp(what, "updated") == 0
               ? actor_changed(call, shoal_integer(event, "actorId", 0), "Person", is_gone, err)
               : 0;
}

static int channel_changed(
    struct shoal_call *call, const json_t *event, void *arg, struct shoal_err *err)
{
    (void)arg;
    const char *what = shoal_text(event, "what", "");
    bool is_gone = strcmp(what, "deleted") == 0;
    bool is_other = strcmp(what, "updated") == 0 || strcmp(what, "given") == 0;
    return is_gone || is_other
               ? actor_changed(call, shoal_integer(event, "actorId", 0), "Group", is_gone, err)
               : 0;
}

json_t *fed_farewell_document(struct shoal_call *call, const char *url)
{
    char gone[32];
    struct shoal_rows *rows =
        shoal_db_query(shoal_call_db(call), &farewell_find, SHOAL_ARGS(SHOAL_TEXT(url)), NULL);
    json_t *document = NULL;
    if (rows != NULL && shoal_rows_next(rows)) {
        document = json_pack("{s:s, s:s, s:s, s:s, s:s}", "@context",
            "https://www.w3.org/ns/activitystreams", "type", "Tombstone", "id", url, "formerType",
            shoal_col_text(rows, 0), "deleted", shoal_time_format(shoal_col_i64(rows, 1), gone));
    }
    shoal_rows_close(rows, NULL);
    return document;
}

// One that went while nobody listened: it has a key, and is here no more. Where somebody has its name again,
// others hear of that one, and would take its removal for theirs.
static int missed_one(struct shoal_call *call, int64_t actor_id, struct shoal_err *err)
{
    struct farewell farewell = {.actor_id = actor_id};
    struct shoal_actor actor;
    struct shoal_err why = {0}, none = {0};
    int64_t said = 0;
    if (shoal_actor_get(call, actor_id, &actor, &why) != SHOAL_ENOTFOUND ||
        shoal_db_i64(shoal_call_db(call), &farewell_said, SHOAL_ARGS(SHOAL_I64(actor_id)), &said, &why) !=
            SHOAL_ENOTFOUND ||
        sign_known(call, actor_id, &farewell.url, &why) != 0 ||
        shoal_actor_find(call, farewell.url, &actor, &none) != SHOAL_ENOTFOUND) {
        return 0;
    }
    farewell.kind = strstr(farewell.url, "/video-channels/") != NULL ? "Group" : "Person";
    shoal_info("%s went while this server did not federate: others are told now", farewell.url);
    return shoal_tx(call, gone_tx, &farewell, err);
}

static int missed_job(
    struct shoal_call *call, const struct shoal_job *job, void *arg, struct shoal_err *err)
{
    (void)job;
    (void)arg;
    int64_t ids[KEYS_LOT], after = 0;
    int code = 0, count = fed_enabled(call) ? KEYS_LOT : 0;
    while (code == 0 && count == KEYS_LOT && !shoal_call_cancelled(call)) {
        count = sign_keyed(call, after, ids, KEYS_LOT, err);
        code = count < 0 ? count : 0;
        for (int i = 0; i < count && code == 0; i++) {
            code = missed_one(call, ids[i], err);
            after = ids[i];
        }
    }
    return code;
}

static int missed_tx(struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    (void)call;
    (void)arg;
    const struct shoal_job_options options = {.unique = "missed", .subject = "who went unheard"};
    return shoal_job_add(fed_plugin, tx, "missed", NULL, &options, NULL, err);
}

static int farewell_started(
    struct shoal_call *call, const json_t *event, void *arg, struct shoal_err *err)
{
    (void)event;
    (void)arg;
    return fed_enabled(call) ? shoal_tx(call, missed_tx, NULL, err) : 0;
}

int fed_farewell_start(struct shoal_plugin *self, struct shoal_err *err)
{
    const struct shoal_job_kind kind = {.kind = "farewell", .run = farewell_job, .attempts = 12};
    const struct shoal_job_kind missed = {.kind = "missed", .run = missed_job, .is_brief = true};
    int code = shoal_job_kind_add(self, &kind, err);
    code = code != 0 ? code : shoal_job_kind_add(self, &missed, err);
    code = code != 0 ? code : shoal_tell(self, "instance.started", farewell_started, NULL);
    code = code != 0 ? code : shoal_tell(self, "user.changed", user_changed, NULL);
    return code != 0 ? code : shoal_tell(self, "channel.changed", channel_changed, NULL);
}

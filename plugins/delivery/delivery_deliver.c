// delivery_deliver.c - takes what is to be said within the transaction that it reports.
//
// The transaction of a user's request gets one row and one job, however many servers listen.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <stdlib.h>
#include <string.h>

#include <activity.h>

#include "delivery.h"

#define KEY_MAX 400

SHOAL_SQL(out_add,
    "INSERT INTO delivery_out (actor_id, activity, body, plan, priority, replaces, created, subject)"
    " VALUES ($1, $2, $3, $4, $5, $6, $7, $8) RETURNING id");
SHOAL_SQL(out_replace, "DELETE FROM delivery_out WHERE replaces = $1 AND replaces <> ''"
                       " AND is_spread = FALSE AND passed = ''");

static bool is_any(const char *type, const char *const types[4])
{
    bool is_found = false;
    for (size_t i = 0; i < 4; i++) {
        is_found = is_found || strcmp(type, types[i]) == 0;
    }
    return is_found;
}

int64_t dlv_subject(const json_t *activity)
{
    static const char *const about[] = {"Create", "Update", "Delete", "Undo"};
    static const char *const standing[] = {"Like", "Dislike", "Follow", "Announce"};
    const json_t *object = json_object_get(activity, "object");
    bool is_undo = strcmp(shoal_text(activity, "type", ""), "Undo") == 0 && json_is_object(object);
    const json_t *said = is_undo ? object : activity;
    uint64_t number;
    if (is_any(shoal_text(said, "type", ""), standing)) { // each time with another id
        const char *actor = activity_id(json_object_get(activity, "actor"));
        const char *whom = activity_id(json_object_get(said, "object"));
        number = activity_hash(actor != NULL ? actor : "") * 31 + activity_hash(whom != NULL ? whom : "");
    } else {
        const char *id = activity_id(activity);
        const char *inner = is_any(shoal_text(activity, "type", ""), about) ? activity_id(object) : NULL;
        number = activity_hash(inner != NULL ? inner : id != NULL ? id : "");
    }
    return (int64_t)(number >> 1) | 1; // two with one number cost no more than a wait
}

int dlv_out_add(struct shoal_db *tx, const struct dlv_out *out, const char *activity, const char *body,
    const json_t *plan, struct shoal_err *err)
{
    char *text = json_dumps(plan, JSON_COMPACT);
    int64_t id = 0;
    int code = text == NULL ? shoal_fail(err, SHOAL_EINTERNAL, "a delivery cannot be written") : 0;
    if (code == 0 && out->replaces[0] != '\0') { // what did not begin to go out need not any more
        code = shoal_db_exec(tx, &out_replace, SHOAL_ARGS(SHOAL_TEXT(out->replaces)), NULL, err);
    }
    if (code == 0) {
        code = shoal_db_i64(tx, &out_add,
            SHOAL_ARGS(SHOAL_I64(out->actor_id), SHOAL_TEXT(activity), SHOAL_TEXT(body),
                SHOAL_TEXT(text), SHOAL_I64(out->priority), SHOAL_TEXT(out->replaces),
                SHOAL_I64(shoal_now_ms()), SHOAL_I64(out->subject)),
            &id, err);
    }
    free(text);
    return code != 0 ? code : dlv_spread_add(tx, id, out->priority, 0, err);
}

static int actor_add(json_t *actors, int64_t id, struct shoal_err *err)
{
    size_t index;
    json_t *there;
    json_array_foreach(actors, index, there)
    {
        if (json_integer_value(there) == id) {
            return 0;
        }
    }
    if (id != 0 && json_array_size(actors) >= DLV_ACTORS_MAX) {
        return shoal_fail(
            err, SHOAL_EINVAL, "one activity goes to the followers of %d actors", DLV_ACTORS_MAX);
    }
    return id == 0 ? 0 : json_array_append_new(actors, json_integer(id));
}

int dlv_audience_add(struct shoal_call *call, int64_t video_id, bool with_account, json_t *actors,
    struct shoal_err *err)
{
    char number[24];
    snprintf(number, sizeof number, "%lld", (long long)video_id);
    struct shoal_video_ref video = {0};
    struct shoal_actor self = {0};
    int code = shoal_actor_named(call, "peertube", "", &self, err);
    code = code != 0 ? code : actor_add(actors, self.id, err);
    if (code == 0 && shoal_video_by_id(call, number, &video, NULL) == 0) { // else it was deleted
        code = actor_add(actors, video.channel_actor_id, err);
        code = code != 0 || !with_account ? code : actor_add(actors, video.account_actor_id, err);
    }
    return code;
}

/// Where an actor takes what is for it; none for ours.
static int inbox_add(struct shoal_call *call, json_t *inboxes, int64_t actor_id, bool is_personal,
    struct shoal_err *err)
{
    struct shoal_actor actor = {0};
    struct shoal_err why = {0};
    int code = shoal_actor_get(call, actor_id, &actor, &why);
    if (code == SHOAL_ENOTFOUND || (code == 0 && actor.host[0] == '\0')) {
        return 0; // ours, or gone meanwhile
    }
    if (code != 0) {
        return shoal_fail(err, code, "%s", why.text);
    }
    bool is_shared = !is_personal && actor.shared_inbox_url != NULL && actor.shared_inbox_url[0] != '\0';
    const char *inbox = is_shared ? actor.shared_inbox_url : actor.inbox_url;
    return inbox == NULL ? 0 : json_array_append_new(inboxes, json_string(inbox));
}

static int inboxes_read(struct shoal_call *call, const struct shoal_delivery *what, json_t *inboxes,
    struct shoal_err *err)
{
    int code = 0;
    for (size_t i = 0; what->inboxes != NULL && what->inboxes[i] != NULL && code == 0; i++) {
        code = json_array_append_new(inboxes, json_string(what->inboxes[i]));
    }
    for (size_t i = 0; what->actors != NULL && what->actors[i] != 0 && code == 0; i++) {
        code = inbox_add(call, inboxes, what->actors[i], what->is_personal, err);
    }
    if (code == 0 && json_array_size(inboxes) > DLV_INBOXES_MAX) {
        return shoal_fail(
            err, SHOAL_EINVAL, "one activity names %d inboxes at most", DLV_INBOXES_MAX);
    }
    return code;
}

static int actors_read(struct shoal_call *call, const struct shoal_delivery *what, json_t *actors,
    struct shoal_err *err)
{
    int code = 0;
    for (int i = 0; i < 4 && what->followers_of[i] != 0 && code == 0; i++) {
        code = actor_add(actors, what->followers_of[i], err);
    }
    return code != 0 || what->video_id == 0
               ? code
               : dlv_audience_add(call, what->video_id, false, actors, err);
}

int dlv_deliver(struct shoal_call *call, struct shoal_db *tx, const struct shoal_delivery *given,
    struct shoal_err *err)
{
    if (!dlv_enabled(call)) {
        return 0;
    }
    struct shoal_delivery what = {0};
    memcpy(&what, given, given->size < sizeof what ? given->size : sizeof what);
    if (!json_is_object(what.activity) || shoal_text(what.activity, "id", NULL) == NULL ||
        (what.replaces != NULL && strlen(what.replaces) > KEY_MAX)) {
        return shoal_fail(err, SHOAL_EINVAL, "what is delivered is an activity with an id");
    }
    const struct dlv_out out = {.actor_id = what.actor_id,
        .priority = what.priority,
        .subject = dlv_subject(what.activity),
        .replaces = what.replaces != NULL ? what.replaces : ""};
    json_t *actors = json_array(), *inboxes = json_array();
    int code = actors_read(call, &what, actors, err);
    code = code != 0 ? code : inboxes_read(call, &what, inboxes, err);
    json_t *plan = json_pack("{s:o, s:o, s:s?, s:b, s:s?, s:I}", "actors", actors, "inboxes", inboxes,
        "context", what.context, "signed", what.is_signed, "except", what.except_host, "video",
        (json_int_t)what.video_id);
    if (what.known_of != 0) {
        json_object_set_new(plan, "known", json_integer(what.known_of));
    }
    char *text = json_dumps(what.activity, JSON_COMPACT);
    code = code != 0 || what.known_of != 0 ? code : dlv_known_put(call, tx, &what, actors, err);
    if (code == 0 && (json_array_size(actors) > 0 || json_array_size(inboxes) > 0 || what.known_of != 0)) {
        code = text == NULL || strlen(text) > DLV_BODY_MAX
                   ? shoal_fail(err, SHOAL_ETOOLARGE, "an activity is larger than others take it")
                   : dlv_out_add(tx, &out, text, "", plan, err);
    }
    free(text);
    json_decref(plan);
    return code;
}

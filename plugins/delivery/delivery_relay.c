// delivery_relay.c - passes what others said on, byte for byte, to those who follow a video here.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <string.h>

#include "delivery.h"

#define RELAY_PRIORITY 2 // after what was said here
#define VIEW_PRIORITY 10
#define BYTES_MAX (100u * 1024) // others take no more, and each follower would get it

// Of several that wait the newest alone goes on: of Views each video has one, of all else what one actor
// says of one object. So who says much has us say little to the many who follow.
static const char *key_of(
    struct shoal_call *call, const json_t *activity, const char *type, bool is_view, int64_t video_id)
{
    struct shoal_arena *arena = shoal_call_arena(call);
    if (is_view) {
        return shoal_arena_printf(arena, "relay:View:%lld", (long long)video_id);
    }
    char sum[65];
    const char *text = shoal_arena_printf(arena, "%s %s", shoal_text(activity, "actor.id", shoal_text(activity, "actor", "")),
        shoal_text(activity, "object.id", shoal_text(activity, "object", "")));
    struct shoal_sha256 *hash = shoal_sha256_new();
    shoal_sha256_add(hash, text, strlen(text));
    shoal_sha256_end(hash, sum);
    shoal_sha256_free(hash);
    return shoal_arena_printf(arena, "relay:%.40s:%.32s", type, sum);
}

struct relay {
    const char *bytes, *except_host;
    int64_t video_id;
};

static int relay_tx(struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    const struct relay *relay = arg;
    struct shoal_actor self = {0};
    int code = shoal_actor_named(call, "peertube", "", &self, err);
    if (code != 0) {
        return code;
    }
    json_t *activity = shoal_json_parse(relay->bytes, strlen(relay->bytes), err);
    if (activity == NULL) {
        return err != NULL ? err->code : SHOAL_EINVAL;
    }
    const char *type = shoal_text(activity, "type", "");
    bool is_view = strcmp(type, "View") == 0;
    const struct dlv_out out = {.actor_id = self.id,
        .priority = is_view ? VIEW_PRIORITY : RELAY_PRIORITY,
        .subject = dlv_subject(activity),
        .replaces = key_of(call, activity, type, is_view, relay->video_id)};
    json_decref(activity);
    json_t *actors = json_array();
    code = dlv_audience_add(call, relay->video_id, true, actors, err);
    json_t *plan = json_pack("{s:o, s:[], s:s?, s:I}", "actors", actors, "inboxes", "except",
        relay->except_host, "video", (json_int_t)relay->video_id);
    code = code != 0 ? code : dlv_out_add(tx, &out, "", relay->bytes, plan, err);
    json_decref(plan);
    return code;
}

int dlv_relay(struct shoal_call *call, struct shoal_db *tx, const char *bytes, int64_t video_id,
    const char *except_host, struct shoal_err *err)
{
    if (!dlv_enabled(call) || strlen(bytes) > BYTES_MAX) {
        return 0;
    }
    struct relay relay = {bytes, except_host, video_id};
    return tx != NULL ? relay_tx(call, tx, &relay, err) : shoal_tx(call, relay_tx, &relay, err);
}

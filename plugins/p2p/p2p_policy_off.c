// p2p_policy_off.c - what owners switched off: their videos by the form, their channels by a page.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <string.h>

#include "p2p_policy.h"

SHOAL_SQL(p2p_off_add,
    "INSERT INTO p2p_off (kind, id) VALUES ($1, $2) ON CONFLICT (kind, id) DO NOTHING");
SHOAL_SQL(p2p_off_remove, "DELETE FROM p2p_off WHERE kind = $1 AND id = $2");
SHOAL_SQL(p2p_off_of,
    "SELECT COUNT(*) FROM v1_video v JOIN p2p_off o "
    "ON (o.kind = 1 AND o.id = v.id) OR (o.kind = 2 AND o.id = v.channel_id) WHERE v.id = $1");
SHOAL_SQL(p2p_off_video, "SELECT COUNT(*) FROM p2p_off WHERE kind = 1 AND id = $1");
SHOAL_SQL(p2p_off_channel, "SELECT id, account_id FROM v1_channel WHERE name = $1 AND host = ''");
SHOAL_SQL(p2p_off_channels, "SELECT c.name, c.display_name, o.id FROM v1_channel c "
                            "LEFT JOIN p2p_off o ON o.kind = 2 AND o.id = c.id "
                            "WHERE c.account_id = $1 AND c.host = '' ORDER BY c.name LIMIT 200");

// What is known of the videos is to be looked at anew, and soon.
SHOAL_SQL(p2p_off_stale, "UPDATE p2p_video SET base = '' WHERE video_id = $1");
SHOAL_SQL(p2p_off_stale_channel, "UPDATE p2p_video SET base = '' "
                                 "WHERE video_id IN (SELECT id FROM v1_video WHERE channel_id = $1)");
SHOAL_SQL(p2p_off_walk, "UPDATE p2p_walk SET base = '' WHERE id = 1");

bool p2p_policy_shares(struct shoal_call *call, int64_t video_id)
{
    struct shoal_err why = {0};
    int64_t count = 0;
    int code = shoal_db_i64(
        shoal_call_db(call), &p2p_off_of, SHOAL_ARGS(SHOAL_I64(video_id)), &count, &why);
    return code == 0 && count == 0; // who cannot be asked does not share
}

bool p2p_off_has_video(struct shoal_call *call, int64_t video_id)
{
    struct shoal_err why = {0};
    int64_t count = 0;
    int code = shoal_db_i64(
        shoal_call_db(call), &p2p_off_video, SHOAL_ARGS(SHOAL_I64(video_id)), &count, &why);
    return code == 0 && count > 0;
}

struct change {
    enum p2p_kind kind;
    int64_t id;
    bool is_off;
    bool is_changed; // out
};

static int change_tx(struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    struct change *change = arg;
    int64_t changed = 0;
    int code = shoal_db_exec(tx, change->is_off ? &p2p_off_add : &p2p_off_remove,
        SHOAL_ARGS(SHOAL_I64(change->kind), SHOAL_I64(change->id)), &changed, err);
    change->is_changed = code == 0 && changed > 0;
    if (!change->is_changed) {
        return code;
    }
    code = shoal_db_exec(tx,
        change->kind == P2P_OFF_VIDEO ? &p2p_off_stale : &p2p_off_stale_channel,
        SHOAL_ARGS(SHOAL_I64(change->id)), NULL, err);
    code = code == 0 ? shoal_db_exec(tx, &p2p_off_walk, SHOAL_NOARGS, NULL, err) : code;
    // Kept answers still name the trackers.
    return code == 0 ? shoal_touch(call, tx, "off", err) : code;
}

// --- videos ---

// Programs that know nothing of the box send data of their own, without it: what its owner said stays.
static int video_heard(
    struct shoal_call *call, const json_t *event, void *arg, struct shoal_err *err)
{
    struct p2p *p2p = arg;
    const json_t *video = json_object_get(event, "video");
    if (!p2p_form_is_asked(video)) {
        return 0;
    }
    struct change change = {
        P2P_OFF_VIDEO, shoal_integer(video, "id", 0), p2p_form_is_off(video), false};
    int code = shoal_tx(call, change_tx, &change, err);
    if (code == 0 && change.is_changed) {
        p2p_video_forget(p2p, call, change.id, change.is_off);
    }
    return code;
}

static int video_gone(
    struct shoal_call *call, const json_t *event, void *arg, struct shoal_err *err)
{
    (void)arg;
    struct change change = {P2P_OFF_VIDEO, shoal_integer(event, "video.id", 0), false, false};
    return shoal_tx(call, change_tx, &change, err);
}

// --- channels ---

static int list_channels(
    struct shoal_call *call, struct shoal_request *request, void *arg, struct shoal_err *err)
{
    (void)arg;
    struct shoal_rows *rows = shoal_db_query(shoal_call_db(call), &p2p_off_channels,
        SHOAL_ARGS(SHOAL_I64(shoal_call_viewer(call)->account_id)), err);
    json_t *data = json_array();
    while (rows != NULL && shoal_rows_next(rows)) {
        json_array_append_new(
            data, json_pack("{s:s, s:s?, s:b}", "name", shoal_col_text(rows, 0), "displayName",
                      shoal_col_text(rows, 1), "shared", shoal_col_null(rows, 2)));
    }
    int code = rows == NULL ? SHOAL_EIO : shoal_rows_close(rows, err);
    if (code != 0) {
        json_decref(data);
        return code;
    }
    return shoal_answer_json(request, 200, json_pack("{s:o}", "data", data));
}

// Returns: the channel's number, 0 where there is none.
static int64_t find_channel(
    struct shoal_call *call, const char *name, int64_t *owner, struct shoal_err *err)
{
    struct shoal_rows *rows =
        shoal_db_query(shoal_call_db(call), &p2p_off_channel, SHOAL_ARGS(SHOAL_TEXT(name)), err);
    int64_t id = 0;
    if (rows != NULL && shoal_rows_next(rows)) {
        id = shoal_col_i64(rows, 0);
        *owner = shoal_col_i64(rows, 1);
    }
    return rows != NULL && shoal_rows_close(rows, err) == 0 ? id : 0;
}

static int set_channel(
    struct shoal_call *call, struct shoal_request *request, void *arg, struct shoal_err *err)
{
    const struct shoal_viewer *viewer = shoal_call_viewer(call);
    const json_t *body = shoal_request_body(request, err);
    if (body == NULL) {
        return err->code;
    }
    const json_t *shared = json_object_get(body, "shared");
    if (!json_is_boolean(shared)) {
        return shoal_fail_field(err, "shared", "Should be true or false");
    }
    int64_t owner = 0;
    int64_t id = find_channel(call, shoal_request_param(request, "name"), &owner, err);
    if (id == 0) {
        return err->code != 0 ? err->code
                              : shoal_fail(err, SHOAL_ENOTFOUND, "Video channel not found");
    }
    if (owner != viewer->account_id && viewer->role != SHOAL_ROLE_ADMIN) {
        return shoal_fail(err, SHOAL_EFORBIDDEN, "this channel is somebody else's");
    }
    struct change change = {P2P_OFF_CHANNEL, id, json_is_false(shared), false};
    int code = shoal_tx(call, change_tx, &change, err);
    if (code == 0 && change.is_changed) {
        // Those who share already are sent away, and those who were refused are asked about anew.
        code = p2p_channel_forget(arg, call, id, change.is_off, err);
    }
    return code == 0 ? shoal_answer_status(request, 204) : code;
}

static int channel_heard(
    struct shoal_call *call, const json_t *event, void *arg, struct shoal_err *err)
{
    (void)arg;
    if (strcmp(shoal_text(event, "what", ""), "deleted") != 0) {
        return 0;
    }
    struct change change = {P2P_OFF_CHANNEL, shoal_integer(event, "channel.id", 0), false, false};
    return shoal_tx(call, change_tx, &change, err);
}

static int add_routes(struct p2p *p2p, struct shoal_err *err)
{
    const struct shoal_route routes[] = {
        {.method = "GET",
            .path = "/api/v1/p2p/channels",
            .handler = list_channels,
            .arg = p2p,
            .auth = SHOAL_AUTH_USER},
        {.method = "PUT",
            .path = "/api/v1/p2p/channels/{name}",
            .handler = set_channel,
            .arg = p2p,
            .auth = SHOAL_AUTH_USER,
            .body = SHOAL_BODY_DATA,
            .body_max_bytes = 1024,
            .rate = SHOAL_RATE_WRITE},
    };
    int code = 0;
    for (size_t i = 0; i < sizeof routes / sizeof *routes && code == 0; i++) {
        code = shoal_route_add(p2p->self, &routes[i], err);
    }
    return code;
}

int p2p_off_start(struct p2p *p2p, struct shoal_err *err)
{
    static const char *const told[] = {"video.published", "video.changed", "video.files"};
    int code = add_routes(p2p, err);
    if (code != 0) {
        return code;
    }
    for (size_t i = 0; i < sizeof told / sizeof *told && code == 0; i++) {
        code = shoal_tell(p2p->self, told[i], video_heard, p2p);
    }
    code = code != 0 ? code : shoal_tell(p2p->self, "video.deleted", video_gone, p2p);
    code = code != 0 ? code : shoal_tell(p2p->self, "channel.changed", channel_heard, p2p);
    return code != 0 ? shoal_fail(err, code, "what is switched off cannot be heard of") : 0;
}

// states.c - the twelve states of a video: which may follow which, who may see what, who is told.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "catalog/catalog_priv.h"
#include "data/data.h"

#define BIT(state) (1u << (state))
// What a video that plays may turn into: moved, edited, replaced.
#define FROM_PLAYING                                                                               \
    (BIT(SHOAL_STATE_TO_TRANSCODE) | BIT(SHOAL_STATE_TO_EDIT) |                                    \
        BIT(SHOAL_STATE_TO_MOVE_TO_EXTERNAL) | BIT(SHOAL_STATE_TO_MOVE_TO_FILE_SYSTEM))

static const struct {
    const char *label;
    bool is_listed;
    unsigned next; // states that may follow, as bits
} states[] = {
    [0] = {NULL, false, 0},
    [SHOAL_STATE_PUBLISHED] = {"Published", true, FROM_PLAYING},
    [SHOAL_STATE_TO_TRANSCODE] = {"To transcode", true,
        BIT(SHOAL_STATE_PUBLISHED) | BIT(SHOAL_STATE_TRANSCODING_FAILED) |
            BIT(SHOAL_STATE_TO_MOVE_TO_EXTERNAL) | BIT(SHOAL_STATE_TO_EDIT)},
    [SHOAL_STATE_TO_IMPORT] = {"To import", false,
        BIT(SHOAL_STATE_TO_TRANSCODE) | BIT(SHOAL_STATE_PUBLISHED) |
            BIT(SHOAL_STATE_IMPORT_FAILED)},
    [SHOAL_STATE_WAITING_FOR_LIVE] = {"Waiting for livestream", false,
        BIT(SHOAL_STATE_PUBLISHED) | BIT(SHOAL_STATE_LIVE_ENDED)},
    [SHOAL_STATE_LIVE_ENDED] = {"Livestream ended", false,
        BIT(SHOAL_STATE_WAITING_FOR_LIVE) | FROM_PLAYING | BIT(SHOAL_STATE_PUBLISHED)},
    [SHOAL_STATE_TO_MOVE_TO_EXTERNAL] = {"To move to an external storage", true,
        BIT(SHOAL_STATE_PUBLISHED) | BIT(SHOAL_STATE_MOVE_TO_EXTERNAL_FAILED)},
    [SHOAL_STATE_TRANSCODING_FAILED] = {"Transcoding failed", false, FROM_PLAYING},
    [SHOAL_STATE_MOVE_TO_EXTERNAL_FAILED] = {"External storage move failed", true,
        FROM_PLAYING | BIT(SHOAL_STATE_PUBLISHED)},
    [SHOAL_STATE_TO_EDIT] = {"To edit", false,
        BIT(SHOAL_STATE_PUBLISHED) | BIT(SHOAL_STATE_TO_TRANSCODE)},
    [SHOAL_STATE_TO_MOVE_TO_FILE_SYSTEM] = {"To move to file system", true,
        BIT(SHOAL_STATE_PUBLISHED) | BIT(SHOAL_STATE_MOVE_TO_FILE_SYSTEM_FAILED)},
    [SHOAL_STATE_MOVE_TO_FILE_SYSTEM_FAILED] = {"Move to file system failed", true,
        FROM_PLAYING | BIT(SHOAL_STATE_PUBLISHED)},
    [SHOAL_STATE_IMPORT_FAILED] = {"Import failed", false,
        BIT(SHOAL_STATE_TO_IMPORT) | BIT(SHOAL_STATE_TO_TRANSCODE)},
};

static bool is_state(enum shoal_video_state state)
{
    return state >= SHOAL_STATE_PUBLISHED && state <= SHOAL_STATE_IMPORT_FAILED;
}

bool catalog_state_allowed(enum shoal_video_state from, enum shoal_video_state to)
{
    return is_state(from) && is_state(to) && (states[from].next & BIT(to)) != 0;
}

bool catalog_state_listed(enum shoal_video_state state)
{
    return is_state(state) && states[state].is_listed;
}

const char *catalog_state_label(enum shoal_video_state state)
{
    return is_state(state) ? states[state].label : NULL;
}

bool catalog_state_open(
    enum shoal_video_state state, bool waits, enum catalog_verdict verdict, bool was_announced)
{
    if (verdict != CATALOG_PASSED) {
        return false;
    }
    switch (state) {
    case SHOAL_STATE_PUBLISHED:
    case SHOAL_STATE_WAITING_FOR_LIVE:
    case SHOAL_STATE_LIVE_ENDED:
        return true;
    case SHOAL_STATE_TO_TRANSCODE:
        // A video that was out already stays out while its new file is worked on.
        return !waits || was_announced;
    case SHOAL_STATE_TO_IMPORT:
    case SHOAL_STATE_IMPORT_FAILED:
        return false;
    default:
        return was_announced;
    }
}

SHOAL_SQL(state_set,
    "UPDATE catalog_video SET state = $2, is_open = $3, is_announced = $4, published = $5, "
    "updated = $6 WHERE id = $1");

// The moment of the announcement is when the video was published, unless its owner said otherwise.
struct move {
    int64_t video_id;
    enum shoal_video_state to, from;
};

static int announce(struct shoal_call *call, struct shoal_db *tx, const struct catalog_video *video,
    bool was_open, bool is_open, bool is_announced, struct shoal_err *err)
{
    int code = 0;
    if (is_announced && !video->is_announced) {
        code = catalog_video_tell(call, tx, "video.published", video->id, NULL, err);
    }
    if (code == 0 && was_open && !is_open) {
        code = catalog_video_tell(
            call, tx, "video.hidden", video->id, json_pack("{s:s}", "reason", "unpublished"), err);
    }
    return code;
}

int catalog_state_move(struct shoal_call *call, struct shoal_db *tx, int64_t video_id,
    enum shoal_video_state state, enum shoal_video_state *from, struct shoal_err *err)
{
    struct catalog_video video;
    int code = catalog_video_by_number(call, video_id, &video, err);
    if (code != 0) {
        return code;
    }
    enum shoal_video_state to = state == 0 ? video.state : state;
    if (from != NULL) {
        *from = video.state;
    }
    if (to != video.state && !catalog_state_allowed(video.state, to)) {
        return shoal_fail(err, SHOAL_ECONFLICT, "video %s cannot go from \"%s\" to \"%s\"",
            video.uuid, catalog_state_label(video.state), catalog_state_label(to));
    }
    bool is_open = catalog_state_open(to, video.waits, video.verdict, video.is_announced);
    bool is_out = is_open && video.privacy != SHOAL_PRIVACY_PRIVATE &&
                  (to == SHOAL_STATE_PUBLISHED || to == SHOAL_STATE_WAITING_FOR_LIVE ||
                      to == SHOAL_STATE_LIVE_ENDED);
    bool is_announced = video.is_announced || is_out;
    int64_t now_ms = shoal_now_ms();
    // One of another server was published and changed when that one says so.
    bool is_ours = video.origin_host[0] == '\0';
    bool is_first = is_announced && !video.is_announced && is_ours;
    code = shoal_db_exec(tx, &state_set,
        SHOAL_ARGS(SHOAL_I64(video.id), SHOAL_I64(to), SHOAL_BOOL(is_open),
            SHOAL_BOOL(is_announced), SHOAL_I64(is_first ? now_ms : video.published_ms),
            SHOAL_I64(is_ours ? now_ms : video.updated_ms)),
        NULL, err);
    if (code == 0) {
        code = announce(call, tx, &video, video.is_open, is_open, is_announced, err);
    }
    return code == 0 ? shoal_touch(call, tx, "catalog", err) : code;
}

static int set_tx(struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    struct move *move = arg;
    return catalog_state_move(call, tx, move->video_id, move->to, &move->from, err);
}

int catalog_state_set(
    struct shoal_call *call, int64_t video_id, enum shoal_video_state state, struct shoal_err *err)
{
    struct move move = {.video_id = video_id, .to = state};
    int code = shoal_tx(call, set_tx, &move, err);
    if (code == 0) {
        catalog_state_tell(call, video_id, move.from, state);
    }
    return code;
}

void catalog_state_tell(struct shoal_call *call, int64_t video_id, enum shoal_video_state from,
    enum shoal_video_state to)
{
    struct catalog_video video;
    if (from == to || to == 0) {
        return;
    }
    if (catalog_video_by_number(call, video_id, &video, NULL) != 0) {
        return;
    }
    json_t *message =
        json_pack("{s:s, s:i, s:i}", "uuid", video.uuid, "from", (int)from, "to", (int)to);
    const char *topic = shoal_arena_printf(call->arena, "video:%s", video.uuid);
    shoal_topics_send(topic, message);
    json_decref(message);
    if (shoal_hook_heard("video.state")) {
        json_t *shown = catalog_video_json(call, &video, CATALOG_DETAIL | CATALOG_OWNER, NULL);
        shoal_fire_tell("video.state",
            json_pack("{s:o?, s:i, s:i}", "video", shown, "from", (int)from, "to", (int)to));
    }
}

int catalog_video_tell(struct shoal_call *call, struct shoal_db *tx, const char *hook,
    int64_t video_id, json_t *extra, struct shoal_err *err)
{
    if (!shoal_hook_heard(hook)) {
        json_decref(extra);
        return 0;
    }
    struct catalog_video video;
    int code = catalog_video_by_number(call, video_id, &video, err);
    json_t *shown =
        code == 0 ? catalog_video_json(call, &video, CATALOG_DETAIL | CATALOG_OWNER, err) : NULL;
    if (shown == NULL) {
        json_decref(extra);
        return code != 0 ? code : SHOAL_EIO;
    }
    json_t *event = extra == NULL ? json_object() : extra;
    json_object_set_new(event, "video", shown);
    code = shoal_fire_durable(tx, hook, event, err);
    json_decref(event);
    return code;
}

// publish.c - the gate video.publish: asked before anyone but its owner can see a video.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <string.h>

#include "catalog/catalog_priv.h"

#include "base/drill.h"

#define ASK_TRIES 3

SHOAL_SQL(verdict_set,
    "UPDATE catalog_video SET verdict = $2, blocked_reason = CASE WHEN is_blocked = TRUE "
    "THEN blocked_reason ELSE CAST($3 AS TEXT) END WHERE id = $1");
SHOAL_SQL(held_privacy_set, "UPDATE catalog_video SET held_privacy = $2 WHERE id = $1");
SHOAL_SQL(privacy_set, "UPDATE catalog_video SET privacy = $2, held_privacy = NULL, access_changed "
                       "= $3, updated = $3 WHERE id = $1");

static const char *subject_of(struct shoal_call *call, const struct catalog_video *video)
{
    return shoal_arena_printf(call->arena, "video:%s", video->uuid);
}

static int verdict_write(struct shoal_call *call, struct shoal_db *tx,
    const struct catalog_video *video, enum catalog_verdict verdict,
    const struct shoal_decision *decision, struct shoal_err *err)
{
    const char *sentence = verdict == CATALOG_PASSED ? NULL : decision->sentence;
    int code = shoal_db_exec(tx, &verdict_set,
        SHOAL_ARGS(SHOAL_I64(video->id), SHOAL_I64(verdict), SHOAL_TEXT(sentence)), NULL, err);
    if (code == 0 && verdict == CATALOG_HELD) {
        return catalog_publish_hold(call, tx, video, 0, decision, err);
    }
    return code == 0 ? shoal_held_remove(tx, "video.publish", subject_of(call, video), err) : code;
}

int catalog_publish_hold(struct shoal_call *call, struct shoal_db *tx,
    const struct catalog_video *video, int64_t privacy, const struct shoal_decision *decision,
    struct shoal_err *err)
{
    int code = shoal_db_exec(tx, &held_privacy_set,
        SHOAL_ARGS(SHOAL_I64(video->id), privacy == 0 ? SHOAL_NULL : SHOAL_I64(privacy)), NULL,
        err);
    return code == 0 ? shoal_held_add(tx, "video.publish", subject_of(call, video), decision, err)
                     : code;
}

enum shoal_verdict catalog_publish_judge(struct shoal_call *call, const struct catalog_video *video,
    int64_t privacy, bool is_new, struct shoal_decision *decision)
{
    struct catalog_video as = *video;
    as.privacy = (enum shoal_privacy)privacy;
    json_t *channel = catalog_channel_json(call, video->channel_id, false, NULL);
    json_t *payload = json_pack("{s:o?, s:o?, s:o?, s:s, s:b, s:b}", "video",
        catalog_video_json(call, &as, CATALOG_DETAIL | CATALOG_OWNER, NULL), "channel", channel,
        "user", catalog_user_brief(call, video->user_id), "source", video->source_kind, "is_new",
        is_new, "is_remote", video->origin_host[0] != '\0');
    enum shoal_verdict verdict = shoal_fire_decide(call, "video.publish", payload, decision);
    json_decref(payload);
    return verdict == SHOAL_ACCEPT ? SHOAL_PASS : verdict;
}

struct gate {
    const struct catalog_video *video;
    const struct shoal_decision *decision;
    enum catalog_verdict verdict;
    int64_t privacy; // to be set, 0: stays
    bool is_asked;   // the verdict was given on the video as it was read
    bool is_stale;   // out: its privacy has changed meanwhile
};

static int gate_tx(struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    struct gate *gate = arg;
    const struct catalog_video *video = gate->video;
    struct catalog_video now;
    int code = catalog_video_by_number(call, video->id, &now, err);
    gate->is_stale = code == 0 && gate->is_asked && now.privacy != video->privacy;
    if (gate->is_stale) {
        return shoal_fail(err, SHOAL_EBUSY, "video %s was changed while video.publish was asked",
            video->uuid);
    }
    if (code == 0) {
        code = verdict_write(call, tx, video, gate->verdict, gate->decision, err);
    }
    if (code == 0 && gate->privacy != 0) {
        code = shoal_db_exec(tx, &privacy_set,
            SHOAL_ARGS(SHOAL_I64(video->id), SHOAL_I64(gate->privacy), SHOAL_I64(shoal_now_ms())),
            NULL, err);
    }
    if (code == 0) {
        code = catalog_state_move(call, tx, video->id, 0, NULL, err);
    }
    if (code == 0 && gate->privacy != 0 && gate->verdict == CATALOG_PASSED) {
        code = catalog_video_tell(call, tx, "video.changed", video->id,
            json_pack("{s:{s:{s:i, s:s}}}", "before", "privacy", "id", (int)video->privacy, "label",
                catalog_privacy_label(video->privacy)),
            err);
    }
    return code;
}

static int ask(
    struct shoal_call *call, int64_t video_id, bool again, bool *is_stale, struct shoal_err *err)
{
    struct catalog_video video;
    struct shoal_decision decision = {0};
    int code = catalog_video_by_number(call, video_id, &video, err);
    if (code != 0 || (video.verdict != CATALOG_UNASKED && !again) || video.is_blocked) {
        return code;
    }
    struct gate gate = {
        .video = &video, .decision = &decision, .verdict = CATALOG_PASSED, .is_asked = true};
    if (video.privacy != SHOAL_PRIVACY_PRIVATE) {
        bool is_new = video.verdict == CATALOG_UNASKED;
        enum shoal_verdict verdict =
            catalog_publish_judge(call, &video, video.privacy, is_new, &decision);
        gate.verdict = verdict == SHOAL_PASS   ? CATALOG_PASSED
                       : verdict == SHOAL_HOLD ? CATALOG_HELD
                                               : CATALOG_REFUSED;
    }
    shoal_drill_point("publish.asked");
    code = shoal_tx(call, gate_tx, &gate, err);
    shoal_drill_point("publish.committed");
    *is_stale = gate.is_stale;
    return code;
}

int catalog_publish_ask(
    struct shoal_call *call, int64_t video_id, bool again, struct shoal_err *err)
{
    // What passed as unlisted has not passed as public: who widens it meanwhile has it asked again.
    bool is_stale = true;
    int code = 0;
    for (int i = 0; i < ASK_TRIES && is_stale; i++) {
        is_stale = false;
        code = ask(call, video_id, again, &is_stale, err);
    }
    return code;
}

int catalog_publish_resume(struct shoal_call *call, const char *hook, const char *subject,
    bool released, const char *sentence, void *arg, struct shoal_err *err)
{
    (void)hook;
    (void)arg;
    struct catalog_video video;
    const char *uuid = strncmp(subject, "video:", 6) == 0 ? subject + 6 : "";
    int code = catalog_video_find(call, uuid, &video, NULL, err);
    if (code != 0) {
        // The video is gone, and with it what was held.
        return code == SHOAL_ENOTFOUND ? 0 : code;
    }
    if (video.held_privacy != 0 && !released) {
        // A wider privacy that is refused leaves the video as it was seen before.
        return 0;
    }
    struct shoal_decision decision = {.verdict = SHOAL_REFUSE};
    size_t length = sentence == NULL ? 0 : strnlen(sentence, sizeof(decision.sentence) - 1);
    memcpy(decision.sentence, sentence == NULL ? "" : sentence, length);
    struct gate gate = {
        .video = &video,
        .decision = &decision,
        .verdict = released ? CATALOG_PASSED : CATALOG_REFUSED,
        .privacy = video.held_privacy,
    };
    return shoal_tx(call, gate_tx, &gate, err);
}

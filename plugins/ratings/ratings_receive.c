// ratings_receive.c - what people on other servers think of videos of this one.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <shoal/remote.h>
#include <string.h>

#include "ratings.h"

SHOAL_SQL(ratings_receive_by_url,
    "SELECT r.video_id, v.uuid, r.account_id FROM ratings_rate r "
    "JOIN v1_video v ON v.id = r.video_id WHERE r.url = $1");
SHOAL_SQL(ratings_receive_owner,
    "SELECT COUNT(*) FROM ratings_rate WHERE url = $1 AND account_id = $2");
SHOAL_SQL(ratings_receive_knows, "SELECT COUNT(*) FROM ratings_rate WHERE url = $1");

static const char *handle_of(struct shoal_call *call, const struct shoal_actor *actor)
{
    return shoal_arena_printf(shoal_call_arena(call), "%s@%s", actor->name, actor->host);
}

// Only what is said of videos of here is kept: others are told to their own origin.
static int set_by_url(struct shoal_call *call, struct ratings *ratings, const char *url,
    struct ratings_change *change, struct shoal_err *err)
{
    struct shoal_video_ref video;
    int code = url != NULL ? shoal_video_by_url(call, url, &video, err) : SHOAL_ENOTFOUND;
    if (code != 0) {
        return code == SHOAL_ENOTFOUND ? 0 : code;
    }
    if (*video.origin_host != '\0' || (!video.is_federated && change->to != RATINGS_NONE)) {
        return 0;
    }
    change->video_id = video.id;
    change->video_uuid = video.uuid;
    return ratings_set(call, ratings, change, err);
}

static int undo(struct shoal_call *call, struct ratings *ratings,
    const struct shoal_activity *what, struct ratings_change *change, struct shoal_err *err)
{
    change->to = RATINGS_NONE;
    if (what->object != NULL && json_object_get(what->object, "object") != NULL) {
        return set_by_url(call, ratings, activity_id(json_object_get(what->object, "object")), change, err);
    }
    struct shoal_rows *rows = shoal_db_query(shoal_call_db(call), &ratings_receive_by_url,
        SHOAL_ARGS(SHOAL_TEXT(what->object_id)), err);
    bool is_there = rows != NULL && shoal_rows_next(rows);
    if (is_there) {
        change->video_id = shoal_col_i64(rows, 0);
        change->video_uuid = shoal_arena_strdup(shoal_call_arena(call), shoal_col_text(rows, 1));
        is_there = shoal_col_i64(rows, 2) == change->account_id;
        change->only = RATINGS_NONE; // the id is of what was said last, whichever of the two it was
    }
    int code = rows != NULL ? shoal_rows_close(rows, err) : SHOAL_EIO;
    return code != 0 || !is_there ? code : ratings_set(call, ratings, change, err);
}

static int receive(struct shoal_call *call, struct ratings *ratings,
    const struct shoal_activity *what, enum ratings_value value, struct shoal_err *err)
{
    struct ratings_change change = {.account_id = what->actor->account_id,
        .handle = handle_of(call, what->actor),
        .to = value,
        .url = what->id};
    if (what->actor->account_id == 0) {
        return shoal_fail(err, SHOAL_EFORBIDDEN, "%.200s is no account that likes things",
            what->actor->url);
    }
    if (strcmp(what->type, "Undo") == 0) {
        change.only = value;
        return undo(call, ratings, what, &change, err);
    }
    return set_by_url(call, ratings, what->object_id, &change, err);
}

static int receive_like(struct shoal_call *call, const struct shoal_activity *what, void *arg,
    struct shoal_err *err)
{
    return receive(call, arg, what, RATINGS_LIKE, err);
}

static int receive_dislike(struct shoal_call *call, const struct shoal_activity *what, void *arg,
    struct shoal_err *err)
{
    return receive(call, arg, what, RATINGS_DISLIKE, err);
}

static bool knows(struct shoal_call *call, const char *id, void *arg)
{
    (void)arg;
    int64_t count = 0;
    return shoal_db_i64(shoal_call_db(call), &ratings_receive_knows, SHOAL_ARGS(SHOAL_TEXT(id)),
               &count, NULL) == 0 &&
           count > 0;
}

static bool owns(
    struct shoal_call *call, const char *id, const struct shoal_actor *actor, void *arg)
{
    (void)arg;
    int64_t count = 0;
    return shoal_db_i64(shoal_call_db(call), &ratings_receive_owner,
               SHOAL_ARGS(SHOAL_TEXT(id), SHOAL_I64(actor->account_id)), &count, NULL) == 0 &&
           count > 0;
}

int ratings_receive_start(struct ratings *ratings, struct shoal_err *err)
{
    static const struct shoal_may_say like_rows[] = {
        {"Like", SHOAL_SAY_ANYONE, false}, {"Undo", SHOAL_SAY_AUTHOR, false}, {0}};
    static const struct shoal_may_say dislike_rows[] = {
        {"Dislike", SHOAL_SAY_ANYONE, false}, {"Undo", SHOAL_SAY_AUTHOR, false}, {0}};
    struct shoal_federated types[] = {
        {.type = "Like", .rows = like_rows, .receive = receive_like, .knows = knows, .owner = owns},
        {.type = "Dislike", .rows = dislike_rows, .receive = receive_dislike},
    };
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        types[i].size = sizeof types[i];
        types[i].plugin = "ratings";
        types[i].arg = ratings;
        types[i].is_quick = true;
    }
    return federate_types_add(types, sizeof types / sizeof *types, err);
}

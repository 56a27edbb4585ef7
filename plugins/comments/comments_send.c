// comments_send.c - tells other servers of comments: made, approved, deleted.
//
// A job looks at the comment as it is when it runs: who deletes it before sends nothing but the deletion.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <string.h>

#include "comments.h"

#define JOB "send"

int comments_send_tx(struct comments *comments, struct shoal_db *tx, int64_t id, const char *what,
    const struct comments_author *author, struct shoal_err *err)
{
    json_t *payload = json_pack("{s:I, s:s, s:s?, s:s?, s:I}", "id", (json_int_t)id, "what", what,
        "name", author != NULL ? author->name : NULL, "host", author != NULL ? author->host : NULL,
        "actor", (json_int_t)(author != NULL ? author->actor_id : 0));
    int code = shoal_job_add(comments->self, tx, JOB, payload, NULL, NULL, err);
    json_decref(payload);
    return code;
}

// A Note within an activity is a document as well: what plugins add to one stands in both.
static void write_note(
    struct shoal_call *call, const struct comments_row *row, json_t *activity)
{
    json_t *noun = comments_json(call, row, NULL);
    json_t *object = json_incref(json_object_get(activity, "object"));
    federate_written(call, "Note", noun, &object);
    json_object_set_new(activity, "object", object);
    json_decref(noun);
}

// The remote actors of a circle, ended by 0: whoever is answered, and the owner of the video.
static void gather(const struct comments_circle *circle, bool is_owner_alone, int64_t *actors)
{
    size_t count = 0;
    if (*circle->owner.host != '\0') {
        actors[count++] = circle->owner.id;
    }
    for (size_t i = 0; i < circle->above_count && !is_owner_alone; i++) {
        if (*circle->above[i].host != '\0') {
            actors[count++] = circle->above[i].id;
        }
    }
    actors[count] = 0;
}

static int send_create(struct shoal_call *call, const struct comments_row *row,
    const struct comments_circle *circle, struct shoal_err *err)
{
    int64_t actors[COMMENTS_ABOVE + 2];
    bool waits = row->hold != COMMENTS_SHOWN; // the owner of the video alone hears of it
    gather(circle, waits, actors);
    json_t *activity = comments_note_create(call, row, circle);
    write_note(call, row, activity);
    int code = federate_say(call,
        (struct shoal_delivery){.activity = activity,
            .actor_id = circle->author.id,
            .context = "Comment",
            .followers_of = {waits ? 0 : circle->author.id},
            .video_id = *circle->video.origin_host == '\0' ? circle->video.id : 0,
            .actors = actors,
            .is_signed = true},
        err);
    json_decref(activity);
    return code;
}

static int send_delete(struct shoal_call *call, const struct comments_row *row,
    const struct comments_circle *circle, struct shoal_err *err)
{
    int64_t actors[COMMENTS_ABOVE + 3];
    const char *url = comments_row_url(call, row);
    // A comment of another server is deleted by the owner of the video, below which it was.
    bool is_ours = row->url == NULL;
    const struct shoal_actor *speaker = is_ours ? &circle->author : &circle->owner;
    gather(circle, false, actors);
    if (!is_ours) {
        size_t count = 0;
        while (actors[count] != 0) {
            count++;
        }
        actors[count] = circle->author.id; // 0: gone, and told by its own server
        actors[count + 1] = 0;
    }
    const char *id = shoal_arena_printf(shoal_call_arena(call), "%s/delete", is_ours ? url
            : shoal_url(call, shoal_arena_printf(shoal_call_arena(call),
                  "/videos/watch/%s/comments/%lld", row->video_uuid, (long long)row->id)));
    json_t *activity = json_pack("{s:s, s:s, s:s, s:s, s:[s], s:o}", "type", "Delete", "id", id,
        "actor", speaker->url, "object", url, "to", ACTIVITY_PUBLIC, "cc",
        comments_note_cc(call, circle));
    int code = federate_say(call,
        (struct shoal_delivery){.activity = activity,
            .actor_id = speaker->id,
            .context = "Comment",
            .followers_of = {speaker->id},
            .video_id = *circle->video.origin_host == '\0' ? circle->video.id : 0,
            .actors = actors,
            .is_signed = true},
        err);
    json_decref(activity);
    return code;
}

static int send_approval(struct shoal_call *call, const struct comments_row *row,
    const struct comments_circle *circle, struct shoal_err *err)
{
    const int64_t actors[] = {circle->author.id, 0};
    json_t *activity = comments_note_approval(call, row, circle);
    int code = federate_say(call,
        (struct shoal_delivery){.activity = activity,
            .actor_id = circle->owner.id,
            .context = "ApproveReply",
            .actors = actors,
            .is_personal = true},
        err);
    json_decref(activity);
    return code;
}

static int send_job(
    struct shoal_call *call, const struct shoal_job *job, void *arg, struct shoal_err *err)
{
    (void)arg;
    struct comments_row row;
    struct comments_circle *circle =
        shoal_arena_alloc(shoal_call_arena(call), sizeof *circle);
    if (!federate_is_there()) {
        return 0;
    }
    const struct comments_author author = {.actor_id = shoal_integer(job->payload, "actor", 0),
        .name = shoal_text(job->payload, "name", NULL),
        .host = shoal_text(job->payload, "host", "")};
    int code = comments_row_get(call, shoal_integer(job->payload, "id", 0), &row, err);
    code = code == 0 ? comments_circle_read(call, &row, &author, circle, err) : code;
    if (code == SHOAL_ENOTFOUND) {
        return 0; // whoever or whatever it was about is gone
    }
    bool is_deletion = strcmp(shoal_text(job->payload, "what", ""), "deleted") == 0;
    bool is_local_video = code == 0 && *circle->video.origin_host == '\0';
    bool needs_author = !is_deletion || row.url == NULL;
    if (code != 0 || is_deletion != (row.deleted_ms != 0) ||
        (needs_author && circle->author.id == 0) ||
        (is_local_video && !circle->video.is_federated)) {
        return code;
    }
    if (is_deletion) {
        return send_delete(call, &row, circle, err);
    }
    if (row.url != NULL) {
        return send_approval(call, &row, circle, err);
    }
    bool stays_here =
        row.hold == COMMENTS_HELD || (row.hold == COMMENTS_WAITS && is_local_video);
    return stays_here ? 0 : send_create(call, &row, circle, err);
}

int comments_send_start(struct comments *comments, struct shoal_err *err)
{
    // One at a time: a deletion does not overtake what it deletes.
    const struct shoal_job_kind kind = {.kind = JOB, .run = send_job, .arg = comments, .concurrency = 1};
    return shoal_job_kind_add(comments->self, &kind, err);
}

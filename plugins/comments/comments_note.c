// comments_note.c - a comment as other servers read it: Note, Tombstone, the activities around it.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <string.h>

#include <urlhost.h>

#include "comments.h"

static const char *own_path(struct shoal_call *call, const struct comments_row *row, const char *end)
{
    return shoal_url(call,
        shoal_arena_printf(shoal_call_arena(call), "/videos/watch/%s/comments/%lld%s",
            row->video_uuid, (long long)row->id, end));
}

const char *comments_note_approval_url(struct shoal_call *call, const struct comments_row *row)
{
    return own_path(call, row, "/approve-reply");
}

static bool is_known(const struct comments_circle *circle, int64_t actor_id)
{
    for (size_t i = 0; i < circle->above_count; i++) {
        if (circle->above[i].id == actor_id) {
            return true;
        }
    }
    return false;
}

// Authors of the comments above, the nearest first.
static int read_above(struct shoal_call *call, const struct comments_row *row,
    struct comments_circle *out, struct shoal_err *err)
{
    int64_t parent_id = row->parent_id;
    out->parent_url = out->video.url;
    for (int i = 0; i < COMMENTS_ABOVE && parent_id != 0; i++) {
        struct comments_row parent;
        int code = comments_row_get(call, parent_id, &parent, err);
        if (code != 0) {
            return code;
        }
        out->parent_url = i == 0 ? comments_row_url(call, &parent) : out->parent_url;
        struct shoal_actor *actor = &out->above[out->above_count];
        if (parent.account_name != NULL && parent.deleted_ms == 0 &&
            shoal_actor_named(call, parent.account_name, parent.account_host, actor, NULL) == 0 &&
            !is_known(out, actor->id)) {
            out->above_count++;
        }
        parent_id = parent.parent_id;
    }
    return 0;
}

// Somebody of here who is gone still says so: the key outlives them. Who has their name since is another.
static int read_gone(struct shoal_call *call, const struct comments_author *author,
    struct shoal_actor *out, struct shoal_err *err)
{
    struct shoal_arena *arena = shoal_call_arena(call);
    int code = shoal_actor_get(call, author->actor_id, out, err);
    if (code == SHOAL_ENOTFOUND && author->actor_id != 0 && *author->host == '\0') {
        const char *url = shoal_url(call, shoal_arena_printf(arena, "/accounts/%s", author->name));
        *out = (struct shoal_actor){.id = author->actor_id,
            .kind = "Person",
            .name = author->name,
            .host = "",
            .url = url,
            .followers_url = shoal_arena_printf(arena, "%s/followers", url)};
    } else if (code == SHOAL_ENOTFOUND) {
        *out = (struct shoal_actor){0};
    }
    return code == SHOAL_ENOTFOUND ? 0 : code;
}

int comments_circle_read(struct shoal_call *call, const struct comments_row *row,
    const struct comments_author *author, struct comments_circle *out, struct shoal_err *err)
{
    *out = (struct comments_circle){0};
    int code = shoal_video_by_id(call, row->video_uuid, &out->video, err);
    code = code == 0 ? shoal_actor_get(call, out->video.account_actor_id, &out->owner, err) : code;
    if (code == 0 && row->account_name != NULL) {
        code = shoal_actor_named(call, row->account_name, row->account_host, &out->author, err);
    } else if (code == 0 && author != NULL && author->name != NULL) {
        code = read_gone(call, author, &out->author, err);
    }
    return code == 0 ? read_above(call, row, out, err) : code;
}

json_t *comments_note_cc(struct shoal_call *call, const struct comments_circle *circle)
{
    struct shoal_actor channel;
    json_t *cc = json_array();
    if (circle->author.followers_url != NULL) {
        json_array_append_new(cc, json_string(circle->author.followers_url));
    }
    if (circle->owner.id != circle->author.id) {
        json_array_append_new(cc, json_string(circle->owner.url));
    }
    if (shoal_actor_get(call, circle->video.channel_actor_id, &channel, NULL) == 0) {
        json_array_append_new(cc, json_string(channel.url));
    }
    for (size_t i = 0; i < circle->above_count; i++) {
        const struct shoal_actor *actor = &circle->above[i];
        if (actor->id != circle->author.id && actor->id != circle->owner.id) {
            json_array_append_new(cc, json_string(actor->url));
        }
    }
    return cc;
}

// "@ann@here.example", of an actor of here too.
static const char *handle_of(struct shoal_call *call, const struct shoal_actor *actor)
{
    struct shoal_arena *arena = shoal_call_arena(call);
    const char *host = *actor->host != '\0' ? actor->host : urlhost_of(arena, shoal_url(call, "/"), true);
    return shoal_arena_printf(arena, "@%s@%s", actor->name, host == NULL ? "" : host);
}

static json_t *time_of(int64_t time_ms)
{
    char text[32];
    return json_string(shoal_time_format(time_ms, text));
}

json_t *comments_note(
    struct shoal_call *call, const struct comments_row *row, const struct comments_circle *circle)
{
    const char *url = comments_row_url(call, row);
    if (row->deleted_ms != 0) {
        return json_pack("{s:s, s:s, s:s, s:s, s:o, s:o, s:o}", "id", url, "type", "Tombstone",
            "formerType", "Note", "inReplyTo", circle->parent_url, "published",
            time_of(row->created_ms), "updated", time_of(row->updated_ms), "deleted",
            time_of(row->deleted_ms));
    }
    json_t *tags = json_array();
    for (size_t i = 0; i < circle->above_count; i++) {
        json_array_append_new(tags, json_pack("{s:s, s:s, s:s}", "type", "Mention", "href",
                                        circle->above[i].url, "name",
                                        handle_of(call, &circle->above[i])));
    }
    json_t *note = json_pack("{s:s, s:s, s:s, s:s, s:s, s:o, s:o, s:s, s:s, s:o, s:[s], s:o}", "type",
        "Note", "id", url, "content", row->text, "mediaType", "text/markdown", "inReplyTo",
        circle->parent_url, "published", time_of(row->created_ms), "updated",
        time_of(row->updated_ms), "url", url, "attributedTo", circle->author.url, "tag", tags, "to",
        ACTIVITY_PUBLIC, "cc", comments_note_cc(call, circle));
    if (row->approval_url != NULL) {
        json_object_set_new(note, "replyApproval", json_string(row->approval_url));
    }
    return note;
}

json_t *comments_note_create(
    struct shoal_call *call, const struct comments_row *row, const struct comments_circle *circle)
{
    return json_pack("{s:s, s:s, s:s, s:o, s:o, s:[s], s:o}", "type", "Create", "id",
        own_path(call, row, "/activity"), "actor", circle->author.url, "published",
        time_of(row->created_ms), "object", comments_note(call, row, circle), "to", ACTIVITY_PUBLIC,
        "cc", comments_note_cc(call, circle));
}

json_t *comments_note_approval(
    struct shoal_call *call, const struct comments_row *row, const struct comments_circle *circle)
{
    return json_pack("{s:s, s:s, s:s, s:s, s:s}", "type", "ApproveReply", "id",
        comments_note_approval_url(call, row), "actor", circle->owner.url, "inReplyTo",
        circle->parent_url, "object", comments_row_url(call, row));
}

// comments_thread.c - from what a Note of another server answers to the video that it is about.
//
// Notes between the two that are not known are fetched, as far as they lead to a video that is: nobody
// can have videos brought in by naming them.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <string.h>

#include <urlhost.h>

#include "comments.h"

#define FETCHES_MAX 30

// ".../videos/watch/UUID/comments/17" of this server.
static int64_t own_number(struct shoal_call *call, const char *id, const char **uuid)
{
    const char *prefix = shoal_url(call, "/videos/watch/");
    size_t length = strlen(prefix);
    const char *between = strncmp(id, prefix, length) == 0 ? strstr(id + length, "/comments/") : NULL;
    if (between == NULL) {
        return 0;
    }
    int64_t number = paging_digits(between + strlen("/comments/"));
    *uuid = shoal_arena_strndup(shoal_call_arena(call), id + length, (size_t)(between - id) - length);
    return number > 0 ? number : 0;
}

int comments_place_row(
    struct shoal_call *call, const char *id, struct comments_row *out, struct shoal_err *err)
{
    const char *uuid = NULL;
    int64_t number = own_number(call, id, &uuid);
    if (number == 0) {
        return comments_row_by_url(call, id, out, err);
    }
    int code = comments_row_get(call, number, out, err);
    bool is_it = code == 0 && out->url == NULL && strcmp(out->video_uuid, uuid) == 0;
    return code != 0 || is_it ? code : shoal_fail(err, SHOAL_ENOTFOUND, "Comment not found");
}

static const char *id_of(const json_t *reference)
{
    return activity_id(json_is_array(reference) ? json_array_get(reference, 0) : reference);
}

// Whether what is answered is known; then it is the place.
static int look(struct shoal_call *call, const char *url, struct comments_place *out,
    struct shoal_err *err)
{
    out->parent = (struct comments_row){0};
    int code = comments_place_row(call, url, &out->parent, err);
    if (code == 0) {
        return shoal_video_by_id(call, out->parent.video_uuid, &out->video, err);
    }
    return code == SHOAL_ENOTFOUND ? shoal_video_by_url(call, url, &out->video, err) : code;
}

// Keeps a Note between, whose author has to lie on its own host; the place moves on to it.
static int keep(struct shoal_call *call, struct comments *comments, const json_t *note,
    struct comments_place *place, struct shoal_err *err)
{
    struct shoal_actor author;
    const char *id = shoal_text(note, "id", "");
    if (strcmp(shoal_text(note, "type", ""), "Tombstone") == 0) {
        int code = comments_bury(call, id, place->video.id,
            place->parent.id != 0 ? &place->parent : NULL, err);
        return code == 0 ? look(call, id, place, err) : code;
    }
    const char *by = id_of(json_object_get(note, "attributedTo"));
    if (by == NULL) {
        return shoal_fail(err, SHOAL_EINVAL, "%.200s is of nobody", id);
    }
    int code = federate_actor(call, by, 0, &author, err);
    bool is_own = code == 0 && urlhost_same(shoal_call_arena(call), id, author.url);
    if (code == 0 && !is_own) {
        code = shoal_fail(err, SHOAL_EFORBIDDEN, "%.200s is not of the server of its author", id);
    }
    code = code == 0 ? comments_receive_note(call, comments, note, &author, place, err) : code;
    return code == 0 ? look(call, id, place, err) : code;
}

int comments_place_find(struct shoal_call *call, struct comments *comments, const json_t *note,
    bool is_asked, struct comments_place *out, struct shoal_err *err)
{
    struct shoal_arena *arena = shoal_call_arena(call);
    json_t *between = json_array(); // from the Note upwards, without it
    shoal_arena_defer(arena, (void (*)(void *))json_decref, between);
    const char *url = id_of(json_object_get(note, "inReplyTo"));
    struct shoal_err why = {0}, own = {0};
    int code = SHOAL_ENOTFOUND;
    err = err == NULL ? &own : err;
    out->is_asked = is_asked;
    if (url == NULL || !federate_is_there()) {
        return shoal_fail(err, SHOAL_ENOTFOUND, "it answers nothing");
    }
    while ((code = look(call, url, out, &why)) == SHOAL_ENOTFOUND &&
           json_array_size(between) < FETCHES_MAX) {
        json_t *document = federate_fetch(call, url, err);
        if (document == NULL) {
            return err->code != 0 ? err->code : SHOAL_EUPSTREAM;
        }
        json_array_append_new(between, document);
        url = id_of(json_object_get(document, "inReplyTo"));
        const char *type = shoal_text(document, "type", "");
        if ((strcmp(type, "Note") != 0 && strcmp(type, "Tombstone") != 0) || url == NULL) {
            return shoal_fail(err, SHOAL_ENOTFOUND, "it leads to no video that is known here");
        }
    }
    if (code != 0) {
        return shoal_fail(err, code, "%s", why.text);
    }
    for (size_t i = json_array_size(between); i > 0 && code == 0; i--) {
        code = keep(call, comments, json_array_get(between, i - 1), out, err);
    }
    return code;
}

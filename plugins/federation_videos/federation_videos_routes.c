// federation_videos_routes.c - the documents of a video for other servers, beside its page for
// people.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <string.h>

#include <shoal/annotations.h>
#include <shoal/follows.h>

#include <paging.h>

#include "federation_videos.h"

#define CACHE_S 30

// Of ours: what anybody may have who has its address. Of others: their server is where to ask.
// Returns: 0 with ref->id 0 where the answer is given.
static int video_asked(struct shoal_call *call, struct shoal_request *request,
    struct shoal_video_ref *ref, struct shoal_err *err)
{
    const char *id = shoal_request_param(request, "id");
    if (!federate_enabled(call)) {
        return shoal_fail(err, SHOAL_ENOTFOUND, "this server does not federate");
    }
    size_t length = strcspn(id, ";"); // "/w/ID;threadId=17"
    id = shoal_arena_strndup(shoal_call_arena(call), id, length);
    bool is_number = strspn(id, "0123456789") == length;
    int code = is_number ? SHOAL_ENOTFOUND : shoal_video_by_id(call, id, ref, err);
    if (code != 0) {
        return shoal_fail(err, SHOAL_ENOTFOUND, "Video not found");
    }
    if (ref->origin_host[0] != '\0') {
        const char *url = ref->url;
        ref->id = 0;
        return shoal_answer_redirect(request, 302, url);
    }
    bool is_open = ref->privacy == SHOAL_PRIVACY_PUBLIC || ref->privacy == SHOAL_PRIVACY_UNLISTED;
    // A public one that is federated is out and not blocked; of others that is asked like for everybody.
    bool is_known = ref->privacy == SHOAL_PRIVACY_PUBLIC && ref->is_federated;
    bool may = is_known || (is_open && shoal_may_video(call, SHOAL_MAY_SEE, ref->uuid, NULL, NULL) == 0);
    return may ? 0 : shoal_fail(err, SHOAL_ENOTFOUND, "Video not found");
}

static int video_get(
    struct shoal_call *call, struct shoal_request *request, void *arg, struct shoal_err *err)
{
    (void)arg;
    struct shoal_video_ref ref;
    json_t *noun = NULL;
    int code = video_asked(call, request, &ref, err);
    if (code != 0 || ref.id == 0) {
        return code;
    }
    json_t *document = fv_document_of(call, &ref, &noun, err);
    if (document == NULL) {
        return err->code != 0 ? err->code : SHOAL_ENOTFOUND;
    }
    code = federate_answer(call, request, "Video", "Video", noun, document, err);
    json_decref(noun);
    return code;
}

static int activity_get(
    struct shoal_call *call, struct shoal_request *request, void *arg, struct shoal_err *err)
{
    (void)arg;
    struct shoal_video_ref ref;
    struct shoal_actor account;
    json_t *noun = NULL;
    int code = video_asked(call, request, &ref, err);
    if (code != 0 || ref.id == 0) {
        return code;
    }
    code = shoal_actor_get(call, ref.account_actor_id, &account, err);
    json_t *document = code == 0 ? fv_document_of(call, &ref, &noun, err) : NULL;
    if (document == NULL) {
        return err->code != 0 ? err->code : SHOAL_ENOTFOUND;
    }
    federate_written(call, "Video", noun, &document);
    json_t *activity = fv_activity("Create",
        shoal_arena_printf(shoal_call_arena(call), "%s/activity", ref.url), account.url, document);
    json_decref(document);
    json_decref(noun);
    return federate_answer(call, request, "Video", "Create", NULL, activity, err);
}

static int chapters_get(
    struct shoal_call *call, struct shoal_request *request, void *arg, struct shoal_err *err)
{
    (void)arg;
    struct shoal_video_ref ref;
    int code = video_asked(call, request, &ref, err);
    if (code != 0 || ref.id == 0) {
        return code;
    }
    json_t *video = shoal_video_get(call, ref.uuid, NULL, err);
    json_t *annotations = video == NULL ? NULL : shoal_annotations_get(call, ref.id, err);
    const struct fv_source source = {.video = video, .annotations = annotations, .url = ref.url};
    json_t *document = annotations == NULL ? NULL : fv_chapters(shoal_call_arena(call), &source);
    json_decref(annotations);
    json_decref(video);
    return document == NULL ? err->code
                            : federate_answer(call, request, "Chapters", "Chapters", NULL, document, err);
}

static int shares_page(struct shoal_call *call, const char *path_id, int64_t offset, int room,
    json_t *items, int64_t *total, void *arg, struct shoal_err *err)
{
    (void)path_id;
    const struct shoal_video_ref *ref = arg;
    // None are asked for where only their number is.
    json_t *page = shoal_share_urls(call, ref->id, offset, room == 0 ? 1 : room, err);
    if (page == NULL) {
        return err->code;
    }
    *total = shoal_integer(page, "total", 0);
    if (room > 0) {
        json_array_extend(items, json_object_get(page, "data"));
    }
    json_decref(page);
    return 0;
}

static int shares_get(
    struct shoal_call *call, struct shoal_request *request, void *arg, struct shoal_err *err)
{
    (void)arg;
    struct shoal_video_ref ref;
    int code = video_asked(call, request, &ref, err);
    if (code != 0 || ref.id == 0) {
        return code;
    }
    return federate_answer_collection(call, request,
        shoal_arena_printf(shoal_call_arena(call), "/videos/watch/%s/announces", ref.uuid),
        ref.uuid, shares_page, &ref, err);
}

// An announcement of ours stays where it says that it is: others look whether it is still true.
static int share_get(
    struct shoal_call *call, struct shoal_request *request, void *arg, struct shoal_err *err)
{
    (void)arg;
    struct shoal_video_ref ref;
    struct shoal_actor actor, self;
    int code = video_asked(call, request, &ref, err);
    if (code != 0 || ref.id == 0) {
        return code;
    }
    int64_t id = paging_digits(shoal_request_param(request, "actor"));
    code = federate_self(call, &self, err);
    if (code == 0 && id != ref.channel_actor_id && id != self.id) {
        code = SHOAL_ENOTFOUND;
    }
    code = code == 0 ? shoal_actor_get(call, id, &actor, err) : code;
    if (code != 0) {
        return shoal_fail(err, SHOAL_ENOTFOUND, "there is no such announcement");
    }
    json_t *out = json_pack("{s:s, s:s, s:s, s:s}", "type", "Announce", "id",
        fv_announce_url(call, ref.url, id), "actor", actor.url, "object", ref.url);
    fv_audience_add(out, SHOAL_PRIVACY_PUBLIC, actor.followers_url, NULL);
    return federate_answer(call, request, NULL, "Announce", NULL, out, err);
}

int fv_routes_start(struct fv *fv, struct shoal_err *err)
{
    static const char *const types[] = {"application/activity+json", "application/ld+json"};
    static const char *const pages[] = {"/videos/watch/{id}", "/w/{id}"};
    static const struct {
        const char *path;
        shoal_handler_fn *handler;
    } rows[] = {{"/videos/watch/{id}/activity", activity_get},
        {"/videos/watch/{id}/chapters", chapters_get}, {"/videos/watch/{id}/announces", shares_get},
        {"/videos/watch/{id}/announces/{actor}", share_get}};
    struct shoal_route route = {
        .method = "GET", .arg = fv, .auth = SHOAL_AUTH_NONE, .cache_s = CACHE_S, .cors = true};
    int code = 0;
    for (size_t i = 0; i < sizeof rows / sizeof *rows && code == 0; i++) {
        route.path = rows[i].path;
        route.handler = rows[i].handler;
        code = shoal_route_add(fv->self, &route, err);
    }
    route.handler = video_get;
    route.named_only = true; // the page is for everybody else
    for (size_t i = 0; i < 4 && code == 0; i++) {
        route.path = pages[i / 2];
        route.produces = types[i % 2];
        code = shoal_route_add(fv->self, &route, err);
    }
    return code;
}

// comments.c - threads below videos: routes, and what is forgotten when a video or an account goes.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <string.h>

#include <shoal/svc/held.h>

#include "comments.h"

#define TEXT_BODY_MAX (64 * 1024)
#define SWEEP_MS      (15 * 60 * 1000)

static int video_deleted(
    struct shoal_call *call, const json_t *event, void *arg, struct shoal_err *err)
{
    (void)arg;
    return comments_forget_video(call, shoal_integer(event, "video.id", 0), err);
}

static int user_changed(
    struct shoal_call *call, const json_t *event, void *arg, struct shoal_err *err)
{
    int64_t account_id = shoal_integer(event, "user.account.id", 0);
    const char *host = shoal_text(event, "user.account.host", "");
    const char *own = shoal_url(call, "/");
    own = strstr(own, "://");
    bool is_ours = own != NULL && strncmp(own + 3, host, strlen(host)) == 0 && own[3 + strlen(host)] == '/';
    const struct comments_author author = {.actor_id = shoal_integer(event, "actorId", 0),
        .name = shoal_text(event, "user.account.name", NULL),
        .host = is_ours ? "" : host};
    return strcmp(shoal_text(event, "what", ""), "deleted") == 0 && account_id > 0
               ? comments_delete_of(call, arg, account_id, 0, &author, err)
               : 0;
}

// Who wrote here is needed.
static enum shoal_verdict actor_forget(struct shoal_call *call, json_t *event, void *arg)
{
    (void)arg;
    return comments_has_author(call, shoal_integer(event, "actor.accountId", 0))
               ? shoal_refuse(call, "it wrote comments")
               : SHOAL_PASS;
}

static int host_hidden(
    struct shoal_call *call, const json_t *event, void *arg, struct shoal_err *err)
{
    (void)event;
    (void)arg;
    return comments_sum_look(call, err);
}

static const struct shoal_route routes[] = {
    {.method = "GET",
        .path = "/api/v1/videos/{id}/comment-threads",
        .handler = comments_get_threads},
    {.method = "GET",
        .path = "/api/v1/videos/{id}/comment-threads/{threadId}",
        .handler = comments_get_thread},
    {.method = "GET", .path = "/api/v1/videos/{id}/comment-trees", .handler = comments_get_trees},
    {.method = "POST",
        .path = "/api/v1/videos/{id}/comment-threads",
        .handler = comments_post_thread,
        .auth = SHOAL_AUTH_USER,
        .body = SHOAL_BODY_DATA,
        .body_max_bytes = TEXT_BODY_MAX,
        .rate = SHOAL_RATE_WRITE},
    {.method = "POST",
        .path = "/api/v1/videos/{id}/comments/{commentId}",
        .handler = comments_post_reply,
        .auth = SHOAL_AUTH_USER,
        .body = SHOAL_BODY_DATA,
        .body_max_bytes = TEXT_BODY_MAX,
        .rate = SHOAL_RATE_WRITE},
    {.method = "DELETE",
        .path = "/api/v1/videos/{id}/comments/{commentId}",
        .handler = comments_delete_one,
        .auth = SHOAL_AUTH_USER,
        .rate = SHOAL_RATE_WRITE},
    {.method = "POST",
        .path = "/api/v1/videos/{id}/comments/{commentId}/approve",
        .handler = comments_approve_one,
        .auth = SHOAL_AUTH_USER,
        .body = SHOAL_BODY_DATA,
        .body_max_bytes = 4096,
        .rate = SHOAL_RATE_WRITE},
    {.method = "GET",
        .path = "/api/v1/users/me/videos/comments",
        .handler = comments_get_mine,
        .auth = SHOAL_AUTH_USER},
    {.method = "GET",
        .path = "/api/v1/videos/comments",
        .handler = comments_get_all,
        .auth = SHOAL_AUTH_MODERATOR},
    {.method = "POST",
        .path = "/api/v1/bulk/remove-comments-of",
        .handler = comments_delete_many,
        .auth = SHOAL_AUTH_USER,
        .body = SHOAL_BODY_DATA,
        .body_max_bytes = 4096,
        .rate = SHOAL_RATE_WRITE},
};

static const struct shoal_svc_held held = {.size = sizeof held, .show = comments_show_held};

static int start(struct shoal_plugin *self, struct shoal_err *err)
{
    struct comments *comments = shoal_arena_alloc(shoal_plugin_arena(self), sizeof *comments);
    comments->self = self;
    int code = 0;
    for (size_t i = 0; i < sizeof routes / sizeof *routes && code == 0; i++) {
        struct shoal_route route = routes[i];
        route.arg = comments;
        route.cors = true;
        code = shoal_route_add(self, &route, err);
    }
    code = code != 0 ? code : shoal_tell(self, "video.deleted", video_deleted, comments);
    code = code != 0 ? code : shoal_tell(self, "user.changed", user_changed, comments);
    code = code != 0 ? code : shoal_tell(self, "host.hidden", host_hidden, comments);
    code = code != 0 ? code : shoal_decide(self, "actor.forget", actor_forget, comments);
    code = code != 0 ? code : shoal_timer_add(self, "sweep", SWEEP_MS, true, comments_sweep, comments);
    code = code != 0 ? code
                     : shoal_resumer_add(self, "comment.create", comments_resume, comments, err);
    code = code != 0 ? code : shoal_provide(self, "held", &held, comments, err);
    code = code != 0 ? code : comments_send_start(comments, err);
    code = code != 0 ? code : comments_documents_start(comments, err);
    return code != 0 ? code : comments_receive_start(comments, err);
}

SHOAL_PLUGIN(.name = "comments", .start = start);

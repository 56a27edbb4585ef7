// crier.c - says what it is told to say to other servers, for the tests of deliveries.
//
// POST /crier {activity, count, actor, followersOf, inboxes, replaces, priority, context, isSigned, exceptHost}:
// `count` activities (their ids and what they are about get a number) in transactions of 100; actors by name.
// SPDX-License-Identifier: MIT
#include <shoal/plugin.h>

#include <shoal/svc/federation.h>

#include <stdio.h>

#define INBOXES_MAX 1000
#define A_TIME 100

struct cry {
    const json_t *said;
    struct shoal_service service;
    int64_t from, to;
};

static int64_t actor_of(struct shoal_call *call, const char *name)
{
    struct shoal_actor actor = {0};
    return name != NULL && shoal_actor_named(call, name, "", &actor, NULL) == 0 ? actor.id : 0;
}

static void set_text(
    struct shoal_call *call, json_t *activity, const char *key, const char *text, int64_t number)
{
    json_object_set_new(activity, key,
        json_string(number == 0 ? text
                                : shoal_arena_printf(shoal_call_arena(call), "%s/%lld", text, (long long)number)));
}

static int cry_tx(struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    const struct cry *cry = arg;
    const struct shoal_svc_federation *federation = cry->service.table;
    const char *inboxes[INBOXES_MAX + 1] = {NULL};
    const json_t *list = json_object_get(cry->said, "inboxes");
    for (size_t i = 0; i < json_array_size(list) && i < INBOXES_MAX; i++) {
        inboxes[i] = json_string_value(json_array_get(list, i));
    }
    json_t *activity = json_deep_copy(json_object_get(cry->said, "activity"));
    const char *id = shoal_text(json_object_get(cry->said, "activity"), "id", "");
    struct shoal_delivery what = {.size = sizeof what,
        .activity = activity,
        .actor_id = actor_of(call, shoal_text(cry->said, "actor", "peertube")),
        .followers_of = {actor_of(call, shoal_text(cry->said, "followersOf", NULL))},
        .video_id = shoal_integer(cry->said, "video", 0),
        .inboxes = inboxes,
        .priority = (int)shoal_integer(cry->said, "priority", 0),
        .replaces = shoal_text(cry->said, "replaces", NULL),
        .context = shoal_text(cry->said, "context", NULL),
        .except_host = shoal_text(cry->said, "exceptHost", NULL),
        .is_signed = shoal_flag(cry->said, "isSigned", false)};
    int code = 0;
    const char *object = shoal_text(json_object_get(cry->said, "activity"), "object", NULL);
    for (int64_t i = cry->from; i < cry->to && code == 0; i++) {
        set_text(call, activity, "id", id, i);
        if (object != NULL) {
            set_text(call, activity, "object", object, i);
        }
        code = federation->deliver(call, cry->service.arg, tx, &what, err);
    }
    json_decref(activity);
    return code;
}

static int cry(struct shoal_call *call, struct shoal_request *request, void *arg, struct shoal_err *err)
{
    (void)arg;
    struct cry cry = {.said = shoal_request_body(request, err)};
    if (cry.said == NULL) {
        return err->code;
    }
    if (!shoal_service_find("federation", NULL, &cry.service)) {
        return shoal_fail(err, SHOAL_EBUSY, "this server does not federate");
    }
    int64_t count = shoal_integer(cry.said, "count", 1);
    int code = 0;
    shoal_enter(call, &cry.service);
    for (int64_t from = 0; from < count && code == 0; from += A_TIME) {
        cry.from = from;
        cry.to = from + A_TIME < count ? from + A_TIME : count;
        code = shoal_tx(call, cry_tx, &cry, err);
    }
    shoal_leave(call);
    return code != 0 ? code : shoal_answer_status(request, 204);
}

static int start(struct shoal_plugin *self, struct shoal_err *err)
{
    const struct shoal_route route = {
        .method = "POST", .path = "/crier", .handler = cry, .body = SHOAL_BODY_DATA};
    return shoal_route_add(self, &route, err);
}

SHOAL_PLUGIN(.name = "crier", .start = start);

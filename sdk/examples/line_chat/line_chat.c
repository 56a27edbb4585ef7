// line_chat.c - a room over WebSocket: what one says goes through a topic to all, on every server.
// SPDX-License-Identifier: MIT
#include <shoal/plugin.h>

#include <stdlib.h>
#include <string.h>

#define TOPIC "line_chat:room"

// A topic's function knows a guest by its stream alone: a handle outlives what it stands for.
static void hear(const char *topic, const json_t *message, void *arg)
{
    (void)topic;
    shoal_stream stream = (shoal_stream)(uintptr_t)arg;
    char *text = json_dumps(message, JSON_COMPACT);
    if (text) {
        shoal_stream_send(stream, text, strlen(text), true); // a stream that is gone is noticed
    }
    free(text);
}

struct guest {
    struct shoal_plugin *self;
    uint64_t subscription;
};

static int enter(struct shoal_call *call, struct shoal_request *request, void *arg, void **state,
    struct shoal_err *err)
{
    (void)call;
    (void)request;
    struct guest *guest = calloc(1, sizeof(*guest));
    if (!guest) {
        return shoal_fail(err, SHOAL_EBUSY, "the room has no place left");
    }
    guest->self = arg;
    *state = guest;
    return 0;
}

static void entered(shoal_stream stream, void *state)
{
    struct guest *guest = state;
    guest->subscription = shoal_subscribe(guest->self, TOPIC, hear, (void *)(uintptr_t)stream);
    if (!guest->subscription) {
        shoal_stream_close(stream, 1013, "the room is full");
    }
}

static void say(shoal_stream stream, void *state, const void *data, size_t length, bool is_text)
{
    const struct guest *guest = state;
    (void)stream;
    if (!is_text || length == 0 || length > (size_t)shoal_setting_i64(guest->self, "longest")) {
        return;
    }
    json_t *message = json_pack("{s:s%}", "line", (const char *)data, length);
    if (message) {
        shoal_publish(TOPIC, message);
    }
    json_decref(message);
}

static void leave(shoal_stream stream, void *state, int code)
{
    struct guest *guest = state;
    (void)stream;
    (void)code;
    shoal_unsubscribe(guest->subscription);
    free(guest);
}

// What the API says of a video names the room.
static int name_room(struct shoal_call *call, json_t **value, void *arg, struct shoal_err *err)
{
    (void)call;
    (void)arg;
    (void)err;
    json_t *video = json_object_get(*value, "video");
    if (json_is_object(video)) {
        json_object_set_new(video, "chat", json_string("/line_chat/room"));
    }
    return 0;
}

static int start(struct shoal_plugin *self, struct shoal_err *err)
{
    static const struct shoal_stream_ops ops = {
        .open = enter, .opened = entered, .message = say, .closed = leave};
    const struct shoal_socket_route room = {.path = "/line_chat/room", .arg = self, .ops = &ops};
    int code = shoal_socket_add(self, &room, err);
    return code < 0 ? code : shoal_filter(self, "video.view", name_room, self);
}

SHOAL_PLUGIN(.name = "line_chat", .start = start);

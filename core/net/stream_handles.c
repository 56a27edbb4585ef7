// stream_handles.c - streams as everybody but their loop knows them: handles, and what is sent to them.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "net/stream_priv.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <shoal/base.h>
#include <shoal/error.h>

#include "base/alloc.h"

#define SLOTS_MAX  262144
#define REASON_MAX 120 // a close frame takes 123 bytes
#define SPREAD_TICKS 40 // of 250 ms: ten seconds

/// handle = generation << 32 | (slot + 1): a slot used again does not answer to its old handle.
static struct {
    pthread_mutex_t lock;
    struct {
        struct shoal_stream_conn *stream;
        uint32_t generation;
    } *slots;
    uint32_t count, free_hint;
} table = {.lock = PTHREAD_MUTEX_INITIALIZER};

shoal_stream shoal_stream_enlist(struct shoal_stream_conn *stream)
{
    pthread_mutex_lock(&table.lock);
    uint32_t slot = table.free_hint;
    while (slot < table.count && table.slots[slot].stream) {
        slot++;
    }
    shoal_stream handle = 0;
    if (slot == table.count && table.count < SLOTS_MAX) {
        uint32_t more = table.count ? table.count * 2 : 64;
        table.slots = shoal_realloc(table.slots, more, sizeof *table.slots);
        memset(table.slots + table.count, 0, (more - table.count) * sizeof *table.slots);
        table.count = more;
    }
    if (slot < table.count) {
        table.slots[slot].stream = stream;
        table.free_hint = slot + 1;
        handle = (shoal_stream)++table.slots[slot].generation << 32 | (slot + 1);
    }
    pthread_mutex_unlock(&table.lock);
    return handle;
}

void shoal_stream_delist(shoal_stream handle)
{
    if (handle == 0) {
        return; // the table was full
    }
    uint32_t slot = (uint32_t)handle - 1;
    pthread_mutex_lock(&table.lock);
    table.slots[slot].stream = NULL;
    if (slot < table.free_hint) {
        table.free_hint = slot;
    }
    pthread_mutex_unlock(&table.lock);
}

/// With table.lock held. The stream stays until its loop ends it, which needs this lock too.
static struct shoal_stream_conn *find(shoal_stream handle)
{
    uint32_t slot = (uint32_t)handle - 1;
    if (handle == 0 || slot >= table.count ||
        table.slots[slot].generation != (uint32_t)(handle >> 32)) {
        return NULL;
    }
    return table.slots[slot].stream;
}

/// [loop] Of this loop, so that nobody ends it meanwhile.
static struct shoal_stream_conn *find_here(shoal_stream handle)
{
    pthread_mutex_lock(&table.lock);
    struct shoal_stream_conn *stream = find(handle);
    pthread_mutex_unlock(&table.lock);
    return stream;
}

// ---- posts to the loop

struct posted {
    shoal_stream handle;
    size_t length;
    int code;
    bool is_text;
    char data[];
};

static struct posted *new_post(shoal_stream handle, const void *data, size_t length)
{
    struct posted *posted = shoal_realloc(NULL, 1, sizeof *posted + length + 1);
    *posted = (struct posted){.handle = handle, .length = length};
    if (length > 0) {
        memcpy(posted->data, data, length);
    }
    posted->data[length] = 0;
    return posted;
}

static void hear_send(void *arg)
{
    struct posted *posted = arg;
    struct shoal_stream_conn *stream = find_here(posted->handle);
    if (stream) {
        atomic_fetch_sub(&stream->posted, posted->length);
        shoal_stream_put(stream, posted->data, posted->length, posted->is_text);
    }
    free(posted);
}

static void hear_overflow(void *arg)
{
    struct posted *posted = arg;
    struct shoal_stream_conn *stream = find_here(posted->handle);
    if (stream) {
        shoal_stream_end(stream, SHOAL_STREAM_TOO_SLOW);
    }
    free(posted);
}

static void hear_close(void *arg)
{
    struct posted *posted = arg;
    struct shoal_stream_conn *stream = find_here(posted->handle);
    if (stream) {
        shoal_stream_finish(stream, posted->code, posted->data);
    }
    free(posted);
}

static void hear_more(void *arg)
{
    struct posted *posted = arg;
    struct shoal_stream_conn *stream = find_here(posted->handle);
    if (stream) {
        shoal_stream_read(stream);
    }
    free(posted);
}

void shoal_stream_read_later(struct shoal_stream_conn *stream)
{
    shoal_loop_run(stream->loop, hear_more, new_post(stream->handle, NULL, 0));
}

/// [loop] A pause holds from this moment on, also in the middle of a turn of reading: who asks for one
/// has no room for more, and is called back by nothing meanwhile. What is asked twice makes no second
/// turn.
static void set_paused(struct shoal_stream_conn *stream, bool paused)
{
    if (stream->is_paused == paused) {
        return;
    }
    stream->is_paused = paused;
    if (paused) {
        shoal_stream_repoll(stream);
    } else {
        shoal_stream_read_later(stream); // what was decrypted already is not polled for
    }
}

static void hear_pause(void *arg)
{
    struct posted *posted = arg;
    struct shoal_stream_conn *stream = find_here(posted->handle);
    if (stream) {
        set_paused(stream, posted->code != 0);
    }
    free(posted);
}

// ---- from any thread

static bool has_room(struct shoal_stream_conn *stream, size_t length)
{
    size_t waits = atomic_load(&stream->queued) + atomic_load(&stream->posted);
    return length <= stream->queue_max && waits <= stream->queue_max - length;
}

int shoal_stream_send(shoal_stream handle, const void *data, size_t length, bool is_text)
{
    struct shoal_stream_conn *heard = shoal_stream_heard;
    if (heard && heard->handle == handle && !heard->is_gone && has_room(heard, length)) {
        shoal_stream_put(heard, data, length, is_text);
        return 0;
    }
    pthread_mutex_lock(&table.lock);
    struct shoal_stream_conn *stream = find(handle);
    if (!stream) {
        pthread_mutex_unlock(&table.lock);
        return SHOAL_EGONE;
    }
    bool is_full = !has_room(stream, length);
    bool is_here = shoal_stream_on_loop(stream);
    if (is_full) {
        shoal_loop_run(stream->loop, hear_overflow, new_post(handle, NULL, 0));
    } else if (!is_here) {
        atomic_fetch_add(&stream->posted, length);
        struct posted *posted = new_post(handle, data, length);
        posted->is_text = is_text;
        shoal_loop_run(stream->loop, hear_send, posted);
    }
    pthread_mutex_unlock(&table.lock);
    if (is_here && !is_full) {
        shoal_stream_put(stream, data, length, is_text); // on its own loop nobody ends it meanwhile
    }
    return is_full ? SHOAL_EBUSY : 0;
}

/// With table.lock held.
static void post_close(struct shoal_stream_conn *stream, int code, const char *reason)
{
    size_t length = reason ? strlen(reason) : 0;
    if (length > REASON_MAX) {
        length = REASON_MAX;
        while (length > 0 && (reason[length] & 0xc0) == 0x80) {
            length--; // not in the middle of a character
        }
    }
    struct posted *posted = new_post(stream->handle, reason, length);
    posted->code = code;
    shoal_loop_run(stream->loop, hear_close, posted);
}

void shoal_stream_close(shoal_stream handle, int code, const char *reason)
{
    pthread_mutex_lock(&table.lock);
    struct shoal_stream_conn *stream = find(handle);
    if (stream) {
        post_close(stream, code, reason);
    }
    pthread_mutex_unlock(&table.lock);
}

void shoal_stream_pause(shoal_stream handle, bool paused)
{
    pthread_mutex_lock(&table.lock);
    struct shoal_stream_conn *stream = find(handle);
    bool is_here = stream && shoal_stream_on_loop(stream);
    if (stream && !is_here) {
        struct posted *posted = new_post(handle, NULL, 0);
        posted->code = paused;
        shoal_loop_run(stream->loop, hear_pause, posted);
    }
    pthread_mutex_unlock(&table.lock);
    if (is_here) {
        set_paused(stream, paused); // on its own loop nobody ends it meanwhile
    }
}

size_t shoal_stream_queued(shoal_stream handle)
{
    pthread_mutex_lock(&table.lock);
    struct shoal_stream_conn *stream = find(handle);
    size_t queued = stream ? atomic_load(&stream->queued) + atomic_load(&stream->posted) : 0;
    pthread_mutex_unlock(&table.lock);
    return queued;
}

int shoal_stream_address(shoal_stream handle, char out[64])
{
    char text[48];
    pthread_mutex_lock(&table.lock);
    struct shoal_stream_conn *stream = find(handle);
    if (stream) {
        shoal_address_format(&stream->peer, text);
    }
    pthread_mutex_unlock(&table.lock);
    if (!stream) {
        return SHOAL_EGONE;
    }
    memcpy(out, text, sizeof text);
    return 0;
}

int shoal_stream_port(shoal_stream handle)
{
    pthread_mutex_lock(&table.lock);
    struct shoal_stream_conn *stream = find(handle);
    int port = stream ? stream->peer_port : SHOAL_EGONE;
    pthread_mutex_unlock(&table.lock);
    return port;
}

int shoal_stream_loop(shoal_stream handle)
{
    pthread_mutex_lock(&table.lock);
    struct shoal_stream_conn *stream = find(handle);
    int loop = stream ? stream->loop->index : -1;
    pthread_mutex_unlock(&table.lock);
    return loop;
}

// ---- the end of many

/// Who was sent away lately: a stream that a worker let in meanwhile is turned back on its loop.
#define SENT_AWAY_MAX 64
static struct {
    int64_t user_id, token_id, at_ms;
} sent_away[SENT_AWAY_MAX]; // under table.lock
static uint32_t sent_away_next;

struct shoal_stream_owner shoal_stream_owner_of(const struct shoal_request *request)
{
    const struct shoal_viewer *viewer = &request->call.viewer;
    return (struct shoal_stream_owner){viewer->user_id, viewer->token_id, request->call.asked_ms};
}

bool shoal_stream_own(struct shoal_stream_conn *stream, const struct shoal_stream_owner *owner)
{
    bool is_revoked = false;
    pthread_mutex_lock(&table.lock);
    stream->user_id = owner->user_id;
    stream->token_id = owner->token_id;
    for (uint32_t i = 0; i < SENT_AWAY_MAX && owner->user_id != 0; i++) {
        is_revoked = is_revoked || (sent_away[i].user_id == owner->user_id &&
            (sent_away[i].token_id == 0 || sent_away[i].token_id == owner->token_id) &&
            sent_away[i].at_ms >= owner->asked_ms);
    }
    pthread_mutex_unlock(&table.lock);
    return !is_revoked;
}

void shoal_streams_viewer_remove(int64_t user_id, int64_t token_id)
{
    pthread_mutex_lock(&table.lock);
    uint32_t at = sent_away_next++ % SENT_AWAY_MAX;
    sent_away[at].user_id = user_id;
    sent_away[at].token_id = token_id;
    sent_away[at].at_ms = shoal_tick_ms();
    for (uint32_t i = 0; i < table.count; i++) {
        struct shoal_stream_conn *stream = table.slots[i].stream;
        if (stream && stream->user_id == user_id &&
            (token_id == 0 || stream->token_id == token_id)) {
            post_close(stream, 1008, "logged out");
        }
    }
    pthread_mutex_unlock(&table.lock);
}

static int compare_viewers(const void *left, const void *right)
{
    const struct shoal_stream_viewer *a = left, *b = right;
    int by_user = (a->user_id > b->user_id) - (a->user_id < b->user_id);
    return by_user ? by_user : (a->token_id > b->token_id) - (a->token_id < b->token_id);
}

struct shoal_stream_viewer *shoal_streams_viewers(size_t *count)
{
    struct shoal_stream_viewer *list = NULL;
    size_t all = 0;
    pthread_mutex_lock(&table.lock);
    for (uint32_t i = 0; i < table.count; i++) {
        const struct shoal_stream_conn *stream = table.slots[i].stream;
        if (stream && stream->user_id != 0) {
            list = list ? list : shoal_alloc(table.count, sizeof *list);
            list[all++] = (struct shoal_stream_viewer){stream->user_id, stream->token_id};
        }
    }
    pthread_mutex_unlock(&table.lock);
    *count = 0;
    if (!list) {
        return NULL;
    }
    qsort(list, all, sizeof *list, compare_viewers);
    for (size_t i = 0; i < all; i++) {
        if (*count == 0 || compare_viewers(&list[*count - 1], &list[i]) != 0) {
            list[(*count)++] = list[i];
        }
    }
    return list;
}

void shoal_streams_owner_remove(struct shoal_plugin *owner)
{
    pthread_mutex_lock(&table.lock);
    for (uint32_t i = 0; i < table.count; i++) {
        struct shoal_stream_conn *stream = table.slots[i].stream;
        if (stream && stream->owner == owner) {
            post_close(stream, 1001, "");
        }
    }
    pthread_mutex_unlock(&table.lock);
}

int shoal_stream_stay(shoal_stream handle, bool stays)
{
    pthread_mutex_lock(&table.lock);
    struct shoal_stream_conn *stream = find(handle);
    int code = !stream                            ? SHOAL_EGONE
               : stream->kind != SHOAL_STREAM_RAW ? SHOAL_EUNSUPPORTED
                                                  : 0;
    if (code == 0) {
        stream->stays = stays;
    }
    pthread_mutex_unlock(&table.lock);
    return code;
}

/// With table.lock held.
static size_t count_sockets(const struct shoal_loop *loop)
{
    size_t count = 0;
    for (uint32_t i = 0; i < table.count; i++) {
        const struct shoal_stream_conn *stream = table.slots[i].stream;
        count += stream && stream->loop == loop && stream->kind == SHOAL_STREAM_WEBSOCKET;
    }
    return count;
}

/// Where another process takes over, sockets close a few at a time: all of them come back to it at once.
static void loop_stops(struct shoal_loop *loop, void *unused)
{
    (void)unused;
    bool may_stay = shoal_loop_may_stay(loop), has_stayed = false;
    pthread_mutex_lock(&table.lock);
    if (loop->stop_batch == 0) {
        loop->stop_batch = count_sockets(loop) / SPREAD_TICKS + 1;
    }
    size_t left = may_stay ? loop->stop_batch : SIZE_MAX;
    for (uint32_t i = 0; i < table.count; i++) {
        struct shoal_stream_conn *stream = table.slots[i].stream;
        bool is_due = stream && stream->loop == loop && !stream->is_closing;
        bool is_socket = is_due && stream->kind == SHOAL_STREAM_WEBSOCKET;
        has_stayed = has_stayed || (is_due && may_stay && stream->stays);
        if (is_due && !(may_stay && stream->stays) && (!is_socket || left > 0)) {
            left -= is_socket;
            post_close(stream, 1012, "the server restarts");
        }
    }
    pthread_mutex_unlock(&table.lock);
    if (has_stayed && !loop->says_stay && loop->server->options.stays) {
        loop->says_stay = true;
        loop->server->options.stays(loop->server->stay_ms);
    }
}

/// Streams end with the server; said once, before it starts.
__attribute__((constructor)) static void hook_stop(void)
{
    shoal_server_on_stop(loop_stops, NULL);
}

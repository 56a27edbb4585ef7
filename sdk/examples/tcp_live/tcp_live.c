// tcp_live.c - the shape of a live plugin: bytes of a TCP port go to ffmpeg, an object tells of it.
//
// The loop owns a feed until its sender is gone and its bytes are in the pipe (closed(), then
// conclude()); from then on a worker brings it to its end (FEED_ENDING), and the timer does what is left
// (FEED_OVER) and frees its slot. One piece of work at a time is with a worker (is_busy): nothing of the
// feed goes away meanwhile.
//
// A feed that was let in stays through a reload: this process goes on with it until its end, while the
// next one takes new senders. Work that was handed over before the last stream closed is still done.
// SPDX-License-Identifier: MIT
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <shoal/plugin.h>
#include <shoal/svc/storage.h>

#define FEEDS_MAX   8
#define KEY_MAX     40
#define WAITING_MAX (1u << 20) // not yet in the pipe: a pause holds at once, what came before is kept
#define TURN_BYTES  (256u << 10)
#define NAMING_MS   10000
#define SILENT_MS   30000
#define ENDING_MS   5000
#define LIVE_S      (12 * 3600)

enum feed_state {
    FEED_FREE,
    FEED_NAMING,
    FEED_ASKING,
    FEED_LIVE,
    FEED_OVER,
    FEED_ENDING,
};

struct feed {
    enum feed_state state; ///< under live.lock
    shoal_stream stream;
    char key[KEY_MAX + 1], process[KEY_MAX + 16], folder[512], prefix[64];
    size_t key_length;
    char *waiting;
    size_t waiting_from, waiting_to;
    int pipe; ///< -1: none
    bool is_busy, is_closed, may_send, has_process, is_killed;
    _Atomic int64_t bytes, heard_ms; ///< heard_ms: the last bytes, or since when it is over
};

// A shared object is never unloaded, and work of a stream may end after stop(): so it is static.
static struct {
    struct shoal_plugin *self;
    pthread_mutex_t lock;
    struct feed feeds[FEEDS_MAX];
} live = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void set_state(struct feed *feed, enum feed_state state)
{
    pthread_mutex_lock(&live.lock);
    feed->state = state;
    pthread_mutex_unlock(&live.lock);
}

static enum feed_state state_of(struct feed *feed)
{
    pthread_mutex_lock(&live.lock);
    enum feed_state state = feed->state;
    pthread_mutex_unlock(&live.lock);
    return state;
}

// ---- on the loop

static void finish(struct shoal_call *call, void *arg);

static void conclude(struct feed *feed)
{
    if (feed->pipe >= 0) {
        close(feed->pipe); // ffmpeg reads the end of its input and finishes
    }
    feed->pipe = -1;
    free(feed->waiting);
    feed->waiting = NULL;
    feed->heard_ms = shoal_tick_ms();
    if (!feed->has_process) {
        set_state(feed, FEED_FREE);
        return;
    }
    set_state(feed, FEED_ENDING);
    if (shoal_work(live.self, finish, NULL, feed, 0) < 0) {
        set_state(feed, FEED_OVER);
    }
}

static void flow(struct feed *feed);

static void flowed(void *arg)
{
    struct feed *feed = arg;
    feed->is_busy = false;
    flow(feed);
}

/// The pipe is full: a worker looks for a while whether there is room again.
static void await_room(struct shoal_call *call, void *arg)
{
    const struct feed *feed = arg;
    struct pollfd room = {.fd = feed->pipe, .events = POLLOUT};
    (void)call;
    poll(&room, 1, 200);
}

static void give_up(struct feed *feed)
{
    feed->waiting_from = feed->waiting_to = 0;
    if (feed->is_closed) {
        conclude(feed);
    } else {
        shoal_stream_close(feed->stream, 1011, "");
    }
}

/// Moves what waits into the pipe; the sender is heard again once all of it is there.
static void flow(struct feed *feed)
{
    while (feed->waiting_from < feed->waiting_to) {
        size_t length = feed->waiting_to - feed->waiting_from;
        ssize_t count = write(feed->pipe, feed->waiting + feed->waiting_from,
            length < TURN_BYTES ? length : TURN_BYTES);
        if (count > 0) {
            feed->waiting_from += (size_t)count;
            feed->bytes += count;
            continue;
        }
        if (errno == EINTR) {
            continue;
        }
        if (errno == EAGAIN && shoal_tick_ms() - feed->heard_ms < SILENT_MS) {
            shoal_stream_pause(feed->stream, true);
            feed->is_busy = true;
            if (shoal_work(live.self, await_room, flowed, feed, 0) == 0) {
                return;
            }
            feed->is_busy = false;
        }
        give_up(feed); // ffmpeg is gone, takes nothing, or there is nobody to wait for it
        return;
    }
    feed->waiting_from = feed->waiting_to = 0;
    if (feed->is_closed) {
        conclude(feed);
    } else {
        shoal_stream_pause(feed->stream, false);
    }
}

static void asked(void *arg)
{
    struct feed *feed = arg;
    feed->is_busy = false;
    if (!feed->may_send) {
        give_up(feed);
        return;
    }
    shoal_stream_stay(feed->stream, true);
    set_state(feed, FEED_LIVE);
    flow(feed);
}

// ---- on a worker: ask, and start

/// The network of an address: what a rule needs, and no more of a person than that.
static void write_prefix(struct feed *feed)
{
    char address[64] = "", text[INET6_ADDRSTRLEN] = "";
    unsigned char bits[16] = {0};
    shoal_stream_address(feed->stream, address);
    bool is_v4 = inet_pton(AF_INET, address, bits) == 1;
    if (is_v4 || inet_pton(AF_INET6, address, bits) == 1) {
        size_t kept = is_v4 ? 3 : 6;
        memset(bits + kept, 0, sizeof bits - kept);
        inet_ntop(is_v4 ? AF_INET : AF_INET6, bits, text, sizeof text);
    }
    snprintf(feed->prefix, sizeof feed->prefix, "%s%s", text, is_v4 ? "/24" : *text ? "/48" : "");
}

static int start_process(struct shoal_call *call, struct feed *feed, struct shoal_err *err)
{
    const char *data = shoal_plugin_data(live.self, err);
    if (!data) {
        return SHOAL_EIO;
    }
    snprintf(feed->folder, sizeof feed->folder, "%s/%s", data, feed->key);
    snprintf(feed->process, sizeof feed->process, "tcp_live:%s", feed->key);
    int ends[2];
    if ((mkdir(feed->folder, 0700) < 0 && errno != EEXIST) || pipe2(ends, O_CLOEXEC) < 0) {
        return shoal_fail(err, SHOAL_EIO, "no folder or pipe for %s", feed->key);
    }
    static const char *const args[] = {"-hide_banner", "-loglevel", "error", "-f", "mpegts", "-i",
        "pipe:0", "-c", "copy", "-f", "hls", "-hls_time", "1", "-hls_list_size", "6", "-hls_flags",
        "delete_segments", "index.m3u8", NULL};
    const struct shoal_process what = {.program = "ffmpeg",
        .args = args,
        .key = feed->process,
        .work_path = feed->folder,
        .errors_path = "errors",
        .wall_s = LIVE_S,
        .stdin_fd = ends[0]};
    int code = shoal_process_start(call, &what, err);
    close(ends[0]);
    if (code < 0) {
        close(ends[1]);
        return code;
    }
    fcntl(ends[1], F_SETFL, O_NONBLOCK);
    feed->pipe = ends[1];
    feed->has_process = true;
    return 0;
}

static void ask(struct shoal_call *call, void *arg)
{
    struct feed *feed = arg;
    struct shoal_err err = {0};
    struct shoal_decision decision = {0};
    write_prefix(feed);
    json_t *payload = json_pack("{s:s, s:s}", "key", feed->key, "address_prefix", feed->prefix);
    enum shoal_verdict verdict = shoal_fire_decide(call, "tcp_live.publish", payload, &decision);
    json_decref(payload);
    if (verdict != SHOAL_PASS) {
        shoal_info("%s may not send: %s", feed->key, decision.sentence);
        return;
    }
    feed->may_send = start_process(call, feed, &err) == 0;
    if (!feed->may_send) {
        shoal_warn("%s cannot send: %s", feed->key, err.text);
    }
}

// ---- the stream

static int take(struct shoal_call *call, struct shoal_request *request, void *arg, void **state,
    struct shoal_err *err)
{
    (void)call;
    (void)request;
    (void)arg;
    char *waiting = malloc(WAITING_MAX);
    pthread_mutex_lock(&live.lock);
    for (size_t i = 0; waiting && !*state && i < FEEDS_MAX; i++) {
        struct feed *feed = &live.feeds[i];
        if (feed->state == FEED_FREE) {
            *feed = (struct feed){.state = FEED_NAMING, .waiting = waiting, .pipe = -1};
            feed->heard_ms = shoal_tick_ms();
            *state = feed;
        }
    }
    pthread_mutex_unlock(&live.lock);
    if (!*state) {
        free(waiting);
        return shoal_fail(err, SHOAL_EBUSY, "there are %d senders already", FEEDS_MAX);
    }
    return 0;
}

static void taken(shoal_stream stream, void *state)
{
    struct feed *feed = state;
    pthread_mutex_lock(&live.lock);
    feed->stream = stream;
    pthread_mutex_unlock(&live.lock);
}

/// Whether there is a key and no other feed has it; then the feed is ASKING.
static bool claim(struct feed *feed)
{
    bool is_free = feed->key_length > 0;
    pthread_mutex_lock(&live.lock);
    for (size_t i = 0; i < FEEDS_MAX; i++) {
        const struct feed *other = &live.feeds[i];
        bool is_named = other != feed && other->state >= FEED_ASKING;
        is_free = is_free && !(is_named && strcmp(other->key, feed->key) == 0);
    }
    if (is_free) {
        feed->state = FEED_ASKING;
    }
    pthread_mutex_unlock(&live.lock);
    return is_free;
}

/// Reads the first line. Returns how many bytes belong to it, or -1 when it is no key.
static ssize_t read_key(struct feed *feed, const char *data, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if (data[i] == '\n') {
            return claim(feed) ? (ssize_t)i + 1 : -1;
        }
        bool fits = data[i] && strchr("abcdefghijklmnopqrstuvwxyz0123456789-", data[i]);
        if (!fits || feed->key_length == KEY_MAX) {
            return -1;
        }
        feed->key[feed->key_length++] = data[i];
    }
    return (ssize_t)length;
}

static void heard(shoal_stream stream, void *state, const void *data, size_t length, bool is_text)
{
    struct feed *feed = state;
    (void)is_text;
    feed->heard_ms = shoal_tick_ms();
    bool was_naming = state_of(feed) == FEED_NAMING;
    ssize_t used = was_naming ? read_key(feed, data, length) : 0;
    if (used < 0 || length - (size_t)used > WAITING_MAX - feed->waiting_to) {
        shoal_stream_close(stream, 1008, "");
        return;
    }
    memcpy(feed->waiting + feed->waiting_to, (const char *)data + used, length - (size_t)used);
    feed->waiting_to += length - (size_t)used;
    if (was_naming && state_of(feed) == FEED_ASKING) {
        shoal_stream_pause(stream, true);
        feed->is_busy = true;
        if (shoal_work(live.self, ask, asked, feed, 0) < 0) {
            feed->is_busy = false;
            shoal_stream_close(stream, 1013, "");
        }
    } else if (feed->pipe >= 0 && !feed->is_busy) {
        flow(feed);
    }
}

static void left(shoal_stream stream, void *state, int code)
{
    struct feed *feed = state;
    (void)stream;
    (void)code;
    feed->is_closed = true;
    if (!feed->is_busy) {
        conclude(feed);
    }
}

// ---- the timer: once a second, on a worker

/// How many pieces the playlist of ffmpeg names now.
static int count_segments(const struct feed *feed)
{
    char path[600], text[4096];
    snprintf(path, sizeof path, "%s/index.m3u8", feed->folder);
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    ssize_t length = fd < 0 ? 0 : read(fd, text, sizeof text - 1);
    if (fd >= 0) {
        close(fd);
    }
    text[length > 0 ? length : 0] = 0;
    int count = 0;
    for (const char *at = text; (at = strstr(at, "#EXTINF")); at++) {
        count++;
    }
    return count;
}

/// Replaces the object whole: who reads it sees the old one or this one.
static int replace(struct shoal_call *call, const struct feed *feed, const char *how,
    struct shoal_err *err)
{
    struct shoal_service service;
    if (!shoal_service_find("storage", NULL, &service)) {
        return shoal_fail(err, SHOAL_EUNSUPPORTED, "there is no storage");
    }
    char key[KEY_MAX + 32], text[256];
    snprintf(key, sizeof key, "live/%s/status.json", feed->key);
    int length = snprintf(text, sizeof text,
        "{\"key\":\"%s\",\"state\":\"%s\",\"bytes\":%lld,\"segments\":%d}\n", feed->key, how,
        (long long)feed->bytes, count_segments(feed));
    const struct shoal_svc_storage *table = service.table;
    void *put = NULL;
    shoal_enter(call, &service);
    int code = table->put_begin(call, service.arg, key, "application/json", length, &put, err);
    if (code == 0) {
        code = table->put_write(call, put, text, (size_t)length, err);
        if (code == 0) {
            code = table->put_commit(call, put, err);
        } else {
            table->put_abort(call, put);
        }
    }
    shoal_leave(call);
    return code;
}

static void remove_folder(const struct feed *feed)
{
    DIR *folder = opendir(feed->folder);
    for (struct dirent *entry; folder && (entry = readdir(folder));) {
        unlinkat(dirfd(folder), entry->d_name, 0);
    }
    if (folder) {
        closedir(folder);
    }
    rmdir(feed->folder);
}

/// The sender is gone: waits for ffmpeg a little each time, and is not patient for ever.
static int end(struct shoal_call *call, struct feed *feed, struct shoal_err *err)
{
    struct shoal_process_state state = {0};
    int code = shoal_process_wait(call, feed->process, 200, &state, NULL);
    if (code == SHOAL_ETIMEOUT || code == SHOAL_ECANCELLED) {
        if (!feed->is_killed && shoal_tick_ms() - feed->heard_ms > ENDING_MS) {
            feed->is_killed = shoal_process_kill(call, feed->process, NULL) == 0;
        }
        return 0;
    }
    code = replace(call, feed, "ended", err);
    shoal_process_forget(call, feed->process);
    remove_folder(feed);
    set_state(feed, FEED_FREE);
    return code;
}

/// On a worker, when the sender is gone; what takes longer is the timer's.
static void finish(struct shoal_call *call, void *arg)
{
    struct feed *feed = arg;
    struct shoal_err err = {0};
    int code = 0;
    while (code == 0 && state_of(feed) == FEED_ENDING && shoal_call_left_ms(call) > 1000) {
        code = end(call, feed, &err);
    }
    if (code < 0) {
        shoal_warn("%s did not end well: %s", feed->key, err.text);
    }
    if (state_of(feed) == FEED_ENDING) {
        set_state(feed, FEED_OVER);
    }
}

static int every_second(struct shoal_call *call, void *arg, struct shoal_err *err)
{
    int code = 0;
    (void)arg;
    for (size_t i = 0; i < FEEDS_MAX; i++) {
        struct feed *feed = &live.feeds[i];
        pthread_mutex_lock(&live.lock);
        enum feed_state state = feed->state;
        shoal_stream stream = feed->stream;
        pthread_mutex_unlock(&live.lock);
        int64_t silent_ms = shoal_tick_ms() - feed->heard_ms;
        if ((state == FEED_NAMING && silent_ms > NAMING_MS) ||
            (state == FEED_LIVE && silent_ms > SILENT_MS)) {
            shoal_stream_close(stream, 1001, "");
        }
        int done = state == FEED_LIVE   ? replace(call, feed, "live", err)
                   : state == FEED_OVER ? end(call, feed, err)
                                        : 0;
        code = done < 0 ? done : code;
    }
    return code;
}

static int start(struct shoal_plugin *self, struct shoal_err *err)
{
    static const struct shoal_stream_ops ops = {
        .open = take, .opened = taken, .message = heard, .closed = left};
    live.self = self;
    int code = shoal_timer_add(self, "status", 1000, false, every_second, NULL);
    return code < 0 ? code
                    : shoal_listen(self, SHOAL_LISTEN_TCP, shoal_setting_text(self, NULL, "listen"),
                          &ops, NULL, err);
}

SHOAL_PLUGIN(.name = "tcp_live", .start = start);

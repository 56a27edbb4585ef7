// channel.c - matches answers of the supervisor with the threads that wait for them.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "super/channel.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <shoal/base.h>
#include <shoal/json.h>

#include "super/protocol.h"

#define STEP_MS 100

/// A thread that waits; lives on its stack.
struct asker {
    json_int_t id;
    json_t *answer;
    int fd;
    struct asker *next;
};

// One process has one control channel, as it has one standard output.
static struct {
    pthread_mutex_t lock;
    pthread_cond_t answered;
    pthread_t reader;
    bool is_running, is_gone;
    int fd;
    json_int_t last_id;
    struct asker *askers;
    void (*_Atomic order)(const json_t *body, void *user);
    void *user;
} channel = {.lock = PTHREAD_MUTEX_INITIALIZER, .fd = -1};

static void answer_take(struct shoal_message *message)
{
    json_int_t id = shoal_integer(message->body, "answer", 0);
    pthread_mutex_lock(&channel.lock);
    for (struct asker *asker = channel.askers; asker != NULL; asker = asker->next) {
        if (asker->id == id && asker->answer == NULL) {
            asker->answer = message->body; // its only owner from here on
            message->body = NULL;
            asker->fd = shoal_message_take_fd(message, 0);
            pthread_cond_broadcast(&channel.answered);
            break;
        }
    }
    pthread_mutex_unlock(&channel.lock);
}

/// Another thread may stop the channel at any time.
static void order_give(const json_t *body)
{
    void (*order)(const json_t *, void *) = channel.order;
    if (order != NULL) {
        order(body, channel.user);
    }
}

static void *read_all(void *unused)
{
    (void)unused;
    for (;;) {
        struct shoal_message message;
        struct shoal_err err = {0};
        int code = shoal_message_recv(channel.fd, true, &message, &err);
        if (code == SHOAL_EGONE || code == SHOAL_EIO) {
            break;
        }
        if (code != 0) {
            shoal_warn("a message of the supervisor is dropped: %s", err.text);
            continue;
        }
        if (json_object_get(message.body, "answer") != NULL) {
            answer_take(&message);
        } else {
            order_give(message.body);
        }
        shoal_message_fini(&message);
    }
    pthread_mutex_lock(&channel.lock);
    channel.is_gone = true;
    pthread_cond_broadcast(&channel.answered);
    pthread_mutex_unlock(&channel.lock);
    order_give(NULL);
    return NULL;
}

int shoal_channel_start(int fd, void (*order)(const json_t *body, void *user), void *user,
    struct shoal_err *err)
{
    if (channel.is_running) {
        return shoal_fail(err, SHOAL_ECONFLICT, "there is a control channel already");
    }
    pthread_condattr_t clock;
    pthread_condattr_init(&clock);
    pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
    pthread_cond_init(&channel.answered, &clock);
    pthread_condattr_destroy(&clock);
    channel.fd = fd;
    channel.order = order;
    channel.user = user;
    channel.is_gone = false;
    if (pthread_create(&channel.reader, NULL, read_all, NULL) != 0) {
        return shoal_fail(err, SHOAL_EBUSY, "no thread for the control channel");
    }
    channel.is_running = true;
    return 0;
}

void shoal_channel_stop(void)
{
    if (!channel.is_running) {
        return;
    }
    channel.order = NULL;
    shutdown(channel.fd, SHUT_RDWR);
    pthread_join(channel.reader, NULL);
    close(channel.fd);
    channel.fd = -1;
    channel.is_running = false;
    pthread_cond_destroy(&channel.answered);
}

bool shoal_channel_runs(void)
{
    pthread_mutex_lock(&channel.lock);
    bool runs = channel.is_running && !channel.is_gone;
    pthread_mutex_unlock(&channel.lock);
    return runs;
}

int shoal_channel_tell(json_t *body, struct shoal_err *err)
{
    int code = channel.is_running
                   ? shoal_message_send(channel.fd, body, NULL, 0, true, err)
                   : shoal_fail(err, SHOAL_EUNSUPPORTED, "there is no supervisor");
    json_decref(body);
    return code;
}

void shoal_channel_try(json_t *body)
{
    if (channel.is_running) {
        shoal_message_send(channel.fd, body, NULL, 0, false, NULL);
    }
    json_decref(body);
}

static void step(void)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += STEP_MS * 1000000L;
    if (until.tv_nsec >= 1000000000L) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000L;
    }
    pthread_cond_timedwait(&channel.answered, &channel.lock, &until);
}

/// With the lock held.
static int wait_for(struct shoal_call *call, struct asker *asker, int64_t timeout_ms,
    struct shoal_err *err)
{
    int64_t until_ms = timeout_ms < 0 ? INT64_MAX : shoal_tick_ms() + timeout_ms;
    while (asker->answer == NULL) {
        if (channel.is_gone) {
            return shoal_fail(err, SHOAL_EGONE, "the supervisor is gone");
        }
        if (call != NULL && shoal_call_cancelled(call)) {
            return shoal_fail(err, SHOAL_ECANCELLED, "the call was cancelled");
        }
        if (shoal_tick_ms() >= until_ms) {
            return shoal_fail(err, SHOAL_ETIMEOUT, "there is no answer yet");
        }
        step();
    }
    return 0;
}

static void forget(struct asker *asker)
{
    for (struct asker **at = &channel.askers; *at != NULL; at = &(*at)->next) {
        if (*at == asker) {
            *at = asker->next;
            return;
        }
    }
}

int shoal_channel_ask(struct shoal_call *call, json_t *body, const int *fds, size_t fd_count,
    int64_t timeout_ms, json_t **answer, int *fd, json_int_t *id, struct shoal_err *err)
{
    struct asker asker = {.fd = -1};
    *answer = NULL;
    if (!channel.is_running) {
        json_decref(body);
        return shoal_fail(err, SHOAL_EUNSUPPORTED, "there is no supervisor to start processes");
    }
    pthread_mutex_lock(&channel.lock);
    asker.id = ++channel.last_id;
    asker.next = channel.askers;
    channel.askers = &asker;
    pthread_mutex_unlock(&channel.lock);
    json_object_set_new(body, "id", json_integer(asker.id));
    int code = shoal_message_send(channel.fd, body, fds, fd_count, true, err);
    json_decref(body);
    pthread_mutex_lock(&channel.lock);
    if (code == 0) {
        code = wait_for(call, &asker, timeout_ms, err);
    }
    forget(&asker);
    pthread_mutex_unlock(&channel.lock);
    if (id != NULL) {
        *id = asker.id;
    }
    if (code == 0 && (code = (int)shoal_integer(asker.answer, "code", 0)) != 0) {
        shoal_fail(err, code, "%s", shoal_text(asker.answer, "text", shoal_error_text(code)));
    }
    if (fd != NULL) {
        *fd = asker.fd;
    } else if (asker.fd >= 0) {
        close(asker.fd);
    }
    if (code == 0) {
        *answer = asker.answer;
    } else {
        json_decref(asker.answer);
    }
    return code;
}

// hooks_tell.c - carries tells to their listeners: in memory by a thread, durable ones as jobs.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <shoal/json.h>

#include "base/alloc.h"
#include "data/data.h"
#include "host/host.h"
#include "host/hooks_priv.h"

#define QUEUE_MAX 4096

struct told {
    struct told *next;
    const struct shoal_hook *hook;
    json_t *payload;
};
static struct {
    pthread_mutex_t lock;
    pthread_cond_t more, idle;
    pthread_t thread;
    bool is_running, is_busy;
    struct told *first, **last;
    size_t count;
    uint64_t dropped;
} queue = {.lock = PTHREAD_MUTEX_INITIALIZER,
    .more = PTHREAD_COND_INITIALIZER,
    .idle = PTHREAD_COND_INITIALIZER};

static int hear(struct shoal_call *call, const struct shoal_hook *hook,
    const struct shoal_listener *listener, const json_t *payload, struct shoal_err *err)
{
    struct shoal_hook_watch watch;
    shoal_hook_enter(call, hook, listener, &watch);
    int code = listener->tell(call, payload, listener->arg, err);
    shoal_hook_leave(call, hook, listener, &watch);
    return code;
}

static void tell_all(const struct shoal_hook *hook, const json_t *payload)
{
    const struct shoal_listeners *list = shoal_hook_listeners(hook);
    for (size_t i = 0; i < list->count; i++) {
        const struct shoal_listener *listener = &list->items[i];
        if (listener->is_stub) {
            continue;
        }
        struct shoal_call call;
        struct shoal_err err = {0};
        shoal_call_init(&call);
        int code = hear(&call, hook, listener, payload, &err);
        if (code < 0) {
            shoal_hook_failed(hook, listener, err.text[0] ? err.text : shoal_error_text(code));
        }
        shoal_call_fini(&call);
    }
}

static void *run(void *unused)
{
    (void)unused;
    pthread_mutex_lock(&queue.lock);
    for (;;) {
        while (!queue.first && queue.is_running) {
            pthread_cond_wait(&queue.more, &queue.lock);
        }
        struct told *told = queue.first;
        if (!told) {
            break;
        }
        queue.first = told->next;
        queue.last = queue.first ? queue.last : &queue.first;
        queue.count--;
        queue.is_busy = true;
        pthread_mutex_unlock(&queue.lock);
        tell_all(told->hook, told->payload);
        json_decref(told->payload);
        free(told);
        pthread_mutex_lock(&queue.lock);
        queue.is_busy = false;
        if (!queue.first) {
            pthread_cond_broadcast(&queue.idle);
        }
    }
    pthread_mutex_unlock(&queue.lock);
    return NULL;
}

void shoal_tells_start(void)
{
    pthread_mutex_lock(&queue.lock);
    if (!queue.is_running) {
        queue.last = &queue.first;
        queue.is_running = pthread_create(&queue.thread, NULL, run, NULL) == 0;
    }
    pthread_mutex_unlock(&queue.lock);
}

void shoal_tells_stop(void)
{
    pthread_mutex_lock(&queue.lock);
    bool was_running = queue.is_running;
    queue.is_running = false;
    pthread_cond_broadcast(&queue.more);
    pthread_mutex_unlock(&queue.lock);
    if (was_running) {
        pthread_join(queue.thread, NULL);
    }
}

void shoal_host_tells_wait(void)
{
    pthread_mutex_lock(&queue.lock);
    while (queue.is_running && (queue.first || queue.is_busy)) {
        pthread_cond_wait(&queue.idle, &queue.lock);
    }
    pthread_mutex_unlock(&queue.lock);
}

void shoal_fire_tell(const char *name, json_t *payload)
{
    const struct shoal_hook *hook = shoal_hook_find(name);
    if (!hook || hook->kind != SHOAL_HOOK_TELL || shoal_hook_listeners(hook)->count == 0) {
        if (!hook || hook->kind != SHOAL_HOOK_TELL) {
            shoal_warn("%s was fired as a tell, which it is not", name);
        }
        json_decref(payload);
        return;
    }
    struct told *told = shoal_alloc(1, sizeof(*told));
    told->hook = hook;
    told->payload = payload;
    pthread_mutex_lock(&queue.lock);
    bool takes = queue.is_running && queue.count < QUEUE_MAX;
    if (takes) {
        *queue.last = told;
        queue.last = &told->next;
        queue.count++;
        pthread_cond_signal(&queue.more);
    }
    bool says_so = !takes && queue.is_running && queue.dropped++ % 1000 == 0;
    pthread_mutex_unlock(&queue.lock);
    if (!takes) {
        json_decref(payload);
        free(told);
    }
    if (says_so) {
        shoal_warn("%s was not told: more than %d tells wait", name, QUEUE_MAX);
    }
}

int shoal_fire_durable(
    struct shoal_db *tx, const char *name, const json_t *payload, struct shoal_err *err)
{
    const struct shoal_hook *hook = shoal_hook_find(name);
    if (!hook || hook->kind != SHOAL_HOOK_DURABLE) {
        return shoal_fail(
            err, SHOAL_EINTERNAL, "%s was fired as a durable tell, which it is not", name);
    }
    const struct shoal_listeners *list = shoal_hook_listeners(hook);
    const char *before = "";
    for (size_t i = 0; i < list->count; i++) {
        const struct shoal_listener *listener = &list->items[i];
        if (listener->is_stub || strcmp(before, listener->name) == 0) {
            continue;
        }
        before = listener->name;
        json_t *job =
            json_pack("{s:s, s:s, s:O}", "hook", name, "plugin", listener->name, "event", payload);
        struct shoal_job_options options = {.subject = listener->name};
        int code = job ? shoal_job_add(NULL, tx, "core.tell", job, &options, NULL, err)
                       : shoal_fail(err, SHOAL_EINTERNAL, "%s has no payload", name);
        json_decref(job);
        if (code < 0) {
            return code;
        }
    }
    return 0;
}

/// A job: one durable tell for one plugin, all of its listeners.
static int deliver(
    struct shoal_call *call, const struct shoal_job *job, void *arg, struct shoal_err *err)
{
    (void)arg;
    const char *name = shoal_text(job->payload, "hook", "");
    const char *plugin = shoal_text(job->payload, "plugin", "");
    const json_t *event = json_object_get(job->payload, "event");
    const struct shoal_hook *hook = shoal_hook_find(name);
    if (!hook || !event) {
        return shoal_fail(err, SHOAL_EBUSY, "nobody fires %s now", name);
    }
    const struct shoal_listeners *list = shoal_hook_listeners(hook);
    bool is_heard = false;
    for (size_t i = 0; i < list->count; i++) {
        const struct shoal_listener *listener = &list->items[i];
        if (listener->is_stub || strcmp(listener->name, plugin) != 0) {
            continue;
        }
        is_heard = true;
        int code = hear(call, hook, listener, event, err);
        if (code < 0) {
            shoal_hook_failed(
                hook, listener, err && err->text[0] ? err->text : shoal_error_text(code));
            return code;
        }
    }
    return is_heard ? 0 : shoal_fail(err, SHOAL_EBUSY, "plugin %s is not running", plugin);
}

int shoal_tells_durable_start(struct shoal_err *err)
{
    const struct shoal_job_kind kind = {
        .kind = "tell",
        .run = deliver,
        .attempts = 12,
        .backoff_ms = 2000,
        .concurrency = 2,
        .is_brief = true};
    struct shoal_err inner = {0};
    int code = shoal_jobs_kind_add(NULL, &kind, &inner);
    if (code == SHOAL_ECONFLICT) {
        return 0; // kinds of the core outlive a host: an earlier one of this process named it
    }
    return code < 0 ? shoal_fail(err, code, "%s", inner.text) : 0;
}

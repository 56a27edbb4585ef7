// media.c - starts, waits for, kills and forgets media processes by their keys.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "super/media.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <shoal/base.h>
#include <shoal/json.h>

#define TERM_MS  5000
#define AGAIN_MS 100 // until somebody whose channel was full is told again

void shoal_media_table_init(struct shoal_media_table *table)
{
    *table = (struct shoal_media_table){0};
}

static void waiters_free(struct shoal_media *media, int channel_fd, json_int_t id)
{
    struct shoal_waiter **at = &media->waiters;
    while (*at != NULL) {
        struct shoal_waiter *waiter = *at;
        bool matches = (channel_fd < 0 || waiter->channel_fd == channel_fd) &&
                       (id < 0 || waiter->id == id);
        if (matches) {
            *at = waiter->next;
            free(waiter);
        } else {
            at = &waiter->next;
        }
    }
}

static void media_free(struct shoal_media *media)
{
    waiters_free(media, -1, -1);
    shoal_media_errors_close(media);
    free(media);
}

void shoal_media_table_fini(struct shoal_media_table *table)
{
    for (size_t i = 0; i < table->count; i++) {
        struct shoal_media *media = table->list[i];
        if (media->pid > 0) {
            kill(-media->pid, SIGKILL);
            kill(media->pid, SIGKILL);
            waitpid(media->pid, NULL, 0);
        }
        media_free(media);
    }
    free(table->list);
    *table = (struct shoal_media_table){0};
}

static struct shoal_media *find(const struct shoal_media_table *table, const char *key, size_t *at)
{
    for (size_t i = 0; i < table->count; i++) {
        if (strcmp(table->list[i]->key, key) == 0) {
            if (at != NULL) {
                *at = i;
            }
            return table->list[i];
        }
    }
    return NULL;
}

static void remove_at(struct shoal_media_table *table, size_t i)
{
    media_free(table->list[i]);
    memmove(&table->list[i], &table->list[i + 1],
        (table->count - i - 1) * sizeof(struct shoal_media *));
    table->count--;
}

static void add(struct shoal_media_table *table, struct shoal_media *media)
{
    if (table->count == table->capacity) {
        table->capacity = table->capacity == 0 ? 16 : table->capacity * 2;
        table->list = realloc(table->list, table->capacity * sizeof(struct shoal_media *));
        if (table->list == NULL) {
            abort();
        }
    }
    table->list[table->count++] = media;
}

static struct shoal_media *media_new(const char *key)
{
    struct shoal_media *media = calloc(1, sizeof *media);
    if (media == NULL) {
        abort();
    }
    snprintf(media->key, sizeof media->key, "%s", key);
    media->channel_fd = media->errors_pipe = media->errors_file = -1;
    media->touched_ms = shoal_tick_ms();
    return media;
}

/// Returns SHOAL_EBUSY where the channel is full.
static int answer(int channel_fd, json_int_t id, int code, const char *text,
    const struct shoal_process_state *state)
{
    json_t *body = json_pack("{s:I, s:i, s:s}", "answer", id, "code", code, "text", text);
    if (state != NULL) {
        json_object_set_new(body, "state", shoal_process_state_json(state));
    }
    struct shoal_err err = {0};
    if (shoal_message_send(channel_fd, body, NULL, 0, false, &err) != 0 &&
        err.code != SHOAL_EGONE && (err.code != SHOAL_EBUSY || state == NULL)) {
        shoal_warn("an answer about a media process is lost: %s", err.text);
    }
    json_decref(body);
    return err.code;
}

/// Who cannot be told the end now goes on waiting, and is told by a later tick.
static void waiters_tell(struct shoal_media *media)
{
    struct shoal_waiter *next, *left = media->waiters;
    media->waiters = NULL;
    for (; left != NULL; left = next) {
        next = left->next;
        if (answer(left->channel_fd, left->id, 0, "", &media->state) == SHOAL_EBUSY) {
            left->next = media->waiters;
            media->waiters = left;
        } else {
            free(left);
        }
    }
}

/// Room for one more: drops the process that ended and was not forgotten for the longest time.
static void make_room(struct shoal_media_table *table)
{
    if (table->count < SHOAL_MEDIA_KEPT_MAX) {
        return;
    }
    size_t oldest = table->count;
    for (size_t i = 0; i < table->count; i++) {
        if (table->list[i]->pid == 0 &&
            (oldest == table->count ||
                table->list[i]->touched_ms < table->list[oldest]->touched_ms)) {
            oldest = i;
        }
    }
    if (oldest < table->count) {
        remove_at(table, oldest);
    }
}

static int start(struct shoal_media_table *table, int channel_fd, const char *key,
    struct shoal_message *message, struct shoal_err *err)
{
    if (key[0] == '\0' || strlen(key) > 255) {
        return shoal_fail(err, SHOAL_EINVAL, "a process needs a key of at most 255 bytes");
    }
    size_t at = 0;
    struct shoal_media *old = find(table, key, &at);
    if (old != NULL && old->pid > 0) {
        return shoal_fail(err, SHOAL_ECONFLICT, "a process with the key %s runs already", key);
    }
    size_t running = 0;
    for (size_t i = 0; i < table->count; i++) {
        running += table->list[i]->pid > 0 ? 1 : 0;
    }
    if (running >= SHOAL_MEDIA_RUNNING_MAX) {
        return shoal_fail(err, SHOAL_EBUSY, "%d media processes run already",
            SHOAL_MEDIA_RUNNING_MAX);
    }
    if (old != NULL) {
        remove_at(table, at);
    }
    make_room(table);
    struct shoal_media *media = media_new(key);
    int code = shoal_media_spawn(media, message, err);
    if (code != 0) {
        media_free(media);
        return code;
    }
    if (shoal_flag(message->body, "stdin", false) || shoal_flag(message->body, "stdout", false)) {
        media->channel_fd = channel_fd;
    }
    add(table, media);
    return 0;
}

static void wait_for(struct shoal_media_table *table, int channel_fd, const char *key,
    json_int_t id)
{
    struct shoal_media *media = find(table, key, NULL);
    if (media == NULL) {
        answer(channel_fd, id, SHOAL_ENOTFOUND, "no process has that key", NULL);
        return;
    }
    media->touched_ms = shoal_tick_ms();
    struct shoal_waiter *waiter = calloc(1, sizeof *waiter);
    if (waiter == NULL) {
        abort();
    }
    *waiter = (struct shoal_waiter){channel_fd, id, media->waiters};
    media->waiters = waiter;
    if (media->pid == 0) {
        waiters_tell(media);
    }
}

static void end_softly(struct shoal_media *media)
{
    if (media->pid > 0 && media->kill_at_ms == 0) {
        kill(-media->pid, SIGTERM);
        kill(media->pid, SIGTERM);
        media->kill_at_ms = shoal_tick_ms() + TERM_MS;
    }
}

bool shoal_media_serve(struct shoal_media_table *table, int channel_fd,
    struct shoal_message *message)
{
    const char *verb = shoal_text(message->body, "do", "");
    const char *key = shoal_text(message->body, "key", "");
    json_int_t id = shoal_integer(message->body, "id", 0);
    if (strcmp(verb, "start") == 0) {
        struct shoal_err err = {0};
        int code = start(table, channel_fd, key, message, &err);
        answer(channel_fd, id, code, err.text, NULL);
        return true;
    }
    if (strcmp(verb, "wait") == 0) {
        wait_for(table, channel_fd, key, id);
        return true;
    }
    size_t at = 0;
    struct shoal_media *media = find(table, key, &at);
    if (strcmp(verb, "unwait") == 0) {
        if (media != NULL) {
            waiters_free(media, channel_fd, shoal_integer(message->body, "of", 0));
        }
        return true;
    }
    if (strcmp(verb, "kill") == 0) {
        if (media != NULL) {
            end_softly(media);
        }
        answer(channel_fd, id, media == NULL ? SHOAL_ENOTFOUND : 0,
            media == NULL ? "no process has that key" : "", NULL);
        return true;
    }
    if (strcmp(verb, "forget") == 0) {
        if (media != NULL && media->pid == 0) {
            remove_at(table, at);
        }
        return true;
    }
    return false;
}

bool shoal_media_ended(struct shoal_media_table *table, pid_t pid, int status,
    const struct rusage *usage)
{
    for (size_t i = 0; i < table->count; i++) {
        struct shoal_media *media = table->list[i];
        if (media->pid != pid || pid <= 0) {
            continue;
        }
        shoal_media_errors_read(media);
        shoal_media_errors_close(media);
        media->pid = 0;
        media->touched_ms = shoal_tick_ms();
        media->state.running = false;
        media->state.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
        media->state.signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
        media->state.cpu_ms =
            (int64_t)(usage->ru_utime.tv_sec + usage->ru_stime.tv_sec) * 1000 +
            (int64_t)(usage->ru_utime.tv_usec + usage->ru_stime.tv_usec) / 1000;
        media->state.memory_peak_bytes = (int64_t)usage->ru_maxrss * 1024;
        waiters_tell(media);
        return true;
    }
    return false;
}

void shoal_media_channel_gone(struct shoal_media_table *table, int channel_fd)
{
    for (size_t i = 0; i < table->count; i++) {
        struct shoal_media *media = table->list[i];
        waiters_free(media, channel_fd, -1);
        if (media->channel_fd == channel_fd) {
            media->channel_fd = -1;
            end_softly(media);
        }
    }
}

int shoal_media_tick(struct shoal_media_table *table)
{
    int64_t now = shoal_tick_ms();
    int64_t next = INT64_MAX;
    for (size_t i = 0; i < table->count; i++) {
        struct shoal_media *media = table->list[i];
        if (media->pid == 0) {
            waiters_tell(media);
            next = media->waiters != NULL && now + AGAIN_MS < next ? now + AGAIN_MS : next;
            continue;
        }
        if (now >= media->wall_at_ms && media->kill_at_ms == 0) {
            media->state.timed_out = true;
            end_softly(media);
        }
        if (media->waiters != NULL) {
            media->touched_ms = now;
        } else if (now - media->touched_ms > SHOAL_MEDIA_LEASE_MS && media->kill_at_ms == 0) {
            shoal_warn("media process %s is ended: nobody asked for it in ten minutes", media->key);
            end_softly(media);
        }
        if (media->kill_at_ms != 0 && now >= media->kill_at_ms) {
            kill(-media->pid, SIGKILL);
            kill(media->pid, SIGKILL);
            media->kill_at_ms = now + TERM_MS;
        }
        int64_t at = media->kill_at_ms != 0 ? media->kill_at_ms : media->wall_at_ms;
        int64_t lease = media->touched_ms + SHOAL_MEDIA_LEASE_MS + 1;
        at = media->waiters == NULL && lease < at ? lease : at;
        next = at < next ? at : next;
    }
    if (next == INT64_MAX) {
        return -1;
    }
    int64_t left = next - now;
    return left < 1 ? 1 : left > 60000 ? 60000 : (int)left;
}

size_t shoal_media_poll(const struct shoal_media_table *table, struct pollfd *out, size_t room)
{
    size_t count = 0;
    for (size_t i = 0; i < table->count && count < room; i++) {
        if (table->list[i]->errors_pipe >= 0) {
            out[count++] = (struct pollfd){.fd = table->list[i]->errors_pipe, .events = POLLIN};
        }
    }
    return count;
}

void shoal_media_read(struct shoal_media_table *table, int pipe_fd)
{
    for (size_t i = 0; i < table->count; i++) {
        if (table->list[i]->errors_pipe == pipe_fd) {
            shoal_media_errors_read(table->list[i]);
            return;
        }
    }
}

json_t *shoal_process_state_json(const struct shoal_process_state *state)
{
    return json_pack("{s:b, s:i, s:i, s:I, s:I, s:b}", "running", state->running, "exit",
        state->exit_code, "signal", state->signal, "cpu_ms", (json_int_t)state->cpu_ms, "memory",
        (json_int_t)state->memory_peak_bytes, "timed_out", state->timed_out);
}

void shoal_process_state_read(const json_t *value, struct shoal_process_state *state)
{
    *state = (struct shoal_process_state){
        .running = shoal_flag(value, "running", false),
        .exit_code = (int)shoal_integer(value, "exit", -1),
        .signal = (int)shoal_integer(value, "signal", 0),
        .cpu_ms = shoal_integer(value, "cpu_ms", 0),
        .memory_peak_bytes = shoal_integer(value, "memory", 0),
        .timed_out = shoal_flag(value, "timed_out", false),
    };
}

json_t *shoal_media_dump(const struct shoal_media_table *table)
{
    json_t *list = json_array();
    for (size_t i = 0; i < table->count; i++) {
        const struct shoal_media *media = table->list[i];
        json_t *waiters = json_array();
        for (const struct shoal_waiter *w = media->waiters; w != NULL; w = w->next) {
            json_array_append_new(waiters, json_pack("[i, I]", w->channel_fd, w->id));
        }
        json_array_append_new(list,
            json_pack("{s:s, s:i, s:i, s:I, s:I, s:i, s:i, s:I, s:o, s:o}", "key", media->key,
                "pid", (int)media->pid, "channel", media->channel_fd, "kill_at",
                (json_int_t)media->kill_at_ms, "wall_at", (json_int_t)media->wall_at_ms, "pipe",
                media->errors_pipe, "file", media->errors_file, "bytes",
                (json_int_t)media->errors_bytes, "state", shoal_process_state_json(&media->state),
                "waiters", waiters));
    }
    return list;
}

void shoal_media_load(struct shoal_media_table *table, const json_t *dump)
{
    for (size_t i = 0; i < json_array_size(dump); i++) {
        const json_t *row = json_array_get(dump, i);
        struct shoal_media *media = media_new(shoal_text(row, "key", ""));
        media->pid = (pid_t)shoal_integer(row, "pid", 0);
        media->channel_fd = (int)shoal_integer(row, "channel", -1);
        media->kill_at_ms = shoal_integer(row, "kill_at", 0);
        media->wall_at_ms = shoal_integer(row, "wall_at", 0);
        media->errors_pipe = (int)shoal_integer(row, "pipe", -1);
        media->errors_file = (int)shoal_integer(row, "file", -1);
        media->errors_bytes = shoal_integer(row, "bytes", 0);
        shoal_process_state_read(json_object_get(row, "state"), &media->state);
        const json_t *waiters = json_object_get(row, "waiters");
        for (size_t j = 0; j < json_array_size(waiters); j++) {
            struct shoal_waiter *waiter = calloc(1, sizeof *waiter);
            if (waiter == NULL) {
                abort();
            }
            waiter->channel_fd = (int)shoal_integer(json_array_get(waiters, j), "0", -1);
            waiter->id = shoal_integer(json_array_get(waiters, j), "1", 0);
            waiter->next = media->waiters;
            media->waiters = waiter;
        }
        add(table, media);
    }
}

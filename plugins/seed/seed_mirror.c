// seed_mirror.c - starts the mirror's side, and goes its rounds.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "seed_mirror.h"

#define LEAVE_MS 1500

static double megabytes(int64_t bytes)
{
    return (double)bytes / 1e6;
}

struct seed_video *seed_video_find(struct seed_mirror *mirror, const char *uuid)
{
    for (size_t i = 0; i < mirror->count; i++) {
        if (strcmp(mirror->videos[i].uuid, uuid) == 0) {
            return &mirror->videos[i];
        }
    }
    return NULL;
}

static bool is_complete(const struct seed_video *video)
{
    for (size_t i = 0; i < video->file_count; i++) {
        if (!video->files[i].is_here) {
            return false;
        }
    }
    return video->is_chosen && video->file_count > 0;
}

int seed_bucket_take(
    struct shoal_call *call, struct seed_mirror *mirror, struct seed_bucket *bucket, size_t bytes)
{
    if (bucket->rate <= 0) {
        return 0;
    }
    pthread_mutex_lock(&mirror->lock);
    int64_t now = shoal_tick_ms();
    int64_t from = bucket->free_tick_ms > now ? bucket->free_tick_ms : now;
    bucket->free_tick_ms = from + (int64_t)((double)bytes * 1000.0 / (double)bucket->rate);
    pthread_mutex_unlock(&mirror->lock);
    return from > now ? shoal_call_sleep(call, from - now) : 0;
}

/// Puts a new list in the place of the old one; what is here stays so.
static void list_take(struct seed_mirror *mirror, struct seed_video *videos, size_t count)
{
    pthread_mutex_lock(&mirror->lock);
    for (size_t i = 0; i < count; i++) {
        struct seed_video *old = seed_video_find(mirror, videos[i].uuid);
        if (old == NULL) {
            continue;
        }
        videos[i].is_busy = old->is_busy;
        videos[i].is_doubtful = old->is_doubtful;
        videos[i].retry_tick_ms = old->retry_tick_ms;
        videos[i].failures = old->failures;
        for (size_t j = 0; j < videos[i].file_count; j++) {
            const struct seed_file *file = seed_file_find(old, videos[i].files[j].name);
            videos[i].files[j].is_here = file != NULL && file->is_here && videos[i].is_chosen &&
                                         file->size_bytes == videos[i].files[j].size_bytes;
        }
    }
    struct seed_video *before = mirror->videos;
    mirror->videos = videos;
    mirror->count = count;
    pthread_mutex_unlock(&mirror->lock);
    free(before);
}

/// {videos: [{uuid, list}]} of what is whole.
static json_t *complete_json(struct seed_mirror *mirror)
{
    json_t *rows = json_array();
    pthread_mutex_lock(&mirror->lock);
    for (size_t i = 0; i < mirror->count; i++) {
        const struct seed_video *video = &mirror->videos[i];
        for (size_t j = 0; is_complete(video) && j < video->file_count; j++) {
            if (video->files[j].kind == SEED_KIND_LIST) {
                json_array_append_new(rows,
                    json_pack("{s:s, s:s}", "uuid", video->uuid, "list", video->files[j].name));
            }
        }
    }
    pthread_mutex_unlock(&mirror->lock);
    return json_pack("{s:o}", "videos", rows);
}

static int add_jobs(struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    (void)call;
    json_t *const *args = arg; // the plugin's uuids, and the mirror behind them
    const json_t *uuids = args[0];
    struct seed_mirror *mirror = (void *)args[1];
    int code = 0;
    for (size_t i = 0; i < json_array_size(uuids) && code == 0; i++) {
        const char *uuid = json_string_value(json_array_get(uuids, i));
        const struct shoal_job_options options = {.unique = uuid};
        json_t *payload = json_pack("{s:s}", "uuid", uuid);
        code = shoal_job_add(mirror->self, tx, "copy", payload, &options, NULL, err);
        json_decref(payload);
    }
    return code;
}

/// Leaves a job for each video that is not whole.
static int fetch_missing(struct shoal_call *call, struct seed_mirror *mirror, struct shoal_err *err)
{
    json_t *uuids = json_array();
    int64_t now = shoal_tick_ms();
    pthread_mutex_lock(&mirror->lock);
    for (size_t i = 0; i < mirror->count; i++) {
        const struct seed_video *video = &mirror->videos[i];
        bool is_wanted = video->is_chosen && (!is_complete(video) || video->is_doubtful);
        if (is_wanted && !video->is_busy && video->retry_tick_ms <= now) {
            json_array_append_new(uuids, json_string(video->uuid));
        }
    }
    pthread_mutex_unlock(&mirror->lock);
    json_t *args[] = {uuids, (void *)mirror};
    int code = json_array_size(uuids) > 0 ? shoal_tx(call, add_jobs, args, err) : 0;
    json_decref(uuids);
    return code;
}

/// Says a state on the terminal, once.
static void say(struct seed_mirror *mirror, enum shoal_log_level level, const char *text)
{
    if (strcmp(mirror->said, text) != 0) {
        snprintf(mirror->said, sizeof mirror->said, "%s", text);
        shoal_log(level, "%s", text);
    }
}

/// What the origin thinks of us. A fault that it found makes us look at every byte again.
static void state_hear(struct shoal_call *call, struct seed_mirror *mirror, const json_t *answer)
{
    struct shoal_arena *arena = shoal_call_arena(call);
    const char *state = shoal_text(answer, "state", "");
    const char *why = shoal_text(answer, "why", "");
    if (strcmp(state, "failed") != 0) {
        mirror->fault[0] = '\0';
        say(mirror, SHOAL_LOG_INFO,
            strcmp(state, "offered") == 0
                ? shoal_arena_printf(
                      arena, "%s sends viewers to %s", mirror->page.origin, mirror->base)
                : shoal_arena_printf(arena, "%s looks at what is here before it sends viewers",
                      mirror->page.origin));
        return;
    }
    say(mirror, SHOAL_LOG_WARN,
        shoal_arena_printf(arena, "%s sends no viewers here: %.400s", mirror->page.origin, why));
    if (strncmp(mirror->fault, why, sizeof mirror->fault - 1) == 0) {
        return;
    }
    snprintf(mirror->fault, sizeof mirror->fault, "%s", why);
    pthread_mutex_lock(&mirror->lock);
    for (size_t i = 0; i < mirror->count; i++) {
        struct seed_video *video = &mirror->videos[i];
        video->is_doubtful = video->is_chosen;
        video->retry_tick_ms = 0;
    }
    mirror->next_tick_ms = 0;
    pthread_mutex_unlock(&mirror->lock);
}

static int register_here(struct shoal_call *call, struct seed_mirror *mirror, struct shoal_err *err)
{
    json_t *answer = NULL;
    json_t *body = json_pack("{s:s}", "baseUrl", mirror->base);
    int code = seed_ask(call, mirror, "/register", body, 20000, &answer, err);
    json_decref(body);
    json_decref(answer);
    mirror->is_registered = code == 0;
    return code;
}

static int heartbeat(struct shoal_call *call, struct seed_mirror *mirror, struct shoal_err *err)
{
    if (mirror->is_leaving) {
        return 0;
    }
    int code = mirror->is_registered ? 0 : register_here(call, mirror, err);
    if (code != 0) {
        return code;
    }
    json_t *answer = NULL;
    json_t *body = complete_json(mirror);
    code = seed_ask(call, mirror, "/heartbeat", body, 20000, &answer, err);
    json_decref(body);
    if (code == SHOAL_ECONFLICT) {
        mirror->is_registered = false; // the next round registers again
    } else if (code == 0) {
        state_hear(call, mirror, answer);
    }
    json_decref(answer);
    return code;
}

/// The token is worth nothing any more: nothing is served or asked for, and the server ends.
static void give_up(struct seed_mirror *mirror, const struct shoal_err *why)
{
    struct shoal_err err = {0};
    pthread_mutex_lock(&mirror->lock);
    mirror->is_over = true;
    for (size_t i = 0; i < mirror->count; i++) {
        for (size_t j = 0; j < mirror->videos[i].file_count; j++) {
            mirror->videos[i].files[j].is_here = false;
        }
    }
    pthread_mutex_unlock(&mirror->lock);
    shoal_error("%s: this mirror ends", why->text);
    if (shoal_instance_end("the token of the mirror is no longer valid", &err) != 0) {
        shoal_error("%s", err.text);
    }
}

static int round_go(struct shoal_call *call, struct seed_mirror *mirror, struct shoal_err *err)
{
    struct seed_video *videos = NULL;
    size_t count = 0;
    int code = seed_list_fetch(call, mirror, &videos, &count, err);
    if (code == SHOAL_ENOTFOUND || (code == SHOAL_ECONFLICT && !mirror->page.is_channel)) {
        shoal_warn("%s: nothing is mirrored", err->text);
        videos = calloc(1, sizeof *videos);
        code = videos == NULL ? SHOAL_EBUSY : 0;
    }
    if (code != 0) {
        return code;
    }
    bool by_views = strcmp(shoal_setting_text(mirror->self, call, "first"), "views") == 0;
    seed_videos_choose(videos, count, shoal_setting_i64(mirror->self, "max_size"), by_views);
    list_take(mirror, videos, count);
    seed_folder_tidy(mirror);
    code = fetch_missing(call, mirror, err);
    return code != 0 ? code : heartbeat(call, mirror, err);
}

int seed_beat(struct shoal_call *call, void *arg, struct shoal_err *err)
{
    (void)err;
    struct seed_mirror *mirror = arg;
    struct shoal_err why = {0};
    pthread_mutex_lock(&mirror->lock);
    int64_t now = shoal_tick_ms();
    bool is_due = !mirror->is_leaving && !mirror->is_over && mirror->next_tick_ms <= now;
    if (is_due) {
        mirror->next_tick_ms = now + shoal_setting_i64(mirror->self, "every");
    }
    pthread_mutex_unlock(&mirror->lock);
    int code = is_due ? round_go(call, mirror, &why) : 0;
    if (code == SHOAL_EAUTH) {
        give_up(mirror, &why);
    } else if (code != 0 && code != SHOAL_ECANCELLED && !mirror->is_leaving) {
        say(mirror, SHOAL_LOG_WARN, why.text);
    }
    return 0;
}

/// SIGTERM: the origin sends nobody any more. A reload goes on with the same address.
static int stopping(struct shoal_call *call, const json_t *event, void *arg, struct shoal_err *err)
{
    struct seed_mirror *mirror = arg;
    json_t *answer = NULL;
    if (strcmp(shoal_text(event, "reason", ""), "stop") != 0) {
        return 0;
    }
    pthread_mutex_lock(&mirror->lock);
    mirror->is_leaving = true;
    bool was_over = mirror->is_over;
    pthread_mutex_unlock(&mirror->lock);
    if (was_over || !mirror->is_registered) {
        return 0;
    }
    json_t *body = json_object();
    int code = seed_ask(call, mirror, "/leave", body, LEAVE_MS, &answer, err);
    json_decref(body);
    json_decref(answer);
    if (code == 0) {
        shoal_info("%s was told that this mirror leaves", mirror->page.origin);
    }
    return code;
}

/// "https://mirror.example.org/hls": as the setting says, or the instance's own address.
static int base_find(struct seed_mirror *mirror, struct shoal_err *err)
{
    struct shoal_arena *arena = shoal_plugin_arena(mirror->self);
    const char *given = shoal_setting_text(mirror->self, NULL, "base_url");
    json_t *site = shoal_instance_setting("url");
    if (*given == '\0' && json_is_string(site)) {
        given = json_string_value(site);
    }
    size_t length = strlen(given);
    while (length > 0 && given[length - 1] == '/') {
        length--;
    }
    mirror->base = shoal_arena_printf(arena, "%.*s/hls", (int)length, given);
    json_decref(site);
    if (length == 0) {
        return shoal_fail_field(err, "base_url",
            "base_url is needed: the public address of this machine, like "
            "https://mirror.example.org");
    }
    return seed_base_valid(mirror->base)
               ? 0
               : shoal_fail_field(err, "base_url",
                     "base_url \"%.200s\" is no address like https://mirror.example.org", given);
}

static struct seed_mirror *mirror_make(struct shoal_plugin *self, struct shoal_err *err)
{
    struct shoal_arena *arena = shoal_plugin_arena(self);
    struct seed_mirror *mirror = shoal_arena_alloc(arena, sizeof *mirror);
    const char *folder = shoal_instance_path("data");
    mirror->self = self;
    mirror->folder = shoal_arena_strdup(arena, folder != NULL ? folder : ".");
    pthread_mutex_init(&mirror->lock, NULL);
    const char *token = shoal_setting_text(self, NULL, "token");
    seed_sha256(token, strlen(token), mirror->token_sha256);
    mirror->sending.rate = mirror->fetching.rate = shoal_setting_i64(self, "bandwidth");
    if (seed_page_parse(shoal_setting_text(self, NULL, "url"), &mirror->page, err) != 0) {
        return NULL;
    }
    if (*token == '\0') {
        shoal_fail_field(err, "token",
            "token is needed: `shoal seed-token` prints one where the "
            "videos are");
        return NULL;
    }
    return base_find(mirror, err) == 0 ? mirror : NULL;
}

int seed_mirror_start(struct shoal_plugin *self, struct shoal_err *err)
{
    struct seed_mirror *mirror = mirror_make(self, err);
    if (mirror == NULL) {
        return err->code;
    }
    shoal_plugin_keep(self, mirror);
    const struct shoal_job_kind kind = {.kind = "copy",
        .run = seed_copy_run,
        .arg = mirror,
        .attempts = 1,
        .lease_s = 300,
        .concurrency = 2};
    int code = shoal_job_kind_add(self, &kind, err);
    code = code != 0 ? code : shoal_timer_add(self, "beat", 1000, false, seed_beat, mirror);
    code = code != 0 ? code : shoal_tell(self, "instance.stopping", stopping, mirror);
    return code != 0 ? code : seed_serve_start(mirror, err);
}

void seed_mirror_stop(struct shoal_plugin *self)
{
    struct seed_mirror *mirror = shoal_plugin_kept(self);
    if (mirror != NULL) {
        free(mirror->videos);
        mirror->videos = NULL;
        mirror->count = 0;
        pthread_mutex_destroy(&mirror->lock);
    }
}

int seed_try_verb(struct shoal_call *call, int argc, const char *const *argv, void *arg)
{
    (void)argc;
    (void)argv;
    struct seed_mirror *mirror = shoal_plugin_kept(arg);
    struct shoal_err err = {0};
    struct seed_video *videos = NULL;
    size_t count = 0;
    if (mirror == NULL) {
        fputs("shoal: this instance is no mirror: the setting url is empty\n", stderr);
        return 1;
    }
    if (seed_list_fetch(call, mirror, &videos, &count, &err) != 0) {
        fprintf(stderr, "shoal: %s\n", err.text);
        return 1;
    }
    int64_t all = 0;
    int64_t chosen = 0;
    seed_videos_choose(videos, count, shoal_setting_i64(mirror->self, "max_size"),
        strcmp(shoal_setting_text(mirror->self, call, "first"), "views") == 0);
    for (size_t i = 0; i < count; i++) {
        all += videos[i].size_bytes;
        chosen += videos[i].is_chosen ? videos[i].size_bytes : 0;
    }
    free(videos);
    printf("%s %s: %zu video%s, %.1f MB, of which %.1f MB fit here.\nThey will lie in %s and be "
           "served "
           "as %s. SIGTERM (or Ctrl+C) ends it.\n",
        mirror->page.origin, mirror->page.id, count, count == 1 ? "" : "s", megabytes(all),
        megabytes(chosen), mirror->folder, mirror->base);
    fflush(stdout);
    return 0;
}

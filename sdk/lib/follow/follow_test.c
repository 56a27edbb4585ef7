// follow_test.c - a plugin that follows the videos: by what it is told, and by the walk for the rest.
// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include <pthread.h>

#include <shoal/jobs.h>
#include <testkit.h>

#include "follow.h"

#define VIDEOS_MAX (3 * FOLLOW_PAGE)
#define WAIT_MS    30000

SHOAL_SQL(test_video_add,
    "INSERT INTO catalog_video (uuid, channel_id, name, privacy, state, verdict, is_open, "
    "is_announced, waits, created, updated, published) VALUES ($1, $2, 'A film', 1, 1, 1, TRUE, TRUE, "
    "FALSE, $3, $3, $3) RETURNING id");
SHOAL_SQL(test_video_remove, "DELETE FROM catalog_video WHERE id = $1");
SHOAL_SQL(test_seen_set, "INSERT INTO follower_video (video_id, uuid, base) VALUES ($1, $2, $3) "
                         "ON CONFLICT (video_id) DO UPDATE SET base = excluded.base");
SHOAL_SQL(test_seen_remove, "DELETE FROM follower_video WHERE video_id = $1");
SHOAL_SQL(test_stale,
    "SELECT v.id, v.uuid FROM v1_video v LEFT JOIN follower_video f ON f.video_id = v.id "
    "WHERE v.id > $1 AND (f.video_id IS NULL OR f.base <> $2) "
    "UNION ALL SELECT f.video_id, f.uuid FROM follower_video f LEFT JOIN v1_video v "
    "ON v.id = f.video_id WHERE v.id IS NULL AND f.video_id > $1 ORDER BY 1 LIMIT 200");
SHOAL_SQL(test_walked, "SELECT base, walked FROM follower_walk WHERE id = 1");
SHOAL_SQL(test_walk, "INSERT INTO follower_walk (id, base, walked) VALUES (1, $1, $2) "
                     "ON CONFLICT (id) DO UPDATE SET base = excluded.base, walked = excluded.walked");
SHOAL_SQL(test_walk_at, "SELECT walked FROM follower_walk WHERE id = 1 AND base = $1");

static const char manifest[] =
    "{\"name\": \"follower\", \"version\": \"1.0.0\", \"summary\": \"follows\", \"licence\": \"MIT\", "
    "\"sdk\": \"^1.0.0\", \"language\": \"c\", \"permissions\": [\"database\", \"read:videos\"], "
    "\"hooks\": [\"video.files\", \"video.changed\", \"video.published\", \"video.hidden\", "
    "\"video.deleted\", \"video.state\"]}";
static const char migration[] =
    "CREATE TABLE follower_video (video_id I64 NOT NULL PRIMARY KEY, uuid TEXT NOT NULL, base TEXT NOT NULL);\n"
    "CREATE TABLE follower_walk (id I64 NOT NULL PRIMARY KEY, base TEXT NOT NULL, walked TIME NOT NULL);\n";

static struct {
    struct shoal_kit *kit;
    struct shoal_call *system;
    struct shoal_plugin *self;
    struct follow follow;
    int64_t channel_id;
    pthread_mutex_t lock; // of what the worker writes
    int64_t bad; ///< the video that cannot be looked at the next time
    struct {
        int64_t id;
        char uuid[37];
        bool is_late;
    } looks[VIDEOS_MAX];
    size_t count;
} scene = {.lock = PTHREAD_MUTEX_INITIALIZER};

// --- the plugin ---

struct look {
    int64_t id;
    const char *uuid, *base;
};

static int seen_tx(struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    (void)call;
    const struct look *look = arg;
    return look->base != NULL
               ? shoal_db_exec(tx, &test_seen_set,
                     SHOAL_ARGS(SHOAL_I64(look->id), SHOAL_TEXT(look->uuid), SHOAL_TEXT(look->base)),
                     NULL, err)
               : shoal_db_exec(tx, &test_seen_remove, SHOAL_ARGS(SHOAL_I64(look->id)), NULL, err);
}

static int look_at(struct shoal_call *call, const char *uuid, int64_t video_id, bool is_late, void *arg,
    struct shoal_err *err)
{
    assert_ptr_equal(arg, &scene);
    pthread_mutex_lock(&scene.lock);
    bool is_bad = video_id == scene.bad;
    scene.bad = is_bad ? 0 : scene.bad;
    if (scene.count < VIDEOS_MAX) {
        scene.looks[scene.count].id = video_id;
        scene.looks[scene.count].is_late = is_late;
        snprintf(scene.looks[scene.count].uuid, 37, "%s", uuid);
        scene.count++;
    }
    struct look look = {video_id, uuid, "first"};
    pthread_mutex_unlock(&scene.lock);
    if (is_bad) {
        return shoal_fail(err, SHOAL_EIO, "it is damaged");
    }
    json_t *video = shoal_video_get(call, uuid, NULL, NULL);
    look.base = video != NULL ? look.base : NULL;
    json_decref(video);
    return shoal_tx(call, seen_tx, &look, err);
}

static const char *base_of(struct shoal_call *call, void *arg)
{
    (void)call;
    (void)arg;
    return "first";
}

static int start(struct shoal_plugin *self, struct shoal_err *err)
{
    scene.self = self;
    scene.follow = (struct follow){.self = self,
        .arg = &scene,
        .video = look_at,
        .base = base_of,
        .stale = &test_stale,
        .walked = &test_walked,
        .walk = &test_walk};
    return follow_start(&scene.follow, err);
}

static const struct shoal_plugin_descriptor follower = {.size = sizeof follower,
    .abi_major = SHOAL_ABI_MAJOR,
    .abi_minor = SHOAL_ABI_MINOR,
    .name = "follower",
    .start = start};

static void write_text(const char *folder, const char *name, const char *text)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, strlen(text), file), strlen(text));
    assert_int_equal(fclose(file), 0);
}

static int setup(void **state)
{
    (void)state;
    struct shoal_err err = {0};
    char folder[2048], migrations[2100];
    scene.kit = shoal_kit_new(NULL);
    scene.system = shoal_kit_system(scene.kit);
    json_t *me = shoal_user_me(shoal_kit_admin(scene.kit), &err);
    scene.channel_id = shoal_integer(me, "videoChannels.0.id", 0);
    json_decref(me);
    snprintf(folder, sizeof folder, "%s/follower", shoal_kit_folder(scene.kit));
    snprintf(migrations, sizeof migrations, "%s/migrations", folder);
    assert_int_equal(mkdir(folder, 0700), 0);
    assert_int_equal(mkdir(migrations, 0700), 0);
    write_text(folder, "plugin.json", manifest);
    write_text(migrations, "001_follower.sql", migration);
    if (shoal_kit_load(scene.kit, &follower, folder, NULL, &err) != 0) {
        fail_msg("%s", err.text);
    }
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    shoal_kit_free(scene.kit);
    return 0;
}

// --- videos ---

struct subject {
    char uuid[37];
    int64_t id;
};

static int make_tx(struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    (void)call;
    struct subject *subject = arg;
    shoal_uuid_new(subject->uuid);
    return shoal_db_i64(tx, &test_video_add,
        SHOAL_ARGS(SHOAL_TEXT(subject->uuid), SHOAL_I64(scene.channel_id), SHOAL_TIME(shoal_now_ms())),
        &subject->id, err);
}

static int unmake_tx(struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    (void)call;
    const struct subject *subject = arg;
    return shoal_db_exec(tx, &test_video_remove, SHOAL_ARGS(SHOAL_I64(subject->id)), NULL, err);
}

static void within(shoal_tx_fn *fn, void *arg)
{
    struct shoal_err err = {0};
    if (shoal_tx(scene.system, fn, arg, &err) != 0) {
        fail_msg("%s", err.text);
    }
}

struct many {
    struct subject *subjects;
    size_t count;
};

static int make_many_tx(struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    const struct many *many = arg;
    int code = 0;
    for (size_t i = 0; code == 0 && i < many->count; i++) {
        code = make_tx(call, tx, &many->subjects[i], err);
    }
    return code;
}

struct telling {
    const char *hook, *uuid;
    int64_t id;
    int is_local; ///< -1: nothing is said of that
};

static json_t *event_of(const struct telling *telling)
{
    json_t *video = json_pack("{s:s, s:I}", "uuid", telling->uuid, "id", (json_int_t)telling->id);
    if (telling->is_local >= 0) {
        json_object_set_new(video, "isLocal", json_boolean(telling->is_local));
    }
    return json_pack("{s:o}", "video", video);
}

static int tell_tx(struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    (void)call;
    const struct telling *telling = arg;
    json_t *event = event_of(telling);
    int code = shoal_fire_durable(tx, telling->hook, event, err);
    json_decref(event);
    return code;
}

static void tell(const char *hook, const char *uuid, int64_t id, int is_local)
{
    struct telling telling = {hook, uuid, id, is_local};
    if (strcmp(hook, "video.state") == 0) { // told in memory alone
        shoal_fire_tell(hook, event_of(&telling));
    } else {
        within(tell_tx, &telling);
    }
}

static int walk_tx(struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    (void)call;
    (void)arg;
    const struct shoal_job_options options = {.unique = "walk"};
    return shoal_job_add(scene.self, tx, "walk", NULL, &options, NULL, err);
}

static void idle(void)
{
    assert_true(shoal_kit_idle(scene.kit, WAIT_MS));
}

// Forgets what was looked at.
static void begin(void)
{
    pthread_mutex_lock(&scene.lock);
    scene.count = 0;
    scene.bad = 0;
    pthread_mutex_unlock(&scene.lock);
}

static size_t looks_at(const struct subject *subject, bool is_late)
{
    size_t count = 0;
    pthread_mutex_lock(&scene.lock);
    for (size_t i = 0; i < scene.count; i++) {
        count += scene.looks[i].id == subject->id && scene.looks[i].is_late == is_late &&
                 strcmp(scene.looks[i].uuid, subject->uuid) == 0;
    }
    pthread_mutex_unlock(&scene.lock);
    return count;
}

static bool has_walked(const char *base)
{
    int64_t at = 0;
    return shoal_db_i64(shoal_call_db(scene.system), &test_walk_at, SHOAL_ARGS(SHOAL_TEXT(base)), &at,
               NULL) == 0;
}

/// More than a page of videos that nobody told of; the timer finds by itself that nobody walked yet.
static void the_walk_finds_what_nobody_told(void **state)
{
    (void)state;
    static struct subject films[FOLLOW_PAGE + 50];
    const size_t count = sizeof films / sizeof *films;
    within(make_many_tx, &(struct many){films, count});
    for (int i = 0; i < 300 && !has_walked("first"); i++) {
        assert_int_equal(shoal_call_sleep(scene.system, 100), 0);
    }
    assert_true(has_walked("first"));
    idle();
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(looks_at(&films[i], true), 1);
    }
    // What was looked at is left alone, and what went is heard of once.
    within(unmake_tx, &films[3]);
    begin();
    for (int i = 0; i < 2; i++) {
        within(walk_tx, NULL);
        idle();
        assert_int_equal(looks_at(&films[3], true), 1);
        assert_int_equal(scene.count, 1);
    }
}

static void one_that_fails_keeps_no_other(void **state)
{
    (void)state;
    struct subject films[4];
    within(make_many_tx, &(struct many){films, 4});
    begin();
    scene.bad = films[1].id;
    within(walk_tx, NULL);
    idle();
    for (size_t i = 0; i < 4; i++) { // it alone was tried again
        assert_int_equal(looks_at(&films[i], true), i == 1 ? 2 : 1);
    }
    assert_int_equal(scene.count, 5);
    assert_int_equal(scene.looks[1].id, films[1].id); // the others did not wait for that
    assert_int_equal(scene.looks[4].id, films[1].id);
}

static void what_is_told_of_a_video_is_looked_at(void **state)
{
    (void)state;
    static const char *const hooks[] = {"video.files", "video.changed", "video.published",
        "video.hidden", "video.deleted", "video.state"};
    for (size_t i = 0; i < sizeof hooks / sizeof *hooks; i++) {
        struct subject film;
        within(make_tx, &film);
        begin();
        tell(hooks[i], film.uuid, film.id, i % 2 == 0 ? 1 : -1);
        idle();
        assert_int_equal(looks_at(&film, false), 1);
    }
}

static void what_is_no_video_of_here_is_not_looked_at(void **state)
{
    (void)state;
    struct subject film;
    within(make_tx, &film);
    begin();
    tell("video.changed", film.uuid, film.id, 0);
    tell("video.changed", "x", film.id, 1);
    tell("video.changed", film.uuid, 0, 1);
    idle();
    assert_int_equal(scene.count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_walk_finds_what_nobody_told), // the first, before the timer came
        cmocka_unit_test(one_that_fails_keeps_no_other),
        cmocka_unit_test(what_is_told_of_a_video_is_looked_at),
        cmocka_unit_test(what_is_no_video_of_here_is_not_looked_at),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}

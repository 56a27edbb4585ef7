// catalog_test.h - what the catalog's tests share: cmocka, a kit, short ways to make things.
// SPDX-License-Identifier: AGPL-3.0-or-later
#ifndef SHOAL_CORE_CATALOG_CATALOG_TEST_H
#define SHOAL_CORE_CATALOG_CATALOG_TEST_H
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <testkit.h>

#include "catalog/catalog.h"
#include "catalog/pipeline_priv.h"

SHOAL_SQL(test_video_add,
    "INSERT INTO catalog_video (uuid, channel_id, name, privacy, state, verdict, is_open, "
    "is_announced, is_blocked, waits, created, updated, published) VALUES ($1, $2, $3, $4, $5, "
    "$6, $7, $7, $8, FALSE, $9, $9, $9) RETURNING id");

/// A row of catalog_video, as a test wants it.
struct test_video {
    const char *name;
    int64_t channel_id, published_ms, id; // id: out
    enum shoal_privacy privacy;
    enum shoal_video_state state;
    bool is_open, is_blocked;
    char uuid[37]; // out
};

static inline int test_video_tx(
    struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    (void)call;
    struct test_video *video = arg;
    shoal_uuid_new(video->uuid);
    return shoal_db_i64(tx, &test_video_add,
        SHOAL_ARGS(SHOAL_TEXT(video->uuid), SHOAL_I64(video->channel_id), SHOAL_TEXT(video->name),
            SHOAL_I64(video->privacy), SHOAL_I64(video->state),
            SHOAL_I64(video->is_open ? CATALOG_PASSED : CATALOG_UNASKED),
            SHOAL_BOOL(video->is_open), SHOAL_BOOL(video->is_blocked),
            SHOAL_I64(video->published_ms)),
        &video->id, err);
}

static inline void test_video_make(struct shoal_call *call, struct test_video *video)
{
    struct shoal_err err = {0};
    if (shoal_tx(call, test_video_tx, video, &err) != 0) {
        fail_msg("%s", err.text);
    }
}

/// The first channel of the user of a call.
static inline int64_t test_channel_of(struct shoal_call *call)
{
    struct shoal_err err = {0};
    json_t *me = shoal_user_me(call, &err);
    assert_non_null(me);
    int64_t id = shoal_integer(me, "videoChannels.0.id", 0);
    json_decref(me);
    assert_true(id > 0);
    return id;
}

/// A published video of the user of a call.
static inline struct test_video test_video_published(
    struct shoal_call *system, struct shoal_call *owner, enum shoal_privacy privacy)
{
    struct test_video video = {.name = "a video",
        .channel_id = test_channel_of(owner),
        .privacy = privacy,
        .state = SHOAL_STATE_PUBLISHED,
        .is_open = true,
        .published_ms = shoal_now_ms()};
    test_video_make(system, &video);
    return video;
}

/// Looks for a file of another server until it came, or it is known that it does not.
static inline int test_find_far(
    struct shoal_call *call, const char *kind, const char *name, struct shoal_media_file *file)
{
    for (;;) {
        struct shoal_err err = {0};
        int code = shoal_media_find(call, kind, NULL, name, file, &err);
        if (code != 0 || file->awaited == NULL) {
            return code;
        }
        assert_false(file->is_ready);
        usleep(5000);
    }
}

#endif

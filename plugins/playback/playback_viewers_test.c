// playback_viewers_test.c - who is connected: with a tracker, with an older one, with none.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <shoal/svc/tracker.h>
#include <testkit.h>

#include "playback.h"

static int64_t count(struct shoal_call *call, void *arg, int64_t video_id)
{
    (void)call;
    assert_int_equal(*(int *)arg, 5);
    return video_id == 4 ? -4 : video_id * 10;
}

static struct shoal_svc_tracker table;
static int five = 5;

static int start(struct shoal_plugin *self, struct shoal_err *err)
{
    return shoal_provide(self, "tracker", &table, &five, err);
}

static const struct shoal_plugin_descriptor descriptor = {.size = sizeof(descriptor),
    .abi_major = SHOAL_ABI_MAJOR,
    .abi_minor = SHOAL_ABI_MINOR,
    .name = "swarm",
    .start = start};

static struct shoal_kit *with_tracker(size_t size_bytes)
{
    static const char manifest[] =
        "{\"name\": \"swarm\", \"version\": \"1.0.0\", \"summary\": \"Counts\", \"licence\": \"MIT\","
        " \"sdk\": \"^1.0.0\", \"language\": \"c\", \"provides\": [\"tracker\"]}";
    struct shoal_err err = {0};
    struct shoal_kit *kit = shoal_kit_new(NULL);
    table = (struct shoal_svc_tracker){.size = size_bytes, .viewers = count};
    if (shoal_kit_load_text(kit, &descriptor, manifest, NULL, &err) != 0) {
        fail_msg("%s", err.text);
    }
    return kit;
}

static void the_tracker_is_asked(void **state)
{
    (void)state;
    struct shoal_kit *kit = with_tracker(sizeof table);
    assert_int_equal(playback_viewers(shoal_kit_system(kit), 3), 30);
    assert_int_equal(playback_viewers(shoal_kit_system(kit), 0), 0);
    assert_int_equal(playback_viewers(shoal_kit_system(kit), 4), 0); // a failure counts nobody
    shoal_kit_free(kit);
}

static void an_older_tracker_is_not_asked_what_it_does_not_know(void **state)
{
    (void)state;
    struct shoal_kit *kit = with_tracker(offsetof(struct shoal_svc_tracker, viewers));
    assert_int_equal(playback_viewers(shoal_kit_system(kit), 3), 0);
    table = (struct shoal_svc_tracker){.size = sizeof table};
    assert_int_equal(playback_viewers(shoal_kit_system(kit), 3), 0);
    shoal_kit_free(kit);
}

static void without_a_tracker_nobody_is_connected(void **state)
{
    (void)state;
    struct shoal_kit *kit = shoal_kit_new(NULL);
    assert_int_equal(playback_viewers(shoal_kit_system(kit), 3), 0);
    shoal_kit_free(kit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_tracker_is_asked),
        cmocka_unit_test(an_older_tracker_is_not_asked_what_it_does_not_know),
        cmocka_unit_test(without_a_tracker_nobody_is_connected),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

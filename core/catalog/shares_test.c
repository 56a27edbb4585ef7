// shares_test.c - an actor has one share of a video, and nobody takes another's back.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "catalog/follows_test.h"

static void one_share_of_each(void **state)
{
    (void)state;
    struct shoal_kit *kit = shoal_kit_new(NULL);
    struct shoal_call *system = shoal_kit_system(kit);
    struct shoal_err err = {0};
    struct test_far far = {.name = "shared", .host = "far.example"};
    struct test_far other = {.kind = "Group", .name = "other", .host = "other.example"};
    test_far_video_make(system, &far);
    test_far_make(system, &other);
    assert_int_equal(shoal_share_put(system, far.video_id, far.actor_id, "https://a/1", &err), 0);
    assert_int_equal(shoal_share_put(system, far.video_id, far.actor_id, "https://a/2", &err), 0);
    assert_int_equal(shoal_share_put(system, far.video_id, other.actor_id, "https://b/1", &err), 0);
    json_t *urls = shoal_share_urls(system, far.video_id, 0, 10, &err);
    assert_int_equal(shoal_integer(urls, "total", -1), 2);
    assert_string_equal(shoal_text(urls, "data.0", ""), "https://a/2");
    assert_string_equal(shoal_text(urls, "data.1", ""), "https://b/1");
    json_decref(urls);

    const struct {
        int64_t video, actor;
        const char *url;
        int code;
    } rows[] = {{far.video_id, other.actor_id, "https://a/2", SHOAL_ECONFLICT},
        {999999, other.actor_id, "https://b/9", SHOAL_ENOTFOUND},
        {far.video_id, 999999, "https://b/9", SHOAL_ENOTFOUND},
        {far.video_id, other.actor_id, "", SHOAL_EINVAL},
        {far.video_id, other.actor_id, NULL, SHOAL_EINVAL}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(
            shoal_share_put(system, rows[i].video, rows[i].actor, rows[i].url, &err), rows[i].code);
    }
    int64_t actor_id = 0;
    assert_int_equal(shoal_share_actor(system, "https://a/1", &actor_id, &err), SHOAL_ENOTFOUND); // it has another one
    assert_int_equal(shoal_share_actor(system, "https://a/2", &actor_id, &err), 0);
    assert_int_equal(actor_id, far.actor_id);
    assert_int_equal(shoal_share_remove(system, other.actor_id, "https://a/2", &err), SHOAL_ENOTFOUND);
    assert_int_equal(shoal_share_remove(system, far.actor_id, "https://a/2", &err), 0);
    urls = shoal_share_urls(system, far.video_id, 0, 10, &err);
    assert_int_equal(shoal_integer(urls, "total", -1), 1);
    json_decref(urls);
    shoal_kit_free(kit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(one_share_of_each)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

// remote_actors_test.c - actors of this and of other servers: found, kept, removed, never mixed up.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "catalog/catalog_test.h"
#include "catalog/remote_priv.h"

static struct {
    struct shoal_kit *kit;
    struct shoal_call *system, *user;
} scene;

static int setup(void **state)
{
    (void)state;
    scene.kit = shoal_kit_new("url = \"https://ours.example\"\n");
    scene.system = shoal_kit_system(scene.kit);
    scene.user = shoal_kit_user(scene.kit, "alice");
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    shoal_kit_free(scene.kit);
    return 0;
}

static struct shoal_actor person(const char *name)
{
    struct shoal_arena *arena = scene.system->arena;
    const char *url = shoal_arena_printf(arena, "https://far.example/accounts/%s", name);
    return (struct shoal_actor){.kind = "Person",
        .name = name,
        .host = "far.example",
        .url = url,
        .inbox_url = shoal_arena_printf(arena, "%s/inbox", url),
        .shared_inbox_url = "https://far.example/inbox",
        .public_key = "-----BEGIN PUBLIC KEY-----\nAA==\n-----END PUBLIC KEY-----\n",
        .display_name = "Far away",
        .description = "about it"};
}

static int put(const struct shoal_actor *actor, const json_t *pictures, int64_t *id)
{
    struct shoal_err err = {0};
    int code = shoal_actor_put(scene.system, actor, pictures, id, &err);
    if (code != 0) {
        print_message("%s: %s\n", err.field, err.text);
    }
    return code;
}

static void ours_are_found_by_name_and_by_url(void **state)
{
    (void)state;
    struct shoal_actor actor;
    struct shoal_actor other;
    struct shoal_err err = {0};
    assert_int_equal(shoal_actor_named(scene.system, "alice", "", &actor, &err), 0);
    assert_string_equal(actor.kind, "Person");
    assert_string_equal(actor.host, "");
    assert_string_equal(actor.url, shoal_url(scene.system, "/accounts/alice"));
    assert_string_equal(actor.inbox_url, shoal_url(scene.system, "/accounts/alice/inbox"));
    assert_string_equal(actor.shared_inbox_url, shoal_url(scene.system, "/inbox"));
    assert_true(actor.user_id > 0 && actor.account_id > 0 && actor.channel_id == 0);
    assert_int_equal(shoal_actor_find(scene.system, actor.url, &other, &err), 0);
    assert_int_equal(other.id, actor.id);
    const char *channel = shoal_url(scene.system, "/video-channels/alice_channel");
    assert_int_equal(shoal_actor_find(scene.system, channel, &other, &err), 0);
    assert_string_equal(other.kind, "Group");
    assert_int_equal(other.owner_id, actor.id);
    assert_int_equal(other.user_id, actor.user_id);
    assert_true(other.channel_id > 0);
    // The other folder, more behind it, another host: nobody.
    static const char *const nobody[] = {"/video-channels/alice", "/accounts/alice_channel",
        "/accounts/alice/inbox", "/accounts/alice?x", "/accounts/", "/alice"};
    for (size_t i = 0; i < sizeof nobody / sizeof nobody[0]; i++) {
        const char *url = shoal_url(scene.system, nobody[i]);
        assert_int_equal(shoal_actor_find(scene.system, url, &other, &err), SHOAL_ENOTFOUND);
    }
    assert_int_equal(
        shoal_actor_find(scene.system, "https://x.example/accounts/alice", &other, &err),
        SHOAL_ENOTFOUND);
}

static void the_instance_is_made_when_it_is_asked_for(void **state)
{
    (void)state;
    struct shoal_actor self;
    struct shoal_actor again;
    struct shoal_err err = {0};
    assert_int_equal(shoal_actor_named(scene.system, "peertube", "", &self, &err), 0);
    assert_string_equal(self.kind, "Application");
    assert_true(self.account_id > 0 && self.user_id == 0);
    assert_int_equal(shoal_actor_named(scene.system, "peertube", "", &again, &err), 0);
    assert_int_equal(again.id, self.id);
    json_t *fields = json_pack("{s:s, s:s}", "name", "peertube", "displayName", "me");
    assert_null(shoal_channel_create(scene.user, fields, &err));
    assert_int_equal(err.code, SHOAL_ECONFLICT);
    json_decref(fields);
}

static void a_remote_one_is_kept_and_changed_by_its_url(void **state)
{
    (void)state;
    struct shoal_actor actor = person("bob");
    struct shoal_actor found;
    int64_t id = 0;
    int64_t again = 0;
    assert_int_equal(put(&actor, NULL, &id), 0);
    actor.display_name = "\xe2\x80\xaeTurned\x07 \n around ";
    assert_int_equal(put(&actor, NULL, &again), 0);
    assert_int_equal(again, id);
    assert_int_equal(shoal_actor_find(scene.system, actor.url, &found, NULL), 0);
    assert_string_equal(found.display_name, "Turned   around");
    assert_string_equal(found.host, "far.example");
    assert_string_equal(found.inbox_url, actor.inbox_url);
    assert_true(found.account_id > 0 && found.user_id == 0);
    assert_int_equal(shoal_actor_named(scene.system, "bob", "FAR.example", &found, NULL), 0);
    assert_int_equal(found.id, id);
    json_t *account = shoal_account_get(scene.user, "bob@far.example", NULL);
    assert_string_equal(shoal_text(account, "url", ""), actor.url);
    assert_false(shoal_flag(account, "isLocal", true));
    json_decref(account);
}

static void a_channel_has_an_account_of_its_own_host(void **state)
{
    (void)state;
    struct shoal_actor owner = person("carol");
    struct shoal_actor channel = person("cooking");
    struct shoal_actor ours;
    int64_t owner_id = 0;
    int64_t id = 0;
    channel.kind = "Group";
    assert_int_equal(put(&owner, NULL, &owner_id), 0);
    assert_int_equal(put(&channel, NULL, &id), SHOAL_EINVAL);
    assert_int_equal(shoal_actor_named(scene.system, "alice", "", &ours, NULL), 0);
    channel.owner_id = ours.id;
    assert_int_equal(put(&channel, NULL, &id), SHOAL_EINVAL);
    channel.owner_id = owner_id;
    assert_int_equal(put(&channel, NULL, &id), 0);
    json_t *shown = shoal_channel_get(scene.user, "cooking@far.example", NULL);
    assert_string_equal(shoal_text(shown, "ownerAccount.name", ""), "carol");
    json_decref(shown);
    // What was an account stays one.
    owner.kind = "Group";
    owner.owner_id = owner_id;
    assert_int_equal(put(&owner, NULL, &id), SHOAL_EINVAL);
}

static void t03_nothing_is_bound_to_another_url(void **state)
{
    (void)state;
    struct shoal_actor actor = person("dave");
    struct shoal_actor thief = person("dave");
    int64_t id = 0;
    assert_int_equal(put(&actor, NULL, &id), 0);
    thief.url = "https://far.example/u/dave";
    assert_int_equal(put(&thief, NULL, &id), SHOAL_ECONFLICT);
    // One that takes the name of a third.
    thief = person("eve");
    assert_int_equal(put(&thief, NULL, &id), 0);
    thief.name = "dave";
    assert_int_equal(put(&thief, NULL, &id), SHOAL_ECONFLICT);
    static const struct {
        const char *field, *value;
    } rows[] = {{"url", "https://other.example/accounts/x"}, {"url", "javascript:alert(1)"},
        {"url", "https://far.example@other.example/x"}, {"inbox", "https://other.example/inbox"},
        {"inbox", NULL}, {"shared", "https://other.example/inbox"}, {"host", "ours.example"},
        {"host", ""}, {"key", "ssh-rsa"}, {"name", "a b"}, {"name", "'; DROP TABLE x; --"},
        {"name", ""}, {"kind", "Robot"}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct shoal_actor bad = person("mallory");
        const char *field = rows[i].field;
        *(strcmp(field, "url") == 0        ? &bad.url
            : strcmp(field, "inbox") == 0  ? &bad.inbox_url
            : strcmp(field, "shared") == 0 ? &bad.shared_inbox_url
            : strcmp(field, "host") == 0   ? &bad.host
            : strcmp(field, "key") == 0    ? &bad.public_key
            : strcmp(field, "name") == 0   ? &bad.name
                                           : &bad.kind) = rows[i].value;
        assert_int_equal(put(&bad, NULL, &id), SHOAL_EINVAL);
    }
}

static void t01_hostile_text_is_kept_as_text(void **state)
{
    (void)state;
    static const char hostile[] = "'); DELETE FROM catalog_actor; -- <img src=x onerror=1>";
    struct shoal_actor actor = person("frank");
    struct shoal_actor found;
    int64_t id = 0;
    actor.display_name = hostile;
    actor.description = hostile;
    assert_int_equal(put(&actor, NULL, &id), 0);
    assert_int_equal(shoal_actor_get(scene.system, id, &found, NULL), 0);
    assert_string_equal(found.display_name, hostile);
    assert_string_equal(found.description, hostile);
}

static void pictures_are_known_by_their_urls(void **state)
{
    (void)state;
    struct shoal_actor actor = person("gina");
    int64_t id = 0;
    json_t *pictures = json_pack("{s:[{s:s, s:i, s:i}, {s:s, s:i, s:i}, {s:s}], s:[]}", "avatars",
        "url", "https://cdn.example/b.png", "width", 120, "height", 120, "url",
        "https://far.example/a.png", "width", 48, "height", 48, "url", "file:///etc/passwd",
        "banners");
    assert_int_equal(put(&actor, pictures, &id), 0);
    json_t *kept = shoal_actor_pictures(scene.system, id, NULL);
    assert_int_equal(json_array_size(json_object_get(kept, "avatars")), 2);
    assert_string_equal(shoal_text(kept, "avatars.0.url", ""), "https://far.example/a.png");
    json_decref(kept);
    json_t *shown = shoal_account_get(scene.user, "gina@far.example", NULL);
    assert_memory_equal(shoal_text(shown, "avatars.0.path", ""), "/lazy-static/avatars/", 21);
    const char *path =
        shoal_arena_strdup(scene.system->arena, shoal_text(shown, "avatars.0.path", ""));
    json_decref(shown);
    // The same again changes no address; none are none.
    assert_int_equal(put(&actor, pictures, &id), 0);
    shown = shoal_account_get(scene.user, "gina@far.example", NULL);
    assert_string_equal(shoal_text(shown, "avatars.0.path", ""), path);
    json_decref(shown);
    json_array_clear(json_object_get(pictures, "avatars"));
    assert_int_equal(put(&actor, pictures, &id), 0);
    kept = shoal_actor_pictures(scene.system, id, NULL);
    assert_int_equal(json_array_size(json_object_get(kept, "avatars")), 0);
    json_decref(kept);
    json_decref(pictures);
    struct shoal_err err = {0};
    assert_null(shoal_actor_pictures(scene.system, INT64_MAX, &err));
    assert_int_equal(err.code, SHOAL_ENOTFOUND);
}

static void removing_takes_what_hangs_on_it_and_nothing_of_ours(void **state)
{
    (void)state;
    struct shoal_actor owner = person("henry");
    struct shoal_actor channel = person("henry_channel");
    struct shoal_actor ours;
    struct shoal_err err = {0};
    int64_t id = 0;
    int64_t channel_id = 0;
    channel.kind = "Group";
    assert_int_equal(put(&owner, NULL, &id), 0);
    channel.owner_id = id;
    assert_int_equal(put(&channel, NULL, &channel_id), 0);
    assert_int_equal(shoal_actor_named(scene.system, "alice", "", &ours, NULL), 0);
    assert_int_equal(shoal_actor_remove(scene.system, ours.id, &err), SHOAL_EFORBIDDEN);
    assert_int_equal(shoal_actor_remove(scene.system, id, &err), 0);
    assert_int_equal(shoal_actor_get(scene.system, id, &owner, &err), SHOAL_ENOTFOUND);
    assert_int_equal(shoal_actor_get(scene.system, channel_id, &owner, &err), SHOAL_ENOTFOUND);
    assert_int_equal(shoal_actor_remove(scene.system, id, &err), SHOAL_ENOTFOUND);
    assert_int_equal(shoal_actor_get(scene.system, ours.id, &ours, &err), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ours_are_found_by_name_and_by_url),
        cmocka_unit_test(the_instance_is_made_when_it_is_asked_for),
        cmocka_unit_test(a_remote_one_is_kept_and_changed_by_its_url),
        cmocka_unit_test(a_channel_has_an_account_of_its_own_host),
        cmocka_unit_test(t03_nothing_is_bound_to_another_url),
        cmocka_unit_test(t01_hostile_text_is_kept_as_text),
        cmocka_unit_test(pictures_are_known_by_their_urls),
        cmocka_unit_test(removing_takes_what_hangs_on_it_and_nothing_of_ours),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}

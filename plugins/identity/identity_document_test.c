// identity_document_test.c - rules, hosts and documents: what is there, what is compared, the terms of each kind.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include <testkit.h>

#include "identity.h"

extern const struct shoal_plugin_descriptor shoal_plugin_descriptor;

static struct shoal_kit *kit;
static struct shoal_call *call;

static bool has_private;

static bool yes(struct shoal_call *running, void *arg)
{
    (void)running, (void)arg;
    return true;
}

static bool no(struct shoal_call *running, void *arg)
{
    (void)running, (void)arg;
    return false;
}

static bool is_private(struct shoal_call *running, void *arg)
{
    (void)running, (void)arg;
    return has_private;
}

static bool blocked(struct shoal_call *running, const char *host, void *arg)
{
    (void)running, (void)arg;
    return strcmp(host, "blocked.example") == 0;
}

static json_t *gone(struct shoal_call *running, const char *url, void *arg)
{
    (void)running, (void)arg;
    return strstr(url, "/accounts/gone") == NULL
               ? NULL
               : json_pack("{s:s, s:s}", "type", "Tombstone", "id", url);
}

static const struct shoal_identity_rules rules = {.size = sizeof rules,
    .plugin = "identity",
    .enabled = yes,
    .is_private = is_private,
    .blocked = blocked,
    .wants_signature = no,
    .gone = gone};

static int key(struct shoal_call *running, void *arg, const struct shoal_actor *actor,
    struct shoal_actor_key *out, struct shoal_err *err)
{
    (void)running, (void)arg, (void)actor, (void)err;
    *out = (struct shoal_actor_key){out->size, "id", "pem", "ed25519-id", "multibase"};
    return 0;
}

static const struct shoal_svc_signatures signatures = {.size = sizeof signatures, .key = key};

static int signatures_start(struct shoal_plugin *self, struct shoal_err *err)
{
    return shoal_provide(self, "signatures", &signatures, NULL, err);
}

static const struct shoal_plugin_descriptor signer = {.size = sizeof signer,
    .abi_major = SHOAL_ABI_MAJOR,
    .abi_minor = SHOAL_ABI_MINOR,
    .name = "signer",
    .start = signatures_start};
static const char manifest[] =
    "{\"name\": \"signer\", \"version\": \"1.0.0\", \"summary\": \"s\", \"licence\": \"MIT\", \"sdk\": \"^1.0.0\","
    " \"language\": \"c\", \"provides\": [\"signatures\"]}";

static int setup_with(const char *config)
{
    struct shoal_err err = {0};
    kit = shoal_kit_new(config);
    int code = shoal_kit_load_text(kit, &signer, manifest, NULL, &err);
    code = code != 0 ? code
                     : shoal_kit_load(kit, &shoal_plugin_descriptor,
                           SHOAL_SOURCE_DIR "/plugins/identity", NULL, &err);
    if (code != 0) {
        fprintf(stderr, "%s\n", err.text);
    }
    call = shoal_kit_system(kit);
    return code;
}

static int setup(void **state)
{
    (void)state;
    has_private = false;
    return setup_with("url = \"https://here.example\"\n");
}

static int setup_private(void **state)
{
    (void)state;
    has_private = true;
    int code = setup_with("url = \"http://127.0.0.1:9000\"\n");
    return code != 0 ? code : who_rules_set(&rules, NULL);
}

static int teardown(void **state)
{
    (void)state;
    shoal_kit_free(kit);
    return 0;
}

static void without_rules_nobody_federates(void **state)
{
    (void)state;
    struct shoal_err err = {0};
    struct shoal_actor actor;
    assert_false(who_enabled(call));
    assert_true(who_blocked(call, "there.example"));
    assert_null(who_fetch(call, "https://there.example/x", &err));
    assert_int_equal(err.code, SHOAL_EFORBIDDEN);
    assert_int_equal(who_handle(call, "@somebody@there.example", &actor, &err), SHOAL_EFORBIDDEN);
    assert_int_equal(shoal_kit_request(call, "GET", "/accounts/peertube", NULL, NULL), 404);
    assert_int_equal(who_rules_set(&rules, &err), 0);
    assert_int_equal(who_rules_set(&rules, &err), SHOAL_ECONFLICT);
    assert_int_equal(shoal_kit_request(call, "GET", "/accounts/peertube", NULL, NULL), 200);
    assert_null(who_fetch(call, "https://blocked.example/x", &err));
    assert_string_equal(err.text, "blocked.example is blocked here");
}

static void hosts_are_compared_whole(void **state)
{
    (void)state;
    assert_true(who_same_host(call, "https://a.example/x", "https://A.example:443/y?z"));
    assert_false(who_same_host(call, "https://a.example/x", "https://a.example:444/x"));
    assert_false(who_same_host(call, "https://a.example/x", "https://a.example.evil.example/x"));
    assert_false(who_same_host(call, "https://a.example/x", "https://b.a.example/x"));
    assert_false(who_same_host(call, "https://a.example/x", "nonsense"));
    assert_false(who_same_host(call, "nonsense", "nonsense"));
    assert_true(who_is_ours(call, "https://here.example"));
    assert_false(who_is_ours(call, "http://here.example"));
}

static void private_networks_are_hosts_where_they_are_open(void **state)
{
    (void)state;
    assert_string_equal(who_url_host(call, "http://127.0.0.1:9001/x"), "127.0.0.1:9001");
    assert_string_equal(who_host(call), "127.0.0.1:9000");
    assert_true(who_is_ours(call, "http://127.0.0.1:9000/accounts/x"));
    assert_false(who_is_ours(call, "http://127.0.0.1:90001/accounts/x"));
}

static void T21_only_two_types_are_documents(void **state)
{
    (void)state;
    assert_true(who_is_activity_type("application/activity+json"));
    assert_true(who_is_activity_type("Application/Activity+JSON; charset=utf-8"));
    assert_true(who_is_activity_type(
        "application/ld+json; profile=\"https://www.w3.org/ns/activitystreams\"; charset=utf-8"));
    static const char *const none[] = {"", "application/json", "application/ld+json", "text/html",
        "application/ld+json; profile=\"https://example.org\"", "application/activity+jsonx",
        "text/plain; x=application/activity+json", "image/png"};
    for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
        assert_false(who_is_activity_type(none[i]));
    }
}

static void each_kind_of_context_parses(void **state)
{
    (void)state;
    static const char *const kinds[] = {"Video", "Playlist", "CacheFile", "Actor", "WatchAction", "View", "Download",
        "Comment", "ApproveReply", "RejectReply", "Chapters", "PlayerSettings", "Flag"};
    json_t *base = who_context(NULL);
    assert_int_equal(json_array_size(base), 3);
    json_decref(base);
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        json_t *context = who_context(kinds[i]);
        assert_int_equal(json_array_size(context), 4);
        assert_true(json_is_object(json_array_get(context, 3)));
        json_decref(context);
    }
    json_t *video = who_context("Video");
    assert_string_equal(shoal_text(video, "3.likes.@id", ""), "as:likes");
    assert_string_equal(shoal_text(video, "3.commentsPolicy.@type", ""), "sc:Number");
    assert_string_equal(shoal_text(video, "3.waitTranscoding.@type", ""), "sc:Boolean");
    json_decref(video);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_rules_nobody_federates),
        cmocka_unit_test(hosts_are_compared_whole),
        cmocka_unit_test(T21_only_two_types_are_documents),
        cmocka_unit_test(each_kind_of_context_parses),
    };
    const struct CMUnitTest private_tests[] = {
        cmocka_unit_test(private_networks_are_hosts_where_they_are_open)};
    int failed = cmocka_run_group_tests(tests, setup, teardown);
    return failed + cmocka_run_group_tests(private_tests, setup_private, teardown);
}

// federation_trust_test.c - the table of who may say what, cell by cell.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include <testkit.h>

#include <shoal/svc/identity.h>

#include "federation_inbox.h"

extern const struct shoal_plugin_descriptor shoal_plugin_descriptor;

#define OWNED "https://a.example/things/owned"

static struct shoal_kit *kit;

static int receive(struct shoal_call *call, const struct shoal_activity *what, void *arg,
    struct shoal_err *err)
{
    (void)call, (void)what, (void)arg, (void)err;
    return 0;
}

static bool owner(struct shoal_call *call, const char *id, const struct shoal_actor *actor, void *arg)
{
    (void)call, (void)arg;
    return strcmp(id, OWNED) == 0 && strcmp(actor->url, "https://b.example/accounts/keeper") == 0;
}

// One type whose activities are named like the rules.
static const struct shoal_may_say rows[] = {{"Nobody", SHOAL_SAY_NOBODY, false},
    {"Author", SHOAL_SAY_AUTHOR, false}, {"Host", SHOAL_SAY_HOST, false},
    {"Owner", SHOAL_SAY_OWNER, false}, {"Delete", SHOAL_SAY_OWNER, false}, {"Anyone", SHOAL_SAY_ANYONE, false}, {NULL, 0, false}};
static const struct shoal_federated thing = {.size = sizeof thing,
    .plugin = "federation",
    .type = "Thing",
    .rows = rows,
    .receive = receive,
    .owner = owner};

// The plugins that this one needs, as far as it asks them while it starts.
static int keeper(void *arg, const struct shoal_key_keeper *given, struct shoal_err *err)
{
    (void)arg, (void)given, (void)err;
    return 0;
}

static int who(void *arg, const struct shoal_identity_rules *given, struct shoal_err *err)
{
    (void)arg, (void)given, (void)err;
    return 0;
}

static int where(void *arg, const struct shoal_delivery_rules *given, struct shoal_err *err)
{
    (void)arg, (void)given, (void)err;
    return 0;
}

static const struct shoal_svc_signatures signatures = {.size = sizeof signatures, .keeper = keeper};
static const struct shoal_svc_identity identity = {.size = sizeof identity, .rules = who};
static const struct shoal_svc_delivery delivery = {.size = sizeof delivery, .rules = where};

static int others_start(struct shoal_plugin *self, struct shoal_err *err)
{
    int code = shoal_provide(self, "signatures", &signatures, NULL, err);
    code = code == 0 ? shoal_provide(self, "identity", &identity, NULL, err) : code;
    return code == 0 ? shoal_provide(self, "delivery", &delivery, NULL, err) : code;
}

static const struct shoal_plugin_descriptor others = {.size = sizeof others,
    .abi_major = SHOAL_ABI_MAJOR,
    .abi_minor = SHOAL_ABI_MINOR,
    .name = "others",
    .start = others_start};
static const char manifest[] =
    "{\"name\": \"others\", \"version\": \"1.0.0\", \"summary\": \"s\", \"licence\": \"MIT\", \"sdk\": \"^1.0.0\","
    " \"language\": \"c\", \"provides\": [\"signatures\", \"identity\", \"delivery\"]}";

static int setup(void **state)
{
    (void)state;
    struct shoal_err err = {0};
    kit = shoal_kit_new("url = \"https://here.example\"\n");
    int code = shoal_kit_load_text(kit, &others, manifest, NULL, &err);
    code = code != 0 ? code
                     : shoal_kit_load(kit, &shoal_plugin_descriptor,
                           SHOAL_SOURCE_DIR "/plugins/federation", NULL, &err);
    if (code != 0) {
        fprintf(stderr, "%s\n", err.text);
    }
    return code;
}

static int teardown(void **state)
{
    (void)state;
    shoal_kit_free(kit);
    return 0;
}

static json_t *object_by(const char *author)
{
    return author == NULL ? NULL : json_pack("{s:s, s:[{s:s, s:s}, s]}", "type", "Thing",
        "attributedTo", "type", "Person", "id", author, "https://a.example/video-channels/c");
}

static void each_cell_is_as_its_rule_says(void **state)
{
    (void)state;
    static const struct {
        const char *speaker, *host, *object_id, *author; // author NULL: only the id is known
        bool author_may, host_may, owner_may, anyone_may;
    } cells[] = {
        // the author, on one host with the object
        {"https://a.example/accounts/x", "a.example", "https://a.example/things/1",
            "https://a.example/accounts/x", true, true, true, true},
        // T02 somebody of another host about an object that names its author
        {"https://b.example/accounts/x", "b.example", "https://a.example/things/1",
            "https://a.example/accounts/x", false, false, false, true},
        // T02 ... and about one that names the speaker, yet lies on another host
        {"https://b.example/accounts/x", "b.example", "https://a.example/things/1",
            "https://b.example/accounts/x", false, false, false, true},
        // somebody else of the same host
        {"https://a.example/accounts/y", "a.example", "https://a.example/things/1",
            "https://a.example/accounts/x", false, true, false, true},
        // the same name with another port, another scheme, or as a part of another host
        {"https://a.example:8443/accounts/x", "a.example:8443", "https://a.example/things/1",
            "https://a.example:8443/accounts/x", false, false, false, true},
        {"https://a.example.evil.example/accounts/x", "a.example.evil.example",
            "https://a.example/things/1", "https://a.example.evil.example/accounts/x", false, false,
            false, true},
        {"https://a.example@evil.example/accounts/x", "evil.example", "https://a.example/things/1",
            "https://a.example@evil.example/accounts/x", false, false, false, true},
        // who owns what the object hangs on, on any host
        {"https://b.example/accounts/keeper", "b.example", OWNED, "https://a.example/accounts/x",
            false, false, true, true},
        {"https://b.example/accounts/keeper", "b.example", OWNED, NULL, false, false, true, true},
        // by its id alone: the host may be known, the author is not
        {"https://a.example/accounts/x", "a.example", "https://a.example/things/1", NULL, false, true,
            false, true},
        // without an id nothing is said of it
        {"https://a.example/accounts/x", "a.example", NULL, "https://a.example/accounts/x", false,
            false, false, false},
        // T03 one of ours says nothing by federation, not even of its own
        {"https://here.example/accounts/root", "", "https://here.example/things/1",
            "https://here.example/accounts/root", false, false, false, false},
    };
    struct shoal_call *call = shoal_kit_system(kit);
    for (size_t i = 0; i < sizeof cells / sizeof *cells; i++) {
        struct shoal_actor actor = {.kind = "Person", .name = "x", .host = cells[i].host,
            .url = cells[i].speaker};
        json_t *object = object_by(cells[i].author);
        const struct {
            const char *activity;
            bool may;
        } asked[] = {{"Nobody", false}, {"Unheard", false}, {"Author", cells[i].author_may},
            {"Host", cells[i].host_may}, {"Owner", cells[i].owner_may},
            {"Anyone", cells[i].anyone_may}};
        for (size_t k = 0; k < sizeof asked / sizeof *asked; k++) {
            struct shoal_err err = {0};
            bool may = fed_may_say(
                call, &actor, asked[k].activity, &thing, cells[i].object_id, object, &err);
            if (may != asked[k].may) {
                fail_msg("cell %zu, %s: %s", i, asked[k].activity, may ? "may" : err.text);
            }
            assert_int_equal(err.code, may ? 0 : SHOAL_EFORBIDDEN);
        }
        json_decref(object);
    }
}

// Whose it was says what is kept of it, never who deletes it.
static void of_what_is_deleted_nothing_that_is_said_counts(void **state)
{
    (void)state;
    struct shoal_err err = {0};
    struct shoal_call *call = shoal_kit_system(kit);
    const char *url = "https://a.example/accounts/y";
    struct shoal_actor other = {.kind = "Person", .name = "y", .host = "a.example", .url = url};
    struct shoal_actor keeper_of = {.kind = "Person",
        .name = "keeper",
        .host = "b.example",
        .url = "https://b.example/accounts/keeper"};
    json_t *forged = object_by(url);
    assert_true(fed_may_say(call, &other, "Owner", &thing, OWNED, forged, &err));
    assert_false(fed_may_say(call, &other, "Delete", &thing, OWNED, forged, &err));
    assert_int_equal(err.code, SHOAL_EFORBIDDEN);
    assert_true(fed_may_say(call, &keeper_of, "Delete", &thing, OWNED, forged, &err));
    assert_true(fed_may_say(call, &keeper_of, "Delete", &thing, OWNED, NULL, &err));
    json_decref(forged);
}

static void reads_names_in_every_form(void **state)
{
    (void)state;
    const char *url = "https://a.example/accounts/x";
    json_t *forms = json_pack("[s, {s:s}, [s], [s, {s:s}]]", url, "id", url, url,
        "https://a.example/accounts/y", "id", url);
    size_t i;
    json_t *form;
    json_array_foreach(forms, i, form)
    {
        assert_true(fed_names(form, url));
        assert_false(fed_names(form, "https://a.example/accounts/z"));
    }
    json_decref(forms);
    json_t *wrong = json_pack("[n, i, {}, [], {s:i}, s]", 3, "id", 3, "");
    json_array_foreach(wrong, i, form)
    {
        assert_false(fed_names(form, url));
        assert_null(fed_id(form));
    }
    json_decref(wrong);
    assert_false(fed_names(NULL, url));
}

static void knows_each_type_once(void **state)
{
    (void)state;
    struct shoal_err err = {0};
    assert_int_equal(fed_type_add(&thing, &err), 0);
    assert_int_equal(fed_type_add(&thing, &err), SHOAL_ECONFLICT);
    assert_string_equal(fed_type_find("Thing")->plugin, "federation");
    assert_null(fed_type_find("Nothing"));
    assert_null(fed_type_find(NULL));
    struct shoal_federated bare = thing;
    bare.type = "Bare";
    bare.receive = NULL;
    assert_int_equal(fed_type_add(&bare, &err), SHOAL_EINVAL);
}

SHOAL_SQL(test_block, "INSERT INTO federation_block (host, by_user, created) VALUES ($1, 1, 1)");

static int block_tx(struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    (void)call;
    return shoal_db_exec(tx, &test_block, SHOAL_ARGS(SHOAL_TEXT((const char *)arg)), NULL, err);
}

static void a_block_reaches_what_lies_below_it_on_every_port(void **state)
{
    (void)state;
    static const char *const blocks[] = {"evil.example", "port.example:8443", "127.0.0.9", "[::9]:80"};
    static const char *const blocked[] = {"evil.example", "www.evil.example", "evil.example:8443",
        "x.evil.example:81", "a.b.c.d.e.f.g.h.i.j.evil.example", "port.example:8443", "127.0.0.9",
        "127.0.0.9:9000", "[::9]:80"};
    static const char *const open[] = {"example", "notevil.example", "evil.example.org", "port.example",
        "port.example:8444", "127.0.0.8:9000", "[::9]:81", "[::8]:80", "a.b.c.d.e.f.g.h.i.j.k.example", ""};
    struct shoal_call *call = shoal_kit_system(kit);
    shoal_enter(call, &(struct shoal_service){.plugin = "federation"});
    for (size_t i = 0; i < sizeof blocks / sizeof *blocks; i++) {
        assert_int_equal(shoal_tx(call, block_tx, (void *)(uintptr_t)blocks[i], NULL), 0);
    }
    for (size_t i = 0; i < sizeof blocked / sizeof *blocked; i++) {
        if (!fed_blocked(call, blocked[i])) {
            fail_msg("%s is not blocked", blocked[i]);
        }
    }
    for (size_t i = 0; i < sizeof open / sizeof *open; i++) {
        if (fed_blocked(call, open[i])) {
            fail_msg("%s is blocked", open[i]);
        }
    }
    shoal_leave(call);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_cell_is_as_its_rule_says),
        cmocka_unit_test(of_what_is_deleted_nothing_that_is_said_counts),
        cmocka_unit_test(reads_names_in_every_form),
        cmocka_unit_test(knows_each_type_once),
        cmocka_unit_test(a_block_reaches_what_lies_below_it_on_every_port),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}

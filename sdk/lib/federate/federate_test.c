// federate_test.c - the service federation when nobody provides it, and in whose name its calls run.
// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <testkit.h>

#include "federate.h"

static struct shoal_kit *kit;
static struct shoal_call *call;
static int calls, callbacks;

static void is_provider(struct shoal_call *running)
{
    assert_string_equal(shoal_plugin_name(shoal_call_plugin(running)), "provider");
    calls++;
}

static bool enabled(struct shoal_call *running, void *arg)
{
    (void)arg;
    is_provider(running);
    return true;
}

static int crawl(struct shoal_call *running, void *arg, const char *url, int items_max,
    bool (*each)(struct shoal_call *call, const json_t *item, void *state), void *state,
    struct shoal_err *err)
{
    (void)arg;
    is_provider(running);
    json_t *item = json_string(url);
    for (int i = 0; i < items_max && each(running, item, state); i++) {
    }
    json_decref(item);
    return shoal_fail(err, SHOAL_EUPSTREAM, "it broke off");
}

static json_t *fetch(struct shoal_call *running, void *arg, const char *url, struct shoal_err *err)
{
    (void)arg;
    is_provider(running);
    err->code = SHOAL_ENOTFOUND; // whoever is behind the service may write there
    return strcmp(url, "there") == 0 ? json_string(url) : NULL;
}

static int deliver(struct shoal_call *running, void *arg, struct shoal_db *tx,
    const struct shoal_delivery *what, struct shoal_err *err)
{
    (void)arg;
    is_provider(running);
    assert_non_null(tx);
    assert_int_equal(what->size, sizeof *what);
    return what->actor_id == 7 ? 0 : shoal_fail(err, SHOAL_EINVAL, "of nobody");
}

static const struct shoal_svc_federation table = {.size = sizeof table,
    .enabled = enabled,
    .fetch = fetch,
    .crawl = crawl,
    .deliver = deliver};

static int start(struct shoal_plugin *self, struct shoal_err *err)
{
    return shoal_provide(self, "federation", &table, NULL, err);
}

static const struct shoal_plugin_descriptor provider = {.size = sizeof provider,
    .abi_major = SHOAL_ABI_MAJOR,
    .abi_minor = SHOAL_ABI_MINOR,
    .name = "provider",
    .start = start};

static void open_kit(bool is_there)
{
    struct shoal_err err = {0};
    kit = shoal_kit_new(NULL);
    call = shoal_kit_system(kit);
    calls = callbacks = 0;
    if (is_there &&
        shoal_kit_load_text(kit, &provider,
            "{\"name\": \"provider\", \"version\": \"1.0.0\", \"summary\": \"provides\", \"licence\": \"MIT\","
            " \"sdk\": \"^1.0.0\", \"language\": \"c\", \"provides\": [\"federation\"]}",
            NULL, &err) != 0) {
        fail_msg("%s", err.text);
    }
}

static int with(void **state)
{
    (void)state;
    open_kit(true);
    return 0;
}

static int without(void **state)
{
    (void)state;
    open_kit(false);
    return 0;
}

static int end(void **state)
{
    (void)state;
    shoal_kit_free(kit);
    return 0;
}

static bool count(struct shoal_call *running, const json_t *item, void *state)
{
    (void)running;
    (void)item;
    return ++*(int *)state < 3;
}

static void without_a_provider_there_is_nothing(void **state)
{
    (void)state;
    struct shoal_err err = {0};
    struct shoal_actor actor;
    json_t *object = json_string("as it was");
    assert_false(federate_is_there());
    assert_false(federate_enabled(call));
    assert_int_equal(federate_need(call, &err), SHOAL_ENOTFOUND);
    assert_int_equal(federate_types_add(NULL, 0, &err), 0);
    assert_null(federate_resolve(call, "x", &err));
    assert_int_equal(err.code, SHOAL_EBUSY);
    assert_null(federate_fetch(call, "x", NULL));
    assert_null(federate_crawl(call, "x", 1, NULL));
    assert_int_equal(federate_walk(call, "x", 1, count, &callbacks, NULL), SHOAL_EBUSY);
    assert_null(federate_actor_document(call, NULL, NULL));
    assert_int_equal(federate_actor(call, "x", 0, &actor, NULL), SHOAL_EBUSY);
    assert_int_equal(federate_self(call, &actor, NULL), SHOAL_EBUSY);
    assert_int_equal(federate_say(call, (struct shoal_delivery){0}, NULL), SHOAL_EBUSY);
    federate_written(call, "Note", NULL, &object);
    federate_read(call, "Note", NULL, &object);
    assert_string_equal(json_string_value(object), "as it was");
    assert_int_equal(federate_answer(call, NULL, NULL, "Note", NULL, object, &err), SHOAL_EBUSY);
    assert_int_equal(federate_answer_collection(call, NULL, "/x", "x", NULL, NULL, &err), SHOAL_EBUSY);
    assert_string_equal(err.text, "nobody provides federation now");
}

static void each_call_is_in_the_name_of_the_provider(void **state)
{
    (void)state;
    struct shoal_err err = {0};
    assert_true(federate_is_there());
    assert_true(federate_enabled(call));
    assert_int_equal(federate_need(call, NULL), 0);
    json_t *document = federate_fetch(call, "there", NULL);
    assert_string_equal(json_string_value(document), "there");
    json_decref(document);
    assert_null(federate_fetch(call, "nowhere", &err));
    assert_int_equal(err.code, SHOAL_ENOTFOUND);
    assert_int_equal(federate_say(call, (struct shoal_delivery){.actor_id = 7}, &err), 0);
    assert_int_equal(federate_say(call, (struct shoal_delivery){0}, &err), SHOAL_EINVAL);
    assert_string_equal(err.text, "of nobody");
    assert_null(federate_actor_document(call, NULL, NULL)); // a provider without it
    assert_int_equal(calls, 6);
    assert_null(shoal_call_plugin(call));
}

static void a_walk_that_breaks_off_gives_what_it_had(void **state)
{
    (void)state;
    json_t *items = federate_crawl(call, "x", 2, NULL);
    assert_int_equal(json_array_size(items), 2);
    json_decref(items);
    assert_null(federate_crawl(call, "x", 0, NULL));
    assert_int_equal(federate_walk(call, "x", 10, count, &callbacks, NULL), SHOAL_EUPSTREAM);
    assert_int_equal(callbacks, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(without_a_provider_there_is_nothing, without, end),
        cmocka_unit_test_setup_teardown(each_call_is_in_the_name_of_the_provider, with, end),
        cmocka_unit_test_setup_teardown(a_walk_that_breaks_off_gives_what_it_had, with, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

// csrf_test.c - the token of forms: one a session, the same over restarts, none without one.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "data/data.h"
#include "host/dispatch_priv.h"
#include "host/test_kit.h"
#include "net/request_priv.h"

static struct kit kit;

static int begin(void **state)
{
    (void)state;
    kit_open(&kit, "");
    kit_start(&kit, false);
    return 0;
}

static int end(void **state)
{
    (void)state;
    kit_close(&kit);
    return 0;
}

static const char *token_of(const char *cookie)
{
    struct shoal_header header = {shoal_span("Cookie"), shoal_span(cookie)};
    struct shoal_request request = {
        .headers = &header, .header_count = 1, .call.arena = kit.call.arena};
    return shoal_csrf(&kit.call, &request);
}

static void each_session_has_its_own_and_keeps_it(void **state)
{
    (void)state;
    const char *mine = token_of("a=b; shoal_session=mine");
    assert_int_equal(strlen(mine), 64);
    assert_int_equal(strspn(mine, "0123456789abcdef"), 64);
    assert_string_equal(token_of("shoal_session=mine; c=d"), mine);
    assert_string_not_equal(token_of("shoal_session=other"), mine);
    assert_string_equal(token_of("shoal_session="), "");
    assert_string_equal(token_of("another=mine"), "");
    assert_null(strstr(mine, "mine"));
}

static int change(struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    return shoal_store_set(call, tx, "host", "csrf", arg, err);
}

static void set_secret(json_t *value)
{
    assert_int_equal(shoal_tx(&kit.call, change, value, NULL), 0);
    json_decref(value);
}

static void it_is_made_with_the_secret_of_the_instance(void **state)
{
    (void)state;
    const char *mine = token_of("shoal_session=mine");
    json_t *secret = shoal_store_get("host", "csrf");
    assert_int_equal(strlen(json_string_value(secret)), 64); // made when it was first needed
    set_secret(json_string("0000000000000000000000000000000000000000000000000000000000000000"));
    assert_string_not_equal(token_of("shoal_session=mine"), mine);
    set_secret(secret);
    assert_string_equal(token_of("shoal_session=mine"), mine);
}

/// Forms of a damaged instance are refused, not open to everybody.
static void a_damaged_secret_gives_no_token(void **state)
{
    (void)state;
    static const char *const damaged[] = {
        "", "00", "nonsense", "000000000000000000000000000000000000000000000000000000000000000000"};
    for (size_t i = 0; i < sizeof(damaged) / sizeof(damaged[0]); i++) {
        set_secret(json_string(damaged[i]));
        assert_string_equal(token_of("shoal_session=mine"), "");
    }
    set_secret(json_integer(5)); // what is no text at all is made anew
    assert_int_equal(strlen(token_of("shoal_session=mine")), 64);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define CASE(name) cmocka_unit_test_setup_teardown(name, begin, end)
        CASE(each_session_has_its_own_and_keeps_it),
        CASE(it_is_made_with_the_secret_of_the_instance),
        CASE(a_damaged_secret_gives_no_token),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

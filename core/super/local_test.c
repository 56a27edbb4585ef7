// local_test.c - a process without a supervisor has one helper, which ends with it.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include <shoal/json.h>
#include <shoal/process.h>

#include "super/channel.h"
#include "super/super.h"

static json_t *ask(const char *verb, const char *key, int *code)
{
    json_t *answer = NULL;
    struct shoal_err err = {0};
    *code = shoal_channel_ask(NULL, json_pack("{s:s, s:s}", "do", verb, "key", key), NULL, 0, 10000,
        &answer, NULL, NULL, &err);
    return answer;
}

static void the_helper_answers(void **unused)
{
    (void)unused;
    int code = 0;
    assert_int_equal(shoal_super_local(NULL), 0);
    assert_true(shoal_channel_runs());
    assert_null(ask("wait", "no-such-process", &code));
    assert_int_equal(code, SHOAL_ENOTFOUND);
    assert_int_equal(shoal_super_local(NULL), 0); // a second time: the same one
    assert_null(ask("kill", "no-such-process", &code));
    assert_int_equal(code, SHOAL_ENOTFOUND);
    shoal_channel_stop();
    assert_false(shoal_channel_runs());
}

static void another_can_follow_it(void **unused)
{
    (void)unused;
    int code = 0;
    for (int i = 0; i < 3; i++) {
        assert_int_equal(shoal_super_local(NULL), 0);
        assert_null(ask("wait", "no-such-process", &code));
        assert_int_equal(code, SHOAL_ENOTFOUND);
        shoal_channel_stop();
    }
}

static void it_gives_no_sockets(void **unused)
{
    (void)unused;
    // Only a supervisor listens. What is no message about processes has no answer here, so it is
    // told, and what comes behind it is still answered.
    int code = 0;
    assert_int_equal(shoal_super_local(NULL), 0);
    assert_int_equal(shoal_channel_tell(json_pack("{s:s}", "do", "listen"), NULL), 0);
    assert_null(ask("wait", "no-such-process", &code));
    assert_int_equal(code, SHOAL_ENOTFOUND);
    shoal_channel_stop();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_helper_answers),
        cmocka_unit_test(another_can_follow_it),
        cmocka_unit_test(it_gives_no_sockets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

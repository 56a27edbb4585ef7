// ask_test.c - answers are lines, and each question has its own.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cli/output_test.h"

/// Puts the text where a person would type it.
static void type(const char *text)
{
    char path[32];
    int fd = memfd_create("typed", MFD_CLOEXEC);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    assert_non_null(freopen(path, "r", stdin));
    close(fd);
}

static int ask(char *answer, size_t room)
{
    static struct output output;
    output_start(&output);
    int code = shoal_ask("Name:", false, answer, room);
    output_stop(&output);
    assert_string_equal(output.err, "Name: ");
    assert_string_equal(output.out, "");
    return code;
}

static void an_answer_is_a_line_without_its_end(void **unused)
{
    (void)unused;
    char answer[32];
    static const char *const rows[][2] = {{"fish\n", "fish"}, {"fish\r\n", "fish"},
        {"fish", "fish"}, {"\n", ""}, {" a b \n", " a b "}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        type(rows[i][0]);
        assert_int_equal(ask(answer, sizeof answer), 0);
        assert_string_equal(answer, rows[i][1]);
    }
}

static void nobody_there_is_no_answer(void **unused)
{
    (void)unused;
    char answer[32] = "of before";
    type("");
    assert_int_equal(ask(answer, sizeof answer), SHOAL_EINVAL);
    assert_string_equal(answer, "");
    assert_false(shoal_ask_can()); // a file is no person
}

static void the_rest_of_a_long_line_answers_nothing_else(void **unused)
{
    (void)unused;
    char answer[8];
    type("a name that is too long\nsecret\n1234567\nend\n");
    assert_int_equal(ask(answer, sizeof answer), 0);
    assert_string_equal(answer, "a name ");
    assert_int_equal(ask(answer, sizeof answer), 0);
    assert_string_equal(answer, "secret");
    assert_int_equal(ask(answer, sizeof answer), 0); // its line break did not fit
    assert_string_equal(answer, "1234567");
    assert_int_equal(ask(answer, sizeof answer), 0);
    assert_string_equal(answer, "end");
}

static void a_secret_that_no_terminal_hides_is_read_all_the_same(void **unused)
{
    (void)unused;
    static struct output output;
    char answer[32];
    type("secret\n");
    output_start(&output);
    int code = shoal_ask("Password:", true, answer, sizeof answer);
    output_stop(&output);
    assert_int_equal(code, 0);
    assert_string_equal(answer, "secret");
    assert_null(strstr(output.err, "secret"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_answer_is_a_line_without_its_end),
        cmocka_unit_test(nobody_there_is_no_answer),
        cmocka_unit_test(the_rest_of_a_long_line_answers_nothing_else),
        cmocka_unit_test(a_secret_that_no_terminal_hides_is_read_all_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

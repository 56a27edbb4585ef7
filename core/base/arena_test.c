// arena_test.c - memory that is dropped whole.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <setjmp.h>
#include <stdalign.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <shoal/arena.h>

static void gives_zeroed_aligned_memory_of_any_size(void **state)
{
    (void)state;
    struct shoal_arena *arena = shoal_arena_new(128);
    for (size_t bytes = 0; bytes < 1000; bytes += 7) {
        unsigned char *memory = shoal_arena_alloc(arena, bytes);
        assert_int_equal((uintptr_t)memory % alignof(max_align_t), 0);
        for (size_t i = 0; i < bytes; i++) {
            assert_int_equal(memory[i], 0);
        }
        memset(memory, 0xAA, bytes);
    }
    shoal_arena_free(arena);
}

static void does_not_hand_out_the_same_bytes_twice(void **state)
{
    (void)state;
    struct shoal_arena *arena = shoal_arena_new(0);
    unsigned char *pieces[200];
    for (size_t i = 0; i < 200; i++) {
        pieces[i] = shoal_arena_alloc(arena, i % 50 == 0 ? 5000 : 24);
        memset(pieces[i], (int)i, 24);
    }
    for (size_t i = 0; i < 200; i++) {
        assert_int_equal(pieces[i][0], (unsigned char)i);
        assert_int_equal(pieces[i][23], (unsigned char)i);
    }
    shoal_arena_free(arena);
}

static void copies_and_formats_text(void **state)
{
    (void)state;
    struct shoal_arena *arena = shoal_arena_new(0);
    assert_string_equal(shoal_arena_strdup(arena, "shoal"), "shoal");
    assert_string_equal(shoal_arena_strndup(arena, "shoal", 2), "sh");
    assert_string_equal(shoal_arena_printf(arena, "%d of %s", 3, "many"), "3 of many");
    assert_null(shoal_arena_strdup(arena, NULL));
    char *large = shoal_arena_printf(arena, "%0*d", 20000, 1);
    assert_int_equal(strlen(large), 20000);
    shoal_arena_free(arena);
}

static char order[8];

static void note(void *arg)
{
    size_t length = strlen(order);
    order[length] = *(char *)arg;
    order[length + 1] = 0;
}

static void runs_deferred_calls_newest_first_on_reset_and_free(void **state)
{
    (void)state;
    struct shoal_arena *arena = shoal_arena_new(0);
    static char letters[] = "abc";
    memset(order, 0, sizeof(order));
    shoal_arena_defer(arena, note, &letters[0]);
    shoal_arena_defer(arena, note, &letters[1]);
    shoal_arena_reset(arena);
    assert_string_equal(order, "ba");
    shoal_arena_defer(arena, note, &letters[2]);
    shoal_arena_free(arena);
    assert_string_equal(order, "bac");
}

static void is_usable_after_a_reset(void **state)
{
    (void)state;
    struct shoal_arena *arena = shoal_arena_new(256);
    for (int round = 0; round < 5; round++) {
        char *text = NULL;
        for (int i = 0; i < 100; i++) {
            text = shoal_arena_printf(arena, "round %d", round);
        }
        assert_true(strncmp(text, "round ", 6) == 0);
        shoal_arena_reset(arena);
    }
    shoal_arena_free(arena);
    shoal_arena_free(NULL);
}

__attribute__((visibility("default"))) const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "allocator_may_return_null=1"; // as malloc() does without a sanitizer
}

__attribute__((visibility("default"))) const char *__tsan_default_options(void);
const char *__tsan_default_options(void)
{
    return "allocator_may_return_null=1";
}

static void a_large_block_may_be_refused_and_the_arena_goes_on(void **state)
{
    (void)state;
    struct shoal_arena *arena = shoal_arena_new(0);
    char *before = shoal_arena_strdup(arena, "before");
    assert_null(shoal_arena_try(arena, SIZE_MAX / 4));
    assert_null(shoal_arena_try(arena, SIZE_MAX));
    assert_null(shoal_arena_try(arena, SIZE_MAX - 16));
    assert_null(shoal_arena_try_copy(arena, "x", SIZE_MAX));
    char *large = shoal_arena_try(arena, 1 << 20);
    assert_non_null(large);
    assert_int_equal(large[(1 << 20) - 1], 0);
    assert_memory_equal(shoal_arena_try_copy(arena, "a\0b", 3), "a\0b", 4);
    assert_string_equal(shoal_arena_try_copy(arena, NULL, 0), "");
    assert_string_equal(before, "before");
    shoal_arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gives_zeroed_aligned_memory_of_any_size),
        cmocka_unit_test(does_not_hand_out_the_same_bytes_twice),
        cmocka_unit_test(copies_and_formats_text),
        cmocka_unit_test(runs_deferred_calls_newest_first_on_reset_and_free),
        cmocka_unit_test(is_usable_after_a_reset),
        cmocka_unit_test(a_large_block_may_be_refused_and_the_arena_goes_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

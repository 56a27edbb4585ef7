// password_test.c - hashes are Argon2id, checks are right, and an unknown user costs the same.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <pthread.h>
#include <time.h>

#include "catalog/catalog_test.h"

static void a_hash_is_argon2id_with_19_mib(void **state)
{
    (void)state;
    char hash[128];
    assert_int_equal(catalog_password_hash("correct horse", hash, NULL), 0);
    assert_non_null(strstr(hash, "$argon2id$"));
    assert_non_null(strstr(hash, "m=19456,t=2,p=1"));
}

static void a_right_password_passes_and_others_do_not(void **state)
{
    (void)state;
    char hash[128];
    assert_int_equal(catalog_password_hash("correct horse", hash, NULL), 0);
    assert_true(catalog_password_check(hash, "correct horse"));
    assert_false(catalog_password_check(hash, "correct hors"));
    assert_false(catalog_password_check(hash, "correct horse "));
    assert_false(catalog_password_check(hash, ""));
}

static double cpu_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1000 + (double)now.tv_nsec / 1e6;
}

static void an_unknown_user_is_refused_at_the_same_price(void **state)
{
    (void)state;
    char hash[128];
    assert_int_equal(catalog_password_hash("correct horse", hash, NULL), 0);
    assert_false(catalog_password_check(NULL, "x"));
    double start = cpu_ms();
    assert_false(catalog_password_check(hash, "wrong"));
    double known = cpu_ms() - start;
    start = cpu_ms();
    assert_false(catalog_password_check(NULL, "wrong"));
    double unknown = cpu_ms() - start;
    assert_true(unknown > known / 3 && unknown < known * 3 + 5);
}

static void *check_one(void *arg)
{
    return catalog_password_check(arg, "correct horse") ? arg : NULL;
}

static void many_at_once_take_turns(void **state)
{
    (void)state;
    char hash[128];
    pthread_t threads[8];
    assert_int_equal(catalog_password_hash("correct horse", hash, NULL), 0);
    for (int i = 0; i < 8; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, check_one, hash), 0);
    }
    for (int i = 0; i < 8; i++) {
        void *result = NULL;
        pthread_join(threads[i], &result);
        assert_ptr_equal(result, hash);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_hash_is_argon2id_with_19_mib),
        cmocka_unit_test(a_right_password_passes_and_others_do_not),
        cmocka_unit_test(an_unknown_user_is_refused_at_the_same_price),
        cmocka_unit_test(many_at_once_take_turns),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

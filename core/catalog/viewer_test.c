// viewer_test.c - who counts as staff, and a call that acts as another for a while.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "catalog/catalog_test.h"

static void only_these_are_staff(void **state)
{
    (void)state;
    static const struct {
        enum shoal_viewer_kind kind;
        enum shoal_role role;
        bool is_staff, is_admin, is_user;
    } rows[] = {
        {SHOAL_VIEWER_SYSTEM, SHOAL_ROLE_USER, true, true, false},
        {SHOAL_VIEWER_USER, SHOAL_ROLE_ADMIN, true, true, true},
        {SHOAL_VIEWER_USER, SHOAL_ROLE_MODERATOR, true, false, true},
        {SHOAL_VIEWER_USER, SHOAL_ROLE_USER, false, false, true},
        {SHOAL_VIEWER_ANONYMOUS, SHOAL_ROLE_USER, false, false, false},
        // A viewer that was never filled in has role 0, which is the administrator's.
        {SHOAL_VIEWER_ANONYMOUS, SHOAL_ROLE_ADMIN, false, false, false},
        {SHOAL_VIEWER_ANONYMOUS, SHOAL_ROLE_MODERATOR, false, false, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct shoal_viewer viewer = {.kind = rows[i].kind, .role = rows[i].role};
        struct shoal_err err = {0};
        assert_int_equal(catalog_is_staff(&viewer), rows[i].is_staff);
        assert_int_equal(catalog_is_admin(&viewer), rows[i].is_admin);
        assert_int_equal(catalog_need_user(&viewer, &err), rows[i].is_user ? 0 : SHOAL_EAUTH);
    }
}

static void a_call_gets_its_viewer_back(void **state)
{
    (void)state;
    struct shoal_call call = {.viewer = {.kind = SHOAL_VIEWER_USER, .user_id = 7}};
    struct shoal_viewer old = catalog_viewer_swap(&call, catalog_viewer_system());
    assert_int_equal(call.viewer.kind, SHOAL_VIEWER_SYSTEM);
    assert_int_equal(call.viewer.user_id, 0);
    assert_int_equal(old.user_id, 7);
    old = catalog_viewer_swap(&call, old);
    assert_int_equal(old.kind, SHOAL_VIEWER_SYSTEM);
    assert_int_equal(call.viewer.kind, SHOAL_VIEWER_USER);
    assert_int_equal(call.viewer.user_id, 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_these_are_staff),
        cmocka_unit_test(a_call_gets_its_viewer_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

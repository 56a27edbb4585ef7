// jobs_kinds_test.c - names of kinds of jobs, whose they are, and their bounds.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "data/data_test_kit.h"

#include "data/jobs_priv.h"

static const struct shoal_plugin_id chat = {.name = "chat"};
static struct shoal_plugin *const self = (struct shoal_plugin *)(uintptr_t)&chat;

static void a_kind_is_named_after_its_owner(void **state)
{
    (void)state;
    static const struct {
        bool is_plugin;
        const char *kind, *name;
        int code;
    } rows[] = {
        {true, "sweep", "chat.sweep", 0},
        {true, "chat.sweep", "chat.sweep", 0},
        {true, "chat.a.b", "chat.a.b", 0},
        {true, "A-z_0:9", "chat.A-z_0:9", 0},
        {false, "sweep", "core.sweep", 0},
        {false, "chat.sweep", "chat.sweep", 0}, // the core adds for others
        {true, "core.sweep", NULL, SHOAL_EFORBIDDEN},
        {true, "cha.sweep", NULL, SHOAL_EFORBIDDEN},
        {true, "chats.sweep", NULL, SHOAL_EFORBIDDEN},
        {true, "", NULL, SHOAL_EINVAL},
        {true, NULL, NULL, SHOAL_EINVAL},
        {true, ".sweep", NULL, SHOAL_EINVAL},
        {true, "a b", NULL, SHOAL_EINVAL},
        {true, "a/b", NULL, SHOAL_EINVAL},
        {true, "\xC3\xA9", NULL, SHOAL_EINVAL},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char name[JOB_NAME_MAX] = "";
        struct shoal_err err = {0};
        int code = jobs_full_name(rows[i].is_plugin ? self : NULL, rows[i].kind, name, &err);
        if (code != rows[i].code || (code == 0 && strcmp(name, rows[i].name) != 0)) {
            fail_msg("row %zu: %d %s", i, code, name);
        }
    }
}

static void a_name_fits_its_place(void **state)
{
    (void)state;
    char kind[JOB_NAME_MAX + 1];
    char name[JOB_NAME_MAX];
    size_t most = JOB_NAME_MAX - 1 - strlen("chat.");
    memset(kind, 'a', most + 1);
    kind[most + 1] = 0;
    assert_int_equal(jobs_full_name(self, kind, name, NULL), SHOAL_EINVAL);
    kind[most] = 0;
    assert_int_equal(jobs_full_name(self, kind, name, NULL), 0);
    assert_int_equal(strlen(name), JOB_NAME_MAX - 1);
    assert_string_equal(jobs_owner_name(self), "chat");
    assert_string_equal(jobs_owner_name(NULL), "core");
}

static int run(
    struct shoal_call *call, const struct shoal_job *job, void *arg, struct shoal_err *err)
{
    (void)call;
    (void)job;
    (void)arg;
    (void)err;
    return 0;
}

static const struct job_kind *find(const char *name, struct job_kind *kinds[JOB_KINDS_MAX])
{
    size_t count = jobs_hold_kinds(kinds);
    const struct job_kind *found = NULL;
    for (size_t i = 0; i < count; i++) {
        found = strcmp(kinds[i]->name, name) == 0 ? kinds[i] : found;
    }
    jobs_let_kinds_go(kinds, count); // it stays registered
    return found;
}

static void what_is_not_said_has_a_default_and_all_has_an_end(void **state)
{
    (void)state;
    struct job_kind *kinds[JOB_KINDS_MAX];
    struct shoal_err err = {0};
    const struct shoal_job_kind plain = {.kind = "plain", .run = run};
    const struct shoal_job_kind greedy = {.kind = "chat.greedy",
        .run = run,
        .attempts = 1 << 30,
        .lease_s = 1 << 30,
        .concurrency = 1 << 30,
        .backoff_ms = -1};
    const struct shoal_job_kind idle = {.kind = "idle"};
    assert_int_equal(shoal_jobs_kind_add(self, &plain, &err), 0);
    assert_int_equal(shoal_jobs_kind_add(self, &greedy, &err), 0);
    assert_int_equal(shoal_jobs_kind_add(self, &idle, &err), SHOAL_EINVAL);
    assert_non_null(strstr(err.text, "chat.idle has no handler"));
    assert_int_equal(shoal_jobs_kind_add(self, &plain, &err), SHOAL_ECONFLICT);
    const struct job_kind *found = find("chat.plain", kinds);
    assert_non_null(found);
    assert_int_equal(found->def.attempts, JOB_ATTEMPTS);
    assert_int_equal(found->def.lease_s, JOB_LEASE_S);
    assert_int_equal(found->def.concurrency, JOB_CONCURRENCY);
    assert_int_equal(found->def.backoff_ms, JOB_BACKOFF_MS);
    found = find("chat.greedy", kinds);
    assert_non_null(found);
    assert_string_equal(found->def.kind, "greedy");
    assert_int_equal(found->def.attempts, 1000);
    assert_int_equal(found->def.lease_s, 7 * 24 * 3600);
    assert_int_equal(found->def.concurrency, 256);
    assert_int_equal(found->def.backoff_ms, JOB_BACKOFF_MS);
    shoal_jobs_owner_remove(self);
    assert_null(find("chat.plain", kinds));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_kind_is_named_after_its_owner),
        cmocka_unit_test(a_name_fits_its_place),
        cmocka_unit_test_setup_teardown(
            what_is_not_said_has_a_default_and_all_has_an_end, kit_open, kit_close),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

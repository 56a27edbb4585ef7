// tx_test.c - transactions: group commit, savepoints, epochs, and a process that is killed.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "data/data_test_kit.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/wait.h>

#include "data/db_priv.h"

#define WRITERS   20
#define ARG(text) ((char[]){text})

SHOAL_SQL(sql_note, "INSERT INTO note (text) VALUES ($1)");

static atomic_int commits;
static atomic_int runs;

static int count_commit(void *user)
{
    (void)user;
    atomic_fetch_add(&commits, 1);
    return 0;
}

static int open_with_table(void **state)
{
    kit_open(state);
    kit_run("CREATE TABLE note (id INTEGER PRIMARY KEY, text TEXT UNIQUE)");
    return 0;
}

static int note(struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    assert_ptr_equal(shoal_call_current(), call);
    assert_ptr_equal(shoal_call_db(call), tx);
    atomic_fetch_add(&runs, 1);
    return shoal_db_exec(tx, &sql_note, SHOAL_ARGS(SHOAL_TEXT(arg)), NULL, err);
}

static int slow(struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    (void)call;
    (void)arg;
    (void)err;
    sqlite3_commit_hook(tx->handle, count_commit, NULL);
    usleep(200000);
    return 0;
}

static struct shoal_plugin *seen_last;
static pthread_t seen_thread;

static void see(struct shoal_call *call)
{
    if (pthread_equal(pthread_self(), seen_thread)) {
        seen_last = call == NULL ? shoal_call_marked() : shoal_call_plugin(call);
    }
}

static int enter_within(struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    (void)tx;
    (void)err;
    seen_thread = pthread_self();
    shoal_call_enter(call, arg);
    assert_ptr_equal(seen_last, arg);
    shoal_call_leave(call);
    return 0;
}

// Who watches the writer's thread would take a plugin for one that never ends.
static void a_plugin_does_not_stay_on_the_writers_thread(void **state)
{
    (void)state;
    struct shoal_plugin_id outer = {.name = "outer"};
    struct shoal_plugin_id inner = {.name = "inner"};
    struct shoal_call call;
    shoal_call_init(&call);
    shoal_call_watch = see;
    shoal_call_enter(&call, (struct shoal_plugin *)(void *)&outer);
    assert_int_equal(shoal_tx(&call, enter_within, &inner, NULL), 0);
    assert_null(seen_last);
    shoal_call_leave(&call);
    shoal_call_watch = NULL;
    shoal_call_fini(&call);
}

static void *write_one(void *arg)
{
    struct shoal_call call;
    struct shoal_err err = {0};
    shoal_call_init(&call);
    intptr_t code = shoal_tx(&call, note, arg, &err);
    shoal_call_fini(&call);
    return (void *)code;
}

static void *write_slowly(void *arg)
{
    struct shoal_call call;
    shoal_call_init(&call);
    intptr_t code = shoal_tx(&call, slow, arg, NULL);
    shoal_call_fini(&call);
    return (void *)code;
}

/// Writers queue while a slow closure runs. Returns: how many of them failed.
static int write_together(char texts[WRITERS][8])
{
    pthread_t first, threads[WRITERS];
    int failed = 0;
    pthread_create(&first, NULL, write_slowly, NULL);
    usleep(50000);
    for (int i = 0; i < WRITERS; i++) {
        pthread_create(&threads[i], NULL, write_one, texts[i]);
    }
    pthread_join(first, NULL);
    for (int i = 0; i < WRITERS; i++) {
        void *code;
        pthread_join(threads[i], &code);
        failed += code ? 1 : 0;
    }
    return failed;
}

static void writers_that_queue_share_a_commit(void **state)
{
    (void)state;
    char texts[WRITERS][8];
    for (int i = 0; i < WRITERS; i++) {
        snprintf(texts[i], sizeof(texts[i]), "%d", i);
    }
    atomic_store(&commits, 0);
    assert_int_equal(write_together(texts), 0);
    assert_int_equal(kit_i64("SELECT COUNT(*) FROM note"), WRITERS);
    assert_in_range(atomic_load(&commits), 1, 5);
}

static void one_that_fails_takes_only_its_own_changes_back(void **state)
{
    (void)state;
    char texts[WRITERS][8];
    for (int i = 0; i < WRITERS; i++) {
        snprintf(texts[i], sizeof(texts[i]), "%d", i % 5);
    }
    assert_int_equal(write_together(texts), WRITERS - 5);
    assert_int_equal(kit_i64("SELECT COUNT(*) FROM note"), 5);
}

/// As if the disk had been full: SQLite takes the whole transaction back.
static int lose_everything(
    struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    (void)call;
    (void)arg;
    sqlite3_exec(tx->handle, "ROLLBACK", NULL, NULL, NULL);
    return shoal_fail(err, SHOAL_EFULL, "no space");
}

static void *write_and_lose(void *arg)
{
    struct shoal_call call;
    shoal_call_init(&call);
    intptr_t code = shoal_tx(&call, lose_everything, arg, NULL);
    shoal_call_fini(&call);
    return (void *)code;
}

static void the_others_run_again_when_the_group_is_lost(void **state)
{
    (void)state;
    pthread_t threads[4];
    char texts[3][2] = {"a", "b", "c"};
    void *code;
    atomic_store(&runs, 0);
    pthread_create(&threads[0], NULL, write_slowly, NULL);
    usleep(50000);
    for (int i = 0; i < 3; i++) {
        pthread_create(&threads[1], NULL, write_one, texts[i]);
        pthread_detach(threads[1]);
        usleep(20000);
    }
    pthread_create(&threads[2], NULL, write_and_lose, NULL);
    pthread_join(threads[0], &code);
    assert_null(code);
    pthread_join(threads[2], &code);
    assert_int_equal((intptr_t)code, SHOAL_EFULL);
    kit_wait("SELECT COUNT(*) FROM note", 3);
    assert_int_equal(atomic_load(&runs) % 3, 0);
    kit_run("INSERT INTO note (text) VALUES ('after')");
    assert_int_equal(kit_i64("SELECT COUNT(*) FROM note"), 4);
}

/// Does not care that its first statement failed, and that everything was lost with it.
static int go_on(struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    (void)arg;
    (void)err;
    assert_int_equal(note(call, tx, ARG("before"), NULL), 0);
    sqlite3_exec(tx->handle, "ROLLBACK", NULL, NULL, NULL);
    assert_int_equal(note(call, tx, ARG("after"), NULL), SHOAL_EIO);
    assert_int_equal(shoal_tx(call, note, ARG("within"), NULL), SHOAL_EIO);
    return 0;
}

static void nothing_is_written_after_the_transaction_was_lost(void **state)
{
    (void)state;
    struct shoal_call call;
    struct shoal_err err = {0};
    shoal_call_init(&call);
    assert_int_equal(shoal_tx(&call, go_on, NULL, &err), SHOAL_EIO);
    assert_int_equal(kit_i64("SELECT COUNT(*) FROM note"), 0);
    assert_int_equal(shoal_tx(&call, note, ARG("next"), &err), 0);
    assert_int_equal(kit_i64("SELECT COUNT(*) FROM note"), 1);
    shoal_call_fini(&call);
}

static int nested(struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    assert_int_equal(note(call, tx, ARG("outer"), err), 0);
    assert_int_equal(shoal_tx(call, note, ARG("inner"), err), 0);
    assert_int_equal(shoal_tx(call, note, ARG("inner"), err), SHOAL_ECONFLICT);
    return arg ? SHOAL_EINVAL : 0;
}

static void a_transaction_within_one_joins_it(void **state)
{
    (void)state;
    struct shoal_call call;
    struct shoal_err err = {0};
    shoal_call_init(&call);
    assert_int_equal(shoal_tx(&call, nested, ARG("fail"), &err), SHOAL_EINVAL);
    assert_int_equal(kit_i64("SELECT COUNT(*) FROM note"), 0);
    assert_int_equal(shoal_tx(&call, nested, NULL, &err), 0);
    assert_int_equal(kit_i64("SELECT COUNT(*) FROM note"), 2);
    assert_null(call.tx);
    shoal_call_fini(&call);
}

static int other_call(
    struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    (void)call;
    (void)tx;
    struct shoal_call other;
    shoal_call_init(&other);
    int code = shoal_tx(&other, note, arg, err);
    shoal_call_fini(&other);
    return code;
}

static void a_transaction_of_another_call_within_one_is_refused(void **state)
{
    (void)state;
    struct shoal_call call;
    struct shoal_err err = {0};
    shoal_call_init(&call);
    assert_int_equal(shoal_tx(&call, other_call, ARG("x"), &err), SHOAL_EINTERNAL);
    shoal_call_fini(&call);
}

static void a_cancelled_call_writes_nothing(void **state)
{
    (void)state;
    atomic_bool cancel = true;
    struct shoal_call call;
    struct shoal_err err = {0};
    shoal_call_init(&call);
    call.cancel = &cancel;
    assert_int_equal(shoal_tx(&call, note, ARG("x"), &err), SHOAL_ECANCELLED);
    call.cancel = NULL;
    call.deadline_ms = shoal_tick_ms() - 1;
    assert_int_equal(shoal_tx(&call, note, ARG("x"), &err), SHOAL_ETIMEOUT);
    shoal_call_fini(&call);
    assert_int_equal(kit_i64("SELECT COUNT(*) FROM note"), 0);
}

static int touch_and_fail(
    struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    (void)arg;
    assert_int_equal(shoal_touch(call, tx, "catalog", err), 0);
    return SHOAL_EINVAL;
}

static void the_epoch_moves_with_commits_and_survives_a_restart(void **state)
{
    (void)state;
    struct shoal_call call;
    struct shoal_err err = {0};
    shoal_call_init(&call);
    uint64_t before = shoal_epoch();
    assert_int_equal(shoal_touch(&call, NULL, "catalog", &err), 0);
    assert_int_equal(shoal_epoch(), before + 1);
    assert_int_equal(shoal_tx(&call, touch_and_fail, NULL, &err), SHOAL_EINVAL);
    assert_int_equal(shoal_epoch(), before + 1);
    struct shoal_plugin_id id = {.name = "chat", .table_prefix = "chat_"};
    shoal_call_enter(&call, (struct shoal_plugin *)(void *)&id);
    assert_int_equal(shoal_touch(&call, NULL, "rooms", &err), 0);
    shoal_call_leave(&call);
    assert_int_equal(shoal_touch(&call, NULL, "Not a name", &err), SHOAL_EINVAL);
    assert_int_equal(kit_i64("SELECT value FROM epoch WHERE name = 'chat.rooms'"), 1);
    shoal_call_fini(&call);
    kit_reopen();
    assert_int_equal(shoal_epoch(), before + 2);
}

static void settings_are_stored_and_read_from_memory(void **state)
{
    (void)state;
    struct shoal_call call;
    struct shoal_err err = {0};
    shoal_call_init(&call);
    json_t *value = shoal_json_parse("{\"a\":[1,2]}", 11, &err);
    assert_null(shoal_store_get("", "instance.name"));
    assert_int_equal(shoal_store_set(&call, NULL, "", "instance.name", value, &err), 0);
    assert_int_equal(shoal_store_set(&call, NULL, "chat", "max", json_true(), &err), 0);
    json_t *read = shoal_store_get("", "instance.name");
    assert_true(json_equal(read, value));
    assert_ptr_not_equal(read, value);
    json_decref(read);
    kit_reopen();
    read = shoal_store_get("", "instance.name");
    assert_true(json_equal(read, value));
    json_decref(read);
    assert_int_equal(shoal_store_set(&call, NULL, "", "instance.name", NULL, &err), 0);
    assert_null(shoal_store_get("", "instance.name"));
    assert_int_equal(shoal_store_set(&call, NULL, "", "", value, &err), SHOAL_EINVAL);
    json_decref(value);
    shoal_call_fini(&call);
}

/// The child says through the pipe what was acknowledged, and is killed at any moment.
static void child_writes_until_killed(int fd)
{
    struct shoal_err err = {0};
    if (shoal_data_open(kit_folder, &err) < 0) {
        _exit(1);
    }
    struct shoal_call call;
    shoal_call_init(&call);
    for (int i = 0;; i++) {
        char text[16];
        snprintf(text, sizeof(text), "%d", i);
        if (shoal_tx(&call, note, text, &err) < 0 || write(fd, &i, sizeof(i)) < 0) {
            _exit(1);
        }
    }
}

static void what_was_acknowledged_survives_a_kill(void **state)
{
    (void)state;
    kit_folder_make();
    kit_reopen();
    kit_run("CREATE TABLE note (id INTEGER PRIMARY KEY, text TEXT UNIQUE)");
    shoal_data_close();
    int acknowledged = -1;
    for (int round = 0; round < 3; round++) {
        int ends[2];
        assert_int_equal(pipe(ends), 0);
        pid_t child = fork();
        if (child == 0) {
            close(ends[0]);
            child_writes_until_killed(ends[1]);
        }
        close(ends[1]);
        int last = -1, value;
        for (int i = 0; i < 20 + round * 7 && read(ends[0], &value, sizeof(value)) > 0; i++) {
            last = value;
        }
        kill(child, SIGKILL);
        while (read(ends[0], &value, sizeof(value)) == (ssize_t)sizeof(value)) {
            last = value;
        }
        int status;
        waitpid(child, &status, 0);
        close(ends[0]);
        assert_true(WIFSIGNALED(status));
        kit_reopen();
        acknowledged = last;
        assert_true(kit_i64("SELECT COUNT(*) FROM note") >= acknowledged + 1);
        assert_int_equal(
            kit_i64("SELECT COUNT(*) FROM pragma_quick_check WHERE quick_check = 'ok'"), 1);
        kit_run("DELETE FROM note");
        shoal_data_close();
    }
    shoal_tree_remove(kit_folder, NULL);
}

static int note_and_die(
    struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    note(call, tx, arg, err);
    kill(getpid(), SIGKILL);
    return 0;
}

static void a_kill_within_a_transaction_leaves_nothing_of_it(void **state)
{
    (void)state;
    kit_folder_make();
    kit_reopen();
    kit_run("CREATE TABLE note (id INTEGER PRIMARY KEY, text TEXT UNIQUE)");
    kit_run("INSERT INTO note (text) VALUES ('kept')");
    shoal_data_close();
    pid_t child = fork();
    if (child == 0) {
        struct shoal_call call;
        if (shoal_data_open(kit_folder, NULL) == 0) {
            shoal_call_init(&call);
            shoal_tx(&call, note_and_die, ARG("lost"), NULL);
        }
        _exit(1);
    }
    int status;
    waitpid(child, &status, 0);
    assert_true(WIFSIGNALED(status));
    kit_reopen();
    assert_int_equal(kit_i64("SELECT COUNT(*) FROM note"), 1);
    shoal_data_close();
    shoal_tree_remove(kit_folder, NULL);
}

static int fill(struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    (void)call;
    (void)arg;
    struct shoal_sql sql = {"fill", "INSERT INTO note (text) VALUES (hex(randomblob(3000000)))"};
    return shoal_db_exec(tx, &sql, SHOAL_NOARGS, NULL, err);
}

static void a_full_disk_is_said_and_others_go_on(void **state)
{
    (void)state;
    struct shoal_call call;
    struct shoal_err err = {0};
    kit_run("PRAGMA max_page_count = 200");
    shoal_call_init(&call);
    assert_int_equal(shoal_tx(&call, fill, NULL, &err), SHOAL_EFULL);
    assert_int_equal(shoal_tx(&call, note, ARG("small"), &err), 0);
    shoal_call_fini(&call);
    assert_int_equal(kit_i64("SELECT COUNT(*) FROM note"), 1);
}

static void a_closed_database_says_so(void **state)
{
    (void)state;
    struct shoal_call call;
    struct shoal_err err = {0};
    shoal_call_init(&call);
    assert_int_equal(shoal_tx(&call, note, ARG("x"), &err), SHOAL_EIO);
    struct shoal_sql sql = {"x", "SELECT 1"};
    assert_null(shoal_db_query(shoal_call_db(&call), &sql, SHOAL_NOARGS, &err));
    assert_int_equal(err.code, SHOAL_EIO);
    shoal_call_fini(&call);
}

static void a_file_that_is_no_database_is_refused(void **state)
{
    (void)state;
    kit_folder_make();
    struct shoal_err err = {0};
    char noise[8192];
    memset(noise, 'x', sizeof(noise));
    shoal_file_write_whole(kit_path("shoal.sqlite3"), noise, sizeof(noise), 0600, &err);
    assert_true(shoal_data_open(kit_folder, &err) < 0);
    assert_non_null(strstr(err.text, "database"));
    assert_true(shoal_data_open(kit_path("none/such/folder.sqlite3"), &err) < 0);
    shoal_tree_remove(kit_folder, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define CASE(name) cmocka_unit_test_setup_teardown(name, open_with_table, kit_close)
        cmocka_unit_test(what_was_acknowledged_survives_a_kill),
        cmocka_unit_test(a_kill_within_a_transaction_leaves_nothing_of_it),
        CASE(a_full_disk_is_said_and_others_go_on),
        CASE(nothing_is_written_after_the_transaction_was_lost),
        CASE(writers_that_queue_share_a_commit),
        CASE(one_that_fails_takes_only_its_own_changes_back),
        CASE(the_others_run_again_when_the_group_is_lost),
        CASE(a_transaction_within_one_joins_it),
        CASE(a_transaction_of_another_call_within_one_is_refused),
        CASE(a_cancelled_call_writes_nothing),
        CASE(a_plugin_does_not_stay_on_the_writers_thread),
        CASE(the_epoch_moves_with_commits_and_survives_a_restart),
        CASE(settings_are_stored_and_read_from_memory),
        cmocka_unit_test(a_closed_database_says_so),
        cmocka_unit_test(a_file_that_is_no_database_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

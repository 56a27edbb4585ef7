// tx.c - the one writer: closures queue, and those that queue together share a commit.
//
// Each closure runs in a savepoint, so that one that fails takes only its own changes back. An
// error that makes SQLite roll the whole transaction back (no space, an interrupted write) fails
// the closure that met it; the others of the group run again, as the contract of shoal_tx() says.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <shoal/base.h>

#include <malloc.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>

#include "data/db_priv.h"
#include "data/jobs_priv.h"

#define GROUP_MAX    64
#define GROUP_MS     20
#define IDLE_TICK_MS 1000
#define TRIM_BYTES   (1 << 20)
#define TRIM_MS      10000

struct item {
    struct item *next;
    struct shoal_call *call;
    shoal_tx_fn *fn;
    void *arg;
    struct shoal_err *err;
    int code;
    bool is_alone; ///< nothing else in its commit
    bool is_done;
    pthread_cond_t done;
};

struct list {
    struct item *first, *last;
    size_t count;
};

static struct {
    pthread_mutex_t lock;
    pthread_cond_t work;
    struct list queue;
    bool is_open, is_stopping;
    pthread_t thread;
    struct shoal_db db;
    int64_t data_version; ///< moves when another process commits
    atomic_uint_fast64_t foreign; ///< how often that was seen
    bool is_untrimmed;            ///< a connection rests since memory went back to the system
    int64_t trimmed_tick_ms;
} writer = {.lock = PTHREAD_MUTEX_INITIALIZER};

/// SQLite took the transaction back under a closure that goes on: what it still wrote would be
/// committed on the spot, each statement alone.
bool db_is_lost(const struct shoal_db *db)
{
    return db->savepoints > 0 && sqlite3_get_autocommit(db->handle) != 0;
}

static void push(struct list *list, struct item *item)
{
    item->next = NULL;
    if (list->last) {
        list->last->next = item;
    } else {
        list->first = item;
    }
    list->last = item;
    list->count++;
}

static struct item *pop(struct list *list)
{
    struct item *item = list->first;
    if (item) {
        list->first = item->next;
        list->last = list->first ? list->last : NULL;
        list->count--;
    }
    return item;
}

static void complete(struct item *item, int code, const struct shoal_err *err)
{
    if (code < 0 && err && item->err) {
        *item->err = *err;
    }
    pthread_mutex_lock(&writer.lock);
    item->code = code;
    item->is_done = true;
    pthread_cond_signal(&item->done);
    pthread_mutex_unlock(&writer.lock);
}

static void complete_all(struct list *list, int code, const struct shoal_err *err)
{
    struct item *item;
    while ((item = pop(list))) {
        complete(item, code, err);
    }
}

/// A closure under its savepoint, as its call, on whatever thread holds the writer.
static int run_nested(
    struct shoal_db *db, struct shoal_call *call, shoal_tx_fn *fn, void *arg, struct shoal_err *err)
{
    if (db_is_lost(db)) {
        return shoal_fail(err, SHOAL_EIO, "the database took the whole transaction back");
    }
    int code = db_run(db, "SAVEPOINT closure", err);
    if (code < 0) {
        return code;
    }
    db->savepoints++;
    code = fn(call, db, arg, err);
    db->savepoints--;
    if (sqlite3_get_autocommit(db->handle)) {
        if (code == 0) {
            code = shoal_fail(err, SHOAL_EIO, "the database took the whole transaction back");
        }
        return code;
    }
    // Undoing must work although the call may have ended.
    struct shoal_call *serving = db->call;
    db->call = NULL;
    if (code < 0) {
        db_run(db, "ROLLBACK TO closure", NULL);
    }
    int released = db_run(db, "RELEASE closure", code < 0 ? NULL : err);
    db->call = serving;
    return code < 0 ? code : released;
}

static int run_item(struct item *item)
{
    struct shoal_call *call = item->call;
    if (shoal_call_cancelled(call)) {
        return shoal_fail(item->err, SHOAL_ECANCELLED, "the call was cancelled");
    }
    if (shoal_call_left_ms(call) == 0) {
        return shoal_fail(item->err, SHOAL_ETIMEOUT, "the call took too long");
    }
    struct shoal_call *before = shoal_call_adopt(call);
    writer.db.call = call;
    call->tx = &writer.db;
    int code = run_nested(&writer.db, call, item->fn, item->arg, item->err);
    db_rows_drop(&writer.db);
    call->tx = NULL;
    writer.db.call = NULL;
    shoal_call_adopt(before);
    return code;
}

/// What follows a commit, before anybody hears of it.
static void after_commit(struct shoal_db *db, int64_t epoch)
{
    if (db->is_touched) {
        db_epoch_set(epoch);
    }
    if (db->has_new_settings) {
        db_settings_load(db);
    }
    if (db->has_new_jobs) {
        jobs_wake();
    }
    db->is_touched = false;
    db->has_new_settings = false;
    db->has_new_jobs = false;
}

static void commit(struct list *ready)
{
    struct shoal_err err = {0};
    struct shoal_db *db = &writer.db;
    int64_t epoch = db->is_touched ? db_epoch_read(db) : 0;
    int code = db_run(db, "COMMIT", &err);
    if (code < 0) {
        if (!sqlite3_get_autocommit(db->handle)) {
            db_run(db, "ROLLBACK", NULL);
        }
        db->is_touched = db->has_new_jobs = db->has_new_settings = false;
        complete_all(ready, code, &err);
        return;
    }
    db->used_tick_ms = shoal_tick_ms();
    db->is_resting = false;
    after_commit(db, epoch);
    complete_all(ready, 0, NULL);
}

/// The next one of the queue that may join a group; NULL when the group shall commit.
static struct item *take_next(const struct list *ready, bool is_first, int64_t started)
{
    if (!is_first && (ready->count >= GROUP_MAX || shoal_tick_ms() - started > GROUP_MS)) {
        return NULL;
    }
    pthread_mutex_lock(&writer.lock);
    bool must_wait = writer.queue.first && writer.queue.first->is_alone && !is_first;
    struct item *item = must_wait ? NULL : pop(&writer.queue);
    pthread_mutex_unlock(&writer.lock);
    return item;
}

/// The database let nobody write for as long as we wait: those who queue behind shall know it too.
static void refuse_queue(int code, const struct shoal_err *err)
{
    pthread_mutex_lock(&writer.lock);
    struct list queue = writer.queue;
    writer.queue = (struct list){0};
    pthread_mutex_unlock(&writer.lock);
    complete_all(&queue, code, err);
}

/// Runs `again` (closures whose changes were lost), then what is queued, and commits. Returns what
/// must run again: the transaction was rolled back under it.
static struct list run_group(struct list *again)
{
    struct list ready = {0};
    struct shoal_err err = {0};
    int64_t started = shoal_tick_ms();
    struct item *item = pop(again);
    if (!item) {
        item = take_next(&ready, true, started);
    }
    if (!item) {
        return ready;
    }
    int code = db_run(&writer.db, "BEGIN IMMEDIATE", &err);
    if (code < 0) {
        complete(item, code, &err);
        complete_all(again, code, &err);
        refuse_queue(code, &err);
        return ready;
    }
    while (item) {
        bool is_alone = item->is_alone;
        code = run_item(item);
        bool is_lost = sqlite3_get_autocommit(writer.db.handle) != 0;
        if (code < 0) {
            complete(item, code, NULL); // from here on it is its caller's again
        } else {
            push(&ready, item);
        }
        if (is_lost) {
            while ((item = pop(again))) {
                push(&ready, item);
            }
            return ready;
        }
        item = pop(again);
        if (!item && !is_alone) {
            item = take_next(&ready, false, started);
        }
    }
    commit(&ready);
    return ready;
}

/// Notices what other processes wrote.
static void look_around(void)
{
    sqlite3_stmt *statement = NULL;
    struct shoal_db *db = &writer.db;
    if (sqlite3_prepare_v2(db->handle, "PRAGMA data_version", -1, &statement, NULL) != SQLITE_OK) {
        return;
    }
    int64_t version =
        sqlite3_step(statement) == SQLITE_ROW ? sqlite3_column_int64(statement, 0) : 0;
    sqlite3_finalize(statement);
    if (version != 0 && version != writer.data_version) {
        if (writer.data_version != 0) {
            db_epoch_set(db_epoch_read(db));
            db_settings_load(db);
            jobs_wake();
            atomic_fetch_add(&writer.foreign, 1);
        }
        writer.data_version = version;
    }
}

/// What a burst of work left, in caches and between what others keep, goes back to the system once a
/// connection has nothing more to do.
static void rest(int64_t now_tick_ms)
{
    writer.is_untrimmed |= db_rest(&writer.db, now_tick_ms);
    writer.is_untrimmed |= db_readers_rest(now_tick_ms);
    if (!writer.is_untrimmed || now_tick_ms - writer.trimmed_tick_ms < TRIM_MS) {
        return;
    }
    writer.is_untrimmed = false;
    writer.trimmed_tick_ms = now_tick_ms;
    if (mallinfo2().fordblks >= TRIM_BYTES) {
        malloc_trim(0);
    }
}

uint64_t shoal_data_foreign(void)
{
    return atomic_load(&writer.foreign);
}

/// Waits for work. Returns: false when the writer shall end.
static bool wait_for_work(void)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += IDLE_TICK_MS / 1000;
    pthread_mutex_lock(&writer.lock);
    int waited = 0;
    while (!writer.queue.first && !writer.is_stopping && waited == 0) {
        waited = pthread_cond_timedwait(&writer.work, &writer.lock, &until);
    }
    bool goes_on = writer.queue.first || !writer.is_stopping;
    pthread_mutex_unlock(&writer.lock);
    return goes_on;
}

static void *run_writer(void *unused)
{
    (void)unused;
    int64_t looked = shoal_tick_ms();
    while (wait_for_work()) {
        struct list again = {0};
        do {
            again = run_group(&again);
        } while (again.first);
        if (shoal_tick_ms() - looked >= IDLE_TICK_MS || shoal_tick_ms() < looked) {
            looked = shoal_tick_ms();
            look_around();
            rest(looked);
        }
    }
    return NULL;
}

static int submit(struct item *item)
{
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&item->done, &attributes);
    pthread_condattr_destroy(&attributes);
    pthread_mutex_lock(&writer.lock);
    if (!writer.is_open || writer.is_stopping) {
        item->code = shoal_fail(item->err, SHOAL_EIO, "the database is closed");
    } else if (pthread_equal(pthread_self(), writer.thread)) {
        item->code = shoal_fail(
            item->err, SHOAL_EINTERNAL, "a transaction was begun inside one of another call");
    } else {
        push(&writer.queue, item);
        pthread_cond_signal(&writer.work);
        while (!item->is_done) {
            pthread_cond_wait(&item->done, &writer.lock);
        }
    }
    pthread_mutex_unlock(&writer.lock);
    pthread_cond_destroy(&item->done);
    return item->code;
}

static int run_tx(
    struct shoal_call *call, shoal_tx_fn *fn, void *arg, bool is_alone, struct shoal_err *err)
{
    if (call->tx) {
        return run_nested(call->tx, call, fn, arg, err);
    }
    struct item item = {.call = call, .fn = fn, .arg = arg, .err = err, .is_alone = is_alone};
    return submit(&item);
}

int shoal_tx(struct shoal_call *call, shoal_tx_fn *fn, void *arg, struct shoal_err *err)
{
    return run_tx(call, fn, arg, false, err);
}

int db_tx_alone(struct shoal_call *call, shoal_tx_fn *fn, void *arg, struct shoal_err *err)
{
    return run_tx(call, fn, arg, true, err);
}

int db_writer_start(const char *path, struct shoal_err *err)
{
    int code = db_open(&writer.db, path, true, err);
    if (code < 0) {
        return code;
    }
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&writer.work, &attributes);
    pthread_condattr_destroy(&attributes);
    writer.is_stopping = false;
    writer.data_version = 0;
    look_around();
    if (pthread_create(&writer.thread, NULL, run_writer, NULL) != 0) {
        db_close(&writer.db);
        return shoal_fail(err, SHOAL_EIO, "the writer's thread cannot be started");
    }
    writer.is_open = true;
    return 0;
}

void db_writer_stop(void)
{
    pthread_mutex_lock(&writer.lock);
    bool is_open = writer.is_open;
    writer.is_stopping = true;
    pthread_cond_broadcast(&writer.work);
    pthread_mutex_unlock(&writer.lock);
    if (!is_open) {
        return;
    }
    pthread_join(writer.thread, NULL);
    db_close(&writer.db);
    pthread_mutex_lock(&writer.lock);
    writer.is_open = false;
    pthread_mutex_unlock(&writer.lock);
    pthread_cond_destroy(&writer.work);
}

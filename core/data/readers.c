// readers.c - reading connections: one a call, taken at its first read, given back at its end.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <shoal/base.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "data/db_priv.h"

#define IDLE_MAX 16

static struct {
    pthread_mutex_t lock;
    char *path; ///< NULL while no database is open
    struct shoal_db *idle;
    int idle_count;
} pool = {.lock = PTHREAD_MUTEX_INITIALIZER};

struct shoal_db *db_reader_take(struct shoal_call *call)
{
    pthread_mutex_lock(&pool.lock);
    struct shoal_db *db = pool.idle;
    if (db) {
        pool.idle = db->next;
        pool.idle_count--;
    }
    char *path = db ? NULL : shoal_dup(pool.path ? pool.path : "");
    pthread_mutex_unlock(&pool.lock);
    if (!db) {
        db = shoal_alloc(1, sizeof(*db));
        struct shoal_err err = {0};
        if (path[0] == 0) {
            snprintf(db->open_error, sizeof(db->open_error), "it is closed");
        } else if (db_open(db, path, false, &err) < 0) {
            shoal_error("%s", err.text);
        }
        free(path);
    }
    db->next = NULL;
    db_work(db, call && !call->request);
    db->call = call;
    return db;
}

void db_reader_give(struct shoal_db *db)
{
    db_rows_drop(db);
    db->call = NULL;
    db->used_tick_ms = shoal_tick_ms();
    db->is_resting = false;
    pthread_mutex_lock(&pool.lock);
    bool is_kept = db->handle && pool.path && pool.idle_count < IDLE_MAX;
    if (is_kept) {
        db->next = pool.idle;
        pool.idle = db;
        pool.idle_count++;
    }
    pthread_mutex_unlock(&pool.lock);
    if (!is_kept) {
        db_close(db);
        free(db);
    }
}

bool db_readers_rest(int64_t now_tick_ms)
{
    bool did = false;
    pthread_mutex_lock(&pool.lock);
    for (struct shoal_db *db = pool.idle; db; db = db->next) {
        did |= db_rest(db, now_tick_ms);
    }
    pthread_mutex_unlock(&pool.lock);
    return did;
}

struct shoal_db *shoal_call_db(struct shoal_call *call)
{
    if (call->tx) {
        return call->tx;
    }
    if (!call->db) {
        call->db = db_reader_take(call);
    }
    return call->db;
}

static void release(struct shoal_call *call)
{
    if (call->db) {
        db_reader_give(call->db);
        call->db = NULL;
    }
}

void db_readers_start(const char *path)
{
    pthread_mutex_lock(&pool.lock);
    pool.path = shoal_dup(path);
    pthread_mutex_unlock(&pool.lock);
    shoal_call_release_db = release;
}

void db_readers_stop(void)
{
    pthread_mutex_lock(&pool.lock);
    struct shoal_db *db = pool.idle;
    pool.idle = NULL;
    pool.idle_count = 0;
    free(pool.path);
    pool.path = NULL;
    pthread_mutex_unlock(&pool.lock);
    while (db) {
        struct shoal_db *next = db->next;
        db_close(db);
        free(db);
        db = next;
    }
}

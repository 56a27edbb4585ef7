// remote_bring.c - small files of other servers on their way here: one fetch for all who ask, and no
// worker that waits for it.
//
// The fetcher's thread takes what comes to a file. When it is whole, one of a few threads of their own
// looks at it and keeps it, and only then whoever waits is called (shoal_request_wake()): a server that
// sends a byte now and then holds a place among many, and nothing else. One that does not answer, or
// slowly, is left alone for a while. What cannot be kept here is not the other server's fault: nobody is
// asked for files of its bounds for a while, and then one at a time until one could be kept.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <shoal/fetch.h>
#include <shoal/http.h>

#include "base/alloc.h"
#include "base/drill.h"
#include "base/file.h"
#include "catalog/captions_priv.h"
#include "catalog/remote_priv.h"
#include "data/pool.h"
#include "net/fetcher.h"

#define THREADS       3
#define OF_HOST       24 ///< on their way from one host
#define HOSTS         64
#define HOST_PAUSE_MS 60000
#define SLOW_MS       3000 ///< a host that takes longer for one file rests before the next one
#define SLOW_PAUSE_MS 10000
#define KEEP_MS       60000
#define OURS_PAUSE_MS 10000
#define AGAIN_MS      (INT64_C(60) * 1000) ///< before a file is asked for again; four times as long each time
#define AGAIN_MAX_MS  CATALOG_DAY_MS

// at_once: on their way from all hosts; together what the fetcher takes from those who do not wait.
static const struct bounds {
    const char *accept; ///< a header, or NULL
    uint64_t max_bytes;
    uint32_t timeout_ms; ///< of all of it
    int at_once;
} bounds[] = {
    [CATALOG_FAR_PICTURE] = {"Accept: image/*", 4u * 1024 * 1024, 6000, 224},
    [CATALOG_FAR_CAPTION] = {NULL, CATALOG_CAPTION_BYTES_MAX, 10000, 12},
    [CATALOG_FAR_STORYBOARD] = {NULL, CATALOG_STORYBOARD_BYTES_MAX, 10000, 20},
};

// One file on its way: from the first who asks until its row is written.
struct coming {
    struct pool_item item; // first: the pool hands it back
    struct coming *next;
    const struct catalog_far_type *type;
    char *kind, *name, *host, *work, *path;
    int64_t start_ms;
    int code;
    struct shoal_err why;
};

static struct {
    pthread_mutex_t lock; // for all of this
    bool is_on;
    struct pool *pool; // once something was brought
    struct coming *first;
    char silent[HOSTS][256]; // hosts that did not answer, or slowly
    int64_t until_ms[HOSTS]; // and until when they are not asked
    size_t next;
    struct {
        int64_t until_ms; // nobody is asked before
        bool is_on;       // from what could not be kept until something could
    } rests[sizeof bounds / sizeof bounds[0]];
} all = {.lock = PTHREAD_MUTEX_INITIALIZER};
static atomic_bool is_stopping;

static bool may_again(const struct catalog_far *far)
{
    int64_t pause = far->tries == 0 ? 0 : AGAIN_MS;
    for (int64_t i = 1; i < far->tries && pause < AGAIN_MAX_MS; i++) {
        pause *= 4;
    }
    return far->tried_ms + (pause < AGAIN_MAX_MS ? pause : AGAIN_MAX_MS) <= shoal_now_ms();
}

static bool is_silent(const char *host)
{
    bool is = false;
    for (size_t i = 0; i < HOSTS; i++) {
        is = is || (strcmp(all.silent[i], host) == 0 && all.until_ms[i] > shoal_tick_ms());
    }
    return is;
}

static void silent_add(const char *host, int64_t pause_ms)
{
    pthread_mutex_lock(&all.lock);
    size_t at = all.next;
    for (size_t i = 0; i < HOSTS; i++) {
        at = strcmp(all.silent[i], host) == 0 ? i : at;
    }
    all.next = at == all.next ? (at + 1) % HOSTS : all.next;
    snprintf(all.silent[at], sizeof all.silent[at], "%s", host);
    all.until_ms[at] = shoal_tick_ms() + pause_ms;
    pthread_mutex_unlock(&all.lock);
}

const char *catalog_far_word(struct shoal_arena *arena, const char *kind, const char *name)
{
    return shoal_arena_printf(arena, "core:%s/%s", kind, name);
}

// Nothing is on its way any more: whoever waits looks what became of it.
static void coming_end(struct shoal_arena *arena, struct coming *coming)
{
    if (coming->work != NULL) {
        shoal_tree_remove(coming->work, NULL);
    }
    pthread_mutex_lock(&all.lock);
    struct coming **at = &all.first;
    while (*at != coming) {
        at = &(*at)->next;
    }
    *at = coming->next;
    pthread_mutex_unlock(&all.lock);
    shoal_request_wake(catalog_far_word(arena, coming->kind, coming->name));
    free(coming->kind);
    free(coming->name);
    free(coming->host);
    free(coming->work);
    free(coming->path);
    free(coming);
}

// SHOAL_LATER: somebody brings it already; 0: it is ours to bring, and listed.
static int coming_begin(const struct catalog_far *far, const char *host, struct coming **out)
{
    int of_host = 0;
    int of_type = 0;
    bool is_coming = false;
    pthread_mutex_lock(&all.lock);
    for (const struct coming *at = all.first; at != NULL; at = at->next) {
        of_host += strcmp(at->host, host) == 0 ? 1 : 0;
        of_type += at->type->bounds == far->type->bounds ? 1 : 0;
        is_coming = is_coming || (strcmp(at->name, far->name) == 0 && strcmp(at->kind, far->kind) == 0);
    }
    bool may = !is_coming && all.is_on && of_host < OF_HOST &&
               of_type < bounds[far->type->bounds].at_once && !is_silent(host) &&
               all.rests[far->type->bounds].until_ms <= shoal_tick_ms() &&
               (of_type == 0 || !all.rests[far->type->bounds].is_on);
    if (may) {
        struct coming *coming = *out = shoal_alloc(1, sizeof *coming);
        *coming = (struct coming){.next = all.first,
            .type = far->type,
            .kind = shoal_dup(far->kind),
            .name = shoal_dup(far->name),
            .host = shoal_dup(host),
            .start_ms = shoal_tick_ms()};
        all.first = coming;
        all.pool = all.pool != NULL ? all.pool : pool_new(THREADS);
    }
    pthread_mutex_unlock(&all.lock);
    return is_coming ? SHOAL_LATER : may ? 0 : SHOAL_EUPSTREAM;
}

// Whether something could be kept.
static void rest(const struct coming *coming, bool is_on)
{
    pthread_mutex_lock(&all.lock);
    all.rests[coming->type->bounds].is_on = is_on;
    all.rests[coming->type->bounds].until_ms =
        is_on ? shoal_tick_ms() + shoal_drill_ms("SHOAL_DRILL_FULL", OURS_PAUSE_MS) : 0;
    pthread_mutex_unlock(&all.lock);
}

static bool is_ours(int code)
{
    return code == SHOAL_EFULL || code == SHOAL_EBUSY || code == SHOAL_EIO || code == SHOAL_EUNSUPPORTED;
}

// What is wrong here is not counted against a file: it comes when it can be kept again.
static void coming_keep(struct shoal_call *call, struct coming *coming)
{
    struct catalog_far far = {.type = coming->type, .kind = coming->kind, .name = coming->name};
    struct shoal_err *why = &coming->why;
    bool is_theirs = false;
    int code = far.type->find(call, &far, why);
    if (code == SHOAL_ENOTFOUND) {
        return; // it went meanwhile
    }
    if (code == 0) {
        code = coming->code != 0 ? coming->code
                                 : far.type->look(call, &far, coming->path, coming->work, why);
        is_theirs = code != 0 && !is_ours(code);
        code = code == 0 ? far.type->store(call, &far, why) : code;
    }
    if (code == SHOAL_ECANCELLED) {
        return;
    }
    if (is_theirs) {
        shoal_info("the %s %s of %s cannot be had: %s", coming->kind, coming->name, coming->host,
            why->text);
        (void)shoal_tx(call, far.type->failed_tx, &far, NULL);
        return;
    }
    rest(coming, code != 0);
    if (code != 0) {
        shoal_warn("the %s %s of %s cannot be kept now: %s", coming->kind, coming->name, coming->host,
            why->text);
    }
}

// On a thread of the pool: what came is kept, or that it did not come.
static void run(struct pool_item *item)
{
    struct coming *coming = (struct coming *)item;
    struct shoal_call call;
    shoal_call_init(&call);
    call.cancel = &is_stopping;
    call.deadline_ms = shoal_tick_ms() + KEEP_MS;
    if (!atomic_load(&is_stopping)) {
        coming_keep(&call, coming);
    }
    coming_end(call.arena, coming);
    shoal_call_fini(&call);
}

static void came(
    void *arg, int code, const struct shoal_fetched *fetched, const struct shoal_err *why)
{
    struct coming *coming = arg;
    coming->code = code;
    coming->why = *why;
    if (code == 0 && fetched->status != 200) {
        coming->code = shoal_fail(&coming->why, SHOAL_EUPSTREAM, "it answers %d", fetched->status);
    }
    // Whether the host is well: one that does not have this file may have the next one.
    bool answers = code != SHOAL_EUPSTREAM && code != SHOAL_ETIMEOUT && fetched->status < 500 &&
                   fetched->status != 429;
    if (!answers || shoal_tick_ms() - coming->start_ms > SLOW_MS) {
        silent_add(coming->host, answers ? SLOW_PAUSE_MS : HOST_PAUSE_MS);
    }
    pthread_mutex_lock(&all.lock);
    coming->item.run = run;
    bool is_taken = all.pool != NULL && pool_submit(all.pool, &coming->item);
    pthread_mutex_unlock(&all.lock);
    if (!is_taken) {
        struct shoal_arena *arena = shoal_arena_new(0);
        coming_end(arena, coming);
        shoal_arena_free(arena);
    }
}

// As the core: whose call it is has no say in what the catalog asks.
static int launch(struct shoal_call *call, struct coming *coming, const char *url, struct shoal_err *err)
{
    const struct bounds *most = &bounds[coming->type->bounds];
    const char *const headers[] = {most->accept, NULL};
    const char *work = catalog_picture_work(call, NULL, err);
    if (work == NULL) {
        return SHOAL_EIO;
    }
    coming->work = shoal_dup(work);
    coming->path = shoal_dup(shoal_arena_printf(call->arena, "%s/fetched", work));
    const struct shoal_fetch what = {.url = url,
        .headers = headers,
        .max_bytes = most->max_bytes,
        .timeout_ms = most->timeout_ms,
        .redirects = 2,
        .to_path = coming->path};
    return shoal_fetcher_launch(&what, came, coming, err);
}

int catalog_far_bring(struct shoal_call *call, const struct catalog_far_type *type, const char *kind,
    const char *name, struct shoal_err *err)
{
    struct catalog_far far = {.type = type, .kind = kind, .name = name};
    struct coming *coming = NULL;
    int code = type->find(call, &far, err);
    if (code != 0) {
        return code;
    }
    const char *host = catalog_url_host(call->arena, far.url);
    code = host == NULL || !may_again(&far) ? SHOAL_EUPSTREAM : coming_begin(&far, host, &coming);
    if (coming != NULL) {
        // Somebody may have brought it just before.
        code = type->find(call, &far, err);
        code = code == 0 ? launch(call, coming, far.url, err) : code;
        if (code != 0) {
            coming_end(call->arena, coming);
        }
        code = code == SHOAL_ENOTFOUND ? 0 : code == 0 ? SHOAL_LATER : code;
    }
    // Where it lies is nobody's business.
    return code >= 0 ? code : shoal_fail(err, SHOAL_EUPSTREAM, "its server does not give this file now");
}

void catalog_far_start(void)
{
    atomic_store(&is_stopping, false);
    pthread_mutex_lock(&all.lock);
    memset(all.silent, 0, sizeof all.silent);
    memset(all.rests, 0, sizeof all.rests);
    all.is_on = true;
    pthread_mutex_unlock(&all.lock);
}

void catalog_far_stop(void)
{
    atomic_store(&is_stopping, true);
    pthread_mutex_lock(&all.lock);
    struct pool *pool = all.pool;
    all.pool = NULL;
    all.is_on = false;
    pthread_mutex_unlock(&all.lock);
    pool_free(pool);
}

// federation_videos_crawl.c - jobs: videos of ours told to others, outboxes read, old videos read
// anew, and what belongs to new ones.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <pthread.h>
#include <string.h>

#include <shoal/annotations.h>
#include <shoal/follows.h>

#include <urlhost.h>

#include "federation_videos.h"

#define SHARES_MAX   50
#define CHAPTERS_MAX 200
#define CHANGED_MS   10000 ///< changes come in numbers: what belongs to a video is read once for many
#define FIRST_MS     1000  ///< and soon for the first of them
#define RATED_MS     30000 ///< until what was rated here has arrived there
#define RECENT       1024
#define READING_MS   90000 ///< for shares and comments of a video: its server may be slow on purpose
#define DAY_MS       (INT64_C(24) * 3600 * 1000)
#define SILENT       1024
#define SILENT_MS    (DAY_MS / 24) ///< until an origin that did not answer is asked again for a video
#define MISSING_MS   (DAY_MS / 3) ///< until one that its origin does not know is asked for again

SHOAL_SQL(fv_details_sums, "SELECT likes, dislikes FROM v1_video WHERE id = $1");
SHOAL_SQL(fv_details_updated, "SELECT updated FROM v1_video WHERE id = $1");

struct work {
    struct fv *fv;
    const char *kind, *key, *subject;
    json_t *payload;
    int64_t run_at_ms;
};

static int work_tx(struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    (void)call;
    const struct work *work = arg;
    const struct shoal_job_options options = {.priority = strcmp(work->kind, "sync") == 0 ? 0 : 5,
        .unique = work->key,
        .subject = work->subject,
        .run_at_ms = work->run_at_ms};
    return shoal_job_add(work->fv->self, tx, work->kind, work->payload, &options, NULL, err);
}

// One of a key waits at a time. work.payload: taken; subject NULL: the key.
static int queue(struct shoal_call *call, struct work work, struct shoal_err *err)
{
    work.subject = work.subject == NULL ? work.key : work.subject;
    int code = shoal_tx(call, work_tx, &work, err);
    json_decref(work.payload);
    return code;
}

int fv_crawl_queue(struct shoal_call *call, struct fv *fv, int64_t actor_id, struct shoal_err *err)
{
    return queue(call,
        (struct work){.fv = fv,
            .kind = "outbox",
            .key = shoal_arena_printf(shoal_call_arena(call), "actor:%lld", (long long)actor_id),
            .payload = json_pack("{s:I}", "actor", (json_int_t)actor_id)},
        err);
}

// Videos whose origin did not answer, and when that was; an older one gives way.
static struct {
    pthread_mutex_t lock;
    int64_t ids[SILENT], asked_ms[SILENT];
} silent = {.lock = PTHREAD_MUTEX_INITIALIZER};

static bool is_silent(int64_t video_id)
{
    size_t at = (size_t)video_id % SILENT;
    pthread_mutex_lock(&silent.lock);
    bool is = silent.ids[at] == video_id && shoal_tick_ms() - silent.asked_ms[at] < SILENT_MS;
    pthread_mutex_unlock(&silent.lock);
    return is;
}

static void silent_add(int64_t video_id)
{
    size_t at = (size_t)video_id % SILENT;
    pthread_mutex_lock(&silent.lock);
    silent.ids[at] = video_id;
    silent.asked_ms[at] = shoal_tick_ms();
    pthread_mutex_unlock(&silent.lock);
}

int fv_refresh_queue(struct shoal_call *call, struct fv *fv, const struct shoal_video_ref *ref,
    struct shoal_err *err)
{
    int64_t age_ms = shoal_now_ms() - ref->updated_ms;
    if (ref->origin_host[0] == '\0' || age_ms < shoal_setting_i64(fv->self, "refresh_after") ||
        is_silent(ref->id)) {
        return 0;
    }
    return queue(call,
        (struct work){.fv = fv,
            .kind = "refresh",
            .key = shoal_arena_printf(shoal_call_arena(call), "video:%s", ref->uuid),
            .payload = json_pack("{s:s}", "url", ref->url)},
        err);
}

int fv_missing_queue(struct shoal_call *call, struct fv *fv, const struct shoal_video_ref *ref,
    struct shoal_err *err)
{
    return queue(call,
        (struct work){.fv = fv,
            .kind = "refresh",
            .key = shoal_arena_printf(shoal_call_arena(call), "video:%s#missing", ref->uuid),
            .subject = shoal_arena_printf(shoal_call_arena(call), "video:%s", ref->uuid),
            .payload = json_pack("{s:s}", "url", ref->url),
            .run_at_ms = shoal_now_ms() + MISSING_MS},
        err);
}

// Whose belongings were read a moment ago; of two with one place the later one has it.
static struct {
    pthread_mutex_t lock;
    uint64_t names[RECENT];
    int64_t read_ms[RECENT];
} recent = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void recent_add(const char *url)
{
    uint64_t name = activity_hash(url);
    pthread_mutex_lock(&recent.lock);
    recent.names[name % RECENT] = name;
    recent.read_ms[name % RECENT] = shoal_now_ms();
    pthread_mutex_unlock(&recent.lock);
}

// The first change shows soon; those that follow it at once are read together.
static int64_t changed_at_ms(const char *url)
{
    int64_t now = shoal_now_ms();
    uint64_t name = activity_hash(url);
    pthread_mutex_lock(&recent.lock);
    int64_t since = recent.names[name % RECENT] == name ? now - recent.read_ms[name % RECENT] : CHANGED_MS;
    pthread_mutex_unlock(&recent.lock);
    return now + (since >= 0 && since < CHANGED_MS - FIRST_MS ? CHANGED_MS - since : FIRST_MS);
}

int fv_details_queue(
    struct shoal_call *call, struct fv *fv, const char *url, enum fv_why why, struct shoal_err *err)
{
    bool is_new = why == FV_NEW;
    const char *key = is_new ? url : shoal_arena_printf(shoal_call_arena(call), "%s#changed", url);
    return queue(call,
        (struct work){.fv = fv,
            .kind = "details",
            .key = key,
            .subject = url,
            .payload = json_pack("{s:s, s:b}", "url", url, "all", is_new),
            .run_at_ms = is_new             ? 0
                         : why == FV_RATED ? shoal_now_ms() + RATED_MS
                                           : changed_at_ms(url)},
        err);
}

// --- a video of ours ---

int fv_sync_queue(struct shoal_call *call, struct fv *fv, const char *uuid, int64_t wait_ms,
    struct shoal_err *err)
{
    return queue(call,
        (struct work){.fv = fv,
            .kind = "sync",
            .key = uuid,
            .subject = shoal_arena_printf(shoal_call_arena(call), "video:%s", uuid),
            .payload = json_pack("{s:s}", "uuid", uuid),
            .run_at_ms = wait_ms > 0 ? shoal_now_ms() + wait_ms : 0},
        err);
}

static int sync_run(
    struct shoal_call *call, const struct shoal_job *job, void *arg, struct shoal_err *err)
{
    (void)arg;
    return fv_sync(call, shoal_text(job->payload, "uuid", ""), err);
}

// --- an outbox ---

// One that cannot be had does not keep the rest away.
static void item_take(struct shoal_call *call, const struct shoal_actor *actor, const json_t *item)
{
    struct shoal_video_ref ref;
    struct shoal_err why = {0};
    const char *type = shoal_text(item, "type", "");
    const char *by = activity_id(json_object_get(item, "actor"));
    const char *url = activity_id(json_object_get(item, "object"));
    const char *id = shoal_text(item, "id", NULL);
    bool is_announce = strcmp(type, "Announce") == 0;
    if (url == NULL || id == NULL || by == NULL || strcmp(by, actor->url) != 0 ||
        (!is_announce && strcmp(type, "Create") != 0)) {
        return;
    }
    int code = fv_video_ensure(call, url, &ref, &why);
    bool may_share = strcmp(actor->kind, "Group") == 0 || strcmp(actor->kind, "Application") == 0;
    if (code == 0 && is_announce && may_share && (ref.origin_host[0] != '\0' || ref.is_federated)) {
        code = shoal_share_put(call, ref.id, actor->id, id, &why);
    }
    if (code != 0) {
        shoal_debug("%s in the outbox of %s: %s", url, actor->url, why.text);
    }
}

static int outbox_run(
    struct shoal_call *call, const struct shoal_job *job, void *arg, struct shoal_err *err)
{
    struct fv *fv = arg;
    struct shoal_actor actor;
    int64_t most = shoal_setting_i64(fv->self, "crawl_max");
    int code = shoal_actor_get(call, shoal_integer(job->payload, "actor", 0), &actor, NULL);
    if (code != 0 || actor.host[0] == '\0' || actor.outbox_url == NULL || most == 0) {
        return code == SHOAL_ENOTFOUND ? 0 : code;
    }
    json_t *items = federate_crawl(call, actor.outbox_url, (int)most, err);
    if (items == NULL) {
        return err->code;
    }
    struct shoal_arena *arena = shoal_arena_new(0);
    size_t count = json_array_size(items);
    for (size_t i = 0; i < count && !shoal_call_cancelled(call); i++) {
        struct shoal_arena *old = shoal_call_arena_use(call, arena);
        item_take(call, &actor, json_array_get(items, i));
        (void)shoal_call_arena_use(call, old);
        shoal_arena_reset(arena);
        (void)shoal_job_progress(call, job, (int)((i + 1) * 100 / count));
    }
    shoal_arena_free(arena);
    json_decref(items);
    return shoal_call_cancelled(call) ? SHOAL_ECANCELLED : 0;
}

// --- a video anew ---

static int refresh_run(
    struct shoal_call *call, const struct shoal_job *job, void *arg, struct shoal_err *err)
{
    const char *url = shoal_text(job->payload, "url", "");
    struct shoal_err why = {0};
    struct shoal_video_ref ref;
    int code = fv_video_refresh(call, arg, url, &why);
    // Its origin is silent, or what it says makes no sense: what is kept stays, until it is asked again
    // for who watches it later.
    bool is_theirs = code == SHOAL_EINVAL || code == SHOAL_EFORBIDDEN || code == SHOAL_ECONFLICT ||
                     code == SHOAL_EUPSTREAM || code == SHOAL_ETIMEOUT;
    if (is_theirs) {
        shoal_info("%s cannot be read anew: %s", url, why.text);
        if (shoal_video_by_url(call, url, &ref, NULL) == 0) {
            silent_add(ref.id);
        }
    }
    return code == 0 || is_theirs ? 0 : shoal_fail(err, code, "%s", why.text);
}

// --- what belongs to a video that is new here ---

static int64_t total_of(struct shoal_call *call, const json_t *document, const char *key)
{
    const char *url = activity_id(json_object_get(document, key));
    json_t *collection = url == NULL ? NULL : federate_fetch(call, url, NULL);
    int64_t total = shoal_integer(collection, "totalItems", -1);
    json_decref(collection);
    return total;
}

struct totals {
    int64_t video_id, likes, dislikes;
    int64_t likes_before, dislikes_before; // when the reading began
    json_t *chapters;                      // NULL: not known
    bool is_late;                          // out: somebody has rated meanwhile
};

static int sums_read(struct shoal_db *db, int64_t video_id, int64_t *likes, int64_t *dislikes,
    struct shoal_err *err)
{
    struct shoal_rows *rows =
        shoal_db_query(db, &fv_details_sums, SHOAL_ARGS(SHOAL_I64(video_id)), err);
    if (rows != NULL && shoal_rows_next(rows)) {
        *likes = shoal_col_i64(rows, 0);
        *dislikes = shoal_col_i64(rows, 1);
    }
    return rows == NULL ? SHOAL_EIO : shoal_rows_close(rows, err);
}

// What was rated here while the origin was asked is in none of its sums: ours stay, until they are
// read again.
static int totals_tx(struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    struct totals *totals = arg;
    int64_t likes = 0, dislikes = 0;
    int code = sums_read(tx, totals->video_id, &likes, &dislikes, err);
    totals->is_late = likes != totals->likes_before || dislikes != totals->dislikes_before;
    if (code == 0 && !totals->is_late) {
        code = shoal_video_counts(
            call, tx, totals->video_id, -1, totals->likes, totals->dislikes, -1, err);
    }
    return code == 0 && totals->chapters != NULL
               ? shoal_chapters_remote_set(call, tx, totals->video_id, totals->chapters, err)
               : code;
}

static json_t *chapters_read(struct shoal_call *call, const json_t *document)
{
    const char *url = activity_id(json_object_get(document, "hasParts"));
    json_t *from = url == NULL ? NULL : federate_fetch(call, url, NULL);
    const json_t *parts = json_object_get(from, "hasPart");
    json_t *out = json_is_array(parts) ? json_array() : NULL;
    for (size_t i = 0; i < json_array_size(parts) && i < CHAPTERS_MAX; i++) {
        const json_t *part = json_array_get(parts, i);
        const char *name = shoal_text(part, "name", NULL);
        int64_t start_s = shoal_integer(part, "startOffset", -1);
        if (name != NULL && start_s >= 0) {
            json_array_append_new(
                out, json_pack("{s:I, s:s}", "timecode", (json_int_t)start_s, "title", name));
        }
    }
    json_decref(from);
    return out;
}

static bool goes_on(struct shoal_call *call, int64_t until_ms)
{
    return shoal_tick_ms() < until_ms && !shoal_call_cancelled(call);
}

static void shares_read(
    struct shoal_call *call, const json_t *document, int64_t video_id, int64_t until_ms)
{
    const char *url = activity_id(json_object_get(document, "shares"));
    json_t *urls = url == NULL ? NULL : federate_crawl(call, url, SHARES_MAX, NULL);
    for (size_t i = 0; i < json_array_size(urls) && goes_on(call, until_ms); i++) {
        const char *id = activity_id(json_array_get(urls, i));
        json_t *share = id == NULL ? NULL : federate_fetch(call, id, NULL);
        const char *by = activity_id(json_object_get(share, "actor"));
        const char *about = activity_id(json_object_get(share, "object"));
        struct shoal_actor actor;
        bool is_right = strcmp(shoal_text(share, "type", ""), "Announce") == 0 && by != NULL &&
                        about != NULL && strcmp(about, shoal_text(document, "id", "")) == 0 &&
                        strcmp(shoal_text(share, "id", ""), id) == 0;
        // The document lies on the host of who announced: nobody shares in the name of another.
        if (is_right && federate_actor(call, by, 2 * DAY_MS, &actor, NULL) == 0 &&
            actor.host[0] != '\0' && urlhost_same(shoal_call_arena(call), id, actor.url, true) &&
            (strcmp(actor.kind, "Group") == 0 || strcmp(actor.kind, "Application") == 0)) {
            (void)shoal_share_put(call, video_id, actor.id, id, NULL);
        }
        json_decref(share);
    }
    json_decref(urls);
}

// Comments that were there before are read by whoever keeps them; they have what shares left of the time.
static void comments_read(struct shoal_call *call, const json_t *document, int64_t until_ms)
{
    const char *url = activity_id(json_object_get(document, "comments"));
    json_t *urls = url == NULL ? NULL : federate_crawl(call, url, SHARES_MAX, NULL);
    for (size_t i = 0; i < json_array_size(urls) && goes_on(call, until_ms); i++) {
        const char *id = activity_id(json_array_get(urls, i));
        json_decref(id == NULL ? NULL : federate_resolve(call, id, NULL));
    }
    json_decref(urls);
}

// Of two Updates of one moment the older may come last, and each is a whole video: what its origin says now
// counts, unless that comes from a cache and is older still.
static void newest_keep(struct shoal_call *call, const struct shoal_video_ref *ref, const json_t *document)
{
    int64_t held_ms = 0;
    struct shoal_err why = {0};
    int code = shoal_db_i64(
        shoal_call_db(call), &fv_details_updated, SHOAL_ARGS(SHOAL_I64(ref->id)), &held_ms, &why);
    if (code == 0 && fv_time(document, "updated") >= held_ms) {
        code = fv_video_again(call, ref->url, document, &why);
    }
    if (code != 0) {
        shoal_debug("%s stays as it was: %s", ref->url, why.text);
    }
}

static int details_run(
    struct shoal_call *call, const struct shoal_job *job, void *arg, struct shoal_err *err)
{
    const char *url = shoal_text(job->payload, "url", "");
    struct shoal_video_ref ref;
    struct totals totals = {0};
    int code = shoal_video_by_url(call, url, &ref, NULL);
    if (code == 0 && ref.origin_host[0] != '\0') {
        code = sums_read(
            shoal_call_db(call), ref.id, &totals.likes_before, &totals.dislikes_before, err);
    }
    if (code != 0 || ref.origin_host[0] == '\0') {
        return code == SHOAL_ENOTFOUND ? 0 : code;
    }
    recent_add(url);
    json_t *document = federate_fetch(call, url, err);
    if (document == NULL) {
        bool is_over = err->code == SHOAL_ENOTFOUND || err->code == SHOAL_EGONE ||
                       err->code == SHOAL_EFORBIDDEN;
        return is_over ? 0 : err->code;
    }
    bool is_whole = shoal_flag(job->payload, "all", true);
    if (!is_whole) {
        newest_keep(call, &ref, document);
    }
    totals.video_id = ref.id;
    totals.likes = total_of(call, document, "likes");
    totals.dislikes = total_of(call, document, "dislikes");
    totals.chapters = chapters_read(call, document);
    code = shoal_tx(call, totals_tx, &totals, err);
    if (code == 0 && totals.is_late) {
        code = fv_details_queue(call, arg, url, FV_RATED, err);
    }
    if (code == 0 && is_whole) {
        int64_t until_ms = shoal_tick_ms() + READING_MS;
        shares_read(call, document, ref.id, until_ms);
        comments_read(call, document, until_ms);
    }
    json_decref(totals.chapters);
    json_decref(document);
    return code == SHOAL_ENOTFOUND ? 0 : code;
}

int fv_crawl_start(struct fv *fv, struct shoal_err *err)
{
    const struct shoal_job_kind kinds[] = {
        {.kind = "sync",
            .run = sync_run,
            .attempts = 12,
            .lease_s = 120,
            .backoff_ms = 5000,
            .is_brief = true},
        {.kind = "outbox", .run = outbox_run, .attempts = 5, .lease_s = 300, .backoff_ms = 60000},
        {.kind = "refresh", .run = refresh_run, .attempts = 3, .lease_s = 120, .backoff_ms = 60000},
        {.kind = "details",
            .run = details_run,
            .attempts = 3,
            .lease_s = 300,
            .backoff_ms = 60000}};
    int code = 0;
    memset(silent.ids, 0, sizeof silent.ids); // of a server that was before in this process
    memset(recent.names, 0, sizeof recent.names);
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds && code == 0; i++) {
        struct shoal_job_kind kind = kinds[i];
        kind.arg = fv;
        code = shoal_job_kind_add(fv->self, &kind, err);
    }
    return code;
}

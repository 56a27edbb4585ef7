// delivery_fanout.c - the job "spread": finishes an activity's bytes once, and queues it for each inbox.
//
// Inboxes come in the order of their addresses, in lots; the last one is kept with each lot, so that a
// job that was cut off goes on behind it. Those that are named besides the followers are the first lot.
// What a plugin holds back for a host (rules, may) is asked again in another pass.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <stdlib.h>
#include <string.h>

#include "delivery.h"

#define LOTS_A_RUN 20 // then others have a turn
#define PASSES_MAX 8
#define HELD_MAX 5000

SHOAL_SQL(spread_read,
    "SELECT actor_id, activity, body, plan, priority, replaces, passed, subject FROM delivery_out"
    " WHERE id = $1 AND is_spread = FALSE");
// What was said before of the same object is queued before, whoever's job comes first.
SHOAL_SQL(spread_first,
    "SELECT MIN(e.id) FROM delivery_out e JOIN delivery_out o ON o.subject = e.subject"
    " WHERE o.id = $1 AND e.is_spread = FALSE AND e.id <= o.id"
    " AND (o.subject <> 0 OR e.id = o.id)");
SHOAL_SQL(spread_priority, "SELECT priority FROM delivery_out WHERE id = $1");
SHOAL_SQL(spread_body, "UPDATE delivery_out SET body = $2, activity = '' WHERE id = $1");
SHOAL_SQL(spread_passed, "UPDATE delivery_out SET passed = $2, plan = $3 WHERE id = $1"
                         " AND passed = $4");
// Another pass for those that were held back: nothing waits for it.
SHOAL_SQL(spread_pass, "UPDATE delivery_out SET passed = '', subject = 0, plan = $2 WHERE id = $1"
                       " AND passed = $3");
SHOAL_SQL(spread_done, "UPDATE delivery_out SET is_spread = TRUE, passed = '' WHERE id = $1");
SHOAL_SQL(spread_drop,
    "DELETE FROM delivery_out WHERE is_spread = TRUE AND (id = $1 OR (replaces = $2 AND replaces <> ''))"
    " AND NOT EXISTS (SELECT 1 FROM delivery_queue WHERE out_id = delivery_out.id)");

struct place {
    const char *host, *inbox;
};
struct spread {
    struct dlv_out out;
    const char *passed, *except;
    const char *before; ///< passed, as the row has it
    char *body;
    json_t *plan, *said; ///< said: the activity as it goes out, for who is asked; or NULL
    json_t *held;        ///< hosts that are asked about again; in the plan
    const json_t *only;  ///< of a later pass: hosts that were held; or NULL
    struct place places[DLV_LOT > DLV_INBOXES_MAX ? DLV_LOT : DLV_INBOXES_MAX];
    int count;
    const char *host; ///< the last one that was judged, and what came of it
    bool passes, is_overtaken; ///< is_overtaken: another one queues the same
    int lost; ///< hosts that are to be asked about again, and for which there is no room
};

int dlv_spread_add(struct shoal_db *tx, int64_t out_id, int64_t priority, int64_t at_ms,
    struct shoal_err *err)
{
    char key[32];
    snprintf(key, sizeof key, "%lld", (long long)out_id);
    const struct shoal_job_options options = {
        .unique = key, .priority = (int)priority, .run_at_ms = at_ms};
    json_t *payload = json_pack("{s:I}", "out", (json_int_t)out_id);
    int code = shoal_job_add(dlv_plugin, tx, "spread", payload, &options, NULL, err);
    json_decref(payload);
    return code;
}

static int out_load(struct shoal_call *call, struct spread *spread, json_t **activity,
    struct shoal_err *err)
{
    struct shoal_arena *arena = shoal_call_arena(call);
    struct shoal_rows *rows = shoal_db_query(
        shoal_call_db(call), &spread_read, SHOAL_ARGS(SHOAL_I64(spread->out.id)), err);
    bool is_there = rows != NULL && shoal_rows_next(rows);
    if (is_there) {
        const char *text = shoal_col_text(rows, 1), *body = shoal_col_text(rows, 2),
                   *plan = shoal_col_text(rows, 3);
        spread->out.actor_id = shoal_col_i64(rows, 0);
        *activity = text[0] != '\0' ? shoal_json_parse(text, strlen(text), NULL) : NULL;
        spread->body = body[0] != '\0' ? strdup(body) : NULL;
        spread->plan = shoal_json_parse(plan, strlen(plan), NULL);
        spread->out.priority = shoal_col_i64(rows, 4);
        spread->out.replaces = shoal_arena_strdup(arena, shoal_col_text(rows, 5));
        spread->passed = shoal_arena_strdup(arena, shoal_col_text(rows, 6));
        spread->before = spread->passed;
        spread->out.subject = shoal_col_i64(rows, 7);
    }
    int code = rows == NULL ? SHOAL_EIO : shoal_rows_close(rows, err);
    return code != 0 ? code : is_there ? 0 : SHOAL_ENOTFOUND;
}

static int body_tx(struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    (void)call;
    const struct spread *spread = arg;
    return shoal_db_exec(
        tx, &spread_body, SHOAL_ARGS(SHOAL_I64(spread->out.id), SHOAL_TEXT(spread->body)), NULL, err);
}

/// The bytes, made once by who knows how. activity: taken.
static int finish(struct shoal_call *call, struct spread *spread, json_t *activity,
    struct shoal_err *err)
{
    spread->body = dlv_finish(call, spread->out.actor_id, shoal_text(spread->plan, "context", NULL),
        shoal_flag(spread->plan, "signed", false), activity, err);
    return spread->body == NULL ? err->code : shoal_tx(call, body_tx, spread, err);
}

static bool is_among(const json_t *list, const char *text)
{
    size_t index;
    json_t *each;
    json_array_foreach(list, index, each)
    {
        if (strcmp(json_string_value(each), text) == 0) {
            return true;
        }
    }
    return false;
}

/// What plugins say to one activity for one host.
static bool asked(struct shoal_call *call, struct spread *spread, const char *host)
{
    if (!dlv_is_asked(call)) {
        return true;
    }
    if (spread->said == NULL) {
        spread->said = shoal_json_parse(spread->body, strlen(spread->body), NULL);
    }
    enum shoal_verdict verdict = dlv_may(call, spread->said, host, spread->out.actor_id,
        shoal_integer(spread->plan, "video", 0));
    if (verdict == SHOAL_HOLD && json_array_size(spread->held) < HELD_MAX) {
        json_array_append_new(spread->held, json_string(host));
    } else if (verdict == SHOAL_HOLD) {
        spread->lost++;
    }
    return verdict == SHOAL_PASS;
}

static bool host_passes(struct shoal_call *call, struct spread *spread, const char *host)
{
    if (spread->host == NULL || strcmp(spread->host, host) != 0) {
        spread->host = host;
        spread->passes = (spread->except == NULL || strcmp(host, spread->except) != 0) &&
                         (spread->only == NULL || is_among(spread->only, host)) &&
                         !is_among(spread->held, host) && dlv_reaches(call, host) &&
                         asked(call, spread, host);
    }
    return spread->passes;
}

static void place_add(struct shoal_call *call, struct spread *spread, const char *inbox)
{
    const char *host = dlv_url_host(call, inbox);
    if (host != NULL && host_passes(call, spread, host)) {
        spread->places[spread->count++] = (struct place){host, inbox};
    }
}

/// The lot with its place in the row of the activity.
static int lot_tx(struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    (void)call;
    struct spread *spread = arg;
    int64_t host_id = 0;
    int code = 0;
    for (int i = 0; i < spread->count && code == 0; i++) {
        const struct place *place = &spread->places[i];
        bool is_new = i == 0 || strcmp(place[-1].host, place->host) != 0;
        host_id = is_new ? 0 : host_id;
        code = dlv_queue_add(tx, &host_id, place->host, place->inbox, &spread->out, err);
        if (code == 0 && is_new) {
            code = dlv_queue_due(tx, host_id, spread->out.priority, err);
        }
    }
    char *plan = json_dumps(spread->plan, JSON_COMPACT);
    int64_t changed = 0;
    code = code != 0 ? code
                     : shoal_db_exec(tx, &spread_passed,
                           SHOAL_ARGS(SHOAL_I64(spread->out.id), SHOAL_TEXT(spread->passed),
                               SHOAL_TEXT(plan), SHOAL_TEXT(spread->before)),
                           &changed, err);
    free(plan);
    if (code == 0 && changed == 0) {
        spread->is_overtaken = true;
        code = shoal_fail(err, SHOAL_ECONFLICT, "another one queues the same");
    }
    return code != 0 || spread->count == 0 ? code : dlv_queue_wake(tx, 0, NULL, err);
}

static int lot_write(struct shoal_call *call, struct spread *spread, struct shoal_err *err)
{
    int code = shoal_tx(call, lot_tx, spread, err);
    spread->before = spread->passed;
    spread->count = 0;
    spread->host = NULL;
    return code;
}

static int compare(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/// Those that were named: sorted, each once.
static int named_write(struct shoal_call *call, struct spread *spread, struct shoal_err *err)
{
    const json_t *inboxes = json_object_get(spread->plan, "inboxes");
    const char *sorted[DLV_INBOXES_MAX];
    size_t count = 0, index;
    json_t *each;
    json_array_foreach(inboxes, index, each)
    {
        sorted[count++] = json_string_value(each);
    }
    qsort(sorted, count, sizeof *sorted, compare);
    for (size_t i = 0; i < count; i++) {
        if (i == 0 || strcmp(sorted[i - 1], sorted[i]) != 0) {
            place_add(call, spread, sorted[i]);
        }
    }
    spread->passed = " "; // comes before every address
    return lot_write(call, spread, err);
}

struct gathering {
    struct dlv_inbox *out;
    int count;
};

static int gather(struct shoal_call *call, const char *inbox, const char *host, void *arg,
    struct shoal_err *err)
{
    (void)err;
    struct gathering *gathering = arg;
    struct shoal_arena *arena = shoal_call_arena(call);
    gathering->out[gathering->count++] = (struct dlv_inbox){
        shoal_arena_strdup(arena, inbox), shoal_arena_strdup(arena, host)};
    return 0;
}

/// The next inboxes (shared first, each once) of the accepted remote followers, in the order of their
/// addresses after the address `after` ("" at first); fewer than `room` at the end.
static int follower_inboxes(struct shoal_call *call, const int64_t *actors, size_t actor_count,
    const char *after, int room, struct dlv_inbox *out, int *count, struct shoal_err *err)
{
    struct gathering gathering = {out, 0};
    int code = shoal_follow_inboxes(call, actors, actor_count, after, room, gather, &gathering, err);
    *count = gathering.count;
    return code < 0 ? code : 0;
}

/// One lot of followers; *is_last: there are no more.
static int followers_write(
    struct shoal_call *call, struct spread *spread, bool *is_last, struct shoal_err *err)
{
    int64_t actors[DLV_ACTORS_MAX];
    const json_t *list = json_object_get(spread->plan, "actors");
    const json_t *named = json_object_get(spread->plan, "inboxes");
    size_t actor_count = json_array_size(list);
    for (size_t i = 0; i < actor_count && i < DLV_ACTORS_MAX; i++) {
        actors[i] = json_integer_value(json_array_get(list, i));
    }
    struct dlv_inbox inboxes[DLV_LOT];
    int count = 0;
    int64_t known = shoal_integer(spread->plan, "known", 0); // a farewell
    int code = known != 0 ? dlv_known_inboxes(
                                call, known, spread->passed, DLV_LOT, inboxes, &count, err)
               : actor_count == 0 ? 0
                                  : follower_inboxes(call, actors, actor_count, spread->passed,
                                        DLV_LOT, inboxes, &count, err);
    bool any_gone = count > 0 && dlv_gone_any(call);
    *is_last = count < DLV_LOT;
    for (int i = 0; i < count && code == 0; i++) {
        bool is_wanted = !is_among(named, inboxes[i].inbox) && dlv_reaches(call, inboxes[i].host) &&
                         !(any_gone && dlv_gone(call, inboxes[i].inbox));
        if (is_wanted) {
            place_add(call, spread, inboxes[i].inbox);
        }
        spread->passed = inboxes[i].inbox;
    }
    return code != 0 || count == 0 ? code : lot_write(call, spread, err);
}

static int end_tx(struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    (void)call;
    struct spread *spread = arg;
    int64_t pass = shoal_integer(spread->plan, "pass", 0);
    size_t held = json_array_size(spread->held);
    if (held > 0 && pass < PASSES_MAX) {
        char *plan = json_dumps(spread->plan, JSON_COMPACT);
        json_t *next = shoal_json_parse(plan, strlen(plan), NULL);
        free(plan);
        json_object_set_new(next, "pass", json_integer(pass + 1));
        json_object_set(next, "only", spread->held);
        json_object_set_new(next, "held", json_array());
        plan = json_dumps(next, JSON_COMPACT);
        json_decref(next);
        int code = shoal_db_exec(tx, &spread_pass,
            SHOAL_ARGS(SHOAL_I64(spread->out.id), SHOAL_TEXT(plan), SHOAL_TEXT(spread->before)), NULL,
            err);
        free(plan);
        return code != 0 ? code
                         : dlv_spread_add(tx, spread->out.id, spread->out.priority,
                               shoal_now_ms() + ((3 * shoal_setting_i64(dlv_plugin, "pause")) << pass), err);
    }
    if (held > 0) {
        shoal_warn("an activity was held back from %zu servers for too long: they do not get it", held);
    }
    int64_t known = shoal_integer(spread->plan, "known", 0);
    int code = shoal_db_exec(tx, &spread_done, SHOAL_ARGS(SHOAL_I64(spread->out.id)), NULL, err);
    code = code != 0 || known == 0 ? code : dlv_known_forget(tx, known, err);
    return code != 0 ? code
                     : shoal_db_exec(tx, &spread_drop,
                           SHOAL_ARGS(SHOAL_I64(spread->out.id), SHOAL_TEXT(spread->out.replaces)), NULL, err);
}

static int more_tx(struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    (void)call;
    const int64_t *id = arg;
    int64_t priority = 0;
    int code = shoal_db_i64(tx, &spread_priority, SHOAL_ARGS(SHOAL_I64(*id)), &priority, err);
    return code == SHOAL_ENOTFOUND ? 0 : code != 0 ? code : dlv_spread_add(tx, *id, priority, 0, err);
}

/// All lots of this run, each with memory of its own.
static int lots_write(struct shoal_call *call, struct spread *spread, struct shoal_err *err)
{
    int code = spread->passed[0] == '\0' ? named_write(call, spread, err) : 0;
    bool is_last = false;
    struct shoal_arena *lots[2] = {shoal_arena_new(0), shoal_arena_new(0)};
    struct shoal_arena *own = shoal_call_arena(call);
    for (int i = 0; i < LOTS_A_RUN && !is_last && code == 0; i++) {
        shoal_arena_reset(lots[i % 2]); // spread->passed lies in the other one
        shoal_call_arena_use(call, lots[i % 2]);
        code = shoal_call_cancelled(call)
                   ? shoal_fail(err, SHOAL_ECANCELLED, "the server stops")
                   : followers_write(call, spread, &is_last, err);
    }
    shoal_call_arena_use(call, own);
    spread->before = shoal_arena_strdup(own, spread->before); // it lies in the last lot's
    spread->passed = spread->before;
    shoal_arena_free(lots[0]);
    shoal_arena_free(lots[1]);
    if (spread->lost > 0) {
        shoal_warn("an activity is held back from more than %d servers: %d of them do not get it", HELD_MAX, spread->lost);
    }
    return code != 0   ? code
           : is_last ? shoal_tx(call, end_tx, spread, err)
                     : shoal_tx(call, more_tx, &spread->out.id, err);
}

/// Returns: 0 done, SHOAL_LATER: another one is at it, or an error.
static int spread_one(struct shoal_call *call, int64_t id, struct shoal_err *err)
{
    struct spread *spread = calloc(1, sizeof *spread);
    if (spread == NULL) {
        return shoal_fail(err, SHOAL_EBUSY, "no memory for a delivery");
    }
    json_t *activity = NULL;
    spread->out.id = id;
    int code = out_load(call, spread, &activity, err);
    if (code == 0) {
        spread->held = json_object_get(spread->plan, "held");
        if (spread->held == NULL) {
            json_object_set_new(spread->plan, "held", json_array());
            spread->held = json_object_get(spread->plan, "held");
        }
        spread->only = json_object_get(spread->plan, "only");
        spread->except = shoal_text(spread->plan, "except", NULL);
        code = spread->body != NULL ? 0 : finish(call, spread, json_incref(activity), err);
    }
    code = code != 0 ? code : lots_write(call, spread, err);
    json_decref(activity);
    json_decref(spread->said);
    json_decref(spread->plan);
    free(spread->body);
    bool is_overtaken = spread->is_overtaken;
    free(spread);
    return is_overtaken ? SHOAL_LATER : code == SHOAL_ENOTFOUND ? 0 : code; // replaced, or done before
}

int dlv_spread(struct shoal_call *call, const struct shoal_job *job, void *arg,
    struct shoal_err *err)
{
    (void)arg;
    if (!dlv_enabled(call)) {
        return shoal_fail(err, SHOAL_EBUSY, "nothing goes out now");
    }
    int64_t id = shoal_integer(job->payload, "out", 0), first = 0;
    int code = shoal_db_i64(
        shoal_call_db(call), &spread_first, SHOAL_ARGS(SHOAL_I64(id)), &first, err);
    if (code != 0 || first == 0) {
        return code == SHOAL_ENOTFOUND ? 0 : code;
    }
    struct shoal_err why = {0};
    if (first != id && spread_one(call, first, &why) >= 0) {
        return shoal_tx(call, more_tx, &id, err);
    }
    code = spread_one(call, id, err); // what cannot go out itself keeps nothing back
    return code == SHOAL_LATER ? shoal_tx(call, more_tx, &id, err) : code;
}

static int give_up_tx(struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    (void)call;
    const int64_t *id = arg;
    int code = shoal_db_exec(tx, &spread_done, SHOAL_ARGS(SHOAL_I64(*id)), NULL, err);
    return code != 0 ? code
                     : shoal_db_exec(tx, &spread_drop,
                           SHOAL_ARGS(SHOAL_I64(*id), SHOAL_TEXT("")), NULL, err);
}

void dlv_spread_gave_up(
    struct shoal_call *call, const struct shoal_job *job, void *arg, const char *why)
{
    (void)arg;
    int64_t id = shoal_integer(job->payload, "out", 0);
    shoal_warn("an activity is not sent to those who are not queued yet: %s", why);
    shoal_tx(call, give_up_tx, &id, NULL);
}

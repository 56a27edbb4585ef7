// federation_inbox.c - the inboxes: who signed, whether it has a shape, and then at once or by a job.
//
// What only touches our tables is applied before the answer. What needs other servers waits in a table,
// and one job a host works it off, so that a slow or a busy server keeps nobody but itself. What is signed
// with a key that is not here waits in `identity`, and comes back when it is proven.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <activity.h>

#include "federation_inbox.h"

#define ACTIVITIES_MAX 500           // in one Collection
#define WAITING_OF_HOST_MAX 2000
#define WAITING_OF_HOST_BYTES (64 * 1024 * 1024)
#define WAITING_MAX 100000 // of this half for servers that nobody here follows, of which anybody may have many
#define WAITING_BYTES (1024 * 1024 * 1024)
#define COUNTED_MS 1000    // all are counted so often
#define LOT 50
#define LOT_BYTES (4u * 1024 * 1024)
#define ATTEMPTS_MAX 6
#define RETRY_MS 60000               // doubled with every try
#define TURN_MS 10000                // of one host, then others have theirs
#define STRANGER_PRIORITY 5          // servers that nobody here follows: after the others

// What takes something back by its id alone is about what that is about.
SHOAL_SQL(inbox_subject, "SELECT COALESCE((SELECT subject FROM federation_inbox WHERE signer_id = $1 "
                         "AND activity_id = $2 ORDER BY id DESC LIMIT 1), CAST($3 AS BIGINT))");
SHOAL_SQL(inbox_last, "SELECT COUNT(*) FROM (SELECT activity_id FROM federation_inbox WHERE signer_id = $1 "
                      "AND subject = $2 ORDER BY id DESC LIMIT 1) AS newest WHERE activity_id = $3");
SHOAL_SQL(inbox_add,
    "INSERT INTO federation_inbox (host, activity_id, signer_id, body, next, received, subject, size) "
    "VALUES ($1, $2, $3, $4, $5, $5, $6, $7)");
SHOAL_SQL(inbox_of_host, "SELECT COUNT(*), COALESCE(SUM(size), 0) FROM federation_inbox WHERE host = $1");
SHOAL_SQL(inbox_all, "SELECT COUNT(*), COALESCE(SUM(size), 0) FROM federation_inbox WHERE host > $1");
SHOAL_SQL(inbox_followed, "SELECT COUNT(*) FROM (SELECT 1 FROM v1_follow WHERE state = 2 "
                          "AND target_id IN ($1, $2) LIMIT 1) AS one");
// What was said before of the same thing is put off: whatever came since waits behind it.
#define NONE_BEFORE \
    "NOT EXISTS (SELECT 1 FROM federation_inbox e WHERE e.signer_id = w.signer_id " \
    "AND e.subject = w.subject AND e.id < w.id AND e.next > w.next) "
SHOAL_SQL(inbox_next,
    "SELECT id, signer_id, body, attempts, activity_id FROM federation_inbox WHERE id IN "
    "(SELECT w.id FROM federation_inbox w WHERE w.host = $1 AND w.next <= $2 AND " NONE_BEFORE
    "ORDER BY w.next, w.id LIMIT 50) ORDER BY next, id");
SHOAL_SQL(inbox_when, "SELECT w.next, w.signer_id FROM federation_inbox w WHERE w.host = $1 AND " NONE_BEFORE
                      "ORDER BY w.next, w.id LIMIT 1");
SHOAL_SQL(inbox_done, "DELETE FROM federation_inbox WHERE id = $1");
SHOAL_SQL(inbox_again,
    "UPDATE federation_inbox SET attempts = attempts + 1, next = $2, why = $3 WHERE id = $1");

SHOAL_SQL(inbox_moot, "DELETE FROM federation_inbox WHERE signer_id = $1 AND subject = $2");
SHOAL_SQL(inbox_begun, "UPDATE federation_inbox SET attempts = attempts + 2 WHERE id = $1");

struct waiting {
    const char *host, *activity_id, *body;
    int64_t signer_id;
    struct fed_about about;
    bool is_deletion;
};

struct counts {
    int64_t rows, bytes;
};

// All that wait, as they were counted a moment ago, and those that came since.
static struct {
    pthread_mutex_t lock;
    int64_t at_ms;
    struct counts is;
} all = {.lock = PTHREAD_MUTEX_INITIALIZER};

// Whom somebody here follows, or whose server, is heard first: anybody can follow us.
static int priority_of(struct shoal_call *call, const char *host, int64_t signer_id)
{
    struct shoal_actor server = {0};
    int64_t followed = 0;
    if (shoal_actor_named(call, "peertube", host, &server, NULL) != 0) {
        server.id = signer_id;
    }
    int code = shoal_db_i64(shoal_call_db(call), &inbox_followed,
        SHOAL_ARGS(SHOAL_I64(signer_id), SHOAL_I64(server.id)), &followed, NULL);
    return code == 0 && followed > 0 ? 0 : STRANGER_PRIORITY;
}

static int counts_read(struct shoal_db *tx, const struct shoal_sql *sql, const char *host, struct counts *out,
    struct shoal_err *err)
{
    *out = (struct counts){0};
    struct shoal_rows *rows = shoal_db_query(tx, sql, SHOAL_ARGS(SHOAL_TEXT(host)), err);
    if (rows != NULL && shoal_rows_next(rows)) {
        *out = (struct counts){shoal_col_i64(rows, 0), shoal_col_i64(rows, 1)};
    }
    return rows == NULL ? SHOAL_EIO : shoal_rows_close(rows, err);
}

static int all_take(struct shoal_db *tx, int64_t bytes, bool is_followed, struct shoal_err *err)
{
    struct counts counted;
    int64_t now_ms = shoal_tick_ms(), parts = is_followed ? 1 : 2;
    pthread_mutex_lock(&all.lock);
    bool is_old = all.at_ms == 0 || now_ms - all.at_ms > COUNTED_MS;
    pthread_mutex_unlock(&all.lock);
    int code = is_old ? counts_read(tx, &inbox_all, "", &counted, err) : 0;
    if (code != 0) {
        return code;
    }
    pthread_mutex_lock(&all.lock);
    if (is_old) {
        all.is = counted;
        all.at_ms = now_ms;
    }
    bool has_room = all.is.rows < WAITING_MAX / parts && all.is.bytes + bytes <= WAITING_BYTES / parts;
    all.is.rows += has_room ? 1 : 0;
    all.is.bytes += has_room ? bytes : 0;
    pthread_mutex_unlock(&all.lock);
    return has_room ? 0 : shoal_fail(err, SHOAL_EBUSY, "too many activities wait here");
}

static int room_check(struct shoal_db *tx, const struct waiting *waiting, bool is_followed, struct shoal_err *err)
{
    struct counts host;
    int64_t bytes = (int64_t)strlen(waiting->body);
    int code = counts_read(tx, &inbox_of_host, waiting->host, &host, err);
    if (code == 0 && (host.rows >= WAITING_OF_HOST_MAX || host.bytes + bytes > WAITING_OF_HOST_BYTES)) {
        return shoal_fail(err, SHOAL_ERATE, "many activities of %.200s wait here already", waiting->host);
    }
    return code != 0 ? code : all_take(tx, bytes, is_followed, err);
}

// PeerTube's Like of a video has one id each time: what was said before is said again where it was the last word on
// its subject, and otherwise it is a new one, which comes behind what took back the one before.
static int add(struct shoal_db *tx, const struct waiting *waiting, struct shoal_err *err)
{
    int64_t subject = 0, is_last = 0, signer_id = waiting->signer_id;
    int code = shoal_db_i64(tx, &inbox_subject,
        SHOAL_ARGS(SHOAL_I64(signer_id), SHOAL_TEXT(waiting->about.undone), SHOAL_I64(waiting->about.subject)),
        &subject, err);
    code = code != 0 ? code
                     : shoal_db_i64(tx, &inbox_last,
                           SHOAL_ARGS(SHOAL_I64(signer_id), SHOAL_I64(subject), SHOAL_TEXT(waiting->activity_id)),
                           &is_last, err);
    return code != 0 || is_last
               ? code
               : shoal_db_exec(tx, &inbox_add,
                     SHOAL_ARGS(SHOAL_TEXT(waiting->host), SHOAL_TEXT(waiting->activity_id), SHOAL_I64(signer_id),
                         SHOAL_TEXT(waiting->body), SHOAL_TIME(shoal_now_ms()), SHOAL_I64(subject),
                         SHOAL_I64((int64_t)strlen(waiting->body))),
                     NULL, err);
}

static int wait_tx(struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    const struct waiting *waiting = arg;
    int code = !waiting->is_deletion
                   ? 0
                   : shoal_db_exec(tx, &inbox_moot,
                         SHOAL_ARGS(SHOAL_I64(waiting->signer_id), SHOAL_I64(waiting->about.subject)), NULL, err);
    int priority = priority_of(call, waiting->host, waiting->signer_id);
    code = code != 0 ? code : room_check(tx, waiting, priority != STRANGER_PRIORITY, err);
    code = code != 0 ? code : add(tx, waiting, err);
    json_t *payload = json_pack("{s:s}", "host", waiting->host);
    struct shoal_job_options options = {.unique = waiting->host,
        .subject = waiting->host,
        .priority = priority};
    code = code != 0 ? code : shoal_job_add(fed_plugin, tx, "inbox", payload, &options, NULL, err);
    json_decref(payload);
    return code;
}

// What every activity has, whatever it is about.
static int shape_check(const json_t *activity, struct shoal_err *err)
{
    const char *type = json_is_object(activity) ? shoal_text(activity, "type", "") : "";
    const char *field = !json_is_object(activity) || fed_id(json_object_get(activity, "id")) == NULL ? "id"
                        : *type == '\0' || strlen(type) > 64                                          ? "type"
                        : fed_id(json_object_get(activity, "actor")) == NULL ? "actor"
                                                                              : NULL;
    return field == NULL ? 0
                         : shoal_fail_field(err, field,
                               "an activity is an object with an id that is a URL, a type and an actor");
}

// At once where only our tables are needed; otherwise, or where that fails for now, it waits. What is
// well said and may not be, or is about nothing here, is answered like what is taken: others count the
// answers that are not, and give up on servers that have many of them. What waits of the same thing may be
// what makes it something, and is applied before (so that is asked first: what waits no more can be seen);
// what waits of others is not asked about, or one who sent a video that cannot be read would have each of
// their Likes go through the table.
static int take(struct shoal_call *call, const json_t *activity, const char *bytes,
    const struct shoal_actor *signer, struct shoal_err *err)
{
    int code = shape_check(activity, err);
    struct fed_about about = fed_about(activity);
    bool waits = code == 0 && fed_waits(call, signer->id, &about);
    if (code != 0 || (!waits && fed_is_nothing(call, activity))) {
        return code;
    }
    code = SHOAL_EBUSY;
    if (!waits && fed_is_quick(call, activity, signer)) {
        struct shoal_err own = {0};
        code = fed_apply_bytes(call, activity, bytes, signer, true, &own);
        if (code != 0 && !fed_passes(code)) {
            shoal_debug("from %s: %s", signer->host, own.text);
            code = 0;
        }
    }
    if (code != 0) {
        bool is_deletion = strcmp(shoal_text(activity, "type", ""), "Delete") == 0 &&
                           fed_names(json_object_get(activity, "actor"), signer->url);
        struct waiting waiting = {signer->host, fed_id(json_object_get(activity, "id")), bytes, signer->id,
            about, is_deletion};
        code = shoal_tx(call, wait_tx, &waiting, err);
    }
    return code;
}

// One of a Collection: it is written out for itself.
static int take_item(struct shoal_call *call, const json_t *activity,
    const struct shoal_actor *signer, struct shoal_err *err)
{
    char *bytes = json_dumps(activity, JSON_COMPACT | JSON_ENCODE_ANY);
    if (bytes == NULL) {
        return shoal_fail(err, SHOAL_EBUSY, "there is no memory for this activity");
    }
    int code = take(call, activity, bytes, signer, err);
    free(bytes);
    return code;
}

static bool is_collection(const json_t *body)
{
    return strcmp(shoal_text(body, "type", ""), "Collection") == 0;
}

static int collection_check(const json_t *body, struct shoal_err *err)
{
    const json_t *items = json_object_get(body, "items");
    const json_t *total = json_object_get(body, "totalItems"); // PeerTube 6.x takes it as text alone
    const char *number = json_string_value(total);
    bool has_total = json_is_integer(total) ||
                     (number != NULL && *number != '\0' && strspn(number, "0123456789") == strlen(number));
    if (!json_is_array(items) || !has_total) {
        return shoal_fail_field(err, "items", "a Collection has items, and says how many in totalItems");
    }
    if (json_array_size(items) > ACTIVITIES_MAX) {
        return shoal_fail(
            err, SHOAL_ETOOLARGE, "a Collection has at most %d activities here", ACTIVITIES_MAX);
    }
    return 0;
}

static int take_all(struct shoal_call *call, const char *bytes, const json_t *body,
    const struct shoal_actor *signer, struct shoal_err *err)
{
    if (fed_blocked(call, signer->host)) {
        return shoal_fail(
            err, SHOAL_EFORBIDDEN, "%.200s is blocked here", signer->host);
    }
    if (signer->host[0] == '\0') {
        return shoal_fail(err, SHOAL_ECONFLICT, "an actor of this server says nothing to it");
    }
    if (!is_collection(body)) {
        return take(call, body, bytes, signer, err);
    }
    int code = collection_check(body, err);
    json_t *item;
    for (size_t i = 0; code == 0 && (item = json_array_get(json_object_get(body, "items"), i)) != NULL; i++) {
        struct shoal_err own = {0};
        code = take_item(call, item, signer, &own);
        if (code == SHOAL_ERATE || code == SHOAL_EFULL || fed_passes(code)) {
            *err = own;
        } else if (code != 0) {
            shoal_debug("from %s: %s", signer->host, own.text);
            code = 0;
        }
    }
    return code;
}

static bool is_json(struct shoal_request *request)
{
    const char *type = shoal_request_header(request, "content-type");
    static const char *const types[] = {
        "application/activity+json", "application/ld+json", "application/json"};
    for (size_t i = 0; type != NULL && i < sizeof types / sizeof *types; i++) {
        size_t length = strlen(types[i]);
        if (strncasecmp(type, types[i], length) == 0 && strchr("; \t", type[length]) != NULL) {
            return true;
        }
    }
    return false;
}

// Before the body is read: whether it can be anything that we take.
static int inbox_head(struct shoal_call *call, struct shoal_request *request, void *arg,
    struct shoal_err *err)
{
    (void)arg;
    if (!fed_enabled(call)) {
        return shoal_fail(err, SHOAL_ENOTFOUND, "this server does not federate");
    }
    const char *name = shoal_request_param(request, "name");
    struct shoal_actor owner;
    if (name != NULL && shoal_actor_named(call, name, "", &owner, err) != 0) {
        return SHOAL_ENOTFOUND;
    }
    if (!is_json(request)) {
        return shoal_fail(
            err, SHOAL_ETYPE, "an inbox takes application/activity+json or application/ld+json");
    }
    return shoal_request_header(request, "signature") != NULL
               ? 0
               : shoal_fail(err, SHOAL_EAUTH, "the request is not signed");
}

// PeerTube's threads sleep between two deliveries and do not see that a connection was closed meanwhile:
// what they say next on it is lost, and said once. So nothing stays open that could be closed.
static void close_behind(struct shoal_request *request)
{
    const char *agent = shoal_request_header(request, "user-agent");
    if (agent != NULL && strncmp(agent, "PeerTube/", 9) == 0) {
        (void)shoal_answer_header(request, "Connection", "close");
    }
}

// Whether it is about nothing here, nor about what was said before and is on its way. Each place is asked before the
// one that things go to from there: what waits for the key, what waits to be applied, what is here.
static bool is_nothing_yet(struct shoal_call *call, const json_t *activity, const struct shoal_claim *claim)
{
    struct shoal_actor author = {0};
    struct fed_about about = fed_about(activity);
    if (fed_signer_waits(call, claim)) {
        return false;
    }
    bool is_known = shoal_actor_find(call, fed_id(json_object_get(activity, "actor")), &author, NULL) == 0;
    return !(is_known && fed_waits(call, author.id, &about)) && fed_is_nothing(call, activity);
}

// Its key has to be read first: it is kept, if it may become anything at all. Of what may not nobody is asked for a
// key, which they may no longer have.
static int take_later(struct shoal_call *call, struct shoal_request *request, const json_t *body,
    const struct shoal_claim *claim, struct shoal_err *err)
{
    int code = is_collection(body) ? collection_check(body, err) : shape_check(body, err);
    if (code != 0 || (!is_collection(body) && is_nothing_yet(call, body, claim))) {
        return code;
    }
    return fed_signer_later(call, request, claim, err);
}

// New reference; NULL: err says why.
static json_t *body_read(const char *bytes, size_t length, struct shoal_err *err)
{
    json_t *body = shoal_json_parse(bytes, length, err);
    if (body != NULL && !activity_is_bounded(body)) {
        json_decref(body);
        shoal_fail(err, SHOAL_ETOOLARGE, "an activity has at most %d values here", ACTIVITY_VALUES_MAX);
        return NULL;
    }
    return body;
}

int fed_inbox_proved(struct shoal_call *call, const struct shoal_actor *signer, const char *bytes,
    size_t length, struct shoal_err *err)
{
    json_t *body = body_read(bytes, length, err);
    int code = body == NULL ? err->code : take_all(call, bytes, body, signer, err);
    json_decref(body);
    return code;
}

static int inbox_post(struct shoal_call *call, struct shoal_request *request, void *arg,
    struct shoal_err *err)
{
    (void)arg;
    size_t length = 0;
    close_behind(request);
    const char *bytes = shoal_request_body_bytes(request, &length);
    json_t *body = body_read(bytes != NULL ? bytes : "", length, err);
    if (body == NULL) {
        return err->code;
    }
    struct shoal_actor signer = {0};
    struct shoal_claim claim = {.size = sizeof claim};
    int code = 0;
    if (!json_is_object(body)) {
        code = shoal_fail(err, SHOAL_EINVAL, "an activity is one JSON object");
    }
    code = code != 0 ? code : fed_signer_here(call, request, &claim, &signer, err);
    bool is_now = code == 0;
    bool is_gone = code == SHOAL_ENOTFOUND || code == SHOAL_EGONE;
    if (is_gone) { // the farewell of somebody whose key cannot be had any more, and whom nobody here knew
        code = strcmp(shoal_text(body, "type", ""), "Delete") == 0
                   ? 0
                   : shoal_fail(err, SHOAL_EAUTH, "who signed it cannot be found");
    } else if (code == SHOAL_LATER) {
        code = take_later(call, request, body, &claim, err);
        // There is no room behind what waits: who is known is heard in any case.
        is_now = signer.id != 0 && (code == SHOAL_ERATE || code == SHOAL_EBUSY);
    }
    code = is_now ? take_all(call, bytes, body, &signer, err) : code;
    json_decref(body);
    return code != 0 ? code : shoal_answer_status(request, 204);
}

struct row {
    int64_t id, signer_id, attempts;
    const char *activity_id, *body;
    bool is_put_off;
};

struct ending {
    int64_t id, next_ms;
    bool is_done;
    const char *why;
};

static int end_tx(struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    (void)call;
    const struct ending *ending = arg;
    return ending->is_done
               ? shoal_db_exec(tx, &inbox_done, SHOAL_ARGS(SHOAL_I64(ending->id)), NULL, err)
               : shoal_db_exec(tx, &inbox_again,
                     SHOAL_ARGS(SHOAL_I64(ending->id), SHOAL_TIME(ending->next_ms),
                         SHOAL_TEXT(ending->why)),
                     NULL, err);
}

static int work_row(struct shoal_call *call, struct row *row, struct shoal_err *err)
{
    struct shoal_err own = {0};
    struct shoal_actor signer;
    json_t *activity = shoal_json_parse(row->body, strlen(row->body), &own);
    int code = activity == NULL ? SHOAL_EINVAL : shoal_actor_get(call, row->signer_id, &signer, &own);
    code = code != 0 ? code : fed_apply_bytes(call, activity, row->body, &signer, false, &own);
    json_decref(activity);
    bool again = code != 0 && fed_passes(code) && row->attempts + 1 < ATTEMPTS_MAX;
    if (code != 0) { // who fills our inbox does not fill the log with it
        shoal_debug("an activity is %s: %s", again ? "tried again later" : "dropped", own.text);
    }
    struct ending ending = {.id = row->id,
        .is_done = !again,
        .next_ms = shoal_now_ms() + (RETRY_MS << row->attempts),
        .why = own.text};
    row->is_put_off = again;
    return shoal_tx(call, end_tx, &ending, err);
}

static int begun_tx(struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    (void)call;
    return shoal_db_exec(tx, &inbox_begun, SHOAL_ARGS(SHOAL_I64(*(const int64_t *)arg)), NULL, err);
}

// A job that was cut off before counts each one before it is applied: what ends the server is dropped
// after a few times.
static int work_carefully(struct shoal_call *call, struct row *row, struct shoal_err *err)
{
    int64_t id = row->id;
    if (row->attempts >= ATTEMPTS_MAX) {
        shoal_warn("an activity is dropped that the server does not get over: %.200s", row->activity_id);
        return shoal_tx(call, end_tx, &(struct ending){.id = id, .is_done = true}, err);
    }
    int code = shoal_tx(call, begun_tx, &id, err);
    return code != 0 ? code : work_row(call, row, err);
}

static int next_rows(struct shoal_call *call, const char *host, struct row *out, int *count,
    struct shoal_err *err)
{
    *count = 0;
    struct shoal_rows *rows = shoal_db_query(shoal_call_db(call), &inbox_next,
        SHOAL_ARGS(SHOAL_TEXT(host), SHOAL_TIME(shoal_now_ms())), err);
    if (rows == NULL) {
        return err->code;
    }
    size_t bytes = 0;
    while (*count < LOT && bytes < LOT_BYTES && shoal_rows_next(rows)) {
        const char *body = shoal_col_text(rows, 2);
        size_t length = strlen(body);
        char *copy = shoal_arena_try_copy(shoal_call_arena(call), body, length);
        if (copy == NULL) {
            break;
        }
        bytes += length;
        out[(*count)++] = (struct row){.id = shoal_col_i64(rows, 0),
            .signer_id = shoal_col_i64(rows, 1),
            .activity_id = shoal_arena_strdup(shoal_call_arena(call), shoal_col_text(rows, 4)),
            .body = copy,
            .attempts = shoal_col_i64(rows, 3)};
    }
    return shoal_rows_close(rows, err);
}

struct rest {
    const char *host;
};

// What is left of a host is the work of another job, behind those of hosts that wait already.
static int rest_tx(struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    const struct rest *rest = arg;
    int64_t next_ms = 0, signer_id = 0;
    struct shoal_rows *rows =
        shoal_db_query(tx, &inbox_when, SHOAL_ARGS(SHOAL_TEXT(rest->host)), err);
    if (rows != NULL && shoal_rows_next(rows)) {
        next_ms = shoal_col_i64(rows, 0);
        signer_id = shoal_col_i64(rows, 1);
    }
    int code = rows == NULL ? err->code : shoal_rows_close(rows, err);
    if (code != 0 || next_ms == 0) {
        return code;
    }
    int64_t now_ms = shoal_now_ms();
    json_t *payload = json_pack("{s:s}", "host", rest->host);
    struct shoal_job_options options = {.unique = rest->host,
        .subject = rest->host,
        .priority = priority_of(call, rest->host, signer_id),
        .run_at_ms = next_ms > now_ms ? next_ms : now_ms};
    code = shoal_job_add(fed_plugin, tx, "inbox", payload, &options, NULL, err);
    json_decref(payload);
    return code;
}

// Hosts that jobs of this process work off now: a busy one has one job, however much comes meanwhile.
struct turn {
    const char *host;
    struct turn *next;
};
static struct {
    pthread_mutex_t lock;
    struct turn *first;
} turns = {.lock = PTHREAD_MUTEX_INITIALIZER};

static bool turn_begin(struct turn *turn)
{
    bool is_free = true;
    pthread_mutex_lock(&turns.lock);
    for (const struct turn *other = turns.first; other != NULL && is_free; other = other->next) {
        is_free = strcmp(other->host, turn->host) != 0;
    }
    if (is_free) {
        turn->next = turns.first;
        turns.first = turn;
    }
    pthread_mutex_unlock(&turns.lock);
    return is_free;
}

static void turn_end(const struct turn *turn)
{
    pthread_mutex_lock(&turns.lock);
    struct turn **at = &turns.first;
    while (*at != turn) {
        at = &(*at)->next;
    }
    *at = turn->next;
    pthread_mutex_unlock(&turns.lock);
}

// One turn: lots until nothing is due, or the time is over. Each activity has memory of its own. Behind one
// that is put off the lot is read anew: others of it may have to wait now.
static int work_host(struct shoal_call *call, const struct shoal_job *job, const char *host,
    struct shoal_err *err)
{
    int64_t until_ms = shoal_tick_ms() + TURN_MS;
    struct row rows[LOT];
    int count = 0, code = 0, done = 0;
    struct shoal_arena *lot = shoal_arena_new(0), *one = shoal_arena_new(0);
    struct shoal_arena *own = shoal_call_arena_use(call, lot);
    do {
        shoal_arena_reset(lot);
        code = next_rows(call, host, rows, &count, err);
        for (int i = 0; i < count && code == 0; i++) {
            if (shoal_call_cancelled(call) || shoal_tick_ms() > until_ms) {
                count = 0;
                break;
            }
            shoal_call_arena_use(call, one);
            code = job->attempt > 1 ? work_carefully(call, &rows[i], err) : work_row(call, &rows[i], err);
            shoal_call_arena_use(call, lot);
            shoal_arena_reset(one);
            done++;
            if (code == 0 && done % 8 == 0) {
                code = shoal_job_progress(call, job, 50);
            }
            if (rows[i].is_put_off) {
                break;
            }
        }
    } while (code == 0 && count > 0);
    shoal_call_arena_use(call, own);
    shoal_arena_free(lot);
    shoal_arena_free(one);
    return code;
}

// Works off what a host sent. A job that finds another one at it leaves it to that one, which looks once
// more when it has ended.
static int inbox_job(struct shoal_call *call, const struct shoal_job *job, void *arg,
    struct shoal_err *err)
{
    (void)arg;
    struct turn turn = {.host = shoal_text(job->payload, "host", "")};
    if (!turn_begin(&turn)) {
        return 0;
    }
    int code = work_host(call, job, turn.host, err);
    turn_end(&turn);
    struct rest rest = {turn.host};
    return code != 0 ? code : shoal_tx(call, rest_tx, &rest, err);
}

int fed_inbox_start(struct shoal_plugin *self, struct shoal_err *err)
{
    static const char *const paths[] = {
        "/inbox", "/accounts/{name}/inbox", "/video-channels/{name}/inbox"};
    fed_types_clear();
    int code = 0;
    for (size_t i = 0; i < sizeof paths / sizeof *paths && code == 0; i++) {
        struct shoal_route route = {.method = "POST",
            .path = paths[i],
            .head = inbox_head,
            .handler = inbox_post,
            .auth = SHOAL_AUTH_NONE,
            .body = SHOAL_BODY_DATA,
            .body_max_bytes = FED_BODY_MAX,
            .timeout_ms = 20000,
            .rate = SHOAL_RATE_PEER};
        code = shoal_route_add(self, &route, err);
    }
    struct shoal_job_kind kind = {
        .kind = "inbox", .run = inbox_job, .concurrency = 4, .attempts = 20, .lease_s = 90};
    code = code != 0 ? code : shoal_job_kind_add(self, &kind, err);
    return code != 0 ? code : fed_blocks_start(self, err);
}

// delivery_send.c - the job "send": takes hosts that are due, and has hundreds of requests under way.
//
// One loop on one worker: fill the flight (each host as much as its breaker lets), take what ended, and
// write what became of it in lots. A host is let go when its queue is empty, it has to be left alone, or
// others wait for their turn. Bytes are shared by all who get them, and bounded together.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <shoal/metrics.h>

#include "delivery.h"

#define FLYING_MAX 512
#define HOSTS_MAX 256
#define ITEMS_MAX (FLYING_MAX * 2)
#define BODIES_MAX 64
#define BODY_BYTES_MAX (16u * 1024 * 1024) // under way together
#define AHEAD 8         // items of a host that are read at once
#define TURN 64         // deliveries to a host before others have their turn
#define BURST 32        // requests that are begun before answers are looked at
#define WRITE_ITEMS 128 // that ended: they are written together
#define WRITE_MS 200
#define RENEW_MS 5000
#define SAY_MS 2000
#define CLAIM_MS 250 // between two looks for hosts while others are served
#define ANSWER_BYTES 65536

SHOAL_SQL(send_body, "SELECT actor_id, body FROM delivery_out WHERE id = $1");

struct dlv_body {
    int64_t out_id, actor_id;
    char *bytes;
    size_t length;
    int users;
};
struct sender {
    struct shoal_call *call;
    const struct shoal_job *job;
    struct shoal_flight *flight;
    struct shoal_arena *scratch, *own;
    char holder[33];
    struct dlv_host hosts[HOSTS_MAX];
    struct dlv_item items[ITEMS_MAX];
    struct dlv_body bodies[BODIES_MAX];
    size_t body_bytes;
    int flying, flying_max, per_host, ended, held, turn;
    int64_t pause_ms, timeout_ms, order;
    int64_t ended_since_ms, renewed_ms, said_ms, claimed_ms;
    bool are_more; ///< hosts are due that found no slot
};

// Bodies.

static struct dlv_body *body_get(struct sender *sender, int64_t out_id, struct shoal_err *err)
{
    struct dlv_body *slot = NULL;
    for (int i = 0; i < BODIES_MAX; i++) {
        struct dlv_body *body = &sender->bodies[i];
        if (body->bytes != NULL && body->out_id == out_id) {
            return body;
        }
        bool is_better = body->bytes == NULL ? slot == NULL || slot->bytes != NULL : slot == NULL;
        slot = body->users == 0 && is_better ? body : slot;
    }
    if (slot == NULL || (sender->flying > 0 && sender->body_bytes > BODY_BYTES_MAX)) {
        shoal_fail(err, SHOAL_EFULL, "enough is under way");
        return NULL;
    }
    sender->body_bytes -= slot->bytes != NULL ? slot->length : 0;
    free(slot->bytes);
    *slot = (struct dlv_body){.out_id = out_id};
    struct shoal_rows *rows = shoal_db_query(
        shoal_call_db(sender->call), &send_body, SHOAL_ARGS(SHOAL_I64(out_id)), err);
    if (rows != NULL && shoal_rows_next(rows)) {
        slot->actor_id = shoal_col_i64(rows, 0);
        slot->bytes = strdup(shoal_col_text(rows, 1));
        slot->length = slot->bytes != NULL ? strlen(slot->bytes) : 0;
    }
    if (rows == NULL || shoal_rows_close(rows, err) != 0 || slot->bytes == NULL) {
        shoal_fail(err, rows == NULL ? SHOAL_EIO : SHOAL_ENOTFOUND, "its activity is not there");
        return NULL;
    }
    sender->body_bytes += slot->length;
    return slot;
}

// Items and hosts.

static bool is_used(int64_t id, void *arg)
{
    const struct sender *sender = arg;
    for (int i = 0; i < ITEMS_MAX; i++) {
        if (sender->items[i].phase != DLV_FREE && sender->items[i].id == id) {
            return true;
        }
    }
    return false;
}

static void item_end(struct sender *sender, struct dlv_item *item, enum dlv_verdict verdict)
{
    struct dlv_host *host = &sender->hosts[item->host];
    *(item->phase == DLV_FLYING ? &host->flying : &host->waiting) -= 1;
    host->ended++;
    item->phase = DLV_ENDED;
    item->verdict = verdict;
    if (item->body != NULL) {
        item->body->users--;
        item->body = NULL;
    }
    sender->ended_since_ms = sender->ended++ == 0 ? shoal_tick_ms() : sender->ended_since_ms;
}

static void item_free(struct sender *sender, struct dlv_item *item)
{
    struct dlv_host *host = &sender->hosts[item->host];
    host->waiting -= item->phase == DLV_WAITING ? 1 : 0;
    host->ended -= item->phase == DLV_ENDED ? 1 : 0;
    free(item->inbox);
    *item = (struct dlv_item){0};
}

/// Reads the next few of a host's queue into free items.
static void host_read(struct sender *sender, int index)
{
    struct dlv_host *host = &sender->hosts[index];
    struct dlv_item next[AHEAD + ITEMS_MAX / 16];
    int used = host->waiting + host->flying + host->ended;
    int room = used + AHEAD < (int)(sizeof next / sizeof *next) ? used + AHEAD
                                                                : (int)(sizeof next / sizeof *next);
    struct shoal_err err = {0};
    if (!dlv_reaches(sender->call, host->name)) {
        dlv_queue_forget(sender->call, host->id, &err);
        host->is_drained = true;
        return;
    }
    int count = dlv_queue_next(sender->call, host->id, room, is_used, sender, next, &err);
    host->is_drained = count < AHEAD;
    int taken = 0;
    for (int i = 0; i < ITEMS_MAX && taken < count; i++) {
        if (sender->items[i].phase == DLV_FREE) {
            sender->items[i] = next[taken++];
            sender->items[i].host = index;
            sender->items[i].order = ++sender->order;
            sender->items[i].phase = DLV_WAITING;
            host->waiting++;
        }
    }
    for (; taken < count; taken++) {
        free(next[taken].inbox);
        host->is_drained = false;
    }
}

static struct dlv_item *item_of(struct sender *sender, int index)
{
    struct dlv_item *first = NULL;
    for (int i = 0; i < ITEMS_MAX; i++) {
        struct dlv_item *item = &sender->items[i];
        if (item->phase == DLV_WAITING && item->host == index &&
            (first == NULL || item->order < first->order)) {
            first = item;
        }
    }
    return first;
}

// Requests.

/// Signs and begins one. Returns false where the flight, or what may be under way, is full.
static bool item_begin(struct sender *sender, struct dlv_item *item)
{
    struct shoal_err err = {0};
    item->body = body_get(sender, item->out_id, &err);
    if (item->body == NULL) {
        if (err.code == SHOAL_ENOTFOUND) {
            item_end(sender, item, DLV_REFUSED);
        }
        return err.code == SHOAL_ENOTFOUND;
    }
    item->body->users++;
    shoal_arena_reset(sender->scratch);
    shoal_call_arena_use(sender->call, sender->scratch);
    const char *const *signed_headers = dlv_sign(sender->call, item->body->actor_id, item->inbox,
        item->body->bytes, item->body->length, &item->is_modern, &err);
    const char *headers[32];
    int count = 0;
    while (signed_headers != NULL && signed_headers[count] != NULL && count < 28) {
        headers[count] = signed_headers[count];
        count++;
    }
    headers[count++] = "Content-Type: application/activity+json";
    headers[count++] = "Accept: application/activity+json, application/ld+json";
    headers[count++] = "Expect:";
    headers[count] = NULL;
    const struct shoal_fetch what = {.method = "POST",
        .url = item->inbox,
        .headers = headers,
        .body = item->body->bytes,
        .body_bytes = item->body->length,
        .max_bytes = ANSWER_BYTES,
        .timeout_ms = (uint32_t)sender->timeout_ms,
        .redirects = -1};
    int code = signed_headers == NULL
                   ? err.code
                   : shoal_flight_begin(sender->call, sender->flight, &what, item, &err);
    shoal_call_arena_use(sender->call, sender->own);
    struct dlv_host *host = &sender->hosts[item->host];
    if (code == 0) {
        item->phase = DLV_FLYING;
        item->begun_ms = shoal_now_ms();
        host->waiting--;
        host->flying++;
        host->sent++;
        sender->flying++;
        return true;
    }
    if (code == SHOAL_EFULL || code == SHOAL_EBUSY) {
        item->body->users--;
        item->body = NULL;
        return false;
    }
    shoal_warn("a delivery to %s cannot be sent: %s", item->inbox, err.text);
    item->tries++;
    item->again_ms = shoal_now_ms() + dlv_retry_ms(sender->pause_ms, item->tries);
    item_end(sender, item,
        code == SHOAL_EINVAL || code == SHOAL_ENOTFOUND || item->tries > 4 ? DLV_REFUSED : DLV_LATER);
    return true;
}

/// As many as the breakers let, a burst at a time, each host in its turn.
static int fill(struct sender *sender)
{
    int begun = 0;
    int64_t now = shoal_now_ms();
    for (int n = 0; n < HOSTS_MAX && sender->flying < sender->flying_max && begun < BURST; n++) {
        int index = sender->turn = (sender->turn + 1) % HOSTS_MAX;
        struct dlv_host *host = &sender->hosts[index];
        if (!host->is_there || host->is_leaving) {
            continue;
        }
        if (sender->are_more && host->sent >= TURN) {
            host->is_drained = true;
            continue;
        }
        if (host->waiting == 0 && !host->is_drained) {
            host_read(sender, index);
        }
        int room = dlv_breaker_room(&host->breaker, now, sender->per_host) - host->flying;
        struct dlv_item *item;
        while (room-- > 0 && host->waiting > 0 && sender->flying < sender->flying_max &&
               (item = item_of(sender, index)) != NULL) {
            if (!item_begin(sender, item)) {
                return begun;
            }
            begun++;
        }
    }
    return begun;
}

static void judge(struct sender *sender, struct dlv_item *item, int code,
    const struct shoal_fetched *fetched, const struct shoal_err *err)
{
    struct dlv_host *host = &sender->hosts[item->host];
    int64_t now = shoal_now_ms();
    item->tries += fetched->status != 0 ? 1 : 0; // else it is not about this one
    enum dlv_verdict verdict = dlv_judge(code, fetched->status, item->tries);
    enum dlv_change change = DLV_SAME;
    char why[160];
    bool asks = fetched->status == 401 && fetched->header(fetched, "accept-signature") != NULL;
    if (fetched->status == 401) {
        dlv_sign_refused(sender->call, item->inbox, item->is_modern, asks);
    }
    if (fetched->status != 0) {
        snprintf(why, sizeof why, "it answers %d", fetched->status);
    } else {
        snprintf(why, sizeof why, "%.150s", err->text);
    }
    item->again_ms = 0;
    if (verdict == DLV_HOST_FAILED) {
        change = dlv_breaker_failed(&host->breaker, now, item->begun_ms, sender->pause_ms, why);
        // It may be about this one alone: then others have their turn before it.
        item->again_ms = fetched->status != 0 && item->tries >= DLV_ALONE_AFTER
                             ? host->breaker.next_ms +
                                   dlv_retry_ms(sender->pause_ms, item->tries - DLV_ALONE_AFTER + 1)
                             : 0;
        shoal_metric_add(&dlv_metric_failed, fetched->status != 0 ? "5xx"
            : code == SHOAL_ETIMEOUT ? "timeout" : "unreachable", 1);
    } else if (verdict == DLV_HOST_WAITS) {
        item->tries--;
        dlv_breaker_wait(&host->breaker, now, dlv_retry_after(fetched));
        shoal_metric_add(&dlv_metric_failed, "busy", 1);
    } else {
        // It was the host then, and not one delivery that it cannot take.
        host->is_back |= host->breaker.failures > DLV_ALONE_AFTER;
        change = dlv_breaker_ok(&host->breaker, now);
        // Who says how it is to be signed gets it so at once, but once.
        item->again_ms = now + (asks && item->tries == 1 ? 0 : dlv_retry_ms(sender->pause_ms, item->tries));
    }
    if (verdict == DLV_DELIVERED) {
        shoal_metric_add(&dlv_metric_delivered, NULL, 1);
    } else if (verdict == DLV_REFUSED || verdict == DLV_INBOX_GONE || verdict == DLV_LATER) {
        shoal_metric_add(&dlv_metric_failed, verdict == DLV_INBOX_GONE ? "gone" : "refused", 1);
    }
    // Who says no to us, or knows the inbox no more, does so each time; what is wrong is said once a turn.
    bool is_wrong = fetched->status != 401 && fetched->status != 403 && fetched->status != 404;
    if (verdict == DLV_REFUSED && is_wrong && !host->is_told) {
        shoal_warn("%s does not take a delivery, which is given up: %s", item->inbox, why);
        host->is_told = true;
    } else if (verdict == DLV_REFUSED) {
        shoal_debug("%s does not take a delivery, which is given up: %s", item->inbox, why);
    }
    host->change = change != DLV_SAME ? change : host->change;
    host->is_touched = true;
    if (change != DLV_SAME) {
        shoal_info("server %s is %s", host->name,
            change == DLV_BACK   ? "back"
            : change == DLV_SLOW ? shoal_arena_printf(sender->own, "slow: %s", why)
                                 : shoal_arena_printf(sender->own, "down: %s", why));
    }
    item_end(sender, item, verdict);
}

/// Takes all that ended; waits for the first.
static void take(struct sender *sender, int64_t wait_ms)
{
    void *mark = NULL;
    int code = 0;
    struct shoal_fetched fetched = {0};
    struct shoal_err err = {0};
    while (shoal_flight_take(sender->flight, wait_ms, &mark, &fetched, &code, &err) == 1) {
        struct dlv_item *item = mark;
        sender->flying--;
        if (code == SHOAL_ECANCELLED) { // the server stops: it goes again
            item->body->users--;
            item->body = NULL;
            item->phase = DLV_WAITING;
            sender->hosts[item->host].flying--;
            sender->hosts[item->host].waiting++;
        } else {
            judge(sender, item, code, &fetched, &err);
        }
        wait_ms = 0;
        err = (struct shoal_err){0};
        if (sender->ended >= WRITE_ITEMS) {
            return;
        }
    }
}

// The books.

/// Hosts that have nothing to do for now are let go.
static int mark_leaving(struct sender *sender, bool is_end)
{
    int leaving = 0;
    int64_t now = shoal_now_ms();
    for (int i = 0; i < HOSTS_MAX; i++) {
        struct dlv_host *host = &sender->hosts[i];
        bool is_idle = (host->waiting == 0 && host->is_drained) ||
                       dlv_breaker_room(&host->breaker, now, 1) == 0;
        host->is_leaving = host->is_there && host->flying == 0 && (is_idle || is_end);
        leaving += host->is_leaving ? 1 : 0;
    }
    return leaving;
}

static void let_go(struct sender *sender)
{
    for (int i = 0; i < ITEMS_MAX; i++) {
        struct dlv_item *item = &sender->items[i];
        bool is_over = item->phase == DLV_ENDED ||
                       (item->phase == DLV_WAITING && sender->hosts[item->host].is_leaving);
        if (is_over) {
            item_free(sender, item);
        }
    }
    sender->ended = 0;
    for (int i = 0; i < HOSTS_MAX; i++) {
        struct dlv_host *host = &sender->hosts[i];
        host->is_touched = host->is_back = false;
        host->change = DLV_SAME;
        if (host->is_leaving) {
            free(host->name);
            *host = (struct dlv_host){0};
            sender->held--;
        }
    }
}

/// Writes what came out, where that is due.
static int write_down(struct sender *sender, bool is_end, struct shoal_err *err)
{
    int64_t now = shoal_tick_ms();
    int leaving = mark_leaving(sender, is_end);
    bool is_due = sender->ended >= WRITE_ITEMS || is_end ||
                  ((sender->ended > 0 || leaving > 0) &&
                      (sender->flying == 0 || now - sender->ended_since_ms >= WRITE_MS));
    if (!is_due || (sender->ended == 0 && leaving == 0)) {
        return 0;
    }
    struct dlv_item *ended[ITEMS_MAX];
    int count = 0;
    for (int i = 0; i < ITEMS_MAX; i++) {
        if (sender->items[i].phase == DLV_ENDED) {
            ended[count++] = &sender->items[i];
        }
    }
    const struct dlv_results results = {.holder = sender->holder,
        .items = ended,
        .item_count = count,
        .hosts = sender->hosts,
        .host_count = HOSTS_MAX};
    int code = dlv_queue_write(sender->call, &results, err);
    if (code == 0) {
        let_go(sender);
    }
    return code;
}

static int renew(struct sender *sender, struct shoal_err *err)
{
    int64_t now = shoal_tick_ms();
    if (sender->held == 0 || now - sender->renewed_ms < RENEW_MS) {
        return 0;
    }
    sender->renewed_ms = now;
    return dlv_queue_renew(sender->call, sender->holder, err);
}

struct wake {
    int64_t at_ms;
    char said[160];
};

static int wake_tx(struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    (void)call;
    const struct wake *wake = arg;
    return dlv_queue_wake(tx, wake->at_ms, wake->said, err);
}

/// Another sender: at once, to help, or when the next host is due. It says how many wait.
static int wake(struct sender *sender, int64_t at_ms, struct shoal_err *err)
{
    struct wake next = {.at_ms = at_ms};
    int64_t waiting = 0, hosts = 0;
    dlv_queue_count(sender->call, &waiting, &hosts);
    snprintf(next.said, sizeof next.said, "%lld deliveries to %lld servers wait, %d are under way",
        (long long)waiting, (long long)hosts, sender->flying);
    shoal_metric_set(&dlv_metric_waiting, NULL, (double)waiting);
    return shoal_tx(sender->call, wake_tx, &next, err);
}

static int claim(struct sender *sender, struct shoal_err *err)
{
    int64_t now = shoal_tick_ms();
    if (sender->held > 0 && now - sender->claimed_ms < CLAIM_MS) {
        return 0;
    }
    sender->claimed_ms = now;
    int count = 0;
    int code = dlv_queue_claim(
        sender->call, sender->holder, sender->hosts, HOSTS_MAX, &count, err);
    sender->held += count;
    int64_t due = code == 0 && sender->held == HOSTS_MAX ? dlv_queue_next_due(sender->call) : 0;
    bool were_more = sender->are_more;
    sender->are_more = due > 0 && due <= shoal_now_ms();
    if (sender->are_more && !were_more) { // another worker may help
        code = wake(sender, due, err);
    }
    return code;
}

/// For `shoal jobs`: how many wait.
static void say(struct sender *sender)
{
    int64_t now = shoal_tick_ms();
    if (now - sender->said_ms < SAY_MS) {
        return;
    }
    sender->said_ms = now;
    int64_t waiting = 0, hosts = 0;
    char text[160];
    dlv_queue_count(sender->call, &waiting, &hosts);
    snprintf(text, sizeof text, "%lld deliveries to %lld servers wait, %d are under way",
        (long long)waiting, (long long)hosts, sender->flying);
    shoal_job_subject(sender->call, sender->job, text, NULL);
    shoal_job_progress(sender->call, sender->job, 0);
    shoal_metric_set(&dlv_metric_waiting, NULL, (double)waiting);
    shoal_metric_set(&dlv_metric_flying, NULL, (double)sender->flying);
}

static int loop(struct sender *sender, struct shoal_err *err)
{
    int code = 0;
    while (code == 0 && !shoal_call_cancelled(sender->call)) {
        code = claim(sender, err);
        if (code != 0 || sender->held == 0) {
            break;
        }
        int begun = fill(sender);
        // What can be begun now is begun before anything is waited for.
        take(sender, begun > 0 || sender->flying == 0 ? 0 : WRITE_MS / 4);
        code = write_down(sender, false, err);
        code = code != 0 ? code : renew(sender, err);
        say(sender);
    }
    return code;
}

static int end(struct sender *sender, struct shoal_err *err)
{
    while (sender->flying > 0) { // not cancelled: an error of the database; or the server stops
        int before = sender->flying;
        take(sender, WRITE_MS);
        if (sender->flying == before && shoal_call_cancelled(sender->call)) {
            break;
        }
    }
    for (int i = 0; i < HOSTS_MAX; i++) {
        sender->hosts[i].flying = 0;
    }
    int code = write_down(sender, true, err);
    int64_t due = dlv_queue_next_due(sender->call);
    if (code == 0 && due > 0) {
        code = wake(sender, due, err);
    }
    shoal_metric_set(&dlv_metric_flying, NULL, 0);
    return code;
}

static void sender_free(struct sender *sender)
{
    shoal_flight_close(sender->flight);
    for (int i = 0; i < ITEMS_MAX; i++) {
        free(sender->items[i].inbox);
    }
    for (int i = 0; i < HOSTS_MAX; i++) {
        free(sender->hosts[i].name);
    }
    for (int i = 0; i < BODIES_MAX; i++) {
        free(sender->bodies[i].bytes);
    }
    shoal_arena_free(sender->scratch);
    free(sender);
}

int dlv_send(struct shoal_call *call, const struct shoal_job *job, void *arg, struct shoal_err *err)
{
    (void)arg;
    if (!dlv_enabled(call)) {
        return 0; // tidying wakes it again
    }
    struct sender *sender = calloc(1, sizeof *sender);
    if (sender == NULL) {
        return shoal_fail(err, SHOAL_EBUSY, "no memory for deliveries");
    }
    sender->call = call;
    sender->job = job;
    sender->own = shoal_call_arena(call);
    sender->scratch = shoal_arena_new(16384);
    sender->flying_max = (int)shoal_setting_i64(dlv_plugin, "in_flight");
    sender->per_host = (int)shoal_setting_i64(dlv_plugin, "per_host");
    sender->pause_ms = shoal_setting_i64(dlv_plugin, "pause");
    sender->timeout_ms = shoal_setting_i64(dlv_plugin, "timeout");
    sender->renewed_ms = sender->said_ms = shoal_tick_ms();
    shoal_random_hex(sender->holder, 16);
    sender->flight = shoal_flight_open(call, sender->flying_max, err);
    int code = 0;
    if (sender->flight != NULL) { // else others send, and take these too
        code = loop(sender, err);
        int ended = end(sender, code == 0 ? err : NULL);
        code = code != 0 ? code : ended;
    }
    sender_free(sender);
    return code;
}

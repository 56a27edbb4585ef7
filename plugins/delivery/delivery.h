// delivery.h - what the parts of delivery share.
//
// dlv_deliver() writes one row (out); the job "spread" has its bytes made and a queue row for each inbox; the
// job "send" takes hosts that are due, and sends to all of them at once.
// SPDX-License-Identifier: AGPL-3.0-or-later
#ifndef DELIVERY_H
#define DELIVERY_H
#include <shoal/base.h>
#include <shoal/call.h>
#include <shoal/db.h>
#include <shoal/error.h>
#include <shoal/fetch.h>
#include <shoal/follows.h>
#include <shoal/jobs.h>
#include <shoal/json.h>
#include <shoal/metrics.h>
#include <shoal/plugin.h>
#include <shoal/remote.h>
#include <shoal/settings.h>
#include <shoal/svc/delivery.h>
#include <shoal/timer.h>

extern struct shoal_plugin *dlv_plugin;

#define DLV_BODY_MAX (1024u * 1024) ///< of an activity
#define DLV_ACTORS_MAX 8     ///< whose followers one activity goes to
#define DLV_INBOXES_MAX 1000 ///< that one activity names besides
#define DLV_LOT 250          ///< inboxes that are queued in one transaction
#define DLV_QUEUE_MAX 20000  ///< that may wait for one host; beyond it the least urgent go
#define DLV_SLOW_AFTER 3     ///< failures in a row, after which a host is told to be slow
#define DLV_DOWN_AFTER 6
#define DLV_ALONE_AFTER 3 ///< answers of 5xx to one delivery, after which others go before it

// The rules of who gives deliveries (delivery_rules.c); see svc/delivery.h. Without any, nothing goes out.

int dlv_rules_set(const struct shoal_delivery_rules *rules, struct shoal_err *err);
void dlv_rules_forget(void);
bool dlv_enabled(struct shoal_call *call);
const char *dlv_url_host(struct shoal_call *call, const char *inbox);
bool dlv_reaches(struct shoal_call *call, const char *host);
/// Whether it was decided here that nothing goes to this host; not so while nobody gives deliveries.
bool dlv_shuns(struct shoal_call *call, const char *host);
char *dlv_finish(struct shoal_call *call, int64_t actor_id, const char *context, bool is_signed,
    json_t *activity, struct shoal_err *err);
bool dlv_is_asked(struct shoal_call *call);
enum shoal_verdict dlv_may(struct shoal_call *call, const json_t *activity, const char *host,
    int64_t actor_id, int64_t video_id);
const char *const *dlv_sign(struct shoal_call *call, int64_t actor_id, const char *inbox,
    const void *body, size_t body_bytes, bool *is_modern, struct shoal_err *err);
void dlv_sign_refused(struct shoal_call *call, const char *inbox, bool was_modern, bool asks);

// The breaker: how much a host is asked, by how it answered. No database here.

struct dlv_breaker {
    int64_t failures;       ///< in a row
    int64_t silent_since_ms; ///< the first of them
    int64_t last_ok_ms, next_ms;
    int64_t failed_ms; ///< when the last failure was seen, by this process
    char last_error[160];
};
enum dlv_change { DLV_SAME = 0, DLV_SLOW, DLV_DOWN, DLV_BACK };
enum dlv_change dlv_breaker_ok(struct dlv_breaker *breaker, int64_t now_ms);
/// begun_ms: when the request was sent: what was under way together fails once.
enum dlv_change dlv_breaker_failed(struct dlv_breaker *breaker, int64_t now_ms, int64_t begun_ms,
    int64_t pause_ms, const char *why);
/// The host asks to be left alone (429, Retry-After): it is well, and waits.
void dlv_breaker_wait(struct dlv_breaker *breaker, int64_t now_ms, int64_t wait_ms);
/// How many requests it may have under way now.
int dlv_breaker_room(const struct dlv_breaker *breaker, int64_t now_ms, int most);
const char *dlv_breaker_state(int64_t failures);

// What an answer means for the one who waits.

enum dlv_verdict {
    DLV_DELIVERED,
    DLV_INBOX_GONE, ///< 410
    DLV_REFUSED,    ///< it will never be taken
    DLV_LATER,      ///< this one again, later
    DLV_HOST_WAITS, ///< 429: the host later
    DLV_HOST_FAILED,
};
/// code: of the request; status: of the answer; tries: of this delivery, this one counted.
enum dlv_verdict dlv_judge(int code, int status, int64_t tries);
/// Before a delivery that failed `tries` times is tried again.
int64_t dlv_retry_ms(int64_t pause_ms, int64_t tries);
/// Retry-After in ms, within bounds.
int64_t dlv_retry_after(const struct shoal_fetched *fetched);

// The queues.

/// One row of a queue while it is sent.
struct dlv_item {
    int64_t id, out_id, tries;
    int64_t begun_ms;
    int64_t order; ///< in which it was read
    int host; ///< index in the sender's list
    enum { DLV_FREE = 0, DLV_WAITING, DLV_FLYING, DLV_ENDED } phase;
    enum dlv_verdict verdict;
    int64_t again_ms;
    char *inbox;
    bool is_modern; ///< which way it is signed
    struct dlv_body *body;
};
/// A host that this sender holds.
struct dlv_host {
    int64_t id;
    char *name;
    struct dlv_breaker breaker;
    enum dlv_change change;
    int waiting, flying, ended; ///< items of it by phase
    int sent;
    bool is_there;    ///< the slot is used
    bool is_touched;  ///< its row is to be written
    bool is_drained;  ///< nothing more is taken from its queue now
    bool is_back;     ///< it answers again: what failed before may go at once
    bool is_leaving;  ///< it is let go with the next write
    bool is_told;     ///< that it takes something never: once is enough
};

/// What is known of an activity that goes out, besides its bytes.
struct dlv_out {
    int64_t id, actor_id, priority;
    int64_t subject;      ///< dlv_subject() of it
    const char *replaces; ///< or ""
};
/// A number for the object that an activity is about: those about one object go to each inbox in order.
int64_t dlv_subject(const json_t *activity);
/// Adds an inbox to the queue of its host. host_id: 0, or the host's from the call before.
int dlv_queue_add(struct shoal_db *tx, int64_t *host_id, const char *host, const char *inbox,
    const struct dlv_out *out, struct shoal_err *err);
/// The host has something that may go now.
int dlv_queue_due(struct shoal_db *tx, int64_t host_id, int64_t priority, struct shoal_err *err);
/// Has the sender look at once, or (at_ms) later. subject: what `shoal jobs` shows, or NULL: as it was.
int dlv_queue_wake(struct shoal_db *tx, int64_t at_ms, const char *subject, struct shoal_err *err);
/// Takes hosts that are due into free slots of hosts[most]; *count: how many.
int dlv_queue_claim(struct shoal_call *call, const char *holder, struct dlv_host *hosts, int most,
    int *count, struct shoal_err *err);
/// The next items of a host that are not in use, in order; -1 on an error.
int dlv_queue_next(struct shoal_call *call, int64_t host_id, int room,
    bool (*is_used)(int64_t id, void *arg), void *arg, struct dlv_item *out, struct shoal_err *err);
/// Writes what became of items and hosts in one transaction; hosts that are leaving are let go.
struct dlv_results {
    const char *holder;
    struct dlv_item *const *items;
    int item_count;
    struct dlv_host *hosts; ///< slots; an item names one by its index
    int host_count;
};
int dlv_queue_write(struct shoal_call *call, const struct dlv_results *results,
    struct shoal_err *err);
int dlv_queue_renew(struct shoal_call *call, const char *holder, struct shoal_err *err);
/// Whether an inbox said that it is gone; `any` is asked once a page.
bool dlv_gone_any(struct shoal_call *call);
bool dlv_gone(struct shoal_call *call, const char *inbox);
/// Forgets what waits for a host that is blocked.
int dlv_queue_forget(struct shoal_call *call, int64_t host_id, struct shoal_err *err);
/// When the next host is due that nobody holds; 0: none.
int64_t dlv_queue_next_due(struct shoal_call *call);
/// How much waits, and for how many hosts.
void dlv_queue_count(struct shoal_call *call, int64_t *waiting, int64_t *hosts);
/// Once a minute: what is too old or too much goes, and the sender is woken where something is due.
int dlv_queue_tidy(struct shoal_call *call, void *arg, struct shoal_err *err);

// Jobs.

int dlv_spread(struct shoal_call *call, const struct shoal_job *job, void *arg,
    struct shoal_err *err);
void dlv_spread_gave_up(struct shoal_call *call, const struct shoal_job *job, void *arg,
    const char *why);
int dlv_spread_add(struct shoal_db *tx, int64_t out_id, int64_t priority, int64_t at_ms,
    struct shoal_err *err);
int dlv_send(struct shoal_call *call, const struct shoal_job *job, void *arg, struct shoal_err *err);

/// What another plugin had queued; see svc/delivery.h.
int dlv_take(struct shoal_call *call, struct shoal_db *tx, const char *kind, const json_t *row,
    int64_t *id, struct shoal_err *err);

// What the service does; see svc/delivery.h.

int dlv_deliver(struct shoal_call *call, struct shoal_db *tx, const struct shoal_delivery *what,
    struct shoal_err *err);
int dlv_relay(struct shoal_call *call, struct shoal_db *tx, const char *bytes, int64_t video_id,
    const char *except_host, struct shoal_err *err);
json_t *dlv_hosts(struct shoal_call *call, const char *host, int start, int count,
    struct shoal_err *err);
int dlv_host_retry(struct shoal_call *call, const char *host, struct shoal_err *err);

/// Other servers as administrators see them (delivery_hosts.c).
int dlv_hosts_start(struct shoal_plugin *self, struct shoal_err *err);

/// Writes the row of something to be said. plan: what dlv_spread() reads; body: "" while unfinished.
int dlv_out_add(struct shoal_db *tx, const struct dlv_out *out, const char *activity, const char *body,
    const json_t *plan, struct shoal_err *err);
/// Adds the actors of a video whose followers hear of it: channel and instance, and its account.
int dlv_audience_add(struct shoal_call *call, int64_t video_id, bool with_account, json_t *actors,
    struct shoal_err *err);

/// Where something goes.
struct dlv_inbox {
    const char *inbox, *host;
};

// Who knows an actor of ours, for its removal.

/// Keeps whom a delivery goes to; audience: the numbers of the actors whose followers get it.
int dlv_known_put(struct shoal_call *call, struct shoal_db *tx, const struct shoal_delivery *what,
    const json_t *audience, struct shoal_err *err);
/// Keeps that an actor elsewhere knows one of ours.
int dlv_known_meet(struct shoal_db *tx, const struct shoal_actor *own, const struct shoal_actor *other,
    struct shoal_err *err);
/// Has the follows of before this was kept walked, once.
int dlv_past_start(struct shoal_plugin *self, struct shoal_err *err);
/// The next inboxes of all that know it, in the order of their addresses after `after`.
int dlv_known_inboxes(struct shoal_call *call, int64_t actor_id, const char *after, int room,
    struct dlv_inbox *out, int *count, struct shoal_err *err);
/// Its farewell is queued for all: who they are is forgotten, but for what others need of it.
int dlv_known_forget(struct shoal_db *tx, int64_t actor_id, struct shoal_err *err);

extern struct shoal_metric dlv_metric_delivered, dlv_metric_failed, dlv_metric_waiting,
    dlv_metric_flying, dlv_metric_hosts;

#endif

// identity_prove.c - reads the keys of what waits for them, and hands on what turns out to be true.
//
// One job asks many hosts at once and waits for none of them: a host has one question under way, so that a
// slow one keeps nobody but itself. One that does not answer is asked again later, and later each time.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <string.h>

#include <shoal/fetch.h>

#include "identity_unproved.h"

#define TURNS        32
#define JOB_MS       50000
#define LOOK_MS      100  // for hosts that came meanwhile
#define TIMEOUT_MS   10000
#define TURN_MS      15000 // of all questions for one key: then no more is asked
#define ANSWER_BYTES (256u * 1024)
#define ATTEMPTS_MAX 6
#define ROW_MS       60000             // doubled with every try
#define HOST_MS      5000              // the same, of all that waits of a host
#define BUSY_MS      1000              // it may not be asked just now
#define KEPT_MS      (2 * 3600 * 1000) // then it is given up
#define OFF_MS       600000

struct shoal_metric who_metric_unproved = {.name = "federation_unproved",
    .help = "what was said by those whose key was not known here, and what became of it",
    .kind = SHOAL_COUNTER,
    .label = "outcome"};

// A host that is asked for a key.
struct turn {
    struct shoal_arena *arena; // NULL: free
    struct who_ahead *ahead;
    const char *host, *key_id;
    int64_t row_id, attempts, begun_ms;
    bool is_away; // the server did not answer, or says that it cannot now
};

struct prover {
    struct shoal_call *call;
    const struct shoal_job *job;
    struct shoal_flight *flight;
    struct shoal_arena *lot, *one;
    struct turn turns[TURNS];
    int flying;
    int64_t wait_ms; // how long a host waits that has to
};

// What was found out of a row: it is over, a question is under way, or the host has to wait.
enum step { STEP_OVER, STEP_FLIES, STEP_WAITS };

static int64_t doubled(int64_t ms, int64_t times)
{
    return ms << (times < 8 ? times : 8);
}

static enum step over(struct prover *prover, const struct who_unproved *row, const char *outcome)
{
    struct shoal_err err = {0};
    shoal_metric_add(&who_metric_unproved, outcome, 1);
    const struct who_unproved_end end = {.id = row->id, .is_over = true};
    return who_unproved_end(prover->call, &end, &err) == 0 ? STEP_OVER : STEP_WAITS;
}

static enum step again(struct prover *prover, int64_t id, int64_t attempts)
{
    struct shoal_err err = {0};
    const struct who_unproved_end end = {.id = id,
        .attempts = attempts + 1,
        .next_ms = shoal_now_ms() + doubled(ROW_MS, attempts)};
    return who_unproved_end(prover->call, &end, &err) == 0 ? STEP_OVER : STEP_WAITS;
}

static enum step hand_on(
    struct prover *prover, const struct who_unproved *row, const struct shoal_actor *signer)
{
    struct shoal_err err = {0};
    // What they said before has its turn first: it was put off while their key could not be read.
    int64_t first = who_unproved_first(prover->call, &row->claim, row->id, row->sender, signer->public_key);
    if (first != 0) {
        const struct who_unproved_end due = {.id = first, .attempts = -1, .next_ms = row->received_ms};
        return who_unproved_end(prover->call, &due, &err) == 0 ? STEP_OVER : STEP_WAITS;
    }
    if (row->claim.is_modern) {
        sign_understands(prover->call, signer->host, true);
    }
    if (prover->job->attempt > 1) { // a job was cut off: what ends the server is dropped after a few times
        const struct who_unproved_end begun = {
            .id = row->id, .attempts = row->attempts + 2, .next_ms = row->received_ms};
        if (who_unproved_end(prover->call, &begun, &err) != 0) {
            return STEP_WAITS;
        }
    }
    int code = who_proved(prover->call, signer, row->body, row->body_bytes, &err);
    if (code == SHOAL_ERATE || code == SHOAL_EINTERNAL || who_passes(code)) {
        // All of its host waits, so that nothing comes before what was said before it.
        const struct who_unproved_end same = {
            .id = row->id, .attempts = row->attempts + 1, .next_ms = row->received_ms};
        prover->wait_ms = doubled(ROW_MS, row->attempts);
        (void)who_unproved_end(prover->call, &same, &err);
        return STEP_WAITS;
    }
    if (code != 0) { // who fills our inbox does not fill the log with it
        shoal_debug("from %s: %s", signer->host, err.text);
    }
    return over(prover, row, "proven");
}

static void turn_end(struct prover *prover, struct turn *turn)
{
    struct shoal_arena *arena = turn->arena;
    *turn = (struct turn){0};
    shoal_arena_free(arena);
    prover->flying--;
}

// The key was read, or cannot be: what waits of it is looked at when its host has its next turn.
static void turn_done(struct prover *prover, struct turn *turn, int code)
{
    struct shoal_err err = {0};
    struct who_unproved_host host = {turn->host, 0, 0};
    who_reading_end(turn->key_id, turn->host, true, code);
    if (who_passes(code)) {
        (void)again(prover, turn->row_id, turn->attempts);
    }
    // One address of a server that answers is no reason to ask it for nothing else: anybody may name one.
    if (who_passes(code) && turn->is_away) {
        int64_t failures = who_unproved_attempts(prover->call, turn->host);
        host.attempts = failures + 1;
        host.next_ms = shoal_now_ms() + doubled(HOST_MS, failures);
    }
    if (who_unproved_host(prover->call, &host, &err) != 0) {
        shoal_debug("what waits of %s: %s", turn->host, err.text);
    }
    turn_end(prover, turn);
}

// Runs the reading as far as the answers go that are here.
static void turn_step(struct prover *prover, struct turn *turn)
{
    struct shoal_call *call = prover->call;
    struct shoal_actor actor;
    struct shoal_err err = {0};
    const char *const *headers = NULL;
    struct shoal_arena *own = shoal_call_arena_use(call, prover->one);
    who_ahead_use(turn->ahead);
    int code = who_key_read(call, turn->key_id, &actor, &err);
    who_ahead_use(NULL);
    const char *url = who_ahead_wanted(turn->ahead, &headers);
    shoal_call_arena_use(call, own);
    shoal_arena_reset(prover->one);
    if (url != NULL && shoal_tick_ms() - turn->begun_ms > TURN_MS) {
        code = shoal_fail(&err, SHOAL_ETIMEOUT, "%.200s takes too long", turn->host);
        turn->is_away = true;
    } else if (url != NULL) {
        const struct shoal_fetch what = {.url = url,
            .headers = headers,
            .max_bytes = ANSWER_BYTES,
            .timeout_ms = TIMEOUT_MS,
            .redirects = -1};
        err = (struct shoal_err){0};
        code = shoal_flight_begin(call, prover->flight, &what, turn, &err);
        if (code == 0) {
            return;
        }
    }
    if (code != 0) {
        shoal_debug("the key %s is not read: %s", turn->key_id, err.text);
    }
    turn_done(prover, turn, code);
}

static enum step turn_begin(struct prover *prover, const char *host, const struct who_unproved *row)
{
    struct turn *turn = prover->turns;
    while (turn->arena != NULL) {
        turn++;
    }
    struct shoal_arena *arena = shoal_arena_new(0);
    *turn = (struct turn){.arena = arena,
        .ahead = who_ahead_new(arena),
        .host = shoal_arena_strdup(arena, host),
        .key_id = shoal_arena_strdup(arena, row->claim.key_id),
        .row_id = row->id,
        .attempts = row->attempts,
        .begun_ms = shoal_tick_ms(),
        .is_away = true};
    prover->flying++;
    turn_step(prover, turn);
    return STEP_FLIES;
}

static enum step row_work(struct prover *prover, const char *host, const struct who_unproved *row)
{
    struct shoal_actor actor;
    struct shoal_err err = {0};
    bool is_known = false;
    int why = 0;
    if (row->attempts >= ATTEMPTS_MAX || shoal_now_ms() - row->received_ms > KEPT_MS) {
        return over(prover, row, "given up");
    }
    if (who_blocked(prover->call, host)) {
        return over(prover, row, "refused");
    }
    int code = who_known_fits(prover->call, &row->claim, &actor, &is_known, &err);
    if (code != 0) {
        return code < 0 ? STEP_WAITS : hand_on(prover, row, &actor);
    }
    if (who_reading_begin(row->claim.key_id, host, true, &why)) {
        return turn_begin(prover, host, row);
    }
    return who_passes(why) ? STEP_WAITS : over(prover, row, "refused");
}

// What is due of a host, until a key has to be read.
static int host_work(struct prover *prover, const char *host, struct shoal_err *err)
{
    struct who_unproved rows[UNPROVED_LOT];
    struct shoal_arena *own = shoal_call_arena_use(prover->call, prover->lot);
    enum step step = STEP_OVER;
    prover->wait_ms = BUSY_MS;
    int count = who_unproved_due(prover->call, host, rows, err);
    for (int i = 0; i < count && step == STEP_OVER && !shoal_call_cancelled(prover->call); i++) {
        shoal_call_arena_use(prover->call, prover->one);
        step = row_work(prover, host, &rows[i]);
        shoal_call_arena_use(prover->call, prover->lot);
        shoal_arena_reset(prover->one);
    }
    const struct who_unproved_host now = {host, prover->wait_ms > BUSY_MS ? 1 : -1,
        step == STEP_WAITS ? shoal_now_ms() + prover->wait_ms : 0};
    int code = count < 0 ? count : step == STEP_FLIES ? 0 : who_unproved_host(prover->call, &now, err);
    shoal_call_arena_use(prover->call, own);
    shoal_arena_reset(prover->lot);
    return code;
}

static bool is_asked(const struct prover *prover, const char *host)
{
    for (int i = 0; i < TURNS; i++) {
        if (prover->turns[i].arena != NULL && strcmp(prover->turns[i].host, host) == 0) {
            return true;
        }
    }
    return false;
}

// Gives hosts their turn; *count: so many had one.
static int hosts_work(struct prover *prover, int *count, struct shoal_err *err)
{
    const char *hosts[2 * TURNS];
    struct shoal_arena *names = shoal_arena_new(0);
    struct shoal_arena *own = shoal_call_arena_use(prover->call, names);
    int found = who_unproved_hosts(prover->call, hosts, 2 * TURNS, err);
    shoal_call_arena_use(prover->call, own);
    int code = found < 0 ? found : 0;
    *count = 0;
    for (int i = 0; i < found && code == 0 && prover->flying < TURNS; i++) {
        if (!is_asked(prover, hosts[i])) {
            code = host_work(prover, hosts[i], err);
            (*count)++;
        }
    }
    shoal_arena_free(names);
    return code;
}

static bool is_away(int code, int status)
{
    return code != 0 || status == 429 || (status >= 502 && status <= 504);
}

static void answers_take(struct prover *prover, int64_t wait_ms)
{
    void *mark = NULL;
    int code = 0;
    struct shoal_fetched fetched = {0};
    struct shoal_err err = {0};
    while (shoal_flight_take(prover->flight, wait_ms, &mark, &fetched, &code, &err) == 1) {
        struct turn *turn = mark;
        if (code == SHOAL_ECANCELLED) {
            turn_end(prover, turn); // the server stops: it waits on
        } else {
            turn->is_away = is_away(code, fetched.status);
            who_ahead_put(turn->ahead, code, &fetched, err.text);
            turn_step(prover, turn);
        }
        wait_ms = 0;
        err = (struct shoal_err){0};
    }
}

static int work(struct prover *prover, struct shoal_err *err)
{
    int64_t begun_ms = shoal_tick_ms(), told_ms = begun_ms;
    int code = 0, count = 0;
    do {
        code = hosts_work(prover, &count, err);
        answers_take(prover, count > 0 ? 0 : LOOK_MS);
        if (code == 0 && shoal_tick_ms() - told_ms > JOB_MS / 10) {
            told_ms = shoal_tick_ms();
            code = shoal_job_progress(prover->call, prover->job, 50);
        }
    } while (code == 0 && (count > 0 || prover->flying > 0) && !shoal_call_cancelled(prover->call) &&
             who_enabled(prover->call) && shoal_tick_ms() - begun_ms < JOB_MS);
    return code;
}

static int unproved_job(
    struct shoal_call *call, const struct shoal_job *job, void *arg, struct shoal_err *err)
{
    (void)arg;
    if (!who_enabled(call)) {
        return who_unproved_job(call, shoal_now_ms() + OFF_MS, err);
    }
    struct prover prover = {.call = call, .job = job, .flight = shoal_flight_open(call, TURNS, err)};
    if (prover.flight == NULL) {
        return err->code;
    }
    prover.lot = shoal_arena_new(0);
    prover.one = shoal_arena_new(0);
    int code = work(&prover, err);
    shoal_flight_close(prover.flight);
    for (int i = 0; i < TURNS; i++) {
        if (prover.turns[i].arena != NULL) {
            who_reading_end(prover.turns[i].key_id, prover.turns[i].host, true, SHOAL_EBUSY);
            turn_end(&prover, &prover.turns[i]);
        }
    }
    shoal_arena_free(prover.lot);
    shoal_arena_free(prover.one);
    return code != 0 ? code : who_unproved_job(call, 0, err);
}

// What a process of before left behind, whatever became of its job.
static int proving_begin(
    struct shoal_call *call, const json_t *event, void *arg, struct shoal_err *err)
{
    (void)event;
    (void)arg;
    return who_unproved_job(call, 0, err);
}

int who_proving_start(struct shoal_plugin *self, struct shoal_err *err)
{
    const struct shoal_job_kind kind = {.kind = "unproved",
        .run = unproved_job,
        .concurrency = 1,
        .attempts = 20,
        .lease_s = 90,
        .is_brief = true};
    shoal_metric_add_to(self, &who_metric_unproved);
    int code = shoal_job_kind_add(self, &kind, err);
    return code != 0 ? code : shoal_tell(self, "instance.started", proving_begin, NULL);
}

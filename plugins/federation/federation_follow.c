// federation_follow.c - the handshake of a follow, in both directions.
//
// The catalog keeps follows; this part says to the other server what has changed here, and changes here
// what the other server says. What is sent follows from the durable tell follow.changed alone: whoever
// moves a follow, a page, an app or an activity, it goes the same way.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <stdio.h>
#include <string.h>

#include <shoal/follows.h>

#include "federation_inbox.h"

// A server whose follow was refused gets the same answer again, and costs nobody a look.
#define ANSWER_PRIORITY 0
#define WAITING_OF_HOST_MAX 20
#define WAITING_MAX 1000

SHOAL_SQL(follows_waiting, "SELECT COUNT(*) FROM (SELECT 1 FROM v1_follow WHERE target_id = $1 AND state = 1 "
                           "LIMIT 1000) AS waiting");

bool fed_follow_is(const json_t *activity)
{
    const char *type = shoal_text(activity, "type", "");
    if (strcmp(type, "Follow") == 0 || strcmp(type, "Accept") == 0 || strcmp(type, "Reject") == 0) {
        return true;
    }
    return strcmp(type, "Undo") == 0 &&
           strcmp(shoal_text(activity, "object.type", ""), "Follow") == 0;
}

static json_t *follow_json(const char *id, const char *follower, const char *target)
{
    return json_pack("{s:s, s:s, s:s, s:s}", "type", "Follow", "id", id, "actor", follower, "object",
        target);
}

struct answer {
    json_t *activity;
    int64_t speaker, to;
    const char *replaces;
};

static int answer_tx(struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    const struct answer *answer = arg;
    const int64_t actors[] = {answer->to, 0};
    struct shoal_delivery what = {.size = sizeof what,
        .activity = answer->activity,
        .actor_id = answer->speaker,
        .actors = actors,
        .is_personal = true,
        .replaces = answer->replaces,
        .priority = ANSWER_PRIORITY};
    return fed_deliver(call, tx, &what, err);
}

// Sends one activity of the handshake. activity: taken. Of several that wait the last one counts: who asks
// again and again is answered once.
static int say(struct shoal_call *call, json_t *activity, int64_t speaker, int64_t to,
    struct shoal_err *err)
{
    const char *type = shoal_text(activity, "type", "");
    bool is_answer = strcmp(type, "Accept") == 0 || strcmp(type, "Reject") == 0;
    struct answer answer = {activity, speaker, to,
        shoal_arena_printf(shoal_call_arena(call), "%s:%lld:%lld", is_answer ? "follow answered" : "follow asked",
            (long long)speaker, (long long)to)};
    int code = activity == NULL ? shoal_fail(err, SHOAL_EINTERNAL, "a follow cannot be written")
                                : shoal_tx(call, answer_tx, &answer, err);
    json_decref(activity);
    return code;
}

struct sides {
    int64_t id;
    int64_t follower_id, target_id;
    const char *follower, *target; // URLs
    const char *url;               // of the Follow
};

static int say_accept(struct shoal_call *call, const struct sides *sides, struct shoal_err *err)
{
    const char *id = shoal_arena_printf(
        shoal_call_arena(call), "%s/accepts/follows/%lld", sides->target, (long long)sides->id);
    return say(call,
        json_pack("{s:s, s:s, s:s, s:o}", "type", "Accept", "id", id, "actor", sides->target, "object",
            follow_json(sides->url, sides->follower, sides->target)),
        sides->target_id, sides->follower_id, err);
}

static int say_reject(struct shoal_call *call, const struct sides *sides, struct shoal_err *err)
{
    char now[32];
    const char *id = shoal_arena_printf(shoal_call_arena(call), "%s/rejects/follows/%s",
        sides->target, shoal_time_format(shoal_now_ms(), now));
    return say(call,
        json_pack("{s:s, s:s, s:s, s:o}", "type", "Reject", "id", id, "actor", sides->target, "object",
            follow_json(sides->url, sides->follower, sides->target)),
        sides->target_id, sides->follower_id, err);
}

static int say_follow(struct shoal_call *call, const struct sides *sides, struct shoal_err *err)
{
    return say(call, follow_json(sides->url, sides->follower, sides->target), sides->follower_id,
        sides->target_id, err);
}

static int say_undo(struct shoal_call *call, const struct sides *sides, struct shoal_err *err)
{
    const char *id = shoal_arena_printf(shoal_call_arena(call), "%s/undo", sides->url);
    return say(call,
        json_pack("{s:s, s:s, s:s, s:o}", "type", "Undo", "id", id, "actor", sides->follower, "object",
            follow_json(sides->url, sides->follower, sides->target)),
        sides->follower_id, sides->target_id, err);
}

static const char *follow_url(struct shoal_call *call, const char *follower, int64_t target_id)
{
    return shoal_arena_printf(
        shoal_call_arena(call), "%s/follows/%lld", follower, (long long)target_id);
}

// Follows back the instance that follows ours, where that is wanted.
static int follow_back(struct shoal_call *call, const json_t *event, struct shoal_err *err)
{
    int64_t ours = shoal_integer(event, "target.id", 0);
    int64_t theirs = shoal_integer(event, "follower.id", 0);
    struct shoal_follow there = {0};
    if (!shoal_setting_bool(fed_plugin, "follow_back") ||
        strcmp(shoal_text(event, "target.type", ""), "Application") != 0 ||
        strcmp(shoal_text(event, "follower.type", ""), "Application") != 0 ||
        shoal_follow_get(call, ours, theirs, &there, NULL) == 0) {
        return 0;
    }
    int code = fed_follow(call, ours, theirs, true, err);
    return code == SHOAL_EFORBIDDEN ? 0 : code; // a blocked server that may listen
}

// follow.changed: what one of ours did is told to the other server.
static int follow_changed(struct shoal_call *call, const json_t *event, void *arg,
    struct shoal_err *err)
{
    (void)arg;
    bool is_ours = shoal_flag(event, "follower.isLocal", false);
    bool by_peer = shoal_flag(event, "by_peer", false);
    if (is_ours == shoal_flag(event, "target.isLocal", false) || !fed_enabled(call)) {
        return 0;
    }
    struct sides sides = {.id = shoal_integer(event, "id", 0),
        .follower_id = shoal_integer(event, "follower.id", 0),
        .target_id = shoal_integer(event, "target.id", 0),
        .follower = shoal_text(event, "follower.url", ""),
        .target = shoal_text(event, "target.url", "")};
    sides.url = shoal_text(event, "url", NULL);
    sides.url = sides.url != NULL ? sides.url : follow_url(call, sides.follower, sides.target_id);
    const char *what = shoal_text(event, "what", "");
    if (is_ours) {
        if (strcmp(what, "asked") == 0) {
            return say_follow(call, &sides, err);
        }
        return strcmp(what, "removed") == 0 && !by_peer ? say_undo(call, &sides, err) : 0;
    }
    if (strcmp(what, "accepted") == 0) {
        int code = say_accept(call, &sides, err);
        return code != 0 ? code : follow_back(call, event, err);
    }
    bool is_refused = strcmp(what, "rejected") == 0 || strcmp(what, "removed") == 0;
    return is_refused && !by_peer ? say_reject(call, &sides, err) : 0;
}

// Follow: what this instance wants of who follows whom.
static enum shoal_follow_state rule_of(const struct shoal_actor *target)
{
    if (strcmp(target->kind, "Application") != 0) {
        return shoal_setting_bool(fed_plugin, "follow_channels") ? SHOAL_FOLLOW_ACCEPTED
                                                                 : SHOAL_FOLLOW_REJECTED;
    }
    const char *rule = shoal_setting_text(fed_plugin, NULL, "follow_instance");
    return strcmp(rule, "accept") == 0 ? SHOAL_FOLLOW_ACCEPTED
           : strcmp(rule, "ask") == 0  ? SHOAL_FOLLOW_PENDING
                                       : SHOAL_FOLLOW_REJECTED;
}

// As hooks show one of the two: the same for here and elsewhere.
static json_t *side_json(struct shoal_call *call, const struct shoal_actor *actor)
{
    bool is_local = actor->host[0] == '\0';
    return json_pack("{s:I, s:s, s:s, s:s, s:s, s:b}", "id", (json_int_t)actor->id, "type", actor->kind,
        "name", actor->name, "host", is_local ? fed_host(call) : actor->host, "url", actor->url, "isLocal",
        is_local);
}

int64_t fed_follows_count(struct shoal_call *call, const char *side, const char *name, const char *state,
    const char *host, const char *type)
{
    json_t *query = json_pack("{s:s, s:s, s:s*, s:s*, s:i, s:i}", side, name, "state", state, "host", host,
        "actorType", type, "start", 0, "count", 1);
    json_t *list = shoal_follow_list(call, query, NULL);
    int64_t count = shoal_integer(list, "total", 0);
    json_decref(list);
    json_decref(query);
    return count;
}

// A server that somebody here refused does not ask again as another of its actors. What is looked through are
// such refusals alone: what settings and rules refuse is not kept.
static bool is_refused(struct shoal_call *call, const struct shoal_actor *follower, const struct shoal_actor *target)
{
    return strcmp(target->kind, "Application") == 0 && strcmp(follower->kind, "Application") == 0 &&
           fed_follows_count(call, "target", target->name, "rejected", follower->host, "Application") > 0;
}

// Nobody fills the list of those that wait, under however many hosts. There are few of them: so few are counted.
static bool may_wait(struct shoal_call *call, const struct shoal_actor *follower, const struct shoal_actor *target)
{
    int64_t waiting = WAITING_MAX;
    (void)shoal_db_i64(
        shoal_call_db(call), &follows_waiting, SHOAL_ARGS(SHOAL_I64(target->id)), &waiting, NULL);
    return waiting < WAITING_MAX && fed_follows_count(call, "target", target->name, "pending", follower->host,
                                        NULL) < WAITING_OF_HOST_MAX;
}

// decision: out, who has it wait, and why.
static enum shoal_follow_state judge(struct shoal_call *call, const struct shoal_actor *follower,
    const struct shoal_actor *target, struct shoal_decision *decision)
{
    enum shoal_follow_state state = rule_of(target);
    *decision = (struct shoal_decision){.verdict = SHOAL_HOLD,
        .plugin = "federation",
        .sentence = "somebody here is asked before others may follow this server (federation.follow_instance)"};
    if (state == SHOAL_FOLLOW_REJECTED || !shoal_hook_heard("follow.request")) {
        return state;
    }
    json_t *event = json_pack("{s:o, s:o, s:s}", "follower", side_json(call, follower), "target",
        side_json(call, target), "host", follower->host);
    struct shoal_decision asked = {0};
    enum shoal_verdict verdict = shoal_fire_decide(call, "follow.request", event, &asked);
    json_decref(event);
    *decision = verdict == SHOAL_HOLD ? asked : *decision;
    return verdict == SHOAL_REFUSE ? SHOAL_FOLLOW_REJECTED
           : verdict == SHOAL_HOLD ? SHOAL_FOLLOW_PENDING
                                   : state;
}

// Keeps the id under which it is asked now; its state is read here, since somebody may answer it meanwhile.
static int rename_tx(struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    (void)tx;
    const struct sides *sides = arg;
    struct shoal_follow follow = {0};
    int code = shoal_follow_get(call, sides->follower_id, sides->target_id, &follow, err);
    follow.by_peer = true;
    follow.url = sides->url;
    return code != 0 ? code : shoal_follow_put(call, &follow, err);
}

// Asked again, maybe under another id: the same answer, in case it was lost, and about what they know.
static int answer_again(struct shoal_call *call, struct shoal_follow *follow, struct sides *sides,
    struct shoal_err *err)
{
    int code = 0;
    sides->id = follow->id;
    if (follow->url == NULL || strcmp(follow->url, sides->url) != 0) {
        code = shoal_tx(call, rename_tx, sides, err);
    }
    if (code != 0 || follow->state == SHOAL_FOLLOW_PENDING) {
        return code; // it waits for somebody here
    }
    return follow->state == SHOAL_FOLLOW_ACCEPTED ? say_accept(call, sides, err) : say_reject(call, sides, err);
}

struct asking {
    struct shoal_follow *follow;
    const struct shoal_decision *held;
};

// What waits is among the held things, wherever it is answered then.
static int ask_tx(struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    const struct asking *asking = arg;
    struct shoal_follow *follow = asking->follow;
    int code = shoal_follow_put(call, follow, err);
    return code != 0 || follow->state != SHOAL_FOLLOW_PENDING
               ? code
               : shoal_held_add(tx, "follow.request",
                     shoal_arena_printf(shoal_call_arena(call), "follow:%lld", (long long)follow->id),
                     asking->held, err);
}

static int receive_follow(struct shoal_call *call, const json_t *activity,
    const struct shoal_actor *actor, struct shoal_err *err)
{
    const char *target_url = fed_id(json_object_get(activity, "object"));
    struct shoal_actor target = {0};
    struct shoal_err unknown = {0};
    int code = target_url != NULL ? shoal_actor_find(call, target_url, &target, &unknown) : SHOAL_ENOTFOUND;
    if (code == SHOAL_ENOTFOUND || (code == 0 && target.host[0] != '\0')) {
        return shoal_fail_field(err, "object", "nobody here is called %.200s",
            target_url != NULL ? target_url : "nothing");
    }
    struct sides sides = {.follower_id = actor->id,
        .target_id = target.id,
        .follower = actor->url,
        .target = target.url,
        .url = fed_id(json_object_get(activity, "id"))};
    struct shoal_follow follow = {0};
    code = code != 0 ? code : shoal_follow_get(call, actor->id, target.id, &follow, &unknown);
    if (code != SHOAL_ENOTFOUND) {
        return code == 0 ? answer_again(call, &follow, &sides, err) : shoal_fail(err, code, "%s", unknown.text);
    }
    follow = (struct shoal_follow){
        .follower_id = actor->id, .target_id = target.id, .url = sides.url};
    struct shoal_decision decision;
    struct asking asking = {&follow, &decision};
    follow.state = is_refused(call, actor, &target) ? SHOAL_FOLLOW_REJECTED : judge(call, actor, &target, &decision);
    if (follow.state == SHOAL_FOLLOW_REJECTED ||
        (follow.state == SHOAL_FOLLOW_PENDING && !may_wait(call, actor, &target))) {
        return say_reject(call, &sides, err); // nothing is kept: settings and rules may be others tomorrow
    }
    return shoal_tx(call, ask_tx, &asking, err);
}

// The follow of ours that an answer is about: the speaker is its target, and the object names who asked,
// whole or by the id that we gave it.
static int find_asked(struct shoal_call *call, const json_t *activity,
    const struct shoal_actor *speaker, struct shoal_follow *follow, struct shoal_err *err)
{
    const json_t *object = json_object_get(activity, "object");
    const char *follower_url = fed_id(json_object_get(object, "actor"));
    if (follower_url == NULL) {
        const char *id = fed_id(object);
        const char *end = id != NULL ? strstr(id, "/follows/") : NULL;
        follower_url = end != NULL ? shoal_arena_strndup(shoal_call_arena(call), id, (size_t)(end - id))
                                   : NULL;
    }
    struct shoal_actor follower;
    if (follower_url == NULL || shoal_actor_find(call, follower_url, &follower, NULL) != 0 ||
        follower.host[0] != '\0' ||
        shoal_follow_get(call, follower.id, speaker->id, follow, NULL) != 0) {
        return shoal_fail_field(
            err, "object", "nobody here asked to follow %.200s", speaker->url);
    }
    return 0;
}

static int receive_answer(struct shoal_call *call, const json_t *activity,
    const struct shoal_actor *actor, bool is_accepted, struct shoal_err *err)
{
    struct shoal_follow follow = {0};
    int code = find_asked(call, activity, actor, &follow, err);
    if (code != 0) {
        return code;
    }
    struct shoal_follow changed = {.follower_id = follow.follower_id,
        .target_id = follow.target_id,
        .state = is_accepted ? SHOAL_FOLLOW_ACCEPTED : SHOAL_FOLLOW_REJECTED,
        .by_peer = true};
    return follow.state == changed.state ? 0 : shoal_follow_put(call, &changed, err);
}

static int receive_undo(struct shoal_call *call, const json_t *activity,
    const struct shoal_actor *actor, struct shoal_err *err)
{
    const char *target_url = fed_id(shoal_get(activity, "object.object"));
    const char *follower_url = fed_id(shoal_get(activity, "object.actor"));
    struct shoal_actor target;
    if (follower_url != NULL && strcmp(follower_url, actor->url) != 0) {
        return shoal_fail(err, SHOAL_EFORBIDDEN, "%.200s may not end a follow of %.200s", actor->url,
            follower_url);
    }
    if (target_url == NULL || shoal_actor_find(call, target_url, &target, NULL) != 0) {
        return 0;
    }
    // Who was refused by somebody here is not a stranger again by taking it back.
    struct shoal_follow follow = {0};
    if (shoal_follow_get(call, actor->id, target.id, &follow, NULL) == 0 &&
        follow.state == SHOAL_FOLLOW_REJECTED) {
        return 0;
    }
    int code = shoal_follow_remove(call, actor->id, target.id, true, err);
    return code == SHOAL_ENOTFOUND ? 0 : code;
}

int fed_follow_receive(struct shoal_call *call, const json_t *activity,
    const struct shoal_actor *actor, struct shoal_err *err)
{
    const char *type = shoal_text(activity, "type", "");
    if (strcmp(type, "Follow") == 0) {
        return receive_follow(call, activity, actor, err);
    }
    if (strcmp(type, "Undo") == 0) {
        return receive_undo(call, activity, actor, err);
    }
    return receive_answer(call, activity, actor, strcmp(type, "Accept") == 0, err);
}

int fed_follow(struct shoal_call *call, int64_t follower_id, int64_t target_id, bool follows,
    struct shoal_err *err)
{
    if (!follows) {
        return shoal_follow_remove(call, follower_id, target_id, false, err);
    }
    struct shoal_actor follower, target;
    int code = shoal_actor_get(call, follower_id, &follower, err);
    code = code != 0 ? code : shoal_actor_get(call, target_id, &target, err);
    if (code != 0) {
        return code;
    }
    if (fed_blocked(call, target.host)) {
        return shoal_fail(
            err, SHOAL_EFORBIDDEN, "%.200s is blocked here", target.host);
    }
    struct shoal_follow there = {0};
    if (shoal_follow_get(call, follower_id, target_id, &there, NULL) == 0 &&
        there.state != SHOAL_FOLLOW_REJECTED) {
        struct sides sides = {there.id, follower_id, target_id, follower.url, target.url,
            follow_url(call, follower.url, target_id)};
        return there.state == SHOAL_FOLLOW_PENDING ? say_follow(call, &sides, err) : 0;
    }
    struct shoal_follow follow = {.follower_id = follower_id,
        .target_id = target_id,
        .state = SHOAL_FOLLOW_PENDING,
        .url = follow_url(call, follower.url, target_id)};
    return shoal_follow_put(call, &follow, err);
}

int fed_follows_start(struct shoal_plugin *self, struct shoal_err *err)
{
    int code = shoal_tell(self, "follow.changed", follow_changed, NULL);
    return code != 0 ? shoal_fail(err, code, "federation cannot hear of follows")
                     : fed_server_start(self, err);
}

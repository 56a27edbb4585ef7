// hooks_fire.c - passes values through filters and asks deciders, within their budgets.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <shoal/json.h>

#include "base/sized.h"
#include "host/hooks_priv.h"
#include "host/moderation_priv.h"
#include "host/permissions.h"
#include "host/sentence.h"

static int64_t thread_cpu_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

void shoal_hook_enter(struct shoal_call *call, const struct shoal_hook *hook,
    const struct shoal_listener *listener, struct shoal_hook_watch *watch)
{
    watch->cpu_ns = thread_cpu_ns();
    watch->wall_ms = shoal_tick_ms();
    watch->deadline_ms = call->deadline_ms;
    watch->depth = call->depth;
    int64_t deadline = watch->wall_ms + hook->wall_ms;
    if (call->deadline_ms == 0 || deadline < call->deadline_ms) {
        call->deadline_ms = deadline;
    }
    call->sentence[0] = 0;
    shoal_call_enter(call, listener->plugin);
}

void shoal_hook_leave(struct shoal_call *call, const struct shoal_hook *hook,
    const struct shoal_listener *listener, const struct shoal_hook_watch *watch)
{
    while (call->depth > watch->depth) {
        shoal_call_leave(call);
    }
    call->deadline_ms = watch->deadline_ms;
    int64_t cpu_ms = (thread_cpu_ns() - watch->cpu_ns) / 1000000;
    int64_t wall_ms = shoal_tick_ms() - watch->wall_ms;
    if (cpu_ms > hook->cpu_ms || wall_ms > hook->wall_ms) {
        if (listener->plugin) {
            atomic_fetch_add(&listener->plugin->strikes, 1);
        }
        shoal_warn("plugin %s took %lld ms (%lld ms of the processor) for %s, more than its %d ms "
                   "(%d ms)",
            listener->name, (long long)wall_ms, (long long)cpu_ms, hook->name, hook->wall_ms,
            hook->cpu_ms);
    }
}

void shoal_hook_failed(
    const struct shoal_hook *hook, const struct shoal_listener *listener, const char *why)
{
    if (listener->plugin) {
        atomic_fetch_add(&listener->plugin->strikes, 1);
    }
    shoal_warn("plugin %s failed in %s: %s", listener->name, hook->name, why);
}

/// Deep inside payloads one plugin may fire what another listens to: an endless ring ends here.
#define FIRE_DEPTH_MAX 32

void shoal_fire_filter(struct shoal_call *call, const char *name, json_t **value)
{
    const struct shoal_hook *hook = shoal_hook_find(name);
    if (!hook || hook->kind != SHOAL_HOOK_FILTER) {
        shoal_warn("%s was fired as a filter, which it is not", name);
        return;
    }
    const struct shoal_listeners *list = shoal_hook_listeners(hook);
    for (size_t i = 0; i < list->count && call->depth < FIRE_DEPTH_MAX; i++) {
        const struct shoal_listener *listener = &list->items[i];
        if (listener->is_stub) {
            continue;
        }
        struct shoal_hook_watch watch;
        struct shoal_err err = {0};
        json_t *work = json_deep_copy(*value);
        int before = (int)json_typeof(*value);
        shoal_hook_enter(call, hook, listener, &watch);
        int code = listener->filter(call, &work, listener->arg, &err);
        shoal_hook_leave(call, hook, listener, &watch);
        bool is_sane = work && ((int)json_typeof(work) == before || json_is_null(work));
        if (code < 0 || !is_sane) {
            shoal_hook_failed(hook, listener,
                code < 0 ? (err.text[0] ? err.text : shoal_error_text(code))
                         : "it turned the value into something else");
            json_decref(work);
            continue;
        }
        json_decref(*value);
        *value = work;
    }
}

SHOAL_PRINTF(3, 0)
static enum shoal_verdict say(
    struct shoal_call *call, enum shoal_verdict verdict, const char *format, va_list args)
{
    vsnprintf(call->sentence, sizeof(call->sentence), format, args);
    return verdict;
}

enum shoal_verdict shoal_hold(struct shoal_call *call, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    enum shoal_verdict verdict = say(call, SHOAL_HOLD, format, args);
    va_end(args);
    return verdict;
}

enum shoal_verdict shoal_refuse(struct shoal_call *call, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    enum shoal_verdict verdict = say(call, SHOAL_REFUSE, format, args);
    va_end(args);
    return verdict;
}

/// What a decider that failed counts as.
static enum shoal_verdict rule_of(const struct shoal_hook *hook)
{
    switch (hook->failure) {
    case SHOAL_FAIL_CLOSED:
        return SHOAL_REFUSE;
    case SHOAL_FAIL_HOLD:
    case SHOAL_FAIL_AGAIN:
        return SHOAL_HOLD;
    default:
        return SHOAL_PASS;
    }
}

static void note(struct shoal_decision *decision, enum shoal_verdict verdict,
    const struct shoal_listener *listener, const char *sentence, bool failed)
{
    decision->verdict = verdict;
    decision->failed = failed;
    snprintf(decision->plugin, sizeof(decision->plugin), "%s", listener->name);
    shoal_sentence_copy(decision->sentence, sizeof(decision->sentence), sentence);
}

static void ask_failed(const struct shoal_hook *hook, const struct shoal_listener *listener,
    const char *why, struct shoal_decision *said)
{
    char sentence[256];
    snprintf(sentence, sizeof(sentence), "the check by %s did not work: %s", listener->name,
        rule_of(hook) == SHOAL_REFUSE ? "try again later" : "somebody will look at it");
    shoal_hook_failed(hook, listener, why);
    note(said, rule_of(hook), listener, sentence, true);
}

/// Asks one; *said is its verdict with its sentence.
static void ask(struct shoal_call *call, const struct shoal_hook *hook,
    const struct shoal_listener *listener, json_t *payload, struct shoal_decision *said)
{
    if (listener->is_stub) {
        char sentence[256];
        snprintf(sentence, sizeof(sentence), "the plugin %s, which checks this, is out of order",
            listener->name);
        note(said, SHOAL_HOLD, listener, sentence, true);
        return;
    }
    struct shoal_hook_watch watch;
    shoal_hook_enter(call, hook, listener, &watch);
    enum shoal_verdict verdict = listener->decide(call, payload, listener->arg);
    shoal_hook_leave(call, hook, listener, &watch);
    switch ((int)verdict) {
    case SHOAL_PASS:
    case SHOAL_HOLD:
    case SHOAL_REFUSE:
        note(said, verdict, listener, call->sentence, false);
        return;
    case SHOAL_ACCEPT:
        if (shoal_permitted(listener->plugin, "moderation.override", NULL)) {
            note(said, verdict, listener, call->sentence, false);
            return;
        }
        ask_failed(hook, listener, "it accepts without the permission moderation.override", said);
        return;
    default:
        ask_failed(hook, listener, call->sentence[0] ? call->sentence : "it gave no verdict", said);
    }
}

static enum shoal_verdict decide(
    struct shoal_call *call, const char *name, json_t *payload, struct shoal_decision *out)
{
    *out = (struct shoal_decision){.verdict = SHOAL_PASS};
    const struct shoal_hook *hook = shoal_hook_find(name);
    if (!hook || hook->kind != SHOAL_HOOK_DECIDE) {
        shoal_warn("%s was fired as a decide, which it is not", name);
        return SHOAL_PASS;
    }
    const struct shoal_listeners *list = shoal_hook_listeners(hook);
    if (call->depth >= FIRE_DEPTH_MAX && list->count > 0) { // nobody is asked: as if all had failed
        shoal_warn("%s was fired too deep", name);
        *out = (struct shoal_decision){.verdict = rule_of(hook), .failed = true};
        return out->verdict;
    }
    for (size_t i = 0; i < list->count; i++) {
        struct shoal_decision said;
        ask(call, hook, &list->items[i], payload, &said);
        if (said.verdict == SHOAL_ACCEPT) {
            *out = said;
            out->verdict = SHOAL_PASS;
            break;
        }
        if (said.verdict == SHOAL_REFUSE ||
            (said.verdict == SHOAL_HOLD && out->verdict == SHOAL_PASS)) {
            *out = said;
        }
        if (said.verdict == SHOAL_REFUSE) {
            break;
        }
    }
    if (out->verdict != SHOAL_PASS) {
        shoal_verdict_tell(call, hook->name, payload, out);
    }
    return out->verdict;
}

int shoal_fire_decide_sized(struct shoal_call *call, const char *name, json_t *payload,
    struct shoal_decision *decision, size_t decision_bytes)
{
    struct shoal_decision mine;
    enum shoal_verdict verdict = decide(call, name, payload, &mine);
    if (decision) {
        shoal_sized_copy(decision, decision_bytes, &mine, sizeof(mine));
    }
    return (int)verdict;
}

// moderation.c - what was held: kept in a table, let go or refused later, told of.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include <shoal/json.h>

#include "base/sized.h"
#include "data/data.h"
#include "host/hooks_priv.h"
#include "host/host_priv.h"
#include "host/moderation_priv.h"
#include "host/permissions.h"
#include "host/registry_priv.h"
#include "host/sentence.h"

#define RESUMERS_MAX 64
#define ANSWERS_MAX  64 // at a time

static const struct shoal_migration migrations[] = {
    {1, "held",
        "CREATE TABLE held (\n"
        "    id ID,\n"
        "    hook TEXT NOT NULL,\n"
        "    subject TEXT NOT NULL,\n"
        "    plugin TEXT NOT NULL,\n"
        "    sentence TEXT NOT NULL,\n"
        "    held_at TIME NOT NULL,\n"
        "    UNIQUE (hook, subject)\n"
        ");\n"},
    {2, "held of a hook", "CREATE INDEX held_hook ON held (hook, id);\n"},
};

const struct shoal_migration *shoal_host_migrations(size_t *count)
{
    *count = sizeof(migrations) / sizeof(migrations[0]);
    return migrations;
}

int shoal_host_migrate(struct shoal_err *err)
{
    char copied[4096] = "";
    return shoal_migrate_builtin(
        "core.host", migrations, sizeof(migrations) / sizeof(migrations[0]), copied, err);
}

SHOAL_SQL(add_held,
    "INSERT INTO held (hook, subject, plugin, sentence, held_at) VALUES ($1, $2, $3, $4, $5) "
    "ON CONFLICT (hook, subject) DO UPDATE SET plugin = excluded.plugin, "
    "sentence = excluded.sentence, held_at = excluded.held_at");
SHOAL_SQL(remove_held, "DELETE FROM held WHERE hook = $1 AND subject = $2");
SHOAL_SQL(find_held, "SELECT id FROM held WHERE hook = $1 AND subject = $2");
SHOAL_SQL(held_by, "SELECT plugin FROM held WHERE hook = $1 AND subject = $2");
#define HELD_SQL "SELECT id, hook, subject, plugin, sentence, held_at FROM held "
SHOAL_SQL(list_held, HELD_SQL "ORDER BY id LIMIT $1 OFFSET $2");
SHOAL_SQL(list_held_of, HELD_SQL "WHERE hook = $3 ORDER BY id LIMIT $1 OFFSET $2");
SHOAL_SQL(get_held, HELD_SQL "WHERE id = $1");
SHOAL_SQL(count_held, "SELECT COUNT(*) FROM (SELECT 1 FROM held LIMIT 10000) AS waiting");
SHOAL_SQL(count_held_of, "SELECT COUNT(*) FROM (SELECT 1 FROM held WHERE hook = $1 LIMIT 10000) AS waiting");

struct resumer {
    const struct shoal_plugin *plugin;
    char hook[80];
    shoal_resume_fn *fn;
    void *arg;
};
static struct {
    pthread_mutex_t lock;
    struct resumer items[RESUMERS_MAX];
    size_t count;
} registry = {.lock = PTHREAD_MUTEX_INITIALIZER};

// With the lock held: the place of a hook, or behind the last.
static size_t place_of(const char *hook)
{
    size_t at = 0;
    while (at < registry.count && strcmp(registry.items[at].hook, hook) != 0) {
        at++;
    }
    return at;
}

static bool is_away(const struct shoal_plugin *plugin)
{
    return plugin && !shoal_plugin_runs(plugin);
}

/// Returns: 1; 0: nobody goes on with this hook; SHOAL_EBUSY: who does, or may do so, does not run now, as it is
/// left out, or the server stops.
static int find_resumer(const char *hook, struct resumer *out, struct shoal_err *err)
{
    const struct shoal_host *host = shoal_host_get();
    pthread_mutex_lock(&registry.lock);
    size_t at = place_of(hook);
    bool found = at < registry.count;
    *out = found ? registry.items[at] : (struct resumer){0};
    pthread_mutex_unlock(&registry.lock);
    for (size_t i = 0; !found && !is_away(out->plugin) && i < host->count; i++) {
        out->plugin = host->plugins[i];
    }
    return !is_away(out->plugin) ? found
                                 : shoal_fail(err, SHOAL_EBUSY, "plugin %s, which %s on with %s, does not run now: it stays held",
                                       out->plugin->id.name, found ? "goes" : "may go", hook);
}

int shoal_resumer_add(struct shoal_plugin *self, const char *hook, shoal_resume_fn *fn, void *arg,
    struct shoal_err *err)
{
    const struct shoal_hook *row = shoal_hook_find(hook);
    int code = shoal_plugin_may_register(self, hook, err);
    if (code < 0) {
        return code;
    }
    if (!row || row->kind != SHOAL_HOOK_DECIDE) {
        return shoal_fail(err, SHOAL_ENOTFOUND, "there is no decide hook %s", hook);
    }
    pthread_mutex_lock(&registry.lock);
    size_t at = place_of(hook);
    struct resumer *resumer = &registry.items[at];
    bool is_new = at == registry.count;
    bool is_ours = !is_new && (resumer->plugin == self ? resumer->fn == fn : is_away(resumer->plugin));
    if (is_new ? at == RESUMERS_MAX : !is_ours) {
        code = shoal_fail(err, SHOAL_ECONFLICT, "what %s holds has an owner already", hook);
    } else {
        *resumer = (struct resumer){.plugin = self, .fn = fn, .arg = arg};
        snprintf(resumer->hook, sizeof(resumer->hook), "%s", hook);
        registry.count += is_new ? 1 : 0;
    }
    pthread_mutex_unlock(&registry.lock);
    return code;
}

void shoal_resumers_remove(const struct shoal_plugin *plugin)
{
    pthread_mutex_lock(&registry.lock);
    registry.count = shoal_registry_drop(registry.items, registry.count, sizeof registry.items[0], plugin);
    pthread_mutex_unlock(&registry.lock);
}

int shoal_held_add_sized(struct shoal_db *tx, const char *hook, const char *subject,
    const struct shoal_decision *decision, size_t decision_bytes, struct shoal_err *err)
{
    struct shoal_decision mine;
    shoal_sized_copy(&mine, sizeof(mine), decision, decision_bytes);
    return shoal_db_exec(tx, &add_held,
        SHOAL_ARGS(SHOAL_TEXT(hook), SHOAL_TEXT(subject), SHOAL_TEXT(mine.plugin),
            SHOAL_TEXT(mine.sentence), SHOAL_TIME(shoal_now_ms())),
        NULL, err);
}

int shoal_held_remove(struct shoal_db *tx, const char *hook, const char *subject, struct shoal_err *err)
{
    return shoal_db_exec(
        tx, &remove_held, SHOAL_ARGS(SHOAL_TEXT(hook), SHOAL_TEXT(subject)), NULL, err);
}

static json_t *held_json(const struct shoal_rows *rows)
{
    char at[32];
    struct resumer resumer;
    const char *hook = shoal_col_text(rows, 1);
    shoal_time_format(shoal_col_i64(rows, 5), at);
    return json_pack("{s:I, s:s, s:s, s:s, s:s, s:s, s:b}", "id", (json_int_t)shoal_col_i64(rows, 0),
        "hook", hook, "subject", shoal_col_text(rows, 2), "plugin", shoal_col_text(rows, 3), "sentence",
        shoal_col_text(rows, 4), "at", at, "canRelease", find_resumer(hook, &resumer, NULL) > 0);
}

json_t *shoal_held_get(struct shoal_call *call, int64_t id, struct shoal_err *err)
{
    struct shoal_rows *rows =
        shoal_db_query(shoal_call_db(call), &get_held, SHOAL_ARGS(SHOAL_I64(id)), err);
    json_t *held = rows && shoal_rows_next(rows) ? held_json(rows) : NULL;
    if (rows && shoal_rows_close(rows, err) == 0 && !held) {
        shoal_fail(err, SHOAL_ENOTFOUND, "nothing waits under this number: it was answered already");
    }
    return held;
}

json_t *shoal_held_list(struct shoal_call *call, const char *hook, int start, int count, struct shoal_err *err)
{
    struct shoal_db *db = shoal_call_db(call);
    bool is_all = !hook || !*hook;
    const struct shoal_value args[] = {SHOAL_I64(count), SHOAL_I64(start), SHOAL_TEXT(hook)};
    int64_t total = 0;
    if (shoal_db_i64(db, is_all ? &count_held : &count_held_of, args + 2, is_all ? 0 : 1, &total, err) < 0) {
        return NULL;
    }
    struct shoal_rows *rows = shoal_db_query(db, is_all ? &list_held : &list_held_of, args, is_all ? 2 : 3, err);
    if (!rows) {
        return NULL;
    }
    json_t *data = json_array();
    while (shoal_rows_next(rows)) {
        json_array_append_new(data, held_json(rows));
    }
    if (shoal_rows_close(rows, err) < 0) {
        json_decref(data);
        return NULL;
    }
    return json_pack("{s:I, s:o}", "total", (json_int_t)total, "data", data);
}

struct verdict {
    const char *hook, *subject, *verdict, *plugin, *sentence, *by;
    bool forgets; ///< the held row goes in the same transaction
};

static int write_verdict(
    struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    const struct verdict *verdict = arg;
    char sentence[512]; // a plugin's, which may be anything
    (void)call;
    shoal_sentence_copy(sentence, sizeof(sentence), verdict->sentence);
    json_t *event = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s?}", "hook", verdict->hook, "subject",
        verdict->subject, "verdict", verdict->verdict, "plugin", verdict->plugin, "sentence",
        sentence, "by", verdict->by);
    int code = verdict->forgets ? shoal_held_remove(tx, verdict->hook, verdict->subject, err) : 0;
    code = code < 0 ? code : shoal_fire_durable(tx, "verdict.given", event, err);
    json_decref(event);
    return code;
}

/// "video:UUID", "user:NAME", … of a payload; "" where it says nothing.
static void subject_of(const json_t *payload, char out[128])
{
    static const struct {
        const char *noun, *path;
    } places[] = {{"video", "video.uuid"}, {"comment", "comment.url"}, {"user", "user.username"},
        {"user", "username"}, {"host", "host"}};
    out[0] = 0;
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]) && !out[0]; i++) {
        const char *text = shoal_text(payload, places[i].path, NULL);
        if (text) {
            size_t length = (size_t)snprintf(out, 128, "%s:", places[i].noun);
            shoal_sentence_copy(out + length, 101, text);
        }
    }
}

void shoal_verdict_tell(struct shoal_call *call, const char *hook, const json_t *payload,
    const struct shoal_decision *decision)
{
    if (!shoal_hook_heard("verdict.given") || call->tx) {
        return;
    }
    char subject[128];
    subject_of(payload, subject);
    struct verdict verdict = {.hook = hook,
        .subject = subject,
        .plugin = decision->plugin,
        .verdict = decision->verdict == SHOAL_HOLD ? "hold" : "refuse",
        .sentence = decision->sentence,
        .by = call->viewer.username};
    struct shoal_err err = {0};
    if (shoal_tx(call, write_verdict, &verdict, &err) < 0) {
        shoal_warn("the verdict of %s on %s could not be told: %s", hook, subject, err.text);
    }
}

/// A plugin answers what it held itself; what others held is for moderators and for those that may
/// override them.
static int may_answer(
    struct shoal_call *call, const char *hook, const char *subject, struct shoal_err *err)
{
    const struct shoal_plugin *plugin = shoal_call_plugin(call);
    bool is_staff =
        call->viewer.kind == SHOAL_VIEWER_USER && call->viewer.role <= SHOAL_ROLE_MODERATOR;
    if (!plugin || is_staff || shoal_permitted(plugin, "moderation.override", NULL)) {
        return 0;
    }
    struct shoal_rows *rows = shoal_db_query(
        shoal_call_db(call), &held_by, SHOAL_ARGS(SHOAL_TEXT(hook), SHOAL_TEXT(subject)), err);
    bool is_own =
        rows && shoal_rows_next(rows) && strcmp(shoal_col_text(rows, 0), plugin->id.name) == 0;
    int code = rows ? shoal_rows_close(rows, err) : SHOAL_EIO;
    return code < 0 || is_own ? code
                              : shoal_permission_need(plugin, "moderation.override", NULL, err);
}

// What is being answered now. Two answers at once would both go on with it, each in its own way.
static struct {
    pthread_mutex_t lock;
    int64_t ids[ANSWERS_MAX];
    int count;
} answering = {.lock = PTHREAD_MUTEX_INITIALIZER};

static bool answer_begin(int64_t id)
{
    pthread_mutex_lock(&answering.lock);
    bool may = answering.count < ANSWERS_MAX;
    for (int i = 0; i < answering.count; i++) {
        may = may && answering.ids[i] != id;
    }
    if (may) {
        answering.ids[answering.count++] = id;
    }
    pthread_mutex_unlock(&answering.lock);
    return may;
}

static void answer_end(int64_t id)
{
    pthread_mutex_lock(&answering.lock);
    int at = 0;
    while (answering.ids[at] != id) {
        at++;
    }
    answering.ids[at] = answering.ids[--answering.count];
    pthread_mutex_unlock(&answering.lock);
}

static int held_find(struct shoal_call *call, const char *hook, const char *subject, int64_t *id,
    struct shoal_err *err)
{
    int code = shoal_db_i64(shoal_call_db(call), &find_held,
        SHOAL_ARGS(SHOAL_TEXT(hook), SHOAL_TEXT(subject)), id, err);
    return code == SHOAL_ENOTFOUND
               ? shoal_fail(err, SHOAL_ENOTFOUND, "%s holds nothing called %s", hook, subject)
               : code;
}

static int go_on(struct shoal_call *call, const char *hook, const char *subject, bool released,
    const char *sentence, struct shoal_err *err)
{
    struct resumer resumer;
    int depth = call->depth, code = find_resumer(hook, &resumer, err);
    if (code == 0 && released) {
        code = shoal_fail(err, SHOAL_EBUSY, "who goes on with %s is not enabled: refusing has it forgotten", hook);
    } else if (code > 0) {
        shoal_call_enter(call, (struct shoal_plugin *)(uintptr_t)resumer.plugin);
        code = resumer.fn(call, hook, subject, released, sentence, resumer.arg, err);
    }
    while (call->depth > depth) {
        shoal_call_leave(call);
    }
    if (code < 0) {
        return code;
    }
    const struct shoal_plugin *by = shoal_call_plugin(call);
    struct verdict verdict = {.hook = hook,
        .subject = subject,
        .forgets = true,
        .verdict = released ? "release" : "refuse",
        .plugin = by ? by->id.name : "",
        .sentence = sentence,
        .by = call->viewer.username};
    return shoal_tx(call, write_verdict, &verdict, err);
}

static int answer_held(struct shoal_call *call, const char *hook, const char *subject,
    bool released, const char *sentence, struct shoal_err *err)
{
    int64_t id = 0;
    int code = held_find(call, hook, subject, &id, err);
    code = code < 0 ? code : may_answer(call, hook, subject, err);
    if (code < 0) {
        return code;
    }
    if (!answer_begin(id)) {
        return shoal_fail(err, SHOAL_ECONFLICT, "%s %s is being answered already", hook, subject);
    }
    int64_t now = 0; // who was faster may have ended meanwhile
    code = held_find(call, hook, subject, &now, err);
    code = code < 0 ? code : go_on(call, hook, subject, released, sentence ? sentence : "", err);
    answer_end(id);
    return code;
}

int shoal_release(struct shoal_call *call, const char *hook, const char *subject,
    const char *sentence, struct shoal_err *err)
{
    return answer_held(call, hook, subject, true, sentence, err);
}

int shoal_refuse_held(struct shoal_call *call, const char *hook, const char *subject,
    const char *sentence, struct shoal_err *err)
{
    return answer_held(call, hook, subject, false, sentence, err);
}

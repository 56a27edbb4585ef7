// videos_query.c - reads what a client asks of a list of videos.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "catalog/videos_query.h"

#include <string.h>

#include "catalog/channels_priv.h"
#include "catalog/follows_priv.h"

#define LIST_ITEMS_MAX 50
#define TREND_MS       (7 * CATALOG_DAY_MS)
// Bits of `include`.
#define INCLUDE_HIDDEN  1 // not published
#define INCLUDE_BLOCKED 2
#define INCLUDE_MUTED   4 // of servers that are hidden
#define INCLUDE_STAFF   (1 | 2 | 4 | 64)
enum reach { REACH_EVERYBODY = 0, REACH_OWN = 1, REACH_STAFF = 2 }; // see videos_list.c
#define INCLUDE_FILES   8
#define INCLUDE_TAGS    128

// "\na\nb\n" of an array or a lone value, or NULL where it is not asked for. count: of different
// ones.
// What plugins leave out may be many: no value is looked for, and none is too many.
static int excluded_join(struct shoal_call *call, const json_t *query, struct shoal_value *out,
    struct shoal_err *err)
{
    const json_t *list = json_object_get(query, "excludedIds");
    struct shoal_buf joined = {0};
    int code = list == NULL ? 0 : shoal_buf_puts(&joined, "\n");
    for (size_t i = 0; i < json_array_size(list) && code == 0; i++) {
        const json_t *id = json_array_get(list, i);
        const char *text = json_string_value(id);
        if (json_is_integer(id)) {
            code = shoal_buf_printf(&joined, "%lld\n", (long long)json_integer_value(id));
        } else if (text == NULL || strnlen(text, 21) > 20 || strchr(text, '\n') != NULL) {
            code = shoal_fail_field(err, "excludedIds", "excludedIds should be a list of ids");
        } else {
            code = shoal_buf_printf(&joined, "%s\n", text);
        }
    }
    *out = code == 0 && list != NULL ? SHOAL_TEXT(shoal_arena_strdup(call->arena, joined.data))
                                     : SHOAL_NULL;
    shoal_buf_fini(&joined);
    return code;
}

static int list_join(struct shoal_call *call, const json_t *query, const char *key, bool folds,
    struct shoal_value *out, int64_t *count, struct shoal_err *err)
{
    json_t *value = json_object_get(query, key);
    *out = SHOAL_NULL;
    if (value == NULL || json_is_null(value)) {
        return 0;
    }
    size_t size = json_is_array(value) ? json_array_size(value) : 1;
    if (size > LIST_ITEMS_MAX) {
        return shoal_fail_field(err, key, "%s should have at most %d values", key, LIST_ITEMS_MAX);
    }
    const char *joined = "\n";
    for (size_t i = 0; i < size; i++) {
        json_t *item = json_is_array(value) ? json_array_get(value, i) : value;
        const char *text = json_is_integer(item) ? shoal_arena_printf(call->arena, "%lld",
                                                       (long long)json_integer_value(item))
                                                 : json_string_value(item);
        if (text == NULL || strnlen(text, 201) > 200 || strchr(text, '\n') != NULL) {
            return shoal_fail_field(err, key, "%s should be a list of short values", key);
        }
        text = folds ? catalog_fold(call->arena, text) : text;
        const char *needle = shoal_arena_printf(call->arena, "\n%s\n", text);
        if (strstr(joined, needle) == NULL) {
            joined = shoal_arena_printf(call->arena, "%s%s\n", joined, text);
            (*count)++;
        }
    }
    *out = SHOAL_TEXT(joined);
    return 0;
}

static int flag_get(
    const json_t *query, const char *key, struct shoal_value *out, struct shoal_err *err)
{
    bool flag = false;
    *out = SHOAL_NULL;
    if (!catalog_field_has(query, key)) {
        return 0;
    }
    int code = catalog_field_bool(query, key, &flag, err);
    *out = SHOAL_BOOL(flag);
    return code;
}

static int number_get(
    const json_t *query, const char *key, struct shoal_value *out, struct shoal_err *err)
{
    int64_t number = 0;
    if (!catalog_field_has(query, key)) {
        return 0;
    }
    int code = catalog_field_i64(query, key, &number, err);
    *out = SHOAL_I64(number);
    return code;
}

static int date_get(
    const json_t *query, const char *key, struct shoal_value *out, struct shoal_err *err)
{
    int64_t time_ms = 0;
    *out = SHOAL_NULL;
    if (!catalog_field_has(query, key)) {
        return 0;
    }
    if (shoal_time_parse(shoal_text(query, key, ""), &time_ms) != 0) {
        return shoal_fail_field(err, key, "Should have a valid %s", key);
    }
    *out = SHOAL_I64(time_ms);
    return 0;
}

static int reach_read(struct shoal_call *call, const json_t *query,
    struct catalog_videos_query *out, struct shoal_err *err)
{
    const struct shoal_viewer *viewer = &call->viewer;
    bool is_user = viewer->kind == SHOAL_VIEWER_USER;
    int64_t include = 0;
    int code = 0;
    if (catalog_field_has(query, "include")) {
        code = catalog_field_i64(query, "include", &include, err);
    }
    bool is_mine = shoal_flag(query, "mine", false);
    bool wants_all = (include & INCLUDE_STAFF) != 0 || catalog_field_has(query, "privacyOneOf") ||
                     catalog_field_has(query, "stateOneOf") ||
                     catalog_field_has(query, "autoTagOneOf");
    if (code == 0 && wants_all && !is_mine && !catalog_is_staff(viewer)) {
        return shoal_fail(err, SHOAL_EAUTH, "You are not allowed to see all videos");
    }
    if (code == 0 && is_mine) {
        code = catalog_need_user(viewer, err);
    }
    if (code == 0 && shoal_flag(query, "excludeAlreadyWatched", false)) {
        code = catalog_need_user(viewer, err);
    }
    out->args[0] = SHOAL_BOOL(is_user);
    out->args[1] = SHOAL_I64(is_user ? viewer->account_id : 0);
    out->args[2] = SHOAL_I64(is_mine ? REACH_OWN : wants_all ? REACH_STAFF : REACH_EVERYBODY);
    out->args[3] = SHOAL_BOOL(include & INCLUDE_HIDDEN);
    out->args[4] = SHOAL_BOOL(include & INCLUDE_BLOCKED);
    if (wants_all && !is_mine) {
        bool wants_muted = (include & INCLUDE_MUTED) != 0;
        out->args[32] = SHOAL_I64(wants_muted ? CATALOG_HIDDEN : CATALOG_UNFOLLOWED);
    }
    out->shape = CATALOG_LIST;
    out->shape |= (include & INCLUDE_FILES) != 0 ? CATALOG_FILES : 0;
    out->shape |= (include & INCLUDE_TAGS) != 0 ? CATALOG_TAGS : 0;
    out->shape |= is_mine || wants_all ? CATALOG_OWNER : 0;
    return code;
}

static int lists_read(struct shoal_call *call, const json_t *query,
    struct catalog_videos_query *out, struct shoal_err *err)
{
    static const struct {
        const char *key;
        int arg;
        bool folds;
    } lists[] = {{"privacyOneOf", 5, false}, {"stateOneOf", 6, false}, {"categoryOneOf", 13, false},
        {"licenceOneOf", 14, false}, {"languageOneOf", 15, false}, {"tagsOneOf", 20, true},
        {"tagsAllOf", 21, true}, {"uuids", 23, false}, {"channelNameOneOf", 24, false}};
    int code = excluded_join(call, query, &out->args[31], err);
    for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]) && code == 0; i++) {
        int64_t count = 0;
        code = list_join(
            call, query, lists[i].key, lists[i].folds, &out->args[lists[i].arg], &count, err);
        if (lists[i].arg == 21) {
            out->args[22] = SHOAL_I64(count);
        }
    }
    return code;
}

static int plain_read(struct shoal_call *call, const json_t *query,
    struct catalog_videos_query *out, struct shoal_err *err)
{
    static const struct {
        const char *key;
        int arg;
    } dates[] = {{"startDate", 25}, {"endDate", 26}, {"originallyPublishedStartDate", 34},
        {"originallyPublishedEndDate", 35}};
    const char *search = shoal_text(query, "search", NULL);
    if (search != NULL && search[0] != '\0') {
        out->args[7] = SHOAL_TEXT(catalog_like(call->arena, search));
        out->args[8] = SHOAL_TEXT(catalog_fold(
            call->arena, shoal_arena_strndup(call->arena, search, strnlen(search, 200))));
    }
    int code = 0;
    const char *nsfw = shoal_text(query, "nsfw", "both");
    if (strcmp(nsfw, "policy") == 0) {
        out->args[9] = catalog_hides_nsfw(call) ? SHOAL_BOOL(false) : SHOAL_NULL;
    } else if (strcmp(nsfw, "both") != 0 || json_is_boolean(json_object_get(query, "nsfw"))) {
        code = flag_get(query, "nsfw", &out->args[9], err);
    }
    code = code == 0 ? flag_get(query, "isLive", &out->args[10], err) : code;
    code = code == 0 ? flag_get(query, "isLocal", &out->args[11], err) : code;
    const char *host = shoal_text(query, "host", NULL);
    if (host != NULL) {
        out->args[12] = SHOAL_TEXT(
            strcmp(host, catalog_host(call)) == 0 ? "" : catalog_fold(call->arena, host));
    }
    code = code == 0 ? flag_get(query, "hasHLSFiles", &out->args[18], err) : code;
    code = code == 0 ? flag_get(query, "hasWebVideoFiles", &out->args[19], err) : code;
    for (size_t i = 0; i < sizeof dates / sizeof dates[0]; i++) {
        code = code == 0 ? date_get(query, dates[i].key, &out->args[dates[i].arg], err) : code;
    }
    code = code == 0 ? number_get(query, "durationMin", &out->args[27], err) : code;
    code = code == 0 ? number_get(query, "durationMax", &out->args[28], err) : code;
    out->args[29] = SHOAL_I64(0);
    out->args[30] = SHOAL_I64(0);
    code = code == 0 ? number_get(query, "nsfwFlagsIncluded", &out->args[29], err) : code;
    code = code == 0 ? number_get(query, "nsfwFlagsExcluded", &out->args[30], err) : code;
    return code;
}

static int owner_read(struct shoal_call *call, const json_t *query,
    struct catalog_videos_query *out, struct shoal_err *err)
{
    const char *account = shoal_text(query, "account", NULL);
    const char *channel = shoal_text(query, "channel", NULL);
    if (account != NULL) {
        json_t *found = catalog_account_get(call, account, err);
        if (found == NULL) {
            return SHOAL_ENOTFOUND;
        }
        out->args[16] = SHOAL_I64(shoal_integer(found, "id", 0));
        json_decref(found);
    }
    if (channel != NULL) {
        int64_t id = 0;
        int code = catalog_channel_find(call, channel, &id, err);
        if (code != 0) {
            return code;
        }
        out->args[17] = SHOAL_I64(id);
    }
    return 0;
}

// How far what comes from other servers must be followed: what somebody looks for by its channel or
// account need not be, as with what they subscribe to.
static int followed_read(struct shoal_call *call, const json_t *query,
    struct catalog_videos_query *out, struct shoal_err *err)
{
    bool is_user = call->viewer.kind == SHOAL_VIEWER_USER;
    bool is_meant = is_user && (out->args[16].type != SHOAL_TYPE_NULL ||
                                   out->args[17].type != SHOAL_TYPE_NULL);
    int64_t actor_id = 0;
    int code = 0;
    if (shoal_flag(query, "subscribed", false)) {
        code = catalog_subscriber(call, &actor_id, err);
        out->args[33] = SHOAL_I64(actor_id);
        is_meant = true;
    }
    if (out->args[32].type == SHOAL_TYPE_NULL) {
        out->args[32] = SHOAL_I64(is_meant ? CATALOG_UNFOLLOWED : catalog_followed_least());
    }
    return code;
}

int catalog_videos_query_read(struct shoal_call *call, const json_t *query,
    struct catalog_videos_query *out, struct shoal_err *err)
{
    *out = (struct catalog_videos_query){0}; // zero is SHOAL_NULL
    if (catalog_field_has(query, "filter")) {
        return shoal_fail_field(err, "filter", "filter is replaced by include and isLocal");
    }
    int code = catalog_page_read(query, catalog_videos_sorts, "-publishedAt", &out->page, err);
    if (code == 0) {
        code = reach_read(call, query, out, err);
    }
    if (code == 0) {
        code = lists_read(call, query, out, err);
    }
    if (code == 0) {
        code = plain_read(call, query, out, err);
    }
    if (code == 0) {
        code = owner_read(call, query, out, err);
    }
    bool skips = false;
    if (code == 0 && catalog_field_has(query, "skipCount")) {
        code = catalog_field_bool(query, "skipCount", &skips, err);
    }
    out->skips_count = skips;
    code = code == 0 ? followed_read(call, query, out, err) : code;
    out->args[36] = SHOAL_I64(shoal_now_ms() - TREND_MS);
    out->args[37] = SHOAL_I64(shoal_now_ms());
    out->args[38] = SHOAL_I64(out->page.count);
    out->args[39] = SHOAL_I64(out->page.start);
    return code;
}

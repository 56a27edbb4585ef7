// seed_origin.c - what mirrors ask of this instance: what there is, and "here I am".
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "seed.h"

#define PAGE_MAX    50
#define PROOF_MS    5000
#define PROOF_BYTES ((uint64_t)64 << 10) ///< a page that is there instead is read, to be refused

SHOAL_SQL(sql_mirror_all,
    "SELECT m.name, m.base_url, m.state, m.why, m.heard, m.checked,"
    " (SELECT COUNT(*) FROM seed_copy c WHERE c.mirror_id = m.id AND c.checked > 0)"
    " FROM seed_mirror m ORDER BY m.name");
SHOAL_SQL(sql_mirror_get, "SELECT base_url, state, why FROM seed_mirror WHERE id = $1");
SHOAL_SQL(sql_mirror_token, "SELECT token_sha256 FROM seed_mirror WHERE id = $1");
SHOAL_SQL(sql_mirror_register,
    "UPDATE seed_mirror SET base_url = $2, state = 'waiting', why = '', heard = $3, next_check = $3"
    " WHERE id = $1");
SHOAL_SQL(sql_mirror_heard, "UPDATE seed_mirror SET heard = $2 WHERE id = $1");
SHOAL_SQL(sql_mirror_hurry,
    "UPDATE seed_mirror SET next_check = $2 WHERE id = $1 AND failures = 0 AND EXISTS"
    " (SELECT 1 FROM seed_copy c WHERE c.mirror_id = seed_mirror.id AND c.checked <= 0)");
SHOAL_SQL(sql_mirror_left, "UPDATE seed_mirror SET state = 'left', why = '' WHERE id = $1");
SHOAL_SQL(sql_mirror_copies_delete, "DELETE FROM seed_copy WHERE mirror_id = $1");
SHOAL_SQL(sql_mirror_copies_doubt, "UPDATE seed_copy SET checked = 0 WHERE mirror_id = $1");

static json_t *time_json(int64_t time_ms)
{
    char text[32];
    return time_ms == 0 ? json_null() : json_string(shoal_time_format(time_ms, text));
}

json_t *seed_mirrors_json(struct shoal_call *call, struct shoal_plugin *self, struct shoal_err *err)
{
    int64_t since = shoal_now_ms() - shoal_setting_i64(self, "silent");
    json_t *out = json_array();
    struct shoal_rows *rows =
        shoal_db_query(shoal_call_db(call), &sql_mirror_all, SHOAL_NOARGS, err);
    while (rows != NULL && shoal_rows_next(rows)) {
        const char *state = shoal_col_text(rows, 2);
        int64_t heard = shoal_col_i64(rows, 4);
        bool is_silent =
            strcmp(state, "unused") != 0 && strcmp(state, "left") != 0 && heard < since;
        json_t *row = json_pack("{s:s, s:s, s:s, s:s, s:I}", "name", shoal_col_text(rows, 0),
            "baseUrl", shoal_col_text(rows, 1), "state", is_silent ? "silent" : state, "why",
            shoal_col_text(rows, 3), "videos", (json_int_t)shoal_col_i64(rows, 6));
        json_object_set_new(row, "heardAt", time_json(heard));
        json_object_set_new(row, "checkedAt", time_json(shoal_col_i64(rows, 5)));
        json_array_append_new(out, row);
    }
    if (rows == NULL || shoal_rows_close(rows, err) != 0) {
        json_decref(out);
        return NULL;
    }
    return out;
}

static int answer_mirrors(
    struct shoal_call *call, struct shoal_request *request, void *arg, struct shoal_err *err)
{
    json_t *mirrors = seed_mirrors_json(call, arg, err);
    if (mirrors == NULL) {
        return err->code;
    }
    return shoal_answer_json(request, 200,
        json_pack("{s:I, s:o}", "total", (json_int_t)json_array_size(mirrors), "data", mirrors));
}

static bool file_put(json_t *files, const char *url, int64_t size)
{
    const char *name = seed_name_of_url(url);
    if (seed_name_kind(name) == SEED_KIND_NONE || strstr(url, "/private/") != NULL) {
        return false;
    }
    json_array_append_new(files, json_pack("{s:s, s:I}", "name", name, "size", (json_int_t)size));
    return true;
}

json_t *seed_video_json(struct shoal_call *call, const char *id, struct shoal_err *err)
{
    struct shoal_err why = {0};
    json_t *video = shoal_video_get(call, id, NULL, &why);
    if (video == NULL) {
        // What strangers may not see is not there for mirrors. All else is no answer at all.
        bool is_hidden =
            why.code == SHOAL_ENOTFOUND || why.code == SHOAL_EAUTH || why.code == SHOAL_EFORBIDDEN;
        shoal_fail_api(err, is_hidden ? SHOAL_ENOTFOUND : why.code,
            is_hidden ? SEED_SAYS_NOTHING : "", "%s", why.text);
        return NULL;
    }
    int64_t privacy = shoal_integer(video, "privacy.id", 0);
    const json_t *playlist = json_array_get(json_object_get(video, "streamingPlaylists"), 0);
    const json_t *renditions = json_object_get(playlist, "files");
    const char *list = shoal_text(playlist, "segmentsSha256Url", "");
    json_t *files = json_array();
    bool is_whole = (privacy == SHOAL_PRIVACY_PUBLIC || privacy == SHOAL_PRIVACY_UNLISTED) &&
                    shoal_integer(video, "state.id", 0) == SHOAL_STATE_PUBLISHED &&
                    !shoal_flag(video, "isLive", false) && shoal_flag(video, "isLocal", false) &&
                    json_array_size(renditions) > 0 &&
                    json_array_size(renditions) <= (SEED_FILES_MAX - 2) / 2 &&
                    file_put(files, shoal_text(playlist, "playlistUrl", ""), -1) &&
                    file_put(files, list, -1);
    for (size_t i = 0; i < json_array_size(renditions) && is_whole; i++) {
        const json_t *file = json_array_get(renditions, i);
        is_whole =
            file_put(files, shoal_text(file, "fileUrl", ""), shoal_integer(file, "size", 0)) &&
            file_put(files, shoal_text(file, "playlistUrl", ""), -1);
    }
    json_t *out = NULL;
    if (is_whole) {
        out = json_pack("{s:s, s:s, s:I, s:s, s:s, s:O}", "uuid", shoal_text(video, "uuid", ""),
            "name", shoal_text(video, "name", ""), "views",
            (json_int_t)shoal_integer(video, "views", 0), "publishedAt",
            shoal_text(video, "publishedAt", ""), "list", seed_name_of_url(list), "files", files);
    } else {
        shoal_fail_api(err, SHOAL_ENOTFOUND, SEED_SAYS_NOTHING,
            "this video has nothing that a mirror could take");
    }
    json_decref(files);
    json_decref(video);
    return out;
}

static int answer_one(struct shoal_call *call, struct shoal_request *request,
    struct shoal_plugin *self, int64_t mirror, const char *id, struct shoal_err *err)
{
    bool has_room = false;
    json_t *video = seed_video_json(call, id, err);
    int code = video == NULL ? err->code
                             : seed_copies_room(call, self, mirror, shoal_text(video, "uuid", ""),
                                   &has_room, err);
    if (code == 0 && !has_room) {
        code = shoal_fail_api(
            err, SHOAL_ECONFLICT, SEED_SAYS_ENOUGH, "enough mirrors hold this video already");
    }
    if (code != 0) {
        json_decref(video);
        return code;
    }
    return shoal_answer_json(request, 200, json_pack("{s:i, s:[o]}", "total", 1, "data", video));
}

/// Puts a video to the others, where there is something to mirror and room for a mirror more.
static int channel_put(struct shoal_call *call, struct shoal_plugin *self, int64_t mirror,
    const char *uuid, json_t *data, struct shoal_err *err)
{
    struct shoal_err why = {0};
    bool has_room = false;
    json_t *video = seed_video_json(call, uuid, &why);
    if (video == NULL) {
        return why.code == SHOAL_ENOTFOUND ? 0 : shoal_fail(err, why.code, "%s", why.text);
    }
    int code = seed_copies_room(call, self, mirror, uuid, &has_room, err);
    if (code == 0 && has_room) {
        json_array_append(data, video);
    }
    json_decref(video);
    return code;
}

/// A page of a channel's videos; those that cannot be mirrored are left out.
static int answer_channel(struct shoal_call *call, struct shoal_request *request,
    struct shoal_plugin *self, int64_t mirror, const char *channel, struct shoal_err *err)
{
    const char *given = shoal_request_query(request, "start");
    const char *sort = shoal_request_query(request, "sort");
    int64_t most = shoal_setting_i64(self, "videos_per_mirror");
    int64_t start = given != NULL ? strtoll(given, NULL, 10) : 0;
    if (start < 0 || start > most) {
        return shoal_fail_field(err, "start", "start is 0 to %lld", (long long)most);
    }
    int64_t count = most - start < PAGE_MAX ? most - start : PAGE_MAX;
    json_t *query = json_pack("{s:s, s:I, s:I, s:s, s:s}", "channel", channel, "start",
        (json_int_t)start, "count", (json_int_t)count, "sort",
        sort != NULL && strcmp(sort, "-views") == 0 ? "-views" : "-publishedAt", "nsfw", "both");
    json_t *list = shoal_video_list(call, query, err);
    json_decref(query);
    if (list == NULL) {
        return err->code == SHOAL_ENOTFOUND
                   ? shoal_fail_api(err, SHOAL_ENOTFOUND, SEED_SAYS_NOTHING,
                         "there is no channel %.120s", channel)
                   : err->code;
    }
    int code = 0;
    json_t *data = json_array();
    size_t index;
    json_t *row;
    json_array_foreach(json_object_get(list, "data"), index, row)
    {
        code = code != 0 ? code
                         : channel_put(call, self, mirror, shoal_text(row, "uuid", ""), data, err);
    }
    int64_t total = shoal_integer(list, "total", 0);
    json_decref(list);
    if (code != 0) {
        json_decref(data);
        return code;
    }
    return shoal_answer_json(request, 200,
        json_pack("{s:I, s:I, s:o}", "total", (json_int_t)(total < most ? total : most), "next",
            (json_int_t)(start + count), "data", data));
}

static int answer_videos(
    struct shoal_call *call, struct shoal_request *request, void *arg, struct shoal_err *err)
{
    int64_t mirror = 0;
    int code = seed_mirror_find(call, request, &mirror, err);
    if (code != 0) {
        return code;
    }
    const char *video = shoal_request_query(request, "video");
    const char *channel = shoal_request_query(request, "channel");
    shoal_answer_private(request);
    if (video != NULL) {
        return answer_one(call, request, arg, mirror, video, err);
    }
    return channel != NULL ? answer_channel(call, request, arg, mirror, channel, err)
                           : shoal_fail_field(err, "channel", "name a video or a channel");
}

static int base_check(const char *base, struct shoal_err *err)
{
    if (!seed_base_valid(base)) {
        return shoal_fail_field(err, "baseUrl",
            "baseUrl is the public address of the mirror, like https://mirror.example.org/hls");
    }
    json_t *site = shoal_instance_setting("url");
    bool is_https = json_is_string(site) && strncmp(json_string_value(site), "https:", 6) == 0;
    json_decref(site);
    if (is_https && strncmp(base, "https:", 6) != 0) {
        return shoal_fail_field(err, "baseUrl",
            "baseUrl must be https, as this site is: browsers load nothing else into its pages");
    }
    return 0;
}

/// What the mirror with this token answers to the nonce.
static int proof_expect(struct shoal_call *call, int64_t mirror, const char *nonce,
    const char *base, char out[65], struct shoal_err *err)
{
    bool is_made = false;
    struct shoal_rows *rows =
        shoal_db_query(shoal_call_db(call), &sql_mirror_token, SHOAL_ARGS(SHOAL_I64(mirror)), err);
    if (rows == NULL) {
        return SHOAL_EIO;
    }
    if (shoal_rows_next(rows)) {
        is_made = seed_proof(shoal_col_text(rows, 0), nonce, base, out);
    }
    int code = shoal_rows_close(rows, err);
    return code != 0 || is_made
               ? code
               : shoal_fail_api(err, SHOAL_EAUTH, SEED_SAYS_NO_TOKEN, "this token was revoked");
}

/// Asks the address for what only the machine with the token can answer: nobody registers a
/// stranger's.
static int proof_check(
    struct shoal_call *call, int64_t mirror, const char *base, struct shoal_err *err)
{
    struct shoal_err why = {0};
    struct shoal_fetched fetched = {0};
    char nonce[2 * SEED_NONCE_BYTES + 1], proof[65];
    shoal_random_hex(nonce, SEED_NONCE_BYTES);
    int code = proof_expect(call, mirror, nonce, base, proof, err);
    if (code != 0) {
        return code;
    }
    const struct shoal_fetch what = {
        .url = shoal_arena_printf(shoal_call_arena(call), "%s/proof?nonce=%s", base, nonce),
        .max_bytes = PROOF_BYTES,
        .timeout_ms = PROOF_MS,
        .redirects = -1,
    };
    code = shoal_fetch(call, &what, &fetched, &why);
    if (code != 0) {
        return shoal_fail_field(
            err, "baseUrl", "%s cannot be reached from here: %s", base, why.text);
    }
    if (fetched.status != 200 || fetched.body == NULL || strcmp(fetched.body, proof) != 0) {
        return shoal_fail_field(err, "baseUrl",
            "%s is not answered by this mirror (status %d): does the address lead to it?", base,
            fetched.status);
    }
    return 0;
}

struct registering {
    int64_t mirror;
    const char *base;
};

static int store_register(
    struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    (void)call;
    const struct registering *registering = arg;
    const struct shoal_value *id = &SHOAL_I64(registering->mirror);
    int code = shoal_db_exec(tx, &sql_mirror_copies_doubt, id, 1, NULL, err);
    return code != 0 ? code
                     : shoal_db_exec(tx, &sql_mirror_register,
                           SHOAL_ARGS(SHOAL_I64(registering->mirror), SHOAL_TEXT(registering->base),
                               SHOAL_I64(shoal_now_ms())),
                           NULL, err);
}

static int answer_register(
    struct shoal_call *call, struct shoal_request *request, void *arg, struct shoal_err *err)
{
    (void)arg;
    struct registering registering = {0};
    int code = seed_mirror_find(call, request, &registering.mirror, err);
    const json_t *body = code == 0 ? shoal_request_body(request, err) : NULL;
    if (body == NULL) {
        return err->code;
    }
    registering.base = shoal_text(body, "baseUrl", "");
    code = base_check(registering.base, err);
    code = code != 0 ? code : proof_check(call, registering.mirror, registering.base, err);
    code = code != 0 ? code : shoal_tx(call, store_register, &registering, err);
    return code != 0 ? code : shoal_answer_status(request, 204);
}

static int store_heard(
    struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    (void)call;
    const int64_t *mirror = arg;
    int64_t now = shoal_now_ms();
    int code = shoal_db_exec(
        tx, &sql_mirror_heard, SHOAL_ARGS(SHOAL_I64(*mirror), SHOAL_I64(now)), NULL, err);
    return code != 0 ? code
                     : shoal_db_exec(tx, &sql_mirror_hurry,
                           SHOAL_ARGS(SHOAL_I64(*mirror), SHOAL_I64(now)), NULL, err);
}

/// {state, why} of a mirror.
static json_t *state_json(struct shoal_call *call, int64_t mirror, struct shoal_err *err)
{
    json_t *out = NULL;
    struct shoal_rows *rows =
        shoal_db_query(shoal_call_db(call), &sql_mirror_get, SHOAL_ARGS(SHOAL_I64(mirror)), err);
    if (rows != NULL && shoal_rows_next(rows)) {
        out = json_pack("{s:s, s:s, s:s}", "baseUrl", shoal_col_text(rows, 0), "state",
            shoal_col_text(rows, 1), "why", shoal_col_text(rows, 2));
    }
    if (rows == NULL || shoal_rows_close(rows, err) != 0 || out == NULL) {
        json_decref(out);
        shoal_fail(err, SHOAL_EIO, "the mirror cannot be read");
        return NULL;
    }
    return out;
}

static int answer_heartbeat(
    struct shoal_call *call, struct shoal_request *request, void *arg, struct shoal_err *err)
{
    int64_t mirror = 0;
    int code = seed_mirror_find(call, request, &mirror, err);
    const json_t *body = code == 0 ? shoal_request_body(request, err) : NULL;
    json_t *state = body != NULL ? state_json(call, mirror, err) : NULL;
    if (state == NULL) {
        return err->code;
    }
    const char *now = shoal_text(state, "state", "");
    if (strcmp(now, "unused") == 0 || strcmp(now, "left") == 0) {
        json_decref(state);
        return shoal_fail_api(err, SHOAL_ECONFLICT, SEED_SAYS_NOT_REGISTERED,
            "this mirror is not registered: register it first");
    }
    code = seed_copies_set(call, arg, mirror, json_object_get(body, "videos"), err);
    code = code != 0 ? code : shoal_tx(call, store_heard, &mirror, err);
    if (code != 0) {
        json_decref(state);
        return code;
    }
    return shoal_answer_json(request, 200, state);
}

static int store_left(
    struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    const struct shoal_value *id = &SHOAL_I64(*(const int64_t *)arg);
    int code = shoal_db_exec(tx, &sql_mirror_copies_delete, id, 1, NULL, err);
    code = code != 0 ? code : shoal_db_exec(tx, &sql_mirror_left, id, 1, NULL, err);
    return code != 0 ? code : shoal_touch(call, tx, "mirrors", err);
}

static int answer_leave(
    struct shoal_call *call, struct shoal_request *request, void *arg, struct shoal_err *err)
{
    (void)arg;
    int64_t mirror = 0;
    int code = seed_mirror_find(call, request, &mirror, err);
    code = code != 0 ? code : shoal_tx(call, store_left, &mirror, err);
    return code != 0 ? code : shoal_answer_status(request, 204);
}

int seed_origin_start(struct shoal_plugin *self, struct shoal_err *err)
{
    const struct shoal_route routes[] = {
        {.method = "GET",
            .path = "/api/v1/mirrors",
            .handler = answer_mirrors,
            .arg = self,
            .auth = SHOAL_AUTH_ADMIN},
        {.method = "GET",
            .path = "/api/v1/mirrors/videos",
            .handler = answer_videos,
            .arg = self,
            .auth = SHOAL_AUTH_NONE},
        {.method = "POST",
            .path = "/api/v1/mirrors/register",
            .handler = answer_register,
            .arg = self,
            .auth = SHOAL_AUTH_NONE,
            .body = SHOAL_BODY_DATA,
            .body_max_bytes = 4096},
        {.method = "POST",
            .path = "/api/v1/mirrors/heartbeat",
            .handler = answer_heartbeat,
            .arg = self,
            .auth = SHOAL_AUTH_NONE,
            .body = SHOAL_BODY_DATA},
        {.method = "POST",
            .path = "/api/v1/mirrors/leave",
            .handler = answer_leave,
            .arg = self,
            .auth = SHOAL_AUTH_NONE,
            .body = SHOAL_BODY_DATA,
            .body_max_bytes = 4096},
    };
    int code = 0;
    for (size_t i = 0; i < sizeof routes / sizeof routes[0] && code == 0; i++) {
        code = shoal_route_add(self, &routes[i], err);
    }
    code = code != 0 ? code : seed_offer_start(self, err);
    return code != 0 ? code : seed_check_start(self, err);
}

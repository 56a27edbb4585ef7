// playback_report.c - POST /metrics/playback: a player says where its bytes came from.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <stdlib.h>
#include <string.h>

#include "playback.h"

// Numbers come as numbers, or as texts in forms.
static bool as_count(const json_t *value, int64_t *out)
{
    const char *text = json_string_value(value);
    if (text == NULL) {
        *out = json_integer_value(value);
        return json_is_integer(value) && *out >= 0;
    }
    size_t length = strspn(text, "0123456789");
    *out = strtoll(text, NULL, 10);
    return length > 0 && length <= 15 && text[length] == '\0';
}

static bool as_flag(const json_t *value, bool *out)
{
    const char *text = json_string_value(value);
    bool is_yes = json_is_true(value) ||
                  (text != NULL && (strcmp(text, "true") == 0 || strcmp(text, "1") == 0));
    bool is_no = json_is_false(value) ||
                 (text != NULL && (strcmp(text, "false") == 0 || strcmp(text, "0") == 0));
    *out = is_yes;
    return is_yes || is_no;
}

// Counts up to 2^53: what JSON of a browser says exactly.
#define COUNT_MAX INT64_C(9007199254740991)

static int read_count(const json_t *body, const char *name, bool is_needed, int64_t *out,
    struct shoal_err *err)
{
    const json_t *value = json_object_get(body, name);
    *out = 0;
    if (value == NULL && !is_needed) {
        return 0;
    }
    return as_count(value, out) && *out <= COUNT_MAX
               ? 0
               : shoal_fail_field(err, name, "%s must be an integer from 0", name);
}

static int read_video(const json_t *body, struct playback_report *report, struct shoal_err *err)
{
    const json_t *value = json_object_get(body, "videoId");
    char number[24] = "", uuid[37];
    int64_t id = 0;
    if (json_is_integer(value) && as_count(value, &id)) {
        char *digit = number + sizeof number - 1;
        for (; id > 0; id /= 10) {
            *--digit = (char)('0' + id % 10);
        }
        memmove(number, digit, (size_t)(number + sizeof number - digit));
    }
    const char *text = json_is_string(value) ? json_string_value(value) : number;
    bool is_number = as_count(value, &id) && id > 0;
    if (!is_number && !shoal_uuid_valid(text) && shoal_uuid_from_short(text, uuid) != 0) {
        return shoal_fail_field(err, "videoId", "videoId must be the id or UUID of a video");
    }
    size_t length = strlen(text);
    memcpy(report->video, text, length < sizeof report->video ? length + 1 : 0);
    return 0;
}

int playback_report_read(const json_t *body, struct playback_report *report, struct shoal_err *err)
{
    *report = (struct playback_report){0};
    int64_t unused = 0;
    const struct {
        const char *name;
        bool is_needed;
        int64_t *out;
    } counts[] = {
        {"resolution", true, &unused},
        {"fps", false, &unused},
        {"p2pPeers", false, &unused},
        {"resolutionChanges", true, &unused},
        {"bufferStalled", false, &unused},
        {"errors", true, &unused},
        {"downloadedBytesP2P", true, &report->peer_bytes},
        {"downloadedBytesHTTP", true, &report->server_bytes},
        {"uploadedBytesP2P", true, &report->uploaded_bytes},
    };
    int code = 0;
    for (size_t i = 0; i < sizeof counts / sizeof *counts && code == 0; i++) {
        code = read_count(body, counts[i].name, counts[i].is_needed, counts[i].out, err);
    }
    if (code != 0) {
        return code;
    }
    if (!as_flag(json_object_get(body, "p2pEnabled"), &report->has_peers)) {
        return shoal_fail_field(err, "p2pEnabled", "p2pEnabled must be true or false");
    }
    const char *mode = shoal_text(body, "playerMode", "");
    if (strcmp(mode, "web-video") != 0 && strcmp(mode, "p2p-media-loader") != 0) {
        return shoal_fail_field(
            err, "playerMode", "playerMode must be web-video or p2p-media-loader");
    }
    return read_video(body, report, err);
}

int playback_report_check(
    const struct playback_report *report, const struct playback_known *video, struct shoal_err *err)
{
    // Nobody gets more of a video in one interval than all of its files, nor more than a line carries.
    int64_t most = PLAYBACK_REPORT_BYTES;
    if (video->size_bytes > 0 && video->size_bytes < most - PLAYBACK_SLACK_BYTES) {
        most = video->size_bytes + PLAYBACK_SLACK_BYTES;
    }
    const struct {
        const char *name;
        int64_t bytes, most;
    } rows[] = {
        {"downloadedBytesHTTP", report->server_bytes, most},
        {"downloadedBytesP2P", report->peer_bytes, report->has_peers ? most : 0},
        {"uploadedBytesP2P", report->uploaded_bytes, report->has_peers ? PLAYBACK_REPORT_BYTES : 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (rows[i].bytes > rows[i].most) {
            return shoal_fail_field(err, rows[i].name, "%s is more than one report can be about: %lld",
                rows[i].name, (long long)rows[i].most);
        }
    }
    return 0;
}

static int64_t files_bytes(const json_t *files)
{
    int64_t bytes = 0;
    size_t index;
    const json_t *file;
    json_array_foreach(files, index, file)
    {
        bytes += shoal_integer(file, "size", 0);
    }
    return bytes;
}

// One household has a /64 of IPv6, and of IPv4 an address.
static const char *who(struct shoal_request *request)
{
    const char *address = shoal_request_address(request);
    if (address != NULL && strchr(address, ':') != NULL) {
        address = shoal_request_address_prefix(request);
    }
    return address != NULL ? address : "";
}

static int spend(struct shoal_request *request, struct playback *playback, int64_t bytes,
    struct shoal_err *err)
{
    int64_t budget = shoal_setting_i64(playback->self, "report_budget");
    return playback_memory_spend(playback->memory, who(request), bytes, budget, shoal_tick_ms())
               ? 0
               : shoal_fail(err, SHOAL_ERATE,
                     "this address reported more in this minute than is believed");
}

// Whatever a stranger may not see is not there: which of the two it is remains unsaid.
static int find_video(struct shoal_call *call, struct shoal_request *request,
    struct playback *playback, const char *id, struct playback_known *out, struct shoal_err *err)
{
    struct playback_memory *memory = playback->memory;
    if (!playback_memory_known(memory, id, shoal_tick_ms(), out)) {
        struct shoal_err why = {0};
        int code = spend(request, playback, PLAYBACK_LOOK_BYTES, err);
        if (code != 0) {
            return code;
        }
        json_t *video = shoal_video_get(call, id, NULL, &why);
        if (video == NULL && shoal_error_status(why.code) >= 500) {
            *err = why;
            return why.code;
        }
        *out = (struct playback_known){0};
        if (video != NULL) {
            out->id = shoal_integer(video, "id", 0);
            out->size_bytes = files_bytes(json_object_get(video, "files"));
            size_t index;
            const json_t *playlist;
            json_array_foreach(json_object_get(video, "streamingPlaylists"), index, playlist)
            {
                out->size_bytes += files_bytes(json_object_get(playlist, "files"));
            }
            json_decref(video);
        }
        playback_memory_know(memory, id, shoal_tick_ms(), out);
    }
    return out->id != 0 ? 0 : shoal_fail(err, SHOAL_ENOTFOUND, "Video not found");
}

static int take(struct shoal_call *call, struct shoal_request *request, struct playback *playback,
    struct playback_report *report, struct shoal_err *err)
{
    struct playback_known video;
    const json_t *body = shoal_request_body(request, err);
    int code = body == NULL ? err->code : playback_report_read(body, report, err);
    code = code != 0 ? code : find_video(call, request, playback, report->video, &video, err);
    code = code != 0 ? code : playback_report_check(report, &video, err);
    if (code != 0) {
        return code;
    }
    code = spend(
        request, playback, report->peer_bytes + report->server_bytes + report->uploaded_bytes, err);
    if (code != 0) {
        return code;
    }
    const struct playback_sum sum = {video.id, shoal_now_ms() / PLAYBACK_DAY_MS, report->peer_bytes,
        report->server_bytes};
    return playback_memory_add(playback->memory, &sum)
               ? 0
               : shoal_fail(err, SHOAL_EBUSY, "too many videos are being counted: try again in a moment");
}

int playback_report_post(struct shoal_call *call, struct shoal_request *request, void *arg,
    struct shoal_err *err)
{
    struct playback *playback = arg;
    struct playback_report report;
    if (!shoal_setting_bool(playback->self, "reports")) {
        return shoal_answer_status(request, 204);
    }
    int code = take(call, request, playback, &report, err);
    if (code != 0) {
        playback_metrics_refused();
        return code;
    }
    playback_metrics_took(&report);
    if (playback_memory_is_stopping(playback->memory)) {
        code = playback_flush(call, playback, err);
    }
    return code == 0 ? shoal_answer_status(request, 204) : code;
}

// playback_show.c - GET /playback/worth: days and videos, and the days as the bars of a picture.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <stdlib.h>
#include <string.h>

#include "playback.h"

#define BAR_STEP   10  // from one day to the next
#define BAR_WIDTH  7
#define BAR_HEIGHT 1000

SHOAL_SQL(playback_show_days,
    "SELECT day, CAST(SUM(peer_bytes) AS BIGINT), CAST(SUM(server_bytes) AS BIGINT) "
    "FROM playback_day WHERE day >= $1 GROUP BY day ORDER BY day");
SHOAL_SQL(playback_show_videos,
    "SELECT v.id, v.uuid, v.name, d.peer_bytes, d.server_bytes FROM ("
    "SELECT video_id, CAST(SUM(peer_bytes) AS BIGINT) AS peer_bytes, "
    "CAST(SUM(server_bytes) AS BIGINT) AS server_bytes FROM playback_day WHERE day >= $1 GROUP BY video_id "
    ") d JOIN v1_video v ON v.id = d.video_id "
    "ORDER BY d.peer_bytes + d.server_bytes DESC, v.id LIMIT $2");

int playback_show_percent(int64_t peer_bytes, int64_t server_bytes)
{
    double all = (double)peer_bytes + (double)server_bytes;
    return all > 0 ? (int)(100.0 * (double)peer_bytes / all) : -1;
}

// {…, peerBytes, serverBytes, peerPercent}: null where there is nothing to share.
static json_t *with_bytes(json_t *row, int64_t peer_bytes, int64_t server_bytes)
{
    int percent = playback_show_percent(peer_bytes, server_bytes);
    json_object_set_new(row, "peerBytes", json_integer(peer_bytes));
    json_object_set_new(row, "serverBytes", json_integer(server_bytes));
    json_object_set_new(row, "peerPercent", percent >= 0 ? json_integer(percent) : json_null());
    return row;
}

static json_t *day_row(int64_t day, int64_t peer_bytes, int64_t server_bytes)
{
    char text[32];
    shoal_time_format(day * PLAYBACK_DAY_MS, text);
    return with_bytes(json_pack("{s:s#}", "day", text, (size_t)10), peer_bytes, server_bytes);
}

// Each day has a row, also one without a report.
static int add_days(struct shoal_call *call, json_t *answer, int64_t first, int64_t last,
    struct shoal_err *err)
{
    struct shoal_rows *rows = shoal_db_query(
        shoal_call_db(call), &playback_show_days, SHOAL_ARGS(SHOAL_I64(first)), err);
    if (rows == NULL) {
        return err->code;
    }
    json_t *days = json_array();
    int64_t peers = 0, server = 0;
    bool has_row = shoal_rows_next(rows);
    for (int64_t day = first; day <= last; day++) {
        bool is_today = has_row && shoal_col_i64(rows, 0) == day;
        int64_t from_peers = is_today ? shoal_col_i64(rows, 1) : 0;
        int64_t from_server = is_today ? shoal_col_i64(rows, 2) : 0;
        json_array_append_new(days, day_row(day, from_peers, from_server));
        peers += from_peers;
        server += from_server;
        has_row = is_today ? shoal_rows_next(rows) : has_row;
    }
    json_object_set_new(answer, "total", with_bytes(json_object(), peers, server));
    json_object_set_new(answer, "days", days);
    return shoal_rows_close(rows, err);
}

static int add_videos(struct shoal_call *call, json_t *answer, int64_t first, int64_t count,
    struct shoal_err *err)
{
    struct shoal_rows *rows = shoal_db_query(shoal_call_db(call), &playback_show_videos,
        SHOAL_ARGS(SHOAL_I64(first), SHOAL_I64(count)), err);
    if (rows == NULL) {
        return err->code;
    }
    json_t *videos = json_array();
    while (shoal_rows_next(rows)) {
        char short_uuid[23] = "";
        shoal_uuid_to_short(shoal_col_text(rows, 1), short_uuid);
        json_t *video = json_pack("{s:I, s:s, s:s, s:s}", "id", (json_int_t)shoal_col_i64(rows, 0),
            "uuid", shoal_col_text(rows, 1), "shortUUID", short_uuid, "name",
            shoal_col_text(rows, 2));
        json_array_append_new(
            videos, with_bytes(video, shoal_col_i64(rows, 3), shoal_col_i64(rows, 4)));
    }
    json_object_set_new(answer, "videos", videos);
    return shoal_rows_close(rows, err);
}

// A round number of bytes that is no smaller: 1, 2 or 5 and zeros.
static int64_t round_up(int64_t bytes)
{
    int64_t top = 1000;
    while (top < bytes && top < INT64_MAX / 10) {
        int64_t next = top * 2 >= bytes ? top * 2 : top * 5;
        top = next >= bytes ? next : top * 10;
    }
    return top;
}

static json_int_t height_of(int64_t bytes, int64_t top)
{
    double height = (double)BAR_HEIGHT * (double)bytes / (double)top;
    return bytes > 0 && height < 1 ? 1 : (json_int_t)height; // something is never nothing
}

json_t *playback_show_chart(const json_t *days)
{
    int64_t most = 0;
    size_t index;
    json_t *day;
    json_array_foreach(days, index, day)
    {
        int64_t bytes = shoal_integer(day, "peerBytes", 0) + shoal_integer(day, "serverBytes", 0);
        most = bytes > most ? bytes : most;
    }
    int64_t top = round_up(most);
    json_t *bars = json_array();
    json_array_foreach(days, index, day)
    {
        json_int_t peers = height_of(shoal_integer(day, "peerBytes", 0), top);
        json_int_t server = height_of(shoal_integer(day, "serverBytes", 0), top);
        json_int_t server_y = BAR_HEIGHT - server;
        json_t *bar = json_copy(day);
        json_object_set_new(bar, "x", json_integer((json_int_t)index * BAR_STEP));
        json_object_set_new(bar, "server", json_pack("{s:I, s:I}", "y", server_y, "height", server));
        json_object_set_new(
            bar, "peers", json_pack("{s:I, s:I}", "y", server_y - peers, "height", peers));
        json_array_append_new(bars, bar);
    }
    size_t count = json_array_size(days);
    return json_pack("{s:I, s:i, s:i, s:i, s:I, s:I, s:s, s:s, s:o}", "width",
        (json_int_t)count * BAR_STEP, "height", BAR_HEIGHT, "barWidth", BAR_WIDTH, "barStep",
        BAR_STEP, "top", (json_int_t)top, "half", (json_int_t)(top / 2), "first",
        shoal_text(json_array_get(days, 0), "day", ""), "last",
        shoal_text(json_array_get(days, count - 1), "day", ""), "bars", bars);
}

static int read_number(struct shoal_request *request, const char *name, int64_t most,
    int64_t otherwise, int64_t *out, struct shoal_err *err)
{
    const char *text = shoal_request_query(request, name);
    size_t length = text != NULL ? strspn(text, "0123456789") : 0;
    *out = text == NULL ? otherwise : strtoll(text, NULL, 10);
    bool is_number = text == NULL || (length > 0 && length < 6 && text[length] == '\0');
    return is_number && *out >= 1 && *out <= most
               ? 0
               : shoal_fail_field(err, name, "%s must be from 1 to %lld", name, (long long)most);
}

int playback_show_get(struct shoal_call *call, struct shoal_request *request, void *arg,
    struct shoal_err *err)
{
    (void)arg;
    int64_t days = 0, count = 0;
    int code = read_number(request, "days", PLAYBACK_DAYS_MAX, PLAYBACK_DAYS, &days, err);
    code = code != 0
               ? code
               : read_number(request, "count", PLAYBACK_TOP_MAX, PLAYBACK_TOP, &count, err);
    if (code != 0) {
        return code;
    }
    int64_t today = shoal_now_ms() / PLAYBACK_DAY_MS;
    json_t *answer = json_object();
    code = add_days(call, answer, today - days + 1, today, err);
    code = code != 0 ? code : add_videos(call, answer, today - days + 1, count, err);
    if (code != 0) {
        json_decref(answer);
        return code;
    }
    if (shoal_request_query(request, "chart") != NULL) {
        json_object_set_new(answer, "chart", playback_show_chart(json_object_get(answer, "days")));
    }
    return shoal_answer_json(request, 200, answer);
}

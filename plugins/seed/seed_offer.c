// seed_offer.c - which mirror has which video, and which of them players are sent to.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <string.h>

#include <shoal/svc/mirrors.h>

#include "seed.h"

// What anybody may watch: public or unlisted, out, not blocked, ours.
#define OPEN_VIDEO                                                                                 \
    "v.privacy IN (1, 2) AND v.state = 1 AND v.is_open = TRUE AND v.is_blocked = FALSE"            \
    " AND v.is_live = FALSE AND v.origin_host = ''"

SHOAL_SQL(sql_offer,
    "SELECT m.base_url, c.video FROM seed_copy c JOIN seed_mirror m ON m.id = c.mirror_id"
    " JOIN v1_video v ON v.uuid = c.video WHERE c.video = $1 AND c.checked > 0"
    " AND m.state = 'offered' AND m.heard > $2 AND " OPEN_VIDEO " ORDER BY c.checked LIMIT $3");
SHOAL_SQL(sql_uuid_by_id, "SELECT uuid FROM v1_video WHERE id = $1");
SHOAL_SQL(sql_open, "SELECT v.id FROM v1_video v WHERE v.uuid = $1 AND " OPEN_VIDEO);
SHOAL_SQL(sql_copy_list, "SELECT list FROM seed_copy WHERE mirror_id = $1 AND video = $2");
// Those before this mirror: all that hold the video, and where it holds it too, the older ones. A
// mirror that players are not sent to takes nobody's place.
SHOAL_SQL(sql_copy_others,
    "SELECT COUNT(*) FROM seed_copy c JOIN seed_mirror m ON m.id = c.mirror_id"
    " WHERE c.video = $2 AND c.mirror_id <> $1 AND m.heard > $3"
    " AND m.state IN ('waiting', 'offered') AND (c.mirror_id < $1 OR NOT EXISTS"
    " (SELECT 1 FROM seed_copy o WHERE o.mirror_id = $1 AND o.video = $2))");
SHOAL_SQL(
    sql_copy_add, "INSERT INTO seed_copy (mirror_id, video, list, checked) VALUES ($1, $2, $3, 0)");
SHOAL_SQL(sql_copy_renew,
    "UPDATE seed_copy SET list = $3, checked = 0 WHERE mirror_id = $1 AND video = $2");
// Another number each time: a check that began before does not say "right" of it.
SHOAL_SQL(sql_copy_doubt,
    "UPDATE seed_copy SET checked = CASE WHEN checked > 0 THEN 0 ELSE checked - 1 END"
    " WHERE video = $1");
SHOAL_SQL(sql_copy_delete, "DELETE FROM seed_copy WHERE mirror_id = $1 AND video = $2");
SHOAL_SQL(sql_copies_of, "SELECT video FROM seed_copy WHERE mirror_id = $1");

static const char *uuid_of(struct shoal_call *call, const char *video, struct shoal_err *err)
{
    if (shoal_uuid_valid(video)) {
        return video;
    }
    size_t digits = strspn(video, "0123456789");
    if (digits == 0 || digits > 15 || video[digits] != '\0') {
        return NULL;
    }
    int64_t id = 0;
    for (const char *at = video; *at != '\0'; at++) {
        id = id * 10 + (*at - '0');
    }
    const char *uuid = NULL;
    struct shoal_rows *rows =
        shoal_db_query(shoal_call_db(call), &sql_uuid_by_id, SHOAL_ARGS(SHOAL_I64(id)), err);
    if (rows != NULL && shoal_rows_next(rows)) {
        uuid = shoal_arena_strdup(shoal_call_arena(call), shoal_col_text(rows, 0));
    }
    return rows != NULL && shoal_rows_close(rows, err) == 0 ? uuid : NULL;
}

static json_t *base_urls(
    struct shoal_call *call, void *arg, const char *video, struct shoal_err *err)
{
    struct shoal_plugin *self = arg;
    struct shoal_err inner = {0};
    const char *uuid = uuid_of(call, video, &inner);
    json_t *out = json_array();
    if (uuid == NULL && inner.code == 0) {
        return out;
    }
    int64_t since = shoal_now_ms() - shoal_setting_i64(self, "silent");
    struct shoal_rows *rows =
        uuid == NULL ? NULL
                     : shoal_db_query(shoal_call_db(call), &sql_offer,
                           SHOAL_ARGS(SHOAL_TEXT(uuid), SHOAL_I64(since),
                               SHOAL_I64(shoal_setting_i64(self, "mirrors_per_video"))),
                           &inner);
    while (rows != NULL && shoal_rows_next(rows)) {
        json_array_append_new(out, json_string(shoal_arena_printf(shoal_call_arena(call), "%s/%s",
                                       shoal_col_text(rows, 0), shoal_col_text(rows, 1))));
    }
    if (rows == NULL || shoal_rows_close(rows, &inner) != 0) {
        shoal_fail(err, inner.code != 0 ? inner.code : SHOAL_EIO, "the mirrors cannot be read: %s",
            inner.text);
        json_decref(out);
        return NULL;
    }
    return out;
}

static int room_find(struct shoal_db *db, struct shoal_plugin *self, int64_t mirror,
    const char *video, bool *has_room, struct shoal_err *err)
{
    int64_t others = 0;
    int64_t since = shoal_now_ms() - shoal_setting_i64(self, "silent");
    int code = shoal_db_i64(db, &sql_copy_others,
        SHOAL_ARGS(SHOAL_I64(mirror), SHOAL_TEXT(video), SHOAL_I64(since)), &others, err);
    *has_room = code == 0 && others < shoal_setting_i64(self, "mirrors_per_video");
    return code;
}

int seed_copies_room(struct shoal_call *call, struct shoal_plugin *self, int64_t mirror,
    const char *video, bool *has_room, struct shoal_err *err)
{
    return room_find(shoal_call_db(call), self, mirror, video, has_room, err);
}

struct setting {
    struct shoal_plugin *self;
    int64_t mirror;
    const json_t *videos;
};

static const char *list_of(const json_t *videos, const char *uuid)
{
    size_t index;
    json_t *row;
    json_array_foreach(videos, index, row)
    {
        if (strcmp(shoal_text(row, "uuid", ""), uuid) == 0) {
            return shoal_text(row, "list", "");
        }
    }
    return NULL;
}

/// What the mirror no longer says, or what is no longer for everybody.
static int forget_others(struct shoal_call *call, struct shoal_db *tx,
    const struct setting *setting, struct shoal_err *err)
{
    json_t *gone = json_array();
    struct shoal_rows *rows =
        shoal_db_query(tx, &sql_copies_of, SHOAL_ARGS(SHOAL_I64(setting->mirror)), err);
    while (rows != NULL && shoal_rows_next(rows)) {
        if (list_of(setting->videos, shoal_col_text(rows, 0)) == NULL) {
            json_array_append_new(gone, json_string(shoal_col_text(rows, 0)));
        }
    }
    (void)call;
    int code = rows == NULL ? SHOAL_EIO : shoal_rows_close(rows, err);
    for (size_t i = 0; i < json_array_size(gone) && code == 0; i++) {
        const char *uuid = json_string_value(json_array_get(gone, i));
        code = shoal_db_exec(tx, &sql_copy_delete,
            SHOAL_ARGS(SHOAL_I64(setting->mirror), SHOAL_TEXT(uuid)), NULL, err);
    }
    json_decref(gone);
    return code;
}

static int set_one(struct shoal_db *tx, const struct setting *setting, const char *uuid,
    const char *list, struct shoal_err *err)
{
    int64_t id = 0;
    bool is_same = false;
    int code = shoal_db_i64(tx, &sql_open, SHOAL_ARGS(SHOAL_TEXT(uuid)), &id, err);
    if (code == SHOAL_ENOTFOUND) {
        return shoal_db_exec(tx, &sql_copy_delete,
            SHOAL_ARGS(SHOAL_I64(setting->mirror), SHOAL_TEXT(uuid)), NULL, err);
    }
    struct shoal_rows *rows =
        code != 0 ? NULL
                  : shoal_db_query(tx, &sql_copy_list,
                        SHOAL_ARGS(SHOAL_I64(setting->mirror), SHOAL_TEXT(uuid)), err);
    if (rows == NULL) {
        return SHOAL_EIO;
    }
    bool is_there = shoal_rows_next(rows);
    is_same = is_there && strcmp(shoal_col_text(rows, 0), list) == 0;
    code = shoal_rows_close(rows, err);
    if (code != 0 || is_same) {
        return code;
    }
    if (!is_there) {
        bool has_room = false;
        code = room_find(tx, setting->self, setting->mirror, uuid, &has_room, err);
        if (code != 0 || !has_room) {
            return code;
        }
    }
    return shoal_db_exec(tx, is_there ? &sql_copy_renew : &sql_copy_add,
        SHOAL_ARGS(SHOAL_I64(setting->mirror), SHOAL_TEXT(uuid), SHOAL_TEXT(list)), NULL, err);
}

static int set_all(struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    const struct setting *setting = arg;
    int code = forget_others(call, tx, setting, err);
    for (size_t i = 0; i < json_array_size(setting->videos) && code == 0; i++) {
        const json_t *row = json_array_get(setting->videos, i);
        code = set_one(tx, setting, shoal_text(row, "uuid", ""), shoal_text(row, "list", ""), err);
    }
    return code;
}

int seed_copies_set(struct shoal_call *call, struct shoal_plugin *self, int64_t mirror,
    const json_t *videos, struct shoal_err *err)
{
    struct setting setting = {self, mirror, videos};
    size_t index;
    json_t *row;
    if (!json_is_array(videos) ||
        (int64_t)json_array_size(videos) > shoal_setting_i64(self, "videos_per_mirror")) {
        return shoal_fail_field(err, "videos", "videos is a list of at most %lld videos",
            (long long)shoal_setting_i64(self, "videos_per_mirror"));
    }
    json_array_foreach(videos, index, row)
    {
        if (!shoal_uuid_valid(shoal_text(row, "uuid", "")) ||
            seed_name_kind(shoal_text(row, "list", "")) != SEED_KIND_LIST) {
            return shoal_fail_field(err, "videos",
                "row %zu of videos has no uuid, or no name of a list of hashes", index + 1);
        }
    }
    return shoal_tx(call, set_all, &setting, err);
}

static int doubt(struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    (void)call;
    return shoal_db_exec(tx, &sql_copy_doubt, SHOAL_ARGS(SHOAL_TEXT(arg)), NULL, err);
}

/// Its files changed: what mirrors have is looked at again before players are sent there.
static int hear_files(
    struct shoal_call *call, const json_t *event, void *arg, struct shoal_err *err)
{
    (void)arg;
    const char *uuid = shoal_text(event, "video.uuid", "");
    return shoal_tx(call, doubt, (void *)(uintptr_t)uuid, err);
}

int seed_offer_start(struct shoal_plugin *self, struct shoal_err *err)
{
    static const struct shoal_svc_mirrors table = {.size = sizeof table, .base_urls = base_urls};
    int code = shoal_provide(self, "mirrors", &table, self, err);
    code = code != 0 ? code : shoal_tell(self, "video.files", hear_files, NULL);
    return code;
}

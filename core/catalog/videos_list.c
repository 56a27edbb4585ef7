// videos_list.c - lists of videos: one statement a sort, parameters switch the filters.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "catalog/catalog_priv.h"
#include "catalog/videos_query.h"
#include "catalog/may_sql.h"
#include "host/permissions.h"

// The statements are laid out by their clauses.
// clang-format off
// Whether a list parameter ("\n1\n5\n") holds a value; the form that both databases have.
#define IN_SQL(list, value)                                                                        \
    "(CAST(" list " AS TEXT) IS NULL OR REPLACE(CAST(" list " AS TEXT), '\n' || " value            \
    " || '\n', '') <> CAST(" list " AS TEXT)) "
#define EQUAL_SQL(parameter, type, value)                                                          \
    "(CAST(" parameter " AS " type ") IS NULL OR " value " = CAST(" parameter " AS " type ")) "
#define TAGS_SQL(list)                                                                             \
    "(SELECT COUNT(*) FROM catalog_video_tag t WHERE t.video_id = v.id AND "                       \
    "REPLACE(CAST(" list " AS TEXT), '\n' || t.folded || '\n', '') <> CAST(" list " AS TEXT))"
#define FILE_SQL(parameter, of_kind)                                                               \
    "(CAST(" parameter " AS BOOLEAN) IS NULL OR CAST(" parameter " AS BOOLEAN) = "                 \
    "EXISTS (SELECT 1 FROM catalog_file f WHERE f.video_id = v.id AND f.kind = '" of_kind "')) "

// $3 is the reach: 0 everybody's list, 1 the owner's, 2 what moderators ask for ($4: also what is
// not published, $5: also what is blocked).
#define REACH_SQL                                                                                  \
    "((CAST($3 AS BIGINT) = 0 AND " MAY_LIST_SQL ") "                                              \
    "OR (CAST($3 AS BIGINT) = 1 AND " MAY_OWN_SQL ") "                                             \
    "OR (CAST($3 AS BIGINT) = 2 AND (CAST($4 AS BOOLEAN) = TRUE OR CAST($7 AS TEXT) IS NOT NULL "  \
    "OR (v.is_open = TRUE AND " MAY_STATES_SQL ")) "                                               \
    "AND (CAST($5 AS BOOLEAN) = TRUE OR v.is_blocked = FALSE) "                                    \
    "AND (CAST($6 AS TEXT) IS NOT NULL OR v.privacy IN (1, 4)))) "

#define FROM_SQL                                                                                   \
    "FROM catalog_video v JOIN catalog_channel c ON c.id = v.channel_id "                          \
    "JOIN catalog_actor x ON x.id = c.actor_id WHERE " REACH_SQL                                   \
    "AND " IN_SQL("$6", "CAST(v.privacy AS TEXT)")                                                 \
    "AND " IN_SQL("$7", "CAST(v.state AS TEXT)")                                                   \
    "AND (CAST($8 AS TEXT) IS NULL OR LOWER(v.name) LIKE CAST($8 AS TEXT) ESCAPE '\\' "            \
    "OR LOWER(COALESCE(v.description, '')) LIKE CAST($8 AS TEXT) ESCAPE '\\' "                     \
    "OR EXISTS (SELECT 1 FROM catalog_video_tag t WHERE t.video_id = v.id "                        \
    "AND t.folded = CAST($9 AS TEXT))) "                                                           \
    "AND " EQUAL_SQL("$10", "BOOLEAN", "v.is_nsfw")                                                \
    "AND " EQUAL_SQL("$11", "BOOLEAN", "v.is_live")                                                \
    "AND " EQUAL_SQL("$12", "BOOLEAN", "(v.origin_host = '')")                                     \
    "AND " EQUAL_SQL("$13", "TEXT", "v.origin_host")                                               \
    "AND " IN_SQL("$14", "COALESCE(CAST(v.category AS TEXT), '')")                                 \
    "AND " IN_SQL("$15", "COALESCE(CAST(v.licence AS TEXT), '')")                                  \
    "AND " IN_SQL("$16", "COALESCE(v.language, '_unknown')")                                       \
    "AND " EQUAL_SQL("$17", "BIGINT", "c.account_id")                                              \
    "AND " EQUAL_SQL("$18", "BIGINT", "c.id")                                                      \
    "AND " FILE_SQL("$19", "hls_media")                                                            \
    "AND " FILE_SQL("$20", "web_video")                                                            \
    "AND (CAST($21 AS TEXT) IS NULL OR " TAGS_SQL("$21") " > 0) "                                  \
    "AND (CAST($22 AS TEXT) IS NULL OR " TAGS_SQL("$22") " = CAST($23 AS BIGINT)) "                \
    "AND " IN_SQL("$24", "v.uuid")                                                                 \
    "AND " IN_SQL("$25", "x.name")                                                                 \
    "AND (CAST($26 AS BIGINT) IS NULL OR v.published >= CAST($26 AS BIGINT)) "                     \
    "AND (CAST($27 AS BIGINT) IS NULL OR v.published <= CAST($27 AS BIGINT)) "                     \
    "AND (CAST($28 AS BIGINT) IS NULL OR v.duration_s >= CAST($28 AS BIGINT)) "                    \
    "AND (CAST($29 AS BIGINT) IS NULL OR v.duration_s <= CAST($29 AS BIGINT)) "                    \
    "AND (CAST($30 AS BIGINT) = 0 OR (v.nsfw_flags & CAST($30 AS BIGINT)) <> 0) "                  \
    "AND (v.nsfw_flags & CAST($31 AS BIGINT)) = 0 "                                                \
    "AND (CAST($32 AS TEXT) IS NULL OR REPLACE(CAST($32 AS TEXT), '\n' || CAST(v.id AS TEXT) "     \
    "|| '\n', '') = CAST($32 AS TEXT)) "

// $33: where the views that make a trend begin; $34: now.
#define RECENT_SQL                                                                                 \
    "(SELECT COALESCE(SUM(h.views), 0) FROM catalog_view_hour h WHERE h.video_id = v.id "          \
    "AND h.hour >= CAST($33 AS BIGINT))"
// What is watched, liked and talked about, thinned by its age in hours.
#define HEAT_SQL                                                                                   \
    "((" RECENT_SQL " + v.likes * 4 + v.comments * 8) * 1000000 / "                                \
    "((CAST($34 AS BIGINT) - v.published) / 3600000 + 2))"
#define SIZE_SQL                                                                                   \
    "(SELECT COALESCE(SUM(f.size_bytes), 0) FROM catalog_file f WHERE f.video_id = v.id)"
#define MATCH_SQL "CASE WHEN LOWER(v.name) LIKE CAST($8 AS TEXT) ESCAPE '\\' THEN 1 ELSE 0 END"

#define PAGE_SQL " LIMIT CAST($35 AS BIGINT) OFFSET CAST($36 AS BIGINT)"
// The parameters of sorts stand in every statement, so that one argument list fits all.
#define USED_SQL "AND CAST($33 AS BIGINT) >= 0 AND CAST($34 AS BIGINT) >= 0 "
#define LIST_SQL(id, by)                                                                           \
    SHOAL_SQL(id, "SELECT v.id " FROM_SQL USED_SQL "ORDER BY " by ", v.id" PAGE_SQL);              \
    SHOAL_SQL(                                                                                     \
        id##_down, "SELECT v.id " FROM_SQL USED_SQL "ORDER BY " by " DESC, v.id DESC" PAGE_SQL)
// clang-format on

LIST_SQL(videos_name, "LOWER(v.name)");
LIST_SQL(videos_duration, "v.duration_s");
LIST_SQL(videos_created, "v.created");
LIST_SQL(videos_published, "v.published");
LIST_SQL(videos_originally, "COALESCE(v.originally_published, v.published)");
LIST_SQL(videos_views, "v.views");
LIST_SQL(videos_likes, "v.likes");
LIST_SQL(videos_comments, "v.comments");
LIST_SQL(videos_trending, RECENT_SQL);
LIST_SQL(videos_hot, HEAT_SQL);
LIST_SQL(videos_size, SIZE_SQL);
LIST_SQL(videos_match, MATCH_SQL);
SHOAL_SQL(videos_count, "SELECT COUNT(*) " FROM_SQL);

const char *const catalog_videos_sorts[] = {"name", "duration", "createdAt", "publishedAt",
    "originallyPublishedAt", "views", "likes", "comments", "trending", "hot", "best",
    "localVideoFilesSize", "match", NULL};
static const struct shoal_sql *const lists[][2] = {
    {&videos_name, &videos_name_down},
    {&videos_duration, &videos_duration_down},
    {&videos_created, &videos_created_down},
    {&videos_published, &videos_published_down},
    {&videos_originally, &videos_originally_down},
    {&videos_views, &videos_views_down},
    {&videos_likes, &videos_likes_down},
    {&videos_comments, &videos_comments_down},
    {&videos_trending, &videos_trending_down},
    {&videos_hot, &videos_hot_down},
    {&videos_hot, &videos_hot_down},
    {&videos_size, &videos_size_down},
    {&videos_match, &videos_match_down},
};

static int ids_get(struct shoal_call *call, struct catalog_videos_query *query, int64_t ids[100],
    size_t *count, int64_t *total, struct shoal_err *err)
{
    struct shoal_db *db = shoal_call_db(call);
    int code = 0;
    if (!query->skips_count) {
        code = catalog_videos_total(call, query, &videos_count, total, err);
    }
    if (code != 0) {
        return code;
    }
    struct shoal_rows *rows = shoal_db_query(
        db, lists[query->page.sort][query->page.is_down], query->args, CATALOG_VIDEOS_ARGS, err);
    if (rows == NULL) {
        return SHOAL_EIO;
    }
    while (*count < 100 && shoal_rows_next(rows)) {
        ids[(*count)++] = shoal_col_i64(rows, 0);
    }
    return shoal_rows_close(rows, err);
}

json_t *shoal_video_list(struct shoal_call *call, const json_t *query, struct shoal_err *err)
{
    if (shoal_permission_call(call, "read", "videos", err) != 0) {
        return NULL;
    }
    struct catalog_videos_query read;
    int64_t ids[100];
    size_t count = 0;
    int64_t total = 0;
    if (catalog_videos_query_read(call, query, &read, err) != 0 ||
        ids_get(call, &read, ids, &count, &total, err) != 0) {
        return NULL;
    }
    json_t *data = json_array();
    for (size_t i = 0; i < count; i++) {
        struct catalog_video video;
        json_t *shown = catalog_video_by_number(call, ids[i], &video, NULL) != 0
                            ? NULL // removed between the two statements
                            : catalog_video_json(call, &video, read.shape, NULL);
        if (shown != NULL) {
            json_array_append_new(data, shown);
        }
    }
    json_t *out = json_pack("{s:o}", "data", data);
    if (!read.skips_count) {
        json_object_set_new(out, "total", json_integer(total));
    }
    return out;
}

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
// not published, $5: also what is blocked, $33: also what is of a hidden server).
#define REACH_SQL                                                                                  \
    "((CAST($3 AS BIGINT) = 0 AND " MAY_LIST_SQL ") "                                              \
    "OR (CAST($3 AS BIGINT) = 1 AND " MAY_OWN_SQL ") "                                             \
    "OR (CAST($3 AS BIGINT) = 2 AND (CAST($4 AS BOOLEAN) = TRUE OR CAST($7 AS TEXT) IS NOT NULL "  \
    "OR (v.is_open = TRUE AND " MAY_STATES_SQL ")) "                                               \
    "AND (CAST($5 AS BOOLEAN) = TRUE OR v.is_blocked = FALSE) "                                    \
    "AND v.followed >= CAST($33 AS BIGINT) "                                                       \
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

// What the lists of a subscriber hold: $34 is the actor of their account.
#define SUBSCRIBED_SQL                                                                             \
    "AND v.channel_id IN (SELECT s.id FROM catalog_follow f JOIN catalog_channel s "               \
    "ON s.actor_id = f.target_id WHERE f.follower_id = CAST($34 AS BIGINT) AND f.state = 2 "       \
    "UNION SELECT s.id FROM catalog_follow f JOIN catalog_account a ON a.actor_id = f.target_id "  \
    "JOIN catalog_channel s ON s.account_id = a.id "                                               \
    "WHERE f.follower_id = CAST($34 AS BIGINT) AND f.state = 2) "
#define ALL_SQL "AND CAST($34 AS BIGINT) IS NULL "

// $35: where the views that make a trend begin; $36: now.
#define RECENT_SQL                                                                                 \
    "(SELECT COALESCE(SUM(h.views), 0) FROM catalog_view_hour h WHERE h.video_id = v.id "          \
    "AND h.hour >= CAST($35 AS BIGINT))"
// What is watched, liked and talked about, thinned by its age in hours.
#define HEAT_SQL                                                                                   \
    "((" RECENT_SQL " + v.likes * 4 + v.comments * 8) * 1000000 / "                                \
    "((CAST($36 AS BIGINT) - v.published) / 3600000 + 2))"
#define SIZE_SQL                                                                                   \
    "(SELECT COALESCE(SUM(f.size_bytes), 0) FROM catalog_file f WHERE f.video_id = v.id)"
#define MATCH_SQL "CASE WHEN LOWER(v.name) LIKE CAST($8 AS TEXT) ESCAPE '\\' THEN 1 ELSE 0 END"

#define PAGE_SQL " LIMIT CAST($37 AS BIGINT) OFFSET CAST($38 AS BIGINT)"
// The parameters of sorts stand in every statement, so that one argument list fits all.
#define USED_SQL "AND CAST($35 AS BIGINT) >= 0 AND CAST($36 AS BIGINT) >= 0 "
#define PAIR_SQL(id, of, by)                                                                       \
    SHOAL_SQL(id, "SELECT v.id " FROM_SQL of USED_SQL "ORDER BY " by ", v.id" PAGE_SQL);           \
    SHOAL_SQL(id##_down,                                                                           \
        "SELECT v.id " FROM_SQL of USED_SQL "ORDER BY " by " DESC, v.id DESC" PAGE_SQL)
#define LIST_SQL(id, by)                                                                           \
    PAIR_SQL(id, ALL_SQL, by);                                                                     \
    PAIR_SQL(id##_subscribed, SUBSCRIBED_SQL, by)
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
SHOAL_SQL(videos_count, "SELECT COUNT(*) " FROM_SQL ALL_SQL);
SHOAL_SQL(videos_count_subscribed, "SELECT COUNT(*) " FROM_SQL SUBSCRIBED_SQL);

const char *const catalog_videos_sorts[] = {"name", "duration", "createdAt", "publishedAt",
    "originallyPublishedAt", "views", "likes", "comments", "trending", "hot", "best",
    "localVideoFilesSize", "match", NULL};
#define ROW(id) {{&id, &id##_down}, {&id##_subscribed, &id##_subscribed_down}}
static const struct shoal_sql *const lists[][2][2] = {
    ROW(videos_name),
    ROW(videos_duration),
    ROW(videos_created),
    ROW(videos_published),
    ROW(videos_originally),
    ROW(videos_views),
    ROW(videos_likes),
    ROW(videos_comments),
    ROW(videos_trending),
    ROW(videos_hot),
    ROW(videos_hot),
    ROW(videos_size),
    ROW(videos_match),
};

static int ids_get(struct shoal_call *call, struct catalog_videos_query *query, int64_t ids[100],
    size_t *count, int64_t *total, struct shoal_err *err)
{
    bool is_subscribed = query->args[33].type != SHOAL_TYPE_NULL;
    int code = 0;
    if (!query->skips_count) {
        code = catalog_videos_total(
            call, query, is_subscribed ? &videos_count_subscribed : &videos_count, total, err);
    }
    if (code != 0) {
        return code;
    }
    return catalog_ids_read(shoal_call_db(call),
        lists[query->page.sort][is_subscribed][query->page.is_down], query->args,
        CATALOG_VIDEOS_ARGS, ids, 100, count, err);
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

// comments_page.c - what the watch page shows: threads with their replies, and what the visitor may do.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <string.h>

#include "comments.h"

#define NESTED_MAX  3   // replies stand below replies so deep, then beside them
#define REPLIES_MAX 200 // of one thread; the rest is behind the API
#define MARKS_MAX   (REPLIES_MAX + 1)

struct marking {
    struct shoal_call *call;
    struct comments_eyes eyes;
    struct comments_people *people;
    bool may_reply;
};

static json_t *node_of(const struct marking *marking, const struct comments_row *row)
{
    struct shoal_arena *arena = shoal_call_arena(marking->call);
    bool is_own = marking->eyes.account_id != 0 && row->account_id == marking->eyes.account_id;
    bool is_there = row->deleted_ms == 0;
    return json_pack("{s:o, s:s, s:b, s:b, s:b, s:b, s:[]}", "comment",
        comments_json(marking->call, row, marking->people), "shown",
        comments_text_shown(arena, row->text), "isVideoAuthor",
        is_there && row->account_id == row->video_account_id, "mayReply",
        is_there && marking->may_reply && row->hold == COMMENTS_SHOWN &&
            row->depth < COMMENTS_DEPTH_MAX,
        "mayDelete", is_there && (is_own || marking->eyes.sees_all), "mayApprove",
        is_there && row->hold != COMMENTS_SHOWN && marking->eyes.sees_all, "children");
}

// A tombstone is there for the replies below it alone.
static bool prune(json_t *node)
{
    json_t *children = json_object_get(node, "children");
    for (size_t i = json_array_size(children); i > 0; i--) {
        if (!prune(json_array_get(children, i - 1))) {
            json_array_remove(children, i - 1);
        }
    }
    bool has_replies = json_array_size(children) > 0;
    json_object_set_new(node, "hasReplies", json_boolean(has_replies));
    return has_replies || !shoal_flag(node, "comment.isDeleted", false);
}

static json_t *thread_of(const struct marking *marking, int64_t thread_id, struct shoal_err *err)
{
    struct shoal_arena *arena = shoal_call_arena(marking->call);
    struct comments_row *rows = shoal_arena_alloc(arena, MARKS_MAX * sizeof *rows);
    json_t **nodes = shoal_arena_alloc(arena, MARKS_MAX * sizeof *nodes);
    json_t **hosts = shoal_arena_alloc(arena, MARKS_MAX * sizeof *hosts); // what replies hang on
    size_t count = 0;
    if (comments_thread(
            marking->call, thread_id, marking->eyes, rows, MARKS_MAX, &count, err) != 0 ||
        count == 0) {
        return NULL;
    }
    for (size_t i = 0; i < count; i++) {
        size_t parent = 0;
        while (parent < i && rows[parent].id != rows[i].parent_id) {
            parent++;
        }
        if (i > 0 && (parent == i || nodes[parent] == NULL)) {
            continue;
        }
        nodes[i] = node_of(marking, &rows[i]);
        hosts[i] = nodes[i];
        if (i > 0) {
            bool is_flat = rows[i].depth >= NESTED_MAX;
            hosts[i] = is_flat ? hosts[parent] : nodes[i];
            // Beside what it answers it says whom; below it everybody sees that.
            json_t *whom = is_flat && hosts[parent] != nodes[parent]
                               ? shoal_get(nodes[parent], "comment.account.displayName")
                               : NULL;
            json_object_set(nodes[i], "answers", whom != NULL ? whom : json_null());
            json_array_append_new(json_object_get(hosts[parent], "children"), nodes[i]);
        }
    }
    if (!prune(nodes[0])) {
        json_decref(nodes[0]);
        return NULL;
    }
    return nodes[0];
}

int comments_get_trees(
    struct shoal_call *call, struct shoal_request *request, void *arg, struct shoal_err *err)
{
    (void)arg;
    int64_t start = 0, count = COMMENTS_COUNT;
    int code = paging_read(request, COMMENTS_COUNT_MAX, &start, &count, err);
    json_t *video = code == 0 ? named_video(call, request, NULL, err) : NULL;
    if (video == NULL) {
        return err->code;
    }
    int64_t policy = shoal_integer(video, "commentsPolicy.id", COMMENTS_ON);
    struct marking marking = {.call = call,
        .eyes = comments_eyes_of(call, shoal_integer(video, "account.id", 0)),
        .people = comments_people_new(call),
        .may_reply = policy != COMMENTS_OFF &&
                     shoal_call_viewer(call)->kind == SHOAL_VIEWER_USER};
    struct comments_row *roots = NULL;
    size_t root_count = 0;
    json_t *answer = policy == COMMENTS_OFF
                         ? json_pack("{s:i, s:i}", "total", 0, "totalNotDeletedComments", 0)
                         : comments_threads(call, shoal_integer(video, "id", 0), marking.eyes,
                               start, count, shoal_request_query(request, "sort"), &roots,
                               &root_count, err);
    bool is_reviewed = policy == COMMENTS_REVIEWED &&
                       !(marking.eyes.sees_all && shoal_flag(video, "isLocal", true));
    json_decref(video);
    if (answer == NULL) {
        return err->code;
    }
    json_t *trees = json_array();
    for (size_t i = 0; i < root_count; i++) {
        json_t *tree = thread_of(&marking, roots[i].id, err);
        if (tree != NULL) {
            json_array_append_new(trees, tree);
        }
    }
    json_object_set_new(answer, "data", trees);
    json_object_set_new(answer, "isOff", json_boolean(policy == COMMENTS_OFF));
    json_object_set_new(answer, "isReviewed", json_boolean(is_reviewed));
    json_object_set_new(answer, "mayComment", json_boolean(marking.may_reply));
    return shoal_answer_json(request, 200, answer);
}

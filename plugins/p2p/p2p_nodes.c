// p2p_nodes.c - which node of a site has the swarms of a video, and what nodes tell each other.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

#include <shoal/db.h>

#include "p2p.h"

#define HEAR_MS  INT64_C(1000)
#define HEAR_MAX 500
#define KEEP_MS  INT64_C(3600000) // for a node that is down: it begins without swarms

SHOAL_SQL(p2p_told_add,
    "INSERT INTO p2p_told (node, video_id, is_dismissed, made) VALUES ($1, $2, $3, $4)");
SHOAL_SQL(p2p_told_add_channel, "INSERT INTO p2p_told (node, video_id, is_dismissed, made) "
                                "SELECT CAST($1 AS TEXT), id, $3, $4 FROM v1_video WHERE channel_id = $2");
SHOAL_SQL(p2p_told_channel, "SELECT id FROM v1_video WHERE channel_id = $1");
SHOAL_SQL(p2p_told_get, "SELECT id, video_id, is_dismissed FROM p2p_told WHERE node = $1 "
                        "ORDER BY id LIMIT 500");
SHOAL_SQL(p2p_told_remove, "DELETE FROM p2p_told WHERE id = $1");
SHOAL_SQL(p2p_told_trim, "DELETE FROM p2p_told WHERE made < $1");

// --- whose a video is ---

static bool is_name(const char *name)
{
    size_t length = name != NULL ? strnlen(name, P2P_NODE_BYTES) : 0;
    return length > 0 && length < P2P_NODE_BYTES &&
           strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") == length;
}

static size_t find(const struct p2p_nodes *nodes, const char *name)
{
    size_t i = 0;
    while (i < nodes->count && strcmp(nodes->items[i].name, name) != 0) {
        i++;
    }
    return i;
}

int p2p_nodes_read(
    struct p2p_nodes *nodes, const json_t *names, const char *self, struct shoal_err *err)
{
    self = self != NULL ? self : "";
    nodes->count = 0;
    for (size_t i = 0; i < json_array_size(names); i++) {
        const char *name = json_string_value(json_array_get(names, i));
        if (!is_name(name)) {
            return shoal_fail(err, SHOAL_EINVAL,
                "nodes: \"%s\" must be 1 to 32 of a-z, 0-9 and -", name != NULL ? name : "");
        }
        if (nodes->count == P2P_NODES_MAX || find(nodes, name) < nodes->count) {
            return shoal_fail(err, SHOAL_EINVAL,
                "nodes: there may be %d, each once; \"%s\" is too much", P2P_NODES_MAX, name);
        }
        struct p2p_node *node = &nodes->items[nodes->count++];
        snprintf(node->name, sizeof node->name, "%s", name);
        snprintf(node->elsewhere, sizeof node->elsewhere,
            P2P_ELSEWHERE "who watches this video meets at /tracker/%s", name);
    }
    nodes->self = find(nodes, self);
    if (nodes->count == 0 && self[0] != '\0') {
        return shoal_fail(err, SHOAL_EINVAL,
            "node is \"%s\", but nodes is empty: list all nodes of the site there, this one too", self);
    }
    if (nodes->count > 0 && nodes->self == nodes->count) {
        return shoal_fail(err, SHOAL_EINVAL,
            "node is \"%s\", which is none of nodes: each server names itself, by another of them", self);
    }
    return 0;
}

// The highest sum wins: without its node a video goes to the second highest, and no other video moves.
size_t p2p_node_of(const struct p2p_nodes *nodes, const char *uuid)
{
    unsigned char best[EVP_MAX_MD_SIZE] = {0};
    size_t found = 0;
    for (size_t i = 0; i < nodes->count; i++) {
        unsigned char sum[EVP_MAX_MD_SIZE] = {0};
        char text[P2P_NODE_BYTES + 64];
        int length = snprintf(text, sizeof text, "%s %.40s", nodes->items[i].name, uuid);
        if (EVP_Digest(text, (size_t)length, sum, NULL, EVP_sha256(), NULL) == 1 &&
            memcmp(sum, best, sizeof best) > 0) {
            memcpy(best, sum, sizeof best);
            found = i;
        }
    }
    return found;
}

const char *p2p_node_path(struct shoal_arena *arena, const struct p2p_nodes *nodes, const char *uuid,
    const char *what)
{
    const char *name = nodes->count > 0 ? nodes->items[p2p_node_of(nodes, uuid)].name : "";
    return shoal_arena_printf(arena, "/tracker/%s%s%s", name, name[0] != '\0' ? "/" : "", what);
}

bool p2p_node_is_meant(const struct p2p_nodes *nodes, const struct shoal_request *request)
{
    const char *name = shoal_request_param(request, "node");
    return name == NULL || (nodes->count > 0 && strcmp(name, nodes->items[nodes->self].name) == 0);
}

// --- what nodes tell each other ---

// To this process, and to its sibling while one takes over from the other.
static void forget_here(struct p2p *p2p, int64_t video_id, bool is_dismissed)
{
    p2p_tracker_forget(p2p->tracker, video_id, is_dismissed);
    json_t *message =
        json_pack("{s:I, s:b}", "video", (json_int_t)video_id, "dismissed", is_dismissed);
    shoal_publish("p2p:forget", message);
    json_decref(message);
}

static void on_forget(const char *topic, const json_t *message, void *arg)
{
    (void)topic;
    const struct p2p *p2p = arg;
    p2p_tracker_forget(p2p->tracker, shoal_integer(message, "video", -1),
        shoal_flag(message, "dismissed", false));
}

struct news {
    const struct p2p_nodes *nodes;
    const struct shoal_sql *add;
    int64_t id;
    bool is_dismissed;
};

static int tell_tx(struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    (void)call;
    const struct news *news = arg;
    int64_t now = shoal_now_ms();
    int code =
        shoal_db_exec(tx, &p2p_told_trim, SHOAL_ARGS(SHOAL_TIME(now - KEEP_MS)), NULL, err);
    for (size_t i = 0; code == 0 && i < news->nodes->count; i++) {
        if (i != news->nodes->self) {
            code = shoal_db_exec(tx, news->add,
                SHOAL_ARGS(SHOAL_TEXT(news->nodes->items[i].name), SHOAL_I64(news->id),
                    SHOAL_BOOL(news->is_dismissed), SHOAL_TIME(now)),
                NULL, err);
        }
    }
    return code;
}

static void tell(struct p2p *p2p, struct shoal_call *call, struct news news)
{
    struct shoal_err why = {0};
    if (p2p->nodes.count > 1 && shoal_tx(call, tell_tx, &news, &why) != 0) {
        shoal_warn("other nodes hear within a minute that swarms of %s %lld ended: %s",
            news.add == &p2p_told_add ? "video" : "channel", (long long)news.id, why.text);
    }
}

void p2p_video_forget(
    struct p2p *p2p, struct shoal_call *call, int64_t video_id, bool is_dismissed)
{
    forget_here(p2p, video_id, is_dismissed);
    tell(p2p, call, (struct news){&p2p->nodes, &p2p_told_add, video_id, is_dismissed});
}

int p2p_channel_forget(struct p2p *p2p, struct shoal_call *call, int64_t channel_id,
    bool is_dismissed, struct shoal_err *err)
{
    struct shoal_rows *rows = shoal_db_query(
        shoal_call_db(call), &p2p_told_channel, SHOAL_ARGS(SHOAL_I64(channel_id)), err);
    while (rows != NULL && shoal_rows_next(rows)) {
        forget_here(p2p, shoal_col_i64(rows, 0), is_dismissed);
    }
    int code = rows == NULL ? SHOAL_EIO : shoal_rows_close(rows, err);
    tell(p2p, call, (struct news){&p2p->nodes, &p2p_told_add_channel, channel_id, is_dismissed});
    return code;
}

struct heard {
    size_t count;
    int64_t ids[HEAR_MAX];
};

static int heard_tx(struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    (void)call;
    const struct heard *heard = arg;
    int code = 0;
    for (size_t i = 0; code == 0 && i < heard->count; i++) {
        code = shoal_db_exec(tx, &p2p_told_remove, SHOAL_ARGS(SHOAL_I64(heard->ids[i])), NULL, err);
    }
    return code;
}

static int hear(struct shoal_call *call, void *arg, struct shoal_err *err)
{
    struct p2p *p2p = arg;
    struct heard *heard = shoal_arena_alloc(shoal_call_arena(call), sizeof *heard);
    heard->count = 0;
    struct shoal_rows *rows = shoal_db_query(shoal_call_db(call), &p2p_told_get,
        SHOAL_ARGS(SHOAL_TEXT(p2p->nodes.items[p2p->nodes.self].name)), err);
    while (rows != NULL && heard->count < HEAR_MAX && shoal_rows_next(rows)) {
        heard->ids[heard->count++] = shoal_col_i64(rows, 0);
        forget_here(p2p, shoal_col_i64(rows, 1), shoal_col_bool(rows, 2));
    }
    int code = rows == NULL ? SHOAL_EIO : shoal_rows_close(rows, err);
    return code != 0 || heard->count == 0 ? code : shoal_tx(call, heard_tx, heard, err);
}

int p2p_nodes_settle(struct p2p *p2p, struct shoal_err *err)
{
    json_t *names = shoal_setting_json(p2p->self, "nodes");
    int code = p2p_nodes_read(
        &p2p->nodes, names, shoal_setting_text(p2p->self, NULL, "node"), err);
    json_decref(names);
    return code;
}

int p2p_nodes_start(struct p2p *p2p, struct shoal_err *err)
{
    if (shoal_subscribe(p2p->self, "p2p:forget", on_forget, p2p) == 0) {
        return shoal_fail(err, SHOAL_EFORBIDDEN, "swarms cannot be ended from another process");
    }
    return p2p->nodes.count > 1
               ? shoal_timer_add(p2p->self, "hear", HEAR_MS, false, hear, p2p)
               : 0;
}

// delivery_known.c - which servers know an actor of ours: those that it spoke to, or heard others speak of it.
//
// When an account or a channel is removed, the rows of who followed it go in the same transaction, and who was
// only written to (a comment, a like, a follow) stands in no table of the catalog. So it is kept here as it
// happens, with each delivery.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <string.h>

#include "delivery.h"

SHOAL_SQL(known_add,
    "INSERT INTO delivery_known (actor_id, inbox) VALUES ($1, $2) ON CONFLICT DO NOTHING");
SHOAL_SQL(known_by_add, "INSERT INTO delivery_known_by (actor_id, audience_id) VALUES ($1, $2) "
                        "ON CONFLICT DO NOTHING");
SHOAL_SQL(known_inboxes,
    "SELECT DISTINCT k.inbox FROM delivery_known k WHERE k.inbox > CAST($3 AS TEXT) "
    "AND (k.actor_id = $1 OR k.actor_id = $2 OR k.actor_id IN "
    "(SELECT b.audience_id FROM delivery_known_by b WHERE b.actor_id = $1)) "
    "ORDER BY k.inbox LIMIT CAST($4 AS BIGINT)");
SHOAL_SQL(known_forget_by, "DELETE FROM delivery_known_by WHERE actor_id = $1");
SHOAL_SQL(known_forget, "DELETE FROM delivery_known WHERE actor_id = $1 AND NOT EXISTS "
                        "(SELECT 1 FROM delivery_known_by b WHERE b.audience_id = $1)");

static int by_put(struct shoal_db *tx, int64_t actor_id, int64_t audience_id, struct shoal_err *err)
{
    return actor_id == audience_id || actor_id == 0 || audience_id == 0
               ? 0
               : shoal_db_exec(tx, &known_by_add,
                     SHOAL_ARGS(SHOAL_I64(actor_id), SHOAL_I64(audience_id)), NULL, err);
}

// By the inbox that its whole server shares.
static int actor_put(
    struct shoal_db *tx, int64_t own_id, const struct shoal_actor *other, struct shoal_err *err)
{
    bool is_shared = other->shared_inbox_url != NULL && other->shared_inbox_url[0] != '\0';
    const char *inbox = is_shared ? other->shared_inbox_url : other->inbox_url;
    return inbox == NULL ? 0
                         : shoal_db_exec(tx, &known_add,
                               SHOAL_ARGS(SHOAL_I64(own_id), SHOAL_TEXT(inbox)), NULL, err);
}

// Everybody that one activity names.
static int inboxes_put(struct shoal_call *call, struct shoal_db *tx, const struct shoal_delivery *what,
    struct shoal_err *err)
{
    int code = 0;
    for (size_t i = 0; what->inboxes != NULL && what->inboxes[i] != NULL && code == 0; i++) {
        code = shoal_db_exec(tx, &known_add,
            SHOAL_ARGS(SHOAL_I64(what->actor_id), SHOAL_TEXT(what->inboxes[i])), NULL, err);
    }
    for (size_t i = 0; what->actors != NULL && what->actors[i] != 0 && code == 0; i++) {
        struct shoal_actor actor = {0};
        if (shoal_actor_get(call, what->actors[i], &actor, NULL) != 0 || actor.host[0] == '\0') {
            continue; // ours, or gone meanwhile
        }
        code = actor_put(tx, what->actor_id, &actor, err);
    }
    return code;
}

// A channel's document names its account, and what they publish names both.
static int owner_put(struct shoal_db *tx, const struct shoal_actor *own, struct shoal_err *err)
{
    int code = by_put(tx, own->owner_id, own->id, err);
    return code != 0 ? code : by_put(tx, own->id, own->owner_id, err);
}

int dlv_known_meet(struct shoal_db *tx, const struct shoal_actor *own, const struct shoal_actor *other,
    struct shoal_err *err)
{
    int code = actor_put(tx, own->id, other, err);
    return code != 0 ? code : owner_put(tx, own, err);
}

int dlv_known_put(struct shoal_call *call, struct shoal_db *tx, const struct shoal_delivery *what,
    const json_t *audience, struct shoal_err *err)
{
    struct shoal_actor speaker = {0};
    const char *type = shoal_text(what->activity, "type", "");
    if (shoal_actor_get(call, what->actor_id, &speaker, NULL) != 0 || strcmp(type, "Reject") == 0) {
        return 0; // it is gone, or has nothing to do with whom it answers
    }
    if (strcmp(speaker.kind, "Application") == 0) { // of whom all followers are asked in any case
        return strcmp(type, "Accept") == 0 ? inboxes_put(call, tx, what, err) : 0;
    }
    int code = inboxes_put(call, tx, what, err);
    size_t index;
    json_t *each;
    json_array_foreach(audience, index, each)
    {
        code = code != 0 ? code : by_put(tx, what->actor_id, json_integer_value(each), err);
    }
    return code != 0 ? code : owner_put(tx, &speaker, err);
}

int dlv_known_inboxes(struct shoal_call *call, int64_t actor_id, const char *after, int room,
    struct dlv_inbox *out, int *count, struct shoal_err *err)
{
    struct shoal_arena *arena = shoal_call_arena(call);
    struct shoal_actor self = {0};
    int code = shoal_actor_named(call, "peertube", "", &self, err);
    struct shoal_rows *rows =
        code != 0 ? NULL
                  : shoal_db_query(shoal_call_db(call), &known_inboxes,
                        SHOAL_ARGS(SHOAL_I64(actor_id), SHOAL_I64(self.id), SHOAL_TEXT(after),
                            SHOAL_I64(room)),
                        err);
    *count = 0;
    while (rows != NULL && *count < room && shoal_rows_next(rows)) {
        const char *inbox = shoal_arena_strdup(arena, shoal_col_text(rows, 0));
        const char *host = dlv_url_host(call, inbox);
        out[(*count)++] = (struct dlv_inbox){inbox, host != NULL ? host : ""};
    }
    return rows == NULL ? code != 0 ? code : SHOAL_EIO : shoal_rows_close(rows, err);
}

int dlv_known_forget(struct shoal_db *tx, int64_t actor_id, struct shoal_err *err)
{
    int code = shoal_db_exec(tx, &known_forget_by, SHOAL_ARGS(SHOAL_I64(actor_id)), NULL, err);
    return code != 0 ? code
                     : shoal_db_exec(tx, &known_forget, SHOAL_ARGS(SHOAL_I64(actor_id)), NULL, err);
}

// remote_actors_write.c - keeps and removes actors of other servers.
//
// The caller has checked who said it. Held here once more: all URLs of an actor lie on its host,
// that is not ours, and a handle that another URL has stays with that one (T03).
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <string.h>

#include "base/sized.h"
#include "catalog/channels_priv.h"
#include "catalog/follows_priv.h"
#include "catalog/remote_priv.h"
#include "host/permissions.h"

#define KEY_MAX    5000
#define HANDLE_MAX 100

SHOAL_SQL(put_find_url, "SELECT id FROM catalog_actor WHERE url = $1");
SHOAL_SQL(put_find_handle, "SELECT id FROM catalog_actor WHERE name = $1 AND host = $2");
SHOAL_SQL(put_find_kind, "SELECT CASE WHEN host <> $2 THEN 0 WHEN kind = 'Group' THEN 2 ELSE 1 END "
                         "FROM catalog_actor WHERE id = $1");
SHOAL_SQL(put_account,
    "SELECT a.id FROM catalog_account a JOIN catalog_actor x ON x.id = a.actor_id "
    "WHERE x.id = $1 AND x.host = $2");
SHOAL_SQL(put_insert,
    "INSERT INTO catalog_actor (kind, name, host, url, created, updated, needed, is_hidden) "
    "VALUES ($1, $2, $3, $4, $5, $6, $6, " CATALOG_HIDDEN_SQL("CAST($3 AS TEXT)") ") RETURNING id");
SHOAL_SQL(put_update,
    "UPDATE catalog_actor SET kind = $2, name = $3, inbox_url = $4, shared_inbox_url = $5, "
    "outbox_url = $6, followers_url = $7, following_url = $8, public_key = $9, updated = $10, "
    "needed = $10, missing = 0 "
    "WHERE id = $1 AND host <> ''");
// Nothing changes where nothing is new: the rows touched say whether pages have to be made anew.
#define SAME_TEXT(column, parameter)                                                               \
    "COALESCE(" column ", '') = COALESCE(CAST(" parameter " AS TEXT), '')"
SHOAL_SQL(put_account_insert,
    "INSERT INTO catalog_account (actor_id, display_name, description) VALUES ($1, $2, $3)");
SHOAL_SQL(put_account_update,
    "UPDATE catalog_account SET display_name = $2, description = $3 WHERE actor_id = $1 AND NOT "
    "(" SAME_TEXT("display_name", "$2") " AND " SAME_TEXT("description", "$3") ")");
SHOAL_SQL(put_channel_insert,
    "INSERT INTO catalog_channel (actor_id, account_id, display_name, description, support) "
    "VALUES ($1, $2, $3, $4, $5)");
SHOAL_SQL(put_channel_update,
    "UPDATE catalog_channel SET account_id = $2, display_name = $3, description = $4, support = $5 "
    "WHERE actor_id = $1 AND NOT (account_id = CAST($2 AS BIGINT) AND " SAME_TEXT("display_name",
        "$3") " AND " SAME_TEXT("description", "$4") " AND " SAME_TEXT("support", "$5") ")");

struct put {
    struct shoal_actor actor; // checked and cleaned
    const json_t *pictures;
    bool is_group;
    int64_t id; // out
};

static bool name_fits(const char *name)
{
    size_t length = name == NULL ? 0 : strnlen(name, HANDLE_MAX + 1);
    return length > 0 && length <= HANDLE_MAX &&
           strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.:") ==
               length;
}

static bool key_fits(const char *key)
{
    static const char begin[] = "-----BEGIN PUBLIC KEY-----";
    return key == NULL ||
           (strnlen(key, KEY_MAX + 1) <= KEY_MAX && strncmp(key, begin, sizeof begin - 1) == 0 &&
               strstr(key, "-----END PUBLIC KEY-----") != NULL);
}

static int urls_check(
    struct shoal_call *call, const struct shoal_actor *actor, struct shoal_err *err)
{
    const struct {
        const char *field, *url;
    } urls[] = {{"url", actor->url}, {"inbox_url", actor->inbox_url},
        {"shared_inbox_url", actor->shared_inbox_url}, {"outbox_url", actor->outbox_url},
        {"followers_url", actor->followers_url}, {"following_url", actor->following_url}};
    for (size_t i = 0; i < sizeof urls / sizeof urls[0]; i++) {
        bool is_needed = i < 2;
        if ((is_needed || urls[i].url != NULL) &&
            !catalog_url_on(call->arena, urls[i].url, actor->host)) {
            return shoal_fail_field(err, urls[i].field,
                "%s of an actor should be a URL on its own host", urls[i].field);
        }
    }
    return 0;
}

static int put_check(struct shoal_call *call, struct put *put, struct shoal_err *err)
{
    static const char *const kinds[] = {
        "Person", "Group", "Application", "Service", "Organization"};
    struct shoal_actor *actor = &put->actor;
    struct shoal_arena *arena = call->arena;
    bool is_kind = false;
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        is_kind = is_kind || (actor->kind != NULL && strcmp(actor->kind, kinds[i]) == 0);
    }
    if (!is_kind) {
        return shoal_fail_field(err, "kind", "an actor should have a kind that is known");
    }
    put->is_group = strcmp(actor->kind, "Group") == 0;
    if (!name_fits(actor->name)) {
        return shoal_fail_field(err, "name", "an actor should have a valid name");
    }
    if (actor->host == NULL || strnlen(actor->host, 261) > 260 ||
        catalog_host_ours(call, actor->host)) {
        return shoal_fail_field(err, "host", "this is no actor of another server");
    }
    actor->host = catalog_fold(arena, actor->host);
    if (!key_fits(actor->public_key)) {
        return shoal_fail_field(err, "public_key", "an actor should have a valid public key");
    }
    actor->display_name = catalog_remote_text(arena, actor->display_name, 120, true);
    actor->display_name = actor->display_name == NULL ? actor->name : actor->display_name;
    actor->description = catalog_remote_text(arena, actor->description, 1000, false);
    actor->support = catalog_remote_text(arena, actor->support, 1000, false);
    int64_t now_ms = shoal_now_ms();
    actor->created_ms =
        actor->created_ms <= 0 || actor->created_ms > now_ms ? now_ms : actor->created_ms;
    return urls_check(call, actor, err);
}

// The row of the actor: found by its URL, or made.
static int row_put(struct shoal_db *tx, struct put *put, bool *is_new, struct shoal_err *err)
{
    const struct shoal_actor *actor = &put->actor;
    int64_t holder = 0;
    int64_t kind = 0;
    int code = shoal_db_i64(tx, &put_find_url, SHOAL_ARGS(SHOAL_TEXT(actor->url)), &put->id, NULL);
    *is_new = code == SHOAL_ENOTFOUND;
    if (code != 0 && !*is_new) {
        return shoal_fail(err, code, "the actor %s cannot be looked up", actor->url);
    }
    code = shoal_db_i64(tx, &put_find_handle,
        SHOAL_ARGS(SHOAL_TEXT(actor->name), SHOAL_TEXT(actor->host)), &holder, NULL);
    if (code == 0 && (*is_new || holder != put->id)) {
        return shoal_fail(err, SHOAL_ECONFLICT, "the handle %s@%s belongs to another actor",
            actor->name, actor->host);
    }
    if (*is_new) {
        return shoal_db_i64(tx, &put_insert,
            SHOAL_ARGS(SHOAL_TEXT(actor->kind), SHOAL_TEXT(actor->name), SHOAL_TEXT(actor->host),
                SHOAL_TEXT(actor->url), SHOAL_I64(actor->created_ms), SHOAL_I64(shoal_now_ms())),
            &put->id, err);
    }
    code = shoal_db_i64(
        tx, &put_find_kind, SHOAL_ARGS(SHOAL_I64(put->id), SHOAL_TEXT(actor->host)), &kind, err);
    if (code == 0 && kind != (put->is_group ? 2 : 1)) {
        code = shoal_fail_field(err, "kind", "an actor stays an account, or a channel");
    }
    return code;
}

static int account_put(struct shoal_db *tx, const struct put *put, bool is_new, int64_t *changed,
    struct shoal_err *err)
{
    return shoal_db_exec(tx, is_new ? &put_account_insert : &put_account_update,
        SHOAL_ARGS(SHOAL_I64(put->id), SHOAL_TEXT(put->actor.display_name),
            SHOAL_TEXT(put->actor.description)),
        changed, err);
}

static int channel_put(struct shoal_db *tx, const struct put *put, bool is_new, int64_t *changed,
    struct shoal_err *err)
{
    int64_t account_id = 0;
    int code = shoal_db_i64(tx, &put_account,
        SHOAL_ARGS(SHOAL_I64(put->actor.owner_id), SHOAL_TEXT(put->actor.host)), &account_id, NULL);
    if (code != 0) {
        return shoal_fail_field(
            err, "owner_id", "a channel should have an account of its own host");
    }
    return shoal_db_exec(tx, is_new ? &put_channel_insert : &put_channel_update,
        SHOAL_ARGS(SHOAL_I64(put->id), SHOAL_I64(account_id), SHOAL_TEXT(put->actor.display_name),
            SHOAL_TEXT(put->actor.description), SHOAL_TEXT(put->actor.support)),
        changed, err);
}

static int put_tx(struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    struct put *put = arg;
    const struct shoal_actor *actor = &put->actor;
    bool is_new = false;
    bool has_pictures_changed = false;
    int64_t changed = 0;
    int code = row_put(tx, put, &is_new, err);
    if (code == 0) {
        code = shoal_db_exec(tx, &put_update,
            SHOAL_ARGS(SHOAL_I64(put->id), SHOAL_TEXT(actor->kind), SHOAL_TEXT(actor->name),
                SHOAL_TEXT(actor->inbox_url), SHOAL_TEXT(actor->shared_inbox_url),
                SHOAL_TEXT(actor->outbox_url), SHOAL_TEXT(actor->followers_url),
                SHOAL_TEXT(actor->following_url), SHOAL_TEXT(actor->public_key),
                SHOAL_I64(shoal_now_ms())),
            NULL, err);
    }
    if (code == 0) {
        code = put->is_group ? channel_put(tx, put, is_new, &changed, err)
                             : account_put(tx, put, is_new, &changed, err);
    }
    if (code == 0 && put->pictures != NULL) {
        code = catalog_remote_actor_pictures(
            call, tx, put->id, put->pictures, &has_pictures_changed, err);
    }
    return code == 0 && (is_new || changed > 0 || has_pictures_changed)
               ? shoal_touch(call, tx, "catalog", err)
               : code;
}

int shoal_actor_put_sized(struct shoal_call *call, const struct shoal_actor *actor,
    size_t actor_bytes, const json_t *pictures, int64_t *id, struct shoal_err *err)
{
    struct put put = {.pictures = pictures};
    shoal_sized_copy(&put.actor, sizeof put.actor, actor, actor_bytes);
    int code = shoal_permission_call(call, "federation", NULL, err);
    code = code == 0 ? put_check(call, &put, err) : code;
    code = code == 0 ? shoal_tx(call, put_tx, &put, err) : code;
    if (code == 0 && id != NULL) {
        *id = put.id;
    }
    return code;
}

// --- removed ---

SHOAL_SQL(gone_channels,
    "SELECT c.id FROM catalog_channel c JOIN catalog_actor x ON x.id = c.actor_id "
    "WHERE x.host <> '' AND (c.actor_id = $1 OR c.account_id = "
    "(SELECT a.id FROM catalog_account a WHERE a.actor_id = $1)) LIMIT 1");
SHOAL_SQL(gone_videos, "SELECT id FROM catalog_video WHERE channel_id = $1 LIMIT 1");
SHOAL_SQL(gone_channel_actor, "DELETE FROM catalog_actor WHERE host <> '' AND id = "
                              "(SELECT actor_id FROM catalog_channel WHERE id = $1)");
SHOAL_SQL(gone_channel, "SELECT id FROM catalog_channel WHERE actor_id = $1");
SHOAL_SQL(gone_account, "SELECT id FROM catalog_account WHERE actor_id = $1");
SHOAL_SQL(gone_actor, "DELETE FROM catalog_actor WHERE id = $1 AND host <> ''");

static int channel_remove_tx(
    struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    int64_t channel_id = *(const int64_t *)arg;
    int code = catalog_channel_tell(call, tx, channel_id, "deleted", err);
    code = code == 0 ? catalog_actor_images_remove(tx, 0, channel_id, err) : code;
    code = code == 0 ? catalog_follows_forget(call, tx, 0, channel_id, err) : code;
    return code == 0 ? shoal_db_exec(
                           tx, &gone_channel_actor, SHOAL_ARGS(SHOAL_I64(channel_id)), NULL, err)
                     : code;
}

// Nobody's user: what hears of it knows the account by its number.
static int account_tell(
    struct shoal_call *call, struct shoal_db *tx, int64_t account_id, struct shoal_err *err)
{
    if (!shoal_hook_heard("user.changed")) {
        return 0;
    }
    json_t *event = json_pack("{s:{s:o?}, s:I, s:s, s:n}", "user", "account",
        catalog_account_json(call, account_id, true, NULL), "actorId",
        (json_int_t)catalog_actor_id(call, account_id, 0), "what", "deleted", "by");
    int code = shoal_fire_durable(tx, "user.changed", event, err);
    json_decref(event);
    return code;
}

static int actor_remove_tx(
    struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    int64_t actor_id = *(const int64_t *)arg;
    int64_t account_id = 0;
    int code = shoal_db_i64(tx, &gone_account, SHOAL_ARGS(SHOAL_I64(actor_id)), &account_id, NULL);
    if (code == 0) {
        code = account_tell(call, tx, account_id, err);
        code = code == 0 ? catalog_actor_images_remove(tx, account_id, 0, err) : code;
        code = code == 0 ? catalog_follows_forget(call, tx, account_id, 0, err) : code;
    } else if (code == SHOAL_ENOTFOUND) {
        code = 0; // it was a channel, which is gone by now
    }
    code = code == 0 ? shoal_db_exec(tx, &gone_actor, SHOAL_ARGS(SHOAL_I64(actor_id)), NULL, err)
                     : code;
    return code == 0 ? shoal_touch(call, tx, "catalog", err) : code;
}

int catalog_remote_actor_drop(
    struct shoal_call *call, struct shoal_db *tx, int64_t id, struct shoal_err *err)
{
    int64_t channel_id = 0;
    int code = shoal_db_i64(tx, &gone_channel, SHOAL_ARGS(SHOAL_I64(id)), &channel_id, NULL);
    return code == 0                  ? channel_remove_tx(call, tx, &channel_id, err)
           : code == SHOAL_ENOTFOUND ? actor_remove_tx(call, tx, &id, err)
                                      : shoal_fail(err, code, "an actor cannot be removed now");
}

// Videos one by one, each in a transaction of its own: an account may have thousands.
static int channel_remove(struct shoal_call *call, int64_t channel_id, struct shoal_err *err)
{
    int64_t video_id = 0;
    int code = 0;
    while ((code = shoal_db_i64(shoal_call_db(call), &gone_videos,
                SHOAL_ARGS(SHOAL_I64(channel_id)), &video_id, NULL)) == 0) {
        code = catalog_remote_video_remove(call, video_id, err);
        if (code != 0) {
            return code;
        }
    }
    return code == SHOAL_ENOTFOUND ? shoal_tx(call, channel_remove_tx, &channel_id, err)
                                   : shoal_fail(err, code, "a channel cannot be removed now");
}

int shoal_actor_remove(struct shoal_call *call, int64_t id, struct shoal_err *err)
{
    struct shoal_actor actor;
    int code = shoal_permission_call(call, "federation", NULL, err);
    code = code == 0 ? catalog_actor_read(call, id, &actor, err) : code;
    if (code == 0 && actor.host[0] == '\0') {
        code = shoal_fail(err, SHOAL_EFORBIDDEN, "an actor of this server is not removed so");
    }
    int64_t channel_id = 0;
    while (code == 0 && (code = shoal_db_i64(shoal_call_db(call), &gone_channels,
                             SHOAL_ARGS(SHOAL_I64(id)), &channel_id, NULL)) == 0) {
        code = channel_remove(call, channel_id, err);
    }
    return code == SHOAL_ENOTFOUND && actor.id == id ? shoal_tx(call, actor_remove_tx, &id, err)
                                                     : code;
}

// federation_blocks.c - servers that this one has nothing to do with: kept, asked for, shown.
//
// A block is asked where something comes in, where something is fetched and where something goes out,
// each time: it acts at once in both directions. What is here of such a server is hidden, not removed.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <string.h>
#include <strings.h>

#include <paging.h>
#include <urlhost.h>

#include "federation_inbox.h"

#define LABELS_MAX 8
#define LIST_MAX 100
#define BLOCKS_MAX 20000 // that are looked at when the server starts

SHOAL_SQL(block_find, "SELECT 1 FROM federation_block WHERE host IN "
                      "($1, $2, $3, $4, $5, $6, $7, $8) LIMIT 1");
SHOAL_SQL(block_any, "SELECT COUNT(*) FROM (SELECT 1 FROM federation_block LIMIT 1) AS one");
SHOAL_SQL(block_add, "INSERT INTO federation_block (host, by_user, created) VALUES ($1, $2, $3) "
                     "ON CONFLICT (host) DO NOTHING");
SHOAL_SQL(block_remove, "DELETE FROM federation_block WHERE host = $1");
SHOAL_SQL(block_all, "SELECT host FROM federation_block ORDER BY host LIMIT CAST($1 AS BIGINT)");
SHOAL_SQL(block_count, "SELECT COUNT(*) FROM federation_block WHERE host LIKE $1");
SHOAL_SQL(block_list, "SELECT b.host, b.created, u.username FROM federation_block b "
                      "LEFT JOIN v1_user u ON u.id = b.by_user WHERE b.host LIKE $1 "
                      "ORDER BY b.created DESC, b.host LIMIT CAST($2 AS BIGINT) "
                      "OFFSET CAST($3 AS BIGINT)");

// The host, and the domains that it lies in, whatever its port: a block of example.org is one of
// www.example.org:8443 too. However deep a name is, its last labels are looked at.
static size_t names_of(struct shoal_call *call, const char *host, struct shoal_value names[LABELS_MAX])
{
    size_t count = 0;
    names[count++] = SHOAL_TEXT(host);
    if (host[0] == '[') {
        return count; // an address of version 6
    }
    const char *name = shoal_arena_strndup(shoal_call_arena(call), host, strcspn(host, ":"));
    size_t dots = 0;
    for (const char *at = name; *at != '\0'; at++) {
        dots += *at == '.';
    }
    const char *at = name;
    while (at != NULL && count < LABELS_MAX) {
        if (dots < LABELS_MAX - 1) {
            names[count++] = SHOAL_TEXT(at);
        }
        const char *dot = strchr(at, '.');
        at = dot != NULL ? dot + 1 : NULL;
        dots--;
    }
    return count;
}

bool fed_blocked(struct shoal_call *call, const char *host)
{
    int64_t any = 0;
    if (host == NULL || host[0] == '\0' ||
        shoal_db_i64(shoal_call_db(call), &block_any, SHOAL_NOARGS, &any, NULL) != 0 || any == 0) {
        return false;
    }
    struct shoal_value names[LABELS_MAX];
    size_t count = names_of(call, host, names);
    while (count < LABELS_MAX) {
        names[count++] = SHOAL_TEXT(host);
    }
    int64_t found = 0;
    return shoal_db_i64(shoal_call_db(call), &block_find, names, LABELS_MAX, &found, NULL) == 0;
}

// A host, also of a pasted address, as handles have it: in lower case, with neither the dot that names may end
// with nor the usual port; NULL for what is none.
static const char *host_read(struct shoal_call *call, const char *text, struct shoal_err *err)
{
    struct shoal_arena *arena = shoal_call_arena(call);
    const char *usual = text != NULL && strncasecmp(text, "http://", 7) == 0 ? "80" : "443";
    const char *name = fed_name_read(call, text);
    size_t length = name == NULL || name[0] == '[' ? 0 : strcspn(name, ":");
    if (length > 1 && name[length - 1] == '.') {
        name = shoal_arena_printf(arena, "%.*s%s", (int)length - 1, name, name + length);
    }
    const char *host = name == NULL ? NULL : urlhost_read(arena, name, usual, true);
    if (host == NULL) {
        shoal_fail_field(err, "host", "a host is a name like videos.example.org");
    }
    return host;
}

struct change {
    const char *host;
    int64_t user_id, changed;
    bool is_blocked;
};

static int change_tx(struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    struct change *change = arg;
    int code = change->is_blocked
                   ? shoal_db_exec(tx, &block_add,
                         SHOAL_ARGS(SHOAL_TEXT(change->host), SHOAL_I64(change->user_id),
                             SHOAL_TIME(shoal_now_ms())),
                         &change->changed, err)
                   : shoal_db_exec(tx, &block_remove, SHOAL_ARGS(SHOAL_TEXT(change->host)),
                         &change->changed, err);
    return code == 0 ? shoal_host_hide(call, tx, change->host, change->is_blocked, err) : code;
}

static int hide_all_tx(
    struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    (void)arg;
    struct shoal_arena *arena = shoal_call_arena(call);
    const char **hosts = shoal_arena_alloc(arena, BLOCKS_MAX * sizeof *hosts);
    size_t count = 0;
    struct shoal_rows *rows = shoal_db_query(tx, &block_all, SHOAL_ARGS(SHOAL_I64(BLOCKS_MAX)), err);
    while (rows != NULL && count < BLOCKS_MAX && shoal_rows_next(rows)) {
        hosts[count++] = shoal_arena_strdup(arena, shoal_col_text(rows, 0));
    }
    int code = rows == NULL ? SHOAL_EIO : shoal_rows_close(rows, err);
    for (size_t i = 0; i < count && code == 0; i++) {
        code = shoal_host_hide(call, tx, hosts[i], true, err);
    }
    return code;
}

// Blocks of before hiding was known, or of a catalog that was restored from elsewhere.
static int blocks_started(
    struct shoal_call *call, const json_t *event, void *arg, struct shoal_err *err)
{
    (void)event;
    (void)arg;
    return shoal_tx(call, hide_all_tx, NULL, err);
}

static int block_post(struct shoal_call *call, struct shoal_request *request, void *arg,
    struct shoal_err *err)
{
    (void)arg;
    json_t *body = shoal_request_body(request, err);
    const char *host = body != NULL ? host_read(call, shoal_text(body, "host", NULL), err) : NULL;
    if (host == NULL) {
        return err->code;
    }
    if (strcmp(host, fed_host(call)) == 0) {
        return shoal_fail(err, SHOAL_ECONFLICT, "a server cannot block itself");
    }
    struct change change = {host, shoal_call_viewer(call)->user_id, 0, true};
    int code = shoal_tx(call, change_tx, &change, err);
    return code != 0 ? code : shoal_answer_status(request, 204);
}

static int block_delete(struct shoal_call *call, struct shoal_request *request, void *arg,
    struct shoal_err *err)
{
    (void)arg;
    struct shoal_err none = {0};
    const char *asked = shoal_request_param(request, "host");
    const char *host = host_read(call, asked, &none);
    struct change change = {.host = host != NULL ? host : asked};
    int code = shoal_tx(call, change_tx, &change, err);
    if (code == 0 && change.changed == 0) {
        return shoal_fail(err, SHOAL_ENOTFOUND, "%.200s is not blocked", change.host);
    }
    return code != 0 ? code : shoal_answer_status(request, 204);
}

static json_t *block_json(const struct shoal_rows *rows)
{
    char created[32];
    const char *by = shoal_col_text(rows, 2);
    return json_pack("{s:{s:s}, s:{s:s?}, s:s}", "blockedServer", "host", shoal_col_text(rows, 0),
        "byAccount", "name", by, "createdAt", shoal_time_format(shoal_col_i64(rows, 1), created));
}

static int block_list_get(struct shoal_call *call, struct shoal_request *request, void *arg,
    struct shoal_err *err)
{
    (void)arg;
    const char *search = shoal_request_query(request, "search");
    const char *like = shoal_arena_printf(
        shoal_call_arena(call), "%%%.100s%%", search != NULL ? search : "");
    int64_t start = 0, count = 15, total = 0;
    int code = paging_read(request, LIST_MAX, &start, &count, err);
    code = code != 0 ? code
                     : shoal_db_i64(shoal_call_db(call), &block_count, SHOAL_ARGS(SHOAL_TEXT(like)),
                           &total, err);
    struct shoal_rows *rows =
        code != 0 ? NULL
                  : shoal_db_query(shoal_call_db(call), &block_list,
                        SHOAL_ARGS(SHOAL_TEXT(like), SHOAL_I64(count), SHOAL_I64(start)), err);
    if (rows == NULL) {
        return err->code;
    }
    json_t *data = json_array();
    while (shoal_rows_next(rows)) {
        json_array_append_new(data, block_json(rows));
    }
    code = shoal_rows_close(rows, err);
    json_t *answer = json_pack("{s:I, s:o}", "total", (json_int_t)total, "data", data);
    if (code != 0) {
        json_decref(answer);
        return code;
    }
    return shoal_answer_json(request, 200, answer);
}

int fed_blocks_start(struct shoal_plugin *self, struct shoal_err *err)
{
    const struct shoal_route routes[] = {
        {.method = "GET",
            .path = "/api/v1/server/blocklist/servers",
            .handler = block_list_get,
            .auth = SHOAL_AUTH_MODERATOR,
            .cors = true},
        {.method = "POST",
            .path = "/api/v1/server/blocklist/servers",
            .handler = block_post,
            .auth = SHOAL_AUTH_MODERATOR,
            .body = SHOAL_BODY_DATA,
            .cors = true},
        {.method = "DELETE",
            .path = "/api/v1/server/blocklist/servers/{host}",
            .handler = block_delete,
            .auth = SHOAL_AUTH_MODERATOR,
            .cors = true},
    };
    int code = 0;
    for (size_t i = 0; i < sizeof routes / sizeof *routes && code == 0; i++) {
        code = shoal_route_add(self, &routes[i], err);
    }
    return code == 0 ? shoal_tell(self, "instance.started", blocks_started, NULL) : code;
}

// identity_collection.c - collections in pages: outboxes, followers, and those that other plugins keep.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <string.h>

#include <activity.h>
#include <paging.h>

#include "identity.h"

#define PAGE_ITEMS     10
#define PAGE_ITEMS_MAX 50
#define PAGES_MAX      1000000
#define CACHE_S        30

// A whole number from 1 to `most` in the query, or `otherwise` where there is none.
static int number_read(struct shoal_request *request, const char *name, int64_t most, int64_t otherwise,
    int64_t *out, struct shoal_err *err)
{
    const char *text = shoal_request_query(request, name);
    *out = text == NULL ? otherwise : paging_digits(text);
    return text == NULL || (*out >= 1 && *out <= most)
               ? 0
               : shoal_fail_field(err, name, "%s has to be a number from 1 to %lld", name, (long long)most);
}

static json_t *page_make(struct shoal_call *call, const char *base, int64_t page, int64_t size,
    int64_t total, json_t *items)
{
    struct shoal_arena *arena = shoal_call_arena(call);
    const char *more = size == PAGE_ITEMS ? "" : shoal_arena_printf(arena, "&size=%lld", (long long)size);
    json_t *out = json_pack("{s:s, s:s, s:s, s:I, s:o}", "id",
        shoal_arena_printf(arena, "%s?page=%lld%s", base, (long long)page, more), "type",
        "OrderedCollectionPage", "partOf", base, "totalItems", (json_int_t)total, "orderedItems", items);
    if (page > 1) {
        json_object_set_new(out, "prev",
            json_string(shoal_arena_printf(arena, "%s?page=%lld%s", base, (long long)page - 1, more)));
    }
    if (page * size < total) {
        json_object_set_new(out, "next",
            json_string(shoal_arena_printf(arena, "%s?page=%lld%s", base, (long long)page + 1, more)));
    }
    return out;
}

static json_t *root_make(struct shoal_call *call, const char *base, int64_t total)
{
    json_t *out = json_pack("{s:s, s:s, s:I}", "id", base, "type", "OrderedCollection", "totalItems",
        (json_int_t)total);
    if (total > 0) {
        json_object_set_new(out, "first",
            json_string(shoal_arena_printf(shoal_call_arena(call), "%s?page=1", base)));
    }
    return out;
}

int who_answer_collection(struct shoal_call *call, struct shoal_request *request, const char *path,
    const char *path_id, shoal_collection_fn *page, void *page_arg, struct shoal_err *err)
{
    int64_t number = 0, size = PAGE_ITEMS, total = 0;
    const char *base = shoal_url(call, path);
    int code = who_admit(call, request, err);
    code = code == 0 ? number_read(request, "page", PAGES_MAX, 0, &number, err) : code;
    code = code == 0 ? number_read(request, "size", PAGE_ITEMS_MAX, PAGE_ITEMS, &size, err) : code;
    if (code != 0) {
        return code;
    }
    json_t *items = json_array();
    code = page(call, path_id, number == 0 ? 0 : (number - 1) * size, number == 0 ? 0 : (int)size, items,
        &total, page_arg, err);
    if (code != 0) {
        json_decref(items);
        return code;
    }
    if (number == 0) {
        json_decref(items);
        return who_answer(call, request, NULL, "OrderedCollection", NULL, root_make(call, base, total), err);
    }
    return who_answer(call, request, NULL, "OrderedCollectionPage", NULL,
        page_make(call, base, number, size, total, items), err);
}

// What an account said: Create of its videos; a channel and the instance announce them.
static json_t *activity_of(struct shoal_call *call, const struct shoal_actor *actor, const json_t *video)
{
    struct shoal_arena *arena = shoal_call_arena(call);
    bool is_account = actor->channel_id == 0 && strcmp(actor->kind, "Application") != 0;
    const char *url = shoal_url(call,
        shoal_arena_printf(arena, "/videos/watch/%s", shoal_text(video, "uuid", "")));
    const char *id = is_account ? shoal_arena_printf(arena, "%s/activity", url)
                                : shoal_arena_printf(arena, "%s/announces/%lld", url, (long long)actor->id);
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:[s], s:[s]}", "id", id, "type",
        is_account ? "Create" : "Announce", "actor", actor->url, "object", url, "published",
        shoal_text(video, "publishedAt", ""), "to", ACTIVITY_PUBLIC, "cc", actor->followers_url);
}

static int outbox_page(struct shoal_call *call, const char *path_id, int64_t offset, int room,
    json_t *items, int64_t *total, void *arg, struct shoal_err *err)
{
    const struct shoal_actor *actor = arg;
    (void)path_id;
    json_t *query = json_pack("{s:I, s:i, s:s, s:s}", "start", (json_int_t)offset, "count", room,
        "sort", "-publishedAt", "nsfw", "both");
    if (actor->channel_id != 0) {
        json_object_set_new(query, "channel", json_string(actor->name));
    } else if (strcmp(actor->kind, "Application") != 0) {
        json_object_set_new(query, "account", json_string(actor->name));
    } else {
        json_object_set_new(query, "isLocal", json_true());
    }
    json_t *list = shoal_video_list(call, query, err);
    json_decref(query);
    if (list == NULL) {
        return err->code;
    }
    const json_t *data = json_object_get(list, "data");
    *total = shoal_integer(list, "total", 0);
    for (size_t i = 0; i < json_array_size(data); i++) {
        const json_t *video = json_array_get(data, i);
        struct shoal_video_ref ref = {0};
        // What is listed here while it is still being made has no document for others yet.
        if (shoal_video_by_id(call, shoal_text(video, "uuid", ""), &ref, NULL) == 0 && ref.is_federated) {
            json_array_append_new(items, activity_of(call, actor, video));
        }
    }
    json_decref(list);
    return 0;
}

static int urls_page(struct shoal_call *call, const char *name, bool followers, int64_t offset,
    int room, json_t *items, int64_t *total, struct shoal_err *err)
{
    struct shoal_actor actor;
    int code = shoal_actor_named(call, name, "", &actor, err);
    json_t *page = code == 0 ? shoal_follow_urls(call, actor.id, followers, offset, room, err) : NULL;
    if (page == NULL) {
        return code != 0 ? code : err->code;
    }
    *total = shoal_integer(page, "total", 0);
    json_array_extend(items, json_object_get(page, "data"));
    json_decref(page);
    return 0;
}

static int followers_page(struct shoal_call *call, const char *actor_id, int64_t offset, int room,
    json_t *items, int64_t *total, void *arg, struct shoal_err *err)
{
    (void)arg;
    return urls_page(call, actor_id, true, offset, room, items, total, err);
}

static int following_page(struct shoal_call *call, const char *actor_id, int64_t offset, int room,
    json_t *items, int64_t *total, void *arg, struct shoal_err *err)
{
    (void)arg;
    return urls_page(call, actor_id, false, offset, room, items, total, err);
}

// Playlists are not federated yet: the collection is there, and empty.
static int nothing_page(struct shoal_call *call, const char *path_id, int64_t offset, int room,
    json_t *items, int64_t *total, void *arg, struct shoal_err *err)
{
    (void)call;
    (void)path_id;
    (void)offset;
    (void)room;
    (void)items;
    (void)arg;
    (void)err;
    *total = 0;
    return 0;
}

static const struct list {
    const char *name;
    shoal_collection_fn *page;
} lists[] = {{"outbox", outbox_page}, {"followers", followers_page}, {"following", following_page},
    {"playlists", nothing_page}};

static int list_get(struct shoal_call *call, struct shoal_request *request, const struct list *list,
    bool is_group, struct shoal_err *err)
{
    struct shoal_arena *arena = shoal_call_arena(call);
    struct shoal_actor actor;
    int code = who_enabled(call) ? who_actor_asked(call, request, is_group, &actor, err)
                                 : shoal_fail(err, SHOAL_ENOTFOUND, "this server does not federate");
    if (code != 0 || actor.id == 0) {
        return code;
    }
    return who_answer_collection(call, request,
        shoal_arena_printf(arena, "/%s/%s/%s", is_group ? "video-channels" : "accounts", actor.name, list->name),
        actor.name, list->page, &actor, err);
}

static int account_list(struct shoal_call *call, struct shoal_request *request, void *arg, struct shoal_err *err)
{
    return list_get(call, request, arg, false, err);
}

static int channel_list(struct shoal_call *call, struct shoal_request *request, void *arg, struct shoal_err *err)
{
    return list_get(call, request, arg, true, err);
}

int who_collections_start(struct shoal_plugin *self, struct shoal_err *err)
{
    struct shoal_arena *arena = shoal_plugin_arena(self);
    int code = 0;
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        struct shoal_route route = {.method = "GET",
            .arg = (void *)(uintptr_t)&lists[i],
            .auth = SHOAL_AUTH_NONE,
            .cache_s = CACHE_S,
            .cors = true};
        route.path = shoal_arena_printf(arena, "/accounts/{name}/%s", lists[i].name);
        route.handler = account_list;
        code = code == 0 ? shoal_route_add(self, &route, err) : code;
        route.path = shoal_arena_printf(arena, "/video-channels/{name}/%s", lists[i].name);
        route.handler = channel_list;
        code = code == 0 ? shoal_route_add(self, &route, err) : code;
    }
    return code;
}

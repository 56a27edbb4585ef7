// identity_crawl.c - walks collections of other servers, which may be endless, slow, or turn in circles.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <string.h>

#include "identity.h"

#define PAGES_MAX 200
#define EMPTY_MAX 3
#define TIME_MS   60000

struct crawl {
    struct shoal_call *call;
    const char *root;
    const char *seen[PAGES_MAX];
    int pages, empty, items, items_max;
    int64_t end_ms;
    bool (*each)(struct shoal_call *call, const json_t *item, void *state);
    void *state;
};

// Whether a page is asked for: on the host of the collection, for the first time, within the bounds.
static bool may_ask(struct crawl *crawl, const char *url)
{
    if (url == NULL || crawl->pages == PAGES_MAX || crawl->empty == EMPTY_MAX ||
        crawl->items >= crawl->items_max || shoal_tick_ms() > crawl->end_ms ||
        shoal_call_cancelled(crawl->call) || !who_same_host(crawl->call, url, crawl->root)) {
        return false;
    }
    for (int i = 0; i < crawl->pages; i++) {
        if (strcmp(crawl->seen[i], url) == 0) {
            return false;
        }
    }
    crawl->seen[crawl->pages++] = shoal_arena_strdup(shoal_call_arena(crawl->call), url);
    return true;
}

// False when it is over.
static bool items_give(struct crawl *crawl, const json_t *page)
{
    const json_t *items = json_object_get(page, "orderedItems");
    items = json_is_array(items) ? items : json_object_get(page, "items");
    crawl->empty = json_array_size(items) == 0 ? crawl->empty + 1 : 0;
    for (size_t i = 0; i < json_array_size(items); i++) {
        if (crawl->items++ >= crawl->items_max || shoal_call_cancelled(crawl->call) ||
            shoal_tick_ms() > crawl->end_ms ||
            !crawl->each(crawl->call, json_array_get(items, i), crawl->state)) {
            return false;
        }
    }
    return true;
}

int who_crawl(struct shoal_call *call, const char *url, int items_max,
    bool (*each)(struct shoal_call *call, const json_t *item, void *state), void *state,
    struct shoal_err *err)
{
    struct shoal_err own = {0};
    err = err == NULL ? &own : err;
    struct crawl crawl = {.call = call,
        .root = url,
        .items_max = items_max,
        .end_ms = shoal_tick_ms() + TIME_MS,
        .each = each,
        .state = state};
    json_t *page = may_ask(&crawl, url) ? who_fetch(call, url, err) : NULL;
    if (page == NULL) {
        return err->code != 0 ? err->code : shoal_fail(err, SHOAL_EINVAL, "%.200s is no collection", url);
    }
    const json_t *first = json_object_get(page, "first");
    bool is_root = first != NULL;
    if (json_is_object(first)) {
        json_t *inner = json_deep_copy(first); // an inline page speaks for the collection that it came with
        json_decref(page);
        page = inner;
        is_root = false;
    }
    int code = 0;
    while (page != NULL && (is_root || items_give(&crawl, page))) {
        const char *next = who_id_of(json_object_get(page, is_root ? "first" : "next"));
        next = next == NULL ? NULL : shoal_arena_strdup(shoal_call_arena(call), next);
        json_decref(page);
        page = NULL;
        is_root = false;
        if (may_ask(&crawl, next)) {
            page = who_fetch(call, next, err);
            code = page == NULL ? err->code : 0;
        }
    }
    json_decref(page);
    return code;
}

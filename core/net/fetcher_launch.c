// fetcher_launch.c - a request to another server that no thread waits for: who asked is told its end.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "net/fetcher_priv.h"

#define ARENA_BYTES 1024
#define URL_MAX     4096

struct launched {
    struct fetch fetch; // first: the fetcher hands this back
    struct shoal_fetch what;
    shoal_fetch_done_fn *done;
    void *arg;
};

static atomic_int under_way;

static void drop(struct launched *launched)
{
    fetch_fini(&launched->fetch);
    shoal_arena_free(launched->fetch.arena);
    free(launched);
    atomic_fetch_sub(&under_way, 1);
}

static void ended(struct fetch *fetch)
{
    struct launched *launched = (struct launched *)fetch;
    struct shoal_fetched fetched = {0};
    struct shoal_err why = {0};
    int code = fetch->result == CURLE_OK ? 0 : fetch_explain(fetch, &why);
    fetch_hand_over(fetch, fetch->arena, &fetched);
    fetch_file_close(fetch, code == 0);
    launched->done(launched->arg, code, &fetched, &why);
    drop(launched);
}

int shoal_fetcher_launch(
    const struct shoal_fetch *what, shoal_fetch_done_fn *done, void *arg, struct shoal_err *err)
{
    if (atomic_fetch_add(&under_way, 1) >= LAUNCHED_MAX) {
        atomic_fetch_sub(&under_way, 1);
        return shoal_fail(err, SHOAL_EBUSY, "too much is being fetched from other servers");
    }
    struct launched *launched = shoal_alloc(1, sizeof *launched);
    struct fetch *fetch = &launched->fetch;
    launched->what = *what;
    launched->done = done;
    launched->arg = arg;
    *fetch = (struct fetch){.what = &launched->what, .ended = ended};
    fetch->arena = shoal_arena_new(ARENA_BYTES);
    fetch->url = shoal_arena_strndup(fetch->arena, what->url, strnlen(what->url, URL_MAX));
    launched->what.url = fetch->url;
    launched->what.to_path = what->to_path ? shoal_arena_strdup(fetch->arena, what->to_path) : NULL;
    int code = fetch_set_up(fetch, err);
    launched->what.headers = NULL; // libcurl has its own list
    code = code == 0 ? fetch_file_open(fetch, err) : code;
    int count = 0;
    code = code == 0 ? fetch_queue(fetch, &count, err) : code;
    if (code != 0) {
        fetch_file_close(fetch, false);
        drop(launched);
    }
    return code;
}

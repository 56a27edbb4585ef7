// subscriptions_pages.c - gives channel, account and watch pages what their subscribe button needs.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <string.h>

#include "subscriptions.h"

/// The noun of a page that can be subscribed to, and whose it is.
static const struct {
    const char *template, *noun, *owner;
} pages[] = {
    {"pages/channel", "data.channel", "data.channel.ownerAccount.id"},
    {"pages/account", "data.account", "data.account.id"},
    {"pages/watch", "data.video.channel", "data.video.account.id"},
};

static const char *own_host(struct shoal_call *call)
{
    const char *host = strstr(shoal_url(call, ""), "://");
    return host == NULL ? "" : host + 3;
}

static void button_add(struct shoal_call *call, json_t *page, const json_t *noun, bool is_mine)
{
    const char *name = shoal_text(noun, "name", "");
    const char *host = shoal_text(noun, "host", "");
    const char *full = shoal_arena_printf(shoal_call_arena(call), "%s@%s", name, host);
    enum shoal_follow_state state = SHOAL_FOLLOW_NONE;
    int64_t followers = 0;
    struct shoal_err err = {0};
    if (shoal_subscription_state(call, full, &state, &followers, &err) != 0) {
        return;
    }
    // How many it would be after a press of the button; who is only asked does not count.
    bool is_local = strcmp(host, own_host(call)) == 0;
    int64_t other = state == SHOAL_FOLLOW_ACCEPTED ? -1 : is_local ? 1 : 0;
    shoal_json_set(page, "data.subscribing",
        json_pack("{s:s, s:s, s:I, s:I, s:b, s:b, s:b, s:b}", "handle", full, "name",
            shoal_text(noun, "displayName", name), "followers", (json_int_t)followers,
            "followersOther", (json_int_t)(followers + other), "isMine", is_mine, "isLocal",
            is_local, "isSubscribed",
            state == SHOAL_FOLLOW_PENDING || state == SHOAL_FOLLOW_ACCEPTED, "isPending",
            state == SHOAL_FOLLOW_PENDING));
}

int subscriptions_page(struct shoal_call *call, json_t **value, void *arg, struct shoal_err *err)
{
    (void)arg;
    (void)err;
    json_t *page = *value;
    const char *template = shoal_text(page, "template", "");
    bool is_user = shoal_get(page, "data.user") != NULL;
    if (is_user) {
        shoal_json_set(page, "data.canSubscribe", json_true());
    }
    for (size_t i = 0; i < sizeof pages / sizeof pages[0]; i++) {
        const json_t *noun = strcmp(template, pages[i].template) == 0 ? shoal_get(page, pages[i].noun)
                                                                      : NULL;
        if (noun != NULL) {
            int64_t owner = shoal_integer(page, pages[i].owner, 0);
            bool is_mine = is_user && owner == shoal_integer(page, "data.user.account.id", -1);
            button_add(call, page, noun, is_mine);
        }
    }
    return 0;
}

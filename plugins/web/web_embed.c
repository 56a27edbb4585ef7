// web_embed.c - embed.show: may this video be shown inside the page of another site?
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <string.h>

#include "web_priv.h"

#define HOST_MAX 255

/// The host of "https://example.org:8443/page", with its port; "" where there is none.
static const char *referrer_host(struct shoal_call *call, struct shoal_request *request)
{
    // Reading it takes the answer out of the shared cache: the next site may be told something else.
    const char *referrer = shoal_request_header(request, "referer");
    const char *host = referrer ? strstr(referrer, "://") : NULL;
    if (!host) {
        return "";
    }
    host += 3;
    size_t length = strcspn(host, "/?#");
    const char *user = memchr(host, '@', length);
    if (user) {
        length -= (size_t)(user + 1 - host);
        host = user + 1;
    }
    return length <= HOST_MAX ? shoal_arena_strndup(shoal_call_arena(call), host, length) : "";
}

// Its server names the sites that may, and tells others only that there are such (API: policy 3).
static bool is_kept(const json_t *video)
{
    return shoal_integer(video, "embedPrivacyPolicy.id", 1) == 3;
}

int web_embed_ask(struct shoal_call *call, struct shoal_request *request, const json_t *page,
    const json_t *scope, struct shoal_err *err)
{
    const json_t *video = json_object_get(scope, "video");
    if (strcmp(shoal_text(page, "name", ""), "embed") != 0 || !video) {
        return 0;
    }
    if (is_kept(video)) {
        return shoal_fail(err, SHOAL_EFORBIDDEN, "the server of this video lets only some sites show it");
    }
    if (!shoal_hook_heard("embed.show")) {
        return 0;
    }
    struct shoal_decision decision = {0};
    json_t *payload =
        json_pack("{s:O, s:s}", "video", video, "referrer_host", referrer_host(call, request));
    if (!payload) {
        return shoal_fail(err, SHOAL_EINVAL, "the referrer is not UTF-8");
    }
    enum shoal_verdict verdict = shoal_fire_decide(call, "embed.show", payload, &decision);
    json_decref(payload);
    if (verdict == SHOAL_PASS || verdict == SHOAL_ACCEPT) {
        return 0;
    }
    return shoal_fail(err, decision.failed ? SHOAL_EBUSY : SHOAL_EFORBIDDEN, "%s",
        decision.sentence[0] ? decision.sentence : "this video may not be shown on this site");
}

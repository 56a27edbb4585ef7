// identity_fetch.c - reads documents of other servers: signed, bounded, and believed where they lie.
//
// A document is what its id says only when it came from the host of that id (T20, T24), with a type that
// uploads never have (T21). Redirects are followed by hand, since each request is signed for its target.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <string.h>
#include <strings.h>

#include <activity.h>

#include "identity.h"

#define REDIRECTS_MAX 3
#define TIMEOUT_MS    10000

static const char accept[] = "Accept: application/activity+json, application/ld+json; "
                             "profile=\"https://www.w3.org/ns/activitystreams\"";

bool who_is_activity_type(const char *type)
{
    size_t length = strcspn(type, "; \t");
    if (length == 25 && strncasecmp(type, "application/activity+json", length) == 0) {
        return true;
    }
    return length == 19 && strncasecmp(type, "application/ld+json", length) == 0 &&
           strcasestr(type, "profile=") != NULL &&
           strstr(type, "https://www.w3.org/ns/activitystreams") != NULL;
}

static int status_fail(int status, const char *url, struct shoal_err *err)
{
    int code = status == 404   ? SHOAL_ENOTFOUND
               : status == 410 ? SHOAL_EGONE
               : status == 401 || status == 403 ? SHOAL_EFORBIDDEN
                                                : SHOAL_EUPSTREAM;
    return shoal_fail(err, code, "%.200s answered with %d", url, status);
}

// One signed request to one address; where the host would rather have the other kind of signature it
// is asked once more.
static int ask(struct shoal_call *call, const char *url, struct shoal_fetched *fetched,
    struct shoal_err *err)
{
    struct shoal_actor self;
    const char *host = who_url_host(call, url);
    if (host == NULL || strcmp(host, who_host(call)) == 0) {
        return shoal_fail(err, SHOAL_EINVAL, "%.200s is not an address of another server", url);
    }
    if (who_blocked(call, host)) {
        return shoal_fail(err, SHOAL_EFORBIDDEN, "%s is blocked here", host);
    }
    int code = who_self(call, &self, err);
    // What was asked twice already is not asked a third time.
    bool is_ahead = who_ahead_is();
    int asked = is_ahead ? who_ahead_count(url) : 0;
    for (int tries = asked > 0 ? asked - 1 : 0; code == 0; tries++) {
        const char *const *signature = sign_request(call, self.id, "GET", url, NULL, 0, err);
        const char *headers[8] = {accept};
        for (int i = 0; signature != NULL && signature[i] != NULL && i < 6; i++) {
            headers[i + 1] = signature[i];
        }
        if (signature == NULL) {
            return err->code;
        }
        const struct shoal_fetch what = {.url = url,
            .headers = headers,
            .max_bytes = WHO_DOCUMENT_MAX,
            .timeout_ms = TIMEOUT_MS,
            .redirects = -1};
        code = is_ahead ? who_ahead_ask(&what, tries + 1, fetched, err)
                        : shoal_fetch(call, &what, fetched, err);
        if (code != 0 || fetched->status != 401 || tries > 0) {
            break;
        }
        bool was_modern = sign_is_modern(is_ahead ? who_ahead_headers(url) : signature);
        if (!sign_refused(call, url, was_modern, fetched->header(fetched, "accept-signature") != NULL)) {
            break;
        }
    }
    return code;
}

static bool is_redirect(int status)
{
    return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

// is_anywhere: redirects may lead to another host.
static json_t *read_document(struct shoal_call *call, const char *url, bool is_anywhere,
    const char **final, struct shoal_err *err)
{
    struct shoal_fetched fetched = {0};
    url = who_url_bare(call, url);
    for (int i = 0;; i++) {
        if (ask(call, url, &fetched, err) != 0) {
            return NULL;
        }
        if (!is_redirect(fetched.status)) {
            break;
        }
        const char *to = fetched.header(&fetched, "location");
        const char *next = to == NULL || i == REDIRECTS_MAX ? NULL : who_url_join(call, url, to);
        bool is_lower = next != NULL && strncasecmp(url, "https:", 6) == 0 && strncasecmp(next, "https:", 6) != 0;
        if (next == NULL || is_lower || (!is_anywhere && !who_same_host(call, url, next))) {
            shoal_fail(err, SHOAL_EFORBIDDEN, "%.200s leads where it may not", url);
            return NULL;
        }
        url = next;
    }
    if (fetched.status != 200) {
        status_fail(fetched.status, url, err);
        return NULL;
    }
    if (!who_is_activity_type(fetched.type)) {
        shoal_fail(err, SHOAL_EFORBIDDEN, "%.200s is \"%.60s\", no document", url, fetched.type);
        return NULL;
    }
    json_t *document = shoal_json_parse(fetched.body, fetched.body_bytes, err);
    if (document != NULL && (!json_is_object(document) || !activity_is_bounded(document))) {
        json_decref(document);
        document = NULL;
        shoal_fail(err, SHOAL_EINVAL, "%.200s is no document, or too large a one", url);
    }
    if (document == NULL) {
        err->code = SHOAL_EFORBIDDEN; // what another server says is no mistake of who asked here
    }
    *final = url;
    return document;
}

// T20, T24: a document speaks for its id where it came from that address; where the id is another one
// of the same host, that one is asked once, and has to speak for itself.
static json_t *document_of_its_id(struct shoal_call *call, json_t *document, bool is_anywhere,
    const char **final, struct shoal_err *err)
{
    for (int i = 0; document != NULL; i++) {
        const char *id = shoal_text(document, "id", NULL);
        if (id != NULL && strcmp(who_url_bare(call, id), *final) == 0) {
            return document;
        }
        bool is_near = id != NULL && who_same_host(call, id, *final);
        const char *next = is_near && i == 0 ? shoal_arena_strdup(shoal_call_arena(call), id) : NULL;
        json_decref(document);
        document = NULL;
        if (next == NULL) {
            shoal_fail(err, SHOAL_EFORBIDDEN, "%.200s does not speak for the id that it names", *final);
        } else {
            document = read_document(call, next, is_anywhere, final, err);
        }
    }
    return NULL;
}

// Requests and answers go when the document is read: a crawl, and what works off an inbox, read thousands
// within one call.
static json_t *fetch_apart(struct shoal_call *call, const char *url, bool is_anywhere, const char **final,
    struct shoal_err *err)
{
    struct shoal_arena *apart = shoal_arena_new(0);
    struct shoal_arena *own = shoal_call_arena_use(call, apart);
    const char *from = NULL;
    json_t *document = read_document(call, url, is_anywhere, &from, err);
    document = document_of_its_id(call, document, false, &from, err);
    shoal_call_arena_use(call, own);
    if (final != NULL) {
        *final = shoal_arena_strdup(own, from);
    }
    shoal_arena_free(apart);
    return document;
}

json_t *who_fetch_link(
    struct shoal_call *call, const char *url, const char **final, struct shoal_err *err)
{
    struct shoal_err own = {0};
    return fetch_apart(call, url, true, final, err == NULL ? &own : err);
}

json_t *who_fetch(struct shoal_call *call, const char *url, struct shoal_err *err)
{
    struct shoal_err own = {0};
    return fetch_apart(call, url, false, NULL, err == NULL ? &own : err);
}

// svc/held.h - the contract of `held`: what the things are that wait for a moderator. Many providers.
//
// Who keeps something as held (shoal_held_add()) knows what it is, and shows it to whoever is to answer it.
// Videos, users and follows are nouns of the catalog and need no provider.
// SPDX-License-Identifier: MIT
#ifndef SHOAL_SVC_HELD_H
#define SHOAL_SVC_HELD_H
#include <jansson.h>

#include <shoal/version.h>

/// All calls run on a worker and may read the database.
struct shoal_svc_held {
    size_t size; ///< sizeof(struct shoal_svc_held)
    /// What `subject` ("comment:7") is. Shown to moderators alone, as text: {kind: a word that says what it is
    /// ("comment"), title: its name, text: what it says, in Markdown, path: where it is on this site, url:
    /// where it comes from, account: {name, host, displayName, isLocal} of whoever made it}; each may be
    /// absent. A new reference; NULL where it is not the provider's, or is gone.
    json_t *(*show)(struct shoal_call *call, void *arg, const char *hook, const char *subject);
};

#endif

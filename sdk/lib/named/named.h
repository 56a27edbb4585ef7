// named.h - what an address names: the video of a request's path, and what a URL of this site leads to.
// SPDX-License-Identifier: MIT
#ifndef NAMED_H
#define NAMED_H
#include <shoal/catalog.h>
#include <shoal/http.h>

/// Reads a video, or what belongs to one: shoal_video_get(), shoal_caption_list(), …
typedef json_t *named_read_fn(
    struct shoal_call *call, const char *id, const char *password, struct shoal_err *err);

/// Reads what `id` names, with the client's password where one is asked for. The header is looked at only
/// then: reading it takes the answer out of the shared cache. password: out, or NULL.
///
/// Returns: what read() returns; NULL with err.
json_t *named_read(struct shoal_call *call, struct shoal_request *request, const char *id,
    named_read_fn *read, const char **password, struct shoal_err *err);
/// The video of "{id}" in the path of the route, if the viewer may see it; a new reference.
json_t *named_video(struct shoal_call *call, struct shoal_request *request, const char **password,
    struct shoal_err *err);

/// What a URL of this site leads to.
struct named_place {
    const char *handle, *video; ///< one of them; in the arena
};
/// site: "https://example.org". Returns: false for other addresses.
bool named_place(struct shoal_arena *arena, const char *site, const char *url, struct named_place *out);

/// Answers with what another route of this server answers to a GET of path, errors too, as the same viewer.
int named_pass_on(struct shoal_call *call, struct shoal_request *request, const char *path,
    struct shoal_err *err);

#endif

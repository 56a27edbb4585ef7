// remote_priv.h - what the files about things of other servers share.
// SPDX-License-Identifier: AGPL-3.0-or-later
#ifndef SHOAL_CORE_CATALOG_REMOTE_PRIV_H
#define SHOAL_CORE_CATALOG_REMOTE_PRIV_H
#include <shoal/remote.h>

#include "catalog/catalog_priv.h"

#define CATALOG_URL_MAX 2000

/// "example.org" or "127.0.0.1:9000" of an http(s) URL as handles have it, in the arena: lower
/// case, without the scheme's own port. NULL for what is no plain URL: a user in it, blanks,
/// quotes, more than 2000 bytes.
const char *catalog_url_host(struct shoal_arena *arena, const char *url);
/// Whether a URL lies on this host; false for NULL.
bool catalog_url_on(struct shoal_arena *arena, const char *url, const char *host);
/// Whether a host is this server.
bool catalog_host_ours(struct shoal_call *call, const char *host);

/// Text of a stranger as it may be kept: at most `most` characters, without control characters and
/// marks that turn the direction of what stands beside it; is_line: without line breaks, and
/// trimmed. In the arena; NULL for NULL, bad UTF-8 and what is empty then.
const char *catalog_remote_text(
    struct shoal_arena *arena, const char *text, size_t most, bool is_line);

/// Whether a host is the one of a name or lies below it, at whatever port; a name with a port is one
/// host. The same as a block of the federation covers.
#define CATALOG_HOST_IN_SQL(host, name)                                                            \
    "(" host " = " name " OR (" name " NOT LIKE '%:%' AND (" host " LIKE '%.' || " name            \
    " OR " host " LIKE " name " || ':%' OR " host " LIKE '%.' || " name " || ':%')))"
/// Whether nothing of a host is shown here: it or a name that it lies in is hidden.
#define CATALOG_HIDDEN_SQL(host)                                                                   \
    "CASE WHEN EXISTS (SELECT 1 FROM catalog_hidden_host h WHERE " CATALOG_HOST_IN_SQL(            \
        host, "h.host") ") THEN TRUE ELSE FALSE END"

/// Removes an actor of another server that has neither channels nor videos here, and what it has itself.
int catalog_remote_actor_drop(
    struct shoal_call *call, struct shoal_db *tx, int64_t id, struct shoal_err *err);
/// Removes actors of other servers that nobody needs and nobody asked for in thirty days; a few at a time.
int catalog_remote_forget(struct shoal_call *call, struct shoal_err *err);
/// Somebody asked for an actor. needed_ms: what its row says of that. [any]
void catalog_actor_asked(int64_t id, int64_t needed_ms);
/// The actor of a number, without asking who wants to know.
int catalog_actor_read(
    struct shoal_call *call, int64_t id, struct shoal_actor *out, struct shoal_err *err);
/// Puts trackers and swarms of the origin into the details of a video.
int catalog_remote_add(
    struct shoal_call *call, json_t *out, const struct catalog_video *video, struct shoal_err *err);
/// The addresses of a file that lies on another server.
void catalog_remote_file_add(struct shoal_call *call, json_t *out,
    const struct catalog_video *video, const struct catalog_file *file);
/// Removes a video of another server, with the tells of a deletion.
int catalog_remote_video_remove(struct shoal_call *call, int64_t id, struct shoal_err *err);

/// A small file that lies on another server, by the name that it has here.
struct catalog_far {
    const struct catalog_far_type *type;
    const char *kind, *name;
    // What find() says of its row.
    int64_t id;              ///< of the row, or of its video
    int64_t tries, tried_ms; ///< how often it did not come, and when that was last
    const char *url, *language;
    const char *made;         ///< what of it is kept: a file, once it was looked at
    struct catalog_file file; ///< once it is stored here
};
/// What bounds a fetch: see the table in remote_bring.c.
enum catalog_far_bounds { CATALOG_FAR_PICTURE, CATALOG_FAR_CAPTION, CATALOG_FAR_STORYBOARD };
struct catalog_far_type {
    enum catalog_far_bounds bounds;
    /// Reads the row. SHOAL_ENOTFOUND: there is none, or the file is here.
    int (*find)(struct shoal_call *call, struct catalog_far *far, struct shoal_err *err);
    /// Looks at what came to path and sets made. work: a folder for what is made of it. What fails here is
    /// the file's fault, but for SHOAL_EFULL, SHOAL_EBUSY, SHOAL_EIO and SHOAL_EUNSUPPORTED.
    int (*look)(struct shoal_call *call, struct catalog_far *far, const char *path,
        const char *work, struct shoal_err *err);
    /// Stores what was made and writes the row. What fails here is our fault.
    int (*store)(struct shoal_call *call, struct catalog_far *far, struct shoal_err *err);
    /// Notes in the row that it did not come: one try more, and when; arg: the struct catalog_far.
    int (*failed_tx)(struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err);
};
/// Has a file brought here. Returns: SHOAL_LATER: it is on its way, and its word will be said; 0: it is
/// here now, or its row went; SHOAL_ENOTFOUND: as find(); SHOAL_EUPSTREAM: not now. What did not come is tried
/// again later, each time more seldom; what failed here is not counted, and all of its bounds rest a while.
int catalog_far_bring(struct shoal_call *call, const struct catalog_far_type *type, const char *kind,
    const char *name, struct shoal_err *err);
/// Begins, and ends: from then on nothing is brought.
void catalog_far_start(void);
void catalog_far_stop(void);
/// What shoal_request_await() waits for; in the arena.
const char *catalog_far_word(struct shoal_arena *arena, const char *kind, const char *name);

/// Has a picture brought whose row has no object yet, as catalog_far_bring(). kind: "thumbnail", "preview",
/// "avatar", "banner".
int catalog_remote_fetch(
    struct shoal_call *call, const char *kind, const char *name, struct shoal_err *err);
/// A picture that lies on another server; width and height are what it says, 0 for nothing.
struct catalog_remote_picture {
    const char *url;
    int width, height;
};
/// Of [{url, width, height}] those with a plain URL, the smallest first, each width once.
size_t catalog_remote_pictures_read(
    struct shoal_arena *arena, const json_t *list, struct catalog_remote_picture *out, size_t room);
/// Rows of pictures of an actor that are not fetched yet, or the same as before, where the URLs
/// are. is_changed: set where they changed.
int catalog_remote_actor_pictures(struct shoal_call *call, struct shoal_db *tx, int64_t actor_id,
    const json_t *pictures, bool *is_changed, struct shoal_err *err);

#endif

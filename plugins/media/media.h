// media.h - what the files of this plugin share.
// SPDX-License-Identifier: AGPL-3.0-or-later
#ifndef MEDIA_H
#define MEDIA_H
#include <shoal/plugin.h>
#include <shoal/svc/storage.h>

struct media_grants;

struct media {
    struct shoal_plugin *plugin;
    struct media_grants *grants; ///< what media.read allowed lately; see media_access.c
};

/// What a path of ours means.
struct media_path {
    struct media *media;
    const char *kind;       ///< as shoal_media_find() names it; NULL: told by the name's ending
    bool is_private;        ///< the path says so
    bool is_image;          ///< known by an unguessable name, never by who asks
    bool is_download;       ///< sent as an attachment
    bool is_hls;
};

/// Whether text may be the last part of a media URL: letters, digits, "._-", no leading dot.
bool media_name_valid(const char *name);
/// The kind of a file of a streaming playlist by its name, or NULL.
const char *media_hls_kind(const char *name);
/// The type that we serve a kind of file with. What the uploader said does not matter; mime (from the
/// catalog's own table) is taken where it is one of ours.
const char *media_type(const char *kind, const char *name, const char *mime);

/// Whether this request may have the file: by token, credential, cookie or password.
int media_allow(struct shoal_call *call, struct shoal_request *request,
    const struct media_path *path, const struct shoal_media_file *file, struct shoal_err *err);
struct media_grants *media_grants_new(void);
void media_grants_free(struct media_grants *grants);

/// Answers with the bytes of a file that the request may have.
int media_answer(struct shoal_call *call, struct shoal_request *request,
    const struct media_path *path, const struct shoal_media_file *file, struct shoal_err *err);
/// Answers with a playlist whose URIs carry the token on.
int media_answer_playlist(struct shoal_call *call, struct shoal_request *request,
    const struct shoal_media_file *file, const char *token, struct shoal_err *err);

/// Answers 503 (or another status) with a sentence and when to come back.
int media_later(struct shoal_request *request, int status, const char *seconds,
    const char *sentence);

/// A name that any file system takes: no path, no control characters, at most 150 bytes of UTF-8.
char *media_name_clean(struct shoal_arena *arena, const char *name);
/// "attachment; filename=...; filename*=UTF-8''..." of a clean name.
char *media_disposition(struct shoal_arena *arena, const char *name);

/// Appends a playlist to out with ?videoFileToken=TOKEN on each URI of this site.
///
/// Returns: 0, SHOAL_EUNREADABLE (no playlist), SHOAL_ETOOLARGE. Errors: those.
int media_playlist_token(struct shoal_buf *out, const char *text, size_t length, const char *token);

/// Reads from a storage, trying again where another try can help. Never NULL members: read.
int64_t media_read(struct shoal_call *call, const struct shoal_service *storage, const char *key,
    uint64_t offset, void *out, size_t length, struct shoal_err *err);
/// The size of an object, with the same patience.
int64_t media_size(struct shoal_call *call, const struct shoal_service *storage, const char *key,
    struct shoal_err *err);

#endif

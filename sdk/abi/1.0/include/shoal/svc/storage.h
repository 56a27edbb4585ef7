// svc/storage.h - the contract of `storage`: where media files lie. Many providers, one the default.
// SPDX-License-Identifier: MIT
#ifndef SHOAL_SVC_STORAGE_H
#define SHOAL_SVC_STORAGE_H
#include <shoal/version.h>

/// Keys are made by the core: [a-z0-9._/-], no "..", at most 200 characters. All calls run on a
/// worker, may block, obey the call's deadline and give one sentence on failure.
struct shoal_svc_storage {
    size_t size; ///< sizeof(struct shoal_svc_storage)
    /// Begins writing key; nothing is seen under it until commit. *put: the provider's state.
    /// size_bytes: -1 when unknown. Replaces what is there, whole.
    int (*put_begin)(struct shoal_call *call, void *arg, const char *key, const char *mime,
        int64_t size_bytes, void **put, struct shoal_err *err);
    /// Wrote nothing where it fails with SHOAL_EUPSTREAM, SHOAL_EBUSY, SHOAL_ETIMEOUT or SHOAL_ERATE:
    /// the core then comes again with the same bytes, and so with a put that cannot begin or commit.
    int (*put_write)(struct shoal_call *call, void *put, const void *data, size_t length,
        struct shoal_err *err);
    /// After 0 the object is there for good (see `durable`). Frees put in any case.
    int (*put_commit)(struct shoal_call *call, void *put, struct shoal_err *err);
    void (*put_abort)(struct shoal_call *call, void *put);
    /// Takes a local file in (rename where it can); the file is gone afterwards. Or NULL: the core
    /// then copies by put_*().
    int (*put_file)(struct shoal_call *call, void *arg, const char *key, const char *mime,
        const char *path, struct shoal_err *err);
    /// Reads up to length bytes from offset. Returns the count (0 at the end) or a negative error.
    int64_t (*read)(struct shoal_call *call, void *arg, const char *key, uint64_t offset,
        void *out, size_t length, struct shoal_err *err);
    /// Size in bytes, or SHOAL_ENOTFOUND.
    int64_t (*stat)(struct shoal_call *call, void *arg, const char *key, struct shoal_err *err);
    /// Removing what is not there is fine.
    int (*remove)(struct shoal_call *call, void *arg, const char *key, struct shoal_err *err);
    /// Calls each(key, size, user) for keys that begin with prefix; stops when it returns false.
    int (*list)(struct shoal_call *call, void *arg, const char *prefix,
        bool (*each)(const char *key, int64_t size_bytes, void *user), void *user,
        struct shoal_err *err);
    int (*copy)(struct shoal_call *call, void *arg, const char *from, const char *to,
        struct shoal_err *err);
    /// A path on this machine for sendfile, in the call's arena; NULL member: it has no paths.
    const char *(*local_path)(struct shoal_call *call, void *arg, const char *key);
    /// A signed URL that works for ttl_s, in the call's arena; NULL member: it has none.
    const char *(*url)(struct shoal_call *call, void *arg, const char *key, int ttl_s,
        struct shoal_err *err);
    bool durable;       ///< a committed object survives power loss
    uint32_t max_age_s; ///< cache time that it may promise
};

#endif

// media_access.c - who may have a file: by its token, or by who asks.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <pthread.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "media.h"

#define GRANTS   4096
#define GRANT_MS (10 * 60 * 1000)

// media.read is asked once for a visitor and a video, not for every range of a file. Whoever asks with
// a token carries the answer along; for credentials and passwords it is remembered here for a while.
struct grant {
    uint64_t key; // 0: free
    int64_t until_ms;
};
struct media_grants {
    pthread_mutex_t mutex;
    unsigned char secret[crypto_shorthash_KEYBYTES];
    struct grant grants[GRANTS];
};

struct media_grants *media_grants_new(void)
{
    struct media_grants *grants = calloc(1, sizeof *grants);
    if (grants == NULL) {
        abort();
    }
    pthread_mutex_init(&grants->mutex, NULL);
    shoal_random(grants->secret, sizeof grants->secret);
    return grants;
}

void media_grants_free(struct media_grants *grants)
{
    if (grants != NULL) {
        pthread_mutex_destroy(&grants->mutex);
        free(grants);
    }
}

static uint64_t key_of(const struct media_grants *grants, struct shoal_call *call,
    const struct shoal_media_file *file, const char *password, const char *purpose)
{
    const struct shoal_viewer *viewer = shoal_call_viewer(call);
    const char *text = shoal_arena_printf(shoal_call_arena(call), "%lld %lld %s %s %s",
        (long long)viewer->user_id, (long long)viewer->token_id, file->video_uuid, purpose,
        password != NULL ? password : "");
    unsigned char out[crypto_shorthash_BYTES];
    uint64_t key = 0;
    crypto_shorthash(out, (const unsigned char *)text, strlen(text), grants->secret);
    memcpy(&key, out, sizeof key);
    return key != 0 ? key : 1;
}

static bool is_granted(struct media_grants *grants, uint64_t key)
{
    pthread_mutex_lock(&grants->mutex);
    const struct grant *grant = &grants->grants[key % GRANTS];
    bool is_valid = grant->key == key && shoal_tick_ms() < grant->until_ms;
    pthread_mutex_unlock(&grants->mutex);
    return is_valid;
}

static void remember(struct media_grants *grants, uint64_t key)
{
    pthread_mutex_lock(&grants->mutex);
    grants->grants[key % GRANTS] = (struct grant){key, shoal_tick_ms() + GRANT_MS};
    pthread_mutex_unlock(&grants->mutex);
}

// By credential, cookie or password. The catalog is asked each time: rights may be taken away.
static int allow_viewer(struct shoal_call *call, struct shoal_request *request,
    const struct media_path *path, const struct shoal_media_file *file, struct shoal_err *err)
{
    const char *password = shoal_request_header(request, "x-peertube-video-password");
    const char *purpose = path->is_download ? "download" : "play";
    int code = shoal_may_video(call, path->is_download ? SHOAL_MAY_DOWNLOAD : SHOAL_MAY_WATCH,
        file->video_uuid, password, err);
    if (code != 0) {
        return code;
    }
    struct media_grants *grants = path->media->grants;
    uint64_t key = key_of(grants, call, file, password, purpose);
    if (is_granted(grants, key)) {
        return 0;
    }
    json_t *token = shoal_media_token(call, file->video_uuid, password, purpose, err);
    if (token == NULL) {
        return err->code;
    }
    json_decref(token);
    remember(grants, key);
    return 0;
}

// A token says that its bearer may watch; that a video is not for download stands above it.
static int allow_token(struct shoal_call *call, const struct media_path *path,
    const struct shoal_media_file *file, const char *token, struct shoal_err *err)
{
    if (shoal_media_token_check(token, file->video_uuid) != 0) {
        return shoal_fail(err, SHOAL_EFORBIDDEN, "this token is not, or no longer, for this video");
    }
    if (!path->is_download) {
        return 0;
    }
    struct shoal_err why = {0};
    int code = shoal_may_video(call, SHOAL_MAY_DOWNLOAD, file->video_uuid, NULL, &why);
    bool is_only_unknown =
        why.code == SHOAL_EAUTH || strcmp(why.api_code, "video_requires_password") == 0;
    if (code != 0 && !is_only_unknown) {
        *err = why;
        return code;
    }
    return 0;
}

int media_allow(struct shoal_call *call, struct shoal_request *request,
    const struct media_path *path, const struct shoal_media_file *file, struct shoal_err *err)
{
    // As everywhere in the fediverse: who knows the random name of a picture may see it.
    if (path->is_image && !path->is_download) {
        return 0;
    }
    // What was uploaded may say where it was filmed: it is for those who could have uploaded it.
    if (strcmp(file->kind, "original") == 0) {
        shoal_answer_private(request);
        return shoal_may_video(call, SHOAL_MAY_UPDATE, file->video_uuid, NULL, err);
    }
    if (!file->is_private) {
        return path->is_download
                   ? shoal_may_video(call, SHOAL_MAY_DOWNLOAD, file->video_uuid, NULL, err)
                   : 0;
    }
    shoal_answer_private(request);
    const char *token = shoal_request_query(request, "videoFileToken");
    if (token != NULL && *token != '\0') {
        return allow_token(call, path, file, token, err);
    }
    return allow_viewer(call, request, path, file, err);
}

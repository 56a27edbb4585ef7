// catalog.c - starts the catalog: keys, jobs, gates, authentication; and founds a new instance.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <sodium.h>
#include <string.h>

#include "catalog/catalog.h"
#include "catalog/captions_priv.h"
#include "catalog/follows_priv.h"
#include "catalog/pipeline_priv.h"
#include "catalog/remote_priv.h"

#include "data/data.h"

static const struct shoal_job_kind kinds[] = {
    {.kind = "remux",
        .run = catalog_remux_run,
        .gave_up = catalog_remux_gave_up,
        .attempts = 3,
        .lease_s = 120},
    {.kind = "images", .run = catalog_images_run, .attempts = 3, .lease_s = 120},
    {.kind = "transcode",
        .run = catalog_transcode_run,
        .gave_up = catalog_transcode_gave_up,
        .attempts = 4,
        .lease_s = 120,
        .concurrency = 1},
    {.kind = "storyboard",
        .run = catalog_storyboard_run,
        .attempts = 3,
        .lease_s = 120,
        .concurrency = 1},
    {.kind = "remove", .run = catalog_remove_run, .attempts = 12, .backoff_ms = 60000},
    {.kind = "schedule", .run = catalog_schedule_run},
    {.kind = "followed", .run = catalog_followed_run, .lease_s = 120, .concurrency = 1},
};

static int media_tick(struct shoal_call *call, void *arg, struct shoal_err *err)
{
    (void)arg;
    return catalog_media_load(call, err);
}

static int keys_ensure(struct shoal_call *call, struct shoal_err *err)
{
    int code = catalog_key_ensure(call, "secret", 32, err);
    if (code == 0) {
        code = catalog_key_ensure(call, "client_id", 16, err);
    }
    return code == 0 ? catalog_key_ensure(call, "client_secret", 16, err) : code;
}

static int secrets_load(struct shoal_err *err)
{
    struct shoal_call call = {0};
    shoal_call_init(&call);
    int code = keys_ensure(&call, err);
    const char *secret = code == 0 ? catalog_key_get(&call, "secret", err) : NULL;
    if (secret != NULL) {
        catalog_media_secret_set(secret);
        code = catalog_media_load(&call, err);
    } else if (code == 0) {
        code = SHOAL_EIO;
    }
    shoal_call_fini(&call);
    return code;
}

int shoal_catalog_start(const struct shoal_config *config, struct shoal_err *err)
{
    static const struct shoal_host_auth auth = {.token = catalog_token_viewer};
    (void)config;
    if (sodium_init() < 0) {
        return shoal_fail(err, SHOAL_EINTERNAL, "libsodium does not start");
    }
    int code = secrets_load(err);
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]) && code == 0; i++) {
        code = shoal_jobs_kind_add(NULL, &kinds[i], err);
    }
    if (code == 0) {
        code = shoal_resumer_add(NULL, "video.publish", catalog_publish_resume, NULL, err);
    }
    if (code == 0) {
        code = shoal_resumer_add(NULL, "upload.finish", catalog_submit_resume, NULL, err);
    }
    if (code == 0) {
        code = shoal_resumer_add(NULL, "user.register", catalog_user_resume, NULL, err);
    }
    if (code == 0) {
        code = shoal_resumer_add(NULL, "follow.request", catalog_follow_resume, NULL, err);
    }
    if (code == 0) {
        code = shoal_timers_add(NULL, "media_tokens", 5000, false, media_tick, NULL);
    }
    if (code == 0) {
        code = shoal_timers_add(NULL, "tokens", 1000, false, catalog_token_look, NULL);
    }
    if (code == 0) {
        code = shoal_timers_add(
            NULL, "sweep", catalog_sweep_period_ms(), true, catalog_sweep, NULL);
    }
    shoal_host_auth_set(&auth);
    catalog_far_start();
    return code;
}

void shoal_catalog_rest(void)
{
    catalog_far_stop();
}

void shoal_catalog_stop(void)
{
    shoal_catalog_rest();
    shoal_timers_owner_remove(NULL);
    shoal_jobs_owner_remove(NULL);
    catalog_token_cache_clear();
    catalog_media_stop();
}

static int found_tx(struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    struct catalog_new_user *user = arg;
    int code = catalog_actor_self(tx, err);
    return code == 0 ? catalog_user_insert(call, tx, user, err) : code;
}

int shoal_catalog_admin_check(const char *admin, struct shoal_err *err)
{
    if (admin && strcmp(admin, CATALOG_SELF) == 0) {
        return shoal_fail_field(
            err, "admin", "the name peertube is taken: it is the instance's own");
    }
    return catalog_name_valid(admin)
               ? 0
               : shoal_fail_field(err, "admin",
                     "the administrator's name should have 1 to 50 lower-case letters, digits, \"_\"");
}

int shoal_catalog_found(struct shoal_call *call, const char *admin, const char *password,
    const char *email, struct shoal_err *err)
{
    char hash[128];
    size_t length = password == NULL ? 0 : strnlen(password, 256);
    if (shoal_catalog_admin_check(admin, err) < 0) {
        return SHOAL_EINVAL;
    }
    if (length < 6 || length > 255) {
        return shoal_fail_field(err, "password", "a password should have 6 to 255 characters");
    }
    if (sodium_init() < 0) {
        return shoal_fail(err, SHOAL_EINTERNAL, "libsodium does not start");
    }
    int code = keys_ensure(call, err);
    if (code == 0) {
        code = catalog_password_hash(password, hash, err);
    }
    struct catalog_new_user user = {
        .username = admin,
        .email = catalog_fold(call->arena,
            email != NULL ? email : shoal_arena_printf(call->arena, "%s@localhost", admin)),
        .password_hash = hash,
        .role = SHOAL_ROLE_ADMIN,
        .quota = -1,
        .quota_daily = -1,
    };
    return code == 0 ? shoal_tx(call, found_tx, &user, err) : code;
}

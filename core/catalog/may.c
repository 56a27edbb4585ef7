// may.c - who may do what with a video: the one function that API, pages, media and sockets ask.
//
// Lists ask the same question in SQL (may_sql.h); may_test.c walks both through every combination.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "catalog/catalog_priv.h"

static bool is_owner(const struct shoal_viewer *viewer, const struct catalog_subject *subject)
{
    return viewer->kind == SHOAL_VIEWER_USER && viewer->account_id != 0 && subject->is_local &&
           viewer->account_id == subject->owner_account_id;
}

// A stranger who is told "log in" learns no more than that something private has this name.
static int refuse(const struct shoal_viewer *viewer, struct shoal_err *err)
{
    if (viewer->kind == SHOAL_VIEWER_ANONYMOUS) {
        return shoal_fail(err, SHOAL_EAUTH, "this video is not public: please log in");
    }
    return shoal_fail(err, SHOAL_EFORBIDDEN, "you may not see this video");
}

static int ask_password(
    const struct shoal_viewer *viewer, const struct catalog_subject *subject, struct shoal_err *err)
{
    if (subject->has_password_right) {
        return 0;
    }
    if (subject->has_password) {
        return shoal_fail_api(err, SHOAL_EFORBIDDEN, "incorrect_video_password",
            "the password of this video is another one");
    }
    return shoal_fail_api(err,
        viewer->kind == SHOAL_VIEWER_ANONYMOUS ? SHOAL_EAUTH : SHOAL_EFORBIDDEN,
        "video_requires_password", "this video needs a password");
}

static int may_see(
    const struct shoal_viewer *viewer, const struct catalog_subject *subject, struct shoal_err *err)
{
    if (subject->is_hidden) {
        return shoal_fail_api(err, SHOAL_EFORBIDDEN, "server_is_blocked",
            "this site shows nothing of the server that this video is on");
    }
    if (!subject->is_open || subject->is_blocked) {
        return refuse(viewer, err);
    }
    if (!subject->is_local && !subject->is_followed && viewer->kind == SHOAL_VIEWER_ANONYMOUS) {
        // Users look at what they found by its address; the server shows strangers what it follows.
        return shoal_fail_api(err, SHOAL_EFORBIDDEN, "does_not_respect_follow_constraints",
            "Cannot get this video regarding follow constraints");
    }
    switch (subject->privacy) {
    case SHOAL_PRIVACY_PUBLIC:
        return 0;
    case SHOAL_PRIVACY_UNLISTED:
        return subject->by_number ? refuse(viewer, err) : 0;
    case SHOAL_PRIVACY_INTERNAL:
        return viewer->kind == SHOAL_VIEWER_USER ? 0 : refuse(viewer, err);
    case SHOAL_PRIVACY_PASSWORD:
        return ask_password(viewer, subject, err);
    case SHOAL_PRIVACY_PRIVATE:
        break;
    }
    return refuse(viewer, err);
}

static int may_list(
    const struct shoal_viewer *viewer, const struct catalog_subject *subject, struct shoal_err *err)
{
    bool is_listed =
        subject->is_open && !subject->is_blocked && catalog_state_listed(subject->state) &&
        (subject->is_local || subject->is_followed) &&
        (subject->privacy == SHOAL_PRIVACY_PUBLIC ||
            (subject->privacy == SHOAL_PRIVACY_INTERNAL && viewer->kind == SHOAL_VIEWER_USER));
    return is_listed ? 0 : refuse(viewer, err);
}

static int may_change(const struct shoal_viewer *viewer, enum shoal_verb verb,
    const struct catalog_subject *subject, struct shoal_err *err)
{
    if (viewer->kind == SHOAL_VIEWER_ANONYMOUS) {
        return shoal_fail(err, SHOAL_EAUTH, "this needs a user who is logged in");
    }
    if (verb == SHOAL_MAY_UPDATE && !subject->is_local && viewer->kind != SHOAL_VIEWER_SYSTEM) {
        return shoal_fail(
            err, SHOAL_EFORBIDDEN, "a video of another server cannot be changed here");
    }
    if (catalog_is_staff(viewer) || (verb != SHOAL_MAY_MODERATE && is_owner(viewer, subject))) {
        return 0;
    }
    return shoal_fail(err, SHOAL_EFORBIDDEN, "you may not change the video of another user");
}

int shoal_may(const struct shoal_viewer *viewer, enum shoal_verb verb,
    const struct catalog_subject *subject, struct shoal_err *err)
{
    bool sees_all = catalog_is_staff(viewer) || is_owner(viewer, subject);
    switch (verb) {
    case SHOAL_MAY_SEE:
    case SHOAL_MAY_WATCH:
        return sees_all ? 0 : may_see(viewer, subject, err);
    case SHOAL_MAY_LIST:
        return sees_all ? 0 : may_list(viewer, subject, err);
    case SHOAL_MAY_DOWNLOAD:
        if (sees_all) {
            return 0;
        }
        if (!subject->is_downloadable) {
            return shoal_fail(err, SHOAL_EFORBIDDEN, "this video is not for download");
        }
        return may_see(viewer, subject, err);
    case SHOAL_MAY_UPDATE:
    case SHOAL_MAY_DELETE:
    case SHOAL_MAY_MODERATE:
        return may_change(viewer, verb, subject, err);
    }
    return shoal_fail(err, SHOAL_EINTERNAL, "unknown verb %d", (int)verb);
}

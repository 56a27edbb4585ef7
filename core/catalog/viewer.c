// viewer.c - questions about who asks.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "catalog/catalog_priv.h"

bool catalog_is_staff(const struct shoal_viewer *viewer)
{
    return viewer->kind == SHOAL_VIEWER_SYSTEM ||
           (viewer->kind == SHOAL_VIEWER_USER &&
               (viewer->role == SHOAL_ROLE_ADMIN || viewer->role == SHOAL_ROLE_MODERATOR));
}

bool catalog_is_admin(const struct shoal_viewer *viewer)
{
    return viewer->kind == SHOAL_VIEWER_SYSTEM ||
           (viewer->kind == SHOAL_VIEWER_USER && viewer->role == SHOAL_ROLE_ADMIN);
}

int catalog_need_user(const struct shoal_viewer *viewer, struct shoal_err *err)
{
    if (viewer->kind != SHOAL_VIEWER_USER) {
        return shoal_fail(err, SHOAL_EAUTH, "this needs a user who is logged in");
    }
    return 0;
}

struct shoal_viewer catalog_viewer_system(void)
{
    return (struct shoal_viewer){.kind = SHOAL_VIEWER_SYSTEM};
}

struct shoal_viewer catalog_viewer_swap(struct shoal_call *call, struct shoal_viewer viewer)
{
    struct shoal_viewer old = call->viewer;
    call->viewer = viewer;
    return old;
}

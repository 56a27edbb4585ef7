// pages.h - what a plugin shows: slots of the theme's pages, and scripts.
// SPDX-License-Identifier: MIT
#ifndef SHOAL_PAGES_H
#define SHOAL_PAGES_H
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include <shoal/buf.h>
#include <shoal/sized.h>
#include <shoal/version.h>

/// Writes HTML for a slot ("watch.below_player"). data: what the page's template gets; borrowed.
/// What it writes must be safe HTML: shoal_html_escape() is for texts.
typedef int shoal_slot_fn(struct shoal_call *call, const char *slot, const json_t *data,
    struct shoal_buf *out, void *arg, struct shoal_err *err);

/// Fills a slot. Whole pages are files below pages/ of the plugin's folder; see the guide.
///
/// Returns: 0 or a negative error. Errors: SHOAL_ENOTFOUND (no such slot), SHOAL_EFORBIDDEN (no
///          permission "pages"). Thread: start() only. Blocks: no. Since: 1.0.
SHOAL_API int shoal_slot_add(struct shoal_plugin *self, const char *slot, shoal_slot_fn *fn,
    void *arg, struct shoal_err *err);
/// Adds a language ("fr", "pt-BR") in which the site's pages are written (for the plugin that renders):
/// shoal_call_locale() gives one of these.
///
/// Returns: 0 or a negative error. Errors: SHOAL_EINVAL (not a tag), SHOAL_EFORBIDDEN (no permission
///          "pages"), SHOAL_EBUSY (too many). Thread: start() only. Blocks: no. Since: 1.0.
SHOAL_API int shoal_locale_add(struct shoal_plugin *self, const char *locale, struct shoal_err *err);
/// Everything that fills a slot, one after the other, appended to out (for the plugin that renders).
SHOAL_API void shoal_slot_render(struct shoal_call *call, const char *slot, const json_t *data,
    struct shoal_buf *out);
/// Files that a plugin adds to the site: theme.json, templates, locales, style, scripts.
struct shoal_pages_folder {
    const char *plugin;
    const char *folder; ///< the plugin's; its files for the site are below pages/
    bool may_script; ///< it has the permission "scripts"
};
/// Plugins that have a folder pages/ and the permission "pages", in their order (for the plugin that
/// renders). Those set aside are left out.
///
/// Returns: how many were filled in, at most room; texts live as long as the server. Errors: none.
/// Thread: [any]. Blocks: shortly. Since: 1.0.
SHOAL_INLINE size_t shoal_pages_folders(struct shoal_pages_folder *out, size_t room)
{
    return shoal_pages_folders_sized(out, sizeof *out, room);
}
SHOAL_API int shoal_html_escape(struct shoal_buf *out, const char *text);
/// Markdown of a user as clean HTML: the one place where it is made.
SHOAL_API int shoal_markdown(struct shoal_buf *out, const char *text);

#endif

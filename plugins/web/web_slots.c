// web_slots.c - parts of pages that plugins fill: by a function, or by a template with data of the API.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <string.h>

#include "web_priv.h"

static const char *const slot_names[] = {"head", "nav.main", "nav.user", "footer", "home.top",
    "watch.before_player", "watch.below_player", "watch.actions", "watch.side", "video.form",
    "upload.top", "channel.header", "login.methods", "register.form", "my.menu", "admin.menu",
    "admin.home"};
#define SLOT_COUNT (sizeof slot_names / sizeof slot_names[0])

bool web_slot_is_known(const char *slot)
{
    for (size_t i = 0; i < SLOT_COUNT; i++) {
        if (strcmp(slot_names[i], slot) == 0) {
            return true;
        }
    }
    return false;
}

/// A row without "page" is for every page.
static bool is_for(const json_t *row, const json_t *page)
{
    const char *wanted = shoal_text(row, "page", NULL);
    return !wanted || strcmp(wanted, shoal_text(page, "name", "")) == 0;
}

json_t *web_slots_assets(const struct web_theme *theme, const json_t *page, const char *what)
{
    json_t *list = json_array();
    size_t index;
    const json_t *row;
    json_array_foreach(json_object_get(theme->manifest, "slots"), index, row)
    {
        if (is_for(row, page)) {
            json_array_extend(list, json_object_get(row, what));
        }
    }
    return list;
}

/// The template of one row; what it asks of the API stands beside what the page has.
static int fill_part(struct shoal_call *call, struct shoal_request *request, const json_t *row,
    json_t *data, struct shoal_buf *out, web_pour_fn *pour, void *arg, struct shoal_err *err)
{
    json_t *scope = json_copy(data);
    int code = web_gather(call, request, row, scope, err);
    code = code == 0 ? pour(arg, shoal_text(row, "template", ""), scope, out, err) : code;
    json_decref(scope);
    return code;
}

static void fill_parts(struct shoal_call *call, struct shoal_request *request,
    const struct web_theme *theme, const json_t *page, const char *slot, json_t *data,
    struct shoal_buf *out, web_pour_fn *pour, void *arg)
{
    size_t index;
    const json_t *row;
    json_array_foreach(json_object_get(theme->manifest, "slots"), index, row)
    {
        if (strcmp(shoal_text(row, "slot", ""), slot) != 0 || !is_for(row, page)) {
            continue;
        }
        struct shoal_err err = {0};
        struct shoal_buf part = {0};
        if (fill_part(call, request, row, data, &part, pour, arg, &err) == 0) {
            shoal_buf_add(out, part.data ? part.data : "", part.length);
        } else {
            shoal_warn("%s is left out of the slot %s: %s", shoal_text(row, "name", ""), slot,
                err.text);
        }
        shoal_buf_fini(&part);
    }
}

json_t *web_slots_fill(struct shoal_call *call, struct shoal_request *request,
    const struct web_theme *theme, const json_t *page, json_t *data, const json_t *head,
    web_pour_fn *pour, void *arg)
{
    json_t *slots = json_object();
    for (size_t i = 0; i < SLOT_COUNT; i++) {
        struct shoal_buf html = {0};
        size_t index;
        const json_t *line;
        json_array_foreach(i == 0 ? head : NULL, index, line)
        {
            shoal_buf_printf(&html, "%s\n", json_is_string(line) ? json_string_value(line) : "");
        }
        shoal_slot_render(call, slot_names[i], data, &html);
        fill_parts(call, request, theme, page, slot_names[i], data, &html, pour, arg);
        if (html.length > 0) {
            shoal_json_set(slots, slot_names[i], json_stringn(html.data, html.length));
        }
        shoal_buf_fini(&html);
    }
    return slots;
}

// p2p_policy_form.c - the box in the video's form, and what it says afterwards.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <string.h>

#include "p2p_policy.h"

// A box that is not ticked is not sent: a hidden field beside it says that it was there.
bool p2p_form_is_asked(const json_t *video)
{
    return strcmp(shoal_text(video, "pluginData.p2p.asked", ""), "true") == 0;
}

bool p2p_form_is_off(const json_t *video)
{
    return p2p_form_is_asked(video) &&
           strcmp(shoal_text(video, "pluginData.p2p.shared", ""), "true") != 0;
}

static const char *in_language(struct shoal_call *call, const char *en, const char *fr)
{
    const char *locale = shoal_call_locale(call);
    return locale != NULL && strncmp(locale, "fr", 2) == 0 ? fr : en;
}

int p2p_form_slot(struct shoal_call *call, const char *slot, const json_t *data,
    struct shoal_buf *out, void *arg, struct shoal_err *err)
{
    (void)slot;
    (void)arg;
    (void)err;
    // A form that is shown again after an error has what was sent, otherwise what is kept.
    const json_t *video = json_object_get(data, "video");
    const json_t *sent = shoal_get(data, "errors") != NULL ? json_object_get(data, "form") : video;
    bool is_off = p2p_form_is_asked(sent) ? p2p_form_is_off(sent)
                                          : p2p_off_has_video(call, shoal_integer(video, "id", 0));
    return shoal_buf_printf(out,
        "<p class=\"check\"><input type=\"hidden\" name=\"pluginData[p2p][asked]\" value=\"true\">"
        "<input id=\"p2p-shared\" name=\"pluginData[p2p][shared]\" type=\"checkbox\" "
        "value=\"true\"%s>"
        "<label for=\"p2p-shared\">%s</label></p>\n",
        is_off ? "" : " checked",
        in_language(call,
            "Viewers share this video with each other (they can see each other's internet address)",
            "Les spectateurs partagent cette vidéo entre eux (ils peuvent voir l'adresse internet "
            "des autres)"));
}

int p2p_form_menu(struct shoal_call *call, const char *slot, const json_t *data,
    struct shoal_buf *out, void *arg, struct shoal_err *err)
{
    (void)slot;
    (void)arg;
    (void)err;
    return json_array_size(shoal_get(data, "user.videoChannels")) == 0
               ? 0
               : shoal_buf_printf(out, "<a href=\"/my/sharing\">%s</a>\n",
                     in_language(call, "Sharing between viewers", "Partage entre spectateurs"));
}

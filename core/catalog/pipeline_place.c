// pipeline_place.c - which storage a new file goes to: the default one, or what media.place says.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <string.h>

#include "catalog/pipeline_priv.h"

static json_t *payload_of(struct shoal_call *call, const struct catalog_video *video,
    const struct catalog_file *file, int64_t last_read_ms, const char *storage)
{
    return json_pack("{s:o?, s:{s:s, s:i, s:I, s:o}, s:s}", "video",
        catalog_video_json(call, video, CATALOG_DETAIL | CATALOG_OWNER, NULL), "file", "kind",
        file->kind, "resolution", file->resolution, "size_bytes", (json_int_t)file->size_bytes,
        "last_read", catalog_time(last_read_ms), "storage", storage);
}

int catalog_place(struct shoal_call *call, const struct catalog_video *video,
    const struct catalog_file *file, int64_t last_read_ms, struct shoal_service *out,
    struct shoal_err *err)
{
    int code = catalog_storage_find(out, err);
    if (code != 0 || video == NULL || !shoal_hook_heard("media.place")) {
        return code;
    }
    json_t *value = payload_of(call, video, file, last_read_ms, out->plugin);
    shoal_fire_filter(call, "media.place", &value);
    // A filter may hand back the whole value or the name alone.
    const char *name =
        json_is_string(value) ? json_string_value(value) : shoal_text(value, "storage", "");
    struct shoal_service chosen;
    if (strcmp(name, out->plugin) != 0) {
        if (name[0] != '\0' && shoal_service_find("storage", name, &chosen)) {
            *out = chosen;
        } else {
            shoal_warn("media.place: there is no storage \"%.64s\" for the %s of video %s; it goes to %s",
                name, file->kind, video->uuid, out->plugin);
        }
    }
    json_decref(value);
    return 0;
}

// pipeline_probe.c - what is kept of a probe: numbers and codecs, nothing that tells where or whose.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "catalog/pipeline_priv.h"

#define DEPTH_MAX 32

// Tags hold what a camera wrote (place, time, serial number); names show where a file lay.
static void strip(json_t *value, int depth)
{
    const char *key = NULL;
    json_t *child = NULL;
    size_t i = 0;
    if (depth == DEPTH_MAX) {
        json_object_clear(value);
        json_array_clear(value);
        return;
    }
    json_object_del(value, "tags");
    json_object_del(value, "filename");
    json_object_foreach(value, key, child)
    {
        strip(child, depth + 1);
    }
    json_array_foreach(value, i, child)
    {
        strip(child, depth + 1);
    }
}

char *catalog_probe_dump(const json_t *probe)
{
    if (probe == NULL) {
        return NULL;
    }
    json_t *clean = json_deep_copy(probe);
    strip(clean, 0);
    char *text = json_dumps(clean, JSON_COMPACT);
    json_decref(clean);
    return text;
}

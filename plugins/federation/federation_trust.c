// federation_trust.c - may this actor say this about that object?
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <string.h>

#include <activity.h>

#include "federation_inbox.h"

const char *fed_id(const json_t *reference)
{
    const char *id = activity_id(reference);
    return id != NULL && strlen(id) <= FED_URL_MAX ? id : NULL;
}

bool fed_names(const json_t *reference, const char *url)
{
    if (json_is_array(reference)) {
        size_t i;
        json_t *item;
        json_array_foreach(reference, i, item)
        {
            const char *id = fed_id(item);
            if (id != NULL && strcmp(id, url) == 0) {
                return true;
            }
        }
        return false;
    }
    const char *id = fed_id(reference);
    return id != NULL && strcmp(id, url) == 0;
}

const struct shoal_may_say *fed_rule(const struct shoal_federated *type, const char *activity)
{
    for (const struct shoal_may_say *row = type->rows; row->activity != NULL; row++) {
        if (strcmp(row->activity, activity) == 0) {
            return row;
        }
    }
    return NULL;
}

// An object says whose it is; of one that is known by its id alone its plugin does.
static bool is_author(struct shoal_call *call, const struct shoal_actor *actor,
    const struct shoal_federated *type, const char *object_id, const json_t *object)
{
    if (!fed_same_host(call, object_id, actor->url)) {
        return false;
    }
    if (object == NULL) {
        return fed_type_owner(call, type, object_id, actor);
    }
    const json_t *author = json_object_get(object, "attributedTo");
    return fed_names(author != NULL ? author : json_object_get(object, "actor"), actor->url);
}

bool fed_may_say(struct shoal_call *call, const struct shoal_actor *actor, const char *activity,
    const struct shoal_federated *type, const char *object_id, const json_t *object,
    struct shoal_err *err)
{
    const struct shoal_may_say *rule = fed_rule(type, activity);
    enum shoal_say who = rule != NULL ? rule->who : SHOAL_SAY_NOBODY;
    bool may = false;
    // Whoever deletes something does not say whose it was: what is kept here does.
    object = strcmp(activity, "Delete") == 0 ? NULL : object;
    if (actor->host[0] != '\0' && object_id != NULL) {
        switch (who) {
        case SHOAL_SAY_NOBODY: break;
        case SHOAL_SAY_AUTHOR: may = is_author(call, actor, type, object_id, object); break;
        case SHOAL_SAY_HOST: may = fed_same_host(call, object_id, actor->url); break;
        case SHOAL_SAY_OWNER:
            may = is_author(call, actor, type, object_id, object) ||
                  fed_type_owner(call, type, object_id, actor);
            break;
        case SHOAL_SAY_ANYONE: may = true; break;
        }
    }
    if (!may) {
        shoal_fail(err, SHOAL_EFORBIDDEN, "%.200s may not say %.40s of the %.40s %.200s",
            actor->url, activity, type->type, object_id != NULL ? object_id : "without an id");
    }
    return may;
}

// federation_types.c - the types of objects that plugins keep, by name and by what they know.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <stdatomic.h>
#include <string.h>

#include "federation_inbox.h"

#define TYPES_MAX 32

// Written while the server starts, one after the other; read by every worker.
static struct shoal_federated types[TYPES_MAX];
static atomic_size_t type_count;

void fed_types_clear(void)
{
    atomic_store(&type_count, 0);
}

int fed_type_add(const struct shoal_federated *type, struct shoal_err *err)
{
    size_t count = atomic_load(&type_count);
    if (type == NULL || type->size < offsetof(struct shoal_federated, knows) || type->type == NULL ||
        type->plugin == NULL || type->rows == NULL || type->receive == NULL) {
        return shoal_fail(err, SHOAL_EINVAL,
            "a type of federation needs a plugin, a name, rules and somebody who receives it");
    }
    for (size_t i = 0; i < count; i++) {
        if (strcmp(types[i].type, type->type) == 0) {
            return shoal_fail(err, SHOAL_ECONFLICT, "type %s belongs to plugin %s already",
                type->type, types[i].plugin);
        }
    }
    if (count == TYPES_MAX) {
        return shoal_fail(err, SHOAL_EFULL, "there are %d types of federation already", TYPES_MAX);
    }
    types[count] = (struct shoal_federated){0};
    memcpy(&types[count], type, type->size < sizeof types[count] ? type->size : sizeof types[count]);
    atomic_store(&type_count, count + 1);
    return 0;
}

const struct shoal_federated *fed_type_find(const char *type)
{
    size_t count = atomic_load(&type_count);
    for (size_t i = 0; type != NULL && i < count; i++) {
        if (strcmp(types[i].type, type) == 0) {
            return &types[i];
        }
    }
    return NULL;
}

// The code of a type runs in the name of its plugin: with its tables, and to its account.
static void enter(struct shoal_call *call, const struct shoal_federated *type)
{
    struct shoal_service service = {.table = type, .arg = type->arg, .plugin = type->plugin};
    shoal_enter(call, &service);
}

const struct shoal_federated *fed_type_knowing(struct shoal_call *call, const char *id)
{
    size_t count = atomic_load(&type_count);
    for (size_t i = 0; i < count; i++) {
        if (types[i].knows == NULL) {
            continue;
        }
        enter(call, &types[i]);
        bool is_known = types[i].knows(call, id, types[i].arg);
        shoal_leave(call);
        if (is_known) {
            return &types[i];
        }
    }
    return NULL;
}

bool fed_type_owner(struct shoal_call *call, const struct shoal_federated *type, const char *id,
    const struct shoal_actor *actor)
{
    if (type->owner == NULL) {
        return false;
    }
    enter(call, type);
    bool is_owner = type->owner(call, id, actor, type->arg);
    shoal_leave(call);
    return is_owner;
}

int fed_type_receive(struct shoal_call *call, const struct shoal_federated *type,
    const struct shoal_activity *what, struct shoal_err *err)
{
    enter(call, type);
    int code = type->receive(call, what, type->arg, fed_err(call, err));
    shoal_leave(call);
    return code;
}

bool fed_type_relays(struct shoal_call *call, const struct shoal_federated *type,
    const struct shoal_activity *what, int64_t *video_id)
{
    if (type->relays == NULL) {
        return false;
    }
    enter(call, type);
    bool is_relayed = type->relays(call, what, video_id, type->arg);
    shoal_leave(call);
    return is_relayed;
}

// given.c - keeps what another plugin gave once, and enters it.
// SPDX-License-Identifier: MIT
#include "given.h"

#include <string.h>

// How every such struct begins.
struct head {
    size_t size;
    const char *plugin;
};

static struct head head_of(const void *from)
{
    struct head head;
    memcpy(&head, from, sizeof head);
    return head;
}

int given_set(struct given *given, const void *from, struct shoal_err *err)
{
    struct head head = head_of(from);
    if (head.size < given->bytes || head.plugin == NULL) {
        return shoal_fail(
            err, SHOAL_EINVAL, "%s need a plugin and every member", given->what);
    }
    if (atomic_load(&given->is_there)) {
        return shoal_fail(err, SHOAL_ECONFLICT, "there are %s of plugin %s already", given->what,
            head_of(given->kept).plugin);
    }
    memcpy(given->kept, from, given->bytes);
    atomic_store(&given->is_there, true);
    return 0;
}

void given_forget(struct given *given)
{
    atomic_store(&given->is_there, false);
}

bool given_enter(struct shoal_call *call, struct given *given)
{
    if (!atomic_load(&given->is_there)) {
        return false;
    }
    shoal_enter(call, &(struct shoal_service){.plugin = head_of(given->kept).plugin});
    return true;
}

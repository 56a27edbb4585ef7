// federation_order.c - what an activity is about: what one actor says of one thing is heard in its order.
//
// Where servers are slow, an activity is tried again minutes later. What came meanwhile about the same thing has to
// wait behind it, or what was taken back is made after that; what is about anything else need not.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <string.h>

#include <activity.h>

#include "federation_inbox.h"

SHOAL_SQL(order_waits, "SELECT 1 FROM federation_inbox WHERE signer_id = $1 AND subject = $2 "
                       "UNION ALL SELECT 1 FROM federation_inbox WHERE signer_id = $1 AND activity_id = $3 LIMIT 1");

// A Like is about the video, as the Dislike after it is, and so is the Undo that has it whole.
struct fed_about fed_about(const json_t *activity)
{
    const json_t *object = json_object_get(activity, "object");
    const char *id = fed_id(object);
    struct fed_about about = {0};
    if (strcmp(shoal_text(activity, "type", ""), "Undo") == 0) {
        const char *inner = json_is_object(object) ? fed_id(json_object_get(object, "object")) : NULL;
        about.undone = id;
        id = inner != NULL ? inner : id;
    }
    id = id != NULL ? id : fed_id(json_object_get(activity, "id"));
    about.subject = (int64_t)(activity_hash(id != NULL ? id : "") >> 1) | 1; // two with one number cost no more than a wait
    return about;
}

bool fed_waits(struct shoal_call *call, int64_t signer_id, const struct fed_about *about)
{
    int64_t one = 0;
    return shoal_db_i64(shoal_call_db(call), &order_waits,
               SHOAL_ARGS(SHOAL_I64(signer_id), SHOAL_I64(about->subject), SHOAL_TEXT(about->undone)), &one,
               NULL) != SHOAL_ENOTFOUND;
}

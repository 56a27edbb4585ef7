// @NAME@.c - holds videos whose title has a certain word.
#include <string.h>

#include <shoal/plugin.h>

static enum shoal_verdict check(struct shoal_call *call, json_t *event, void *arg)
{
    struct shoal_plugin *self = arg;
    const char *word = shoal_setting_text(self, call, "word");
    const char *name = shoal_text(event, "video.name", "");
    if (strcasestr(name, word)) {
        return shoal_hold(call, "the title has the word \"%s\"", word);
    }
    return SHOAL_PASS;
}

static int start(struct shoal_plugin *self, struct shoal_err *err)
{
    (void)err;
    return shoal_decide(self, "video.publish", check, self);
}

SHOAL_PLUGIN(.name = "@NAME@", .start = start);

// planter.mjs - brings a video of another server in, as the plugin that reads their documents does.
// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict'
import { join } from 'node:path'

import { writePlugin } from '../kit/plugins.mjs'

const planter = `#include <shoal/plugin.h>
#include <shoal/remote.h>
#include <shoal/svc/federation.h>
static int plant(struct shoal_call *call, struct shoal_request *request, void *arg, struct shoal_err *err)
{
    (void)arg;
    char uuid[37] = "";
    struct shoal_service service;
    struct shoal_actor channel;
    struct shoal_video_ref video;
    json_t *body = shoal_request_body(request, err);
    if (!body) { return err->code; }
    if (!shoal_service_find("federation", NULL, &service)) { return shoal_fail(err, SHOAL_ENOTFOUND, "no federation"); }
    const struct shoal_svc_federation *federation = service.table;
    shoal_enter(call, &service);
    int code = federation->actor(call, service.arg, shoal_text(body, "channel", ""), 0, &channel, err);
    shoal_leave(call);
    if (code != 0) { return code; }
    json_object_set_new(body, "channelActorId", json_integer(channel.id));
    json_object_del(body, "channel");
    code = shoal_video_put(call, body, uuid, NULL, err);
    code = code == 0 ? shoal_video_by_id(call, uuid, &video, err) : code;
    return code != 0 ? code : shoal_answer_json(request, 200, json_pack("{s:s, s:I}", "uuid", uuid, "id", (json_int_t)video.id));
}
static int start(struct shoal_plugin *self, struct shoal_err *err)
{
    const struct shoal_route route = {.method = "POST", .path = "/planter", .handler = plant, .auth = SHOAL_AUTH_ADMIN, .body = SHOAL_BODY_DATA, .timeout_ms = 20000};
    return shoal_route_add(self, &route, err);
}
SHOAL_PLUGIN(.name = "planter", .start = start);
`

/** Writes the plugin into an instance that has not started; its pin, for the list of plugins. */
export const writePlanter = site => writePlugin(join(site.folder, 'plugins'), 'planter', { c: planter, manifest: { after: ['federation'], permissions: ['routes:/planter', 'federation', 'read:accounts', 'read:videos', 'write:videos'] } })

/** A video of a channel of a peer, known to the instance: {uuid, id, url}. */
export async function plantVideo (site, channel, { name, commentsPolicy = 1, thumbnails = [], captions = [], storyboard = null }) {
  const uuid = crypto.randomUUID()
  const url = `${channel.peer.url}/videos/watch/${uuid}`
  const answer = await site.post('//planter', {
    token: true,
    json: { channel: channel.id, url, uuid, name, privacy: 1, state: 1, duration: 60, commentsPolicy, downloadEnabled: true, publishedAt: Date.now() - 1000, updatedAt: Date.now() - 1000, tags: [], thumbnails, files: [], captions, storyboard, chapters: [], trackers: [] }
  })
  assert.equal(answer.status, 200, answer.text)
  return { ...answer.json, url }
}

// talk_sites.test.mjs - two instances talk: likes, comments, answers, approvals and farewells reach the other.
// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, test } from 'node:test'

import { shoal, startInstance } from '../kit/instance.mjs'
import { clip } from '../kit/media.mjs'
import { line, withPlugins, writePlugin } from '../kit/plugins.mjs'
import { federating } from './peer.mjs'

/** Brings in what a URL names, as a search for it does. */
const finder = `#include <shoal/plugin.h>
#include <shoal/svc/federation.h>
static int find(struct shoal_call *call, struct shoal_request *request, void *arg, struct shoal_err *err)
{
    (void)arg;
    struct shoal_service service;
    json_t *body = shoal_request_body(request, err);
    if (!body || !shoal_service_find("federation", NULL, &service)) { return SHOAL_ENOTFOUND; }
    const struct shoal_svc_federation *federation = service.table;
    shoal_enter(call, &service);
    json_t *found = federation->resolve(call, service.arg, shoal_text(body, "what", ""), err);
    shoal_leave(call);
    return found ? shoal_answer_json(request, 200, found) : err->code;
}
static int start(struct shoal_plugin *self, struct shoal_err *err)
{
    const struct shoal_route route = {.method = "POST", .path = "/finder", .handler = find, .auth = SHOAL_AUTH_ADMIN, .body = SHOAL_BODY_DATA, .timeout_ms = 20000};
    return shoal_route_add(self, &route, err);
}
SHOAL_PLUGIN(.name = "finder", .start = start);
`

const plugins = ['storage_fs', 'transcode_ffmpeg', 'api', 'media', 'web', 'signatures', 'identity', 'delivery', 'federation', 'federation_videos', 'subscriptions', 'ratings', 'comments']
let home, far, ann, video, seen

async function begin () {
  const site = await startInstance({ started: false, settings: [federating[0]] })
  site.settings.push(`url=${site.url}`)
  const pin = writePlugin(join(site.folder, 'plugins'), 'finder', { c: finder, manifest: { after: ['federation'], permissions: ['routes:/finder', 'federation'] } })
  site.config = withPlugins(site.config, [...plugins, line('finder', pin)])
  return site.start()
}
before(async () => {
  [home, far] = await Promise.all([begin(), begin()])
  ann = await far.user('ann')
  const file = await clip('h264')
  const hers = await far.upload(file, { name: 'Of ann', channelId: ann.channelId }, ann.token)
  await far.published(hers.uuid)
  video = await home.upload(file, { name: 'Low tide' })
  await home.published(video.uuid)
  // Whoever leaves is told of to those who follow.
  const host = new URL(far.url).host
  assert.equal((await home.post('/server/following', { token: true, json: { hosts: [host] } })).status, 204)
  await home.when('the other site is followed', async () => (await home.get('/server/following?state=accepted')).json.total === 1)
  const found = await look()
  assert.equal(found.status, 200, found.text)
  seen = (await far.get(`/videos/${video.uuid}`, { token: true })).json
})
after(() => Promise.all([home, far].map(site => site?.stop())))

const look = () => far.post('//finder', { token: true, json: { what: `${home.url}/videos/watch/${video.uuid}` } })
const counts = async (site, token) => {
  const { likes, dislikes } = (await site.get(`/videos/${video.uuid}`, { token })).json
  return `${likes} ${dislikes}`
}
const list = async site => (await site.get(`/videos/${video.uuid}/comment-threads`, { token: true })).json.data
const thread = async (site, id) => (await site.get(`/videos/${video.uuid}/comment-threads/${id}`, { token: true })).json
const comes = (site, text) => site.when(`"${text}" is here`, async () => (await list(site)).find(comment => comment.text === text))

test('the same video has the same name on both', () => {
  assert.equal(seen.uuid, video.uuid)
  assert.equal(seen.isLocal, false)
})

test('a like over there counts here, and is taken back', async () => {
  // What belongs to a video is read once after it came: its sums too, which a like must not come before.
  await far.when('all of the video is read', async () => JSON.parse((await shoal('jobs', 'list', far.folder, '--json')).stdout)
    .every(job => job.kind !== 'federation_videos.details' || ['done', 'cancelled'].includes(job.state) || job.run_at > Date.now() + 5000))
  for (const [rating, sums] of [['like', '1 0'], ['dislike', '0 1'], ['none', '0 0'], ['like', '1 0']]) {
    assert.equal((await far.put(`/videos/${video.uuid}/rate`, { token: ann.token, json: { rating } })).status, 204)
    await far.when(`the sums there are ${sums}`, async () => await counts(far, ann.token) === sums)
    await home.when(`the sums are ${sums}`, async () => await counts(home, true) === sums)
  }
})

test('a comment, its answer and its deletion travel', async () => {
  const { comment } = (await far.post(`/videos/${video.uuid}/comment-threads`, { token: ann.token, json: { text: 'From **over there**' } })).json
  const here = await comes(home, 'From **over there**')
  assert.deepEqual([here.url, here.account.name, here.account.isLocal], [comment.url, 'ann', false])
  const answer = (await home.post(`/videos/${video.uuid}/comments/${here.id}`, { token: true, json: { text: 'Welcome' } })).json.comment
  await far.when('the answer is over there', async () => (await thread(far, comment.id)).children[0]?.comment.text === 'Welcome')
  assert.equal((await home.delete(`/videos/${video.uuid}/comments/${answer.id}`, { token: true })).status, 204)
  await far.when('it is a tombstone over there', async () => (await thread(far, comment.id)).children[0].comment.isDeleted)
  assert.equal((await far.delete(`/videos/${video.uuid}/comments/${comment.id}`, { token: ann.token })).status, 204)
  await home.when('the comment is one here', async () => (await thread(home, here.id)).comment.isDeleted)
})

test('what is reviewed here waits on both sides', async () => {
  assert.equal((await home.put(`/videos/${video.uuid}`, { token: true, json: { commentsPolicy: 3 } })).status, 204)
  const { comment } = (await far.post(`/videos/${video.uuid}/comment-threads`, { token: ann.token, json: { text: 'May I?' } })).json
  const waiting = await comes(home, 'May I?')
  assert.equal(waiting.heldForReview, true)
  assert.equal((await home.post(`/videos/${video.uuid}/comments/${waiting.id}/approve`, { token: true })).status, 204)
  assert.equal((await home.get(`/videos/${video.uuid}/comment-threads`)).json.data.some(({ id }) => id === waiting.id), true)
  await far.when('it is shown over there', async () => (await thread(far, comment.id)).comment.heldForReview === false)
})

test('who leaves over there is gone here', async () => {
  assert.equal(await counts(home, true), '1 0')
  const said = (await list(home)).find(comment => comment.text === 'May I?')
  assert.equal((await far.delete(`/users/${ann.id}`, { token: true })).status, 204)
  await home.when('her words are a tombstone', async () => (await thread(home, said.id)).comment.isDeleted)
  await home.when('her like counts no more', async () => await counts(home, true) === '0 0')
})

// follows.test.mjs - plugins judge who may follow, hear of every follow, and find channels elsewhere.
// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, test } from 'node:test'

import { startInstance } from '../kit/instance.mjs'
import { line, withPlugins, writePlugin } from '../kit/plugins.mjs'

const door = `
local shoal = require "shoal"
shoal.decide("follow.request", function(event)
  shoal.log("info", "asked: " .. shoal.json_encode(event))
  if event.follower.name == "unwanted" then return shoal.refuse("this channel is closed to you") end
  if event.follower.name == "unknown" then return shoal.hold("its owner has a look") end
end)
shoal.tell("follow.changed", function(event)
  shoal.log("info", string.format("follow %s of %s by %s: before %s, by_peer %s, local %s %s", event.what, event.target.name,
    event.follower.name, tostring(event.before), tostring(event.by_peer), tostring(event.target.isLocal), event.target.type))
end)
shoal.route {
  method = "POST", path = "/door/{verb}/{id}",
  handler = function(request)
    local subject = "follow:" .. request:param("id")
    if request:param("verb") == "open" then shoal.release("follow.request", subject) else shoal.refuse_held("follow.request", subject) end
    request:json(200, {})
  end,
}
`

/** A federation that knows nobody, and says so in two ways. */
const federation = `#include <shoal/plugin.h>
#include <shoal/svc/federation.h>
#include <string.h>
static json_t *resolve(struct shoal_call *call, void *arg, const char *what, struct shoal_err *err)
{
    (void)call;
    (void)arg;
    shoal_info("asked for %s", what);
    shoal_fail(err, strstr(what, "slow.example") ? SHOAL_ETIMEOUT : SHOAL_ENOTFOUND, "nobody is there");
    return NULL;
}
static int start(struct shoal_plugin *self, struct shoal_err *err)
{
    static const struct shoal_svc_federation table = {.size = sizeof table, .resolve = resolve};
    return shoal_provide(self, "federation", &table, NULL, err);
}
SHOAL_PLUGIN(.name = "finder", .start = start);
`

let site, owner
before(async () => {
  site = await startInstance({ started: false })
  const folder = join(site.folder, 'plugins')
  const pins = {
    door: writePlugin(folder, 'door', { lua: door, manifest: { hooks: ['follow.request', 'follow.changed'], permissions: ['routes:/door', 'moderation.override'] } }),
    finder: writePlugin(folder, 'finder', { c: federation, manifest: { provides: ['federation'] } })
  }
  site.config = withPlugins(site.config, ['storage_fs', 'api', 'subscriptions', ...Object.entries(pins).map(([name, pin]) => line(name, pin))])
  await site.start()
  owner = await site.user('owner')
})
after(() => site?.stop())

const subscribe = (user, uri = 'owner_channel') => site.post('/users/me/subscriptions', { token: user.token, json: { uri } })
const state = async user => (await site.get('/users/me/subscriptions/owner_channel', { token: user.token })).json.subscription?.state
const told = text => site.when(text, () => site.log.includes(text))
const followers = async () => (await site.get('/video-channels/owner_channel', { token: true })).json.followersCount

test('every change of a follow is told', async () => {
  const friend = await site.user('friend')
  assert.equal((await subscribe(friend)).status, 204)
  await told('follow accepted of owner_channel by friend: before none, by_peer false, local true Group')
  const asked = JSON.parse(site.log.match(/asked: (\{.*\})/)[1].replaceAll('\\"', '"'))
  const host = new URL(site.url).host
  assert.deepEqual({ ...asked.follower, id: 0, url: '' }, { id: 0, type: 'Person', name: 'friend', host, url: '', isLocal: true })
  assert.deepEqual({ ...asked.target, id: 0, url: '' }, { id: 0, type: 'Group', name: 'owner_channel', host, url: '', isLocal: true })
  assert.match(asked.follower.url, /\/accounts\/friend$/)
  assert.equal(asked.host, host)
  assert.equal((await site.delete('/users/me/subscriptions/owner_channel', { token: friend.token })).status, 204)
  await told('follow removed of owner_channel by friend: before accepted, by_peer false, local true Group')
})

test('who is refused does not follow, and reads why', async () => {
  const unwanted = await site.user('unwanted')
  const answer = await subscribe(unwanted)
  assert.equal(answer.status, 403)
  assert.match(answer.json.detail, /this channel is closed to you/)
  assert.equal(await state(unwanted), undefined)
})

test('who is held waits, and is let in or not', async () => {
  const unknown = await site.user('unknown')
  assert.equal((await subscribe(unknown)).status, 204)
  assert.equal(await state(unknown), 'pending')
  assert.equal(await followers(), 0)
  await told('follow asked of owner_channel by unknown: before none')
  const id = async () => (await site.get('/video-channels/owner_channel/followers', { token: owner.token })).json.data[0]?.id
  assert.equal(await id(), undefined, 'who waits is no follower')
  assert.equal((await site.post('//door/open/2', { json: {} })).status, 200)
  await told('follow accepted of owner_channel by unknown: before pending')
  assert.equal(await state(unknown), 'accepted')
  assert.equal(await followers(), 1)
  assert.equal(await id(), 2)

  assert.equal((await site.delete('/users/me/subscriptions/owner_channel', { token: unknown.token })).status, 204)
  assert.equal((await subscribe(unknown)).status, 204)
  assert.equal((await site.post('//door/shut/3', { json: {} })).status, 200)
  await told('follow rejected of owner_channel by unknown: before pending')
  assert.equal(await state(unknown), undefined)
  assert.equal(await followers(), 0)
})

test('what is not known here is asked for elsewhere', async () => {
  assert.equal((await subscribe(owner, 'somebody@far.example')).status, 404)
  await told('asked for @somebody@far.example')
  assert.equal((await subscribe(owner, 'somebody@slow.example')).status, 504)
  assert.equal((await subscribe(owner, 'nobody')).status, 404)
  assert.ok(!site.log.includes('asked for @nobody'), 'nobody elsewhere knows a name of ours')
  const target = uri => site.get(`/subscriptions/target?uri=${encodeURIComponent(uri)}`, { token: owner.token })
  assert.equal((await target('https://far.example/c/somebody')).status, 404)
  await told('asked for https://far.example/c/somebody')
  assert.equal((await target('somebody@slow.example')).status, 504)
})

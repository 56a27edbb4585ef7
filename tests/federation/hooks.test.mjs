// hooks.test.mjs - what plugins may say to what comes in and goes out: the example, and one that writes and reads.
// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'

import { startInstance } from '../kit/instance.mjs'
import { line, writePlugin } from '../kit/plugins.mjs'
import { federating, Peer, withFederation } from './peer.mjs'

const example = join(import.meta.dirname, '..', '..', 'sdk', 'examples', 'gatekeeper_lua')
const scribe = `
local shoal = require "shoal"
shoal.filter("federation.write", function(value)
  if value.type == "Person" or value.type == "Application" or value.type == "Group" then
    value.object.scribe = "was here"
    value.context[#value.context + 1] = { scribe = "https://scribe.example/ns#scribe" }
  end
  return value
end)
shoal.filter("federation.read", function(value)
  shoal.log("info", "read a " .. value.type)
  return value
end)
`
let site, peer, silent

before(async () => {
  peer = await Peer.start()
  silent = await Peer.start({ address: '127.0.0.2' })
  site = await startInstance({ started: false, settings: [...federating, `gatekeeper_lua.silent_towards=${silent.host}`, 'gatekeeper_lua.refused_types=Announce, Undo'] })
  const plugins = join(site.folder, 'plugins')
  const manifest = JSON.parse(readFileSync(join(example, 'plugin.json'), 'utf8'))
  const pins = [
    ['gatekeeper_lua', writePlugin(plugins, 'gatekeeper_lua', { lua: readFileSync(join(example, 'gatekeeper_lua.lua'), 'utf8'), manifest })],
    ['scribe', writePlugin(plugins, 'scribe', { lua: scribe, manifest: { hooks: ['federation.write', 'federation.read'], after: ['federation'] } })]
  ]
  withFederation(site, [], pins.map(([name, pin]) => line(name, pin)))
  await site.start()
})
after(async () => {
  await Promise.all([peer, silent].map(one => one?.stop()))
  await site?.stop()
})

test('a rule in Lua refuses what comes in', async () => {
  const fan = peer.person('fan')
  const follow = fan.say('Follow', `${site.url}/accounts/root`)
  await fan.post(site, follow)
  await peer.came('the Accept', body => body.type === 'Accept' && body.object?.id === follow.id)
  const refused = await fan.post(site, fan.say('Undo', follow))
  assert.ok([204, 403].includes(refused.status), refused.text)
  await new Promise(resolve => setTimeout(resolve, 1000))
  assert.equal((await site.get('/accounts/root')).json.followersCount, 1)
})

test('a rule in Lua keeps what goes out from a host', async () => {
  await site.post('/server/following', { token: true, json: { hosts: [peer.host] } })
  await peer.came('the Follow', body => body.type === 'Follow')
  const answer = await site.post('/server/following', { token: true, json: { hosts: [silent.host] } })
  assert.equal(answer.status, 204, answer.text)
  await new Promise(resolve => setTimeout(resolve, 1500))
  assert.equal(silent.inbox.length, 0)
})

test('what it adds to what is embedded in an activity says what it means', async () => {
  assert.equal((await site.put('/users/me', { token: true, json: { displayName: 'Root with another name' } })).status, 204)
  const update = await peer.came('the Update', body => body.type === 'Update' && body.object?.type === 'Person')
  assert.equal(update.body.object.scribe, 'was here')
  assert.deepEqual(update.body.object['@context'], [{ scribe: 'https://scribe.example/ns#scribe' }])
})

test('a plugin adds a field of its own to what is written, and hears of what is read', async () => {
  const actor = await site.raw({ path: '/accounts/root', headers: { accept: 'application/activity+json' } })
  assert.equal(actor.status, 200, actor.text)
  assert.equal(actor.json.scribe, 'was here')
  assert.ok(JSON.stringify(actor.json['@context']).includes('scribe.example'))
})

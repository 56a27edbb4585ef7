// follows.test.mjs - the handshake with other servers, in both directions.
// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, test } from 'node:test'

import { startInstance } from '../kit/instance.mjs'
import { line, writePlugin } from '../kit/plugins.mjs'
import { sql } from './crowd.mjs'
import { Peer, federating, startFederating, withFederation } from './peer.mjs'

let site, peer, instance

before(async () => {
  site = await startFederating(startInstance)
  peer = await Peer.start()
  instance = `${site.url}/accounts/peertube`
})
after(async () => {
  await peer?.stop()
  await site?.stop()
})

const rows = async (side, query = '') => (await site.get(`/server/${side}?count=100${query}`)).json.data
const rowOf = async (side, name, key) => (await rows(side)).find(row => row[key].name === name)
const isAbout = (type, actor) => body => body.type === type && body.object?.actor === actor.id

test('an instance that follows ours is accepted, at its own inbox', async () => {
  const follow = peer.instance.say('Follow', instance)
  assert.equal((await peer.instance.post(site, follow, { path: '/accounts/peertube/inbox' })).status, 204)
  const accept = await peer.came('the Accept', isAbout('Accept', peer.instance))
  assert.equal(accept.path, '/accounts/peertube/inbox')
  assert.equal(accept.body.actor, instance)
  assert.equal(accept.body.object.id, follow.id)
  assert.equal(accept.body.object.object, instance)
  assert.equal(accept.actor, instance, String(accept.actor))
  const row = await rowOf('followers', 'peertube', 'follower')
  assert.equal(row.state, 'accepted')
  assert.equal(row.follower.host, peer.host)
})

test('asked again it answers again', async () => {
  const before = peer.inbox.length
  await peer.instance.post(site, peer.instance.say('Follow', instance))
  await peer.came('a second Accept', (body, entry) => peer.inbox.indexOf(entry) >= before && body.type === 'Accept')
})

test('people follow accounts and channels of ours', async () => {
  const fan = peer.person('fan')
  const channel = (await site.get('/users/me', { token: true })).json.videoChannels[0].name
  for (const path of ['/accounts/root', `/video-channels/${channel}`]) {
    await fan.post(site, fan.say('Follow', `${site.url}${path}`))
    await peer.came(`the Accept of ${path}`, body => body.type === 'Accept' && body.actor === `${site.url}${path}`)
  }
  assert.equal((await site.get('/accounts/root', { token: true })).json.followersCount, 1)
  await fan.post(site, fan.say('Undo', fan.say('Follow', `${site.url}/accounts/root`)))
  await site.when('nobody follows any more', async () => (await site.get('/accounts/root', { token: true })).json.followersCount === 0)
})

test('nobody ends the follow of another', async () => {
  const rogue = peer.person('rogue')
  await rogue.post(site, rogue.say('Undo', { ...peer.instance.say('Follow', instance) }))
  await new Promise(resolve => setTimeout(resolve, 800))
  assert.equal((await rowOf('followers', 'peertube', 'follower')).state, 'accepted')
})

test('the administrator follows a server by its host; it answers', async () => {
  const answer = await site.post('/server/following', { token: true, json: { hosts: [peer.host] } })
  assert.equal(answer.status, 204, answer.text)
  const follow = await peer.came('the Follow', body => body.type === 'Follow' && body.object === peer.instance.id)
  assert.equal(follow.path, '/accounts/peertube/inbox')
  assert.equal(follow.actor, instance, String(follow.actor))
  assert.equal((await rowOf('following', 'peertube', 'following')).state, 'pending')
  await peer.instance.post(site, peer.instance.say('Accept', follow.body))
  await site.when('it is accepted', async () => (await rowOf('following', 'peertube', 'following')).state === 'accepted')
})

test('an answer counts from the one who was asked alone', async () => {
  const target = peer.person('target')
  const liar = peer.person('liar')
  await site.post('/server/following', { token: true, json: { handles: [`target@${peer.host}`] } })
  const follow = await peer.came('the Follow', body => body.type === 'Follow' && body.object === target.id)
  await liar.post(site, liar.say('Accept', follow.body))
  await new Promise(resolve => setTimeout(resolve, 800))
  assert.equal((await rowOf('following', 'target', 'following')).state, 'pending')
  await target.post(site, target.say('Reject', follow.body.id))
  await site.when('it is refused', async () => (await rowOf('following', 'target', 'following'))?.state !== 'pending')
})

test('unfollowing says Undo', async () => {
  assert.equal((await site.delete(`/server/following/${peer.host}`, { token: true })).status, 204)
  const undo = await peer.came('the Undo', body => body.type === 'Undo' && body.object?.object === peer.instance.id)
  assert.equal(undo.body.object.type, 'Follow')
  assert.equal(await rowOf('following', 'peertube', 'following'), undefined)
})

test('a follower who is refused hears it, and is not asked about again', async () => {
  const handle = `peertube@${peer.host}`
  assert.equal((await site.post(`/server/followers/${handle}/reject`, { token: true, json: {} })).status, 204)
  await peer.came('the Reject', isAbout('Reject', peer.instance))
  const before = peer.inbox.length
  await peer.instance.post(site, peer.instance.say('Follow', instance))
  await peer.came('the Reject again', (body, entry) => peer.inbox.indexOf(entry) >= before && body.type === 'Reject')
  assert.ok((await rows('followers', '&state=pending')).length === 0)
})

test('who was refused is not a stranger again by taking the follow back', async () => {
  const follow = peer.instance.say('Follow', instance)
  await peer.instance.post(site, peer.instance.say('Undo', follow))
  await peer.instance.post(site, follow)
  await peer.came('another Reject', body => body.type === 'Reject' && body.object?.id === follow.id)
  assert.equal((await rowOf('followers', 'peertube', 'follower')).state, 'rejected')
})

test('a server that was refused does not ask again as another of its actors', async () => {
  const other = peer.actor('Application', 'other', '/accounts/other')
  await other.post(site, other.say('Follow', instance))
  await peer.came('the Reject', isAbout('Reject', other))
  assert.equal(await rowOf('followers', 'other', 'follower'), undefined)
})

test('what comes later is about the last follow that was asked for', async () => {
  const fan = peer.person('patient')
  const [first, second] = [fan.say('Follow', instance), fan.say('Follow', instance)]
  for (const follow of [first, second]) {
    await fan.post(site, follow)
    await peer.came('its Accept', body => body.type === 'Accept' && body.object?.id === follow.id)
  }
  await site.delete(`/server/followers/patient@${peer.host}`, { token: true })
  const reject = await peer.came('the Reject', isAbout('Reject', fan))
  assert.equal(reject.body.object.id, second.id)
})

test('who is refused by a setting is taken when it is another one', async () => {
  const shy = await startFederating(startInstance, { settings: ['federation.follow_instance=refuse'] })
  const fan = peer.person('early')
  try {
    const target = `${shy.url}/accounts/peertube`
    const asks = async type => {
      const follow = fan.say('Follow', target)
      await fan.post(shy, follow)
      await peer.came(type, body => body.type === type && body.object?.id === follow.id)
    }
    await asks('Reject')
    await shy.kill()
    shy.settings[shy.settings.indexOf('federation.follow_instance=refuse')] = 'federation.follow_instance=accept'
    await shy.start()
    await asks('Accept')
  } finally {
    await shy.stop()
  }
})

test('a server is one however it is written, and need not call itself as we do', async () => {
  const far = await Peer.start({ address: '127.0.0.2' })
  far.actor('Application', 'relay', '/actor')
  far.serve('/.well-known/nodeinfo', { links: [{ rel: 'https://www.w3.org/ns/activitystreams#Application', href: `${far.url}/actor` }] }, { type: 'application/json' })
  assert.equal((await site.post('/server/following', { token: true, json: { hosts: [far.host] } })).status, 204)
  assert.equal((await rowOf('following', 'relay', 'following')).following.host, far.host)
  assert.equal((await site.delete(`/server/following/${far.host}`, { token: true })).status, 204)
  assert.equal(await rowOf('following', 'relay', 'following'), undefined)
  assert.equal((await site.post('/server/following', { token: true, json: { hosts: ['x.example?y'] } })).status, 400)
  await far.stop()
})

test('what cannot be followed is said', async () => {
  for (const [json, status] of [
    [{ hosts: ['127.0.0.1:1'] }, 502], [{ hosts: ['a b'] }, 400], [{ handles: ['nobody'] }, 400], [{}, 400],
    [{ handles: [`nobody@${peer.host}`] }, 404], [{ hosts: [new URL(site.url).host] }, 409]
  ]) {
    const answer = await site.post('/server/following', { token: true, json })
    assert.equal(answer.status, status, `${JSON.stringify(json)}: ${answer.text}`)
    assert.match(answer.headers['content-type'], /problem\+json/)
  }
  assert.equal((await site.post('/server/following', { json: { hosts: [peer.host] } })).status, 401)
})

test('nobody fills the list of those that wait; what a rule refuses is not kept', async () => {
  const rule = `require("shoal").decide("follow.request", function(event)
    if event.follower.name:match("^unwanted") then return require("shoal").refuse("not you") end
    if event.target.type == "Group" then return require("shoal").hold("wait") end
  end)`
  const careful = await startInstance({ started: false, settings: [...federating, 'federation.follow_instance=ask'] })
  const far = await Peer.start({ address: '127.0.0.3' })
  try {
    withFederation(careful, [], [line('rule', writePlugin(join(careful.folder, 'plugins'), 'rule', { lua: rule, manifest: { hooks: ['follow.request'], after: ['federation'] } }))])
    await careful.start()
    const channel = (await careful.get('/users/me', { token: true })).json.videoChannels[0].name
    const states = () => sql(careful, 'SELECT state, COUNT(*) FROM catalog_follow GROUP BY state;')
    const keys = peer.instance.keys
    const asks = async (who, target) => {
      const follow = who.say('Follow', target)
      assert.equal((await who.post(careful, follow)).status, 204)
      return follow
    }
    const isRefused = async (who, target) => {
      const { id } = await asks(who, target)
      await who.peer.came('the Reject', body => body.type === 'Reject' && body.object.id === id)
    }
    await isRefused(peer.person('unwanted', {}, keys), `${careful.url}/accounts/peertube`)
    assert.equal(states(), '')
    for (const target of [`${careful.url}/accounts/peertube`, `${careful.url}/video-channels/${channel}`]) {
      const people = Array.from({ length: 22 }, (_, i) => peer.person(`many${i}`, {}, keys))
      for (const who of people.slice(0, 20)) await asks(who, target)
      await careful.when('they wait', () => states() === '1|20')
      await isRefused(people[20], target) // of one server
      sql(careful, `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 979)
        INSERT INTO catalog_follow (follower_id, target_id, state, created, updated) SELECT 100000 + i, (SELECT MIN(target_id) FROM catalog_follow), 1, 0, 0 FROM n;`)
      await asks(far.person('one', {}, keys), target)
      await careful.when('it waits', () => states() === '1|1000')
      await isRefused(far.person('two', {}, keys), target) // of all
      sql(careful, 'DELETE FROM catalog_follow;')
    }
  } finally {
    await far.stop()
    await careful.stop()
  }
})

test('an instance that asks lets follows wait among what is held, and answers when told', async () => {
  const careful = await startInstance({ started: false, settings: [...federating, 'federation.follow_instance=ask', 'federation.follow_back=true'] })
  try {
    withFederation(careful, ['held'])
    await careful.start()
    const actor = `${careful.url}/accounts/peertube`
    const held = async () => (await careful.get('/held', { token: true })).json.data
    const holds = count => careful.when(`${count} are held`, async () => { const list = await held(); return list.length === count && list })
    const states = async () => (await careful.get('/server/followers?count=100')).json.data.map(({ follower, state }) => `${follower.name} ${state}`).sort()
    const say = (type, by) => peer.came(`the ${type} of ${by.name}`, body => body.type === type && body.actor === actor && body.object.actor === by.id)
    const asks = async who => assert.equal((await who.post(careful, who.say('Follow', actor))).status, 204)
    const press = (path, who, method = 'POST') => careful.api(method, `/server/followers/${who.name}@${peer.host}${path}`, { token: true, json: method === 'POST' ? {} : undefined })
    const decide = ({ id }, releases) => careful.post(`/held/${id}/${releases ? 'release' : 'refuse'}`, { token: true, json: {} })
    const [one, two, three, four, five] = ['one', 'two', 'three', 'four', 'five'].map(name => peer.person(name))

    await asks(peer.instance)
    const [first] = await holds(1)
    assert.deepEqual([first.hook, first.plugin, first.sentence], ['follow.request', 'federation', 'somebody here is asked before others may follow this server (federation.follow_instance)'])
    await asks(peer.instance) // once more changes nothing
    const [pending] = (await careful.get('/server/followers?state=pending')).json.data
    assert.deepEqual([pending.follower.host, first.subject], [peer.host, `follow:${pending.id}`])
    assert.deepEqual([first.what.kind, first.what.url, first.what.account.host, first.what.target.type], ['follow', peer.instance.id, peer.host, 'Application'])
    assert.ok(!peer.inbox.some(entry => entry.body.actor === actor))
    assert.equal((await decide(first, true)).status, 204)
    await say('Accept', peer.instance)
    assert.deepEqual(await held(), [])

    for (const who of [one, two, three, four, five]) await asks(who)
    const list = await holds(5)
    const of = who => list.find(({ what }) => what.account.name === who.name)
    assert.equal((await decide(of(one), false)).status, 204)
    await say('Reject', one)
    assert.equal((await press('/accept', two)).status, 204)
    await say('Accept', two)
    assert.equal((await press('/reject', three)).status, 204)
    await say('Reject', three)
    assert.deepEqual((await holds(2)).map(({ subject }) => subject), [of(four).subject, of(five).subject])
    await four.post(careful, four.say('Undo', four.say('Follow', actor)))
    await holds(1)
    peer.gone('/accounts/five')
    await five.post(careful, five.say('Delete', five.id))
    await holds(0)
    assert.deepEqual(await states(), ['one rejected', 'peertube accepted', 'three rejected', 'two accepted'])
    assert.equal((await decide(of(four), true)).status, 404)
    await asks(four)
    await holds(1)
    assert.equal((await press('', four, 'DELETE')).status, 204)
    await holds(0)
  } finally {
    await careful.stop()
  }
})

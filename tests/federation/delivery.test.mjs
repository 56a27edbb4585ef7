// delivery.test.mjs - what goes out: to all who listen, though many of them are dead; in order, once, again.
// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'

import { shoal } from '../kit/instance.mjs'
import { Crowd, cry, follow, hostRow, sql, startCrier, waiting } from './crowd.mjs'
import { Peer } from './peer.mjs'

const keeper = {
  manifest: { permissions: ['federation'], hooks: ['federation.outbound', 'follow.changed'] },
  lua: `
local shoal = require "shoal"
local broken = 0
local held = {}
shoal.decide("federation.outbound", function(event)
  if event.activity.summary == "secret" and event.host == event.activity.hidden then return shoal.refuse("not for them") end
  if event.activity.summary == "hold" and not held[event.host] then
    held[event.host] = true
    return shoal.hold("not yet")
  end
  if event.activity.summary == "later" and broken < 1 then
    broken = broken + 1
    error("out of order")
  end
end)
shoal.tell("follow.changed", function(event)
  if event.host then shoal.log("info", "heard " .. event.what .. " of " .. event.host) end
end)
`
}

let site, crowd
before(async () => {
  site = await startCrier({ settings: ['delivery.pause=300ms', 'delivery.timeout=1500ms'], lua: { keeper } })
  crowd = new Crowd()
})
after(async () => {
  await crowd?.stop()
  await site?.stop()
})

const gotBy = (host, id) => host.got.filter(entry => entry.body.id === id)

test('the living have it soon, each inbox once, though a third of the servers is dead', async () => {
  for (const mode of ['refuse', 'hang', 500]) await crowd.add(mode, 6)
  await crowd.add(202, 40)
  for (const host of crowd.hosts) follow(site, host, 5, { shared: false })
  const living = crowd.hosts.filter(host => host.mode === 202)
  const id = await cry(site)
  // One after the other, the six that hang would take 45 s.
  await site.when('all who live have it', () => living.every(host => gotBy(host, id).length === 5), 40000)
  await sleep(1000)
  for (const host of living) {
    assert.equal(new Set(gotBy(host, id).map(entry => entry.path)).size, 5)
    assert.equal(host.got.length, 5, 'nothing came twice')
  }
  await site.when('what came waits no more', () => waiting(site) === 18 * 5)
  const [entry] = living[0].got
  assert.equal(entry.headers['content-type'], 'application/activity+json')
  assert.match(entry.headers.digest, /^SHA-256=/)
  assert.match(entry.headers.signature, /keyId="[^"]+\/accounts\/peertube#main-key"/)
  assert.equal(entry.body['@context'][0], 'https://www.w3.org/ns/activitystreams')
  assert.ok(Math.max(...living.map(host => host.connections)) <= 4, 'connections are used again')
})

test('who fails is left alone longer each time, is told to be slow, and comes back by itself', async () => {
  const silent = crowd.hosts.find(host => host.mode === 500)
  await site.when('it is slow', () => hostRow(site, silent).failures >= 3)
  await site.when('plugins heard it', () => site.log.includes(`heard host slow of ${silent.host}`))
  const before = silent.refused
  silent.mode = 202
  await site.when('it has all of it', () => silent.got.length === 5, 60000)
  assert.ok(silent.refused - before <= 1, 'one request asked whether it was back')
  await site.when('plugins heard it', () => site.log.includes(`heard host back of ${silent.host}`))
  const row = hostRow(site, silent)
  assert.equal(row.failures, 0)
  assert.ok(row.last_ok > 0)
  assert.equal(Number(sql(site, `SELECT COUNT(*) FROM catalog_follow f JOIN catalog_actor x ON x.id = f.follower_id WHERE x.host = '${silent.host}';`)), 5)
})

test('a restart forgets nothing, and a killed server goes on', async () => {
  const states = () => sql(site, 'SELECT host, failures FROM delivery_host WHERE failures >= 3 ORDER BY host;')
  await site.when('the dead are known', () => Number(sql(site, 'SELECT COUNT(*) FROM delivery_host WHERE failures >= 3;')) >= 17, 60000)
  const living = crowd.hosts.filter(host => host.mode === 202)
  const before = states()
  const id = await cry(site)
  await site.kill('SIGKILL')
  await site.start()
  for (const row of before.split('\n')) {
    const [host, failures] = row.split('|')
    const now = Number(sql(site, `SELECT failures FROM delivery_host WHERE host = '${host}';`))
    assert.ok(now >= Number(failures), `${host}: ${failures}, ${now}`)
  }
  await site.when('all who live have it', () => living.every(host => new Set(gotBy(host, id).map(entry => entry.path)).size === 5), 60000)
})

test('one shared inbox gets one delivery; ours, blocked ones and the one it came from get none', async () => {
  const shared = await crowd.add()
  const blocked = await crowd.add()
  const source = await crowd.add()
  for (const host of [shared, blocked, source]) follow(site, host, 30)
  await site.post('/server/blocklist/servers', { token: true, json: { host: blocked.host } })
  const id = await cry(site, { exceptHost: source.host })
  await site.when('it came', () => shared.got.length > 0)
  await sleep(1500)
  assert.deepEqual(shared.got.map(entry => [entry.path, entry.body.id]), [['/inbox', id]])
  assert.equal(blocked.got.length + source.got.length, 0)
})

test('a block acts on what waits already', async () => {
  const host = await crowd.add('hang')
  follow(site, host, 3, { shared: false })
  await cry(site)
  await site.when('it waits', () => hostRow(site, host)?.failures > 0)
  await site.post('/server/blocklist/servers', { token: true, json: { host: host.host } })
  await site.when('it is forgotten', () => Number(sql(site, `SELECT COUNT(*) FROM delivery_queue q JOIN delivery_host h ON h.id = q.host_id WHERE h.host = '${host.host}';`)) === 0)
})

test('a strict peer finds the signature right, in both inboxes', async () => {
  const peer = await Peer.start()
  const id = await cry(site, { inboxes: [`${peer.url}/inbox`, `${peer.instance.id}/inbox`, `${peer.url}/inbox`, 'not an address', `${site.url}/inbox`], isSigned: false })
  await peer.came('it', body => body.id === id)
  await site.when('both came', () => peer.inbox.filter(entry => entry.body.id === id).length >= 2)
  await sleep(500)
  assert.deepEqual(peer.inbox.map(entry => entry.path).sort(), ['/accounts/peertube/inbox', '/inbox'])
  for (const entry of peer.inbox) assert.equal(entry.actor, `${site.url}/accounts/peertube`, String(entry.actor))
  await peer.stop()
})

test('what people see goes first, and of several with one key the newest alone', async () => {
  const host = await crowd.add('drop')
  const inboxes = [`${host.url}/inbox`]
  await cry(site, { inboxes, priority: 5, fields: { summary: 'first' } })
  await site.when('it was tried', () => hostRow(site, host)?.failures > 0)
  for (const summary of ['one', 'two', 'three']) await cry(site, { inboxes, priority: 10, replaces: 'counts', fields: { summary } })
  await cry(site, { inboxes, priority: 3, fields: { summary: 'update' } })
  await cry(site, { inboxes, priority: 0, fields: { summary: 'comment' } })
  await site.when('all wait', () => Number(sql(site, `SELECT COUNT(*) FROM delivery_queue q JOIN delivery_host h ON h.id = q.host_id WHERE h.host = '${host.host}' AND attempts >= 0;`)) === 4)
  // What is sent now may have been chosen before all were there.
  const { dropped } = host
  await site.when('it was tried twice since', () => host.dropped >= dropped + 2)
  host.mode = 202
  await site.when('all came', () => host.got.length === 4, 60000)
  await sleep(500)
  const order = host.got.map(entry => entry.body.summary)
  assert.deepEqual([...order].sort(), ['comment', 'first', 'three', 'update'])
  assert.equal(order[0], 'comment', order.join()) // one asks whether the host is back; the others go together
})

test('what is said of one object arrives in its order; one that its server cannot take stands in nobody\'s way', async () => {
  const host = await crowd.add(entry => entry.body.summary === 'poison' ? 500 : 202)
  const inboxes = [`${host.url}/inbox`]
  const object = `${site.url}/videos/watch/ordered`
  for (let i = 0; i < 8; i++) await cry(site, { inboxes, type: i === 7 ? 'Delete' : i === 0 ? 'Create' : 'Update', priority: 7 - i, fields: { object, summary: String(i) } })
  await site.when('all came', () => host.got.length === 8)
  assert.deepEqual(host.got.map(entry => entry.body.summary), ['0', '1', '2', '3', '4', '5', '6', '7'])
  await cry(site, { inboxes, fields: { summary: 'poison' } })
  await site.when('it was tried', () => host.refused >= 1)
  for (let i = 0; i < 5; i++) await cry(site, { inboxes, fields: { summary: 'more' } })
  await site.when('the others came', () => host.got.length === 13)
  assert.ok(host.refused < 8, `${host.refused} tries`)
})

test('an inbox that is gone is not asked any more; its server is', async () => {
  const host = await crowd.add(entry => entry.path.includes('fan0') ? 410 : 202)
  follow(site, host, 2, { shared: false })
  await cry(site)
  await site.when('one came', () => host.got.length === 1)
  await site.when('the other is known to be gone', () => sql(site, 'SELECT inbox FROM delivery_gone;').includes(`${host.url}/users/fan0/inbox`))
  const refused = host.refused
  await cry(site)
  await site.when('the next came', () => host.got.length === 2)
  await sleep(500)
  assert.equal(host.refused, refused)
  assert.equal(hostRow(site, host).failures, 0)
})

test('what is not taken is given up after a few tries, what is wrong at once; a busy server is left alone', async () => {
  const no = await crowd.add(403)
  const wrong = await crowd.add(400)
  const asked = []
  const busy = await crowd.add(({ at }) => asked.push(at) === 1 ? { status: 429, headers: { 'retry-after': '2' } } : 202)
  await cry(site, { inboxes: [`${no.url}/inbox`, `${wrong.url}/inbox`, `${busy.url}/inbox`] })
  await site.when('the busy one has it', () => busy.got.length === 1)
  assert.equal(asked.length, 2)
  assert.ok(asked[1] - asked[0] >= 1990, 'it was left alone')
  assert.equal(wrong.refused, 1)
  await site.when('it is tried again', () => no.refused >= 2)
  assert.equal(hostRow(site, no).failures, 0)
  await site.when('it is in the log', () => site.log.includes(`${wrong.host}/inbox does not take a delivery, which is given up: it answers 400`))
})

test('a plugin keeps something from one server, and one that is out of order is asked again', async () => {
  const one = await crowd.add()
  const other = await crowd.add()
  const inboxes = [`${one.url}/inbox`, `${other.url}/inbox`]
  await cry(site, { inboxes, fields: { summary: 'secret', hidden: one.host } })
  await site.when('the other has it', () => other.got.length === 1)
  await cry(site, { inboxes, fields: { summary: 'later' } })
  await site.when('who was not asked about has it', () => one.got.length + other.got.length === 2)
  await site.when('the other one too', () => one.got.length === 1 && other.got.length === 2, 60000)
})

test('what is held back from followers goes to each of them later, once', async () => {
  const kept = []
  for (let i = 0; i < 5; i++) kept.push(await crowd.add())
  for (const host of kept) follow(site, host, 2, { shared: false })
  const id = await cry(site, { fields: { summary: 'hold' } })
  await site.when('all have it', () => kept.every(host => gotBy(host, id).length === 2))
  await site.when('nobody waits for it', () => sql(site, `SELECT COUNT(*) FROM delivery_out WHERE is_spread = FALSE;`) === '0')
  for (const host of kept) assert.equal(gotBy(host, id).length, 2)
})

test('what waits is seen: jobs, metrics', async () => {
  const slow = await crowd.add(() => 202)
  slow.mode = 'hang'
  await cry(site, { inboxes: [`${slow.url}/inbox`] })
  await site.when('the job says it', async () => {
    const jobs = JSON.parse((await shoal('jobs', 'list', site.folder, '--json')).stdout)
    return jobs.some(job => job.kind === 'delivery.send' && /\d+ deliveries to \d+ servers wait/.test(job.subject))
  })
  const status = await shoal('federation', 'status', site.folder)
  assert.equal(status.code, 0, status.stderr)
  assert.match(status.stdout, /deliveries wait for \d+ servers/)
  assert.match(status.stdout, new RegExp(`${slow.host} +(well|failing|slow|down) +1 `))
  assert.equal((await shoal('federation', 'retry', site.folder, 'never.example')).code, 1)
  slow.mode = 202
  assert.equal((await shoal('federation', 'retry', site.folder, slow.host)).code, 0)
  await site.when('it is asked at once', () => slow.got.length === 1, 15000)
  const metrics = (await site.raw({ path: '/metrics' })).text
  assert.match(metrics, /shoal_federation_delivered_total [1-9]/)
  assert.match(metrics, /shoal_federation_failed_total\{why="timeout"\} \d+/)
})

test('what is too old is given up, and the follower stays', async () => {
  sql(site, 'UPDATE delivery_queue SET created = 1000;')
  await site.when('it is gone', () => waiting(site) === 0, 90000)
  assert.equal(Number(sql(site, 'SELECT COUNT(*) FROM delivery_out;')), 0)
  await site.when('it is in the log', () => /could not be reached: \d+ deliveries to it are given up/.test(site.log))
  assert.ok(Number(sql(site, 'SELECT COUNT(*) FROM catalog_follow;')) > 200)
})

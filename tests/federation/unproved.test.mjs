// unproved.test.mjs - what comes of those whose key is not known here: it is taken, waits for the key, and holds nobody up.
// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { after, before, test } from 'node:test'

import { freePort, startInstance } from '../kit/instance.mjs'
import { sql } from './crowd.mjs'
import { Peer, sampleVideo, settle, startFederating } from './peer.mjs'

// Many people may have one key: making a pair takes longer than reading one.
const keys = Array.from({ length: 4 }, () => generateKeyPairSync('rsa', { modulusLength: 2048 }))
const peers = []
let site, count = 0

before(async () => { site = await startFederating(startInstance) })
after(async () => {
  await Promise.all(peers.map(peer => peer.stop()))
  await site?.stop()
})

const host = async () => {
  const peer = await Peer.start({ address: `127.0.1.${peers.length + 1}` })
  peers.push(peer)
  return peer
}
const fresh = (peer, fields) => peer.person(`new${++count}`, fields, keys[count % keys.length])
const follow = actor => actor.say('Follow', `${site.url}/accounts/peertube`)
const say = (actor, activity = follow(actor), options) => actor.post(site, activity, { settles: false, ...options })
const taken = answer => assert.equal(answer.status, 204, answer.text)
const followers = () => sql(site, 'SELECT a.url FROM catalog_follow f JOIN catalog_actor a ON a.id = f.follower_id WHERE f.state = 2;').split('\n').filter(Boolean)
const isFollowing = ({ id }) => followers().includes(id)
const waiting = where => Number(sql(site, `SELECT COUNT(*) FROM identity_unproved WHERE ${where ?? 'TRUE'};`))
const outcome = async name => Number((await site.raw({ path: '/metrics' })).text.match(new RegExp(`shoal_federation_unproved_total\\{outcome="${name}"\\} (\\d+)`))?.[1] ?? 0)

/** Has a peer answer for an actor only when it is let. Gives {asked: a promise, release}. */
function held (actor) {
  const { document } = actor
  let release, isAsked
  const open = new Promise(resolve => { release = resolve })
  const asked = new Promise(resolve => { isAsked = resolve })
  actor.peer.serve(new URL(actor.id).pathname, async (request, response) => {
    isAsked()
    await open
    response.writeHead(200, { 'content-type': 'application/activity+json' })
    response.end(JSON.stringify(document))
  })
  return { asked, release }
}

test('a hundred people of five servers, none of them known, are all heard at once', async () => {
  const servers = await Promise.all(Array.from({ length: 5 }, host))
  const people = servers.flatMap(peer => Array.from({ length: 20 }, () => fresh(peer)))
  const answers = await Promise.all(people.map(actor => say(actor)))
  assert.deepEqual([...new Set(answers.map(answer => answer.status))], [204])
  await site.when('all of them follow', () => followers().length === 100)
  for (const peer of servers) {
    const asked = peer.asked.filter(({ path }) => path.startsWith('/accounts/new')).map(({ path }) => path)
    assert.equal(new Set(asked).size, asked.length, 'each was asked for once')
  }
  await settle(site)
  assert.equal(waiting(), 0)
})

test('what somebody says while their key is read is applied in its order, and what is said twice once', async () => {
  const actor = fresh(await host())
  const { asked, release } = held(actor)
  const first = follow(actor)
  taken(await say(actor, first))
  await asked
  taken(await say(actor, { ...actor.say('Undo', first), to: [] }))
  const last = follow(actor)
  const date = new Date().toUTCString() // the very same request
  for (let i = 0; i < 3; i++) taken(await say(actor, last, { date }))
  assert.equal(waiting(), 3)
  release()
  await site.when('all was applied', () => waiting() === 0 && isFollowing(actor))
  taken(await say(actor, actor.say('Undo', last)))
  await site.when('it is undone', () => !isFollowing(actor))
})

test('what is taken back and said again within a second, while the key is read, counts', async () => {
  const actor = fresh(await host())
  const { asked, release } = held(actor)
  const date = new Date().toUTCString()
  const said = follow(actor)
  for (const activity of [said, { ...actor.say('Undo', said), to: [] }, said]) taken(await say(actor, activity, { date }))
  await asked
  assert.equal(waiting(), 3)
  release()
  await site.when('all was applied', () => waiting() === 0)
  await site.when('it follows', () => isFollowing(actor))
})

test('what somebody makes and takes back while their key is read is gone; also by its id alone', async () => {
  const peer = await host()
  const actor = fresh(peer)
  const [, sharer] = ['films', 'sharer'].map(name => peer.channel(name, actor))
  const [kept, gone] = [1, 2].map(number => sampleVideo(peer, number, actor.name, 'films'))
  for (const { path, made } of [kept, gone]) peer.serve(path, made)
  const inbox = () => sql(site, 'SELECT COUNT(*) FROM federation_inbox;')
  const isThere = async ({ uuid }) => (await site.get(`/videos/${uuid}`, { token: true })).status === 200
  const shares = () => sql(site, `SELECT url FROM catalog_share;`)

  const keyOf = held(actor)
  for (const { made } of [kept, gone]) taken(await say(actor, actor.say('Create', made)))
  await keyOf.asked
  taken(await say(actor, actor.say('Delete', gone.made.id)))
  assert.equal(waiting(), 3)
  keyOf.release()
  await site.when('all was applied', () => waiting() === 0 && inbox() === '0')
  assert.deepEqual([await isThere(kept), await isThere(gone)], [true, false])

  const keyOfSharer = held(sharer)
  const share = sharer.say('Announce', kept.made.id)
  taken(await say(sharer, share))
  await keyOfSharer.asked
  taken(await say(sharer, sharer.say('Undo', share.id)))
  assert.equal(waiting(), 2)
  keyOfSharer.release()
  await site.when('all was applied', () => waiting() === 0 && inbox() === '0')
  assert.equal(shares(), '')
})

test('who says something and farewell while their key is read is not here; of who says farewell alone nobody asks', async () => {
  const [brief, ghost] = [fresh(await host()), fresh(peers[0])]
  const { asked, release } = held(brief)
  taken(await say(brief))
  await asked
  taken(await say(brief, brief.say('Delete', brief.id)))
  taken(await say(ghost, ghost.say('Delete', ghost.id)))
  taken(await say(ghost, ghost.say('Delete', `${ghost.peer.url}/nothing`)))
  assert.equal(waiting(), 2)
  release()
  await site.when('all was applied', () => waiting() === 0)
  assert.equal(sql(site, `SELECT COUNT(*) FROM catalog_actor WHERE url IN ('${brief.id}', '${ghost.id}');`), '0')
  assert.ok(!ghost.peer.asked.some(({ path }) => path === new URL(ghost.id).pathname))
})

test('what could not be proved at first comes before what was said after it', async () => {
  const actor = fresh(await host())
  const path = new URL(actor.id).pathname
  actor.peer.serve(path, {}, { status: 500 })
  const first = follow(actor)
  taken(await say(actor, first))
  await site.when('its key could not be read', () => waiting('attempts = 1') === 1)
  const late = Date.now() + 3600000 // whoever likes to put something before it, in their name
  sql(site, `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20)
    INSERT INTO identity_unproved (id, host, sender, key_id, signature, covered, is_modern, body, sum, size, next, received, attempts)
    SELECT -i, '${actor.peer.host}', '192.0.2.0', '${actor.keyId}', 'x', 'x', FALSE, '{}', 'before' || i, 10, ${late}, ${late}, 1 FROM n;`)
  taken(await say(actor, { ...actor.say('Undo', first), to: [] }))
  actor.peer.serve(path, actor.document)
  await site.when('both were applied', () => waiting('id > 0') === 0)
  assert.equal(isFollowing(actor), false, 'it was undone after it was said')
  sql(site, 'DELETE FROM identity_unproved; DELETE FROM identity_unproved_host;')
})

test('what finds the inbox of its host full keeps its order', async () => {
  const actor = fresh(await host())
  const late = Date.now() + 3600000
  sql(site, `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000)
    INSERT INTO federation_inbox (host, activity_id, signer_id, body, next, received)
    SELECT '${actor.peer.host}', 'x' || i, 0, '{}', ${late}, ${late} FROM n;`)
  const first = follow(actor)
  taken(await say(actor, first))
  await site.when('it finds no room', () => waiting('attempts = 1') === 1)
  taken(await say(actor, { ...actor.say('Undo', first), to: [] }))
  assert.equal(waiting(), 2)
  sql(site, 'DELETE FROM federation_inbox WHERE signer_id = 0; UPDATE identity_unproved_host SET next = 1;')
  taken(await say(fresh(peers[0]))) // has the server look
  await site.when('both are handed on', () => waiting() === 0)
  await settle(site)
  assert.equal(isFollowing(actor), false, 'it was undone after it was said')
})

test('addresses of a server that give no document keep nobody else of it waiting', async () => {
  const actor = fresh(await host())
  for (let i = 0; i < 5; i++) {
    const odd = actor.peer.serve(`/odd${i}`, {}, { status: 400 })
    taken(await say(actor, { ...follow(actor), actor: odd }, { keyId: `${odd}#main-key` }))
  }
  taken(await say(actor))
  await site.when('who has a document is heard', () => isFollowing(actor))
  sql(site, "DELETE FROM identity_unproved; DELETE FROM identity_unproved_host;")
})

test('a signature that is made up is taken, counted, and never applied', async () => {
  const [victim, ghost] = [fresh(await host()), fresh(await host())]
  ghost.peer.gone(new URL(ghost.id).pathname)
  const refused = await outcome('refused')
  taken(await say(victim, follow(victim), { key: keys[(count + 2) % keys.length].privateKey }))
  taken(await say(ghost))
  const nowhere = `http://127.0.1.250:${await freePort()}/accounts/nobody`
  taken(await say(victim, { ...follow(victim), actor: nowhere }, { keyId: `${nowhere}#main-key` }))
  await site.when('both were looked at', async () => await outcome('refused') === refused + 2)
  await site.when('so was the third', () => waiting('attempts = 0') === 0)
  assert.equal(waiting(), 1, 'who does not answer is asked again')
  for (const actor of [victim, ghost]) assert.equal(isFollowing(actor), false)
  // What was just found out is known at once.
  assert.equal((await say(victim, follow(victim), { key: keys[(count + 2) % keys.length].privateKey })).status, 401)
  assert.equal((await say(ghost)).status, 401)
  taken(await say(victim))
  await site.when('the one whose name it was is heard', () => isFollowing(victim))
  sql(site, "DELETE FROM identity_unproved; DELETE FROM identity_unproved_host;")
})

test('servers that do not say their keys hold nobody up, and are heard when they do', async () => {
  const slow = await Promise.all(Array.from({ length: 12 }, host))
  const people = slow.map(peer => fresh(peer))
  const holds = people.map(held)
  for (const actor of people) taken(await say(actor))
  await Promise.all(holds.map(hold => hold.asked))
  const good = await Promise.all(Array.from({ length: 3 }, host))
  for (const actor of good.map(peer => fresh(peer))) {
    taken(await say(actor))
    await site.when('the one who answers is heard', () => isFollowing(actor))
  }
  assert.equal(waiting(), 12)
  for (const hold of holds) hold.release()
  await site.when('the slow ones are heard', () => people.every(isFollowing))
})

test('what waits for its key is still there after a crash, and is judged by when it came', async () => {
  const actor = fresh(await host())
  const { asked } = held(actor)
  taken(await say(actor, follow(actor), { date: new Date(Date.now() - 29 * 60000).toUTCString() }))
  await asked
  await site.kill()
  actor.peer.serve(new URL(actor.id).pathname, actor.document)
  await site.start()
  await site.when('it is applied', () => isFollowing(actor))
  await settle(site)
})

test('a server that is blocked while its key is read is heard no more', async () => {
  const actor = fresh(await host())
  const { asked, release } = held(actor)
  taken(await say(actor))
  await asked
  assert.equal((await site.post('/server/blocklist/servers', { token: true, json: { host: actor.peer.host } })).status, 204)
  release()
  await site.when('it is dropped', () => waiting() === 0)
  assert.equal(isFollowing(actor), false)
  assert.equal((await site.delete(`/server/blocklist/servers/${actor.peer.host}`, { token: true })).status, 204)
})

test('T32 what waits is bounded for each server, each sender and all; who is known is heard in any case', async () => {
  const [full, other] = [await host(), await host()]
  const [friend, stranger, elsewhere] = [fresh(full), fresh(full), fresh(other)]
  taken(await friend.post(site, follow(friend)))
  const late = Date.now() + 3600000
  const plant = (where, sender, count = 1000, waiting = count, size = 10) => sql(site, `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${count})
    INSERT INTO identity_unproved (host, sender, key_id, signature, covered, is_modern, body, sum, size, next, received, attempts)
    SELECT '${where}', '${sender}', 'http://${where}/x#' || i, 'x', 'x', FALSE, '{}', '${where}' || i, ${size}, ${late}, ${late}, 1 FROM n;
    INSERT INTO identity_unproved_host (host, waiting, size, place, next, attempts) VALUES ('${where}', ${waiting}, ${waiting * size}, 0, ${late}, 1);`)
  const clear = () => sql(site, "DELETE FROM identity_unproved; DELETE FROM identity_unproved_host;")

  const sample = fresh(other)
  const { asked, release } = held(sample)
  taken(await say(sample))
  await asked
  const sender = sql(site, 'SELECT sender FROM identity_unproved;')
  release()
  await settle(site)

  // One network that has all that it may leaves room for another; which has at most what is still free then.
  plant(full.host, '192.0.2.0')
  taken(await say(stranger))
  clear()
  for (const [count, waiting, size] of [[501, 1500, 10], [1, 2000, 10], [10, 20, 1600000]]) {
    plant(full.host, sender, count, waiting, size)
    assert.equal((await say(stranger)).status, 429)
    taken(await say(elsewhere))
    clear()
  }
  plant(full.host, '192.0.2.0', 1000, 2000)
  assert.equal((await say(stranger)).status, 429)
  taken(await friend.post(site, friend.say('Undo', follow(friend))))
  taken(await elsewhere.post(site, follow(elsewhere)))
  await site.when('the other is heard', () => isFollowing(elsewhere))
  clear()

  plant('far.example', sender)
  assert.equal((await say(stranger)).status, 429)
  taken(await friend.post(site, follow(friend)))
  await site.when('the friend is heard', () => isFollowing(friend))
  clear()

  sql(site, `INSERT INTO identity_unproved_host (host, waiting, size, place, next) VALUES ('far.example', 20000, 1, 0, ${late});`)
  await site.when('they are counted', async () => (await say(fresh(other))).status === 503)
  taken(await friend.post(site, friend.say('Undo', follow(friend))))
  clear()
  await site.when('there is room again', async () => (await say(fresh(other))).status === 204)
})

test('T10 what waits for long, and what ends the server each time, is given up', async () => {
  const givenUp = await outcome('given up')
  const row = (sum, attempts, received) => `INSERT INTO identity_unproved (host, sender, key_id, signature, covered, is_modern, body, sum, size, next, received, attempts)
    VALUES ('far.example', '192.0.2.0', 'http://far.example/x#${sum}', 'x', 'x', FALSE, '{}', '${sum}', 10, 1, ${received}, ${attempts});`
  sql(site, `${row('old', 1, Date.now() - 3 * 3600000)}${row('often', 6, Date.now())}
    INSERT INTO identity_unproved_host (host, waiting, size, place, next) VALUES ('far.example', 2, 20, 0, 1);`)
  taken(await say(fresh(peers[0]))) // has the server look
  await site.when('they are gone', () => waiting() === 0)
  assert.equal(await outcome('given up'), givenUp + 2)
  assert.equal(sql(site, 'SELECT COUNT(*) FROM identity_unproved_host;'), '0')
})
